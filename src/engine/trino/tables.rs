//! A dataset's tables in a schema of their own, each made once for its checksum: [`load`].
//!
//! A table is a folder of links and what the connector knows of it. Its statistics are gathered once, as a user of Trino does it:
//! without them the optimizer does not know which table is large.

use std::fs::File;
use std::path::Path;

use anyhow::{Context, bail, ensure};
use rustix::fs::{FlockOperation, flock};

use super::client::Client;
use super::schema::{self, named, quoted};
use super::{links, page, zone};
use crate::engine::loaded::{database, mark};
use crate::engine::{Result, Unsupported, refuse_unreadable};
use crate::protocol::dataset::{Dataset, Table};

/// Makes every table of the dataset known to the client's later statements.
pub(super) fn load(client: &mut Client, dataset: &Dataset, scratch: &Path) -> Result<()> {
    refuse_unreadable(dataset, true)?;
    let name = database(dataset);
    let folder = links::root(scratch).join(&name);
    std::fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    // Another program may be making the same; the lock goes with this one, whatever becomes of it.
    let lock = File::open(&folder).with_context(|| format!("cannot open {}", folder.display()))?;
    flock(&lock, FlockOperation::LockExclusive)?;
    let catalog = named(&client.address().catalog);
    client.run(&format!("CREATE SCHEMA IF NOT EXISTS {catalog}.{}", named(&name)))?;
    client.schema = Some(name.clone());
    zone::check(client, dataset, &folder)?;
    for table in &dataset.tables {
        make(client, table, &name, &folder.join(&table.name))
            .with_context(|| format!("cannot make table {} in Trino", table.name))?;
    }
    Ok(())
}

fn make(client: &Client, table: &Table, schema: &str, folder: &Path) -> Result<()> {
    let links = links::of(table)?;
    let first = links.first().context("the table has no files")?.file;
    let place = folder.to_str().context("the path of its folder is no text in UTF-8")?;
    if place.contains(['%', '#', '?']) {
        bail!(Unsupported(format!("the path {place} has a letter that Trino takes for a part of a URL")));
    }
    let wanted = format!("{}, at {place}", mark(table));
    let catalog = &client.address().catalog;
    let comment = client.value(&format!(
        "SELECT comment FROM system.metadata.table_comments WHERE catalog_name = {} AND schema_name = {} AND table_name = {}",
        quoted(catalog),
        quoted(schema),
        quoted(&table.name)
    ))?;
    // Without a checksum one table cannot be told from another.
    if !table.sha256.is_empty() && comment.as_deref() == Some(&wanted) && links::are_there(folder, &links) {
        return Ok(());
    }
    let name = named(&table.name);
    client.run(&format!("DROP TABLE IF EXISTS {name}"))?;
    links::make(folder, &links)?;
    let mut columns = schema::columns(first)?;
    let mut partitioned = String::new();
    if let Some(folders) = &table.folders {
        columns.push(format!("{} varchar", named(&folders.column)));
        partitioned = format!(", partitioned_by = ARRAY[{}]", quoted(&folders.column));
    }
    client.run(&format!(
        "CREATE TABLE {name} ({}) WITH (external_location = {}, format = 'PARQUET'{partitioned})",
        columns.join(", "),
        quoted(&format!("local://{place}"))
    ))?;
    if table.folders.is_some() {
        // The connector learns of the folders by this call.
        client.run(&format!(
            "CALL {}.system.sync_partition_metadata({}, {}, 'ADD')",
            named(catalog),
            quoted(schema),
            quoted(&table.name)
        ))?;
    }
    let analyzed: page::Output = client.run(&format!("ANALYZE {name}"))?;
    ensure!(analyzed.rows.len() == 1, "the server told {} rows of its statistics", analyzed.rows.len());
    // Last: a table that was not finished has no mark.
    client.run(&format!("COMMENT ON TABLE {name} IS {}", quoted(&wanted))).map(drop)
}
