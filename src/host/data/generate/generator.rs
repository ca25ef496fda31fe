//! What a generator is to the rest: a [`Generator`] splits tables into [`Part`]s and opens each as a stream of batches.
//!
//! A new suite's data is one more file that implements the trait, with its name in [`GENERATORS`](crate::host::suite::GENERATORS).
//! Threads, files and checks are not a generator's business.

use arrow::record_batch::RecordBatchReader;

use crate::protocol::id::Scale;

/// Rows of a part in the middle of a large table: just under ten row groups, so the last is well filled too.
pub(super) const PART_ROWS: u64 = 1_200_000;

/// Beyond this many parts they grow instead: file names keep three digits, and no engine has to open thousands.
const MOST_PARTS: u32 = 256;

/// A piece of a table that becomes one file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Part {
    /// From 0.
    pub index: u32,
    /// Parts of the table.
    pub count: u32,
    /// About how many rows it has.
    pub rows: u64,
    /// About how many bytes its file takes; orders the work and tells whether the disk is large enough.
    pub bytes: u64,
}

/// Batches of a part, made as they are asked for.
pub(super) type Batches = Box<dyn RecordBatchReader>;

/// Makes the tables of one suite.
///
/// What is made depends on table and scale alone, never on the machine: the same call gives the same bytes everywhere.
pub(super) trait Generator: Sync {
    /// Name and version, `tpchgen 4.0.0`; another version makes all tables again.
    fn version(&self) -> &'static str;

    /// The parts of a table.
    ///
    /// # Errors
    /// The table is not one of this generator's.
    fn parts(&self, table: &str, scale: Scale) -> anyhow::Result<Vec<Part>>;

    /// Starts on a part; the batches' columns have the types that the file shall have.
    ///
    /// # Errors
    /// The table is not one of this generator's.
    fn open(&self, table: &str, scale: Scale, part: Part) -> anyhow::Result<Batches>;
}

/// Splits a table of about `rows` rows into parts of equal size.
pub(super) fn split(rows: u64, bytes_per_row: u64) -> Vec<Part> {
    let count = u32::try_from(rows.div_ceil(PART_ROWS)).unwrap_or(MOST_PARTS).clamp(1, MOST_PARTS);
    let (rows, bytes) = (rows / u64::from(count), rows * bytes_per_row / u64::from(count));
    (0..count).map(|index| Part { index, count, rows, bytes }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_depend_on_the_rows_alone() {
        let parts = |rows| split(rows, 40).len();
        assert_eq!(parts(0), 1);
        assert_eq!(parts(PART_ROWS), 1);
        assert_eq!(parts(6_000_000), 5);
        assert_eq!(parts(60_000_000), 50);
        assert_eq!(parts(6_000_000_000), 256, "three digits in a file name");
    }
}
