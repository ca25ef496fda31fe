//! What somebody says of a result, a cell, a series, a run, a class of machines, or an engine and a query.

use anyhow::{Result, bail, ensure};
use clap::ValueEnum;

use super::Unmeant;
use super::caller::author;
use super::decisions::decide;
use super::rows::hash;
use super::store::Store;
use crate::host::terminal::output;

/// What kind of note it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Kind {
    /// Anything
    Note,
    /// How to make an engine answer a query, for `engine/query`: the view `compatibility` shows it
    Workaround,
    /// Accept a level: the baseline of its series starts there, and earlier changes are not alerted again
    Level,
}

/// What can be spoken of, each with the column of `measurements` that has its name.
pub(super) const TARGETS: [(&str, &str); 6] = [
    ("result", "record"),
    ("run", "run"),
    ("cell", "cell"),
    ("series", "series"),
    ("engine and query", "engine_name || '/' || query"),
    ("machine class", "machine_class"),
];

/// Before anything is opened: whether a note says something.
///
/// # Errors
/// When it is empty.
pub(super) fn check(text: &str) -> Result<()> {
    ensure!(!text.trim().is_empty(), Unmeant("the text of a note is empty: say what is to be kept".to_owned()));
    Ok(())
}

/// Keeps a note. The same note twice is one.
///
/// # Errors
/// When there is nothing of that name.
pub(super) fn annotate(store: &Store, target: &str, text: &str, kind: &str) -> Result<()> {
    for (of, column) in TARGETS {
        let known = format!("SELECT 1 FROM measurements WHERE {column} = ? LIMIT 1");
        if store.rows(&known, [target], |_| Ok(()))?.is_empty() {
            continue;
        }
        keep(store, of, target, kind, text)?;
        return output::line(format_args!("{kind} of the {of} {target} kept"));
    }
    let names: Vec<&str> = TARGETS.iter().map(|(of, _)| *of).collect();
    bail!(
        "nothing is called '{target}': name one of these: {}; `history list` and `history show` tell them",
        names.join(", ")
    )
}

/// Writes a note of what is there.
///
/// # Errors
/// When the history cannot be written.
pub(super) fn keep(store: &Store, of: &str, target: &str, kind: &str, text: &str) -> Result<()> {
    let key = format!("{:016x}", hash(&(of, target, kind, text)));
    let values = duckdb::params![key, of, target, kind, text, author()];
    let insert = "INSERT INTO annotations VALUES (?, ?, ?, ?, ?, ?, current_timestamp AT TIME ZONE 'UTC') ON CONFLICT DO NOTHING";
    decide(store, |connection| connection.execute(insert, values).map(drop))
}
