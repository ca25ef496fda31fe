//! TPC-H q6: the revenue that small discounts cost in 1994. One pass, one sum.

use std::iter::zip;
use std::ops::RangeInclusive;

use arrow::array::RecordBatch;

use super::columns::{L_DISCOUNT, L_EXTENDEDPRICE, L_QUANTITY, L_SHIPDATE, total};
use super::{Result, RowGroup, Rows, Tables, decimals};

/// 1994-01-01 to 1994-12-31, in days since 1970-01-01.
const DAYS: RangeInclusive<i32> = 8766..=9130;
/// Hundredths.
const DISCOUNTS: RangeInclusive<i64> = 5..=7;
/// Hundredths.
const QUANTITY_BELOW: i64 = 2400;

pub fn run(tables: &Tables, threads: usize) -> Result<RecordBatch> {
    let found = tables.get("lineitem")?.gather(
        threads,
        &[&L_SHIPDATE, &L_DISCOUNT, &L_QUANTITY, &L_EXTENDEDPRICE],
        Some(&(L_SHIPDATE, DAYS)),
        revenue,
    )?;
    Ok(RecordBatch::try_from_iter([("revenue", decimals([total(found.into_iter().flatten())?], 4)?)])?)
}

/// Scale 4; `None` where no row matches.
fn revenue(row_group: &RowGroup<'_>) -> Result<Option<i128>> {
    let rows = row_group.filter(&L_SHIPDATE, &row_group.rows(), |day| DAYS.contains(&day))?;
    let discounts = row_group.read(&L_DISCOUNT, &Rows::from(&rows))?;
    let rows = discounts.filter(&Rows::from(&rows), |discount| DISCOUNTS.contains(&discount))?;
    let rows = row_group.filter(&L_QUANTITY, &Rows::from(&rows), |quantity| quantity < QUANTITY_BELOW)?;
    let prices: Vec<i64> = row_group.values(&L_EXTENDEDPRICE, &Rows::from(&rows))?;
    let discounts = discounts.map(&Rows::from(&rows), i128::from)?;
    // Below 2^63 * 7.
    total(zip(prices, discounts).map(|(price, discount)| i128::from(price) * discount))
}
