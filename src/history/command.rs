//! The command line: parse, open the history, have it done.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Result, ensure};
use clap::{Parser, Subcommand};

use super::annotate::{self, Kind};
use super::caller::stdin;
use super::changes::Changes;
use super::compare::Compare;
use super::form::Form;
use super::import::Import;
use super::mark::Mark;
use super::newest::Newest;
use super::place::Place;
use super::simulate::Simulate;
use super::simulated::Simulated;
use super::store::{AT_ONCE, PATIENCE};
use super::take_in::TakenIn;
use super::trend::Trend;
use super::validate::Validate;
use super::{backup, check, delete, demo, level, query, statements};
use crate::host::paths;
use crate::host::terminal::output;

/// Query and maintain the history: every recorded result, in one DuckDB file
///
/// It is `.querydyno/history.duckdb`, or what `QUERYDYNO_HISTORY` (or `BENCHMARK_DB_PATH`) names. Before each command it takes in what
/// is new in the journal, `.querydyno/records`. A bench never waits for it.
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
  history sql \"FROM failures WHERE NOT verified_since\"              what still fails, and where
  history sql \"FROM compatibility WHERE status <> 'works'\"          which engine cannot do what, since which version
  history sql \"SELECT cell, time_ns FROM latest\" --format csv --output latest.csv
  history sql \"SELECT table_name, column_name, data_type FROM duckdb_columns() WHERE NOT internal\"
Tables and views, with units: src/history/mod.rs"
)]
pub(super) struct Cli {
    #[command(flatten)]
    place: Place,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Query it in SQL; nothing can be written, and no other file can be read
    Sql {
        /// One statement or several, with `;` between them; `-` reads them from stdin
        statement: String,
        #[command(flatten)]
        form: Form,
    },
    /// List results, the newest first
    List {
        /// The cells, as in a bench: `duckdb/q1`, `q6`, `^(duckdb|polars)/`
        #[arg(default_value = "")]
        filter: String,
        /// How many to list at most
        #[arg(long, short = 'n', default_value_t = 20)]
        limit: u64,
        #[command(flatten)]
        form: Form,
    },
    /// Show all that is known of one result
    Show {
        /// Its name, as `list` and reports print it: `20261120T120000Z-4711:3`
        id: String,
    },
    Trend(Trend),
    Changes(Changes),
    /// Show how many results there are, and of what
    Stats {
        #[command(flatten)]
        form: Form,
    },
    /// Take in what is new in the journal, and nothing else
    TakeIn {
        /// Give up at once when another program uses the history
        #[arg(long)]
        at_once: bool,
    },
    /// What the host asks before a run
    #[command(hide = true)]
    Newest(Newest),
    Import(Import),
    /// Read every value, compare it with its checksum and the journal, and find dangling references; exit code 1 when something is
    /// wrong
    ///
    /// Each result has a checksum over its figures since it was taken in. The history also knows what it took in of each file of the
    /// journal. Records are read again, figure by figure, only from files that have changed.
    Check {
        /// Read every record of the journal again, whether or not its file has changed
        #[arg(long)]
        records: bool,
    },
    /// Rewrite the file without the space of deleted results
    Optimize,
    /// Copy it to a new file, which is read back before it gets its name
    Backup {
        /// The new file
        file: PathBuf,
        /// Compress it by gzip
        #[arg(long)]
        compress: bool,
    },
    /// Replace it by a backup, whose every value is read first; the old file is kept beside it
    Restore {
        /// A backup, compressed or not
        file: PathBuf,
    },
    /// Write each table as a Parquet file
    Export {
        /// A folder that is empty or does not exist
        folder: PathBuf,
    },
    /// Attach a note to a result, run, cell, series, class of machines, or engine and query (`duckdb/q1`)
    Annotate {
        /// What the note is about: a name that `list` or `show` prints
        target: String,
        /// The note
        text: String,
        /// What kind of note it is
        #[arg(long, value_enum, default_value = "note")]
        kind: Kind,
        /// The same as `--kind level`
        #[arg(long, conflicts_with = "kind")]
        level: bool,
    },
    /// Show which results are not measured, and why
    Simulated(Simulated),
    /// Mark results as simulated or estimated, or undo that; the journal stays as it is
    Mark(Mark),
    /// Simulate results from measured ones: at another scale, or on another machine; they are written to the journal as such
    Simulate(Simulate),
    /// Find results that cannot have been measured as they claim
    Validate(Validate),
    /// Compare engines, machines, versions or runs, query by query
    Compare(Compare),
    /// Delete results; they stay in the journal and are not taken in again
    Delete {
        /// Their names, as `list` prints them
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
    /// Make a history of simulated results, to try commands on
    Demo {
        /// A file that does not exist
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

/// How a command goes where a server owns the history.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Through {
    /// The server runs it for us, on a connection that can only read.
    Reads,
    /// The server runs it for us, after what else writes.
    Writes,
    /// It needs the file itself, which the server gives away for as long.
    Alone,
    /// It has nothing to do with that history.
    Elsewhere,
}

impl Cli {
    /// How it goes where a server owns the history.
    pub(super) fn through(&self) -> Through {
        use Command as C;
        if self.place.database.is_some() {
            return Through::Elsewhere;
        }
        match &self.command {
            C::Demo { .. } => Through::Elsewhere,
            C::Changes(changes) if changes.alert => Through::Writes,
            // Their conditions are SQL of anybody's, which only a file that is open for reading keeps from writing.
            C::Mark(mark) if mark.has_condition() => Through::Alone,
            C::Delete { condition: None, .. } | C::Annotate { .. } | C::Mark(_) => Through::Writes,
            C::Sql { .. }
            | C::List { .. }
            | C::Show { .. }
            | C::Trend(_)
            | C::Changes(_)
            | C::Stats { .. }
            | C::TakeIn { .. }
            | C::Newest(_)
            | C::Simulated(_)
            | C::Validate(_)
            | C::Compare(_) => Through::Reads,
            C::Delete { .. }
            | C::Import(_)
            | C::Check { .. }
            | C::Optimize
            | C::Backup { .. }
            | C::Restore { .. }
            | C::Export { .. }
            | C::Simulate(_) => Through::Alone,
        }
    }

    /// The SQL of anybody's that it has, unless that comes from stdin.
    pub(super) fn sql(&self) -> Option<&str> {
        match &self.command {
            Command::Sql { statement, .. } => Some(statement),
            _ => None,
        }
    }

    /// Does what was asked for.
    ///
    /// # Errors
    /// Why it could not be done.
    pub(super) fn run(self) -> Result<ExitCode> {
        let path = self.place.database.clone().unwrap_or_else(paths::history);
        match &self.command {
            Command::Sql { statement, form } => {
                let statement = if statement == "-" { stdin()? } else { statement.clone() };
                form.check()?;
                statements::all(&self.place.reading()?, &statement, form.format, form.output.as_deref())?;
            }
            Command::List { filter, limit, form } => {
                form.check()?;
                query::list(&self.place.reading()?, filter, *limit, form.format, form.output.as_deref())?;
            }
            Command::Show { id } => query::show(&self.place.reading()?, id)?,
            Command::Trend(trend) => {
                trend.check()?;
                trend.run(&self.place.reading()?)?;
            }
            Command::Changes(changes) => {
                changes.check()?;
                let store = if changes.alert { self.place.writing()?.0 } else { self.place.reading()? };
                return changes.run(&store);
            }
            Command::Stats { form } => {
                form.check()?;
                query::stats(&self.place.reading()?, form.format, form.output.as_deref())?;
            }
            Command::Newest(newest) => newest.run(&self.place.reading()?)?,
            Command::TakeIn { at_once } => {
                let taken = self.place.writing_within(if *at_once { AT_ONCE } else { PATIENCE })?.1;
                let TakenIn { files, results, left_out } = taken;
                output::line(format_args!(
                    "{results} new results, {left_out} lines left out, of {files} new or changed files"
                ))?;
            }
            Command::Import(import) => {
                ensure!(
                    self.place.database.is_none(),
                    "an import goes into the journal of QUERYDYNO_HOME: leave --database out"
                );
                let plan = import.plan(&self.place.reading()?)?;
                return import.finish(&plan, || Ok(self.place.writing()?.1));
            }
            Command::Check { records } => {
                let home = paths::home();
                let home = self.place.database.is_none().then_some(home.as_path());
                if !check::check(&self.place.reading()?, home, *records)? {
                    return Ok(ExitCode::FAILURE);
                }
            }
            Command::Optimize => backup::optimize(self.place.writing()?.0)?,
            Command::Backup { file, compress } => {
                drop(self.place.reading()?);
                backup::backup(&path, file, *compress)?;
            }
            Command::Restore { file } => backup::restore(&path, file)?,
            Command::Export { folder } => {
                drop(self.place.reading()?);
                backup::export(&path, folder)?;
            }
            Command::Annotate { target, text, kind, level } => {
                annotate::check(text)?;
                let store = self.place.writing()?.0;
                match if *level { Kind::Level } else { *kind } {
                    Kind::Note => annotate::annotate(&store, target, text, "note")?,
                    Kind::Workaround => annotate::annotate(&store, target, text, "workaround")?,
                    Kind::Level => level::accept(&store, target, text)?,
                }
            }
            Command::Simulated(simulated) => simulated.run(&self.place)?,
            Command::Mark(mark) => mark.run(&self.place)?,
            Command::Simulate(simulate) => simulate.run(&self.place)?,
            Command::Validate(validate) => return validate.run(&self.place),
            Command::Compare(compare) => compare.run(&self.place)?,
            Command::Delete { records, condition, dry_run, reason } => {
                let meant = delete::meant(&self.place.reading()?, records, condition.as_deref())?;
                if *dry_run {
                    delete::show(&meant, "deleted")?;
                } else {
                    delete::delete(&self.place.writing()?.0, &meant, reason)?;
                }
            }
            Command::Demo { file, results, no_samples, journal } => {
                demo::demo(file, *results, !no_samples, journal.as_deref())?;
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}
