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
    /// Text of few different values, decoded to the file's own dictionary codes. More than 255 values in one
    /// row group are an error.
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
