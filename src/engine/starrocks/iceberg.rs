//! Iceberg tables that a Hive Metastore knows, through an external catalog that is made once.

use std::env;

use anyhow::{Context, bail, ensure};

use crate::engine::mysql::client::Client;
use crate::engine::mysql::sql::{database, named, quoted};
use crate::engine::{Result, Unsupported};
use crate::fixture::Dataset;

const CATALOG: &str = "querydyno_hive";
/// Where the server finds the metastore, when that is not where this program finds it: from inside a container, say.
const SEEN_BY_SERVER: &str = "STARROCKS_METASTORE_URI";
const METASTORE: &str = "HIVE_METASTORE_URI";

/// Makes every table of the dataset known in the connection's catalog and database.
pub(super) fn load(client: &mut Client, dataset: &Dataset) -> Result<()> {
    let told = |name: &str| env::var(name).ok().filter(|value| !value.is_empty());
    let Some(uri) = told(SEEN_BY_SERVER).or_else(|| told(METASTORE)) else {
        let reason = format!("StarRocks finds Iceberg tables through a Hive Metastore: set {METASTORE}");
        bail!(Unsupported(reason));
    };
    make_catalog(client, &uri)?;
    let name = database(dataset);
    client.execute(&format!("SET CATALOG {CATALOG}"))?;
    client.execute(&format!("USE {}", named(&name))).with_context(|| {
        format!("the metastore at {uri} has to know the database {name}: is it the one that {METASTORE} names here?")
    })?;
    for table in &dataset.tables {
        let full = format!("{CATALOG}.{}.{}", named(&name), named(&table.name));
        // The catalog remembers what tables looked like.
        client.execute(&format!("REFRESH EXTERNAL TABLE {full}"))?;
        let rows = client.value(&format!("SELECT COUNT(*) FROM {full}"))?.unwrap_or_default();
        ensure!(
            rows == table.rows.to_string(),
            "{} has {rows} rows for StarRocks and {} in the snapshot that is asked for: it reads the current one",
            table.name,
            table.rows
        );
    }
    Ok(())
}

/// Makes the catalog, again when it leads to another metastore.
fn make_catalog(client: &mut Client, uri: &str) -> Result<()> {
    let statement = format!(
        "CREATE EXTERNAL CATALOG IF NOT EXISTS {CATALOG} PROPERTIES (\"type\" = \"iceberg\", \
         \"iceberg.catalog.type\" = \"hive\", \"hive.metastore.uris\" = {})",
        quoted(uri)
    );
    client.execute(&statement)?;
    let shown = client.texts(&format!("SHOW CREATE CATALOG {CATALOG}"))?;
    if !shown.iter().flatten().flatten().any(|text| text.contains(uri)) {
        client.execute(&format!("DROP CATALOG {CATALOG}"))?;
        client.execute(&statement)?;
    }
    Ok(())
}
