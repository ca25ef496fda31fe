//! One row group from file to batches.
//!
//! By the `parquet` crate's push decoder: we fetch each wanted column chunk with one read, and the crate decodes out
//! of that buffer. Its reader over a `File` makes two seeks and two reads for every page instead.

use std::fmt;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::ops::Range;
use std::path::Path;

use anyhow::ensure;
use arrow::array::RecordBatch;
use parquet::DecodeResult;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::ArrowReaderMetadata;
use parquet::arrow::push_decoder::ParquetPushDecoderBuilder;

use crate::engine::Result;

/// Rows in a batch at most. Measured at sf1, 8 Ki to 32 Ki differ by less than the noise, 2 Ki and 64 Ki cost
/// a few per cent.
pub const BATCH_ROWS: usize = 16 * 1024;

// The plans' proofs that a batch's sums fit 64 bits rest on this.
const _: () = assert!(BATCH_ROWS <= 1 << 16);

/// What to read of which row group.
#[derive(Debug)]
pub struct RowGroup<'a> {
    /// The file.
    pub path: &'a Path,
    /// The row group's place in the file.
    pub index: usize,
    /// The file's footer with the types to decode to.
    pub reader: ArrowReaderMetadata,
    /// The columns to read.
    pub projection: ProjectionMask,
}

impl RowGroup<'_> {
    /// Reads and decodes the row group, batch by batch.
    ///
    /// # Errors
    /// When the file cannot be read or decoded, or `step` fails.
    pub fn read(&self, mut step: impl FnMut(&RecordBatch) -> Result<()>) -> Result<()> {
        // Opened for each row group: threads must not share a file's position.
        let mut file = File::open(self.path)?;
        let mut decoder = ParquetPushDecoderBuilder::new_with_metadata(self.reader.clone())
            .with_row_groups(vec![self.index])
            .with_projection(self.projection.clone())
            .with_batch_size(BATCH_ROWS)
            .build()?;
        loop {
            match decoder.try_next_reader()? {
                DecodeResult::NeedsData(ranges) => {
                    let fetch = |range| Ok(fetch(&mut file, range)?.into());
                    let chunks = ranges.iter().map(fetch).collect::<Result<_>>()?;
                    decoder.push_ranges(ranges, chunks)?;
                }
                DecodeResult::Data(batches) => {
                    for batch in batches {
                        step(&batch?)?;
                    }
                }
                DecodeResult::Finished => return Ok(()),
            }
        }
    }
}

impl fmt::Display for RowGroup<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, row group {}", self.path.display(), self.index)
    }
}

fn fetch(file: &mut File, range: &Range<u64>) -> Result<Vec<u8>> {
    let length = range.end - range.start;
    // Not `read_exact`: it wants the buffer filled with zeros first.
    let mut bytes = Vec::with_capacity(usize::try_from(length)?);
    file.seek(SeekFrom::Start(range.start))?;
    file.take(length).read_to_end(&mut bytes)?;
    ensure!(
        bytes.len() as u64 == length,
        "the file ends within bytes {} to {}: it is not the one that was loaded",
        range.start,
        range.end
    );
    Ok(bytes)
}
