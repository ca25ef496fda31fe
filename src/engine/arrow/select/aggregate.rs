//! One value over many rows. Each batch gives a part of it, and the parts are folded again; whole numbers are summed in 128
//! bits.

use std::sync::Arc;

use anyhow::Context;
use arrow::array::{Array, ArrayRef, AsArray, Decimal128Array, Float64Array, Int64Array, RecordBatch, new_null_array};
use arrow::compute::{SortOptions, sort_to_indices, sum, sum_checked, take};
use arrow::datatypes::{DataType, Decimal128Type, Float64Type, Int64Type};

use super::value::{DIGITS, Value, exactly, ordered};
use crate::engine::{Result, Unsupported};

/// A total over all rows.
#[derive(Debug)]
pub struct Aggregate {
    pub fold: Fold,
    pub of: Value,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fold {
    Count,
    Sum,
    Average,
    Min,
    Max,
}

impl Aggregate {
    /// Over the rows of a batch: a value, and how many of them were no NULLs.
    ///
    /// # Errors
    /// When a number does not fit, or [`Unsupported`] for a type that is not summed up.
    pub fn part(&self, batch: &RecordBatch) -> Result<[ArrayRef; 2]> {
        let values = self.of.of(batch)?;
        let count = i64::try_from(values.len() - values.logical_null_count())?;
        Ok([self.fold.over(&values)?, Arc::new(Int64Array::from_value(count, 1))])
    }

    /// Over the parts.
    ///
    /// # Errors
    /// As [`part`](Self::part).
    pub fn whole(&self, values: &ArrayRef, counts: &ArrayRef) -> Result<ArrayRef> {
        let count = sum(counts.as_primitive::<Int64Type>()).unwrap_or_default();
        if self.fold == Fold::Count {
            return Ok(Arc::new(Int64Array::from_value(count, 1)));
        }
        let value = self.fold.over(values)?;
        Ok(match (self.fold, value.data_type()) {
            (Fold::Average, _) => {
                let sum = exactly(&value, &DataType::Float64)?;
                #[expect(clippy::cast_precision_loss, reason = "an average is a double")]
                let mean = sum.as_primitive::<Float64Type>().unary::<_, Float64Type>(|sum| sum / count as f64);
                Arc::new(mean)
            }
            // Whole numbers that fit are whole numbers, as in other engines.
            (Fold::Sum, DataType::Decimal128(_, 0)) => exactly(&value, &DataType::Int64).unwrap_or(value),
            _ => value,
        })
    }
}

impl Fold {
    /// One value; NULL when there are none but NULLs.
    fn over(self, values: &ArrayRef) -> Result<ArrayRef> {
        match self {
            Self::Count => Ok(Arc::new(Int64Array::from_value(0, 1))),
            Self::Sum | Self::Average => total(values),
            Self::Min | Self::Max => {
                let options = SortOptions { descending: self == Self::Max, nulls_first: false };
                let values = &ordered(values);
                let first = sort_to_indices(values, Some(options), Some(1))
                    .map_err(|_| Unsupported(format!("the arrow engine does not sort {}", values.data_type())))?;
                if first.is_empty() {
                    return Ok(new_null_array(values.data_type(), 1));
                }
                Ok(take(values, &first, None)?)
            }
        }
    }
}

fn total(values: &ArrayRef) -> Result<ArrayRef> {
    let data_type = values.data_type();
    if data_type.is_floating() {
        let values = exactly(values, &DataType::Float64)?;
        return Ok(Arc::new(Float64Array::from(vec![sum(values.as_primitive::<Float64Type>())])));
    }
    let scale = match data_type {
        DataType::Decimal128(_, scale) => *scale,
        other if other.is_integer() => 0,
        other => anyhow::bail!(Unsupported(format!("the arrow engine does not sum up {other}"))),
    };
    let values = exactly(values, &DataType::Decimal128(DIGITS, scale))?;
    let total = sum_checked(values.as_primitive::<Decimal128Type>()).context("the sum has more than 128 bits")?;
    Ok(Arc::new(Decimal128Array::from(vec![total]).with_precision_and_scale(DIGITS, scale)?))
}
