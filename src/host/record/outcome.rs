//! How a cell ended, with what is known only of cells that ended so: [`Outcome`].

use serde::{Deserialize, Serialize};

use crate::host::session::Failure;

/// How a cell ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum Outcome {
    /// Its samples were taken.
    Measured(Measurement),
    /// It was not tried, or the engine cannot do it by its nature.
    Skipped(Unmeasured),
    /// It crashed, hung, erred or gave a wrong answer.
    Failed(Unmeasured),
}

/// How the samples were taken, whose values are the metric [`TIME`](super::metric::TIME).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Measurement {
    /// Iterations of each sample; none of a cell that was inspected and not timed.
    #[serde(default)]
    pub iterations: Vec<u64>,
    /// What every run before the samples took, in nanoseconds, from the program's first on: the warm-up curve. Empty
    /// when cold, where there is no second run.
    #[serde(default)]
    pub warm_up_ns: Vec<u64>,
    /// How an engine became warm that takes many runs for it. None: it is given half a second.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub warm_up: Option<WarmUp>,
}

/// The runs that an engine was given until they were steady; they are among `warm_up_ns`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WarmUp {
    /// The CPU time of each, in nanoseconds; empty where it is unknown, and their wall time decided.
    pub cpu_time_ns: Vec<u64>,
    /// How many there were.
    pub runs: u64,
    /// Why there were no more.
    pub ended: WarmUpEnd,
}

/// Why a warm-up ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WarmUpEnd {
    /// The last twenty runs took as much as the twenty before them, within 3 %.
    Steady,
    /// There were as many as an engine is given.
    MostRuns,
    /// It took as long as an engine is given.
    MostTime,
}

impl WarmUpEnd {
    /// As it is printed after `ended since`.
    pub fn says(self) -> &'static str {
        match self {
            Self::Steady => "the last twenty took as much as the twenty before, within 3 %",
            Self::MostRuns => "there were as many as an engine is given; it was not steady",
            Self::MostTime => "it took as long as an engine is given; it was not steady",
        }
    }
}

/// Why a cell has no samples.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unmeasured {
    /// In a sentence.
    pub reason: String,
    /// The failure with its kind and the program's last lines on stderr; none where no program was at fault.
    #[serde(default)]
    pub failure: Option<Failure>,
    /// Runs that ended well before, under Criterion with those that warmed up; none where it is unknown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub runs_before: Option<u64>,
}

impl From<Failure> for Unmeasured {
    fn from(failure: Failure) -> Self {
        Self { reason: failure.to_string(), failure: Some(failure), runs_before: None }
    }
}

impl From<String> for Unmeasured {
    fn from(reason: String) -> Self {
        Self { reason, failure: None, runs_before: None }
    }
}

impl Outcome {
    /// The word that records have for it.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Measured(_) => "measured",
            Self::Skipped(_) => "skipped",
            Self::Failed(_) => "failed",
        }
    }

    /// Why there are no samples, where there are none.
    pub fn unmeasured(&self) -> Option<&Unmeasured> {
        match self {
            Self::Measured(_) => None,
            Self::Skipped(why) | Self::Failed(why) => Some(why),
        }
    }
}
