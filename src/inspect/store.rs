//! The last inspection of each cell: `target/querydyno/inspected/<heap|instructions>/<engine>-<query>-<scale>-<variant>.json`.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result};

use crate::answer::reference::write_whole;
use crate::paths;
use crate::record::Record;

/// Keeps an inspected cell's record in place of the last one.
///
/// # Errors
/// When the file cannot be written.
pub(super) fn keep(kind: &str, record: &Record) -> Result<()> {
    let path = file(kind, record);
    let text = serde_json::to_string(record)?;
    write_whole(&path, text.as_bytes()).with_context(|| format!("cannot write {}", path.display()))
}

/// Adds to a cell's record what was found of the same cell before, where engine, build and query are still the same.
pub(crate) fn kept(record: &mut Record) {
    record.heap = last("heap", record).and_then(|last| last.heap);
    record.instructions = last("instructions", record).and_then(|last| last.instructions);
}

/// The last inspection that still speaks for this cell.
pub(super) fn last(kind: &str, record: &Record) -> Option<Record> {
    let last: Record = serde_json::from_slice(&fs::read(file(kind, record)).ok()?).ok()?;
    let what = |record: &Record| {
        let mut build = record.engine.build.clone();
        // A program that watches its heap differs from the timed one in just that.
        build.allocator = None;
        (record.engine.version.clone(), build, record.query.clone(), record.dataset.clone())
    };
    (what(&last) == what(record)).then_some(last)
}

fn file(kind: &str, record: &Record) -> PathBuf {
    let name = record.id.to_string().replace('/', "-");
    paths::own("inspected").join(kind).join(format!("{name}.json"))
}
