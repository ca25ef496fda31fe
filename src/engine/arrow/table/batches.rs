//! A table as record batches, by the crates' own reader. Types are those of the Parquet schema: what a writer noted for its own
//! kind beside it may differ from file to file.

use std::collections::BTreeSet;
use std::sync::Arc;

use anyhow::{Context, bail};
use arrow::array::RecordBatch;
use arrow::datatypes::{Schema, SchemaRef};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReaderBuilder};
use parquet::basic::Compression;
use parquet::file::metadata::ParquetMetaData;

use super::Table;
use super::parallel;
use crate::engine::stored::{Ahead, Coming, range_of};
use crate::engine::{Result, Unsupported};

/// Rows of a batch: few enough that a filter's columns stay in the cache.
const ROWS: usize = 8192;

impl Table {
    /// Its columns.
    ///
    /// # Errors
    /// When it has no files, or a column of a type that arrow does not know.
    pub fn schema(&self) -> Result<SchemaRef> {
        let (_, footer) = self.files.first().context("the table has no files")?;
        Ok(Arc::clone(read_as_parquet(footer)?.schema()))
    }

    /// How many rows its files have.
    pub fn rows(&self) -> u64 {
        let rows = self.files.iter().map(|(_, footer)| footer.file_metadata().num_rows());
        rows.map(|rows| u64::try_from(rows).unwrap_or_default()).sum()
    }

    /// A batch of these columns without a row.
    ///
    /// # Errors
    /// As [`schema`](Self::schema).
    pub fn no_rows(&self, columns: &BTreeSet<&str>) -> Result<RecordBatch> {
        let schema = self.schema()?;
        let fields = schema.fields().iter().filter(|field| columns.contains(field.name().as_str())).cloned();
        Ok(RecordBatch::new_empty(Arc::new(Schema::new(fields.collect::<Vec<_>>()))))
    }

    /// What `step` makes of each batch of these columns, in the table's order. A thread reads a row group.
    ///
    /// # Errors
    /// When a file cannot be read or `step` fails; [`Unsupported`] for a codec that the program was not built with.
    pub fn batches<T: Send>(
        &self,
        threads: usize,
        columns: &BTreeSet<&str>,
        step: impl Fn(&RecordBatch) -> Result<T> + Sync,
    ) -> Result<Vec<T>> {
        let files = self.files.iter().map(|(source, footer)| {
            let file = read_as_parquet(footer)?;
            let mask = mask(&file, columns);
            Ok((source, file, mask))
        });
        let files = files.collect::<Result<Vec<_>>>()?;
        let all = files.iter().flat_map(|(source, file, mask)| {
            (0..file.metadata().num_row_groups()).map(move |row_group| (*source, file, mask, row_group))
        });
        let unread: Vec<_> = all.enumerate().collect();
        let turns = vec![(); unread.len()];
        let unread = Ahead::new(unread, self.ahead, |(_, (source, file, mask, row_group))| {
            let chunks = file.metadata().row_group(*row_group).columns().iter().enumerate();
            source.fetch(&mut chunks.filter(|(leaf, _)| mask.leaf_included(*leaf)).map(|(_, chunk)| range_of(chunk)))
        });
        let done = parallel::fold(threads, &turns, |done: &mut Vec<_>, ()| {
            let Some(((place, (source, file, mask, row_group)), coming)) = unread.next() else { return Ok(()) };
            let made = batches(coming, file, row_group, mask)
                .and_then(|batches| batches.map(|batch| step(&batch?)).collect::<Result<Vec<T>>>());
            done.push((place, made.with_context(|| source.to_string())?));
            Ok(())
        });
        let mut done: Vec<_> = done?.into_iter().flatten().collect();
        done.sort_unstable_by_key(|(place, _)| *place);
        Ok(done.into_iter().flat_map(|(_, made)| made).collect())
    }
}

/// The batches of a row group.
fn batches(
    coming: Coming,
    file: &ArrowReaderMetadata,
    row_group: usize,
    mask: &ProjectionMask,
) -> Result<impl Iterator<Item = Result<RecordBatch>> + use<>> {
    for (leaf, chunk) in file.metadata().row_group(row_group).columns().iter().enumerate() {
        let codec = chunk.compression();
        if mask.leaf_included(leaf) && !matches!(codec, Compression::UNCOMPRESSED | Compression::SNAPPY) {
            bail!(Unsupported(format!("the arrow engine reads plain and Snappy pages, and these are {codec}")));
        }
    }
    let reader = ParquetRecordBatchReaderBuilder::new_with_metadata(coming()?, file.clone())
        .with_projection(mask.clone())
        .with_row_groups(vec![row_group])
        .with_batch_size(ROWS)
        .build()?;
    Ok(reader.map(|batch| Ok(batch?)))
}

fn mask(file: &ArrowReaderMetadata, columns: &BTreeSet<&str>) -> ProjectionMask {
    let fields = file.schema().fields().iter().enumerate();
    let wanted = fields.filter(|(_, field)| columns.contains(field.name().as_str())).map(|(place, _)| place);
    ProjectionMask::roots(file.parquet_schema(), wanted)
}

fn read_as_parquet(footer: &Arc<ParquetMetaData>) -> Result<ArrowReaderMetadata> {
    let options = ArrowReaderOptions::new().with_skip_arrow_metadata(true);
    Ok(ArrowReaderMetadata::try_new(Arc::clone(footer), options)?)
}
