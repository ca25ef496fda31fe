//! `history import`: results of other tools, of other machines and of scripts. The main type is [`Import`].
//!
//! What a file tells becomes records, lines of a file of the journal in `.querydyno/imported`, which appears whole or not at all; from
//! there the history takes them in as it does any record, be it today or when it is made anew. A result's run is its file's checksum,
//! so that the same content is the same results, whatever the file is called. A file that has grown, or was written in another form, has
//! the results that it had: they are known by what they say. What a file does not tell is unknown, never guessed.
//!
//! This neither measures nor ranks: imported results are shown and marked, and nobody has compared their answers.
//!
//! `cargo xtask history import results.json` shows what it would take in; with `--yes` it does.

mod clickbench;
mod critcmp;
mod criterion_name;
mod criterion_tree;
mod detect;
mod engines;
mod figures;
mod google;
mod hyperfine;
mod input;
mod item;
mod json;
mod keep;
mod mapping;
mod models;
mod names;
mod ours;
mod past;
mod plan;
mod pytest;
mod record;
mod table;
mod times;
mod told;
mod units;

use std::path::PathBuf;

use anyhow::Result;
use clap::{Args, ValueEnum};

use super::store::Store;
use plan::Plan;

/// Take in results of other tools and other machines; without `--yes` only show them
#[derive(Debug, Args)]
#[command(
    after_help = "The kind of a file is known by its contents. What it does not say stays unknown: its machine, threads, date.
Nothing is half taken in: all that fits comes in as a whole, and with something that does not fit, nothing unless you say --leave-out.
The same file a second time changes nothing; of a file that has grown since, under the same name, only what is new comes in.
A name becomes a part of an id in small letters; what an id cannot have becomes -, with a checksum of the name behind it.
Imported results are marked, and never ranked with measured ones.

  history import target/criterion --machine laptop      Criterion's tree, anybody's
  history import jobs.json --yes                         hyperfine, pytest-benchmark, Google Benchmark, critcmp, ClickBench
  history import benchmark_results.json --time-unit s    averages of engines, where keys name no unit
  history import other/.querydyno/records --yes          the journal of another machine
  history import runs.csv --mapping runs.toml            a table; the mapping says what its columns are:

    separator = \",\"                     # what stands between columns, the comma without it
    date_format = \"%d.%m.%Y %H:%M\"      # where dates are not written as 2026-11-27 12:00
    [columns]                           # engine query variant suite scale time peak_memory threads version machine started_at commit error
    query = \"case\"
    time = \"elapsed\"
    [constants]                         # what is the same in all rows
    engine = \"spark\"
    [units]
    time = \"ms\"
    [figures]                           # what else is to be kept
    rows_per_second = { column = \"rps\", unit = \"per_second\" }"
)]
pub(super) struct Import {
    /// Files, or folders with such files or with Criterion's cells
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// What they are [default: known by the contents]
    #[arg(long, value_enum)]
    kind: Option<Kind>,
    /// What the columns of CSV files are, in TOML
    #[arg(long, value_name = "FILE.toml")]
    mapping: Option<PathBuf>,
    #[command(flatten)]
    defaults: Defaults,
    /// Take them in
    #[arg(long)]
    yes: bool,
    /// Take in the rest where something does not fit
    #[arg(long)]
    leave_out: bool,
}

// What the user says of files that do not say it. No doc comment: clap would take it for what the command does.
#[derive(Debug, Args)]
struct Defaults {
    /// The machine, where a file does not name it
    #[arg(long, value_name = "NAME")]
    machine: Option<String>,
    /// The engine, where a file does not name it
    #[arg(long, value_name = "NAME")]
    engine: Option<String>,
    /// The unit of times whose keys do not name it: ns, us, ms, s, min, h
    #[arg(long, value_name = "UNIT", value_parser = units::time)]
    time_unit: Option<f64>,
    /// The unit of memory whose keys do not name it: bytes, kB, MB, GB, KiB, MiB, GiB
    #[arg(long, value_name = "UNIT", value_parser = units::size)]
    memory_unit: Option<f64>,
}

/// What a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Kind {
    /// Criterion's tree, target/criterion: ours or anybody's
    Criterion,
    /// Records of ours, of every version
    Records,
    /// `benchmark_results.json`: averages of engines
    Engines,
    /// Models on hardware: `model_name`, `hardware_type`, `latency_avg` ...
    Models,
    /// hyperfine --export-json
    Hyperfine,
    /// pytest --benchmark-json
    #[value(name = "pytest-benchmark")]
    Pytest,
    /// Google Benchmark, `--benchmark_out` in JSON
    #[value(name = "google-benchmark")]
    Google,
    /// critcmp --export
    Critcmp,
    /// A result of `ClickBench`
    Clickbench,
    /// A table, with --mapping
    Csv,
}

impl Kind {
    /// The word for it in ids and as a suite.
    fn word(self) -> &'static str {
        match self {
            Self::Criterion => "criterion",
            Self::Records => "records",
            Self::Engines => "engines",
            Self::Models => "models",
            Self::Hyperfine => "hyperfine",
            Self::Pytest => "pytest-benchmark",
            Self::Google => "google-benchmark",
            Self::Critcmp => "critcmp",
            Self::Clickbench => "clickbench",
            Self::Csv => "csv",
        }
    }

    fn title(self) -> &'static str {
        match self {
            Self::Criterion => "Criterion's tree",
            Self::Records => "records of ours",
            Self::Engines => "averages of engines",
            Self::Models => "models on hardware",
            Self::Hyperfine => "hyperfine",
            Self::Pytest => "pytest-benchmark",
            Self::Google => "Google Benchmark",
            Self::Critcmp => "critcmp",
            Self::Clickbench => "ClickBench",
            Self::Csv => "CSV",
        }
    }

    /// How names of engines and queries are made.
    fn rule(self) -> &'static str {
        match self {
            Self::Criterion | Self::Critcmp => criterion_name::RULE,
            Self::Records => ours::RULE,
            Self::Engines => engines::RULE,
            Self::Models => models::RULE,
            Self::Hyperfine => hyperfine::RULE,
            Self::Pytest => pytest::RULE,
            Self::Google => google::RULE,
            Self::Clickbench => clickbench::RULE,
            Self::Csv => table::RULE,
        }
    }
}

impl Defaults {
    /// The engine of a file that tells none: the user's word, or the kind of file.
    fn engine(&self, kind: Kind) -> String {
        self.engine.clone().unwrap_or_else(|| kind.word().to_owned())
    }
}

impl Import {
    /// Reads all files, and what the history has of them.
    ///
    /// # Errors
    /// When a path or the mapping cannot be read.
    pub(super) fn plan(&self, store: &Store) -> Result<Plan> {
        Plan::make(self, store)
    }
}
