//! Writes batches as one Parquet file, hashing on the way; the one layout that every engine gets.
//!
//! Row groups have the size that `DuckDB` writes, its unit of parallel work, and small enough for every engine to keep all
//! cores busy at scale 1. Each column carries its place as field id, so that an Iceberg table can consist of the files. They
//! carry no Arrow schema: one with string views cannot be loaded by Daft.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;
use arrow::array::RecordBatch;
use arrow::datatypes::{Field, Schema, SchemaRef};
use parquet::arrow::arrow_writer::ArrowWriterOptions;
use parquet::arrow::{ArrowWriter, PARQUET_FIELD_ID_META_KEY};
use parquet::basic::Compression;
use parquet::file::properties::WriterProperties;
use sha2::{Digest as _, Sha256};

use super::generator::{Batches, PART_ROWS};
use super::manifest::{FileEntry, modified_ns};
use crate::host::checksum::hex;

/// Rows of a batch; a row group is a whole number of them, so none is ever cut in two.
pub(super) const BATCH_ROWS: usize = 8_192;

/// Rows of a row group; the last one of a file has what is left.
const ROW_GROUP_ROWS: usize = 15 * BATCH_ROWS;

/// The layout in one line, for manifests and records; another line makes all tables again.
pub(super) fn layout() -> String {
    format!("{}, files of about {PART_ROWS} rows", layout_of_files())
}

/// What of the layout holds for each file, however rows are dealt out to them.
pub(super) fn layout_of_files() -> String {
    format!("parquet snappy, row groups of {ROW_GROUP_ROWS} rows, field ids")
}

/// A file in the making.
pub(super) struct Writer {
    path: PathBuf,
    schema: SchemaRef,
    arrow: ArrowWriter<Hashing>,
    rows: u64,
}

impl Writer {
    /// Begins a new file at `path`.
    ///
    /// # Errors
    /// There is one already, or it cannot be written.
    pub(super) fn create(path: &Path, schema: &Schema) -> anyhow::Result<Self> {
        let context = || format!("cannot write {}", path.display());
        let file = File::create_new(path).with_context(context)?;
        let file = Hashing { file, digest: Sha256::new(), bytes: 0 };
        let properties = WriterProperties::builder()
            .set_compression(Compression::SNAPPY)
            .set_max_row_group_row_count(Some(ROW_GROUP_ROWS))
            .build();
        let options = ArrowWriterOptions::new().with_properties(properties).with_skip_arrow_metadata(true);
        let schema = Arc::new(with_field_ids(schema));
        let arrow = ArrowWriter::try_new_with_options(file, schema.clone(), options).with_context(context)?;
        Ok(Self { path: path.to_owned(), schema, arrow, rows: 0 })
    }

    /// Adds the rows of a batch and gives their number.
    ///
    /// # Errors
    /// It has other columns, or the file cannot be written.
    pub(super) fn push(&mut self, batch: &RecordBatch) -> anyhow::Result<u64> {
        let context = || format!("cannot write {}", self.path.display());
        let batch = RecordBatch::try_new(self.schema.clone(), batch.columns().to_vec()).with_context(context)?;
        self.arrow.write(&batch).with_context(context)?;
        let rows = u64::try_from(batch.num_rows())?;
        self.rows += rows;
        Ok(rows)
    }

    /// Writes what is left, and the footer.
    ///
    /// # Errors
    /// The file cannot be written.
    pub(super) fn finish(self) -> anyhow::Result<Written> {
        let Self { path, arrow, rows, .. } = self;
        let written = arrow.into_inner().with_context(|| format!("cannot write {}", path.display()))?;
        Ok(Written { path, rows, bytes: written.bytes, sha256: hex(&written.digest.finalize()), file: written.file })
    }
}

/// A file that was written and not yet synced.
pub(super) struct Written {
    path: PathBuf,
    file: File,
    rows: u64,
    bytes: u64,
    sha256: String,
}

impl Written {
    /// Brings the file to the disk and gives its line of the manifest.
    ///
    /// # Errors
    /// The disk does not take it.
    pub(super) fn entry(self) -> anyhow::Result<FileEntry> {
        let context = || format!("cannot bring {} to the disk", self.path.display());
        self.file.sync_data().with_context(context)?;
        let metadata = self.file.metadata().with_context(context)?;
        let name = self.path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let modified_ns = modified_ns(&metadata).with_context(context)?;
        Ok(FileEntry { name, rows: self.rows, bytes: self.bytes, modified_ns, sha256: self.sha256 })
    }
}

/// Writes all batches to a new file at `path`; `after_batch` is told the rows of each and may end the work.
///
/// # Errors
/// The file cannot be written, the generator fails, or `after_batch` gives an error.
pub(super) fn write(
    path: &Path,
    batches: Batches,
    mut after_batch: impl FnMut(u64) -> anyhow::Result<()>,
) -> anyhow::Result<Written> {
    let mut writer = Writer::create(path, &batches.schema())?;
    for batch in batches {
        let batch = batch.with_context(|| format!("cannot write {}", path.display()))?;
        after_batch(writer.push(&batch)?)?;
    }
    writer.finish()
}

/// Numbers the columns from 1.
fn with_field_ids(schema: &Schema) -> Schema {
    let numbered = schema.fields().iter().zip(1..).map(|(field, id): (_, i32)| {
        let id = (PARQUET_FIELD_ID_META_KEY.to_owned(), id.to_string());
        Field::clone(field).with_metadata(HashMap::from([id]))
    });
    Schema::new(numbered.collect::<Vec<_>>())
}

/// A file that counts and hashes what is written to it: reading it back would cost a second pass over the disk.
struct Hashing {
    file: File,
    digest: Sha256,
    bytes: u64,
}

impl Write for Hashing {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        let written = self.file.write(buffer)?;
        self.digest.update(&buffer[..written]);
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}
