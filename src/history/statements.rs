//! SQL of anybody's: a text of one statement or several, as DuckDB's own shell takes them. Columns of types that this program cannot decode
//! are shown as DuckDB writes them as text.

use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use duckdb::arrow::array::RecordBatch;
use duckdb::arrow::datatypes::SchemaRef;
use duckdb::types::Type;

use super::Unmeant;
use super::format::{Format, render};
use super::query::{fetch, put};
use super::store::Store;
use crate::host::sql::Text;

/// Runs each statement of a text and shows the rows of all, one after the other, on stdout or in a file that appears whole.
///
/// # Errors
/// What DuckDB says of a statement; then no rows are shown. When the file cannot be written, or several answers are to be one Parquet file.
pub(super) fn all(store: &Store, text: &str, format: Format, to: Option<&Path>) -> Result<()> {
    let text = Text::read(text);
    let statements = split(&text);
    ensure!(
        !matches!(format, Format::Parquet | Format::Arrow) || statements.len() <= 1,
        Unmeant("a file of Parquet or Arrow has the rows of one statement: give one, or another --format".to_owned())
    );
    let mut shown = Vec::new();
    for statement in statements {
        let (schema, batches) = rows(store, statement)?;
        shown.extend(render(format, &schema, &batches)?);
    }
    put(&shown, to)
}

/// The statements of a text. One without any is given as it is: DuckDB refuses it.
fn split<'a>(text: &Text<'a>) -> Vec<&'a str> {
    let mut found = Vec::new();
    let mut start = None;
    for token in text.meant() {
        if text.of(token) == ";" {
            found.extend(start.take().map(|start| &text.sql[start..token.range.start]));
        } else {
            start.get_or_insert(token.range.start);
        }
    }
    found.extend(start.map(|start| &text.sql[start..]));
    if found.is_empty() { vec![text.sql] } else { found }
}

/// The rows of a statement.
pub(super) fn rows(store: &Store, statement: &str) -> Result<(SchemaRef, Vec<RecordBatch>)> {
    match fetch(store, statement, []) {
        Err(duckdb::Error::FromSqlConversionFailure(_, Type::Variant, _)) => as_text(store, statement),
        rows => Ok(rows.map_err(|error| store.error(error))?),
    }
}

/// The same with the columns as text that have a VARIANT in them.
fn as_text(store: &Store, statement: &str) -> Result<(SchemaRef, Vec<RecordBatch>)> {
    let is_variant =
        |row: &duckdb::Row<'_>| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?.contains("VARIANT")));
    let columns = store.rows(&format!("DESCRIBE {statement}"), [], is_variant).unwrap_or_default();
    let names: Vec<String> = columns
        .into_iter()
        .filter(|(_, is_variant)| *is_variant)
        .map(|(name, _)| format!("\"{}\"", name.replace('"', "\"\"")))
        .collect();
    let cast = |name: &String| format!("{name}::VARCHAR AS {name}");
    let casts = names.iter().map(cast).collect::<Vec<_>>().join(", ");
    // On a line of its own: the statement may end in a comment.
    let wrapped = format!("SELECT * REPLACE ({casts}) FROM ({statement}\n)");
    fetch(store, &wrapped, []).map_err(|error| store.error(error)).with_context(|| {
        let which = if names.is_empty() { "a column".to_owned() } else { format!("the column {}", names.join(", ")) };
        format!("{which} has a VARIANT in it, which cannot be shown: cast it to text, as in name::VARCHAR")
    })
}
