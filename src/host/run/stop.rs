//! Why a cell ends without samples: [`Stop`].

use crate::host::interrupt;
use crate::host::record::{Outcome, Unmeasured};
use crate::host::session::{Failure, FailureKind};
use crate::protocol::engine::Unsupported;

/// Why a cell ends without samples, for its record.
#[derive(Debug, Clone)]
pub(crate) struct Stop {
    /// Whether it was not tried, or the engine cannot do it by its nature: no failure.
    skipped: bool,
    /// In a box, since all results of a cell's steps are as large as this.
    pub(crate) why: Box<Unmeasured>,
}

impl Stop {
    pub(crate) fn skipped(reason: String) -> Self {
        Self { skipped: true, why: Box::new(reason.into()) }
    }

    pub(crate) fn failed(reason: String) -> Self {
        Self { skipped: false, why: Box::new(reason.into()) }
    }

    /// With the runs that ended well before. Of a wrong answer none is known to have been right.
    pub(crate) fn after(mut self, runs: u64) -> Self {
        if self.why.failure.is_some() {
            self.why.runs_before = Some(runs);
        }
        self
    }
}

impl From<Stop> for Outcome {
    fn from(stop: Stop) -> Self {
        if stop.skipped { Self::Skipped(*stop.why) } else { Self::Failed(*stop.why) }
    }
}

impl From<Failure> for Stop {
    fn from(failure: Failure) -> Self {
        let skipped = matches!(failure.kind, FailureKind::Unsupported { .. } | FailureKind::NotCold { .. });
        Self { skipped, why: Box::new(failure.into()) }
    }
}

impl From<anyhow::Error> for Stop {
    fn from(error: anyhow::Error) -> Self {
        // Its suite says that it cannot do this.
        let error = match error.downcast::<Unsupported>() {
            Ok(Unsupported(reason)) => return Failure::from(FailureKind::Unsupported { reason }).into(),
            Err(error) => error,
        };
        // Whoever makes or plans data gives up then, which says nothing of the engine.
        let interrupted = |_| Failure::from(FailureKind::Interrupted).into();
        interrupt::classify(error, interrupted, |error| Self::failed(format!("{error:#}")))
    }
}
