//! Why a cell ends without samples: [`Stop`].

use crate::host::interrupt;
use crate::host::record::{Outcome, Record};
use crate::host::session::{Failure, FailureKind};

/// Why a cell ends without samples, for its record.
#[derive(Debug, Clone)]
pub(crate) struct Stop {
    pub(crate) outcome: Outcome,
    pub(crate) reason: String,
    pub(crate) failure: Option<Failure>,
}

impl From<Failure> for Stop {
    fn from(failure: Failure) -> Self {
        let skipped = matches!(failure.kind, FailureKind::Unsupported { .. } | FailureKind::NotCold { .. });
        Self {
            outcome: if skipped { Outcome::Skipped } else { Outcome::Failed },
            reason: failure.to_string(),
            failure: Some(failure),
        }
    }
}

impl From<anyhow::Error> for Stop {
    fn from(error: anyhow::Error) -> Self {
        // Whoever makes or plans data gives up then, which says nothing of the engine.
        if interrupt::requested() {
            return Failure::from(FailureKind::Interrupted).into();
        }
        Self { outcome: Outcome::Failed, reason: format!("{error:#}"), failure: None }
    }
}

impl Stop {
    /// Takes down in a record how its cell ended.
    pub(crate) fn tell(self, record: &mut Record) {
        record.outcome = self.outcome;
        record.reason = Some(self.reason);
        record.failure = self.failure;
    }
}
