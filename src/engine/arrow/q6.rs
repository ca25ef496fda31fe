//! TPC-H q6: the revenue that small discounts cost in 1994. One pass, one sum.
//!
//! No late materialisation: a row filter that decodes `l_extendedprice` only where the rest matches was measured.

use std::sync::Arc;

use arrow::array::{Decimal128Array, RecordBatch};

use super::Plan;
use super::columns::{Stored, days, money, width};
use super::scan::{BATCH_ROWS, Scan, Table};
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
    fn sum_narrow(&self) -> (u64, i128) {
        let (mut rows, mut revenue) = (0_u32, 0_u64);
        let keys = self.quantity.iter().zip(self.discount).zip(self.shipdate);
        for (((&quantity, &discount), &shipdate), &price) in keys.zip(self.price) {
            let matches = (shipdate >= FIRST_DAY)
                & (shipdate <= LAST_DAY)
                & (discount as i32 >= DISCOUNT.0 as i32)
                & (discount as i32 <= DISCOUNT.1 as i32)
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
