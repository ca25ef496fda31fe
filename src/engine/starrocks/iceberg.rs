//! Iceberg tables that a Hive Metastore knows, through an external catalog that is made once for each metastore.
//!
//! Nothing is ever dropped here: another program may be reading through the same catalog.

use anyhow::{Context, bail};

use super::snapshots::Snapshot;
use super::unfinished::digits;
use crate::engine::metastore::{METASTORE, seen_by_server};
use crate::engine::mysql::client::Client;
use crate::engine::mysql::sql::{named, quoted};
use crate::engine::{Result, Unsupported};
use crate::protocol::dataset::{Dataset, Table};

/// Where the server finds the metastore, when that is not where this program finds it: from inside a container, say.
const SEEN_BY_SERVER: &str = "STARROCKS_METASTORE_URI";

/// Makes every table of the dataset known: to the connection, or where they are returned, to each query that reads them.
pub(super) fn load(client: &mut Client, dataset: &Dataset) -> Result<Vec<Snapshot>> {
    let Some(uri) = seen_by_server(SEEN_BY_SERVER) else {
        let reason = format!("StarRocks finds Iceberg tables through a Hive Metastore: set {METASTORE}");
        bail!(Unsupported(reason));
    };
    let catalog = format!("querydyno_hive_{}", digits(&uri));
    let tables = snapshots(dataset, &catalog)?;
    let wrong = |what: &str| {
        format!(
            "the metastore at {uri} has to know {what}: is it the one that {METASTORE} names here? Where the server reaches \
             that one by another address, {SEEN_BY_SERVER} says which"
        )
    };
    client.execute(&format!(
        "CREATE EXTERNAL CATALOG IF NOT EXISTS {catalog} PROPERTIES (\"type\" = \"iceberg\", \
         \"iceberg.catalog.type\" = \"hive\", \"hive.metastore.uris\" = {})",
        quoted(&uri)
    ))?;
    for table in &tables {
        let [_, database, name] = &table.path;
        // The catalog remembers what tables looked like.
        client
            .execute(&format!("REFRESH EXTERNAL TABLE {}", table.path.each_ref().map(|part| named(part)).join(".")))
            .with_context(|| wrong(&format!("the table {database}.{name}")))?;
    }
    let database = dataset.database();
    if tables.iter().all(|table| table.path[1] == database && table.path[2] == table.name) {
        // Tables of ours, which have one snapshot: their own names are the shortest way to them.
        client.execute(&format!("SET CATALOG {catalog}"))?;
        client
            .execute(&format!("USE {}", named(&database)))
            .with_context(|| wrong(&format!("the database {database}")))?;
        return Ok(Vec::new());
    }
    client.execute("SET CATALOG default_catalog")?;
    Ok(tables)
}

/// Where the metastore has each table, and its snapshot.
fn snapshots(dataset: &Dataset, catalog: &str) -> Result<Vec<Snapshot>> {
    let snapshot = |table: &Table| {
        let name = table.iceberg.as_ref().and_then(|iceberg| Some((iceberg.name.clone()?, iceberg.snapshot_id)));
        let ((database, name), id) = name.ok_or_else(|| {
            Unsupported(format!(
                "StarRocks finds Iceberg tables through a Hive Metastore, and table {} is not known to one: register it, \
                 and ask for it as database.table",
                table.name
            ))
        })?;
        Ok(Snapshot { name: table.name.clone(), path: [catalog.to_owned(), database, name], id })
    };
    dataset.tables.iter().map(snapshot).collect()
}
