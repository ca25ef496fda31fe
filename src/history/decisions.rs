//! What was decided, kept twice: in the history's tables, and in the file beside it that `host::decisions` reads. Whatever decides something
//! does it by [`decide`]; a history that is made anew takes over what the file has by [`decided`](super::decided).

use std::fs;

use anyhow::{Context as _, Result};
use duckdb::Connection;

use super::store::Store;
use crate::host::decisions::{Alert, Annotation, Decision, Deletion, file_of};
use crate::host::files::write_whole;

/// Does what changes the three tables in a transaction, and writes their copy before that is in: a kill between the two leaves a decision
/// that somebody has made in the file alone, until [`keep_up`] is next called.
///
/// # Errors
/// When one of them cannot be written; then nothing is decided.
pub(super) fn decide<T>(store: &Store, change: impl FnOnce(&Connection) -> duckdb::Result<T>) -> Result<T> {
    let sql = |error| store.error(error);
    let transaction = store.connection.unchecked_transaction().map_err(sql)?;
    let changed = change(&transaction).map_err(sql)?;
    keep_up(store)?;
    transaction.commit().map_err(sql)?;
    Ok(changed)
}

/// Writes the copy, where it is not what the tables say.
///
/// # Errors
/// When it cannot be written.
pub(super) fn keep_up(store: &Store) -> Result<()> {
    let file = file_of(&store.path);
    let mut text = String::new();
    for decision in all(store)? {
        text += &(serde_json::to_string(&decision)? + "\n");
    }
    let is_kept = fs::read_to_string(&file).map_or(text.is_empty() && !file.exists(), |kept| kept == text);
    if is_kept {
        return Ok(());
    }
    write_whole(&file, text.as_bytes()).with_context(|| format!("cannot write {}", file.display()))
}

/// All that the tables have, always in the same order.
fn all(store: &Store) -> Result<Vec<Decision>> {
    let annotations =
        "SELECT annotation, of, target, kind, text, author, epoch_us(written_at) FROM annotations ORDER BY ALL";
    let annotations = store.rows(annotations, [], |row| {
        Ok(Decision::Annotation(Annotation {
            key: row.get(0)?,
            of: row.get(1)?,
            target: row.get(2)?,
            kind: row.get(3)?,
            text: row.get(4)?,
            author: row.get(5)?,
            written_at: row.get(6)?,
        }))
    })?;
    let deletions = "SELECT result, cell, reason, author, epoch_us(deleted_at) FROM deleted_results ORDER BY ALL";
    let deletions = store.rows(deletions, [], |row| {
        Ok(Decision::Deletion(Deletion {
            result: row.get(0)?,
            cell: row.get(1)?,
            reason: row.get(2)?,
            author: row.get(3)?,
            deleted_at: row.get(4)?,
        }))
    })?;
    let alerts = "SELECT series, metric, kind, result, epoch_us(started_at), earliest, epoch_us(earliest_at), latest, epoch_us(latest_at),
                         ratio, ratio_low, ratio_high, epoch_us(alerted_at) FROM alerts ORDER BY ALL";
    let alerts = store.rows(alerts, [], |row| {
        Ok(Decision::Alert(Alert {
            series: row.get(0)?,
            metric: row.get(1)?,
            kind: row.get(2)?,
            places: [(row.get(3)?, row.get(4)?), (row.get(5)?, row.get(6)?), (row.get(7)?, row.get(8)?)],
            ratio: [row.get(9)?, row.get(10)?, row.get(11)?],
            alerted_at: row.get(12)?,
        }))
    })?;
    Ok([annotations, deletions, alerts].concat())
}
