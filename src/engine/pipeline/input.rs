//! Parquet files as batches, row group by row group: [`Table`] and [`Reading`]. Footers are read once, when the tables are loaded.

use std::fs::File;
use std::path::Path;

use anyhow::{Context, ensure};
use arrow::array::{Array as _, ArrayRef, AsArray as _, Int64Array, StringArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Date32Type, Int64Type};
use arrow::record_batch::RecordBatch;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder,
};

use crate::engine::Result;
use crate::engine::stored::{Ahead, Coming, Local, Source, range_of};

/// Rows of a batch: what is in memory of a file that is streamed.
const BATCH: usize = 8_192;

/// A table's files and their footers.
#[derive(Debug)]
pub(super) struct Table {
    files: Vec<(Box<dyn Source>, ArrowReaderMetadata)>,
}

/// A row group: what a worker reads at a time.
#[derive(Debug, Clone, Copy)]
struct Unit<'a> {
    source: &'a dyn Source,
    footer: &'a ArrowReaderMetadata,
    row_group: usize,
}

/// Some columns of a table's row groups, in their order, each row group for the worker that asks first.
pub(super) struct Reading<'a> {
    columns: &'a [&'a str],
    queue: Ahead<Unit<'a>, Fetch<'a>>,
}

type Fetch<'a> = Box<dyn Fn(&Unit<'a>) -> Coming + Send + Sync + 'a>;

impl Table {
    /// Reads the footers of files.
    ///
    /// # Errors
    /// When one cannot be opened or is not Parquet.
    pub(super) fn open(files: &[&Path]) -> Result<Self> {
        let footer = |path: &&Path| {
            let footer = File::open(path)
                .map_err(anyhow::Error::from)
                .and_then(|file| Ok(ArrowReaderMetadata::load(&file, ArrowReaderOptions::new())?));
            let source: Box<dyn Source> = Box::new(Local(path.to_path_buf()));
            Ok((source, footer.with_context(|| path.display().to_string())?))
        };
        Ok(Self { files: files.iter().map(footer).collect::<Result<_>>()? })
    }

    /// Of files whose footers were read.
    pub(super) fn new(files: Vec<(Box<dyn Source>, ArrowReaderMetadata)>) -> Self {
        Self { files }
    }

    pub(super) fn rows(&self) -> u64 {
        let of = |footer: &ArrowReaderMetadata| footer.metadata().file_metadata().num_rows();
        self.files.iter().map(|(_, footer)| u64::try_from(of(footer)).unwrap_or_default()).sum()
    }

    /// Begins to read these columns, so many row groups ahead of whoever asks for them.
    ///
    /// # Errors
    /// When a file lacks a column.
    pub(super) fn reading<'a>(&'a self, columns: &'a [&'a str], ahead: usize) -> Result<Reading<'a>> {
        let mut units = Vec::new();
        for (source, footer) in &self.files {
            for column in columns {
                ensure!(footer.schema().column_with_name(column).is_some(), "{source}: there is no column {column}");
            }
            let source = source.as_ref();
            units.extend((0..footer.metadata().num_row_groups()).map(|row_group| Unit { source, footer, row_group }));
        }
        let fetch = |unit: &Unit<'a>| unit.fetch(columns);
        Ok(Reading { columns, queue: Ahead::new(units, ahead, Box::new(fetch)) })
    }
}

impl Reading<'_> {
    /// The next row group, once its bytes are there; none after the last.
    pub(super) fn next(&self) -> Option<Result<ParquetRecordBatchReader>> {
        let (unit, coming) = self.queue.next()?;
        let place = || format!("{}, row group {}", unit.source, unit.row_group);
        Some(unit.open(coming, self.columns).with_context(place))
    }

    /// The batches of the next row group.
    pub(super) fn next_whole(&self) -> Option<Result<Vec<RecordBatch>>> {
        let batches = |reader: ParquetRecordBatchReader| -> Result<Vec<RecordBatch>> {
            reader.collect::<std::result::Result<_, _>>().context("a row group cannot be read")
        };
        Some(self.next()?.and_then(batches))
    }
}

impl Unit<'_> {
    fn fetch(&self, columns: &[&str]) -> Coming {
        let (mask, group) = (self.mask(columns), self.footer.metadata().row_group(self.row_group));
        let chunks = group.columns().iter().enumerate().filter(|(leaf, _)| mask.leaf_included(*leaf));
        self.source.fetch(&mut chunks.map(|(_, chunk)| range_of(chunk)))
    }

    fn open(&self, coming: Coming, columns: &[&str]) -> Result<ParquetRecordBatchReader> {
        let reader = ParquetRecordBatchReaderBuilder::new_with_metadata(coming()?, self.footer.clone());
        let reader = reader.with_row_groups(vec![self.row_group]).with_projection(self.mask(columns));
        Ok(reader.with_batch_size(BATCH).build()?)
    }

    fn mask(&self, columns: &[&str]) -> ProjectionMask {
        ProjectionMask::columns(self.footer.parquet_schema(), columns.iter().copied())
    }
}

/// A column of a batch, of this type whatever its file has for it.
fn column(batch: &RecordBatch, name: &str, data_type: &DataType) -> Result<ArrayRef> {
    let found = batch.column_by_name(name).with_context(|| format!("there is no column {name}"))?;
    Ok(cast(found, data_type)?)
}

/// A column of texts.
///
/// # Errors
/// When it is of another type.
pub(super) fn texts(batch: &RecordBatch, name: &str) -> Result<StringArray> {
    Ok(column(batch, name, &DataType::Utf8)?.as_string::<i32>().clone())
}

/// A column of days, or the days of a column of times, since 1970-01-01.
///
/// # Errors
/// When it is of another type, or has a NULL.
pub(super) fn days(batch: &RecordBatch, name: &str) -> Result<Vec<i32>> {
    let days = column(batch, name, &DataType::Date32)?;
    ensure!(days.null_count() == 0, "the column {name} has a NULL: no day is left out");
    Ok(days.as_primitive::<Date32Type>().values().to_vec())
}

/// A column of whole numbers without NULLs.
///
/// # Errors
/// When it is of another type, or has a NULL.
pub(super) fn numbers(batch: &RecordBatch, name: &str) -> Result<Int64Array> {
    let numbers = column(batch, name, &DataType::Int64)?;
    ensure!(numbers.null_count() == 0, "the column {name} has a NULL, which a sum would leave out");
    Ok(numbers.as_primitive::<Int64Type>().clone())
}

/// A column of texts as places in a list of the different ones.
///
/// # Errors
/// When it is of another type.
pub(super) fn dictionary(batch: &RecordBatch, name: &str) -> Result<ArrayRef> {
    column(batch, name, &DataType::Dictionary(Box::new(DataType::UInt32), Box::new(DataType::Utf8)))
}
