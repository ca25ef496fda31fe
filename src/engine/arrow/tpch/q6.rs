//! TPC-H q6: the revenue that small discounts cost in 1994. One pass, one sum.

use std::ops::RangeInclusive;

use arrow::array::RecordBatch;

use super::Tables;
use super::columns::{L_DISCOUNT, L_EXTENDEDPRICE, L_QUANTITY, L_SHIPDATE, add, sum};
use super::output::decimals;
use super::rows::Rows;
use super::table::RowGroup;
use crate::engine::Result;

/// 1994-01-01 to 1994-12-31, in days since 1970-01-01.
const DAYS: RangeInclusive<i32> = 8766..=9130;
/// Hundredths.
const DISCOUNTS: RangeInclusive<i64> = 5..=7;
/// Hundredths.
const QUANTITY_BELOW: i64 = 2400;

/// What one thread has summed up.
#[derive(Debug, Default, PartialEq, Eq)]
struct Total {
    /// Rows that match; SQL's sum of none is NULL.
    rows: usize,
    /// Scale 4.
    revenue: i128,
}

/// The plan, with TPC-H's validation parameters.
pub fn run(tables: &Tables, threads: usize) -> Result<RecordBatch> {
    let totals = tables.get("lineitem")?.fold_days(threads, (L_SHIPDATE, DAYS), add_row_group)?;
    let rows: usize = totals.iter().map(|total| total.rows).sum();
    let revenue = sum(totals.iter().map(|total| total.revenue))?;
    Ok(RecordBatch::try_from_iter([("revenue", decimals([(rows > 0).then_some(revenue)], 4)?)])?)
}

fn add_row_group(total: &mut Total, row_group: &RowGroup<'_>) -> Result<()> {
    let rows = row_group.filter(&L_SHIPDATE, &row_group.rows(), |day| DAYS.contains(&day))?;
    let discounts = row_group.read(&L_DISCOUNT, &Rows::from(&rows))?;
    let rows = discounts.filter(&Rows::from(&rows), |discount| DISCOUNTS.contains(&discount))?;
    let rows = row_group.filter(&L_QUANTITY, &Rows::from(&rows), |quantity| quantity < QUANTITY_BELOW)?;
    let prices: Vec<i64> = row_group.values(&L_EXTENDEDPRICE, &Rows::from(&rows))?;
    let discounts = discounts.map(&Rows::from(&rows), i128::from)?;
    total.rows += rows.len();
    for (price, discount) in prices.into_iter().zip(discounts) {
        // Below 2^63 * 7.
        add(&mut total.revenue, i128::from(price) * discount)?;
    }
    Ok(())
}
