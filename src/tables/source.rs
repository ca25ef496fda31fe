//! What a user calls a table: Parquet files, the folder of an Iceberg table, or a name in the Hive Metastore.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Once;

use anyhow::{Context, Result, bail, ensure};

use crate::iceberg::messages::Place;
use crate::workload::source::{is_path, split};

/// A table that is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Source {
    /// Files, in the order of their names.
    Parquet(Vec<PathBuf>),
    /// An Iceberg table, at a snapshot or the current one.
    Iceberg { place: Place, snapshot_id: Option<i64> },
}

impl Source {
    /// What `text` means; a workload has made its paths absolute.
    ///
    /// # Errors
    /// When there are no such files, or it is a name and there is no metastore to ask.
    pub(super) fn of(text: &str, metastore: Option<&str>) -> Result<Self> {
        let (table, snapshot_id) = split(text);
        if !is_path(table, Path::new("")) {
            return Ok(Self::Iceberg { place: named(table, metastore)?, snapshot_id });
        }
        let path = PathBuf::from(table);
        if let Some(metadata) = metadata_in(&path) {
            return Ok(Self::Iceberg { place: Place::File(metadata?), snapshot_id });
        }
        ensure!(snapshot_id.is_none(), "Parquet files have no snapshots: leave the part behind '@' out");
        Ok(Self::Parquet(files(&path)?))
    }
}

/// A table's name may have the catalog before it: `warehouse.sales.transactions`. A metastore is one catalog.
fn named(table: &str, metastore: Option<&str>) -> Result<Place> {
    let Some(uri) = metastore else {
        bail!(
            "'{table}' is a name in a Hive Metastore, and none is set: set HIVE_METASTORE_URI=thrift://host:9083, or give \
             a path to Parquet files or to an Iceberg table's folder"
        );
    };
    let parts: Vec<&str> = table.split('.').collect();
    let [.., database, table] = parts.as_slice() else { bail!("'{table}' is no database.table") };
    Ok(Place::Metastore { uri: uri.to_owned(), database: (*database).to_owned(), table: (*table).to_owned() })
}

/// The current metadata file of an Iceberg table's folder, or the path itself if it is one; `None` for anything else.
fn metadata_in(path: &Path) -> Option<Result<PathBuf>> {
    if path.to_string_lossy().ends_with(".metadata.json") {
        return Some(Ok(path.to_owned()));
    }
    let folder = path.join("metadata");
    folder.is_dir().then(|| current(&folder))
}

/// The version that is hinted at or one that was written after the hint, else the highest: `v3.metadata.json` or
/// `00003-uuid.metadata.json`.
fn current(folder: &Path) -> Result<PathBuf> {
    let hint = fs::read_to_string(folder.join("version-hint.text")).ok().and_then(|hint| hint.trim().parse().ok());
    if let Some(hint) = hint {
        let versions = (hint..u64::MAX).map(|version| folder.join(format!("v{version}.metadata.json")));
        if let Some(newest) = versions.take_while(|path| path.is_file()).last() {
            return Ok(newest);
        }
    }
    let version = |path: &PathBuf| -> Option<u64> {
        let name = path.file_name()?.to_str()?.strip_suffix(".metadata.json")?;
        let digits: String = name.trim_start_matches('v').chars().take_while(char::is_ascii_digit).collect();
        digits.parse().ok()
    };
    let entries = fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?;
    let mut found: Vec<_> =
        entries.flatten().map(|entry| entry.path()).filter_map(|path| Some((version(&path)?, path))).collect();
    found.sort();
    match found.as_slice() {
        [.., (before, one), (last, other)] if before == last => bail!(
            "{} and {} are both version {last}: a commit that failed may have left one; give the path of the one that counts",
            one.display(),
            other.display()
        ),
        [.., (_, path)] => Ok(path.clone()),
        [] => bail!("{} holds no metadata file of an Iceberg table", folder.display()),
    }
}

/// The Parquet files of a path, a folder or a pattern.
fn files(path: &Path) -> Result<Vec<PathBuf>> {
    let text = path.to_str().with_context(|| format!("{} is no UTF-8", path.display()))?;
    let pattern = if path.is_dir() { format!("{}/**/*.parquet", glob::Pattern::escape(text)) } else { text.to_owned() };
    let mut found = if path.is_file() {
        vec![path.to_owned()]
    } else {
        let paths = glob::glob(&pattern).with_context(|| format!("{text} is no pattern"))?;
        paths.collect::<Result<Vec<_>, _>>()?
    };
    // What writers leave beside their data: _temporary, .crc.
    found.retain(|file| {
        let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        file.is_file() && !name.starts_with(['_', '.'])
    });
    ensure!(
        !found.is_empty(),
        "there are no Parquet files {text}: give a path, a folder or a pattern such as 'data/*.parquet'"
    );
    found.sort();
    caution_of_folders(path, &found);
    Ok(found)
}

/// Says once that what folders are called (`year=2024`) is no column: no engine here takes it from there.
fn caution_of_folders(path: &Path, files: &[PathBuf]) {
    static SAID: Once = Once::new();
    let named = |file: &PathBuf| {
        let folders = file.strip_prefix(path).unwrap_or(file).parent()?.components();
        folders.map(|folder| folder.as_os_str().to_string_lossy().into_owned()).find(|folder| folder.contains('='))
    };
    if let Some(folder) = files.iter().find_map(named) {
        SAID.call_once(|| {
            eprintln!(
                "caution: the columns are those in the files; what a folder's name says, {folder}, is none of them"
            );
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_or_without_its_catalog_is_looked_up_in_the_metastore() {
        let place = |database: &str, table: &str| Place::Metastore {
            uri: "thrift://h:1".to_owned(),
            database: database.to_owned(),
            table: table.to_owned(),
        };
        for text in ["sales.transactions", "warehouse.sales.transactions"] {
            let found = Source::of(text, Some("thrift://h:1")).unwrap();
            assert_eq!(found, Source::Iceberg { place: place("sales", "transactions"), snapshot_id: None });
        }
        let found = Source::of("sales.transactions@42", Some("thrift://h:1")).unwrap();
        assert_eq!(found, Source::Iceberg { place: place("sales", "transactions"), snapshot_id: Some(42) });
        let error = Source::of("sales.transactions", None).unwrap_err();
        assert!(error.to_string().contains("HIVE_METASTORE_URI"), "{error}");
    }

    #[test]
    fn files_folders_and_patterns_are_parquet() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["b.parquet", "a.parquet", "_c.parquet", "d.txt"] {
            fs::write(folder.path().join(name), "").unwrap();
        }
        let files = |text: &str| match Source::of(folder.path().join(text).to_str().unwrap(), None).unwrap() {
            Source::Parquet(files) => files.len(),
            other @ Source::Iceberg { .. } => panic!("{other:?}"),
        };
        assert_eq!((files("a.parquet"), files("."), files("*.parquet")), (1, 2, 2));
        let error = Source::of(folder.path().join("x*.parquet").to_str().unwrap(), None).unwrap_err();
        assert!(error.to_string().contains("there are no Parquet files"), "{error}");
        assert!(Source::of(folder.path().join("a.parquet@3").to_str().unwrap(), None).is_err());
    }

    #[test]
    fn the_newest_metadata_of_a_folder_count() {
        let folder = tempfile::tempdir().unwrap();
        let metadata = folder.path().join("t/metadata");
        fs::create_dir_all(&metadata).unwrap();
        for name in ["00009-a.metadata.json", "00010-b.metadata.json", "snap-1.avro"] {
            fs::write(metadata.join(name), "").unwrap();
        }
        let found = || match Source::of(folder.path().join("t").to_str().unwrap(), None).unwrap() {
            Source::Iceberg { place: Place::File(path), .. } => {
                path.file_name().unwrap().to_string_lossy().into_owned()
            }
            other => panic!("{other:?}"),
        };
        assert_eq!(found(), "00010-b.metadata.json");
        for name in ["v2.metadata.json", "v3.metadata.json"] {
            fs::write(metadata.join(name), "").unwrap();
        }
        fs::write(metadata.join("version-hint.text"), "2\n").unwrap();
        assert_eq!(found(), "v3.metadata.json");
        fs::remove_file(metadata.join("version-hint.text")).unwrap();
        fs::write(metadata.join("00010-c.metadata.json"), "").unwrap();
        let error = Source::of(folder.path().join("t").to_str().unwrap(), None).unwrap_err();
        assert!(error.to_string().contains("both version 10"), "{error}");
    }
}
