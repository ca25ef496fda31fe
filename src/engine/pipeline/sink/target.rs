//! Whether a table can take rows. It is asked after the server refused them, so that a run pays nothing for it.

use std::collections::BTreeMap;

use arrow::record_batch::RecordBatch;
use postgres::Row;

use super::connection::{Connection, Failed};
use super::value::Column;

/// The names and types of a table's columns, and whether a row has to have a value.
const COLUMNS: &str = "select attname::text, typname::text, attnotnull and not atthasdef
    from pg_attribute join pg_type on pg_type.oid = atttypid
    where attrelid = to_regclass($1) and attnum > 0 and not attisdropped";

/// Whether the server refused a statement or its values; whatever else it says is not about columns.
pub(super) fn is_about_columns(failed: &Failed) -> bool {
    let Failed::Server(error) = failed else { return false };
    error.code().is_some_and(|state| ["22", "23", "42"].iter().any(|class| state.code().starts_with(class)))
}

impl Connection {
    /// An error of writing these rows, with what to do where the table has other columns than they.
    pub(super) fn explained(&mut self, table: &str, batch: &RecordBatch, error: anyhow::Error) -> anyhow::Error {
        let rows = self.tried(|client| Ok(client.query(COLUMNS, &[&table])?));
        let (Ok(rows), Ok(columns)) = (rows, Column::all(batch)) else { return error };
        let found = unlike(&rows, batch, &columns);
        if found.is_empty() {
            return error;
        }
        error.context(format!(
            "the table {table} in PostgreSQL has other columns than what is written into it: {}; rename or drop that table, and the next \
             run makes it anew",
            found.join(", ")
        ))
    }
}

/// What is different, a few words for each column.
fn unlike(rows: &[Row], batch: &RecordBatch, columns: &[Column<'_>]) -> Vec<String> {
    let mut there: BTreeMap<String, (String, bool)> =
        rows.iter().map(|row| (row.get(0), (row.get(1), row.get(2)))).collect();
    let mut found = Vec::new();
    for (field, column) in batch.schema().fields().iter().zip(columns) {
        let wanted = column.kind();
        match there.remove(field.name()) {
            None => found.push(format!("{} is missing", field.name())),
            Some((kind, _)) if kind != wanted.name() => {
                found.push(format!("{} is {kind} and not {}", field.name(), wanted.name()));
            }
            Some(_) => {}
        }
    }
    let needed = there.into_iter().filter(|(_, (_, needed))| *needed);
    found.extend(needed.map(|(name, _)| format!("{name} is never written, and is not null")));
    found
}
