//! TPC-H q6: the revenue that small discounts cost in 1994. One pass, one sum.
//!
//! No late materialisation: decoding `l_extendedprice` by a row filter, only where the rest matches, costs 8 to 12 %
//! more CPU time at sf1 (measured with both selection policies). One row in 50 matches and they lie everywhere, so
//! every page is decompressed all the same.

use std::sync::Arc;

use arrow::array::{Decimal128Array, RecordBatch};

use super::Plan;
use super::columns::{Stored, days, money, width};
use super::row_group::BATCH_ROWS;
use super::scan::{Scan, Table};
use crate::engine::Result;

/// The plan, with TPC-H's validation parameters.
pub const PLAN: Plan = Plan { table: "lineitem", run };

/// 1994-01-01, in days since 1970-01-01.
const FIRST_DAY: i32 = 8766;
/// 1994-12-31.
const LAST_DAY: i32 = 9130;
/// Hundredths, both ends included.
const DISCOUNT: (i64, i64) = (5, 7);
/// Hundredths.
const QUANTITY_BELOW: i64 = 2400;

const SCAN: Scan = Scan {
    columns: &[
        ("l_quantity", Stored::Money),
        ("l_extendedprice", Stored::Money),
        ("l_discount", Stored::Money),
        ("l_shipdate", Stored::Day),
    ],
    days: ("l_shipdate", FIRST_DAY..=LAST_DAY),
};

/// What one thread has summed up.
#[derive(Debug, Default, PartialEq, Eq)]
struct Total {
    /// Rows that match; SQL's sum of none is NULL.
    rows: u64,
    /// Scale 4.
    revenue: i128,
}

fn run(table: &Table, threads: usize) -> Result<RecordBatch> {
    let totals = SCAN.fold(table, threads, add_batch)?;
    let rows: u64 = totals.iter().map(|total| total.rows).sum();
    // A row adds less than 2^66, so only 2^61 rows could overflow.
    let revenue: i128 = totals.iter().map(|total| total.revenue).sum();
    let revenue = Decimal128Array::from(vec![(rows > 0).then_some(revenue)]).with_precision_and_scale(38, 4)?;
    Ok(RecordBatch::try_from_iter([("revenue", Arc::new(revenue) as _)])?)
}

fn add_batch(total: &mut Total, batch: &RecordBatch) -> Result<()> {
    let columns = Columns {
        quantity: money(batch, "l_quantity")?,
        price: money(batch, "l_extendedprice")?,
        discount: money(batch, "l_discount")?,
        shipdate: days(batch, "l_shipdate")?,
    };
    let (rows, revenue) = if columns.narrow() { columns.sum_narrow() } else { columns.sum_wide() };
    total.rows += rows;
    total.revenue += revenue;
    Ok(())
}

/// One batch: slices of equal length.
struct Columns<'a> {
    quantity: &'a [i64],
    price: &'a [i64],
    discount: &'a [i64],
    shipdate: &'a [i32],
}

impl Columns<'_> {
    /// Whether [`sum_narrow`](Self::sum_narrow) is exact for this batch. TPC-H's prices have 24 bits.
    fn narrow(&self) -> bool {
        let widest = [self.quantity, self.price, self.discount].map(width).into_iter().max();
        widest <= Some(31) && self.price.len() <= BATCH_ROWS
    }

    /// Rows and revenue in 32-bit lanes without a branch, for the compiler to vectorise.
    ///
    /// No value is negative or has more than 31 bits, so each fits an `i32` and casting loses nothing. A product
    /// that counts is below 2^31 * 7 < 2^34; a batch has at most 2^16 rows, so the sum is below 2^50.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "values of 0 to 2^31 - 1")]
    #[expect(clippy::needless_bitwise_bool, reason = "a branch would not vectorise")]
    fn sum_narrow(&self) -> (u64, i128) {
        let (mut rows, mut revenue) = (0_u32, 0_u64);
        let keys = self.quantity.iter().zip(self.discount).zip(self.shipdate);
        for (((&quantity, &discount), &shipdate), &price) in keys.zip(self.price) {
            let matches = (FIRST_DAY..=LAST_DAY).contains(&shipdate)
                & (DISCOUNT.0 as i32..=DISCOUNT.1 as i32).contains(&(discount as i32))
                & ((quantity as i32) < QUANTITY_BELOW as i32);
            // All bits or none.
            let mask = u32::from(matches).wrapping_neg();
            rows += mask & 1;
            revenue += u64::from(price as u32 & mask) * u64::from(discount as u32);
        }
        (u64::from(rows), i128::from(revenue))
    }

    /// The same for any values at all: a product of two `i64` fits an `i128`, and one with so small a discount is
    /// below 2^66.
    fn sum_wide(&self) -> (u64, i128) {
        let (mut rows, mut revenue) = (0, 0);
        let keys = self.quantity.iter().zip(self.discount).zip(self.shipdate);
        for (((quantity, discount), shipdate), &price) in keys.zip(self.price) {
            if (FIRST_DAY..=LAST_DAY).contains(shipdate)
                && (DISCOUNT.0..=DISCOUNT.1).contains(discount)
                && *quantity < QUANTITY_BELOW
            {
                rows += 1;
                revenue += i128::from(price) * i128::from(*discount);
            }
        }
        (rows, revenue)
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::{Array, AsArray};
    use arrow::datatypes::Decimal128Type;

    use super::super::columns::lineitem;
    use super::*;

    fn total(rows: &[(i64, i64, i64, i32)]) -> Total {
        let rows: Vec<_> = rows
            .iter()
            .map(|&(quantity, price, discount, day)| (quantity, price, discount, 0, "A", "F", day))
            .collect();
        let mut total = Total::default();
        add_batch(&mut total, &lineitem(&rows)).unwrap();
        total
    }

    /// Each bound once on its right and once on its wrong side.
    const ROWS: [(i64, i64, i64, i32); 9] = [
        (2399, 1_000_000, 5, FIRST_DAY),
        (100, 10_000, 7, LAST_DAY),
        (100, 100, 6, FIRST_DAY + 200),
        (2400, 1, 6, FIRST_DAY),
        (100, 1, 4, FIRST_DAY),
        (100, 1, 8, FIRST_DAY),
        (100, 1, 6, FIRST_DAY - 1),
        (100, 1, 6, LAST_DAY + 1),
        (100, 0, 6, FIRST_DAY),
    ];

    #[test]
    fn sums_what_matches() {
        let expected = Total { rows: 4, revenue: 5_000_000 + 70_000 + 600 };
        assert_eq!(total(&ROWS), expected);
    }

    #[test]
    fn values_of_more_than_31_bits_are_summed_as_well() {
        let mut rows = ROWS.to_vec();
        rows.push((1, i64::MAX, 7, FIRST_DAY));
        rows.push((-1, i64::MIN, 5, FIRST_DAY));
        let expected = Total { rows: 6, revenue: 5_070_600 + i128::from(i64::MAX) * 7 + i128::from(i64::MIN) * 5 };
        assert_eq!(total(&rows), expected);
    }

    #[test]
    fn the_largest_narrow_batch_does_not_overflow() {
        let largest = (0, i64::from(i32::MAX), 7, FIRST_DAY);
        let total = total(&vec![largest; BATCH_ROWS]);
        let rows = u64::try_from(BATCH_ROWS).unwrap();
        assert_eq!(total.rows, rows);
        assert_eq!(total.revenue, i128::from(rows) * i128::from(i32::MAX) * 7);
    }

    #[test]
    fn the_sum_of_nothing_is_null() {
        let answer = run(&Table::open(&[]).unwrap(), 2).unwrap();
        assert!(answer.column(0).as_primitive::<Decimal128Type>().is_null(0));
    }

    #[test]
    fn the_days_are_those_of_1994() {
        use arrow::array::Date32Array;
        use arrow::util::display::array_value_to_string;

        let days = Date32Array::from(vec![FIRST_DAY, LAST_DAY]);
        assert_eq!(array_value_to_string(&days, 0).unwrap(), "1994-01-01");
        assert_eq!(array_value_to_string(&days, 1).unwrap(), "1994-12-31");
    }
}
