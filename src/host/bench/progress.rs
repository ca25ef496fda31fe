//! What a caller is told while a run goes on.

use std::time::Duration;

use crate::host::record::Record;
use crate::protocol::id::BenchId;

/// One step of a run.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub enum Progress<'a> {
    /// All that will be measured.
    Planned {
        /// The cells, in their order.
        cells: &'a [BenchId],
        /// Runs of each.
        runs: usize,
    },
    /// A cell begins: its engine opens, loads, and its answer is verified.
    Started {
        /// Which cell.
        id: &'a BenchId,
    },
    /// Its answer is verified, and it runs for up to a second that counts for nothing.
    WarmingUp {
        /// Which cell.
        id: &'a BenchId,
        /// As many samples as there will be.
        of: usize,
    },
    /// A sample was taken.
    Iteration {
        /// Of which cell.
        id: &'a BenchId,
        /// The first is 1.
        run: usize,
        /// As many as there will be.
        of: usize,
        /// What it took.
        took: Duration,
    },
    /// A cell ended, well or not. Answers that no reference vouches for are judged when all engines have answered.
    Ended {
        /// What is known of it.
        record: &'a Record,
    },
}
