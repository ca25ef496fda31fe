//! In which order a table is read and aggregated, and by how many: whole or in chunks, by one or by several workers.
//!
//! Where workers read and aggregate at the same time, the wall time of both steps is divided in the proportion of the times that the
//! workers themselves measured.

use std::thread;
use std::time::{Duration, Instant};

use anyhow::Context;
use arrow::record_batch::RecordBatch;

use super::input::Reading;
use super::{AGGREGATE, Options, READ};
use crate::engine::{Result, Spans};

/// Takes batches in and becomes what they amount to.
pub(super) trait Aggregate: Send {
    /// What the batches of one worker amount to.
    type Part: Send;

    /// # Errors
    /// When a batch is not what the plan is for.
    fn push(&mut self, batch: &RecordBatch) -> Result<()>;

    /// # Errors
    /// When what was taken in is not what the plan is for.
    fn finish(self) -> Result<Self::Part>;
}

/// Reads a table and aggregates it, each worker with an aggregate of its own: one part for each of them.
///
/// # Errors
/// When a file cannot be read, or an aggregate fails.
pub(super) fn aggregated<A: Aggregate>(
    reading: &Reading<'_>,
    options: &Options,
    threads: usize,
    spans: &mut Spans,
    new: impl Fn() -> A + Sync,
) -> Result<Vec<A::Part>> {
    match (options.streaming, if options.parallel { threads } else { 1 }) {
        (false, 1) => {
            let batches =
                spans.time(READ, || std::iter::from_fn(|| reading.next_whole()).collect::<Result<Vec<_>>>())?;
            let part = spans.time(AGGREGATE, || of_batches(new(), batches.into_iter().flatten()))?;
            Ok(vec![part])
        }
        (false, workers) => {
            let read = |()| -> Result<Vec<RecordBatch>> {
                let mut batches = Vec::new();
                while let Some(whole) = reading.next_whole() {
                    batches.extend(whole?);
                }
                Ok(batches)
            };
            let batches = spans.time(READ, || by_workers(vec![(); workers], read))?;
            // Shared out anew by batches: row groups are few, and a worker that read one more would keep the others waiting.
            let all: Vec<RecordBatch> = batches.into_iter().flatten().collect();
            let share = all.len().div_ceil(workers).max(1);
            let shares: Vec<Vec<RecordBatch>> = all.chunks(share).map(<[RecordBatch]>::to_vec).collect();
            drop(all);
            spans.time(AGGREGATE, || by_workers(shares, |batches| of_batches(new(), batches.into_iter())))
        }
        (true, 1) => {
            let mut aggregate = new();
            while let Some(reader) = spans.time(READ, || reading.next()) {
                let mut reader = reader?;
                while let Some(batch) = spans.time(READ, || reader.next()) {
                    let batch = batch.context("a row group cannot be read")?;
                    spans.time(AGGREGATE, || aggregate.push(&batch))?;
                }
            }
            Ok(vec![spans.time(AGGREGATE, || aggregate.finish())?])
        }
        (true, workers) => {
            let start = Instant::now();
            let work = |()| -> Result<(A::Part, Duration, Duration)> {
                let (mut aggregate, mut took) = (new(), Spans::default());
                while let Some(reader) = took.time(READ, || reading.next()) {
                    let mut reader = reader?;
                    while let Some(batch) = took.time(READ, || reader.next()) {
                        let batch = batch.context("a row group cannot be read")?;
                        took.time(AGGREGATE, || aggregate.push(&batch))?;
                    }
                }
                let part = took.time(AGGREGATE, || aggregate.finish())?;
                Ok((part, took.of(READ), took.of(AGGREGATE)))
            };
            let parts = by_workers(vec![(); workers], work)?;
            let wall = start.elapsed();
            let sum = |of: fn(&(A::Part, Duration, Duration)) -> Duration| {
                parts.iter().map(of).sum::<Duration>().as_secs_f64()
            };
            let (read, aggregate) = (sum(|part| part.1), sum(|part| part.2));
            let read = wall.mul_f64(read / (read + aggregate).max(f64::MIN_POSITIVE)).min(wall);
            spans.add(READ, read);
            spans.add(AGGREGATE, wall.saturating_sub(read));
            Ok(parts.into_iter().map(|(part, ..)| part).collect())
        }
    }
}

fn of_batches<A: Aggregate>(mut aggregate: A, batches: impl Iterator<Item = RecordBatch>) -> Result<A::Part> {
    for batch in batches {
        aggregate.push(&batch)?;
    }
    aggregate.finish()
}

/// Does each piece of work in a thread of its own.
fn by_workers<T: Send, R: Send>(work: Vec<T>, one: impl Fn(T) -> Result<R> + Sync) -> Result<Vec<R>> {
    thread::scope(|scope| {
        let one = &one;
        let workers: Vec<_> = work.into_iter().map(|piece| scope.spawn(move || one(piece))).collect();
        let join = |worker: thread::ScopedJoinHandle<'_, Result<R>>| {
            worker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        };
        workers.into_iter().map(join).collect()
    })
}
