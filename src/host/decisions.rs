//! What was decided about results and no record says: annotations, of which marks are a kind, deletions, and changes that were told. The
//! main type is [`Decision`].
//!
//! The history has them in its tables. Beside it lies a copy of all of them, a file of JSON lines: a history that is made of the journal
//! again takes them from there, and the report finds marks in it without DuckDB. This only reads the file; the history's program writes it.
//!
//! Times are microseconds since 1970, UTC.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use serde::{Deserialize, Serialize};

/// A line of the file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "decision", rename_all = "snake_case")]
pub enum Decision {
    /// What somebody said.
    Annotation(Annotation),
    /// A result that was deleted on purpose.
    Deletion(Deletion),
    /// A change that was told.
    Alert(Alert),
}

/// What somebody said of a result, a cell, a series, a run, a class of machines, or an engine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Annotation {
    /// Its key in the history.
    pub key: String,
    /// What it is of: `result`, `machine class`, `engine` ...
    pub of: String,
    /// The name of that.
    pub target: String,
    /// `note`, `workaround`, `level`, or a mark: `simulated`, `estimated`, `measured`.
    pub kind: String,
    /// What was said.
    pub text: String,
    /// Its author.
    pub author: String,
    /// When.
    pub written_at: i64,
}

/// A result that was deleted, and is not taken in again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deletion {
    /// Its key in the history.
    pub result: u64,
    /// Its cell.
    pub cell: String,
    /// Why.
    pub reason: String,
    /// Its author.
    pub author: String,
    /// When.
    pub deleted_at: i64,
}

/// A change of a series that was told, and is not told again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Alert {
    /// The series.
    pub series: String,
    /// The figure.
    pub metric: String,
    /// `step` or `drift`.
    pub kind: String,
    /// The first result of the new level, the first and the last that it may be; each with the time at which it began.
    pub places: [(u64, Option<i64>); 3],
    /// How many times the level before the new one is, and its interval.
    pub ratio: [f64; 3],
    /// When it was told.
    pub alerted_at: i64,
}

/// The file that lies beside this history.
pub fn file_of(history: &Path) -> PathBuf {
    history.with_added_extension("decisions.jsonl")
}

/// All that was decided, as the file beside this history has it; nothing where there is no file.
///
/// # Errors
/// When it cannot be read, or a line of it is no decision: a mark that is not seen would rank what was simulated.
pub fn read(history: &Path) -> Result<Vec<Decision>> {
    let file = file_of(history);
    let text = match fs::read_to_string(&file) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        text => text.with_context(|| format!("cannot read {}", file.display()))?,
    };
    let decision = |(number, line): (usize, &str)| {
        serde_json::from_str(line).with_context(|| {
            format!("line {} of {} is no decision: mend it, or move the file away", number + 1, file.display())
        })
    };
    text.lines().enumerate().map(decision).collect()
}
