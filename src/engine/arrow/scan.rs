//! Tables as Parquet files, and one pass over a table by several threads, a row group at a time.
//!
//! Reads by the `parquet` crate's push decoder: we fetch each wanted column chunk with one read, the crate
//! decodes out of that buffer. Its reader over a `File` makes two seeks and two reads for every page instead.
//! No data outlives the pass.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::ops::{Range, RangeInclusive};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use anyhow::{Context, anyhow, ensure};
use arrow::array::RecordBatch;
use arrow::datatypes::Schema;
use parquet::DecodeResult;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions};
use parquet::arrow::push_decoder::ParquetPushDecoderBuilder;
use parquet::file::metadata::{ParquetMetaData, ParquetMetaDataReader, RowGroupMetaData};
use parquet::file::statistics::Statistics;

use super::columns::Stored;
use crate::engine::Result;

/// Rows in a batch at most: measured, 8 Ki to 64 Ki differ by a few per cent; this fits a core's L2 cache.
pub const BATCH_ROWS: usize = 64 * 1024;

// The plans' proofs that a batch's sums fit 64 bits rest on this.
const _: () = assert!(BATCH_ROWS <= 1 << 16);

/// A table's files: their paths and their footers, no data.
#[derive(Debug)]
pub struct Table {
    files: Vec<(PathBuf, Arc<ParquetMetaData>)>,
}

/// What a plan reads of a table.
#[derive(Debug, Clone)]
pub struct Scan {
    /// The columns with the types that they must be stored as.
    pub columns: &'static [(&'static str, Stored)],
    /// A column of days, and the days that the plan asks for: row groups wholly outside are not read.
    pub days: (&'static str, RangeInclusive<i32>),
}

/// One row group that has to be read.
struct Morsel<'a> {
    path: &'a Path,
    reader: ArrowReaderMetadata,
    projection: ProjectionMask,
    row_group: usize,
}

impl Table {
    /// Reads the footers.
    ///
    /// # Errors
    /// When a file cannot be opened or is not Parquet.
    pub fn open(files: &[PathBuf]) -> Result<Self> {
        let footer = |path: &PathBuf| {
            let footer = File::open(path)
                .map_err(anyhow::Error::from)
                .and_then(|file| Ok(ParquetMetaDataReader::new().parse_and_finish(&file)?))
                .with_context(|| path.display().to_string())?;
            Ok((path.clone(), Arc::new(footer)))
        };
        let files = files.iter().map(footer).collect::<Result<_>>()?;
        Ok(Self { files })
    }
}

impl Scan {
    /// Folds every batch of the table into one state for each thread; exactly `threads` work, the caller's among
    /// them, unless there are fewer row groups. Which rows meet in a state is up to chance.
    ///
    /// # Errors
    /// When a file does not hold the wanted columns, cannot be read, or `step` fails.
    pub fn fold<S: Default + Send>(
        &self,
        table: &Table,
        threads: usize,
        step: impl Fn(&mut S, &RecordBatch) -> Result<()> + Sync,
    ) -> Result<Vec<S>> {
        let morsels = self.morsels(table)?;
        let next = AtomicUsize::new(0);
        let work = || {
            let mut state = S::default();
            while let Some(morsel) = morsels.get(next.fetch_add(1, Ordering::Relaxed)) {
                let read = morsel.read(|batch| step(&mut state, batch));
                if read.is_err() {
                    // One failure is the query's: the other threads need not go on.
                    next.store(morsels.len(), Ordering::Relaxed);
                }
                read.with_context(|| format!("{}, row group {}", morsel.path.display(), morsel.row_group))?;
            }
            Ok(state)
        };
        thread::scope(|scope| {
            let helpers = threads.min(morsels.len()).saturating_sub(1);
            let helpers: Vec<_> = (0..helpers).map(|_| scope.spawn(work)).collect();
            let mine = work();
            let theirs = helpers
                .into_iter()
                .map(|helper| helper.join().unwrap_or_else(|_| Err(anyhow!("a thread of the scan panicked"))));
            // Every helper is joined before the first error is given: a scope panics over one that was not.
            let states: Vec<Result<S>> = theirs.chain([mine]).collect();
            states.into_iter().collect()
        })
    }

    /// The row groups to read, files in order.
    fn morsels<'a>(&self, table: &'a Table) -> Result<Vec<Morsel<'a>>> {
        let mut morsels = Vec::new();
        for (path, footer) in &table.files {
            let reader = self.typed(footer).with_context(|| path.display().to_string())?;
            let names = self.columns.iter().map(|(name, _)| *name);
            let projection = ProjectionMask::columns(footer.file_metadata().schema_descr(), names);
            for (row_group, metadata) in footer.row_groups().iter().enumerate() {
                if self.may_match(metadata) {
                    morsels.push(Morsel { path, reader: reader.clone(), projection: projection.clone(), row_group });
                }
            }
        }
        Ok(morsels)
    }

    /// The footer with the arrow types that we want the columns decoded to.
    fn typed(&self, footer: &Arc<ParquetMetaData>) -> Result<ArrowReaderMetadata> {
        // Only Parquet's own types count, or the same column had other types from another writer.
        let options = ArrowReaderOptions::new().with_skip_arrow_metadata(true);
        let plain = ArrowReaderMetadata::try_new(Arc::clone(footer), options.clone())?;
        let mut fields = plain.schema().fields().to_vec();
        for (name, stored) in self.columns {
            let (at, field) =
                plain.schema().column_with_name(name).with_context(|| format!("there is no column {name}"))?;
            // The crate would take any scale and call it the wanted one.
            ensure!(
                field.data_type() == &stored.in_file(),
                "column {name} is {}, but the plan is for {}",
                field.data_type(),
                stored.in_file()
            );
            fields[at] = Arc::new(field.clone().with_data_type(stored.in_memory()));
        }
        let schema = Schema::new_with_metadata(fields, plain.schema().metadata().clone());
        Ok(ArrowReaderMetadata::try_new(Arc::clone(footer), options.with_schema(Arc::new(schema)))?)
    }

    /// Whether a row group can hold one of the wanted days; without statistics it can.
    fn may_match(&self, row_group: &RowGroupMetaData) -> bool {
        let (name, wanted) = &self.days;
        let statistics = row_group
            .columns()
            .iter()
            .find(|column| column.column_path().parts() == [*name])
            .and_then(|column| column.statistics());
        match statistics {
            Some(Statistics::Int32(days)) => {
                days.min_opt().is_none_or(|first| first <= wanted.end())
                    && days.max_opt().is_none_or(|last| last >= wanted.start())
            }
            _ => true,
        }
    }
}

impl Morsel<'_> {
    /// Reads and decodes the row group, batch by batch.
    fn read(&self, mut step: impl FnMut(&RecordBatch) -> Result<()>) -> Result<()> {
        // Opened for each row group: threads must not share a file's position.
        let mut file = File::open(self.path)?;
        let mut decoder = ParquetPushDecoderBuilder::new_with_metadata(self.reader.clone())
            .with_row_groups(vec![self.row_group])
            .with_projection(self.projection.clone())
            .with_batch_size(BATCH_ROWS)
            .build()?;
        loop {
            match decoder.try_next_reader()? {
                DecodeResult::NeedsData(ranges) => {
                    let fetch = |range| Ok(bytes_of(&mut file, range)?.into());
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

fn bytes_of(file: &mut File, range: &Range<u64>) -> Result<Vec<u8>> {
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
