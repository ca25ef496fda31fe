//! What was decided before, taken over by a history that is made anew: annotations, deletions and alerts from the file that lay beside the
//! one before it.

use std::path::Path;

use anyhow::Result;
use duckdb::{Connection, params};

use super::rows::time;
use crate::host::decisions::{Alert, Annotation, Decision, Deletion, file_of, read};

/// Puts what the file beside a history has into the empty tables of one that is being made in its place.
///
/// # Errors
/// When the file cannot be read, or DuckDB says no.
pub(super) fn take_over(connection: &Connection, history: &Path) -> Result<()> {
    let decisions = read(history)?;
    if decisions.is_empty() {
        return Ok(());
    }
    let transaction = connection.unchecked_transaction()?;
    for decision in &decisions {
        insert(&transaction, decision)?;
    }
    transaction.commit()?;
    log::info!(
        "{} annotations, deletions and alerts are taken over from {}",
        decisions.len(),
        file_of(history).display()
    );
    Ok(())
}

fn insert(connection: &Connection, decision: &Decision) -> duckdb::Result<usize> {
    match decision {
        Decision::Annotation(Annotation { key, of, target, kind, text, author, written_at }) => connection.execute(
            "INSERT INTO annotations VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
            params![key, of, target, kind, text, author, time(Some(*written_at))],
        ),
        Decision::Deletion(Deletion { result, cell, reason, author, deleted_at }) => connection.execute(
            "INSERT INTO deleted_results VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
            params![result, cell, reason, author, time(Some(*deleted_at))],
        ),
        Decision::Alert(Alert { series, metric, kind, places, ratio, alerted_at }) => {
            let [(result, at), (earliest, earliest_at), (latest, latest_at)] = places;
            let [estimate, low, high] = ratio;
            connection.execute(
                "INSERT INTO alerts VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                params![
                    series,
                    metric,
                    kind,
                    result,
                    time(*at),
                    earliest,
                    time(*earliest_at),
                    latest,
                    time(*latest_at),
                    estimate,
                    low,
                    high,
                    time(Some(*alerted_at))
                ],
            )
        }
    }
}
