//! Values of a row: columns, literals, and what the kernels make of them. Nothing wraps and nothing is cut: what does not fit
//! is an error.

use std::collections::BTreeSet;
use std::sync::Arc;

use anyhow::Context;
use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Datum, Decimal128Array, Int64Array, RecordBatch, StringArray,
};
use arrow::compute::{CastOptions, cast_with_options};
use arrow::datatypes::{DataType, Float32Type, Float64Type};
use arrow::error::ArrowError;
use arrow::util::display::FormatOptions;

use crate::engine::{Result, Unsupported};

/// The digits that decimals have here, the most that 128 bits hold.
pub const DIGITS: u8 = 38;

/// What is computed for each row.
#[derive(Debug)]
pub enum Value {
    Column(String),
    Literal(Literal),
    Cast(Box<Value>, DataType),
    Binary { left: Box<Value>, operator: Operator, right: Box<Value> },
}

/// The same for each row.
#[derive(Debug)]
pub enum Literal {
    Whole(i64),
    Decimal { units: i128, scale: i8 },
    Text(String),
}

/// What is made of two values, by a kernel.
#[derive(Debug, Clone, Copy)]
pub enum Operator {
    Logic(fn(&BooleanArray, &BooleanArray) -> Made<BooleanArray>),
    Compare(fn(&dyn Datum, &dyn Datum) -> Made<BooleanArray>),
    Compute(fn(&dyn Datum, &dyn Datum) -> Made<ArrayRef>),
}

type Made<T> = core::result::Result<T, ArrowError>;

impl Literal {
    /// Of digits with a point among them.
    pub fn decimal(text: &str) -> Option<Self> {
        let (whole, fraction) = text.split_once('.')?;
        let units = format!("{whole}{fraction}").parse().ok()?;
        let scale = i8::try_from(fraction.len()).ok().filter(|scale| *scale <= 38)?;
        Some(Self::Decimal { units, scale })
    }

    fn rows(&self, rows: usize) -> Result<ArrayRef> {
        Ok(match self {
            Self::Whole(number) => Arc::new(Int64Array::from_value(*number, rows)),
            Self::Decimal { units, scale } => {
                Arc::new(Decimal128Array::from_value(*units, rows).with_precision_and_scale(DIGITS, *scale)?)
            }
            Self::Text(text) => Arc::new(StringArray::from_iter_values(std::iter::repeat_n(text, rows))),
        })
    }
}

impl Value {
    /// This number for each row.
    pub fn whole(number: i64) -> Self {
        Self::Literal(Literal::Whole(number))
    }

    /// The columns that it takes.
    pub fn columns<'a>(&'a self, found: &mut BTreeSet<&'a str>) {
        match self {
            Self::Column(name) => drop(found.insert(name)),
            Self::Literal(_) => {}
            Self::Cast(inner, _) => inner.columns(found),
            Self::Binary { left, right, .. } => {
                left.columns(found);
                right.columns(found);
            }
        }
    }

    /// Its values in a batch that has these columns.
    ///
    /// # Errors
    /// When a number does not fit, or [`Unsupported`] for types that do not go together.
    pub fn of(&self, batch: &RecordBatch) -> Result<ArrayRef> {
        match self {
            Self::Column(name) => {
                let column = batch.column_by_name(name);
                Ok(Arc::clone(column.with_context(|| format!("the column {name} was not read"))?))
            }
            Self::Literal(literal) => literal.rows(batch.num_rows()),
            Self::Cast(inner, to) => to_type(&inner.of(batch)?, to),
            Self::Binary { left, operator, right } => operator.apply(&left.of(batch)?, &right.of(batch)?),
        }
    }

    /// Whether each row passes; NULL does not.
    ///
    /// # Errors
    /// As [`of`](Self::of), and when it is no condition.
    pub fn passes(&self, batch: &RecordBatch) -> Result<BooleanArray> {
        Ok(condition(&self.of(batch)?)?.clone())
    }
}

impl Operator {
    fn apply(self, left: &ArrayRef, right: &ArrayRef) -> Result<ArrayRef> {
        let to = || common(left.data_type(), right.data_type());
        Ok(match self {
            Self::Logic(kernel) => Arc::new(kernel(condition(left)?, condition(right)?)?),
            Self::Compare(kernel) => {
                let to = to()?;
                Arc::new(kernel(&ordered(&exactly(left, &to)?), &ordered(&exactly(right, &to)?))?)
            }
            Self::Compute(kernel) => {
                let to = to()?;
                // Decimals keep their scales, by which the product's is told.
                let side = |array: &ArrayRef| match (array.data_type(), &to) {
                    (DataType::Decimal128(..), DataType::Decimal128(..)) => Ok(Arc::clone(array)),
                    (_, DataType::Decimal128(..)) => exactly(array, &DataType::Decimal128(DIGITS, 0)),
                    _ => exactly(array, &to),
                };
                kernel(&side(left)?, &side(right)?)?
            }
        })
    }
}

fn condition(array: &ArrayRef) -> Result<&BooleanArray> {
    let why = || Unsupported(format!("the arrow engine takes no {} for a condition", array.data_type()));
    array.as_boolean_opt().with_context(why)
}

/// As a query casts: with no digit lost.
fn to_type(array: &ArrayRef, to: &DataType) -> Result<ArrayRef> {
    match (array.data_type(), to) {
        // A zone goes, the unit stays.
        (DataType::Timestamp(unit, _), DataType::Timestamp(..)) => exactly(array, &DataType::Timestamp(*unit, None)),
        (from, DataType::Int64) if !from.is_integer() => {
            anyhow::bail!(Unsupported(format!(
                "the arrow engine does not cast {from} to whole numbers: engines do not round alike"
            )))
        }
        _ => exactly(array, to),
    }
}

/// Floats with one zero and one NaN, which is the largest: kernels order them by their bits.
pub fn ordered(array: &ArrayRef) -> ArrayRef {
    match array.data_type() {
        DataType::Float32 => {
            let plain = |value: f32| if value.is_nan() { f32::NAN } else { value + 0.0 };
            Arc::new(array.as_primitive::<Float32Type>().unary::<_, Float32Type>(plain))
        }
        DataType::Float64 => {
            let plain = |value: f64| if value.is_nan() { f64::NAN } else { value + 0.0 };
            Arc::new(array.as_primitive::<Float64Type>().unary::<_, Float64Type>(plain))
        }
        _ => Arc::clone(array),
    }
}

/// Cast, with an error for what does not fit.
pub fn exactly(array: &ArrayRef, to: &DataType) -> Result<ArrayRef> {
    if array.data_type() == to {
        return Ok(Arc::clone(array));
    }
    let options = CastOptions { safe: false, format_options: FormatOptions::default() };
    Ok(cast_with_options(array, to, &options)?)
}

/// The type that holds the values of both.
fn common(left: &DataType, right: &DataType) -> Result<DataType> {
    let scale = |data_type: &DataType| match data_type {
        DataType::Decimal128(_, scale) => Some(*scale),
        other if other.is_integer() => Some(0),
        _ => None,
    };
    Ok(match (left, right) {
        (left, right) if left.is_integer() && right.is_integer() => {
            let wide = [left, right].contains(&&DataType::UInt64);
            if wide { DataType::Decimal128(DIGITS, 0) } else { DataType::Int64 }
        }
        // Decimals of more than 128 bits are neither.
        (left, right) if [left, right].iter().all(|side| side.is_floating() || scale(side).is_some()) => {
            match scale(left).zip(scale(right)) {
                Some((left, right)) => DataType::Decimal128(DIGITS, left.max(right)),
                None => DataType::Float64,
            }
        }
        (DataType::Timestamp(left, _), DataType::Timestamp(right, _)) => {
            // The finer unit.
            DataType::Timestamp(*left.max(right), None)
        }
        (left, right) if left.is_string() && right.is_string() => DataType::Utf8,
        (left, right) if left == right => left.clone(),
        _ => anyhow::bail!(Unsupported(format!("the arrow engine does not compare {left} with {right}"))),
    })
}
