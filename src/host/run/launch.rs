//! An engine taken from its program to a prepared query, with what every engine of a run is given.

use std::collections::BTreeMap;
use std::path::Path;

use super::select::Cell;
use super::way::Way;
use crate::host::catalog::Entry;
use crate::host::interrupt;
use crate::host::paths;
use crate::host::services::{self, Seen, Watched};
use crate::host::session::{Failure, FailureKind, Limits, Program, Runs, ServerWatch, Session, Worker};
use crate::host::settings::Settings;
use crate::host::variant::Variant;
use crate::measure::machine;
use crate::protocol::answer::Shown;
use crate::protocol::dataset::{Dataset, Table};
use crate::protocol::engine::{EngineInfo, EngineSettings, Server};
use crate::protocol::location::Location;
use crate::protocol::task::Task;
use crate::protocol::units::Bytes;

/// A program with its engine open, the tables loaded and the query prepared.
pub(crate) struct Launched {
    pub(crate) session: Session,
    pub(crate) info: EngineInfo,
    pub(crate) load_ns: u64,
    /// Rows of each table as the engine counts them, where it was asked and can.
    pub(crate) rows: Option<BTreeMap<String, u64>>,
}

/// How many rows of a table the engine counts, where that is not what its files have.
pub(crate) fn miscounted(table: &Table, counted: Option<&BTreeMap<String, u64>>) -> Option<u64> {
    // With deletes, an Iceberg table has fewer rows than its files.
    let told_by_files = table.iceberg.as_ref().is_none_or(|iceberg| iceberg.needs_reader.is_none());
    counted?.get(&table.name).copied().filter(|rows| told_by_files && *rows != table.rows)
}

/// A fresh program for one query: all that it takes to start one.
#[derive(Clone, Copy)]
pub(crate) struct Fresh<'a> {
    pub(crate) engine: &'a Entry,
    pub(crate) variant: Variant<'a>,
    pub(crate) program: &'a Program,
    pub(crate) settings: &'a Settings,
    pub(crate) dataset: &'a Dataset,
    pub(crate) query: &'a Task,
}

impl<'a> Fresh<'a> {
    pub(crate) fn of(
        cell: &Cell<'a>,
        program: &'a Program,
        settings: &'a Settings,
        dataset: &'a Dataset,
        query: &'a Task,
    ) -> Self {
        Self { engine: cell.engine, variant: cell.variant, program, settings, dataset, query }
    }

    /// Takes the engine through open, load and prepare; has it `count` the rows of its tables on the way.
    ///
    /// # Errors
    /// Whatever the program did instead.
    pub(crate) fn launch(&self, count: bool) -> Result<Launched, Failure> {
        let (limits, mut opening) = opening(self.engine, self.variant, self.settings, Path::new(""));
        let mut way = Way::default();
        if self.dataset.tables.iter().flat_map(|table| &table.files).any(Location::is_on_s3) {
            way = Way::to_s3(self.settings)?;
            opening.s3 = way.access.take();
        }
        let mut program = self.program.clone();
        // From the file too, for a server that looks tables up there by itself.
        program.env.extend(self.settings.metastore.clone().map(|uri| ("HIVE_METASTORE_URI".to_owned(), uri)));
        services::before(&self.engine.name, &program.env).map_err(|error| {
            let no_server = |error: anyhow::Error| FailureKind::NoServer { message: format!("{error:#}") };
            Failure::from(interrupt::classify(error, |_| FailureKind::Interrupted, no_server))
        })?;
        let mut session = Session::spawn(&program, limits, &paths::own("scratch"))?;
        if let Some(proxy) = way.proxy {
            session.reach_by(proxy);
        }
        let info = session.open(&opening)?;
        if let Some(server) = &info.server {
            same_threads(server, self.variant.threads)?;
            services::used(&self.engine.name, server);
            let seen = services::process_of(server);
            let watched = Watched::of(server, seen.as_ref());
            let watched = watched.map(|watched| Box::new(watched) as Box<dyn ServerWatch>);
            let worker = match seen {
                Some(Seen::Server(roots)) => Worker::Server(roots),
                Some(Seen::Container(pid)) => Worker::Container(pid),
                None => Worker::Elsewhere,
            };
            session.look_at(worker, watched);
        }
        let (load_ns, rows) = session.load(self.dataset, count)?;
        session.prepare(self.query)?;
        Ok(Launched { session, info, load_ns, rows })
    }

    /// One of the launches that are compared with each other: a run that is not timed, then as many as `runs` says by what it took.
    ///
    /// # Errors
    /// Whatever the program did instead, another number of rows included.
    pub(crate) fn paired(&self, runs: impl FnOnce(&Runs) -> u64) -> Result<Paired, Failure> {
        let Launched { mut session, info, .. } = self.launch(false)?;
        let first = session.run(1)?;
        let timed = session.run_again(runs(&first), first.rows)?;
        let answer = session.answer_if_shown()?;
        Ok(Paired { session, info, first, timed, answer })
    }
}

/// Refuses a server that was started here with other threads than the cell has: its times would stand under a name that is not theirs.
fn same_threads(server: &Server, asked: usize) -> Result<(), Failure> {
    let Some(threads) = services::threads_of(server).filter(|threads| *threads != asked) else { return Ok(()) };
    let Server { service, port, .. } = server;
    let message = format!(
        "the server {service} on port {port} has {threads} threads for queries, and {asked} are asked for: ask with QUERYDYNO_THREADS={threads}, \
         or start it anew: cargo xtask services down {service} && QUERYDYNO_THREADS={asked} cargo xtask services up {service}"
    );
    Err(FailureKind::Engine { message }.into())
}

/// The order in which so many contenders run in a round: forth and back, so that none always runs after the same other one.
pub(crate) fn turns(round: usize, contenders: usize) -> Vec<usize> {
    let forth = 0..contenders;
    if round.is_multiple_of(2) { forth.collect() } else { forth.rev().collect() }
}

/// How many runs take so many nanoseconds, by what the first one took; within these bounds.
pub(crate) fn runs_for(enough_ns: u64, first: &Runs, fewest: u64, most: u64) -> u64 {
    let ns = first.durations_ns.first().copied().unwrap_or(1).max(1);
    (enough_ns / ns).clamp(fewest, most)
}

/// A launch that is compared with others; its program still runs.
pub(crate) struct Paired {
    pub(crate) session: Session,
    pub(crate) info: EngineInfo,
    pub(crate) first: Runs,
    pub(crate) timed: Runs,
    /// The last run's; or why the engine cannot show it.
    pub(crate) answer: Result<Shown, String>,
}

/// What a program may take, and what its engine is opened with.
pub(crate) fn opening(
    engine: &Entry,
    variant: Variant<'_>,
    settings: &Settings,
    scratch: &Path,
) -> (Limits, EngineSettings) {
    let together = u64::try_from(variant.parallel).unwrap_or(u64::MAX).max(1);
    let longest = settings.timeout().as_secs().max(1);
    let limits = Limits {
        timeout: settings.timeout(),
        query_timeout: settings.query_timeout,
        // Engines at the same time share what one alone may have.
        memory: variant.memory.or_else(|| most_memory().map(|Bytes(bytes)| Bytes(bytes / together))),
        // What an engine counts as its memory is less than what the process holds: told the whole limit, an engine
        // that would have spilled is killed instead.
        told_memory: variant.memory.map(|Bytes(bytes)| Bytes(bytes / 5 * 4)),
        threads: variant.threads,
        first_processor: variant.first_processor,
    };
    let opening = EngineSettings {
        threads: variant.threads,
        timeout_seconds: Some(settings.query_timeout.map_or(longest, |budget| longest.min(budget.as_secs().max(1)))),
        memory_limit_bytes: limits.told_memory.map(|Bytes(bytes)| bytes),
        scratch: scratch.to_owned(),
        mode: variant.mode.map(str::to_owned),
        options: engine.options.clone(),
        s3: None,
    };
    (limits, opening)
}

/// The limit where none was asked for, for all that run at the same time: what keeps engines from taking the machine down
/// with them.
pub(crate) fn most_memory() -> Option<Bytes> {
    machine::usable_memory().map(|bytes| Bytes(bytes / 10 * 9))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::catalog::Catalog;
    use crate::host::variant::PARQUET;

    #[test]
    fn contenders_take_turns_forth_and_back() {
        assert_eq!([turns(0, 3), turns(1, 3), turns(2, 3)], [[0, 1, 2], [2, 1, 0], [0, 1, 2]]);
    }

    #[test]
    fn runs_for_follows_the_first_run_within_its_bounds() {
        let runs = |ns: u64| runs_for(600, &Runs { durations_ns: vec![ns], ..Runs::default() }, 3, 30);
        assert_eq!([runs(100), runs(1000), runs(1), runs(0)], [6, 3, 30, 30]);
    }

    #[test]
    fn engines_at_the_same_time_share_the_memory_unless_a_limit_was_asked_for() {
        let settings = Settings::read().unwrap();
        let catalog = Catalog::read(&settings).unwrap();
        let limits = |memory, parallel, first_processor| {
            let variant = Variant { memory, parallel, first_processor, ..settings.variants(PARQUET)[0] };
            opening(&catalog.entries()[0], variant, &settings, Path::new("")).0
        };
        let most = most_memory().unwrap();
        assert_eq!(limits(None, 1, Some(0)).memory, Some(most));
        let together = limits(None, 3, Some(2));
        assert_eq!((together.memory, together.first_processor), (Some(Bytes(most.0 / 3)), Some(2)));
        assert_eq!(limits(Some(Bytes(1 << 30)), 3, None).memory, Some(Bytes(1 << 30)));
    }
}
