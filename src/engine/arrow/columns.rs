//! Typed looks into a batch: columns by name as plain slices, or an error when they are not what a plan needs.
//!
//! The plans are for columns without NULL; one NULL gives an error, never a wrong number.

use anyhow::{Context, ensure};
use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::datatypes::{DataType, Date32Type, Decimal64Type, UInt8Type};

use crate::engine::Result;

/// How a column is stored in the file, and thereby what it is decoded to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stored {
    /// DECIMAL(15,2), decoded to [`Decimal64`](DataType::Decimal64): Parquet keeps it as INT64, which is that
    /// type's memory already, while `Decimal128` costs a widening copy of every value.
    Money,
    /// DATE: days since 1970-01-01.
    Day,
    /// Text of few different values, decoded to the file's own dictionary codes, a byte a row. The
    /// crate panics over a row group with more than 255 different values.
    Flag,
}

impl Stored {
    /// The type that Parquet's own schema must tell.
    pub fn in_file(self) -> DataType {
        match self {
            Self::Money => DataType::Decimal128(15, 2),
            Self::Day => DataType::Date32,
            Self::Flag => DataType::Utf8,
        }
    }

    /// The type to decode to.
    pub fn in_memory(self) -> DataType {
        match self {
            Self::Money => DataType::Decimal64(15, 2),
            Self::Day => DataType::Date32,
            Self::Flag => DataType::Dictionary(Box::new(DataType::UInt8), Box::new(DataType::Utf8)),
        }
    }
}

/// A column of flags: a code for each row, and the text for each code.
#[derive(Debug)]
pub struct Flags<'a> {
    /// Each below the number of `texts`.
    pub codes: &'a [u8],
    /// Not always distinct.
    pub texts: Vec<&'a str>,
}

/// The cents of a column of money.
///
/// # Errors
/// When the column is missing, has a NULL, or is something else.
pub fn money<'a>(batch: &'a RecordBatch, name: &str) -> Result<&'a [i64]> {
    let column = column(batch, name, Stored::Money)?;
    Ok(column.as_primitive::<Decimal64Type>().values())
}

/// The days of a column of dates.
///
/// # Errors
/// As [`money`].
pub fn days<'a>(batch: &'a RecordBatch, name: &str) -> Result<&'a [i32]> {
    let column = column(batch, name, Stored::Day)?;
    Ok(column.as_primitive::<Date32Type>().values())
}

/// The codes and texts of a column of flags.
///
/// # Errors
/// As [`money`].
pub fn flags<'a>(batch: &'a RecordBatch, name: &str) -> Result<Flags<'a>> {
    let column = column(batch, name, Stored::Flag)?.as_dictionary::<UInt8Type>();
    let texts = column.values().as_string::<i32>();
    ensure!(texts.null_count() == 0, "the dictionary of {name} has a NULL");
    Ok(Flags { codes: column.keys().values(), texts: texts.iter().flatten().collect() })
}

/// How many bits the widest value needs; 64 when one is negative.
pub fn width(values: &[i64]) -> u32 {
    // The bits of all values together are as wide as the widest, and OR vectorises where a maximum does not.
    let bits = values.iter().fold(0, |bits, value| bits | value);
    i64::BITS - bits.leading_zeros()
}

fn column<'a>(batch: &'a RecordBatch, name: &str, stored: Stored) -> Result<&'a ArrayRef> {
    let column = batch.column_by_name(name).with_context(|| format!("there is no column {name}"))?;
    ensure!(
        column.data_type() == &stored.in_memory(),
        "column {name} was decoded to {}, not {}",
        column.data_type(),
        stored.in_memory()
    );
    ensure!(column.null_count() == 0, "column {name} has a NULL, and the plan is for columns without");
    Ok(column)
}

/// Quantity, price, discount, tax, return flag, line status and ship date.
#[cfg(test)]
type Lineitem<'a> = (i64, i64, i64, i64, &'a str, &'a str, i32);

/// A batch as a scan gives it.
#[cfg(test)]
pub fn lineitem(rows: &[Lineitem<'_>]) -> RecordBatch {
    use arrow::array::{Date32Array, Decimal64Array, DictionaryArray};
    use std::sync::Arc;

    let money = |value: fn(&Lineitem<'_>) -> i64| -> ArrayRef {
        let cents = rows.iter().map(value).collect::<Vec<_>>();
        Arc::new(Decimal64Array::from(cents).with_precision_and_scale(15, 2).unwrap())
    };
    let returnflag: DictionaryArray<UInt8Type> = rows.iter().map(|row| row.4).collect();
    let linestatus: DictionaryArray<UInt8Type> = rows.iter().map(|row| row.5).collect();
    let shipdate: Date32Array = rows.iter().map(|row| Some(row.6)).collect();
    RecordBatch::try_from_iter([
        ("l_quantity", money(|row| row.0)),
        ("l_extendedprice", money(|row| row.1)),
        ("l_discount", money(|row| row.2)),
        ("l_tax", money(|row| row.3)),
        ("l_returnflag", Arc::new(returnflag) as _),
        ("l_linestatus", Arc::new(linestatus) as _),
        ("l_shipdate", Arc::new(shipdate) as _),
    ])
    .unwrap()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn width_is_of_the_widest_and_64_for_negatives() {
        assert_eq!(width(&[]), 0);
        assert_eq!(width(&[0]), 0);
        assert_eq!(width(&[1, 127, 64]), 7);
        assert_eq!(width(&[i64::MAX]), 63);
        assert_eq!(width(&[1, -1]), 64);
    }

    #[test]
    fn a_null_is_an_error() {
        use arrow::array::{Date32Array, Decimal64Array};
        use std::sync::Arc;

        let cents = Decimal64Array::from(vec![Some(1), None]).with_precision_and_scale(15, 2).unwrap();
        let dates = Date32Array::from(vec![None, Some(1)]);
        let batch =
            RecordBatch::try_from_iter([("cents", Arc::new(cents) as _), ("dates", Arc::new(dates) as ArrayRef)])
                .unwrap();
        assert!(money(&batch, "cents").unwrap_err().to_string().contains("NULL"));
        assert!(days(&batch, "dates").unwrap_err().to_string().contains("NULL"));
    }

    #[test]
    fn another_type_is_an_error() {
        let batch = lineitem(&[(1, 1, 1, 1, "A", "F", 1)]);
        assert!(money(&batch, "l_shipdate").is_err());
        assert!(days(&batch, "l_tax").is_err());
        assert!(flags(&batch, "l_tax").is_err());
        assert!(money(&batch, "l_comment").is_err());
    }
}
