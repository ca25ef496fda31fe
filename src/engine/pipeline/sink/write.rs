//! Rows that replace what a table held, in one transaction: whoever reads the table sees all of the old ones or all of the new ones.

use std::io::Write as _;

use arrow::record_batch::RecordBatch;
use postgres::binary_copy::BinaryCopyInWriter;
use postgres::types::{ToSql, Type};
use postgres::{Client, Statement, Transaction};

use super::super::options::SinkMethod;
use super::connection::{Connection, Failed};
use super::target::is_about_columns;
use super::value::{Column, Day, Value};
use crate::engine::Result;
use crate::protocol::answer::{Kind, Scalar};

/// Rows of a statement that inserts several.
const ROWS: usize = 1_000;
/// Bytes of COPY's text that are sent at a time.
const CHUNK: usize = 1 << 16;

type Done = std::result::Result<(), Failed>;

impl Connection {
    /// Replaces the table's rows by those of the batches. It holds its lock from the beginning: one that does the same at the same time
    /// comes before or after, and not between. Done twice it is as done once, so that it is tried again where the server fails.
    ///
    /// # Errors
    /// When the server does not take them; the table is then as it was before.
    pub(in super::super) fn replace(&mut self, table: &str, batches: &[RecordBatch], method: SinkMethod) -> Result<()> {
        // Before anything is sent: whether it can be.
        batches.iter().try_for_each(|batch| Column::all(batch).map(drop))?;
        let mut about_columns = false;
        let done = self.tried(|client| {
            replace(client, table, batches, method).inspect_err(|failed| about_columns = is_about_columns(failed))
        });
        match (done, batches.first()) {
            (Err(error), Some(batch)) if about_columns => Err(self.explained(table, batch, error)),
            (done, _) => done,
        }
    }
}

fn replace(client: &mut Client, table: &str, batches: &[RecordBatch], method: SinkMethod) -> Done {
    let mut transaction = client.transaction()?;
    transaction.batch_execute(&format!("truncate {table}"))?;
    match method {
        SinkMethod::None => {}
        SinkMethod::Insert => insert(&mut transaction, table, batches, 1)?,
        SinkMethod::InsertBatch => insert(&mut transaction, table, batches, ROWS)?,
        SinkMethod::Copy => copy_text(&mut transaction, table, batches)?,
        SinkMethod::CopyBinary => copy_binary(&mut transaction, table, batches)?,
    }
    Ok(transaction.commit()?)
}

/// The names of the columns, as SQL has them.
fn names(batch: &RecordBatch) -> String {
    let schema = batch.schema();
    let quoted = schema.fields().iter().map(|field| format!("\"{}\"", field.name().replace('"', "\"\"")));
    quoted.collect::<Vec<_>>().join(", ")
}

/// By a prepared statement for so many rows at a time.
fn insert(transaction: &mut Transaction<'_>, table: &str, batches: &[RecordBatch], rows: usize) -> Done {
    let Some(first) = batches.first() else { return Ok(()) };
    let types: Vec<Type> = Column::all(first).map_err(Failed::Otherwise)?.iter().map(Column::kind).collect();
    let text = |rows: usize| {
        let tuple = |row: usize| {
            let places = (0..types.len()).map(|column| format!("${}", row * types.len() + column + 1));
            format!("({})", places.collect::<Vec<_>>().join(","))
        };
        let tuples = (0..rows).map(tuple).collect::<Vec<_>>().join(",");
        format!("insert into {table} ({}) values {tuples}", names(first))
    };
    let prepare = |transaction: &mut Transaction<'_>, rows: usize| {
        transaction
            .prepare_typed(&text(rows), &types.iter().cycle().take(types.len() * rows).cloned().collect::<Vec<_>>())
    };
    let mut whole: Option<Statement> = None;
    for batch in batches {
        let columns = Column::all(batch).map_err(Failed::Otherwise)?;
        for begin in (0..batch.num_rows()).step_by(rows) {
            let end = (begin + rows).min(batch.num_rows());
            let values: Vec<Value<'_>> =
                (begin..end).flat_map(|row| columns.iter().map(move |column| column.value(row))).collect();
            let parameters: Vec<&(dyn ToSql + Sync)> =
                values.iter().map(|value| value as &(dyn ToSql + Sync)).collect();
            // The last ones of a batch are fewer.
            let statement = match whole.clone().filter(|_| end - begin == rows) {
                Some(statement) => statement,
                None if end - begin < rows => prepare(transaction, end - begin)?,
                None => whole.insert(prepare(transaction, rows)?).clone(),
            };
            transaction.execute(&statement, &parameters)?;
        }
    }
    Ok(())
}

fn copy_text(transaction: &mut Transaction<'_>, table: &str, batches: &[RecordBatch]) -> Done {
    let Some(first) = batches.first() else { return Ok(()) };
    let mut writer = transaction.copy_in(&format!("copy {table} ({}) from stdin", names(first)))?;
    let mut text = String::with_capacity(CHUNK + 1024);
    for batch in batches {
        let columns = Column::all(batch).map_err(Failed::Otherwise)?;
        for row in 0..batch.num_rows() {
            for (place, column) in columns.iter().enumerate() {
                if place > 0 {
                    text.push('\t');
                }
                append(&mut text, column.value(row));
            }
            text.push('\n');
            if text.len() >= CHUNK {
                writer.write_all(text.as_bytes()).map_err(of_io)?;
                text.clear();
            }
        }
    }
    writer.write_all(text.as_bytes()).map_err(of_io)?;
    writer.finish()?;
    Ok(())
}

/// A value as COPY's text has it.
fn append(text: &mut String, value: Value<'_>) {
    match value {
        Value::Day(None) | Value::Text(None) | Value::Int(None) => text.push_str("\\N"),
        Value::Day(Some(Day(day))) => text.push_str(&Scalar::Date(day.into()).text(Kind::Date).unwrap_or_default()),
        Value::Int(Some(number)) => text.push_str(&number.to_string()),
        Value::Text(Some(value)) => {
            for letter in value.chars() {
                match letter {
                    '\\' => text.push_str("\\\\"),
                    '\t' => text.push_str("\\t"),
                    '\n' => text.push_str("\\n"),
                    '\r' => text.push_str("\\r"),
                    letter => text.push(letter),
                }
            }
        }
    }
}

fn copy_binary(transaction: &mut Transaction<'_>, table: &str, batches: &[RecordBatch]) -> Done {
    let Some(first) = batches.first() else { return Ok(()) };
    let types: Vec<Type> = Column::all(first).map_err(Failed::Otherwise)?.iter().map(Column::kind).collect();
    let writer = transaction.copy_in(&format!("copy {table} ({}) from stdin binary", names(first)))?;
    let mut writer = BinaryCopyInWriter::new(writer, &types);
    for batch in batches {
        let columns = Column::all(batch).map_err(Failed::Otherwise)?;
        for row in 0..batch.num_rows() {
            let values: Vec<Value<'_>> = columns.iter().map(|column| column.value(row)).collect();
            let values: Vec<&(dyn ToSql + Sync)> = values.iter().map(|value| value as &(dyn ToSql + Sync)).collect();
            writer.write(&values)?;
        }
    }
    writer.finish()?;
    Ok(())
}

/// An error of writing COPY's data, which is one of the client's inside.
fn of_io(error: std::io::Error) -> Failed {
    match error.downcast::<postgres::Error>() {
        Ok(error) => Failed::Server(error),
        Err(error) => Failed::Otherwise(error.into()),
    }
}
