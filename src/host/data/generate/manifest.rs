//! The manifest beside a table's files: where they come from and what they must look like.
//!
//! One per table, so that tables are made and repaired one by one. Comparing it with the files is in `check`.

use std::fs::{self, File, Metadata};
use std::io::Write as _;
use std::path::Path;
use std::time::UNIX_EPOCH;

use anyhow::Context as _;
use serde::{Deserialize, Serialize};

use crate::protocol::id::Scale;

/// The name of the file in the table's folder.
pub(super) const FILE: &str = "manifest.json";

/// Raised whenever a field changes its meaning; a manifest of another schema makes the table again.
const SCHEMA: u32 = 1;

/// A table's manifest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Manifest {
    /// The version of this form.
    pub schema: u32,
    /// Where the files come from.
    pub origin: Provenance,
    /// Rows over all files.
    pub rows: u64,
    /// The files in the order of the rows.
    pub files: Vec<FileEntry>,
}

/// All that decides what a table's files hold; two equal ones mean equal bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Provenance {
    /// Generator and version.
    pub generator: String,
    /// How the files are laid out.
    pub layout: String,
    /// The workload.
    pub workload: String,
    /// The scale; a folder that was moved to another scale's place is noticed.
    pub scale: Scale,
    /// The table.
    pub table: String,
    /// The checksum of the table whose rows these are, in other files; none: a generator made them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
}

/// One file as it was when it was made or last hashed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FileEntry {
    /// The name in the table's folder.
    pub name: String,
    /// Its rows.
    pub rows: u64,
    /// Its size.
    pub bytes: u64,
    /// Its checksum, 64 hexadecimal digits.
    pub sha256: String,
    /// Its modification time in nanoseconds since 1970; another one means that the checksum has to be taken again.
    pub modified_ns: u64,
}

impl Manifest {
    /// The manifest of files that have just been made.
    pub(super) fn new(origin: Provenance, files: Vec<FileEntry>) -> Self {
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
        let path = folder.join(FILE);
        let temporary = folder.join(format!(".{FILE}.tmp"));
        let write = || -> std::io::Result<()> {
            let mut file = File::create(&temporary)?;
            serde_json::to_writer_pretty(&file, self)?;
            file.write_all(b"\n")?;
            file.sync_data()?;
            fs::rename(&temporary, &path)
        };
        write().with_context(|| format!("cannot write {}", path.display()))
    }
}

/// A modification time as a manifest holds it.
pub(super) fn modified_ns(metadata: &Metadata) -> anyhow::Result<u64> {
    let since = metadata.modified()?.duration_since(UNIX_EPOCH)?;
    Ok(u64::try_from(since.as_nanos())?)
}
