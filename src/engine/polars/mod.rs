//! Polars through the crate `polars`: lazy plans, its streaming engine unless another mode is asked for.
//!
//! TPC-H is there as plans that somebody wrote, see `tpch/`; other suites go through Polars' SQL. Every run scans, plans, executes and collects
//! anew; nothing but the files' names is kept from loading. How many threads there are is not decided here: Polars
//! reads `POLARS_MAX_THREADS` from the environment once, so whoever starts this program sets it.

mod answer;
mod files;
mod sql;
mod tpch;

use std::collections::BTreeMap;
use std::env;

use anyhow::{Context, bail, ensure};
use polars::prelude::{DataFrame, LazyFrame, OptFlags, len};

use self::files::Files;
use self::tpch::{Given, Plan};
use super::{
    Dataset, Engine, EngineInfo, EngineSettings, Result, Sink, Spans, Task, Unsupported, query, refuse_unreadable,
};
use crate::protocol::s3::Access;

const THREADS: &str = "POLARS_MAX_THREADS";
/// What it keeps below by spilling; set by its entry like the number of threads.
const MEMORY: &str = "POLARS_OOC_MEMORY_BUDGET_MB";

/// How plans are executed, and the files of the tables.
#[derive(Debug)]
pub struct Polars {
    mode: Mode,
    threads: usize,
    files: BTreeMap<String, Files>,
    /// What a store is reached by, where tables are on S3.
    s3: Option<Access>,
}

/// A query, whose plan is built anew in every run.
#[derive(Debug, Clone)]
pub struct Prepared {
    /// Somebody's; none: what Polars' SQL makes of the text.
    plan: Option<Plan>,
    sql: String,
}

/// A way of Polars to execute a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    /// The optimiser and the streaming engine.
    Streaming,
    /// The optimiser and the in-memory engine.
    InMemory,
    /// The in-memory engine, node after node as the plan has them, whole tables first.
    Eager,
}

impl Engine for Polars {
    const READS_FOLDERS: bool = true;

    type Prepared = Prepared;
    type Output = DataFrame;

    fn open(settings: &EngineSettings) -> Result<Self> {
        if let Some(name) = settings.options.keys().next() {
            bail!("the polars engine has no setting '{name}', nor any other of its own");
        }
        let mode = settings.mode.as_deref().map_or(Ok(Mode::Streaming), Mode::named)?;
        check_threads(settings.threads, env::var(THREADS).ok().as_deref())?;
        Ok(Self { mode, threads: settings.threads, files: BTreeMap::new(), s3: settings.s3.clone() })
    }

    fn info(&self) -> EngineInfo {
        let set = [("mode", self.mode.name().to_owned()), ("threads", self.threads.to_string())];
        let told = set.into_iter().chain(env::var(MEMORY).ok().map(|budget| (MEMORY, budget)));
        let settings = told.map(|(name, value)| (name.to_owned(), value)).collect();
        EngineInfo { version: polars::VERSION.to_owned(), settings, ..EngineInfo::default() }
    }

    fn load(&mut self, dataset: &Dataset) -> Result<()> {
        refuse_unreadable(dataset, true)?;
        for table in &dataset.tables {
            let files = Files::of(table, self.s3.as_ref())
                .with_context(|| format!("Polars cannot name a file of table {}", table.name))?;
            self.files.insert(table.name.clone(), files);
        }
        Ok(())
    }

    fn count(&mut self, table: &str) -> Result<Option<u64>> {
        let Some(files) = self.files.get(table) else { return Ok(None) };
        let mut rows = 0;
        for file in files.scan_each()? {
            let counted = self.mode.collect(file.select([len()]))?;
            rows += counted.columns()[0].get(0)?.try_extract::<u64>()?;
        }
        Ok(Some(rows))
    }

    fn prepare(&mut self, task: &Task) -> Result<Prepared> {
        let plan = tpch::named(&task.suite, &task.name);
        // What is a plan in the other queries of a suite is one here: its author's, not Polars'.
        if plan.is_none() && task.suite == tpch::SUITE {
            bail!(Unsupported(format!("nobody wrote a Polars plan for {} {}", task.suite, task.name)));
        }
        Ok(Prepared { plan, sql: query(task)?.to_owned() })
    }

    fn run(&mut self, query: &Prepared, _: &mut Spans) -> Result<DataFrame> {
        self.mode.collect(self.lazy(query)?)
    }

    fn plan(&mut self, query: &Prepared) -> Result<Option<String>> {
        let told = self.mode.optimised(self.lazy(query)?).describe_optimized_plan()?;
        // How many rows it guesses is no part of what it does.
        let lines = told.lines().filter(|line| !line.trim_start().starts_with("ESTIMATED ROWS:"));
        Ok(Some(lines.collect::<Vec<_>>().join("\n")))
    }

    fn rows(&self, output: &DataFrame) -> u64 {
        output.height() as u64
    }

    fn answer(&mut self, output: DataFrame, sink: &mut Sink) -> Result<()> {
        answer::show(&output, sink)
    }
}

impl Polars {
    /// The plan of a query before Polars looks at it.
    fn lazy(&self, query: &Prepared) -> Result<LazyFrame> {
        match query.plan {
            Some(plan) => Ok(plan(&Given { files: &self.files, sql: &query.sql })?),
            None => sql::plan(&query.sql, &self.files),
        }
    }
}

impl Mode {
    const ALL: [Self; 3] = [Self::Streaming, Self::InMemory, Self::Eager];

    fn name(self) -> &'static str {
        match self {
            Self::Streaming => "streaming",
            Self::InMemory => "in-memory",
            Self::Eager => "eager",
        }
    }

    fn named(name: &str) -> Result<Self> {
        let names = Self::ALL.map(Self::name).join(", ");
        let found = Self::ALL.into_iter().find(|mode| mode.name() == name);
        found.with_context(|| format!("the polars engine has no mode '{name}': it has {names}"))
    }

    fn collect(self, plan: LazyFrame) -> Result<DataFrame> {
        use polars::prelude::Engine;

        let engine = match self {
            Self::Streaming => Engine::Streaming,
            Self::InMemory | Self::Eager => Engine::InMemory,
        };
        let result = self.optimised(plan).collect_with_engine(engine);
        // Multiple are the results of several sinks, and no plan has one.
        Ok(result?.unwrap_single())
    }

    /// The plan with what this mode has Polars do to it.
    fn optimised(self, plan: LazyFrame) -> LazyFrame {
        match self {
            Self::Streaming => plan.with_streaming(true),
            Self::InMemory => plan,
            // Types still have to be resolved, there is no executing without it; and a frame that is used twice is
            // computed once, as it would be by whoever keeps it in a variable.
            Self::Eager => plan.with_optimizations(OptFlags::schema_only() | OptFlags::COMM_SUBPLAN_ELIM),
        }
    }
}

/// Refuses to run with another number of threads than the one that was asked for. The pool itself is not public, but
/// it is made at first use, from the variable and nothing else.
fn check_threads(wanted: usize, told: Option<&str>) -> Result<()> {
    ensure!(
        told.and_then(|told| told.parse().ok()) == Some(wanted),
        "Polars takes its number of threads from {THREADS}, and that is {} instead of {wanted}",
        told.unwrap_or("not set")
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_wanted_number_of_threads_will_do() {
        assert!(check_threads(2, Some("2")).is_ok());
        for told in [None, Some("1"), Some("two")] {
            assert!(check_threads(2, told).unwrap_err().to_string().contains("POLARS_MAX_THREADS"));
        }
    }

    #[test]
    fn modes_are_found_by_name() {
        for mode in Mode::ALL {
            assert_eq!(Mode::named(mode.name()).unwrap(), mode);
        }
        assert!(Mode::named("gpu").unwrap_err().to_string().contains("streaming, in-memory, eager"));
    }
}
