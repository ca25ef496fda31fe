//! Questions that have commands of their own, `list`, `show` and `stats`, and what all questions share. SQL of anybody's is
//! [`statements`](super::statements)'.

use std::path::Path;

use anyhow::{Context as _, Result, bail, ensure};
use duckdb::Params;
use duckdb::arrow::array::RecordBatch;
use duckdb::arrow::datatypes::SchemaRef;

use super::Unmeant;
use super::caller::from_here;
use super::format::{Format, render};
use super::plans;
use super::store::Store;
use crate::host::files::write_whole;
use crate::host::filter::Filter;
use crate::host::terminal::output;

/// Runs one statement and shows its rows, on stdout or in a file that appears whole.
///
/// # Errors
/// What DuckDB says of the statement; when the file cannot be written.
pub(super) fn sql(
    store: &Store,
    statement: &str,
    parameters: impl Params,
    format: Format,
    to: Option<&Path>,
) -> Result<()> {
    counted(store, statement, parameters, format, to).map(drop)
}

/// The same, and how many rows there are.
///
/// # Errors
/// As [`sql`].
pub(super) fn counted(
    store: &Store,
    statement: &str,
    parameters: impl Params,
    format: Format,
    to: Option<&Path>,
) -> Result<usize> {
    let (schema, batches) = fetch(store, statement, parameters).map_err(|error| store.error(error))?;
    show_rows(&schema, &batches, format, to)?;
    Ok(batches.iter().map(RecordBatch::num_rows).sum())
}

/// The rows of one statement.
///
/// # Errors
/// What DuckDB says of it.
pub(super) fn fetch(
    store: &Store,
    statement: &str,
    parameters: impl Params,
) -> duckdb::Result<(SchemaRef, Vec<RecordBatch>)> {
    let mut prepared = store.connection.prepare(statement)?;
    // The other way to ask panics where a chunk cannot be had.
    let rows = prepared.stream_arrow(parameters)?;
    let schema = rows.get_schema();
    Ok((schema, rows.collect::<duckdb::Result<_>>()?))
}

/// Shows rows on stdout, or in a file that appears whole.
///
/// # Errors
/// When it cannot be written.
pub(super) fn show_rows(schema: &SchemaRef, batches: &[RecordBatch], format: Format, to: Option<&Path>) -> Result<()> {
    put(&render(format, schema, batches)?, to)
}

/// The same of what has its form.
///
/// # Errors
/// When it cannot be written.
pub(super) fn put(shown: &[u8], to: Option<&Path>) -> Result<()> {
    let Some(file) = to else { return output::bytes(shown) };
    let file = &from_here(file);
    write_whole(file, shown).with_context(|| format!("cannot write {}", file.display()))?;
    log::info!("written: {}", file.display());
    Ok(())
}

/// The cells that a filter means, a line each, of those that have results.
///
/// # Errors
/// When the filter is invalid, or no cell matches it.
pub(super) fn cells(store: &Store, filter: &str) -> Result<String> {
    let filter = Filter::new(filter, false).map_err(|error| Unmeant(format!("{error:#}")))?;
    let cells = store.rows("SELECT DISTINCT cell, suite FROM results JOIN tasks USING (task)", [], |row| {
        Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?))
    })?;
    let is_meant = |(cell, suite): &(String, String)| cell.parse().is_ok_and(|id| filter.means_in(&id, suite));
    let meant: Vec<String> = cells.into_iter().filter(is_meant).map(|(cell, _)| cell).collect();
    let none = || Unmeant(format!("no result of a cell matches '{filter}'; `history stats` shows what there is"));
    ensure!(!meant.is_empty(), none());
    Ok(meant.join("\n"))
}

/// The newest results of the cells that are meant.
///
/// # Errors
/// When the filter is invalid, or a column that it needs is damaged.
pub(super) fn list(store: &Store, filter: &str, limit: u64, format: Format, to: Option<&Path>) -> Result<()> {
    let statement = "
        SELECT record, started_at, cell, engine_version AS version, outcome, verdict, round(time_ns / 1e6, 3) AS time_ms,
               round(peak_memory_bytes / 1048576, 1) AS peak_mib, provenance
        FROM measurements WHERE cell IN (SELECT unnest(string_split(?, chr(10)))) ORDER BY started_at DESC, record LIMIT ?";
    sql(store, statement, duckdb::params![cells(store, filter)?, limit], format, to)
}

/// All that is known of one result.
///
/// # Errors
/// When there is none of that name.
pub(super) fn show(store: &Store, record: &str) -> Result<()> {
    let found = store.rows("SELECT result FROM measurements WHERE record = ?", [record], |row| row.get::<_, u64>(0))?;
    let Some(result) = found.first() else {
        bail!("no result '{record}'; `history list` names them, such as 20261120T120000Z-4711:3");
    };
    // Each column in a line of its own, without those that are not known.
    let all = format!(
        "SELECT what, told AS value FROM (UNPIVOT (SELECT COLUMNS(*)::VARCHAR FROM (
             SELECT m.*, r.answer_rows, r.input_rows, r.iterations, r.warm_up_ns, r.environment, r.stderr
             FROM measurements m JOIN results r USING (result) WHERE result = {result}
         )) ON COLUMNS(*) INTO NAME what VALUE told)"
    );
    let metrics = format!(
        "SELECT name AS figure, unit, value, len(samples) AS samples, source FROM metrics WHERE result = {result} ORDER BY name"
    );
    let notes = format!(
        "SELECT written_at, kind, of, text, author FROM annotations
         JOIN (SELECT record, cell, series, run, machine_class, engine_name, engine_name || '/' || query AS engine_query
               FROM measurements WHERE result = {result})
           ON target IN (record, cell, series, run, machine_class, engine_name, engine_query) ORDER BY written_at"
    );
    for statement in [all, metrics, notes] {
        sql(store, &statement, [], Format::Table, None)?;
        output::line("")?;
    }
    plans::show(store, *result)?;
    // Imported ones lie where only the history reads.
    if !record.starts_with("imported-") {
        log::info!("the record as it is in the journal: cargo xtask show {record} --json");
    }
    Ok(())
}

/// How much there is, and of what.
///
/// # Errors
/// When a table is damaged.
pub(super) fn stats(store: &Store, format: Format, to: Option<&Path>) -> Result<()> {
    let bytes = std::fs::metadata(&store.path).with_context(|| format!("cannot read {}", store.path.display()))?.len();
    let statement = include_str!("sql/stats.sql");
    sql(store, statement, duckdb::params![store.path.display().to_string(), bytes], format, to)
}
