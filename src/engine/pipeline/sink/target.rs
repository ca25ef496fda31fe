//! Whether a table can take rows. It is asked after the server refused them, so that a run pays nothing for it.

use std::collections::BTreeMap;

use anyhow::anyhow;
use arrow::record_batch::RecordBatch;
use postgres::{Client, Error};

use super::address::with_causes;
use super::connection::Failed;
use super::value::Column;

/// The names and types of a table's columns, and whether a row has to have a value.
const COLUMNS: &str = "select attname::text, typname::text, attnotnull and not atthasdef
    from pg_attribute join pg_type on pg_type.oid = atttypid
    where attrelid = to_regclass($1) and attnum > 0 and not attisdropped";

/// An error of writing these rows, with what to do where the table has other columns than they.
pub(super) fn refused(client: &mut Client, table: &str, batch: &RecordBatch, error: Error) -> Failed {
    // Of a statement or its values; whatever else the server says is not about columns.
    let about_columns =
        error.code().is_some_and(|state| ["22", "23", "42"].iter().any(|class| state.code().starts_with(class)));
    let found = if about_columns { unlike(client, table, batch) } else { Vec::new() };
    if found.is_empty() {
        return error.into();
    }
    Failed::Otherwise(anyhow!(
        "the table {table} in PostgreSQL has other columns than what is written into it: {} ({}); rename or drop that table, and the \
         next run makes it anew",
        found.join(", "),
        with_causes(&error)
    ))
}

/// What is different, a few words for each column; nothing where the server does not tell.
fn unlike(client: &mut Client, table: &str, batch: &RecordBatch) -> Vec<String> {
    let (Ok(rows), Ok(columns)) = (client.query(COLUMNS, &[&table]), Column::all(batch)) else { return Vec::new() };
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
