//! TPC-H q15: the supplier with the most revenue in a quarter, or those that tie for it.

use std::iter::zip;
use std::ops::RangeInclusive;
use std::sync::Arc;

use arrow::array::{Int64Array, RecordBatch};

use super::columns::{
    L_DISCOUNT, L_EXTENDEDPRICE, L_SHIPDATE, L_SUPPKEY, S_ADDRESS, S_NAME, S_PHONE, S_SUPPKEY, add, revenue,
};
use super::{Keys, Result, Rows, Table, Tables, decimals, texts};

/// 1996-01-01 to 1996-03-31, in days since 1970-01-01.
const DAYS: RangeInclusive<i32> = 9496..=9586;

/// Key; name, address and phone.
type Supplier = (i64, [Vec<u8>; 3]);

pub fn run(tables: &Tables, threads: usize) -> Result<RecordBatch> {
    let lines = lines(tables.get("lineitem")?, threads)?;
    let keys = Keys::new(lines.iter().flatten().map(|(supplier, _)| *supplier))?;
    let mut revenues = vec![0; keys.len()];
    for (supplier, revenue) in lines.into_iter().flatten() {
        if let Some(supplier) = keys.find(supplier) {
            add(&mut revenues[supplier], revenue)?;
        }
    }
    // The most of all the lines' suppliers, whether or not there is such a supplier.
    let most = revenues.iter().max().copied();
    let is_best = |key| keys.find(key).is_some_and(|supplier| Some(revenues[supplier]) == most);
    let mut best = suppliers(tables.get("supplier")?, threads, is_best)?;
    best.sort_by_key(|(key, _)| *key);
    let text = |place: usize| texts(best.iter().map(|(_, texts)| &*texts[place]));
    Ok(RecordBatch::try_from_iter([
        ("s_suppkey", Arc::new(best.iter().map(|(key, _)| *key).collect::<Int64Array>()) as _),
        ("s_name", text(0)?),
        ("s_address", text(1)?),
        ("s_phone", text(2)?),
        ("total_revenue", decimals(best.iter().map(|_| most), 4)?),
    ])?)
}

/// The supplier and the revenue, scale 4, of each line of the quarter.
fn lines(table: &Table, threads: usize) -> Result<Vec<Vec<(i64, i128)>>> {
    table.gather(
        threads,
        &[&L_SHIPDATE, &L_SUPPKEY, &L_EXTENDEDPRICE, &L_DISCOUNT],
        Some(&(L_SHIPDATE, DAYS)),
        |row_group| {
            let rows = row_group.filter(&L_SHIPDATE, &row_group.rows(), |day| DAYS.contains(&day))?;
            let rows = Rows::from(&rows);
            Ok(zip(row_group.values(&L_SUPPKEY, &rows)?, revenue(row_group, &rows)?))
        },
    )
}

fn suppliers(table: &Table, threads: usize, wanted: impl Fn(i64) -> bool + Sync) -> Result<Vec<Supplier>> {
    let found = table.gather(threads, &[&S_SUPPKEY, &S_NAME, &S_ADDRESS, &S_PHONE], None, |row_group| {
        let keys = row_group.read(&S_SUPPKEY, &row_group.rows())?;
        let rows = keys.filter(&row_group.rows(), &wanted)?;
        let rows = Rows::from(&rows);
        Ok(zip(keys.map(&rows, |key| key)?, row_group.texts([S_NAME, S_ADDRESS, S_PHONE], &rows)?))
    })?;
    Ok(found.concat())
}
