//! What happens in a run, told as it happens: an [`Event`] to an [`Observer`]. Whoever shows a run to people is one.

use std::time::Duration;

use crate::host::record::Record;
use crate::protocol::id::BenchId;

/// Is told what happens, from several threads where cells run at the same time.
pub type Observer<'a> = dyn Fn(&Event<'_>) + Sync + 'a;

/// One step of a run.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub enum Event<'a> {
    /// All that will be measured, by counted runs.
    Planned {
        /// The cells, in their order.
        cells: &'a [BenchId],
        /// Runs of each.
        runs: usize,
    },
    /// A cell begins: its data are found or made.
    Started {
        /// Which cell.
        id: &'a BenchId,
    },
    /// Its engine opens, loads, and gives the answer that is verified.
    Verifying {
        /// Which cell.
        id: &'a BenchId,
        /// Engines that run at the same time.
        parallel: usize,
    },
    /// Its engine has answered, or failed on the way. Where the answer is not wrong, samples come next.
    Answered {
        /// Which cell.
        id: &'a BenchId,
    },
    /// It runs for up to half a second that counts for nothing.
    WarmingUp {
        /// Which cell.
        id: &'a BenchId,
        /// As many samples as there will be.
        of: usize,
    },
    /// A sample was taken, of counted ones.
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
    /// Something to know of a cell, which costs it nothing.
    Note {
        /// Which cell.
        id: &'a BenchId,
        /// One sentence.
        text: &'a str,
    },
    /// A cell ended, well or not. Answers without a reference are judged when all engines have answered.
    Ended {
        /// What is known of it.
        record: &'a Record,
        /// How long the host waited for its programs.
        waited: Duration,
    },
    /// The cells of one query have ended, and their verdicts stand.
    Judged {
        /// Their records.
        records: &'a [Record],
    },
}
