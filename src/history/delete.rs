//! Deleting results on purpose: they are gone from the history, stay in the journal, and are not taken in again.

use anyhow::{Result, bail, ensure};
use duckdb::{Connection, params_from_iter};

use super::caller::author;
use super::checksums::take_away;
use super::decisions::decide;
use super::store::Store;
use crate::host::terminal::output;

/// What `--dry-run` shows of many.
const SHOWN: usize = 20;

/// The results of these names, or for which a condition over `measurements` holds: their keys, and a line for people.
///
/// # Errors
/// When there is none, or the condition is none. It is asked of a history that is open for reading, so it can do nothing else.
pub(super) fn meant(store: &Store, records: &[String], condition: Option<&str>) -> Result<Vec<(u64, String)>> {
    if condition.is_none() {
        let unknown = "SELECT name FROM (SELECT unnest(string_split(?, chr(10))) AS name) WHERE name NOT IN (SELECT record FROM measurements)";
        let unknown = store.rows(unknown, [records.join("\n")], |row| row.get::<_, String>(0))?;
        ensure!(unknown.is_empty(), "no result is called {}; `history list` names them", unknown.join(", "));
    }
    let by_name = "record IN (SELECT unnest(string_split(?, chr(10))))";
    let parameters = if condition.is_none() { vec![records.join("\n")] } else { Vec::new() };
    let select = format!(
        "SELECT result, concat_ws('  ', record, started_at, cell, outcome, provenance)
         FROM measurements WHERE ({}) ORDER BY started_at, record",
        condition.unwrap_or(by_name)
    );
    let found = store.rows(&select, params_from_iter(parameters), |row| Ok((row.get(0)?, row.get(1)?)))?;
    if found.is_empty() {
        bail!(
            "no result is meant; `history list` names them, `history sql \"DESCRIBE measurements\"` what a condition can ask for"
        );
    }
    Ok(found)
}

/// Says which results it would be, and what would become of them: `deleted`.
///
/// # Errors
/// When stdout cannot be written.
pub(super) fn show(meant: &[(u64, String)], what: &str) -> Result<()> {
    meant.iter().take(SHOWN).try_for_each(|(_, line)| output::line(line))?;
    let more = meant.len().saturating_sub(SHOWN);
    if more > 0 {
        output::line(format_args!("... and {more} more"))?;
    }
    output::line(format_args!("{} results would be {what}; nothing was", meant.len()))
}

/// Puts the keys of these results into the temporary table `meant`.
///
/// # Errors
/// What DuckDB says.
pub(super) fn stage(connection: &Connection, meant: &[(u64, String)]) -> duckdb::Result<()> {
    connection.execute_batch("CREATE OR REPLACE TEMP TABLE meant (result UBIGINT)")?;
    let mut appender = connection.appender_to_catalog_and_db("meant", "temp", "main")?;
    meant.iter().try_for_each(|(key, _)| appender.append_row([key]))?;
    appender.flush()
}

/// Deletes results with their figures, in one transaction.
///
/// # Errors
/// When the history cannot be written; then all are there as before.
pub(super) fn delete(store: &Store, meant: &[(u64, String)], reason: &str) -> Result<()> {
    decide(store, |transaction| {
        stage(transaction, meant)?;
        transaction.execute(
            "INSERT OR REPLACE INTO deleted_results
             SELECT result, cell, ?, ?, current_timestamp AT TIME ZONE 'UTC' FROM results SEMI JOIN meant USING (result)",
            [reason, &author()],
        )?;
        // Notes go with their result; a mark may stand for the reason of the deletion.
        let totals = take_away("(FROM results SEMI JOIN meant USING (result))");
        transaction.execute_batch(&format!(
            "{totals}
             DELETE FROM annotations WHERE of = 'result' AND kind NOT IN ('simulated', 'estimated', 'measured')
                 AND target IN (SELECT record FROM measurements SEMI JOIN meant USING (result));
             DELETE FROM metrics WHERE result IN (FROM meant SELECT result);
             DELETE FROM results WHERE result IN (FROM meant SELECT result)"
        ))
    })?;
    output::line(format_args!("{} results deleted; `history optimize` gives their room back", meant.len()))
}
