//! The command line: parse, open the history, have it done.

use std::io::{self, IsTerminal as _, Read as _};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Result, ensure};
use clap::{Args, Parser, Subcommand};

use super::annotate::{self, Kind};
use super::changes::Changes;
use super::compare::Compare;
use super::format::Format;
use super::import::Import;
use super::mark::Mark;
use super::newest::Newest;
use super::simulate::Simulate;
use super::simulated::Simulated;
use super::store::{AT_ONCE, PATIENCE, Store};
use super::take_in::{TakenIn, due, take_in};
use super::trend::Trend;
use super::validate::Validate;
use super::{Error, backup, check, delete, demo, query};
use crate::host::paths;
use crate::host::terminal::output;

/// Ask and look after the history: every result that was recorded, in one DuckDB file
///
/// It is `.querydyno/history.duckdb`, or what `QUERYDYNO_HISTORY` (or `BENCHMARK_DB_PATH`) names. Before each command it takes in what
/// is new in the journal, `.querydyno/records`; a bench never waits for it.
#[derive(Debug, Parser)]
#[command(
    name = "cargo xtask history",
    version,
    disable_help_subcommand = true,
    after_help = "Questions:
  history sql \"FROM best_engine_per_query\"                         the fastest engine for each query
  history sql \"FROM series WHERE cell LIKE 'duckdb/q1/%'\"           one cell over time
  history changes --since 2026-03-01                                what became slower or faster since a date
  history trend duckdb/q1                                           one cell over time, with levels and changes
  history sql \"FROM failures WHERE NOT verified_since\"              what fails still, and where
  history sql \"FROM compatibility WHERE status <> 'works'\"          who cannot do what, since which version
  history sql \"SELECT cell, time_ns FROM latest\" --format csv --output latest.csv
  history sql \"SELECT table_name, column_name, data_type FROM duckdb_columns() WHERE NOT internal\"
Tables and views, with units: src/history/mod.rs, or cargo doc --open"
)]
pub(super) struct Cli {
    /// Another history, such as a backup or a demo; then the journal is left alone
    #[arg(long, global = true, value_name = "FILE")]
    pub(super) database: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Ask it in SQL; nothing can be written and no other file be read, whatever the text
    Sql {
        /// One statement; `-` reads it from stdin
        statement: String,
        #[command(flatten)]
        form: Form,
    },
    /// List results, the newest first
    List {
        /// The cells, as in a bench: `duckdb/q1`, `q6`, `^(duckdb|polars)/`
        #[arg(default_value = "")]
        filter: String,
        /// So many at most
        #[arg(long, short = 'n', default_value_t = 20)]
        limit: u64,
        #[command(flatten)]
        form: Form,
    },
    /// Tell all that is known of one result
    Show {
        /// Its name, as `list` and reports tell it: `20261120T120000Z-4711:3`
        id: String,
    },
    Trend(Trend),
    Changes(Changes),
    /// Tell how much there is, and of what
    Stats {
        #[command(flatten)]
        form: Form,
    },
    /// Take in what is new in the journal, and nothing else
    TakeIn {
        /// Give up at once where somebody else uses the history
        #[arg(long)]
        at_once: bool,
    },
    /// What the host asks before a run
    #[command(hide = true)]
    Newest(Newest),
    Import(Import),
    /// Read every value, hold every figure against the journal, look for what points to nothing; exit code 1 where something is wrong
    Check,
    /// Write the file anew, without the room that deleted results left
    Optimize,
    /// Copy it to a new file, which is read again before it gets its name
    Backup {
        /// The new file
        file: PathBuf,
        /// Compress it by gzip
        #[arg(long)]
        compress: bool,
    },
    /// Put a backup in its place, once every value of it has been read; what it was is kept beside it
    Restore {
        /// A backup, compressed or not
        file: PathBuf,
    },
    /// Write each table as a Parquet file
    Export {
        /// A folder that is empty or not there
        folder: PathBuf,
    },
    /// Keep a note of a result, run, cell, series, class of machines, or engine and query (`duckdb/q1`)
    Annotate {
        /// What it is of, by the name that `list` and `show` tell
        target: String,
        /// What to say
        text: String,
        /// What kind of note it is
        #[arg(long, value_enum, default_value = "note")]
        kind: Kind,
        /// The same as `--kind level`
        #[arg(long, conflicts_with = "kind")]
        level: bool,
    },
    /// Tell which results are not measured, and why
    Simulated(Simulated),
    /// Mark results as simulated or estimated, or take that back; the journal stays as it is
    Mark(Mark),
    /// Simulate results from measured ones: at another scale, or on another machine; they are written to the journal as such
    Simulate(Simulate),
    /// Look for results that cannot have been measured as they say
    Validate(Validate),
    /// Compare engines, machines, versions or runs, query by query
    Compare(Compare),
    /// Delete results; they stay in the journal and are not taken in again
    Delete {
        /// Their names, as `list` tells them
        #[arg(required_unless_present = "condition")]
        records: Vec<String>,
        /// Instead: a condition over `measurements`, such as "provenance = 'simulated'"
        #[arg(long = "where", value_name = "SQL", conflicts_with = "records")]
        condition: Option<String>,
        /// Only show what would be deleted
        #[arg(long)]
        dry_run: bool,
        /// Why, which is kept
        #[arg(long, default_value = "not said")]
        reason: String,
    },
    /// Make a history of simulated results, to try things on
    Demo {
        /// A file that is not there
        file: PathBuf,
        /// How many results, about
        #[arg(long, default_value_t = 5000)]
        results: usize,
        /// One value for each figure
        #[arg(long)]
        no_samples: bool,
        /// Keep the journal that it is made of in this folder, which can be a `QUERYDYNO_HOME`
        #[arg(long, value_name = "FOLDER")]
        journal: Option<PathBuf>,
    },
}

// How rows are shown, and where. No doc comment: clap would take it for what the command does.
#[derive(Debug, Args)]
pub(super) struct Form {
    /// How to show the rows
    #[arg(long, value_enum, default_value = "table")]
    pub(super) format: Format,
    /// The file to write [default: stdout]
    #[arg(long, short, value_name = "FILE")]
    pub(super) output: Option<PathBuf>,
}

impl Cli {
    /// Does what was asked for.
    ///
    /// # Errors
    /// Why it could not be done.
    pub(super) fn run(self) -> Result<ExitCode> {
        let path = self.database.clone().unwrap_or_else(paths::history);
        match &self.command {
            Command::Sql { statement, form } => {
                let statement = if statement == "-" { stdin()? } else { statement.clone() };
                form.check()?;
                query::sql(&self.reading()?, &statement, [], form.format, form.output.as_deref())?;
            }
            Command::List { filter, limit, form } => {
                form.check()?;
                query::list(&self.reading()?, filter, *limit, form.format, form.output.as_deref())?;
            }
            Command::Show { id } => query::show(&self.reading()?, id)?,
            Command::Trend(trend) => {
                trend.check()?;
                trend.run(&self.reading()?)?;
            }
            Command::Changes(changes) => {
                changes.check()?;
                let store = if changes.alert { self.writing()?.0 } else { self.reading()? };
                return changes.run(&store);
            }
            Command::Stats { form } => {
                form.check()?;
                query::stats(&self.reading()?, form.format, form.output.as_deref())?;
            }
            Command::Newest(newest) => newest.run(&self.reading()?)?,
            Command::TakeIn { at_once } => {
                let taken = self.writing_within(if *at_once { AT_ONCE } else { PATIENCE })?.1;
                let TakenIn { files, results, left_out } = taken;
                output::line(format_args!(
                    "{results} new results, {left_out} lines left out, of {files} new or changed files"
                ))?;
            }
            Command::Import(import) => {
                ensure!(
                    self.database.is_none(),
                    "an import goes into the journal of QUERYDYNO_HOME: leave --database out"
                );
                let plan = import.plan(&self.reading()?)?;
                return import.finish(&plan, || Ok(self.writing()?.1));
            }
            Command::Check => {
                let home = paths::home();
                let home = self.database.is_none().then_some(home.as_path());
                if !check::check(&self.reading()?, home)? {
                    return Ok(ExitCode::FAILURE);
                }
            }
            Command::Optimize => backup::optimize(self.writing()?.0)?,
            Command::Backup { file, compress } => {
                drop(self.reading()?);
                backup::backup(&path, file, *compress)?;
            }
            Command::Restore { file } => backup::restore(&path, file)?,
            Command::Export { folder } => {
                drop(self.reading()?);
                backup::export(&path, folder)?;
            }
            Command::Annotate { target, text, kind, level } => {
                let kind = if *level { Kind::Level } else { *kind };
                annotate::annotate(&self.writing()?.0, target, text, kind)?;
            }
            Command::Simulated(simulated) => simulated.run(&self)?,
            Command::Mark(mark) => mark.run(&self)?,
            Command::Simulate(simulate) => simulate.run(&self)?,
            Command::Validate(validate) => return validate.run(&self),
            Command::Compare(compare) => compare.run(&self)?,
            Command::Delete { records, condition, dry_run, reason } => {
                let meant = delete::meant(&self.reading()?, records, condition.as_deref())?;
                if *dry_run {
                    delete::show(&meant)?;
                } else {
                    delete::delete(&self.writing()?.0, &meant, reason)?;
                }
            }
            Command::Demo { file, results, no_samples, journal } => {
                demo::demo(file, *results, !no_samples, journal.as_deref())?;
            }
        }
        Ok(ExitCode::SUCCESS)
    }

    /// The history, open for reading, with all that the journal has.
    pub(super) fn reading(&self) -> Result<Store> {
        if let Some(path) = &self.database {
            return Ok(Store::read(path, PATIENCE)?);
        }
        let path = paths::history();
        let seen = match Store::read(&path, PATIENCE) {
            Ok(store) => store.is_current()?.then_some(store),
            Err(Error::Missing(_)) => None,
            Err(error) => return Err(error.into()),
        };
        let due = due(&paths::home(), seen.as_ref())?;
        let files = due.len();
        if let (0, Some(store)) = (files, seen) {
            return Ok(store);
        }
        match self.writing() {
            Ok(_) => {}
            // Somebody else reads: so can we, what is there.
            Err(error) if matches!(error.downcast_ref(), Some(Error::Busy { .. })) => {
                match Store::read(&path, PATIENCE) {
                    Ok(store) => {
                        log::warn!("note: {files} files of the journal are not taken in yet: {error:#}");
                        return Ok(store);
                    }
                    Err(_) => return Err(error),
                }
            }
            Err(error) => return Err(error),
        }
        Ok(Store::read(&path, PATIENCE)?)
    }

    /// The history, open for writing, and what it has just taken in.
    pub(super) fn writing(&self) -> Result<(Store, TakenIn)> {
        self.writing_within(PATIENCE)
    }

    fn writing_within(&self, patience: Duration) -> Result<(Store, TakenIn)> {
        if let Some(path) = &self.database {
            ensure!(path.is_file(), Error::Missing(path.clone()));
            return Ok((Store::write(path, patience)?, TakenIn::default()));
        }
        let store = Store::write(&paths::history(), patience)?;
        let due = due(&paths::home(), Some(&store))?;
        let taken = take_in(&store, due)?;
        if taken.results > 0 {
            log::info!("taken in: {} new results of {} files of the journal", taken.results, taken.files);
        }
        Ok((store, taken))
    }
}

impl Form {
    /// Before anything is opened: whether it can be shown so.
    pub(super) fn check(&self) -> Result<()> {
        let shown = self.format != Format::Parquet || self.output.is_some() || !io::stdout().is_terminal();
        ensure!(shown, "Parquet is nothing for a terminal: add --output FILE");
        Ok(())
    }
}

fn stdin() -> Result<String> {
    let mut text = String::new();
    io::stdin().read_to_string(&mut text)?;
    Ok(text)
}
