//! A ready cell's engine, as its samples are taken: hot, one program for all of them; cold, a fresh one for each run.

use std::time::{Duration, Instant};

use super::cold::Cold;
use super::prepare::Ready;
use super::select::Cell;
use super::stop::Stop;
use crate::host::data::generate::column_bytes;
use crate::host::record::{Metrics, PlanNames, PlanRecord, WarmUp, WarmUpEnd, metric};
use crate::host::services::{TaskCounts, Tasks};
use crate::host::session::{Failure, Program, Runs, Session};
use crate::host::settings::Settings;
use crate::host::stats::{is_steady, median};
use crate::host::variant::Cache;
use crate::protocol::engine::{Phases, Server};
use crate::protocol::observe::Observe;

/// Warm-up before the samples of a cell, over and above the verifying run; for all who take samples, so that theirs are alike.
pub(crate) const WARM_UP: Duration = Duration::from_millis(500);
/// What the samples of a cell should take together: a run of one cell is to be over in five seconds.
pub(crate) const MEASUREMENT: Duration = Duration::from_secs(2);
/// Iterations of one sample at most: more would not make it truer, and `null` would take minutes.
pub(crate) const ITERATIONS: u32 = 1000;
/// Runs that an engine is given to become steady: so many at least and at most.
const LEAST_RUNS: usize = 20;
const MOST_RUNS: usize = 120;
/// And the time, unless the least take longer: one query is not to take the evening.
pub(super) const STEADY_TIME: Duration = Duration::from_mins(3);
/// Runs whose parts are told apart; an odd number, so that a median is one of them.
const PHASED: usize = 3;
/// Runs of the warm-up that are kept: an engine that is not warm after so many will not be.
pub(crate) const CURVE: usize = 1000;

/// Some runs that were asked for at once.
pub(crate) struct Sample {
    pub(crate) iterations: u64,
    pub(crate) runs: Runs,
    pub(crate) total: Duration,
}

/// The engine of a cell, as its samples are taken.
pub(crate) struct Engine<'a> {
    /// The verifying run.
    pub(crate) first: Runs,
    /// The program of the last run; none where that has ended and the next, a cold one, has not begun.
    pub(super) last: Option<Session>,
    /// How long programs were waited for that are gone.
    waited: Duration,
    /// What each run before the samples took so far, in nanoseconds, the verifying one first.
    pub(crate) before_ns: Vec<u64>,
    /// How it became warm, where that takes many runs.
    pub(super) steadied: Option<WarmUp>,
    /// Whether it takes many.
    warms_up: bool,
    /// Makes a fresh program for each run; none: one program is for all.
    cold: Option<Cold<'a>>,
    /// The tables, as a plan names them.
    names: PlanNames,
    /// The server that does the work.
    server: Option<Server>,
}

impl<'a> Engine<'a> {
    /// Goes on with the verified program, or from it to fresh ones.
    ///
    /// # Errors
    /// When the program does not end well where it has to, or nothing can be said of its reads.
    pub(crate) fn new(
        cell: &'a Cell<'a>,
        program: &'a Program,
        settings: &'a Settings,
        ready: Ready,
    ) -> Result<Self, Stop> {
        let Ready { session, first, query, dataset, server } = ready;
        let names = PlanNames::of(&dataset);
        let mut engine = Self {
            before_ns: first.durations_ns.clone(),
            first,
            last: Some(session),
            waited: Duration::ZERO,
            steadied: None,
            warms_up: cell.engine.warms_up,
            cold: None,
            names,
            server,
        };
        if cell.variant.cache == Cache::Cold {
            engine.end_last()?;
            let needed = column_bytes(&dataset, &query.text())?;
            engine.cold = Some(Cold { cell, program, settings, query, dataset, needed });
        }
        Ok(engine)
    }

    /// Whether each run is one of a fresh program, which needs no warming up.
    pub(crate) fn is_cold(&self) -> bool {
        self.cold.is_some()
    }

    /// How long the host waited for the cell's programs, from their start on.
    pub(super) fn waited(&self) -> Duration {
        self.waited + self.last.as_ref().map(Session::waited).unwrap_or_default()
    }

    pub(crate) fn first_time(&self) -> Duration {
        Duration::from_nanos(self.first.durations_ns.first().copied().unwrap_or(1).max(1))
    }

    pub(crate) fn warm_up_time(&self) -> Duration {
        WARM_UP.min(self.first_time() * ITERATIONS)
    }

    /// Warms up where Criterion does not: for as long, and once at least. Gives what each run before the samples took.
    ///
    /// # Errors
    /// As every run.
    pub(crate) fn warm_up(&mut self) -> Result<Vec<u64>, Failure> {
        if self.is_cold() {
            return Ok(Vec::new());
        }
        self.steady()?;
        let mut warm_up_ns = self.before_ns.clone();
        let began = Instant::now();
        loop {
            warm_up_ns.extend(self.sample(1)?.runs.durations_ns);
            if began.elapsed() >= self.warm_up_time() {
                break;
            }
        }
        warm_up_ns.truncate(CURVE);
        Ok(warm_up_ns)
    }

    /// Runs an engine that takes many runs to become warm until they are steady; others not at all. By their CPU time, which other programs
    /// disturb less than a clock; by the clock where the CPU time of a run is not known.
    ///
    /// # Errors
    /// As every run.
    pub(crate) fn steady(&mut self) -> Result<(), Failure> {
        if !self.warms_up || self.is_cold() || self.steadied.is_some() {
            return Ok(());
        }
        let (began, mut cpu_time_ns, mut wall_ns) = (Instant::now(), Some(Vec::new()), Vec::new());
        let ended = loop {
            let runs = self.sample(1)?.runs;
            cpu_time_ns = cpu_time_ns.zip(runs.cpu_time_ns).map(|(mut all, one)| {
                all.push(one);
                all
            });
            wall_ns.extend(runs.durations_ns);
            let told: Vec<f64> = cpu_time_ns.as_ref().unwrap_or(&wall_ns).iter().map(|ns| metric::value(*ns)).collect();
            if is_steady(&told) {
                break WarmUpEnd::Steady;
            } else if told.len() >= MOST_RUNS {
                break WarmUpEnd::MostRuns;
            } else if told.len() >= LEAST_RUNS && began.elapsed() >= STEADY_TIME {
                break WarmUpEnd::MostTime;
            }
        };
        let runs = u64::try_from(wall_ns.len()).unwrap_or(u64::MAX);
        self.before_ns.extend(wall_ns);
        self.steadied = Some(WarmUp { cpu_time_ns: cpu_time_ns.unwrap_or_default(), runs, ended });
        Ok(())
    }

    /// The parts of a run's time, and what its tasks took in a server's executors: medians over a few runs of their own, hot. Unknown for
    /// an engine that cannot tell.
    ///
    /// # Errors
    /// As every run.
    pub(super) fn parts(&mut self) -> Result<Metrics, Failure> {
        let mut metrics = Metrics::default();
        let (None, Some(session)) = (&self.cold, &mut self.last) else { return Ok(metrics) };
        let tasks = self.server.as_ref().and_then(Tasks::of);
        let (mut told, mut counts) = (Vec::new(), Vec::new());
        for _ in 0..PHASED {
            let newest = tasks.as_ref().and_then(Tasks::newest_stage);
            let runs = session.observe(Observe::Phases)?;
            if runs.rows != self.first.rows {
                return Err(session.changed_rows(self.first.rows, runs.rows));
            }
            let Some(phases) = runs.observed.phases else { return Ok(metrics) };
            told.push(phases);
            let counted = tasks.as_ref().zip(newest).and_then(|(tasks, newest)| tasks.since(newest));
            counts.extend(counted.map(|counts| (counts, runs.durations_ns.iter().sum())));
        }
        let mut keep = |kind, values: Vec<u64>| {
            let values: Vec<f64> = values.into_iter().map(metric::value).collect();
            metrics.set(kind, median(&values));
        };
        for (kind, part) in [
            (metric::PLAN_TIME, (|phases| phases.plan_ns) as fn(&Phases) -> Option<u64>),
            (metric::EXECUTE_TIME, |phases| phases.execute_ns),
            (metric::FETCH_TIME, |phases| phases.fetch_ns),
        ] {
            keep(kind, told.iter().filter_map(part).collect());
        }
        for (kind, count) in [
            (metric::TASK_TIME, (|(tasks, _)| tasks.run_ns) as fn(&(TaskCounts, u64)) -> u64),
            (metric::COORDINATION_TIME, |(tasks, wall_ns)| (wall_ns * tasks.cores).saturating_sub(tasks.run_ns)),
            (metric::SHUFFLE_READ, |(tasks, _)| tasks.shuffle_read_bytes),
            (metric::SHUFFLE_WRITTEN, |(tasks, _)| tasks.shuffle_written_bytes),
        ] {
            // Of all these runs or of none.
            keep(kind, if counts.len() == PHASED { counts.iter().map(count).collect() } else { Vec::new() });
        }
        Ok(metrics)
    }

    /// How the engine would run the query, asked of the last run's program. Unknown for an engine that does not tell.
    ///
    /// # Errors
    /// As every request.
    pub(super) fn plan(&mut self) -> Result<Option<PlanRecord>, Failure> {
        let Some(session) = &mut self.last else { return Ok(None) };
        PlanRecord::told_by(session, &self.names)
    }

    /// Lets the last program end by itself.
    ///
    /// # Errors
    /// When it does not.
    pub(super) fn close(mut self) -> Result<(), Failure> {
        self.end_last()
    }

    fn end_last(&mut self) -> Result<(), Failure> {
        let Some(session) = self.last.take() else { return Ok(()) };
        self.waited += session.waited();
        session.close()
    }

    /// So many runs, which must give as many rows as the verifying one.
    ///
    /// # Errors
    /// As every run, and when one was to be cold and was not.
    pub(crate) fn sample(&mut self, iterations: u64) -> Result<Sample, Failure> {
        let runs = match (&self.cold, &mut self.last) {
            (None, Some(session)) => session.run_again(iterations, self.first.rows)?,
            _ => self.run_cold(iterations)?,
        };
        Ok(Sample { iterations, total: Duration::from_nanos(runs.durations_ns.iter().sum()), runs })
    }

    fn run_cold(&mut self, iterations: u64) -> Result<Runs, Failure> {
        let mut all: Option<Runs> = None;
        for _ in 0..iterations {
            self.end_last()?;
            let Some(cold) = &self.cold else { break };
            let (session, runs) = cold.run(self.first.rows)?;
            self.last = Some(session);
            all = Some(match all {
                Some(before) => before.and(runs),
                None => runs,
            });
        }
        Ok(all.unwrap_or_default())
    }
}
