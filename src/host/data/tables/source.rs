//! What a user calls a table: Parquet files, the folder of an Iceberg table, or a name in the Hive Metastore.

use std::path::Path;

use anyhow::{Result, bail, ensure};

use super::files::Files;
use super::metadata::metadata_in;
use crate::host::suite::source::{is_path, split};
use crate::protocol::location::{Location, TableRef};

/// A table that is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Source {
    Parquet(Files),
    /// Parquet files on S3.
    Stored(Location),
    /// An Iceberg table, at a snapshot or the current one.
    Iceberg {
        place: TableRef,
        snapshot_id: Option<i64>,
    },
}

impl Source {
    /// What `text` means; a suite has made its paths absolute.
    ///
    /// # Errors
    /// When there are no such files, or it is a name and there is no metastore to ask.
    pub(super) fn of(text: &str, metastore: Option<&str>) -> Result<Self> {
        let (table, snapshot_id) = split(text, Path::new(""));
        if !is_path(table, Path::new("")) {
            return Ok(Self::Iceberg { place: named(table, metastore)?, snapshot_id });
        }
        let location: Location = table.parse().map_err(anyhow::Error::msg)?;
        if location.is_on_s3() {
            if table.ends_with(".metadata.json") {
                return Ok(Self::Iceberg { place: TableRef::File(location), snapshot_id });
            }
            ensure!(
                snapshot_id.is_none(),
                "Parquet files have no snapshots: leave the part behind '@' out, or give the metadata file of an Iceberg table, \
                 s3://bucket/table/metadata/v1.metadata.json@{}",
                snapshot_id.unwrap_or_default()
            );
            return Ok(Self::Stored(location));
        }
        let path = location.local()?.to_owned();
        if let Some(metadata) = metadata_in(&path) {
            return Ok(Self::Iceberg { place: TableRef::File(metadata?.into()), snapshot_id });
        }
        ensure!(snapshot_id.is_none(), "Parquet files have no snapshots: leave the part behind '@' out");
        Ok(Self::Parquet(Files::of(&path)?))
    }
}

/// A table's name may have the catalog before it: `warehouse.sales.transactions`. A metastore is one catalog.
fn named(table: &str, metastore: Option<&str>) -> Result<TableRef> {
    let Some(uri) = metastore else {
        bail!(
            "'{table}' is a name in a Hive Metastore, and none is set: set HIVE_METASTORE_URI=thrift://host:9083, or give \
             a path to Parquet files or to an Iceberg table's folder"
        );
    };
    let parts: Vec<&str> = table.split('.').collect();
    let [.., database, table] = parts.as_slice() else { bail!("'{table}' is no database.table") };
    Ok(TableRef::Metastore { uri: uri.to_owned(), database: (*database).to_owned(), table: (*table).to_owned() })
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_name_with_or_without_its_catalog_is_looked_up_in_the_metastore() {
        let place = |database: &str, table: &str| TableRef::Metastore {
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
    fn an_iceberg_table_on_s3_is_told_by_its_metadata_file() {
        let of = |text: &str| Source::of(text, None);
        let metadata = "s3://bench/t/metadata/v3.metadata.json";
        let place = TableRef::File(metadata.parse().unwrap());
        assert_eq!(of(metadata).unwrap(), Source::Iceberg { place: place.clone(), snapshot_id: None });
        assert_eq!(of(&format!("{metadata}@42")).unwrap(), Source::Iceberg { place, snapshot_id: Some(42) });
        assert_eq!(of("s3://bench/t").unwrap(), Source::Stored("s3://bench/t".parse().unwrap()));
        let error = of("s3://bench/t@42").unwrap_err().to_string();
        assert!(error.contains("no snapshots") && error.contains("metadata.json@42"), "{error}");
    }

    #[test]
    fn files_folders_and_patterns_are_parquet() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["b.parquet", "a.parquet", "_c.parquet", "d.txt"] {
            fs::write(folder.path().join(name), "").unwrap();
        }
        let files = |text: &str| match Source::of(folder.path().join(text).to_str().unwrap(), None).unwrap() {
            Source::Parquet(files) => files.paths.len(),
            other => panic!("{other:?}"),
        };
        assert_eq!((files("a.parquet"), files("."), files("*.parquet")), (1, 2, 2));
        let error = Source::of(folder.path().join("x*.parquet").to_str().unwrap(), None).unwrap_err();
        assert!(error.to_string().contains("there are no Parquet files"), "{error}");
        let error = Source::of(folder.path().join("a.parquet@3").to_str().unwrap(), None).unwrap_err();
        assert!(error.to_string().contains("no snapshots"), "{error}");
        for name in ["export@20240101", "year=2024"] {
            fs::create_dir(folder.path().join(name)).unwrap();
            fs::write(folder.path().join(name).join("a.parquet"), "").unwrap();
            assert_eq!((files(name), files(&format!("{name}/*.parquet"))), (1, 1));
        }
    }

    #[test]
    fn a_snapshot_is_told_from_a_folder_of_that_name() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir_all(folder.path().join("t@1/metadata")).unwrap();
        fs::write(folder.path().join("t@1/metadata/v1.metadata.json"), "").unwrap();
        for (text, wanted) in [("t@1", None), ("t@1@8213", Some(8213))] {
            let found = Source::of(folder.path().join(text).to_str().unwrap(), None).unwrap();
            assert!(matches!(found, Source::Iceberg { snapshot_id, .. } if snapshot_id == wanted), "{found:?}");
        }
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
            Source::Iceberg { place: TableRef::File(path), .. } => {
                path.local().unwrap().file_name().unwrap().to_string_lossy().into_owned()
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
