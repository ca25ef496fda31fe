//! Columns of an answer.

use std::cmp::Ordering;
use std::sync::Arc;

use arrow::array::{ArrayRef, Decimal128Array, StringArray};

use crate::engine::Result;

/// A column of decimals.
///
/// # Errors
/// When one has more than 38 digits.
pub fn decimals(values: impl IntoIterator<Item = Option<i128>>, scale: i8) -> Result<ArrayRef> {
    let array = values.into_iter().collect::<Decimal128Array>().with_precision_and_scale(38, scale)?;
    array.validate_decimal_precision(38)?;
    Ok(Arc::new(array))
}

/// A column of texts.
///
/// # Errors
/// When one is not UTF-8.
pub fn texts<'a>(values: impl IntoIterator<Item = &'a [u8]>) -> Result<ArrayRef> {
    let texts = values.into_iter().map(|text| Ok(std::str::from_utf8(text)?)).collect::<Result<Vec<_>>>()?;
    Ok(Arc::new(StringArray::from(texts)))
}

/// Keeps the first `limit` of these by `order`, in it.
pub fn top<T>(rows: &mut Vec<T>, limit: usize, order: impl Fn(&T, &T) -> Ordering) {
    if rows.len() > limit {
        rows.select_nth_unstable_by(limit, &order);
        rows.truncate(limit);
    }
    rows.sort_unstable_by(order);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_of_many_are_in_order() {
        let mut rows: Vec<u32> = (0..100).map(|row| row * 37 % 101).collect();
        top(&mut rows, 3, |a, b| b.cmp(a));
        assert_eq!(rows, [100, 99, 98]);
        top(&mut rows, 3, Ord::cmp);
        assert_eq!(rows, [98, 99, 100]);
    }

    #[test]
    fn more_than_38_digits_are_an_error() {
        assert!(decimals([Some(10_i128.pow(38))], 4).is_err());
        assert_eq!(decimals([None, Some(1)], 4).unwrap().null_count(), 1);
    }
}
