//! A [`DataFrame`] as cells: every type as its kind, every value as it is.

use anyhow::bail;
use polars::prelude::{AnyValue, DataFrame, DataType, TimeUnit};

use crate::engine::{Result, incomparable};
use crate::protocol::answer::{Column, Kind, Scalar, Sink, list_text};

/// Hands the rows of a frame to the sink.
///
/// # Errors
/// When a column's type has no kind.
pub fn show(frame: &DataFrame, sink: &mut Sink) -> Result<()> {
    let columns = frame.columns().iter().map(|column| {
        let name = column.name().to_string();
        let kind = kind(column.dtype()).ok_or_else(|| incomparable(&name, column.dtype()))?;
        Ok(Column { name, kind })
    });
    sink.columns(columns.collect::<Result<_>>()?);
    for row in 0..frame.height() {
        let values = frame.columns().iter().map(|column| written(column.get(row)?)).collect::<Result<Vec<_>>>()?;
        let cells = values.iter().map(cell).collect::<Result<Vec<_>>>()?;
        sink.row(&cells);
    }
    Ok(())
}

fn kind(data_type: &DataType) -> Option<Kind> {
    Some(match data_type {
        data_type if data_type.is_integer() => Kind::Int,
        DataType::Float64 => Kind::Float,
        data_type if data_type.is_float() => Kind::Float32,
        DataType::Decimal(..) => Kind::Decimal,
        // A column of nothing but NULLs has no type, and any kind can hold them.
        DataType::String | DataType::Null => Kind::Text,
        DataType::Date => Kind::Date,
        // With a zone or without, it is an instant in UTC.
        DataType::Datetime(..) => Kind::Timestamp,
        DataType::Boolean => Kind::Bool,
        DataType::List(inner) => matches!(kind(inner)?, Kind::Text | Kind::Int).then_some(Kind::List)?,
        _ => return None,
    })
}

/// A list as its text, which has to live as long as its cell; anything else as it is.
fn written(value: AnyValue<'_>) -> Result<AnyValue<'_>> {
    match value {
        AnyValue::List(elements) => {
            let elements: Vec<AnyValue<'_>> = elements.iter().collect();
            let cells = elements.iter().map(cell).collect::<Result<Vec<_>>>()?;
            Ok(AnyValue::StringOwned(list_text(cells.into_iter()).into()))
        }
        other => Ok(other),
    }
}

fn cell<'a>(value: &'a AnyValue<'a>) -> Result<Scalar<'a>> {
    Ok(match value {
        AnyValue::Null => Scalar::Null,
        AnyValue::String(text) => Scalar::Text(text),
        AnyValue::StringOwned(text) => Scalar::Text(text),
        AnyValue::Float32(number) => Scalar::Float((*number).into()),
        AnyValue::Float64(number) => Scalar::Float(*number),
        AnyValue::Decimal(units, _, scale) => Scalar::Decimal { units: *units, scale: i32::try_from(*scale)? },
        AnyValue::Date(days) => Scalar::Date((*days).into()),
        AnyValue::Datetime(ticks, unit, _) | AnyValue::DatetimeOwned(ticks, unit, _) => {
            Scalar::Timestamp(i128::from(*ticks) * nanos(*unit))
        }
        AnyValue::Boolean(value) => Scalar::Bool(*value),
        AnyValue::UInt64(number) => Scalar::Int((*number).into()),
        AnyValue::Int128(number) => Scalar::Int(*number),
        other => match other.try_extract::<i64>() {
            Ok(number) => Scalar::Int(number.into()),
            Err(_) => bail!("Polars gave {other:?}, which is no value that an answer can hold"),
        },
    })
}

fn nanos(unit: TimeUnit) -> i128 {
    match unit {
        TimeUnit::Nanoseconds => 1,
        TimeUnit::Microseconds => 1_000,
        TimeUnit::Milliseconds => 1_000_000,
    }
}
