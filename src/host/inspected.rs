//! The last inspection of each cell: `.querydyno/inspected/<heap|instructions>/<engine>-<query>-<scale>-<variant>.json`.
//!
//! `inspect` keeps them; every later record of the same cell carries what they found, as long as it is of the same program
//! with the same settings, query text and data.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use crate::host::checksum::sha256;
use crate::host::files::write_whole;
use crate::host::paths;
use crate::host::record::{Inspects, Record};

/// A file.
#[derive(Debug, Serialize, Deserialize)]
struct Inspected {
    /// Of the program that benches time: the one that was watched may be another build of it.
    program_sha256: String,
    record: Record,
}

/// Keeps an inspected cell's record in place of the last one.
///
/// # Errors
/// When the program cannot be read or the file not written.
pub(crate) fn keep(home: &Path, kind: &str, record: &Record, program: &Path) -> Result<()> {
    let path = file(home, kind, record);
    let kept = Inspected { program_sha256: checksum(program)?, record: record.clone() };
    let text = serde_json::to_string(&kept)?;
    write_whole(&path, text.as_bytes()).with_context(|| format!("cannot write {}", path.display()))
}

/// Adds to a cell's record what was found of the same cell before, if that still speaks for it.
pub(crate) fn carry(home: &Path, record: &mut Record, program: &Path) {
    for (kind, what) in [("heap", Inspects::Heap), ("instructions", Inspects::Instructions)] {
        if let Some(last) = last(home, kind, record, program) {
            record.metrics.extend(what.kinds().iter().filter_map(|kind| last.metrics.get(*kind)).cloned());
        }
    }
}

fn last(home: &Path, kind: &str, record: &Record, program: &Path) -> Option<Record> {
    let text = paths::homes(home).find_map(|home| fs::read(file(&home, kind, record)).ok())?;
    let last: Inspected = serde_json::from_slice(&text).ok()?;
    let what = |record: &Record| (record.engine.settings.clone(), record.query.clone(), record.dataset.clone());
    let same = what(&last.record) == what(record) && checksum(program).is_ok_and(|sum| sum == last.program_sha256);
    same.then_some(last.record)
}

fn checksum(program: &Path) -> Result<String> {
    Ok(sha256(fs::read(program).with_context(|| format!("cannot read {}", program.display()))?))
}

fn file(home: &Path, kind: &str, record: &Record) -> PathBuf {
    folder(home, kind).join(format!("{}.json", name(record)))
}

/// Where inspections of one kind lie, with what their tools leave.
pub(crate) fn folder(home: &Path, kind: &str) -> PathBuf {
    home.join("inspected").join(kind)
}

/// A cell's name in there.
pub(crate) fn name(record: &Record) -> String {
    record.id.to_string().replace('/', "-")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::record::InstructionsRecord;

    #[test]
    fn an_inspection_speaks_for_the_same_program_and_settings_only() {
        let home = tempfile::tempdir().unwrap();
        let program = home.path().join("program");
        fs::write(&program, "one").unwrap();
        let mut record: Record = serde_json::from_str(include_str!("../../tests/records/measured.json")).unwrap();
        let found = InstructionsRecord { instructions: 7, tool: "callgrind".to_owned(), taken_at: String::new() };
        let before = record.clone();
        record.set_instructions(&found);
        keep(home.path(), "instructions", &record, &program).unwrap();
        let carried = |record: &Record| {
            let mut record = record.clone();
            carry(home.path(), &mut record, &program);
            record.instructions()
        };
        assert_eq!(carried(&before), Some(found));
        let mut other = before.clone();
        other.engine.settings.insert("threads".to_owned(), "9".to_owned());
        assert_eq!(carried(&other), None);
        fs::write(&program, "two").unwrap();
        assert_eq!(carried(&before), None);
    }
}
