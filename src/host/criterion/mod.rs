//! The host's main job: what `cargo bench -- duckdb/q1` does, from the filter to the exit code.
//!
//! A bench file calls [`main`] with its suite's name and is done. Criterion does the statistics, the baselines and
//! the pictures; an engine program does the work and holds the clock; here the two are brought together, one cell
//! after the other, and a record is written of each.

mod args;
pub mod baseline;
mod linear;
pub(crate) mod replay;
mod run;
mod sampler;

use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Result, ensure};
use criterion::{Criterion, PlottingBackend};

use crate::host::catalog::Catalog;
use crate::host::incremental;
use crate::host::interrupt;
use crate::host::paths;
use crate::host::run::plan;
use crate::host::run::select::{self, Cell, DefaultSelection};
use crate::host::settings::Settings;
use crate::host::suite::{Suite, is_adhoc};
use crate::host::terminal::output::{self, Relay};
use crate::host::terminal::relative_time::Reference;
use crate::host::terminal::show_notes;
use args::{Args, Mode};
pub use linear::linear;

/// Samples of a cell, unless `--sample-size` says otherwise; fewer are none for Criterion.
pub(crate) const SAMPLES: usize = 10;
/// Bootstrap resamples, unless `--nresamples` says otherwise. Criterion's own 100,000 say nothing more about ten
/// samples, and drawing their densities takes two seconds a cell; with 10,000 it still was 5 % of a run.
const RESAMPLES: usize = 2_000;
/// The exit code for an invalid command line or setting.
const USAGE: u8 = 2;

/// The whole `main` of a bench target: runs the cells of one suite that the command line means; `own` stands for all
/// suites of the user's.
///
/// Exits with 0 when all selected cells were measured or skipped for a reason, 1 when one failed, answered wrongly or is disputed,
/// 2 when the command line or a setting is invalid, 130 after Ctrl-C.
pub fn main(suite: &str) -> ExitCode {
    show_notes();
    start(suite).unwrap_or_else(|error| {
        if interrupt::requested() {
            return ExitCode::from(interrupt::EXIT_CODE);
        }
        log::error!("error: {error:#}");
        ExitCode::from(USAGE)
    })
}

fn start(suite: &str) -> Result<ExitCode> {
    let args = Args::parse(std::env::args().skip(1));
    if args.mode == Mode::Help {
        output::line(HELP)?;
        // Prints Criterion's own options and exits.
        let _ = Criterion::default().configure_from_args();
        return Ok(ExitCode::SUCCESS);
    }
    if args.has(args::ACCEPT_MAJORITY) {
        return Err(without_our_option());
    }
    args.check_baselines()?;
    if args.has("ignored") {
        // Criterion takes it for "only those that are ignored", and no benchmark is. cargo nextest asks for their list.
        return Ok(ExitCode::SUCCESS);
    }
    ensure!(
        args.sample_size() >= SAMPLES,
        "--sample-size must be at least {SAMPLES}: Criterion's statistics need as many"
    );
    if let Some(note) = paths::other_checkout() {
        log::info!("{note}");
    }
    let settings = Settings::read()?;
    let mut catalog = Catalog::read(&settings)?;
    let words = select::words(args.filter.as_deref());
    catalog.add_versions(&words)?;
    if words.iter().any(|word| is_adhoc(word)) {
        // Among all suites it is left out silently where it cannot be meant.
        Suite::adhoc_of(&settings)?;
    }
    let suites = Suite::all(&settings)?;
    let cells = select::all(&suites, &catalog, &settings);
    // Every bench target sees the same filter, so only what no suite knows is a mistake.
    let selected = select::select(cells, args.filter.as_deref(), args.has("exact"), DefaultSelection::of(&settings))?;
    // Suites of the user's own have no bench target each: they share the one of the own query.
    let is_ours = |of: &Suite| of.name == suite || (is_adhoc(suite) && of.is_external());
    let cells: Vec<Cell<'_>> = selected.into_iter().filter(|cell| is_ours(cell.suite)).collect();
    if cells.is_empty() {
        return Ok(ExitCode::SUCCESS);
    }
    if args.mode != Mode::List {
        select::check_names(&cells)?;
    }
    match &args.mode {
        Mode::List => {
            let list: Vec<String> = cells.iter().map(|cell| format!("{}: benchmark", cell.id)).collect();
            output::line(list.join("\n"))?;
            Ok(ExitCode::SUCCESS)
        }
        Mode::Load(baseline) => {
            ensure!(
                args.has("baseline") || args.has("baseline-lenient"),
                "--load-baseline {baseline} shows one baseline against another: name the other with --baseline NAME"
            );
            plan::check_baseline(&cells, baseline)?;
            let mut criterion = criterion();
            let _relay = Relay::new();
            for cell in &cells {
                sampler::show_stored(&mut criterion, &cell.id);
            }
            Ok(ExitCode::SUCCESS)
        }
        _ => {
            interrupt::install()?;
            let cells = if settings.only.is_empty() { cells } else { incremental::due(cells, &settings)? };
            if cells.is_empty() {
                return Ok(ExitCode::SUCCESS);
            }
            if let Some(baseline) = args.value("baseline") {
                plan::check_baseline(&cells, baseline)?;
            }
            let reference = catalog.entries().iter().find_map(Reference::of);
            // Made first: a command line that Criterion does not take ends the process, after words about it.
            let criterion = criterion();
            let _relay = Relay::new();
            run::run(&cells, reference, &args, &settings, criterion)
        }
    }
}

/// Goes on as the same program without the option that Criterion would refuse; the environment has the setting instead. Returns
/// only when that cannot be.
fn without_our_option() -> anyhow::Error {
    let again = |exe| {
        let rest = std::env::args().skip(1).filter(|arg| arg.strip_prefix("--") != Some(args::ACCEPT_MAJORITY));
        std::process::Command::new(exe).args(rest).env("QUERYDYNO_ACCEPT_MAJORITY", "yes").exec()
    };
    std::env::current_exe().map_or_else(|error| error, again).into()
}

/// Criterion as the command line wants it, except for the filter, which is ours.
fn criterion() -> Criterion {
    criterion_in(&paths::criterion()).configure_from_args().with_filter("")
}

/// Criterion as it is for all of us before somebody says otherwise, keeping what it makes below this folder.
pub(crate) fn criterion_in(folder: &Path) -> Criterion {
    Criterion::default()
        .sample_size(SAMPLES)
        .nresamples(RESAMPLES)
        // Otherwise each start asks the system for gnuplot.
        .plotting_backend(PlottingBackend::Plotters)
        .output_directory(folder)
}

const HELP: &str = "\
QueryDyno measures query engines: every engine/query/scale/variant is a Criterion benchmark.

  cargo bench -- duckdb/q1             q1 on DuckDB
  cargo bench -- q6                    q6 on every engine
  cargo bench -- '^(arrow|duckdb)/q6/' a regular expression works too
  cargo bench -- polars/q1/sf1/parquet-eager   a mode of execution other than the engine's default
  cargo bench -- duckdb/q6/sf1/parquet-cold    a fresh program and no cached page of the data for every iteration
  cargo bench -- '^(polars-wheel|polars-wheel@2.0.0)/q1/'   two versions side by side
  cargo bench -- --list                what there is; starts and compiles nothing
  cargo bench -- q1 --save-baseline a  keep the result under a name ...
  cargo bench -- q1 --baseline a       ... and compare with it later
  cargo bench -- --test duckdb         verify every answer once, without timing
  cargo bench -- own --accept-majority where engines disagree, take what most say
  cargo bench -- tpch                  every query of a suite, on every engine
  cargo bench -- duckdb/tpcds          a suite that runs only when it is named, as its queries do: duckdb/ds1
  TABLE_NAME=prices.parquet QUERY='SELECT count(*) FROM {table}' cargo bench -- own
                                       a query of your own; cargo xtask bench serves better there, and where runs are to be
                                       counted or only what is missing is to be run: cargo xtask bench --help

Environment (or querydyno.toml beside Cargo.toml, see src/host/settings/mod.rs):
  QUERYDYNO_SCALE=0.01,1        scale factors, 0.001 to 1000         (default 1)
  QUERYDYNO_THREADS=1,2         threads for every engine             (default all processors)
  QUERYDYNO_MEMORY=none,2GiB    enforced; engines are told 4/5 of it (default 90 % of the machine, enforced only)
  QUERYDYNO_CACHE=hot,cold      cold: see parquet-cold above         (default hot)
  QUERYDYNO_FORMATS=parquet     parquet, iceberg, iceberg-monthly, parquet-by-category, s3, iceberg-s3 (default parquet)
  HIVE_METASTORE_URI=thrift://localhost:9083   where Iceberg tables are registered (default plain folders)
  QUERYDYNO_WORKLOADS=/my/shop  folders with a suite.toml of your own
  QUERYDYNO_TIMEOUT=5m          for one reply of an engine program   (default 5m)
  QUERYDYNO_QUERY_TIMEOUT=30s   for one run of a query: what takes longer fails, the next goes on (default none)
  QUERYDYNO_DATA=/fast/disk     where generated tables lie           (default target/querydyno/data)
  QUERYDYNO_ONLY=missing,outdated   cells that need a run by the history; also failed, older=14d (default all)
  QUERYDYNO_HOME=/my/results    where records are kept               (default .querydyno)
  QUERYDYNO_PYTHON=python3.12   makes script engines' environments   (default python3)
  QUERYDYNO_TPCH_ANSWERS=DIR    TPC's published q1.out to q22.out: sf1 is then verified against them

Exit codes: 0 measured, or skipped for the reason shown; 1 a cell failed, answered wrongly or is disputed, 2 usage, 130 interrupted.
Criterion's own options follow.
";
