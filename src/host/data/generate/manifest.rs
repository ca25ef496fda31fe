//! The manifest beside a table's files: where they come from and what they must look like.
//!
//! One per table, so that tables are made and repaired one by one. Comparing it with the files is in `check`.

use std::fs::{self, Metadata};
use std::path::Path;
use std::time::UNIX_EPOCH;

use anyhow::Context as _;
use serde::{Deserialize, Serialize};

use crate::host::files::write_whole;
use crate::protocol::id::Scale;

/// The name of the file in the table's folder.
pub(super) const FILE: &str = "manifest.json";

/// Raised whenever a field changes its meaning; a manifest of another schema makes the table again.
const SCHEMA: u32 = 1;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Manifest {
    pub schema: u32,
    pub origin: TableOrigin,
    /// Over all files.
    pub rows: u64,
    /// The files in the order of the rows.
    pub files: Vec<FileEntry>,
}

/// All that decides what a table's files hold; two equal ones mean equal bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TableOrigin {
    /// Generator and version.
    pub generator: String,
    pub layout: String,
    #[serde(rename = "workload")]
    pub suite: String,
    /// A folder that was moved to another scale's place is noticed.
    pub scale: Scale,
    pub table: String,
    /// The checksum of the table whose rows these are, in other files; none: a generator made them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
}

/// One file as it was when it was made or last hashed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FileEntry {
    /// In the table's folder.
    pub name: String,
    pub rows: u64,
    pub bytes: u64,
    /// 64 hexadecimal digits.
    pub sha256: String,
    /// Its modification time in nanoseconds since 1970; another one means that the checksum has to be taken again.
    pub modified_ns: u64,
}

impl Manifest {
    /// The manifest of files that have just been made.
    pub(super) fn new(origin: TableOrigin, files: Vec<FileEntry>) -> Self {
        Self { schema: SCHEMA, origin, rows: files.iter().map(|file| file.rows).sum(), files }
    }

    /// Reads the manifest in a table's folder.
    ///
    /// # Errors
    /// It is missing, cannot be read or is not a manifest of the present schema.
    pub(super) fn read(folder: &Path) -> anyhow::Result<Self> {
        let text = fs::read(folder.join(FILE)).with_context(|| format!("{FILE} cannot be read"))?;
        let manifest: Self = serde_json::from_slice(&text).with_context(|| format!("{FILE} is no manifest"))?;
        anyhow::ensure!(manifest.schema == SCHEMA, "{FILE} has schema {} instead of {SCHEMA}", manifest.schema);
        Ok(manifest)
    }

    /// Writes the manifest into a table's folder, in one step: a reader sees the old one or the new one.
    ///
    /// # Errors
    /// It cannot be written.
    pub(super) fn write(&self, folder: &Path) -> anyhow::Result<()> {
        let (path, text) = (folder.join(FILE), serde_json::to_string_pretty(self)? + "\n");
        write_whole(&path, text.as_bytes()).with_context(|| format!("cannot write {}", path.display()))
    }
}

/// A modification time as a manifest holds it.
pub(super) fn modified_ns(metadata: &Metadata) -> anyhow::Result<u64> {
    let since = metadata.modified()?.duration_since(UNIX_EPOCH)?;
    Ok(u64::try_from(since.as_nanos())?)
}
