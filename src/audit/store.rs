//! The last audit of each engine, in `target/querydyno/audits/<engine>.json`.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result};

use super::Audit;
use crate::answer::reference::write_whole;
use crate::paths;

/// Keeps an audit in place of the engine's last one.
///
/// # Errors
/// When the file cannot be written.
pub fn keep(audit: &Audit) -> Result<PathBuf> {
    let path = file(&audit.engine);
    let text = serde_json::to_string_pretty(audit)?;
    write_whole(&path, text.as_bytes()).with_context(|| format!("cannot write {}", path.display()))?;
    Ok(path)
}

/// The engine's last audit; `None` without one, or when it was written by another version of this program.
pub fn kept(engine: &str) -> Option<Audit> {
    serde_json::from_slice(&fs::read(file(engine)).ok()?).ok()
}

fn file(engine: &str) -> PathBuf {
    paths::own("audits").join(format!("{engine}.json"))
}
