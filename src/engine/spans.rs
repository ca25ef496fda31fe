//! The time of each step of a run: [`Spans`].

use std::time::{Duration, Instant};

use anyhow::ensure;

use crate::engine::Result;
use crate::protocol::task::Span;

/// Takes the time of the steps of one run. An engine that cannot tell its steps apart takes none.
#[derive(Debug, Default)]
pub struct Spans {
    taken: Vec<(String, u64)>,
}

impl Spans {
    /// Does a step's work, with a clock reading before and after it. What is done in several pieces is added up.
    pub fn time<T>(&mut self, step: &str, work: impl FnOnce() -> T) -> T {
        let start = Instant::now();
        let done = work();
        self.add(step, start.elapsed());
        done
    }

    /// Adds time that a step took by another clock: a server's own. It is part of this run.
    pub fn add(&mut self, step: &str, took: Duration) {
        let took = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        match self.taken.iter_mut().find(|(taken, _)| taken == step) {
            Some((_, sum)) => *sum += took,
            None => self.taken.push((step.to_owned(), took)),
        }
    }

    /// What a step took so far.
    #[cfg(any(feature = "pipeline", all(test, feature = "harness")))]
    pub(super) fn of(&self, step: &str) -> Duration {
        let taken = self.taken.iter().find(|(taken, _)| taken == step);
        taken.map_or(Duration::ZERO, |(_, ns)| Duration::from_nanos(*ns))
    }

    /// Moves what was taken to that of the runs before.
    ///
    /// # Errors
    /// When this run had other steps.
    pub(super) fn join(&mut self, all: &mut Vec<Span>, runs_before: usize) -> Result<()> {
        if runs_before == 0 {
            let named = self.taken.iter().map(|(step, _)| Span { step: step.clone(), durations_ns: Vec::new() });
            all.extend(named);
        }
        let same = all.iter().map(|span| &span.step).eq(self.taken.iter().map(|(step, _)| step));
        ensure!(same, "a run has other steps than the one before: {:?}", self.taken);
        for (span, (_, took)) in all.iter_mut().zip(self.taken.drain(..)) {
            span.durations_ns.push(took);
        }
        Ok(())
    }
}
