//! What an engine is: the [`Engine`] trait, and one file or folder per engine that implements it.
//!
//! An engine runs inside its own program, never inside the host; [`crate::engine::serve`] drives it.
//! A minimal engine, complete with its program, is the example of [`Engine`].

// The host has arrow and parquet for its fixtures, so `cargo test` tests these plans too.
#[cfg(any(feature = "arrow", all(test, feature = "harness")))]
#[cfg_attr(not(feature = "arrow"), expect(dead_code, reason = "the host tests the parts that need no store"))]
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
// The parts that need no sink are tested with the host.
#[cfg(any(feature = "pipeline", all(test, feature = "harness")))]
#[cfg_attr(not(feature = "pipeline"), expect(dead_code, reason = "the host tests the parts that need no sink"))]
pub mod pipeline;
#[cfg(feature = "polars")]
pub mod polars;
#[cfg(any(feature = "spark", all(test, feature = "harness")))]
#[cfg_attr(not(feature = "spark"), expect(dead_code, reason = "the host tests the parts that need no server"))]
pub mod spark;
#[cfg(any(feature = "starrocks", all(test, feature = "harness")))]
pub mod starrocks;
#[cfg(any(feature = "trino", all(test, feature = "harness")))]
#[cfg_attr(not(feature = "trino"), expect(dead_code, reason = "the host tests the parts that need no server"))]
pub mod trino;

#[cfg(feature = "heap")]
mod heap;
#[cfg(any(feature = "mysql", feature = "starrocks", feature = "trino", all(test, feature = "harness")))]
pub mod loaded;
#[cfg(any(feature = "spark", feature = "starrocks"))]
pub mod metastore;
mod observe;
#[cfg(any(feature = "duckdb", all(test, feature = "harness")))]
mod plan_tree;
mod serve;
#[cfg(any(
    feature = "mysql",
    feature = "pipeline",
    feature = "spark",
    feature = "starrocks",
    feature = "trino",
    all(test, feature = "harness")
))]
pub mod server;
mod spans;
#[cfg(any(feature = "arrow", feature = "pipeline", all(test, feature = "harness")))]
mod stored;

use anyhow::Context as _;

use crate::protocol::answer::Sink;
use crate::protocol::dataset::Dataset;
pub use crate::protocol::engine::{Build, EngineInfo, EngineSettings, Phases, Server, Unsupported, incomparable};
use crate::protocol::task::{SinkUse, Task};
pub use serve::{recipe, serve};
pub use spans::Spans;

/// What an engine's calls give: any error with its context; [`Unsupported`] among them is told apart.
pub type Result<T> = anyhow::Result<T>;

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

/// What tables on S3 are reached by, in whatever form an engine keeps it.
///
/// # Errors
/// When nobody said it.
pub fn reached<T>(by: Option<&T>) -> Result<&T> {
    by.context("a table is on S3, and nobody said what that is reached by")
}

/// The text of a query, for an engine that runs nothing else.
///
/// # Errors
/// [`Unsupported`] for a task of several steps, or one that writes.
pub fn query(task: &Task) -> Result<&str> {
    let why = || Unsupported(format!("{} is no single query, and this engine's program runs nothing else", task.name));
    Ok(task.query().ok_or_else(why)?)
}

/// A query engine as QueryDyno drives it.
///
/// Calls come in this order: open, load, then per task prepare, run (many, with a reset before each where the task has one), rows,
/// answer, plan; dropping closes.
/// Only [`run`](Engine::run) is timed. All methods block; an engine with an async API owns its runtime.
///
/// ```no_run
/// use querydyno::protocol::answer::{Scalar, Column, Kind, Sink};
/// use querydyno::engine::{Build, Engine, EngineInfo, EngineSettings, Result, Spans};
/// use querydyno::protocol::dataset::Dataset;
/// use querydyno::engine::serve;
/// use querydyno::protocol::task::Task;
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
///     fn prepare(&mut self, _: &Task) -> Result<()> { Ok(()) }
///     fn run(&mut self, (): &(), _: &mut Spans) -> Result<u64> { Ok(self.0) }
///     fn rows(&self, _: &u64) -> u64 { 1 }
///     fn answer(&mut self, count: u64, sink: &mut Sink) -> Result<()> {
///         sink.columns(vec![Column { name: "count".into(), kind: Kind::Int }]);
///         sink.row(&[Scalar::Int(count.into())]);
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

    /// Whether [`load`](Engine::load) takes a table that has a folder for each value of a column, [`Folders`](crate::protocol::dataset::Folders).
    const READS_FOLDERS: bool = false;

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

    /// Takes a task and does its setup; must not plan its steps. Not timed. An engine that only runs queries asks [`query`] for
    /// the text.
    ///
    /// # Errors
    /// [`Unsupported`] when the engine has no way to run this task.
    fn prepare(&mut self, task: &Task) -> Result<Self::Prepared>;

    /// Does the task's reset. Not timed.
    ///
    /// # Errors
    /// When that fails; the cell is then a failure.
    fn reset(&mut self, task: &Self::Prepared) -> Result<()> {
        let _ = task;
        Ok(())
    }

    /// Plans and executes the task until every result row is materialised in the engine's own format, or committed in its sink.
    /// Timed. The time of its steps goes into `spans`, where there are several and taking it disturbs none.
    ///
    /// # Errors
    /// When the engine fails; the cell is then a failure.
    fn run(&mut self, task: &Self::Prepared, spans: &mut Spans) -> Result<Self::Output>;

    /// What the sink did for the runs since this was asked last, or since the reset before them. Asked after the clock is read. `None`
    /// where there is no sink.
    ///
    /// # Errors
    /// When the sink is gone.
    fn sink_use(&mut self) -> Result<Option<SinkUse>> {
        Ok(None)
    }

    /// The same as [`run`](Self::run), with clock readings between its parts, for an engine that can tell them apart. Such
    /// a run is never a sample.
    ///
    /// # Errors
    /// As `run`.
    fn run_in_phases(&mut self, task: &Self::Prepared) -> Result<(Self::Output, Option<Phases>)> {
        Ok((self.run(task, &mut Spans::default())?, None))
    }

    /// How the engine would run the task, as it tells it itself: its physical plan in lines of text, without times, guessed sizes or
    /// anything else that differs between two runs over the same data. Asked for once, after the samples. Not timed. `None` where it
    /// has none to tell, such as for a plan that was written by hand.
    ///
    /// # Errors
    /// When it cannot tell; the samples stand.
    fn plan(&mut self, task: &Self::Prepared) -> Result<Option<String>> {
        let _ = task;
        Ok(None)
    }

    /// Rows of an output; checked after every run, outside the timed region.
    fn rows(&self, output: &Self::Output) -> u64;

    /// Hands an output to the sink for comparison, columns first, then every row in the output's order. Not timed.
    ///
    /// # Errors
    /// When a value has no text form; [`Unsupported`] when the engine has no answer to show.
    fn answer(&mut self, output: Self::Output, sink: &mut Sink) -> Result<()>;
}
