//! Parquet files as batches, row group by row group: [`Table`]. Footers are read once, when the tables are loaded.

use std::fs::File;
use std::path::{Path, PathBuf};

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

/// Rows of a batch: what is in memory of a file that is streamed.
const BATCH: usize = 8_192;

/// A table's files and their footers.
#[derive(Debug)]
pub(super) struct Table {
    files: Vec<(PathBuf, ArrowReaderMetadata)>,
}

/// A row group: what a worker reads at a time.
#[derive(Debug, Clone, Copy)]
pub(super) struct Unit<'a> {
    file: &'a Path,
    footer: &'a ArrowReaderMetadata,
    row_group: usize,
}

impl Table {
    /// Reads the footers.
    ///
    /// # Errors
    /// When a file cannot be opened or is not Parquet.
    pub(super) fn open(files: &[&Path]) -> Result<Self> {
        let footer = |path: &&Path| {
            let footer = File::open(path)
                .map_err(anyhow::Error::from)
                .and_then(|file| Ok(ArrowReaderMetadata::load(&file, ArrowReaderOptions::new())?));
            Ok((path.to_path_buf(), footer.with_context(|| path.display().to_string())?))
        };
        Ok(Self { files: files.iter().map(footer).collect::<Result<_>>()? })
    }

    pub(super) fn rows(&self) -> u64 {
        let of = |footer: &ArrowReaderMetadata| footer.metadata().file_metadata().num_rows();
        self.files.iter().map(|(_, footer)| u64::try_from(of(footer)).unwrap_or_default()).sum()
    }

    pub(super) fn units(&self) -> Vec<Unit<'_>> {
        let mut units = Vec::new();
        for (file, footer) in &self.files {
            units.extend((0..footer.metadata().num_row_groups()).map(|row_group| Unit { file, footer, row_group }));
        }
        units
    }
}

impl Unit<'_> {
    /// Opens the row group; of its columns these.
    ///
    /// # Errors
    /// When the file is gone or lacks a column.
    pub(super) fn open(&self, columns: &[&str]) -> Result<ParquetRecordBatchReader> {
        let place = || format!("{}, row group {}", self.file.display(), self.row_group);
        let open = || {
            let schema = self.footer.schema();
            for column in columns {
                ensure!(schema.column_with_name(column).is_some(), "there is no column {column}");
            }
            let mask = ProjectionMask::columns(self.footer.parquet_schema(), columns.iter().copied());
            let reader =
                ParquetRecordBatchReaderBuilder::new_with_metadata(File::open(self.file)?, self.footer.clone());
            Ok(reader.with_row_groups(vec![self.row_group]).with_projection(mask).with_batch_size(BATCH).build()?)
        };
        open().with_context(place)
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
