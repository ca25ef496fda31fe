//! TPC-H q15: the supplier with the most revenue in a quarter, or those that tie for it.

use std::ops::RangeInclusive;
use std::sync::Arc;

use arrow::array::{Int64Array, RecordBatch};

use super::Tables;
use super::columns::{L_SHIPDATE, L_SUPPKEY, S_ADDRESS, S_NAME, S_PHONE, S_SUPPKEY, add, revenue};
use super::keys::Keys;
use super::output::{decimals, texts};
use super::rows::Rows;
use super::table::Table;
use crate::engine::Result;

/// 1996-01-01 to 1996-03-31, in days since 1970-01-01.
const DAYS: RangeInclusive<i32> = 9496..=9586;

struct Supplier {
    key: i64,
    name: Vec<u8>,
    address: Vec<u8>,
    phone: Vec<u8>,
}

/// The plan, with TPC-H's validation parameters.
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
    best.sort_by_key(|supplier| supplier.key);
    Ok(RecordBatch::try_from_iter([
        ("s_suppkey", Arc::new(best.iter().map(|supplier| supplier.key).collect::<Int64Array>()) as _),
        ("s_name", texts(best.iter().map(|supplier| &*supplier.name))?),
        ("s_address", texts(best.iter().map(|supplier| &*supplier.address))?),
        ("s_phone", texts(best.iter().map(|supplier| &*supplier.phone))?),
        ("total_revenue", decimals(best.iter().map(|_| most), 4)?),
    ])?)
}

/// The supplier and the revenue, scale 4, of each line of the quarter.
fn lines(table: &Table, threads: usize) -> Result<Vec<Vec<(i64, i128)>>> {
    table.fold_days(threads, (L_SHIPDATE, DAYS), |found: &mut Vec<(i64, i128)>, row_group| {
        let rows = row_group.filter(&L_SHIPDATE, &row_group.rows(), |day| DAYS.contains(&day))?;
        let suppliers: Vec<i64> = row_group.values(&L_SUPPKEY, &Rows::from(&rows))?;
        found.extend(suppliers.into_iter().zip(revenue(row_group, &Rows::from(&rows))?));
        Ok(())
    })
}

fn suppliers(table: &Table, threads: usize, wanted: impl Fn(i64) -> bool + Sync) -> Result<Vec<Supplier>> {
    let found = table.fold(threads, |found: &mut Vec<Supplier>, row_group| {
        let keys = row_group.read(&S_SUPPKEY, &row_group.rows())?;
        let rows = keys.filter(&row_group.rows(), &wanted)?;
        let rows = Rows::from(&rows);
        let keys = keys.map(&rows, |key| key)?;
        let names = row_group.texts(&S_NAME, &rows)?;
        let addresses = row_group.texts(&S_ADDRESS, &rows)?;
        let phones = row_group.texts(&S_PHONE, &rows)?;
        for (((key, name), address), phone) in keys.into_iter().zip(names).zip(addresses).zip(phones) {
            found.push(Supplier { key, name, address, phone });
        }
        Ok(())
    })?;
    Ok(found.into_iter().flatten().collect())
}
