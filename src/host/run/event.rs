//! What happens in a run, told as it happens: an [`Event`] to an [`Observer`]. Whoever shows a run to people is one.

use std::time::Duration;

use crate::host::record::Record;
use crate::protocol::id::BenchId;

/// Is told what happens, from several threads where cells run at the same time.
pub type Observer<'a> = dyn Fn(&Event<'_>) + Sync + 'a;

/// One step of a run; an `id` is that of its cell.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
#[expect(missing_docs, reason = "a variant says what its fields are where their names do not")]
pub enum Event<'a> {
    /// All cells that will be measured, in their order, by so many counted runs of each.
    Planned { cells: &'a [BenchId], runs: usize },
    /// A cell begins: its data are found or made.
    Started { id: &'a BenchId },
    /// Its engine opens, loads, and gives the answer that is verified; so many engines run at the same time.
    Verifying { id: &'a BenchId, parallel: usize },
    /// Its engine has answered, or failed on the way. Where the answer is not wrong, samples come next.
    Answered { id: &'a BenchId },
    /// It runs for up to half a second that counts for nothing, before as many samples.
    WarmingUp { id: &'a BenchId, of: usize },
    /// A sample was taken, of counted ones: the first `run` is 1, and the last is `of`.
    Iteration { id: &'a BenchId, run: usize, of: usize, took: Duration },
    /// Something to know of a cell, which costs it nothing, in one sentence.
    Note { id: &'a BenchId, text: &'a str },
    /// A cell ended, well or not; the host `waited` so long for its programs. Answers without a reference are judged when all
    /// engines have answered.
    Ended { record: &'a Record, waited: Duration },
    /// The cells of one query have ended, and their verdicts stand.
    Judged { records: &'a [Record] },
}
