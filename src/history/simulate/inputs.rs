//! What a simulation is made of: measured and verified results, and the machines.

use std::collections::HashMap;

use anyhow::{Context as _, Result};
use duckdb::types::Value;

use crate::history::store::Store;
use crate::host::variant::Cache;
use crate::measure::machine::Host;
use crate::protocol::id::BenchId;

/// The newest result of a cell, a version of its engine, and a class of machines.
#[derive(Debug, Clone)]
pub(super) struct Input {
    pub(super) id: BenchId,
    pub(super) suite: String,
    pub(super) class: String,
    pub(super) version: Option<String>,
    pub(super) kind: String,
    pub(super) format: String,
    pub(super) mode: Option<String>,
    pub(super) cache: Cache,
    pub(super) threads: usize,
    pub(super) memory_limit_bytes: Option<u64>,
    pub(super) parallel: usize,
    pub(super) text_sha256: Option<String>,
    pub(super) data_sha256: Option<String>,
    pub(super) layout: Option<String>,
    pub(super) record: String,
    pub(super) time_ns: f64,
    /// Since 1970.
    pub(super) started_us: i64,
}

/// All that are measured and verified.
///
/// # Errors
/// When the history cannot be read, or has an invalid name.
pub(super) fn read(store: &Store) -> Result<Vec<Input>> {
    let statement = "
        SELECT m.cell, m.suite, m.machine_class, m.engine_version, e.kind, m.format, m.mode, m.cache, m.threads,
               m.memory_limit_bytes, m.parallel, m.text_sha256, m.data_sha256, d.layout, m.record, m.time_ns,
               coalesce(epoch_us(m.started_at), 0)
        FROM measurements m JOIN engines e ON e.engine = m.engine JOIN datasets d ON d.dataset = m.dataset
        WHERE m.comparable AND m.provenance = 'measured'
        QUALIFY row_number() OVER (
            PARTITION BY m.cell, m.suite, m.machine_class, m.engine_version ORDER BY m.started_at DESC, m.result
        ) = 1
        ORDER BY m.cell, m.machine_class, m.engine_version";
    let rows = store.rows(statement, [], |row| {
        let (cell, cache): (String, String) = (row.get(0)?, row.get(7)?);
        let id: Result<BenchId> =
            cell.parse::<BenchId>().with_context(|| format!("'{cell}' in the history is no cell"));
        let cache: Result<Cache> = cache.parse::<Cache>().map_err(anyhow::Error::msg);
        let input = |id: BenchId, cache: Cache| -> duckdb::Result<Input> {
            Ok(Input {
                id,
                suite: row.get(1)?,
                class: row.get(2)?,
                version: row.get(3)?,
                kind: row.get(4)?,
                format: row.get(5)?,
                mode: row.get(6)?,
                cache,
                threads: row.get(8)?,
                memory_limit_bytes: row.get(9)?,
                parallel: row.get(10)?,
                text_sha256: row.get(11)?,
                data_sha256: row.get(12)?,
                layout: row.get(13)?,
                record: row.get(14)?,
                time_ns: row.get(15)?,
                started_us: row.get(16)?,
            })
        };
        Ok(match (id, cache) {
            (Ok(id), Ok(cache)) => Ok(input(id, cache)?),
            (Err(error), _) | (_, Err(error)) => Err(error),
        })
    })?;
    rows.into_iter().collect()
}

/// The newest machine of each class.
///
/// # Errors
/// When the history cannot be read.
pub(super) fn hosts(store: &Store) -> Result<HashMap<String, Host>> {
    let statement = "
        SELECT m.class, m.cpu, m.cores, m.memory_bytes, m.kernel, m.governor, m.virtualised, m.gpus
        FROM machines m JOIN (SELECT machine, max(started_at) AS last_at FROM results GROUP BY machine) r ON r.machine = m.machine
        QUALIFY row_number() OVER (PARTITION BY m.class ORDER BY r.last_at DESC, m.machine) = 1";
    let rows = store.rows(statement, [], |row| {
        let gpus = match row.get(7)? {
            Value::List(names) => Some(names.into_iter().filter_map(text).collect()),
            _ => None,
        };
        let host = Host {
            cpu: row.get(1)?,
            cores: row.get::<_, Option<_>>(2)?.unwrap_or_default(),
            memory_bytes: row.get(3)?,
            kernel: row.get::<_, Option<_>>(4)?.unwrap_or_default(),
            governor: row.get(5)?,
            virtualised: row.get(6)?,
            gpus,
            name: None,
        };
        Ok((row.get(0)?, host))
    })?;
    Ok(rows.into_iter().collect())
}

fn text(value: Value) -> Option<String> {
    match value {
        Value::Text(text) => Some(text),
        _ => None,
    }
}
