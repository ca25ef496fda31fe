//! What an engine is: the [`Engine`] trait, and one file or folder per engine that implements it.
//!
//! An engine runs inside its own program, never inside the host; [`crate::session::serve`] drives it.
//! A minimal engine, complete with its program, is the example of [`Engine`].

// The host has arrow and parquet for its fixtures, so `cargo test` tests these plans too.
#[cfg(any(feature = "arrow", all(test, feature = "harness")))]
pub mod arrow;
#[cfg(feature = "datafusion")]
pub mod datafusion;
#[cfg(feature = "duckdb")]
pub mod duckdb;
// The parts of these two that need no server are tested with the host.
#[cfg(any(feature = "mysql", feature = "starrocks", all(test, feature = "harness")))]
pub mod mysql;
#[cfg(feature = "null")]
pub mod null;
#[cfg(feature = "polars")]
pub mod polars;
#[cfg(any(feature = "starrocks", all(test, feature = "harness")))]
pub mod starrocks;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::answer::Sink;
use crate::fixture::Dataset;
use crate::workload::Query;

/// What an engine's calls give: any error with its context; [`Unsupported`] among them is told apart.
pub type Result<T> = anyhow::Result<T>;

/// The engine cannot do this by its nature, so its cell is skipped with this reason instead of failing.
#[derive(Debug, Error)]
#[error("{0}")]
pub struct Unsupported(pub String);

/// Refuses Iceberg tables that their files alone do not tell: deleted rows, renamed columns. An engine that does not read files
/// by their columns' names refuses those, too, whose files differ in their columns.
///
/// # Errors
/// [`Unsupported`], with the table and the reason.
pub fn refuse_unreadable(dataset: &Dataset, reads_by_name: bool) -> Result<()> {
    for table in &dataset.tables {
        let Some(iceberg) = &table.iceberg else { continue };
        if let Some(why) = &iceberg.needs_reader {
            anyhow::bail!(Unsupported(format!("table {} takes a reader of Iceberg: {why}", table.name)));
        }
        if iceberg.evolved && !reads_by_name {
            anyhow::bail!(Unsupported(format!(
                "the files of table {} differ in their columns, which were added or dropped over time",
                table.name
            )));
        }
    }
    Ok(())
}

/// Why a result cannot be compared: its time stands, unchecked.
pub fn incomparable(column: &str, data_type: impl std::fmt::Display) -> anyhow::Error {
    let why = format!("the result column '{column}' of type {data_type} cannot be compared yet: cast it in the query");
    Unsupported(why).into()
}

/// What an engine is opened with; the host gives every engine the same.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EngineSettings {
    /// Threads the engine may use for queries, at least 1.
    pub threads: usize,
    /// What the engine should keep its memory below, for those that have such a setting; the host enforces it on all.
    pub memory_limit_bytes: Option<u64>,
    /// Seconds after which the host gives a run up: for a server, which would go on when its client is gone.
    #[serde(default)]
    pub timeout_seconds: Option<u64>,
    /// A folder for spill files; the host makes it and removes it.
    pub scratch: PathBuf,
    /// The engine's way to execute, one of the `modes` of its entry; none: its default.
    #[serde(default)]
    pub mode: Option<String>,
    /// Further settings from the engine's entry in `querydyno.toml`, by the engine's own names.
    #[serde(default)]
    pub options: BTreeMap<String, String>,
}

impl EngineSettings {
    /// Refuses options by which an entry would change what is the same for all engines of a run.
    ///
    /// # Errors
    /// Names the option and where its value is set instead.
    pub fn refuse(&self, reserved: &[&str]) -> Result<()> {
        match reserved.iter().find(|name| self.options.contains_key(**name)) {
            None => Ok(()),
            Some(name) => anyhow::bail!(
                "the option {name} is the same for every engine of a run: set QUERYDYNO_THREADS or QUERYDYNO_MEMORY"
            ),
        }
    }
}

/// Which engine answered, and everything about it that a reader of its numbers has to know.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct EngineInfo {
    /// The engine's own version, `2.0.0`.
    pub version: String,
    /// How the program was built; filled in by [`crate::session::serve`].
    #[serde(default)]
    pub build: Build,
    /// Every setting that is not the engine's default, threads included.
    #[serde(default)]
    pub settings: BTreeMap<String, String>,
    /// The server that does the work, where the program is its client: memory and CPU time are then the server's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server: Option<Server>,
}

/// Where a server is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Server {
    /// Its name in `cargo xtask services`.
    pub service: String,
    /// Whether it is on this machine, so that its process can be looked at.
    pub local: bool,
    /// Its port.
    pub port: u16,
}

/// How an engine program was built; what is not known stays empty.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Build {
    /// Compilers with their versions.
    pub compiler: Option<String>,
    /// Optimisation flags.
    pub flags: Option<String>,
    /// The allocator that serves the engine, `jemalloc`.
    pub allocator: Option<String>,
    /// Where the engine came from, `crate datafusion 55.2.0`.
    pub source: Option<String>,
}

/// The parts of one run's time, in nanoseconds; a part that the engine cannot tell apart is `None`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Phases {
    /// From the query's text or plan to what is executed.
    pub plan_ns: Option<u64>,
    /// Executing it.
    pub execute_ns: Option<u64>,
    /// Getting the rows of the result, where that is a step of its own.
    pub fetch_ns: Option<u64>,
}

impl Phases {
    /// Of parts as a clock tells them.
    pub fn of(plan: Option<Duration>, execute: Option<Duration>, fetch: Option<Duration>) -> Self {
        let ns = |part: Option<Duration>| part.and_then(|time| u64::try_from(time.as_nanos()).ok());
        Self { plan_ns: ns(plan), execute_ns: ns(execute), fetch_ns: ns(fetch) }
    }
}

/// A query engine as QueryDyno drives it.
///
/// Calls come in this order: open, load, then per query prepare, run (many), rows, answer; dropping closes.
/// Only [`run`](Engine::run) is timed. All methods block; an engine with an async API owns its runtime.
///
/// ```no_run
/// use querydyno::answer::{Cell, Column, Kind, Sink};
/// use querydyno::engine::{Build, Engine, EngineInfo, EngineSettings, Result};
/// use querydyno::fixture::Dataset;
/// use querydyno::session::serve;
/// use querydyno::workload::Query;
///
/// /// Knows how many rows the first table has, whatever it is asked.
/// struct Counter(u64);
///
/// impl Engine for Counter {
///     type Prepared = ();
///     type Output = u64;
///     fn open(_: &EngineSettings) -> Result<Self> { Ok(Self(0)) }
///     fn info(&self) -> EngineInfo { EngineInfo { version: "1".into(), ..EngineInfo::default() } }
///     fn load(&mut self, dataset: &Dataset) -> Result<()> { self.0 = dataset.tables[0].rows; Ok(()) }
///     fn prepare(&mut self, _: &Query) -> Result<()> { Ok(()) }
///     fn run(&mut self, (): &()) -> Result<u64> { Ok(self.0) }
///     fn rows(&self, _: &u64) -> u64 { 1 }
///     fn answer(&mut self, count: u64, sink: &mut Sink) -> Result<()> {
///         sink.columns(vec![Column { name: "count".into(), kind: Kind::Int }]);
///         sink.row(&[Cell::Int(count.into())]);
///         Ok(())
///     }
/// }
///
/// fn main() -> std::process::ExitCode { serve::<Counter>("counter", Build::default()) }
/// ```
pub trait Engine: Sized {
    /// SQL text or a plan builder; planning itself belongs to [`run`](Engine::run).
    type Prepared;
    /// The engine's own complete result, in its own memory and format.
    type Output;

    /// Starts the engine. Not timed.
    ///
    /// # Errors
    /// When the engine does not start or rejects a setting.
    fn open(settings: &EngineSettings) -> Result<Self>;

    /// Version and settings; [`Build`] is filled in by the program.
    fn info(&self) -> EngineInfo;

    /// Makes the dataset's tables known under their names. Not timed, but recorded as `load_ns`.
    ///
    /// # Errors
    /// When a file cannot be read, or [`Unsupported`] for a format the engine cannot read.
    fn load(&mut self, dataset: &Dataset) -> Result<()>;

    /// What the engine itself counts in a table that was loaded, for the host to compare with the files' footers. Not timed.
    /// `None` when it cannot tell.
    ///
    /// # Errors
    /// When counting fails.
    fn count(&mut self, table: &str) -> Result<Option<u64>> {
        let _ = table;
        Ok(None)
    }

    /// Takes a query; must not plan it. Not timed.
    ///
    /// # Errors
    /// [`Unsupported`] when the engine has no way to run this query.
    fn prepare(&mut self, query: &Query) -> Result<Self::Prepared>;

    /// Plans and executes the query until every result row is materialised in the engine's own format. Timed.
    ///
    /// # Errors
    /// When the engine fails; the cell is then a failure.
    fn run(&mut self, query: &Self::Prepared) -> Result<Self::Output>;

    /// The same as [`run`](Self::run), with clock readings between its parts, for an engine that can tell them apart. Such
    /// a run is never a sample.
    ///
    /// # Errors
    /// As `run`.
    fn run_in_phases(&mut self, query: &Self::Prepared) -> Result<(Self::Output, Option<Phases>)> {
        Ok((self.run(query)?, None))
    }

    /// Rows of an output; checked after every run, outside the timed region.
    fn rows(&self, output: &Self::Output) -> u64;

    /// Hands an output to the sink for comparison, columns first, then every row in the output's order. Not timed.
    ///
    /// # Errors
    /// When a value has no text form; [`Unsupported`] when the engine has no answer to show.
    fn answer(&mut self, output: Self::Output, sink: &mut Sink) -> Result<()>;
}
