//! StarRocks' own tables, loaded once from Parquet files that its nodes can read under the same paths as this program.
//!
//! StarRocks has no locks to ask for: two programs that load the same each fill a table of their own, and one of them
//! stays. What tells a whole table is in the module `mysql`.

use anyhow::{Context, ensure};

use super::unfinished::{self, is_left_behind, lives, machine};
use crate::engine::Result;
use crate::engine::loaded::{database, mark};
use crate::engine::mysql::client::Client;
use crate::engine::mysql::loaded::is_loaded;
use crate::engine::mysql::sql::{named, quoted};
use crate::protocol::dataset::{Dataset, Table};

/// Makes every table of the dataset known in the connection's database.
pub(super) fn load(client: &mut Client, dataset: &Dataset) -> Result<()> {
    let name = named(&database(dataset));
    client.execute("SET CATALOG default_catalog")?;
    client.execute(&format!("CREATE DATABASE IF NOT EXISTS {name}"))?;
    client.execute(&format!("USE {name}"))?;
    clean(client)?;
    for table in &dataset.tables {
        if !is_loaded(client, table)? {
            fill(client, table).with_context(|| format!("cannot load table {}", table.name))?;
        }
    }
    Ok(())
}

/// Drops what programs of this machine left half filled.
fn clean(client: &mut Client) -> Result<()> {
    let machine = machine();
    let tables = client.texts("SELECT table_name FROM information_schema.tables WHERE table_schema = DATABASE()")?;
    for name in tables.iter().flatten().flatten() {
        if is_left_behind(name, &machine, lives) {
            client.execute(&format!("DROP TABLE IF EXISTS {} FORCE", named(name)))?;
        }
    }
    Ok(())
}

fn fill(client: &mut Client, table: &Table) -> Result<()> {
    let unfinished = named(&unfinished::name(&table.name, &machine(), std::process::id()));
    let files: Vec<String> = table.paths()?.into_iter().map(|file| files(&file.to_string_lossy())).collect();
    let first = files.first().context("the table has no files")?;
    let columns = columns(client, first)?;
    client.execute(&format!("DROP TABLE IF EXISTS {unfinished} FORCE"))?;
    client.execute(&create(&unfinished, &columns, &mark(table)))?;
    for file in &files {
        client.execute(&format!("INSERT INTO {unfinished} SELECT * FROM {file}"))?;
    }
    let rows = client.value(&format!("SELECT COUNT(*) FROM {unfinished}"))?.unwrap_or_default();
    ensure!(rows == table.rows.to_string(), "the server took {rows} rows of {}", table.rows);
    client.texts(&format!("ANALYZE FULL TABLE {unfinished} WITH SYNC MODE"))?;
    if is_loaded(client, table)? {
        // Another program was faster, and its queries may be running.
        client.execute(&format!("DROP TABLE {unfinished} FORCE"))?;
        return Ok(());
    }
    client.execute(&format!("DROP TABLE IF EXISTS {} FORCE", named(&table.name)))?;
    client.execute(&format!("ALTER TABLE {unfinished} RENAME {}", named(&table.name)))?;
    Ok(())
}

/// A file as StarRocks reads it.
fn files(path: &str) -> String {
    format!("FILES(\"path\" = {}, \"format\" = \"parquet\")", quoted(&format!("file://{path}")))
}

/// The columns' names and types, as StarRocks finds them in the file; CREATE TABLE AS SELECT makes decimals of floats.
fn columns(client: &mut Client, file: &str) -> Result<Vec<(String, String)>> {
    let rows = client.texts(&format!("DESC {file}")).with_context(|| {
        "StarRocks (3.3.4 or newer) has to see the data under the same path as this program: \
         mount the folder that QUERYDYNO_DATA names into its nodes"
    })?;
    let column = |row: Vec<Option<String>>| {
        let mut cells = row.into_iter().flatten();
        Some((cells.next()?, cells.next()?))
    };
    rows.into_iter().map(|row| column(row).context("DESC FILES shows no name and type")).collect()
}

/// Sorted and distributed by the first column, which is the key of TPC-H's tables, where its type allows that.
fn create(name: &str, columns: &[(String, String)], comment: &str) -> String {
    let list: Vec<String> = columns.iter().map(|(name, data_type)| format!("{} {data_type}", named(name))).collect();
    let orders = |data_type: &str| {
        let name = data_type.split('(').next().unwrap_or_default().to_ascii_lowercase();
        ["int", "bigint", "smallint", "tinyint", "date", "datetime", "varchar"].contains(&name.as_str())
    };
    let (key, distribution) = match columns.first() {
        Some((first, data_type)) if orders(data_type) => {
            (format!("DUPLICATE KEY ({}) ", named(first)), format!("HASH ({})", named(first)))
        }
        _ => (String::new(), "RANDOM".to_owned()),
    };
    format!(
        "CREATE TABLE {name} ({}) {key}COMMENT {} DISTRIBUTED BY {distribution} \
         PROPERTIES (\"replication_num\" = \"1\")",
        list.join(", "),
        quoted(comment)
    )
}
