//! The run loop: the only way from a cell to its record. The main type is [`Runner`].
//!
//! A cell goes through prepare, verify, sample, verify and finish. What differs between commands is how samples are taken, which is
//! a [`Sampler`](sampler::Sampler)'s business, and who is told of it, an [`Observer`]. Nothing here prints.

pub(crate) mod cold;
pub(crate) mod context;
pub(crate) mod engine;
pub(crate) mod event;
mod finish;
pub(crate) mod forecast;
mod hint;
pub(crate) mod launch;
pub(crate) mod plan;
mod prepare;
mod references;
mod resolve;
mod sampler;
pub(crate) mod select;
mod stop;
mod verify;
mod way;

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Result};

use crate::host::catalog::identity;
use crate::host::data::generate::Store;
use crate::host::interrupt;
use crate::host::paths::HOME;
use crate::host::record::{Record, Writer};
use crate::host::session::Program;
use crate::host::settings::Settings;
use crate::host::verify::referee::Referee;
use crate::measure::machine;
pub(crate) use context::RunContext;
pub(crate) use engine::Engine;
pub use event::{Event, Observer};
pub(crate) use launch::{Fresh, Paired, runs_for, turns};
use plan::Programs;
pub(crate) use prepare::Ready;
pub use references::{Agreement, agree};
pub(crate) use resolve::CellResult;
pub(crate) use sampler::{Counted, Sampler, Samples};
pub(crate) use select::Cell;
pub(crate) use stop::Stop;

/// Cells that are named where there may be hundreds.
const SHOWN: usize = 5;

/// What all cells of a run share.
pub(crate) struct Runner<'a> {
    pub(crate) settings: &'a Settings,
    pub(crate) context: RunContext,
    store: Store,
    referee: Referee,
    observer: &'a Observer<'a>,
    /// Where records go, if any are kept.
    writer: Option<Mutex<Writer>>,
    /// What each engine's program is, by the engine's name: looked at once.
    identities: Mutex<BTreeMap<String, Option<String>>>,
}

impl<'a> Runner<'a> {
    /// With `keeps`, each cell's record is written as soon as it is known, and the parts of a run are worth some more runs.
    ///
    /// # Errors
    /// When records are to be kept and cannot be.
    pub(crate) fn new(settings: &'a Settings, observer: &'a Observer<'a>, keeps: bool) -> Result<Self> {
        let records = settings.home.join("records");
        if keeps {
            // Now, and not after everything was measured.
            let made = fs::create_dir_all(&records).and_then(|()| tempfile::tempfile_in(&records));
            made.with_context(|| format!("cannot keep records in {}: {HOME} names another folder", records.display()))?;
        }
        let context = RunContext::read(settings);
        Ok(Self {
            settings,
            store: Store::new(settings.data.clone()),
            referee: Referee::new(settings),
            observer,
            writer: keeps.then(|| Mutex::new(Writer::new(&records, &context.run_id))),
            context,
            identities: Mutex::default(),
        })
    }

    /// Takes cells one after the other. After an interrupt the records are those of the cells that were begun.
    ///
    /// # Errors
    /// A record that cannot be written. A cell that fails is a record.
    pub(crate) fn run(
        &self,
        cells: &[Cell<'_>],
        programs: &Programs<'_>,
        sampler: &dyn Sampler,
    ) -> Result<Vec<Record>> {
        self.groups(cells, programs, |group| {
            let begun = group.iter().take_while(|_| !interrupt::requested());
            begun.map(|cell| Ok((cell, self.cell(cell, programs, sampler)?))).collect()
        })
    }

    /// Takes the cells of a query at the same time, as many as their variants say.
    ///
    /// # Errors
    /// As [`run`](Self::run).
    pub(crate) fn run_together(
        &self,
        cells: &[Cell<'_>],
        programs: &Programs<'_>,
        sampler: &(dyn Sampler + Sync),
    ) -> Result<Vec<Record>> {
        self.groups(cells, programs, |group| self.together(group, programs, sampler))
    }

    /// The file with this run's records, once there is one.
    pub(crate) fn records(&self) -> Option<PathBuf> {
        let writer = self.writer.as_ref()?.lock().unwrap_or_else(PoisonError::into_inner);
        writer.path().map(PathBuf::from)
    }

    /// Keeps a record, where records are kept.
    ///
    /// # Errors
    /// When it cannot be written.
    pub(crate) fn keep(&self, record: &Record) -> Result<()> {
        let Some(writer) = &self.writer else { return Ok(()) };
        Ok(writer.lock().unwrap_or_else(PoisonError::into_inner).append(record)?)
    }

    /// The cells of one query after those of another: where no reference vouches for an answer, they judge each other.
    fn groups<'c, 'd: 'c>(
        &self,
        cells: &'c [Cell<'d>],
        programs: &Programs<'_>,
        mut take: impl FnMut(&'c [Cell<'d>]) -> Result<Vec<(&'c Cell<'d>, CellResult)>>,
    ) -> Result<Vec<Record>> {
        let mut records = Vec::new();
        for group in cells.chunk_by(Cell::asks_the_same) {
            if interrupt::requested() {
                break;
            }
            let (begun, mut results): (Vec<&Cell<'_>>, Vec<CellResult>) = take(group)?.into_iter().unzip();
            self.resolve(&begun, &mut results, programs);
            for result in results.iter().filter(|result| result.unverified.is_some()) {
                self.keep(&result.record)?;
            }
            let done: Vec<Record> = results.into_iter().map(|result| result.record).collect();
            self.tell(&Event::Judged { records: &done });
            records.extend(done);
        }
        let is_left = |cell: &&Cell<'_>| records.iter().all(|record| record.id != cell.id);
        let left: Vec<String> = cells.iter().filter(is_left).map(|cell| cell.id.to_string()).collect();
        if !left.is_empty() {
            let more = left.len().saturating_sub(SHOWN);
            let more = if more > 0 { format!(" and {more} more") } else { String::new() };
            let first = left.iter().take(SHOWN).map(String::as_str).collect::<Vec<_>>().join(", ");
            log::info!("interrupted before {} cells were begun: {first}{more}", left.len());
        }
        Ok(records)
    }

    fn together<'c, 'd>(
        &self,
        cells: &'c [Cell<'d>],
        programs: &Programs<'_>,
        sampler: &(dyn Sampler + Sync),
    ) -> Result<Vec<(&'c Cell<'d>, CellResult)>> {
        let slots: Vec<OnceLock<CellResult>> = cells.iter().map(|_| OnceLock::new()).collect();
        let next = AtomicUsize::new(0);
        let workers = cells.first().map_or(1, |cell| cell.variant.parallel).min(cells.len());
        let most = cells.iter().map(|cell| cell.variant.threads).max().unwrap_or_default();
        let enough = most.saturating_mul(workers) <= machine::cores();
        let work = |worker: usize| -> Result<()> {
            loop {
                let place = next.fetch_add(1, Ordering::Relaxed);
                let Some(cell) = cells.get(place).filter(|_| !interrupt::requested()) else { return Ok(()) };
                let mut cell = cell.clone();
                if workers > 1 {
                    // Alone, an engine has the best processors; beside others, those that nobody else has, or all.
                    cell.variant.first_processor = enough.then_some(worker * most);
                }
                // Each place is taken once.
                let _ = slots[place].set(self.cell(&cell, programs, sampler)?);
            }
        };
        thread::scope(|scope| {
            let work = &work;
            let others: Vec<_> = (1..workers).map(|worker| scope.spawn(move || work(worker))).collect();
            let first = work(0);
            let join = |worker: thread::ScopedJoinHandle<'_, Result<()>>| {
                worker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
            };
            others.into_iter().map(join).fold(first, Result::and)
        })?;
        Ok(cells.iter().zip(slots).filter_map(|(cell, slot)| Some((cell, slot.into_inner()?))).collect())
    }

    /// One cell, from its program to its record, which is kept unless other engines have yet to judge its answer.
    fn cell(&self, cell: &Cell<'_>, programs: &Programs<'_>, sampler: &dyn Sampler) -> Result<CellResult> {
        self.tell(&Event::Started { id: &cell.id });
        let mut result = CellResult { record: self.context.blank(cell), unverified: None };
        let done = match &programs[cell.id.engine.as_str()] {
            Ok(program) => {
                result.record.engine.program = self.identity(cell, program);
                self.measure(cell, program, sampler, &mut result)
            }
            Err(stop) => Err(stop.clone()),
        };
        let waited = done.unwrap_or_else(|stop| {
            result.record.outcome = stop.into();
            Duration::ZERO
        });
        self.tell(&Event::Ended { record: &result.record, waited });
        if result.unverified.is_none() {
            self.keep(&result.record)?;
        }
        Ok(result)
    }

    /// What the program is, where records are kept.
    fn identity(&self, cell: &Cell<'_>, program: &Program) -> Option<String> {
        self.writer.as_ref()?;
        let mut known = self.identities.lock().unwrap_or_else(PoisonError::into_inner);
        let look = || identity::checksum(cell.engine, program).ok();
        known.entry(cell.id.engine.clone()).or_insert_with(look).clone()
    }

    /// Gives how long the host waited for the cell's programs.
    fn measure(
        &self,
        cell: &Cell<'_>,
        program: &Program,
        sampler: &dyn Sampler,
        result: &mut CellResult,
    ) -> Result<Duration, Stop> {
        let ready = self.prepare(cell, program, result)?;
        let mut engine = Engine::new(cell, program, self.settings, ready)?;
        let taken = sampler.sample(cell, &mut engine, self.observer)?;
        self.finish(cell, program, engine, taken, result).inspect_err(|_| sampler.withdraw(cell))
    }

    fn tell(&self, event: &Event<'_>) {
        (self.observer)(event);
    }
}
