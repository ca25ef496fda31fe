//! A ready cell's samples, taken by Criterion: one `iter_custom` call is one request to the engine program, or, cold, as
//! many fresh programs.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::time::Duration;

use criterion::{Criterion, SamplingMode};

use super::args::{Args, Mode};
use crate::host::run::engine::{CURVE, Engine, ITERATIONS, MEASUREMENT, Sample, Samples};
use crate::host::session::Failure;
use crate::protocol::id::BenchId;

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
