//! A ready cell's samples, taken by Criterion: one `iter_custom` call is one request to the engine program, or, cold, as
//! many fresh programs.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::time::{Duration, Instant};

use criterion::{Criterion, SamplingMode};

use super::args::{Args, Mode};
use super::attempt::{Ready, Stop};
use super::cold::Cold;
use super::select::Cell;
use crate::engine::Phases;
use crate::id::BenchId;
use crate::session::{Failure, Observe, Program, Runs, Session};
use crate::settings::Settings;
use crate::variant::Cache;

/// Warm-up before the samples of a cell, over and above the verifying run; for all who take samples, so that theirs are alike.
pub(super) const WARM_UP: Duration = Duration::from_secs(1);
/// What the samples of a cell should take together.
pub(super) const MEASUREMENT: Duration = Duration::from_secs(5);
/// Iterations of one sample at most: more would not make it truer, and `null` would take minutes.
const ITERATIONS: u32 = 1000;
/// Runs whose parts are told apart; an odd number, so that a median is one of them.
const PHASED: usize = 3;
/// Runs of the warm-up that are kept: an engine that is not warm after so many will not be.
const CURVE: usize = 1000;

/// What one `iter_custom` call took.
pub(crate) struct Sample {
    pub(crate) iterations: u64,
    pub(crate) runs: Runs,
    pub(crate) total: Duration,
}

/// The samples of a cell, and what came before them.
pub(crate) struct Samples {
    /// Those that Criterion used.
    pub(crate) taken: Vec<Sample>,
    /// Each run of its warm-up.
    pub(crate) warm_up_ns: Vec<u64>,
}

/// The engine of a cell, as its samples are taken.
pub(crate) struct Engine<'a> {
    /// The verifying run.
    pub(crate) first: Runs,
    /// How long a program was waited for that is gone.
    waited: Duration,
    kind: Kind<'a>,
}

#[expect(clippy::large_enum_variant, reason = "there is one of it at a time")]
enum Kind<'a> {
    /// One program for all runs.
    Hot(Session),
    /// A fresh one for each.
    Cold(Cold<'a>),
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
        let Ready { session, first, query, dataset } = ready;
        let mut waited = Duration::ZERO;
        let kind = match cell.parts.variant.cache {
            Cache::Hot => Kind::Hot(session),
            Cache::Cold => {
                waited = session.waited();
                session.close()?;
                Kind::Cold(Cold::new(cell, program, settings, query, dataset)?)
            }
        };
        Ok(Self { first, waited, kind })
    }

    /// Whether each run is one of a fresh program, which needs no warming up.
    pub(crate) fn is_cold(&self) -> bool {
        matches!(self.kind, Kind::Cold(_))
    }

    /// How long the host waited for the cell's programs, from their start on.
    pub(super) fn waited(&self) -> Duration {
        self.waited
            + match &self.kind {
                Kind::Hot(session) => session.waited(),
                Kind::Cold(cold) => cold.waited(),
            }
    }

    /// What the verifying run took.
    fn first_time(&self) -> Duration {
        Duration::from_nanos(self.first.durations_ns.first().copied().unwrap_or(1).max(1))
    }

    /// How long to warm up.
    fn warm_up_time(&self) -> Duration {
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
        let mut warm_up_ns = self.first.durations_ns.clone();
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

    /// The program of the last run.
    pub(super) fn session(&mut self) -> Option<&mut Session> {
        match &mut self.kind {
            Kind::Hot(session) => Some(session),
            Kind::Cold(cold) => cold.session(),
        }
    }

    /// The parts of a run's time: medians over a few runs of their own, hot. Unknown for an engine that cannot tell.
    ///
    /// # Errors
    /// As every run.
    pub(super) fn phases(&mut self) -> Result<Phases, Failure> {
        let Kind::Hot(session) = &mut self.kind else {
            return Ok(Phases::default());
        };
        let mut told = Vec::new();
        for _ in 0..PHASED {
            let runs = session.observe(Observe::Phases)?;
            if runs.rows != self.first.rows {
                return Err(session.changed_rows(self.first.rows, runs.rows));
            }
            let Some(phases) = runs.observed.phases else {
                return Ok(Phases::default());
            };
            told.push(phases);
        }
        let median = |part: fn(&Phases) -> Option<u64>| {
            let mut parts: Vec<u64> = told.iter().filter_map(part).collect();
            parts.sort_unstable();
            parts.get(PHASED / 2).copied()
        };
        Ok(Phases {
            plan_ns: median(|phases| phases.plan_ns),
            execute_ns: median(|phases| phases.execute_ns),
            fetch_ns: median(|phases| phases.fetch_ns),
        })
    }

    /// Lets the last program end by itself.
    ///
    /// # Errors
    /// When it does not.
    pub(super) fn close(self) -> Result<(), Failure> {
        match self.kind {
            Kind::Hot(session) => session.close(),
            Kind::Cold(cold) => cold.close(),
        }
    }

    /// So many runs, which must give as many rows as the verifying one.
    ///
    /// # Errors
    /// As every run, and when one was to be cold and was not.
    pub(crate) fn sample(&mut self, iterations: u64) -> Result<Sample, Failure> {
        let rows = self.first.rows;
        let runs = match &mut self.kind {
            Kind::Hot(session) => {
                let runs = session.run(iterations)?;
                if runs.rows != rows {
                    return Err(session.changed_rows(rows, runs.rows));
                }
                runs
            }
            Kind::Cold(cold) => cold.run(iterations, rows)?,
        };
        Ok(Sample { iterations, total: Duration::from_nanos(runs.durations_ns.iter().sum()), runs })
    }
}

/// The payload of the unwinding that takes a failure out through Criterion, which has no way of its own to stop a benchmark.
struct Halt;

/// Lets Criterion measure the cell and report on it.
///
/// # Errors
/// The failure of the program in the middle; Criterion has then written nothing for this cell.
pub(super) fn take(
    criterion: &mut Criterion,
    args: &Args,
    id: &BenchId,
    engine: &mut Engine<'_>,
) -> Result<Samples, Failure> {
    let mut taken: Vec<Sample> = Vec::new();
    let mut failure = None;
    let (first, warm_up_time, cold) = (engine.first_time(), engine.warm_up_time(), engine.is_cold());
    let measured = catch_unwind(AssertUnwindSafe(|| {
        let mut group = criterion.benchmark_group(id.group());
        // Auto would switch between two methods with the query's speed, and unlike samples cannot be compared.
        group.sampling_mode(SamplingMode::Flat);
        if cold {
            // What has to be cold needs no warming up, and each iteration is a program of its own: one a sample.
            eprintln!(
                "{id}: cold, so each sample is one run of a fresh program, whatever --measurement-time and the warning below say"
            );
            group.warm_up_time(Duration::from_nanos(1)).measurement_time(Duration::from_nanos(1));
        } else {
            if !args.has("warm-up-time") {
                group.warm_up_time(warm_up_time);
            }
            if !args.has("measurement-time") {
                let samples = u32::try_from(args.sample_size()).unwrap_or(u32::MAX);
                group.measurement_time(MEASUREMENT.min(first.saturating_mul(ITERATIONS).saturating_mul(samples)));
            }
        }
        group.bench_function(&id.variant, |bencher| {
            bencher.iter_custom(|iterations| match engine.sample(iterations) {
                Ok(sample) => {
                    let total = sample.total;
                    taken.push(sample);
                    total
                }
                Err(error) => {
                    failure = Some(error);
                    resume_unwind(Box::new(Halt))
                }
            });
        });
        group.finish();
    }));
    match (measured, failure) {
        (Ok(()), _) => {}
        (Err(_), Some(failure)) => return Err(failure),
        // Criterion's own panic: a missing baseline, a bad option.
        (Err(panic), None) => resume_unwind(panic),
    }
    // Warm-up calls come first; what Criterion used are the last ones.
    let warm_up = if args.mode == Mode::Measure { taken.len().saturating_sub(args.sample_size()) } else { 0 };
    let used = taken.split_off(warm_up);
    let mut warm_up_ns = Vec::new();
    if !cold {
        let before = taken.iter().flat_map(|sample| &sample.runs.durations_ns);
        warm_up_ns.extend(engine.first.durations_ns.iter().chain(before).take(CURVE));
    }
    Ok(Samples { taken: used, warm_up_ns })
}

/// Tells Criterion that the cell exists, so that it shows what it stored before; nothing runs.
pub(super) fn show_stored(criterion: &mut Criterion, id: &BenchId) {
    let mut group = criterion.benchmark_group(id.group());
    group.sampling_mode(SamplingMode::Flat);
    group.bench_function(&id.variant, |_| {});
    group.finish();
}
