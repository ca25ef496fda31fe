//! Values between Arrow's columns and PostgreSQL's: [`Column`] of a batch, and a [`Value`] of one.

use anyhow::bail;
use arrow::array::{Array as _, AsArray as _, Date32Array, Int64Array, StringArray};
use arrow::datatypes::{DataType, Date32Type, Int64Type};
use arrow::record_batch::RecordBatch;
use postgres::types::private::BytesMut;
use postgres::types::{FromSql, IsNull, ToSql, Type, to_sql_checked};

use crate::engine::{Result, Unsupported};

/// From 1970-01-01 to 2000-01-01, from where the server counts days.
const EPOCH: i32 = 10_957;

type Wrong = Box<dyn std::error::Error + Sync + Send>;

/// A column that can be written.
#[derive(Debug)]
pub(super) enum Column<'a> {
    Day(&'a Date32Array),
    Text(&'a StringArray),
    Int(&'a Int64Array),
}

/// A value, none where it is NULL.
#[derive(Debug, Clone, Copy)]
pub(super) enum Value<'a> {
    Day(Option<Day>),
    Text(Option<&'a str>),
    Int(Option<i64>),
}

/// Since 1970-01-01.
#[derive(Debug, Clone, Copy)]
pub(super) struct Day(pub(super) i32);

impl<'a> Column<'a> {
    /// The columns of a batch.
    ///
    /// # Errors
    /// [`Unsupported`] for a type that nobody writes yet.
    pub(super) fn all(batch: &'a RecordBatch) -> Result<Vec<Self>> {
        let schema = batch.schema();
        let of = |(place, field): (usize, &std::sync::Arc<arrow::datatypes::Field>)| {
            let array = batch.column(place);
            Ok(match field.data_type() {
                DataType::Date32 => Self::Day(array.as_primitive::<Date32Type>()),
                DataType::Utf8 => Self::Text(array.as_string()),
                DataType::Int64 => Self::Int(array.as_primitive::<Int64Type>()),
                other => bail!(Unsupported(format!(
                    "a column of type {other} is not written into PostgreSQL yet: {}",
                    field.name()
                ))),
            })
        };
        schema.fields().iter().enumerate().map(of).collect()
    }

    /// The server's type.
    pub(super) fn kind(&self) -> Type {
        match self {
            Self::Day(_) => Type::DATE,
            Self::Text(_) => Type::TEXT,
            Self::Int(_) => Type::INT8,
        }
    }

    /// The value of a row.
    pub(super) fn value(&self, row: usize) -> Value<'a> {
        match self {
            Self::Day(days) => Value::Day((!days.is_null(row)).then(|| Day(days.value(row)))),
            Self::Text(texts) => Value::Text((!texts.is_null(row)).then(|| texts.value(row))),
            Self::Int(numbers) => Value::Int((!numbers.is_null(row)).then(|| numbers.value(row))),
        }
    }
}

impl ToSql for Value<'_> {
    fn to_sql(&self, kind: &Type, into: &mut BytesMut) -> std::result::Result<IsNull, Wrong> {
        match self {
            Self::Day(day) => day.map(|Day(day)| day - EPOCH).to_sql(kind, into),
            Self::Text(text) => text.to_sql(kind, into),
            Self::Int(number) => number.to_sql(kind, into),
        }
    }

    fn accepts(kind: &Type) -> bool {
        [Type::DATE, Type::TEXT, Type::INT8].contains(kind)
    }

    to_sql_checked!();
}

impl<'a> FromSql<'a> for Day {
    fn from_sql(kind: &Type, raw: &'a [u8]) -> std::result::Result<Self, Wrong> {
        Ok(Self(i32::from_sql(kind, raw)? + EPOCH))
    }

    fn accepts(kind: &Type) -> bool {
        *kind == Type::DATE
    }
}
