//! Tables of other formats whose data files are Parquet, but not each of those files counts: [`Formats::refuse`].
//!
//! A Delta or Hudi table's log, and an Iceberg table's metadata, tell which files are part of the table. Those that were
//! replaced or deleted may still lie beside them.

use std::collections::BTreeSet;
use std::fmt::Display;
use std::path::{Component, Path, PathBuf};

use anyhow::{Error, Result, anyhow, bail};

use super::metadata;

/// The folder that holds the log of such a table, and its format.
pub(super) type Log = (&'static str, &'static str);

pub(super) const LOGS: [Log; 2] = [("_delta_log", "Delta"), (".hoodie", "Hudi")];

/// Why a folder with such a log is refused.
pub(super) fn logged(folder: impl Display, (name, format): Log) -> Error {
    anyhow!(
        "{folder} is a {format} table, whose log in {name} tells which of its Parquet files count: export the table to \
         Parquet files in a folder of their own, or give the path of a single file"
    )
}

/// Folders that were found to be of none of these formats, each looked at once.
#[derive(Debug, Default)]
pub(super) struct Formats(BTreeSet<PathBuf>);

impl Formats {
    /// Refuses a folder that is part of such a table, be it itself or one above it that holds the log.
    ///
    /// # Errors
    /// Says what it is, and what to give instead.
    pub(super) fn refuse(&mut self, folder: &Path) -> Result<()> {
        // What is above `a/..` is not above the folder meant.
        if folder.components().any(|part| part == Component::ParentDir) {
            return Ok(());
        }
        for folder in folder.ancestors() {
            if !self.0.insert(folder.to_owned()) {
                break;
            }
            check(folder)?;
        }
        Ok(())
    }
}

fn check(folder: &Path) -> Result<()> {
    if let Some(log) = LOGS.into_iter().find(|(name, _)| folder.join(name).is_dir()) {
        return Err(logged(folder.display(), log));
    }
    if metadata::is_iceberg(folder) {
        bail!(
            "{0} is an Iceberg table, whose metadata tell which of its Parquet files count: give the table's folder, {0}",
            folder.display()
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn refuse_finds_logs_in_a_folder_and_above_it() {
        for (log, told) in [("_delta_log", "is a Delta table"), (".hoodie", "is a Hudi table")] {
            let folder = tempfile::tempdir().unwrap();
            let below = folder.path().join("t/year=2024");
            fs::create_dir_all(&below).unwrap();
            Formats::default().refuse(&below).unwrap();
            fs::create_dir(folder.path().join("t").join(log)).unwrap();
            for refused in [&below, below.parent().unwrap()] {
                let error = Formats::default().refuse(refused).unwrap_err().to_string();
                assert!(error.contains(told) && error.contains("export"), "{error}");
            }
            Formats::default().refuse(folder.path()).unwrap();
        }
    }

    #[test]
    fn refuse_finds_the_data_folder_of_an_iceberg_table() {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("t/data");
        let metadata = folder.path().join("t/metadata");
        fs::create_dir_all(&data).unwrap();
        fs::create_dir_all(&metadata).unwrap();
        fs::write(metadata.join("about.metadata.json"), "").unwrap();
        Formats::default().refuse(&data).unwrap();
        fs::write(metadata.join("v1.metadata.json"), "").unwrap();
        let error = Formats::default().refuse(&data).unwrap_err().to_string();
        assert!(error.contains("is an Iceberg table") && error.ends_with("/t"), "{error}");
    }
}
