//! What an inspection found of a cell, beside its time: metrics that every later record of the same build and query carries.

use serde::{Deserialize, Serialize};

use super::Record;
use super::metric::{self, Kind, Metric, value, whole};
use crate::protocol::observe::Heap;

/// What a cell is looked at for, other than its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Inspects {
    /// Its allocations: `cargo xtask heap`.
    Heap,
    /// Its instructions: `cargo xtask instructions`.
    Instructions,
}

/// Allocations of one run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct HeapRecord {
    /// What was counted.
    #[serde(flatten)]
    pub heap: Heap,
    /// By what: `dhat` or `valgrind dhat`.
    pub tool: String,
    /// When.
    pub taken_at: String,
}

/// Instructions of one run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct InstructionsRecord {
    /// Executed by all threads during one run, on a simulated processor.
    pub instructions: u64,
    /// By what, with its version.
    pub tool: String,
    /// When.
    pub taken_at: String,
}

impl Inspects {
    /// The metrics that it finds.
    pub(crate) fn kinds(self) -> &'static [Kind] {
        match self {
            Self::Heap => &[metric::HEAP_TOTAL, metric::HEAP_TOTAL_BLOCKS, metric::HEAP_PEAK, metric::HEAP_PEAK_BLOCKS],
            Self::Instructions => &[metric::INSTRUCTIONS],
        }
    }
}

impl Record {
    /// Allocations of one run, where they are known.
    pub fn heap(&self) -> Option<HeapRecord> {
        let ([total_bytes, total_blocks, peak_bytes, peak_blocks], tool, taken_at) = self.found(Inspects::Heap)?;
        Some(HeapRecord { heap: Heap { total_bytes, total_blocks, peak_bytes, peak_blocks }, tool, taken_at })
    }

    /// Instructions of one run, where they are known.
    pub fn instructions(&self) -> Option<InstructionsRecord> {
        let ([instructions], tool, taken_at) = self.found(Inspects::Instructions)?;
        Some(InstructionsRecord { instructions, tool, taken_at })
    }

    /// Takes down allocations.
    pub fn set_heap(&mut self, HeapRecord { heap, tool, taken_at }: HeapRecord) {
        let found = [heap.total_bytes, heap.total_blocks, heap.peak_bytes, heap.peak_blocks];
        self.take_down(Inspects::Heap, found, &tool, &taken_at);
    }

    /// Takes down instructions.
    pub fn set_instructions(&mut self, found: &InstructionsRecord) {
        self.take_down(Inspects::Instructions, [found.instructions], &found.tool, &found.taken_at);
    }

    fn found<const N: usize>(&self, what: Inspects) -> Option<([u64; N], String, String)> {
        let found: Vec<&Metric> = what.kinds().iter().filter_map(|kind| self.metrics.get(*kind)).collect();
        let values: Vec<u64> = found.iter().filter_map(|metric| metric.values.first().copied().map(whole)).collect();
        let first = found.first()?;
        Some((values.try_into().ok()?, first.source.clone()?, first.taken_at.clone()?))
    }

    fn take_down<const N: usize>(&mut self, what: Inspects, found: [u64; N], tool: &str, taken_at: &str) {
        let (source, taken_at) = (Some(tool.to_owned()), Some(taken_at.to_owned()));
        self.metrics.extend(what.kinds().iter().zip(found).map(|(kind, found)| Metric {
            source: source.clone(),
            taken_at: taken_at.clone(),
            ..Metric::new(*kind, [value(found)])
        }));
    }
}
