//! A ready cell's samples, taken by Criterion: one `iter_custom` call is one request to the engine program, or, cold, as
//! many fresh programs.

use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::time::Duration;

use criterion::{Criterion, SamplingMode};

use super::args::{Args, Mode};
use crate::host::paths;
use crate::host::run::engine::{CURVE, ITERATIONS, MEASUREMENT, Sample};
use crate::host::run::{Cell, Engine, Event, Observer, Sampler, Samples, Stop};
use crate::protocol::id::BenchId;

/// The payload of the unwinding that takes a failure out through Criterion, which has no way of its own to stop a benchmark.
struct Halt;

pub(super) struct ByCriterion<'a> {
    pub(super) criterion: RefCell<Criterion>,
    pub(super) args: &'a Args,
}

impl Sampler for ByCriterion<'_> {
    /// Criterion writes nothing for a cell whose program fails in the middle.
    fn sample(&self, cell: &Cell<'_>, engine: &mut Engine<'_>, observer: &Observer<'_>) -> Result<Samples, Stop> {
        let mut taken: Vec<Sample> = Vec::new();
        let mut failure = None;
        if self.args.mode == Mode::Measure {
            engine.steady()?;
        }
        let (first, warm_up_time, cold) = (engine.first_time(), engine.warm_up_time(), engine.is_cold());
        let mut criterion = self.criterion.borrow_mut();
        let (args, id) = (self.args, &cell.id);
        let measured = catch_unwind(AssertUnwindSafe(|| {
            let mut group = criterion.benchmark_group(id.group());
            // Auto would switch between two methods with the query's speed, and unlike samples cannot be compared.
            group.sampling_mode(SamplingMode::Flat);
            if cold {
                // What has to be cold needs no warming up, and each iteration is a program of its own: one a sample.
                let text = "cold, so each sample is one run of a fresh program, whatever --measurement-time and the warning below say";
                observer(&Event::Note { id, text });
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
            (Err(_), Some(failure)) => {
                return Err(Stop::from(failure).after(taken.iter().map(|sample| sample.iterations).sum()));
            }
            // Criterion's own panic: a missing baseline, a bad option.
            (Err(panic), None) => resume_unwind(panic),
        }
        // Warm-up calls come first; what Criterion used are the last ones.
        let warm_up = if args.mode == Mode::Measure { taken.len().saturating_sub(args.sample_size()) } else { 0 };
        let used = taken.split_off(warm_up);
        let mut warm_up_ns = Vec::new();
        if !cold {
            let before = taken.iter().flat_map(|sample| &sample.runs.durations_ns);
            warm_up_ns.extend(engine.before_ns.iter().chain(before).take(CURVE));
        }
        Ok(Samples { taken: used, warm_up_ns })
    }

    /// Takes them out of Criterion's folder.
    fn withdraw(&self, cell: &Cell<'_>) {
        if !matches!(self.args.mode, Mode::Measure | Mode::Quick) {
            // Criterion wrote nothing: what is there is of an earlier run.
            return;
        }
        for folder in ["new", "change"].into_iter().chain(self.args.saves_to()) {
            // One that is not there needs no removing.
            let _ = std::fs::remove_dir_all(paths::criterion_of(&cell.id).join(folder));
        }
    }
}

/// Tells Criterion that the cell exists, so that it shows what it stored before; nothing runs.
pub(super) fn show_stored(criterion: &mut Criterion, id: &BenchId) {
    let mut group = criterion.benchmark_group(id.group());
    group.sampling_mode(SamplingMode::Flat);
    group.bench_function(&id.variant, |_| {});
    group.finish();
}
