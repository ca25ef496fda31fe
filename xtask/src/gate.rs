//! `cargo xtask gate`: red only when it is really slower. A thin caller of [`querydyno::host::gate::Gate`].

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use clap::{ArgGroup, Args};
use querydyno::host::checkout::Checkout;
use querydyno::host::files::write_whole;
use querydyno::host::gate::page::{self, MARKER};
use querydyno::host::gate::{Comparison, Error, Gate as Run, GateOutcome, to_confirm};
use querydyno::host::interrupt;
use querydyno::host::report::{markdown, terminal};
use querydyno::host::settings::Settings;
use querydyno::host::terminal::output::print;
use serde_json::Value;

use crate::USAGE;
use crate::json::{Json, is_stdout};
use crate::report::{colors, tell};

/// The exit code where nothing can be said, an interrupt among the reasons.
pub(crate) const UNDECIDED: u8 = 3;

/// Decide whether this tree made a query slower or hungrier than a base
///
/// The base is built in a git worktree below the target folder. Base and head take turns in fresh processes; ten pairs clear most
/// rows, thirty new pairs decide on the others. If a control moved, the run is invalid and no row is red.
#[derive(Debug, Args)]
#[command(
    group(ArgGroup::new("against").required(true).args(["base", "base_program"])),
    after_help = "Examples:
  cargo xtask gate --base main                        every query on the engines that are compiled here and built
  cargo xtask gate '^(duckdb|polars)/q(1|6)/' --base v1.0 --budget 10m
  cargo xtask gate duckdb --base-program /old/querydyno-duckdb --head-program target/release/querydyno-duckdb
  cargo xtask gate q1 --base-program polars-wheel@2.0.0 --head-program polars-wheel@2.1.0
  cargo xtask gate duckdb --base main --confirm gate.json     on another machine: only what was slower there

What may be slower or hungrier, and until when, is in [gate] of querydyno.toml (src/host/settings/mod.rs shows every key).
A gate that was interrupted or killed goes on where it stopped when the same command is given again. The samples are also in
Criterion's folder as baselines base and head: critcmp base head.
Exit codes: 0 passed; 1 slower or hungrier, confirmed; 2 usage; 3 undecided (noise, a moved control, missing rows, interrupted)."
)]
pub(crate) struct Gate {
    /// The rows, as in a bench: `duckdb/q1`, `q6`, a regular expression [default: all of the compiled engines that are built]
    filter: Option<String>,
    /// The revision to compare this tree with: a branch, a tag or a commit
    #[arg(long, value_name = "REVISION")]
    base: Option<String>,
    /// A program or engine to compare with: `polars-wheel@2.0.0`
    #[arg(long, value_name = "PROGRAM", requires = "head_program")]
    base_program: Option<String>,
    /// The program or engine that is compared
    #[arg(long, value_name = "PROGRAM", requires = "base_program", conflicts_with = "base")]
    head_program: Option<String>,
    /// Time for measuring: the rest after all rows goes to those that are too noisy, the widest interval first
    #[arg(long, value_name = "TIME", value_parser = time)]
    budget: Option<Duration>,
    /// Decide only on the rows that this JSON of another machine's gate calls regressed
    #[arg(long, value_name = "FILE")]
    confirm: Option<PathBuf>,
    /// Count the rows' instructions too, at sf0.01 with one thread, under Valgrind: a few seconds a row, an exact limit
    #[arg(long)]
    instructions: bool,
    /// Start again instead of continuing a gate that did not end
    #[arg(long)]
    fresh: bool,
    #[command(flatten)]
    told: Told,
}

// How it runs and is told, for gate and compare. No doc comment: clap would take it for what the command does.
#[derive(Debug, Args)]
pub(crate) struct Told {
    /// Scale factors, as a list: 0.01,1 [default: `QUERYDYNO_SCALE`, or 1]
    #[arg(long)]
    scale: Option<String>,
    #[command(flatten)]
    json: Json,
    /// Write the page as Markdown to this file; `-` is stdout
    #[arg(long, value_name = "FILE")]
    markdown: Option<PathBuf>,
}

fn time(text: &str) -> Result<Duration, String> {
    let time = querydyno::host::settings::duration(text).map_err(|error| format!("{error:#}"))?;
    if time.is_zero() { Err("nothing can be measured in no time: give some, such as 10m".to_owned()) } else { Ok(time) }
}

impl Gate {
    pub(crate) fn run(self) -> ExitCode {
        let comparison = match (self.base, self.base_program, self.head_program) {
            (Some(base), None, None) => Comparison::Revisions { base, head: None },
            (None, Some(base), Some(head)) => Comparison::Programs { base, head },
            _ => unreachable!("clap lets one of the two through"),
        };
        let confirm = match self.confirm.as_deref().map(to_confirm).transpose() {
            Ok(confirm) => confirm,
            Err(error) => {
                tell!("error: {:#}", anyhow::Error::from(error));
                return ExitCode::from(USAGE);
            }
        };
        let gate = Run {
            comparison,
            filter: self.filter,
            budget: self.budget,
            fresh: self.fresh,
            instructions: self.instructions,
            confirm,
            only_compare: None,
        };
        let told = self.told.run(&gate, true);
        told.map_or_else(|code| code, |outcome| ExitCode::from(outcome.conclusion.exit_code()))
    }
}

impl Told {
    /// Runs it and tells the outcome; the exit code where there is none.
    pub(crate) fn run(&self, gate: &Run, verdicts: bool) -> Result<GateOutcome, ExitCode> {
        interrupt::exits_with(UNDECIDED);
        // What an earlier gate said must not be taken for this one's.
        let files = self.files();
        for file in files.into_iter().flatten().filter(|file| !is_stdout(file) && file.is_file()) {
            let _ = fs::remove_file(file);
        }
        if let Some(note) = querydyno::host::paths::other_checkout() {
            tell!("{note}");
        }
        let scale = self.scale.iter().map(|scale| ("QUERYDYNO_SCALE", scale.clone()));
        let settings = self.check_files().and_then(|()| Settings::read_with(scale)).map_err(|error| {
            tell!("error: {error:#}");
            ExitCode::from(USAGE)
        })?;
        let outcome = gate.run(&Checkout::here(), &settings).map_err(|error| {
            let code = if matches!(error, Error::Usage(_)) { USAGE } else { UNDECIDED };
            let error = anyhow::Error::from(error);
            tell!("error: {error:#}");
            if verdicts {
                // For whoever reads the files: a summary, a comment, a second machine.
                let nothing = GateOutcome::without(&format!("{error:#}"), &settings.gate);
                if let Err(error) = self.write(&nothing, verdicts) {
                    tell!("{error:#}");
                }
            }
            ExitCode::from(code)
        })?;
        if let Err(error) = self.tell(&outcome, verdicts) {
            tell!("error: {error:#}");
            // What was found stands, told or not.
            if outcome.conclusion.exit_code() == 0 {
                return Err(ExitCode::from(UNDECIDED));
            }
        }
        Ok(outcome)
    }

    /// Where JSON and Markdown go.
    fn files(&self) -> [Option<&Path>; 2] {
        [self.json.file(), self.markdown.as_deref()]
    }

    /// Before an hour of pairs.
    fn check_files(&self) -> Result<()> {
        let files = self.files();
        for file in files.into_iter().flatten() {
            ensure!(!file.is_dir(), "{} is a folder: name a file", file.display());
        }
        ensure!(
            files[0].is_none() || files[0] != files[1],
            "--json and --markdown name the same file: give each its own"
        );
        Ok(())
    }

    fn tell(&self, outcome: &GateOutcome, verdicts: bool) -> Result<()> {
        // Files first: a terminal may be gone.
        self.write(outcome, verdicts)?;
        if self.files().into_iter().flatten().any(is_stdout) {
            return Ok(());
        }
        print(&terminal::render(&page::document(outcome, verdicts), colors()))
    }

    /// What was asked for beside the terminal's page.
    fn write(&self, outcome: &GateOutcome, verdicts: bool) -> Result<()> {
        if let Some(file) = self.json.file() {
            write(file, &json(outcome, verdicts)?)?;
        }
        if let Some(file) = &self.markdown {
            let document = page::document(outcome, verdicts);
            write(file, &format!("{MARKER}\n{}", markdown::render(&document, None)))?;
        }
        Ok(())
    }
}

/// The outcome as JSON; a comparison's without what is a verdict in it.
fn json(outcome: &GateOutcome, verdicts: bool) -> Result<String> {
    let mut json = serde_json::to_value(outcome)?;
    if !verdicts {
        let drop = |value: &mut Value, keys: &[&str]| {
            if let Some(object) = value.as_object_mut() {
                object.retain(|key, _| !keys.contains(&key.as_str()));
            }
        };
        drop(&mut json, &["conclusion", "reasons", "limits"]);
        for row in json["rows"].as_array_mut().into_iter().flatten() {
            drop(row, &["verdict", "untouched", "reason"]);
            for metric in row["metrics"].as_array_mut().into_iter().flatten() {
                drop(metric, &["verdict", "blind", "limit", "stage"]);
            }
        }
    }
    Ok(serde_json::to_string_pretty(&json)? + "\n")
}

fn write(file: &Path, text: &str) -> Result<()> {
    if is_stdout(file) {
        return print(text);
    }
    write_whole(file, text.as_bytes()).with_context(|| format!("cannot write {}", file.display()))
}
