//! How samples are taken: a [`Sampler`] for each way. Criterion's is in [`criterion`](crate::host::criterion).

use super::engine::{Engine, Sample};
use super::event::{Event, Observer};
use super::select::Cell;
use super::stop::Stop;
use crate::host::session::{Failure, FailureKind};

/// The samples of a cell, and what came before them.
pub(crate) struct Samples {
    pub(crate) taken: Vec<Sample>,
    pub(crate) warm_up_ns: Vec<u64>,
}

pub(crate) trait Sampler {
    /// Takes the samples of a cell whose answer is verified.
    ///
    /// # Errors
    /// When the program fails in the middle; the cell then has no samples.
    fn sample(&self, cell: &Cell<'_>, engine: &mut Engine<'_>, observer: &Observer<'_>) -> Result<Samples, Stop>;

    /// Throws away what was kept of a cell elsewhere than in its record: its samples are of a wrong answer.
    fn withdraw(&self, cell: &Cell<'_>) {
        let _ = cell;
    }
}

/// So many samples of one run each, after a warm-up.
pub(crate) struct Counted {
    pub(crate) runs: usize,
}

impl Sampler for Counted {
    fn sample(&self, cell: &Cell<'_>, engine: &mut Engine<'_>, observer: &Observer<'_>) -> Result<Samples, Stop> {
        let id = &cell.id;
        if !engine.is_cold() {
            observer(&Event::WarmingUp { id, of: self.runs });
        }
        let warm_up_ns = engine.warm_up().map_err(|failure| self.stopped(failure, 0))?;
        let mut taken = Vec::with_capacity(self.runs);
        for run in 1..=self.runs {
            let sample = engine.sample(1).map_err(|failure| self.stopped(failure, run - 1))?;
            observer(&Event::Iteration { id, run, of: self.runs, took: sample.total });
            taken.push(sample);
        }
        Ok(Samples { taken, warm_up_ns })
    }
}

impl Counted {
    fn stopped(&self, failure: Failure, after: usize) -> Stop {
        let interrupted = failure.kind == FailureKind::Interrupted;
        let mut stop = Stop::from(failure).after(after as u64);
        if interrupted {
            stop.why.reason = format!("interrupted after {after} of {} runs", self.runs);
        }
        stop
    }
}
