//! Iceberg tables by Iceberg's own reader for Spark: what a session is set to for it, and how a view of one is made.
//!
//! A table of a metastore is a view by a statement, so that each run asks the metastore and reads the metadata anew, as a query that
//! names the table itself would. One that is known by its metadata file has that file's content from loading on; each run still plans
//! from the snapshot. Nothing that Iceberg could keep between two runs is kept.

use anyhow::{Context, bail};

use crate::engine::{Result, Unsupported};
use crate::protocol::dataset::Iceberg;

/// The catalog of a session that looks tables up in the metastore.
const CATALOG: &str = "querydyno_hive";
/// Executors would keep files of deletes from one query to the next.
const EXECUTOR_CACHE: &str = "spark.sql.iceberg.executor-cache.enabled";

/// How a view of a table is made.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum View {
    /// By a statement.
    Statement(String),
    /// Of the metadata file with that path.
    File(String),
}

/// What a session is set to before it reads such tables.
pub(super) fn settings(metastore: Option<&str>) -> Vec<(String, String)> {
    let mut settings = vec![(EXECUTOR_CACHE.to_owned(), "false".to_owned())];
    let Some(uri) = metastore else { return settings };
    let mut set = |name: &str, value: &str| {
        settings.push((format!("spark.sql.catalog.{CATALOG}{name}"), value.to_owned()));
    };
    set("", "org.apache.iceberg.spark.SparkCatalog");
    set(".type", "hive");
    set(".uri", uri);
    // What a table looked like.
    set(".cache-enabled", "false");
    settings
}

/// The view of this name of a table at its snapshot.
///
/// # Errors
/// [`Unsupported`] for a table on S3, and for a metadata file with a path that Iceberg reads otherwise.
pub(super) fn view(name: &str, table: &Iceberg) -> Result<View> {
    if table.metadata.is_on_s3() {
        // By the scheme of a session, as Parquet files are, they cannot be read: the metadata name files as s3://bucket/key.
        bail!(Unsupported(format!(
            "{} is an Iceberg table on S3, whose files Spark's server would read by one client for as long as it runs, with the \
             endpoint and the credentials of who asked first: take the format s3, whose files are the same",
            table.metadata
        )));
    }
    let id = table.snapshot_id;
    if let Some((database, found)) = &table.name {
        let place = [CATALOG, database, found].map(named).join(".");
        return Ok(View::Statement(format!(
            "CREATE OR REPLACE TEMPORARY VIEW {} AS SELECT * FROM {place} VERSION AS OF {id}",
            named(name)
        )));
    }
    let path = table.metadata.local()?.to_str().context("the path of the metadata file is no text in UTF-8")?;
    if path.contains('#') {
        bail!(Unsupported(format!("the path {path} has a '#', behind which Iceberg looks for a snapshot")));
    }
    Ok(View::File(path.to_owned()))
}

/// Whether this is what a server says that has no Iceberg among its jars.
pub(super) fn is_missing(error: &str) -> bool {
    let error = error.to_lowercase();
    error.contains("iceberg") && ["data_source_not_found", "catalog plugin class"].iter().any(|why| error.contains(why))
}

fn named(name: &str) -> String {
    format!("`{}`", name.replace('`', "``"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(metadata: &str, name: Option<(&str, &str)>) -> Iceberg {
        Iceberg {
            metadata: metadata.parse().unwrap(),
            snapshot_id: 4711,
            name: name.map(|(database, table)| (database.to_owned(), table.to_owned())),
            columns: Vec::new(),
            evolved: false,
            needs_reader: None,
        }
    }

    #[test]
    fn view_names_the_snapshot_in_a_metastore_or_the_metadata_file() {
        let found = table("/w/t/metadata/1.metadata.json", Some(("sales", "a`b")));
        let sql =
            "CREATE OR REPLACE TEMPORARY VIEW `t` AS SELECT * FROM `querydyno_hive`.`sales`.`a``b` VERSION AS OF 4711";
        assert_eq!(view("t", &found).unwrap(), View::Statement(sql.to_owned()));
        let found = table("/w/t/metadata/1.metadata.json", None);
        assert_eq!(view("t", &found).unwrap(), View::File("/w/t/metadata/1.metadata.json".to_owned()));
        let odd = view("t", &table("/w/a#b/metadata/1.metadata.json", None)).unwrap_err();
        assert!(odd.is::<Unsupported>() && odd.to_string().contains("'#'"), "{odd}");
        let on_s3 = view("t", &table("s3://bench/t/metadata/1.metadata.json", Some(("sales", "t")))).unwrap_err();
        assert!(on_s3.is::<Unsupported>() && on_s3.to_string().contains("take the format s3"), "{on_s3}");
    }

    #[test]
    fn settings_keep_nothing_between_two_runs() {
        assert_eq!(settings(None).len(), 1);
        let settings = settings(Some("thrift://127.0.0.1:9083"));
        assert!(
            settings
                .contains(&("spark.sql.catalog.querydyno_hive.uri".to_owned(), "thrift://127.0.0.1:9083".to_owned()))
        );
        let caches: Vec<_> = settings.iter().filter(|(name, _)| name.contains("cache")).collect();
        assert!(caches.len() == 2 && caches.iter().all(|(_, value)| value == "false"), "{caches:?}");
    }

    #[test]
    fn is_missing_knows_what_both_ways_say_without_the_jar() {
        for (error, is) in [
            ("[DATA_SOURCE_NOT_FOUND] Failed to find the data source: iceberg.", true),
            ("Cannot find catalog plugin class for catalog 'x': org.apache.iceberg.spark.SparkCatalog.", true),
            ("[DATA_SOURCE_NOT_FOUND] Failed to find the data source: delta.", false),
            ("Iceberg: cannot find snapshot 3", false),
        ] {
            assert_eq!(is_missing(error), is, "{error}");
        }
    }
}
