//! The last audit of each engine, scale and variant: `.querydyno/audits/duckdb-sf1-parquet.json`.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result};

use super::Audit;
use crate::host::files::write_whole;
use crate::host::paths;
use crate::protocol::id::{BenchId, Scale};

/// Keeps an audit in place of the last one of this engine, scale and variant.
///
/// # Errors
/// When the file cannot be written.
pub fn keep(audit: &Audit) -> Result<PathBuf> {
    let path = paths::home().join(file(&audit.engine, audit.scale, &audit.variant));
    let text = serde_json::to_string_pretty(audit)?;
    write_whole(&path, text.as_bytes()).with_context(|| format!("cannot write {}", path.display()))?;
    Ok(path)
}

/// The last audits that may speak for these cells; an audit that another version of this program wrote is none.
pub fn kept<'a>(ids: impl IntoIterator<Item = &'a BenchId>) -> Vec<Audit> {
    let files: BTreeSet<PathBuf> = ids.into_iter().map(|id| file(&id.engine, id.scale, &id.variant)).collect();
    let read = |file: &PathBuf| paths::homes(&paths::home()).find_map(|home| fs::read(home.join(file)).ok());
    files.iter().filter_map(|file| serde_json::from_slice(&read(file)?).ok()).collect()
}

/// Below the home.
fn file(engine: &str, scale: Scale, variant: &str) -> PathBuf {
    PathBuf::from("audits").join(format!("{engine}-{scale}-{variant}.json"))
}
