//! A [`DataFrame`] as an [`Answer`]: every value as text, every type as its kind.

use anyhow::bail;
use polars::prelude::{AnyValue, DataFrame, DataType};

use crate::answer::{Answer, Column, Kind};
use crate::engine::{Result, incomparable};

/// The rows of a frame as text.
///
/// # Errors
/// When a column's type has no kind.
pub fn answer_of(frame: &DataFrame) -> Result<Answer> {
    let columns = frame
        .columns()
        .iter()
        .map(|column| Ok(Column { name: column.name().to_string(), kind: kind(column.dtype())? }))
        .collect::<Result<_>>()?;
    let rows = (0..frame.height())
        .map(|row| frame.columns().iter().map(|column| Ok(text(&column.get(row)?))).collect())
        .collect::<Result<_>>()?;
    Ok(Answer { columns, rows })
}

fn kind(data_type: &DataType) -> Result<Kind> {
    Ok(match data_type {
        data_type if data_type.is_integer() => Kind::Int,
        data_type if data_type.is_float() => Kind::Float,
        DataType::Decimal(..) => Kind::Decimal,
        DataType::String => Kind::Text,
        DataType::Date => Kind::Date,
        DataType::Datetime(_, None) => Kind::Timestamp,
        DataType::Boolean => Kind::Bool,
        other => bail!(incomparable(other)),
    })
}

fn text(value: &AnyValue) -> Option<String> {
    match value {
        AnyValue::Null => None,
        // Polars shows text in quotes, and floats with six digits.
        AnyValue::String(text) => Some((*text).to_owned()),
        AnyValue::StringOwned(text) => Some(text.to_string()),
        AnyValue::Float32(number) => Some(number.to_string()),
        AnyValue::Float64(number) => Some(number.to_string()),
        AnyValue::Decimal(units, _, scale) => Some(decimal(*units, *scale)),
        other => Some(other.to_string()),
    }
}

/// So many units of the last of `scale` digits after the point.
fn decimal(units: i128, scale: usize) -> String {
    let sign = if units < 0 { "-" } else { "" };
    let digits = format!("{:0width$}", units.unsigned_abs(), width = scale + 1);
    let (whole, fraction) = digits.split_at(digits.len() - scale);
    if fraction.is_empty() { format!("{sign}{whole}") } else { format!("{sign}{whole}.{fraction}") }
}

#[cfg(test)]
mod tests {
    use super::decimal;

    #[test]
    fn decimals_keep_every_digit() {
        assert_eq!(decimal(11_930_532_253, 4), "1193053.2253");
        assert_eq!(decimal(-5, 2), "-0.05");
        assert_eq!(decimal(0, 2), "0.00");
        assert_eq!(decimal(-120, 2), "-1.20");
        assert_eq!(decimal(7, 0), "7");
    }
}
