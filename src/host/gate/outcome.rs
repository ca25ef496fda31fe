//! What a gate came to: a verdict on each row, what the controls say, and the exit code; as JSON, too.

use serde::{Deserialize, Serialize};

use super::judge::{Reading, Stage, Verdict};
use super::machine::Machine;
use crate::host::record::{self, PlanChange};
use crate::host::settings::{GateSettings, Limit, Metric};
use crate::measure::machine::Host;
use crate::protocol::id::BenchId;

/// The version of the JSON.
pub const SCHEMA: u32 = 1;
/// How a gate ends.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Conclusion {
    /// Nothing became slower or hungrier.
    Pass,
    /// A row is confirmed to have.
    Regressed,
    /// Every row was measured, and some are too noisy to be cleared.
    Noisy,
    /// It cannot be said: rows are missing, or the run is invalid.
    #[default]
    Undecided,
}

impl Conclusion {
    /// As a process ends with it.
    pub fn exit_code(self) -> u8 {
        match self {
            Self::Pass => 0,
            Self::Regressed => 1,
            Self::Noisy | Self::Undecided => 3,
        }
    }
}

/// All of it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct GateOutcome {
    /// [`SCHEMA`].
    pub schema: u32,
    /// In a word.
    pub conclusion: Conclusion,
    /// Why, a line each; empty for one that passed.
    pub reasons: Vec<String>,
    /// What is good to know and decides nothing.
    pub cautions: Vec<String>,
    /// What it was held against.
    pub base: String,
    /// What was judged.
    pub head: String,
    /// The base's commit, where it has one.
    #[serde(default)]
    pub base_commit: Option<String>,
    /// The head's, whose files may have been changed.
    #[serde(default)]
    pub head_commit: Option<String>,
    /// A row each.
    pub rows: Vec<RowOutcome>,
    /// What no change can touch.
    pub controls: Vec<Control>,
    /// Whether the budget was over before all was taken.
    pub cut_short: bool,
    /// What others took of the machine.
    pub machine: Machine,
    /// Which machine.
    pub host: Host,
    /// What a change may cost.
    pub limits: GateSettings,
    /// Pairs that were taken, an interrupted gate's among them.
    pub pairs: usize,
    /// Time spent measuring, in seconds.
    pub measuring_seconds: f64,
    /// When it began, RFC 3339, UTC.
    pub started_at: String,
}

impl GateOutcome {
    /// Whether every row was measured.
    pub fn is_whole(&self) -> bool {
        self.not_measured().is_empty() && !self.rows.is_empty()
    }

    /// That of a gate that did not begin, or did not end.
    pub fn without(reason: &str, limits: &GateSettings) -> Self {
        Self {
            schema: SCHEMA,
            reasons: vec![reason.to_owned()],
            host: Host::read(),
            limits: limits.clone(),
            started_at: record::now(),
            ..Self::default()
        }
    }

    /// The rows that were not, with the reasons.
    pub fn not_measured(&self) -> Vec<String> {
        self.rows.iter().filter(|row| row.verdict == Verdict::Invalid).map(RowOutcome::missing).collect()
    }
}

impl RowOutcome {
    /// One of which nothing is said yet.
    pub(super) fn open(id: BenchId, untouched: bool) -> Self {
        Self { id, verdict: Verdict::Invalid, untouched, reason: None, metrics: Vec::new(), plan: None }
    }

    /// One without figures.
    pub(super) fn invalid(id: BenchId, why: String) -> Self {
        Self { reason: Some(why), ..Self::open(id, false) }
    }

    /// Which it is, and why it was not measured.
    pub(super) fn missing(&self) -> String {
        format!("{}: {}", self.id, self.reason.as_deref().unwrap_or("not measured"))
    }

    /// Whether it is of counts, which no machine moves.
    pub(super) fn is_counted(&self) -> bool {
        !self.metrics.is_empty() && self.metrics.iter().all(|metric| metric.metric == Metric::Instructions)
    }
}

/// A row's.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RowOutcome {
    /// Which.
    pub id: BenchId,
    /// The worst of its metrics.
    pub verdict: Verdict,
    /// Whether both sides run the very same, so that no change of the source can have touched it.
    pub untouched: bool,
    /// Why it is invalid, or what else there is to say.
    pub reason: Option<String>,
    /// What is known of it.
    pub metrics: Vec<MetricOutcome>,
    /// What became of its plan, where both sides tell theirs and they differ.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan: Option<PlanChange>,
}

/// A row's metric.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MetricOutcome {
    /// Which.
    pub metric: Metric,
    /// What it may cost.
    pub limit: Limit,
    /// What is said of it.
    pub verdict: Verdict,
    /// By which stage.
    pub stage: Stage,
    /// What decided.
    pub reading: Option<Reading>,
    /// Whether a change that must be detected might have been missed.
    #[serde(rename = "blind")]
    pub underpowered: bool,
}

/// A control's.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Control {
    /// Its name.
    pub name: String,
    /// Its second launch by its first, so to speak: by the places that base and head have in a pair.
    pub reading: Option<Reading>,
    /// Its last launches by its first: the machine's own speed.
    pub drift: Option<f64>,
    /// Why the run is invalid by it, where it is.
    pub moved: Option<String>,
}

pub(super) fn name_of(metric: Metric) -> &'static str {
    match metric {
        Metric::Time => "time",
        Metric::Memory => "peak memory",
        Metric::Instructions => "instructions",
    }
}

/// A verdict in a word.
pub fn word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Regressed => "regressed",
        Verdict::Improved => "improved",
        Verdict::Equivalent => "equivalent",
        Verdict::Inconclusive => "inconclusive",
        Verdict::Invalid => "invalid",
    }
}
