//! The run itself: query by query, one engine after the other or several at a time, each cell in a thread of its own making.

use std::panic::resume_unwind;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

use anyhow::Result;

use super::{Bench, Progress, RUNS};
use crate::host::criterion::replay::replay;
use crate::host::data::generate::Store;
use crate::host::interrupt;
use crate::host::record::{Record, Writer};
use crate::host::run::context::RunContext;
use crate::host::run::engine::{Engine, Samples};
use crate::host::run::finish::After;
use crate::host::run::plan::Programs;
use crate::host::run::prepare::{Stop, attempt};
use crate::host::run::select::Cell;
use crate::host::session::{Failure, FailureKind, Program};
use crate::host::settings::Settings;
use crate::host::verify::cross_check::{Engines, Held, resolve};
use crate::host::verify::referee::{Referee, UnverifiedAnswer};
use crate::measure::machine;
use crate::protocol::id::BenchId;

/// What all cells of a run share.
struct Run<'a> {
    bench: &'a Bench,
    settings: &'a Settings,
    runs: usize,
    programs: Programs<'a>,
    store: Store,
    referee: Referee,
    origin: RunContext,
    writer: Mutex<Writer>,
}

/// Runs all that the bench means.
///
/// # Errors
/// As [`Bench::run`].
pub(super) fn run(bench: &Bench, settings: &Settings) -> Result<Vec<Record>> {
    let workloads = bench.workloads(settings)?;
    let catalog = bench.catalog(settings)?;
    let cells = bench.cells(&workloads, &catalog, settings)?;
    let run = Run {
        bench,
        settings,
        runs: bench.runs.unwrap_or(RUNS),
        programs: bench.programs(&cells, settings)?,
        store: Store::new(settings.data.clone()),
        referee: Referee::new(settings),
        origin: RunContext::read(settings),
        writer: Mutex::new(Writer::new(&settings.home.join("records"))),
    };
    let ids: Vec<BenchId> = cells.iter().map(|cell| cell.id.clone()).collect();
    run.tell(&Progress::Planned { cells: &ids, runs: run.runs });
    let mut records = Vec::new();
    for group in cells.chunk_by(Cell::asks_the_same) {
        if interrupt::requested() {
            break;
        }
        let done = run.group(group)?;
        replay(&done, &settings.home.with_file_name("criterion"), None);
        records.extend(done);
    }
    Ok(records)
}

impl Run<'_> {
    /// The cells of one query, which are judged by each other where no reference vouches for an answer.
    fn group(&self, cells: &[Cell<'_>]) -> Result<Vec<Record>> {
        let slots: Vec<Mutex<Option<Held>>> = cells.iter().map(|_| Mutex::default()).collect();
        let next = AtomicUsize::new(0);
        let workers = cells.first().map_or(1, |cell| cell.parts.variant.parallel).min(cells.len());
        let most = cells.iter().map(|cell| cell.parts.variant.threads).max().unwrap_or_default();
        let enough = most.saturating_mul(workers) <= machine::cores();
        let work = |worker: usize| -> Result<()> {
            loop {
                let place = next.fetch_add(1, Ordering::Relaxed);
                let Some(cell) = cells.get(place).filter(|_| !interrupt::requested()) else { return Ok(()) };
                let mut cell = cell.clone();
                if workers > 1 {
                    // Alone, an engine has the best processors; beside others, those that nobody else has, or all.
                    cell.parts.variant.first_processor = enough.then_some(worker * most);
                }
                let held = self.cell(&cell);
                if held.unverified.is_none() {
                    self.keep(&held.record)?;
                }
                *slots[place].lock().unwrap_or_else(PoisonError::into_inner) = Some(held);
            }
        };
        if workers == 1 {
            work(0)?;
        } else {
            thread::scope(|scope| {
                let work = &work;
                let workers: Vec<_> = (0..workers).map(|worker| scope.spawn(move || work(worker))).collect();
                workers.into_iter().try_for_each(|worker| worker.join().unwrap_or_else(|panic| resume_unwind(panic)))
            })?;
        }
        let done = slots.into_iter().zip(cells).filter_map(|(slot, cell)| {
            let held = slot.into_inner().unwrap_or_else(PoisonError::into_inner)?;
            Some((cell, held))
        });
        let (begun, mut held): (Vec<&Cell<'_>>, Vec<Held>) = done.unzip();
        let engines = Engines { programs: &self.programs, settings: self.settings, store: &self.store };
        resolve(&begun, &mut held, &engines);
        for held in held.iter().filter(|held| held.unverified.is_some()) {
            self.keep(&held.record)?;
        }
        Ok(held.into_iter().map(|held| held.record).collect())
    }

    fn cell(&self, cell: &Cell<'_>) -> Held {
        self.tell(&Progress::Started { id: &cell.id });
        let mut record = self.origin.blank(cell);
        let mut unverified = None;
        let done = match &self.programs[cell.id.engine.as_str()] {
            Ok(program) => self.measure(cell, program, &mut record, &mut unverified),
            Err(stop) => Err(stop.clone()),
        };
        if let Err(stop) = done {
            stop.tell(&mut record);
        }
        self.tell(&Progress::Ended { record: &record });
        Held { record, unverified }
    }

    fn measure(
        &self,
        cell: &Cell<'_>,
        program: &Program,
        record: &mut Record,
        unverified: &mut Option<UnverifiedAnswer>,
    ) -> Result<(), Stop> {
        let ready = attempt(cell, program, self.settings, &self.store, &self.referee, record, unverified)?;
        let mut engine = Engine::new(cell, program, self.settings, ready)?;
        if !engine.is_cold() {
            self.tell(&Progress::WarmingUp { id: &cell.id, of: self.runs });
        }
        let warm_up_ns = engine.warm_up().map_err(|failure| self.stopped(failure, 0))?;
        let mut taken = Vec::with_capacity(self.runs);
        for run in 1..=self.runs {
            let sample = engine.sample(1).map_err(|failure| self.stopped(failure, run - 1))?;
            self.tell(&Progress::Iteration { id: &cell.id, run, of: self.runs, took: sample.total });
            taken.push(sample);
        }
        let samples = Samples { taken, warm_up_ns };
        let after = After { cell, program, settings: self.settings, referee: &self.referee, keeps: true };
        after.finish(engine, &samples, record, unverified).map(drop)
    }

    fn stopped(&self, failure: Failure, after: usize) -> Stop {
        let interrupted = failure.kind == FailureKind::Interrupted;
        let stop = Stop::from(failure);
        if interrupted {
            return Stop { reason: format!("interrupted after {after} of {} runs", self.runs), ..stop };
        }
        stop
    }

    fn keep(&self, record: &Record) -> Result<()> {
        self.writer.lock().unwrap_or_else(PoisonError::into_inner).append(record)
    }

    fn tell(&self, progress: &Progress<'_>) {
        if let Some(told) = &self.bench.on_progress {
            told(progress);
        }
    }
}
