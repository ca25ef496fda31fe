//! TPC-H q14: the share of promotion parts in a month's revenue.

use std::iter::zip;
use std::ops::RangeInclusive;
use std::sync::Arc;

use arrow::array::{Float64Array, RecordBatch};

use super::columns::{L_DISCOUNT, L_EXTENDEDPRICE, L_PARTKEY, L_SHIPDATE, P_PARTKEY, P_TYPE, add, revenue, sum};
use super::{Keys, Result, Rows, Table, Tables};

/// 1995-09-01 to 1995-09-30, in days since 1970-01-01.
const DAYS: RangeInclusive<i32> = 9374..=9403;
const PROMOTION: &[u8] = b"PROMO";

/// What one thread has summed up.
#[derive(Default)]
struct Totals {
    /// Scale 4.
    revenue: i128,
    /// Scale 4.
    promotion: i128,
}

pub fn run(tables: &Tables, threads: usize) -> Result<RecordBatch> {
    let parts = parts(tables.get("part")?, threads)?;
    let keys = Keys::primary(parts.iter().map(|(key, _)| *key), "p_partkey")?;
    let promoted = Keys::new(parts.iter().filter(|(_, promoted)| *promoted).map(|(key, _)| *key))?;
    let totals = totals(tables.get("lineitem")?, threads, &keys, &promoted)?;

    let revenue = sum(totals.iter().map(|totals| totals.revenue))?;
    let promotion = sum(totals.iter().map(|totals| totals.promotion))?;
    #[expect(clippy::cast_precision_loss, reason = "a quotient is a Float64 by definition")]
    let share = (revenue != 0).then(|| 100.0 * promotion as f64 / revenue as f64);
    Ok(RecordBatch::try_from_iter([("promo_revenue", Arc::new(Float64Array::from(vec![share])) as _)])?)
}

/// Every part's key, and whether it is a promotion part.
fn parts(table: &Table, threads: usize) -> Result<Vec<(i64, bool)>> {
    let found = table.gather(threads, &[&P_PARTKEY, &P_TYPE], None, |row_group| {
        let keys = row_group.values(&P_PARTKEY, &row_group.rows())?;
        Ok(zip(keys, row_group.map(&P_TYPE, &row_group.rows(), |text| text.starts_with(PROMOTION))?))
    })?;
    Ok(found.concat())
}

fn totals(table: &Table, threads: usize, parts: &Keys, promoted: &Keys) -> Result<Vec<Totals>> {
    table.fold(
        threads,
        &[&L_SHIPDATE, &L_PARTKEY, &L_EXTENDEDPRICE, &L_DISCOUNT],
        Some(&(L_SHIPDATE, DAYS)),
        |totals: &mut Totals, row_group| {
            let rows = row_group.filter(&L_SHIPDATE, &row_group.rows(), |day| DAYS.contains(&day))?;
            let keys = row_group.read(&L_PARTKEY, &Rows::from(&rows))?;
            let rows = parts.semi_join(&keys, &Rows::from(&rows))?;
            let promoted = keys.map(&Rows::from(&rows), |part| promoted.contains(part))?;
            for (revenue, promoted) in zip(revenue(row_group, &Rows::from(&rows))?, promoted) {
                add(&mut totals.revenue, revenue)?;
                if promoted {
                    add(&mut totals.promotion, revenue)?;
                }
            }
            Ok(())
        },
    )
}
