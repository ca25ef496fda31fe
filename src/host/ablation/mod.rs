//! The ablation: what each option of an engine brings, added alone to the plainest variant and taken alone from the fullest.
//!
//! [`ablate`] measures, fresh processes of all variants taking turns, so that whatever the machine does meets all of them. An engine's
//! options are the axes of its entry, or what `options` of its `[engine.<name>]` in `querydyno.toml` set. What this is not: a part of the
//! history, whose records are of whole variants; `cargo xtask bench` makes those. `cargo xtask ablation pods-daily`

mod design;
mod effects;
mod measure;
mod picture;
mod written;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::host::stats::Interval;
use crate::host::variant::PARQUET;
use crate::measure::machine::Host;
use crate::protocol::id::Scale;

pub use design::{Contender, Design, Role};
pub use measure::{Plan, ablate};
pub use picture::draw;
pub use written::{FOLDER, read, write};

/// What was found for one query at one scale.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Ablation {
    /// The engine's entry.
    pub engine: String,
    /// Its version.
    pub version: String,
    /// What it told of its settings: those of the plainest variant.
    pub settings: BTreeMap<String, String>,
    /// The query.
    pub query: String,
    /// The scale of the data.
    pub scale: Scale,
    /// About how many rows that is, of its largest table.
    pub rows: u64,
    /// What all variants have in common: threads and memory as they were set.
    pub variant: String,
    /// Fresh processes of each variant.
    pub rounds: usize,
    /// By what answers were verified.
    pub verified: String,
    /// On which machine.
    pub host: Host,
    /// When, RFC 3339, UTC.
    pub taken_at: String,
    /// The plainest one first.
    pub variants: Vec<Measured>,
    /// Option by option.
    pub effects: Vec<Effect>,
}

/// A variant and its figures: medians over its processes, of the medians over the runs of each.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Measured {
    /// What it is in the design, `+ streaming`.
    pub name: String,
    /// What it is there for.
    pub role: Role,
    /// Its figures, or why there are none.
    #[serde(flatten)]
    pub outcome: Outcome,
}

/// What became of a variant.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It was measured, and every answer was right.
    Figures(Box<Figures>),
    /// It was not; why.
    Failed(String),
}

/// Figures of a run. What could not be learned is none.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Figures {
    /// The whole, in nanoseconds.
    pub time_ns: f64,
    /// Each step, in nanoseconds, in their order.
    pub steps_ns: Vec<(String, f64)>,
    /// Processors that the program kept busy.
    pub cores_used: Option<f64>,
    /// And those that the sink's process did.
    pub sink_cores_used: Option<f64>,
    /// The most physical memory that the program held.
    pub peak_memory_bytes: Option<f64>,
    /// Bytes that the program read by system calls.
    pub bytes_read: Option<f64>,
    /// Requests to a store on S3.
    pub requests: Option<f64>,
    /// Connections to it that were opened.
    pub connections: Option<f64>,
    /// Bytes that came from it.
    pub bytes_received: Option<f64>,
    /// Bytes that the sink wrote into its log of changes.
    pub sink_log_bytes: Option<f64>,
    /// The whole in each round, in nanoseconds.
    pub rounds_ns: Vec<f64>,
}

/// What an option brings: times as fast with it as without it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Effect {
    /// The option.
    pub option: String,
    /// Added to the plainest variant.
    pub alone: Option<Interval>,
    /// In the fullest variant: against the one without it.
    pub in_full: Option<Interval>,
}

impl Ablation {
    /// What tells it from others of its engine: `q1-sf1`, and behind it the variant where that is not the plainest.
    fn name(&self) -> String {
        let variant = Some(&self.variant).filter(|variant| *variant != PARQUET);
        let behind = variant.map(|variant| format!("-{variant}")).unwrap_or_default();
        format!("{}-{}{behind}", self.query, self.scale)
    }

    /// The figures of the variant with this role.
    pub fn figures(&self, role: &Role) -> Option<&Figures> {
        self.variants.iter().find(|measured| measured.role == *role)?.figures()
    }
}

impl Measured {
    /// Its figures, where it has any.
    pub fn figures(&self) -> Option<&Figures> {
        match &self.outcome {
            Outcome::Figures(figures) => Some(figures),
            Outcome::Failed(_) => None,
        }
    }
}
