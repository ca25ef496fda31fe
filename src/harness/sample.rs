//! A ready cell's samples, taken by Criterion: one `iter_custom` call is one request to the engine program.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::time::Duration;

use criterion::{Criterion, SamplingMode};

use super::args::{Args, Mode};
use super::attempt::Ready;
use crate::id::BenchId;
use crate::session::{Failure, Runs, Session};

/// Warm-up before the samples of a cell, over and above the verifying run.
const WARM_UP: Duration = Duration::from_secs(1);
/// What the samples of a cell should take together.
const MEASUREMENT: Duration = Duration::from_secs(5);
/// Iterations of one sample at most: more would not make it truer, and `null` would take minutes.
const ITERATIONS: u32 = 1000;

/// What one `iter_custom` call took.
pub(super) struct Sample {
    pub(super) iterations: u64,
    pub(super) runs: Runs,
    pub(super) total: Duration,
}

/// The payload of the unwinding that takes a failure out through Criterion, which has no way of its own to stop a benchmark.
struct Halt;

/// Lets Criterion measure the cell and report on it; gives the samples that it used, without its warm-up.
///
/// # Errors
/// The failure of the program in the middle; Criterion has then written nothing for this cell.
pub(super) fn take(
    criterion: &mut Criterion,
    args: &Args,
    id: &BenchId,
    ready: &mut Ready,
    spent: &mut Duration,
) -> Result<Vec<Sample>, Failure> {
    let mut samples = Vec::new();
    let mut failure = None;
    let first = Duration::from_nanos(ready.first.durations_ns.first().copied().unwrap_or(1).max(1));
    *spent += first;
    let rows = ready.first.rows;
    let session = &mut ready.session;
    let measured = catch_unwind(AssertUnwindSafe(|| {
        let mut group = criterion.benchmark_group(id.group());
        // Auto would switch between two methods with the query's speed, and unlike samples cannot be compared.
        group.sampling_mode(SamplingMode::Flat);
        if !args.has("warm-up-time") {
            group.warm_up_time(WARM_UP.min(first * ITERATIONS));
        }
        if !args.has("measurement-time") {
            let samples = u32::try_from(args.sample_size()).unwrap_or(u32::MAX);
            group.measurement_time(MEASUREMENT.min(first.saturating_mul(ITERATIONS).saturating_mul(samples)));
        }
        group.bench_function(&id.variant, |bencher| {
            bencher.iter_custom(|iterations| match sample(session, iterations, rows) {
                Ok(sample) => {
                    let total = sample.total;
                    *spent += total;
                    samples.push(sample);
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
    let warm_up = if args.mode == Mode::Measure { samples.len().saturating_sub(args.sample_size()) } else { 0 };
    Ok(samples.split_off(warm_up))
}

/// Tells Criterion that the cell exists, so that it shows what it stored before; nothing runs.
pub(super) fn show_stored(criterion: &mut Criterion, id: &BenchId) {
    let mut group = criterion.benchmark_group(id.group());
    group.sampling_mode(SamplingMode::Flat);
    group.bench_function(&id.variant, |_| {});
    group.finish();
}

fn sample(session: &mut Session, iterations: u64, rows: u64) -> Result<Sample, Failure> {
    let runs = session.run(iterations)?;
    if runs.rows != rows {
        return Err(session.changed_rows(rows, runs.rows));
    }
    Ok(Sample { iterations, total: Duration::from_nanos(runs.durations_ns.iter().sum()), runs })
}
