//! A bench run as a library call: your own query, a suite of your own, or ordinary cells, on the engines you name.
//!
//! [`Bench`] takes a cell through what `cargo bench` does - program, data, a verified run, a warm-up, samples, the answer
//! once more - but counts runs instead of filling time: each sample is one run, so that a query of minutes is measured too.
//! Every cell leaves its record; a failure is one, and never ends the run. With ten runs or more Criterion keeps the
//! samples as well, and `cargo xtask report` shows them. `cargo xtask bench` is a thin caller of this.
//!
//! ```no_run
//! use querydyno::host::bench::Bench;
//! let records = Bench::new()
//!     .sql("SELECT country, sum(amount) FROM {table} GROUP BY country")
//!     .table("/my/transactions/*.parquet")
//!     .engines(["duckdb", "datafusion"])
//!     .run()?;
//! for record in records.iter().filter(|record| record.verified()) {
//!     println!("{}: {:?} ns", record.id, record.samples_ns());
//! }
//! # Ok::<(), anyhow::Error>(())
//! ```
//!
//! An invalid request is an error before anything is started; what fails later is a record with its reason:
//!
//! ```
//! use querydyno::host::bench::Bench;
//! use querydyno::host::settings::{OwnEngine, Settings};
//!
//! let own = || Bench::new().sql("SELECT count(*) FROM {table}").table("/nowhere/*.parquet");
//! let error = own().engines(["duckbd"]).run().unwrap_err();
//! assert!(error.to_string().contains("there is no engine 'duckbd'"));
//!
//! let mut settings = Settings::read()?;
//! settings.home = std::env::temp_dir().join("querydyno-example");
//! settings.target = settings.home.join("target");
//! settings.engines.insert("mine".to_owned(), OwnEngine { program: Some("/bin/false".into()), ..OwnEngine::default() });
//! let records = own().engines(["mine"]).runs(3).settings(settings).run()?;
//! assert_eq!(records[0].outcome.word(), "failed");
//! assert!(records[0].reason().is_some_and(|why| why.contains("/nowhere/*.parquet")));
//! # Ok::<(), anyhow::Error>(())
//! ```

mod cells;
mod due;
mod error;

use std::path::PathBuf;
use std::time::Duration;

use anyhow::anyhow;

use crate::host::criterion::replay::replay;
use crate::host::incremental::{self, CellList};
use crate::host::record::Record;
pub use crate::host::run::Event;
use crate::host::run::{Counted, Runner};
use crate::host::settings::Settings;
use crate::protocol::id::BenchId;
pub use error::Error;

/// Runs of each cell, unless more or fewer are asked for.
pub const RUNS: usize = 10;
/// Time for one reply of an engine, unless somebody sets one: somebody's own query may take long.
pub const TIMEOUT: Duration = Duration::from_mins(10);

/// An observer that several threads may call.
type SharedObserver = Box<dyn Fn(&Event<'_>) + Send + Sync>;

/// A run to be: what is asked, of whom, how often.
#[must_use = "nothing is measured until it is run"]
#[derive(Default)]
pub struct Bench {
    sql: Option<String>,
    tables: Vec<String>,
    name: Option<String>,
    suite: Option<PathBuf>,
    filter: Option<String>,
    engines: Vec<String>,
    runs: Option<usize>,
    timeout: Option<Duration>,
    parallel: Option<usize>,
    list: Option<CellList>,
    by_priority: bool,
    settings: Option<Settings>,
    observer: Option<SharedObserver>,
}

impl Bench {
    /// The query of `TABLE_NAME` and `QUERY`, if nothing else is said, on every engine that is there.
    pub fn new() -> Self {
        Self::default()
    }

    /// A query of your own; `{table}` is its table, `{orders}` the one that was given as `orders=...`.
    pub fn sql(mut self, sql: impl Into<String>) -> Self {
        self.sql = Some(sql.into());
        self
    }

    /// A table of that query, once for each: Parquet files (a path, a folder, a pattern), the folder of an Iceberg table, or
    /// its name in the Hive Metastore, `db.table` or `db.table@snapshot`; before it `name=`, where there are several.
    pub fn table(mut self, table: impl Into<String>) -> Self {
        self.tables.push(table.into());
        self
    }

    /// What that query is called: `own-`, this, of at most 20 characters, and digits that depend on its text.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// All queries of the suite in this folder; a filter makes them fewer.
    pub fn suite(mut self, folder: impl Into<PathBuf>) -> Self {
        self.suite = Some(folder.into());
        self
    }

    /// Cells as in a bench: `duckdb/q1`.
    pub fn filter(mut self, filter: impl Into<String>) -> Self {
        self.filter = Some(filter.into());
        self
    }

    /// The engines, built if need be: `duckdb`, `polars-wheel@2.0.0`. None named: those that a filter means; without one,
    /// those that are built or installed.
    pub fn engines<E: Into<String>>(mut self, engines: impl IntoIterator<Item = E>) -> Self {
        self.engines.extend(engines.into_iter().map(Into::into));
        self
    }

    /// Runs of each cell after the one that is verified and the warm-up: [`RUNS`] unless said otherwise.
    pub fn runs(mut self, runs: usize) -> Self {
        self.runs = Some(runs);
        self
    }

    /// For one reply of an engine. Unless said here or in the settings: [`TIMEOUT`].
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// Up to so many engines at the same time, each with its share of the memory, and with processors of its own where there
    /// are enough. Each record says so, and is never ranked with one that was alone.
    pub fn parallel(mut self, engines: usize) -> Self {
        self.parallel = Some(engines);
        self
    }

    /// These cells and no others; a filter makes them fewer. Their scales, threads and memory limits are the run's.
    pub fn cells_of(mut self, list: CellList) -> Self {
        self.list = Some(list);
        self
    }

    /// The cells with the highest number of [`Settings::priority`] first.
    pub fn by_priority(mut self) -> Self {
        self.by_priority = true;
        self
    }

    /// Instead of those of the environment and `querydyno.toml`. Records go below their `home`, Criterion's samples below their
    /// `target`.
    pub fn settings(mut self, settings: Settings) -> Self {
        self.settings = Some(settings);
        self
    }

    /// Is called as the run goes on, from several threads where engines run at the same time.
    pub fn observer(mut self, observer: impl Fn(&Event<'_>) + Send + Sync + 'static) -> Self {
        self.observer = Some(Box::new(observer));
        self
    }

    /// Runs it, without the cells that need no run where [`Settings::only`] leaves those out. After an interrupt the records are
    /// those of the cells that were begun.
    ///
    /// # Errors
    /// For an invalid request, or a record that cannot be written. A cell that fails is not an error: it is a record.
    pub fn run(mut self) -> Result<Vec<Record>, Error> {
        for (number, none) in [(self.runs, "0 runs measure"), (self.parallel, "0 engines at a time run")] {
            if number == Some(0) {
                return Err(Error::Usage(anyhow!("{none} nothing: give at least 1")));
            }
        }
        let settings = self.resolved()?;
        let suites = self.suites(&settings).map_err(Error::Usage)?;
        let catalog = self.catalog(&settings).map_err(Error::Usage)?;
        let cells = self.due(self.cells(&suites, &catalog, &settings)?, &settings)?;
        if cells.is_empty() {
            return Ok(Vec::new());
        }
        let ids: Vec<BenchId> = cells.iter().map(|cell| cell.id.clone()).collect();
        let sampler = Counted { runs: self.runs.unwrap_or(RUNS) };
        let observer = |event: &Event<'_>| {
            if let Event::Judged { records } = event {
                replay(records, &settings.target.join("criterion"), None);
            }
            if let Some(observer) = &self.observer {
                observer(event);
            }
        };
        let runner = Runner::new(&settings, &observer, true)?;
        let programs = self.programs(&cells, &settings)?;
        observer(&Event::Planned { cells: &ids, runs: sampler.runs });
        let records = runner.run_together(&cells, &programs, &sampler)?;
        incremental::take_in(&settings);
        Ok(records)
    }

    /// The settings as they are for this run.
    fn resolved(&mut self) -> Result<Settings, Error> {
        let mut settings = self.settings.take().map_or_else(Settings::read, Ok).map_err(Error::Settings)?;
        settings.timeout = self.timeout.or(settings.timeout).or(Some(TIMEOUT));
        if let Some(list) = &self.list {
            list.set_axes(&mut settings);
        }
        Ok(settings)
    }
}
