//! A dataset's tables in a database of their own on the server, each loaded once for its checksum.
//!
//! A lock of the server keeps two programs from loading the same; what tells a whole table is in `loaded`.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail, ensure};
use mysql::LocalInfileHandler;

use super::client::{Client, Unreadable};
use super::keys::indexes;
use super::lines;
use super::loaded::is_loaded;
use super::schema;
use super::sql::{named, quoted};
use crate::engine::loaded::{database, mark};
use crate::engine::{Result, Unsupported};
use crate::protocol::dataset::{Dataset, Table};

/// How long to wait for another program before looking again, in seconds.
const PATIENCE: u32 = 5;

/// Makes every table of the dataset known in the connection's database.
pub(super) fn load(client: &mut Client, dataset: &Dataset, collation: &str) -> Result<()> {
    if dataset.format != "parquet" {
        let reason = format!("the server reads no {} tables; it is loaded from Parquet files", dataset.format);
        bail!(Unsupported(reason));
    }
    let name = database(dataset);
    let create = format!("CREATE DATABASE IF NOT EXISTS {} CHARACTER SET utf8mb4 COLLATE {collation}", named(&name));
    client.execute(&create)?;
    client.execute(&format!("USE {}", named(&name)))?;
    for table in &dataset.tables {
        if is_loaded(client, table)? {
            continue;
        }
        // The lock goes with the connection, whatever becomes of this program; the host ends us when it takes too long.
        while client.value(&format!("SELECT GET_LOCK({}, {PATIENCE})", quoted(&name)))?.as_deref() != Some("1") {}
        // Another program may have loaded it while we waited.
        if !is_loaded(client, table)? {
            fill(client, table).with_context(|| format!("cannot load table {}", table.name))?;
        }
        client.execute(&format!("DO RELEASE_LOCK({})", quoted(&name)))?;
    }
    Ok(())
}

fn fill(client: &mut Client, table: &Table) -> Result<()> {
    let unfinished = named(&format!("querydyno_loading_{}", table.name));
    let list = |columns: &[String]| columns.iter().map(|column| named(column)).collect::<Vec<_>>().join(", ");
    let mut columns = schema::columns(&table.paths()?)?;
    if !table.keys.primary.is_empty() {
        columns.push(format!("PRIMARY KEY ({})", list(&table.keys.primary)));
    }
    client.execute(&format!("DROP TABLE IF EXISTS {unfinished}"))?;
    client.execute(&format!("CREATE TABLE {unfinished} ({}) ENGINE = InnoDB", columns.join(", ")))?;
    send(client, &unfinished, table)?;
    // After the rows: sorting them once is faster than keeping an index in order.
    let indexes = indexes(&table.keys).map(|columns| format!("ADD INDEX ({})", list(columns)));
    let changes: Vec<String> = indexes.chain([format!("COMMENT = {}", quoted(&mark(table)))]).collect();
    client.execute(&format!("ALTER TABLE {unfinished} {}", changes.join(", ")))?;
    client.texts(&format!("ANALYZE TABLE {unfinished}"))?;
    let name = named(&table.name);
    client.execute(&format!("DROP TABLE IF EXISTS {name}"))?;
    client.execute(&format!("RENAME TABLE {unfinished} TO {name}"))?;
    Ok(())
}

/// Sends the rows, and checks that the server took every one as it is.
fn send(client: &mut Client, to: &str, table: &Table) -> Result<()> {
    let files: Vec<PathBuf> = table.paths()?.into_iter().map(Path::to_owned).collect();
    let handler = LocalInfileHandler::new(move |_, server| {
        for file in &files {
            pass_on(file, server)?;
        }
        Ok(())
    });
    let sql = format!("LOAD DATA LOCAL INFILE {} INTO TABLE {to} CHARACTER SET utf8mb4", quoted(&table.name));
    let done = client.execute_sending(&sql, handler)?;
    if done.warnings > 0 {
        let first = client.texts("SHOW WARNINGS LIMIT 1")?.into_iter().next().unwrap_or_default();
        let words: Vec<String> = first.into_iter().flatten().collect();
        bail!("the server changed values while loading, {} warnings, the first: {}", done.warnings, words.join(" "));
    }
    ensure!(done.rows == table.rows, "the server took {} rows of {}", done.rows, table.rows);
    Ok(())
}

/// Writes the rows of a file to the server.
fn pass_on(file: &Path, server: &mut impl Write) -> io::Result<()> {
    let unreadable = |error: anyhow::Error| io::Error::other(Unreadable(format!("{error:#}")));
    let broken = |error| unreadable(anyhow::Error::from(error).context(format!("cannot read {}", file.display())));
    let batches = schema::open(file).map_err(unreadable)?.build().map_err(broken)?;
    for batch in batches {
        let batch = batch.map_err(|error| broken(error.into()))?;
        server.write_all(&lines::of(&batch).map_err(unreadable)?)?;
    }
    Ok(())
}
