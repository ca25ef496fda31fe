//! A result as the client holds it, and the same as an [`Answer`]: every value as text, every type as its kind.

use std::sync::Arc;

use anyhow::{Context, bail};
use mysql::consts::ColumnType;
use mysql::{Column, Row, Value};

use crate::engine::Result;
use crate::protocol::answer::{self, Answer, Kind};

/// Every row of a result, in the client's own form.
#[derive(Debug)]
pub struct Output {
    pub(super) columns: Arc<[Column]>,
    pub(super) rows: Vec<Row>,
}

impl Output {
    /// How many rows there are.
    pub fn rows(&self) -> u64 {
        self.rows.len() as u64
    }

    /// The rows as text.
    ///
    /// # Errors
    /// When a column's type has no kind, or a text is no UTF-8.
    pub fn answer(&self) -> Result<Answer> {
        let columns = self
            .columns
            .iter()
            .map(|column| Ok(answer::Column { name: column.name_str().into_owned(), kind: kind(column)? }))
            .collect::<Result<Vec<_>>>()?;
        let value = |row: &Row, index: usize| {
            let column: &answer::Column = &columns[index];
            let value = row.as_ref(index).context("a row is shorter than its columns")?;
            text(value, column.kind).with_context(|| format!("in the column {}", column.name))
        };
        let row = |row: &Row| (0..columns.len()).map(|index| value(row, index)).collect();
        let rows = self.rows.iter().map(row).collect::<Result<_>>()?;
        Ok(Answer { columns, rows })
    }

    /// The rows as text, whatever the types: for what a server tells of itself.
    pub(super) fn texts(&self) -> Result<Vec<Vec<Option<String>>>> {
        let row = |row: &Row| {
            (0..row.len()).map(|index| row.as_ref(index).map_or(Ok(None), |value| text(value, Kind::Text))).collect()
        };
        self.rows.iter().map(row).collect()
    }
}

fn kind(column: &Column) -> Result<Kind> {
    use ColumnType as T;
    Ok(match column.column_type() {
        // What BOOLEAN is on these servers.
        T::MYSQL_TYPE_TINY if column.column_length() == 1 => Kind::Bool,
        T::MYSQL_TYPE_TINY
        | T::MYSQL_TYPE_SHORT
        | T::MYSQL_TYPE_INT24
        | T::MYSQL_TYPE_LONG
        | T::MYSQL_TYPE_LONGLONG
        | T::MYSQL_TYPE_YEAR => Kind::Int,
        T::MYSQL_TYPE_DECIMAL | T::MYSQL_TYPE_NEWDECIMAL => Kind::Decimal,
        T::MYSQL_TYPE_FLOAT => Kind::Float32,
        T::MYSQL_TYPE_DOUBLE => Kind::Float,
        T::MYSQL_TYPE_VARCHAR
        | T::MYSQL_TYPE_VAR_STRING
        | T::MYSQL_TYPE_STRING
        | T::MYSQL_TYPE_ENUM
        | T::MYSQL_TYPE_TINY_BLOB
        | T::MYSQL_TYPE_BLOB
        | T::MYSQL_TYPE_MEDIUM_BLOB
        | T::MYSQL_TYPE_LONG_BLOB
        | T::MYSQL_TYPE_NULL => Kind::Text,
        T::MYSQL_TYPE_DATE | T::MYSQL_TYPE_NEWDATE => Kind::Date,
        T::MYSQL_TYPE_DATETIME | T::MYSQL_TYPE_DATETIME2 | T::MYSQL_TYPE_TIMESTAMP | T::MYSQL_TYPE_TIMESTAMP2 => {
            Kind::Timestamp
        }
        other => bail!("the column {} of type {other:?} cannot be compared yet", column.name_str()),
    })
}

/// A value of the text protocol, which writes all but NULL as it would be shown.
fn text(value: &Value, kind: Kind) -> Result<Option<String>> {
    let bytes = match value {
        Value::NULL => return Ok(None),
        Value::Bytes(bytes) => bytes,
        other => bail!("the server sent {other:?} where text was asked for"),
    };
    let text = std::str::from_utf8(bytes).context("a value is no text in UTF-8")?;
    Ok(Some(match kind {
        // Servers write 1e20 and 0.10; the shortest form of the same number compares.
        Kind::Float | Kind::Float32 => {
            text.parse::<f64>().with_context(|| format!("'{text}' is no number"))?.to_string()
        }
        Kind::Bool => (text != "0").to_string(),
        _ => text.to_owned(),
    }))
}
