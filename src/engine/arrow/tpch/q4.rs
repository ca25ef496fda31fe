//! TPC-H q4: the orders of a quarter with a line that came late, counted by priority.
//!
//! The quarter's orders to a bitmap; of the other orders' lines no date is decoded.

use std::collections::BTreeMap;
use std::iter::zip;
use std::ops::RangeInclusive;
use std::sync::Arc;

use arrow::array::{Int64Array, RecordBatch};

use super::columns::{L_COMMITDATE, L_ORDERKEY, L_RECEIPTDATE, O_ORDERDATE, O_ORDERKEY, O_ORDERPRIORITY};
use super::{Keys, Names, Result, Rows, Table, Tables, texts};

/// 1993-07-01 to 1993-09-30, in days since 1970-01-01.
const DAYS: RangeInclusive<i32> = 8582..=8673;

/// Key and number of the priority.
type Order = (i64, u32);

pub fn run(tables: &Tables, threads: usize) -> Result<RecordBatch> {
    let priorities = Names::default();
    let orders = orders(tables.get("orders")?, threads, &priorities)?;
    let keys = Keys::new(orders.iter().map(|(key, _)| *key))?;
    let late = late(tables.get("lineitem")?, threads, &keys)?;

    let names = priorities.texts();
    let mut counts = BTreeMap::<&[u8], i64>::new();
    for (key, priority) in orders {
        if keys.find(key).is_some_and(|order| late[order]) {
            *counts.entry(&names[priority as usize]).or_default() += 1;
        }
    }
    Ok(RecordBatch::try_from_iter([
        ("o_orderpriority", texts(counts.keys().copied())?),
        ("order_count", Arc::new(counts.values().copied().collect::<Int64Array>()) as _),
    ])?)
}

fn orders(table: &Table, threads: usize, priorities: &Names) -> Result<Vec<Order>> {
    let found = table.gather(
        threads,
        &[&O_ORDERDATE, &O_ORDERKEY, &O_ORDERPRIORITY],
        Some(&(O_ORDERDATE, DAYS)),
        |row_group| {
            let rows = row_group.filter(&O_ORDERDATE, &row_group.rows(), |day| DAYS.contains(&day))?;
            let keys: Vec<i64> = row_group.values(&O_ORDERKEY, &Rows::from(&rows))?;
            let priorities = row_group.map(&O_ORDERPRIORITY, &Rows::from(&rows), |text| priorities.number(text))?;
            Ok(zip(keys, priorities))
        },
    )?;
    Ok(found.concat())
}

/// Whether the order of each number has a late line.
fn late(table: &Table, threads: usize, orders: &Keys) -> Result<Vec<bool>> {
    let found = table.gather(threads, &[&L_ORDERKEY, &L_COMMITDATE, &L_RECEIPTDATE], None, |row_group| {
        let keys = row_group.read(&L_ORDERKEY, &row_group.rows())?;
        let rows = orders.semi_join(&keys, &row_group.rows())?;
        let commit: Vec<i32> = row_group.values(&L_COMMITDATE, &Rows::from(&rows))?;
        let receipt: Vec<i32> = row_group.values(&L_RECEIPTDATE, &Rows::from(&rows))?;
        let late = zip(rows, zip(commit, receipt)).filter(|(_, (commit, receipt))| commit < receipt);
        let rows: Vec<u32> = late.map(|(row, _)| row).collect();
        orders.numbers(&keys, &Rows::from(&rows))
    })?;
    let mut late = vec![false; orders.len()];
    for order in found.into_iter().flatten() {
        late[order] = true;
    }
    Ok(late)
}
