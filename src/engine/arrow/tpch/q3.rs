//! TPC-H q3: the ten orders of one market segment with the most revenue that has not been shipped.
//!
//! Customers to a bitmap, orders by it to another, lines by that; a line's price is decoded where all else matches.

use std::cmp::Reverse;
use std::iter::zip;
use std::sync::Arc;

use arrow::array::{Date32Array, Int32Array, Int64Array, RecordBatch};

use super::columns::{
    C_CUSTKEY, C_MKTSEGMENT, L_DISCOUNT, L_EXTENDEDPRICE, L_ORDERKEY, L_SHIPDATE, O_CUSTKEY, O_ORDERDATE, O_ORDERKEY,
    O_SHIPPRIORITY, add, revenue,
};
use super::{Keys, Result, Rows, Table, Tables, decimals, top};

const SEGMENT: &[u8] = b"BUILDING";
/// 1995-03-15, in days since 1970-01-01: ordered before, shipped after.
const DAY: i32 = 9204;
const LIMIT: usize = 10;

#[derive(Clone, Copy)]
struct Order {
    key: i64,
    day: i32,
    priority: i32,
}

pub fn run(tables: &Tables, threads: usize) -> Result<RecordBatch> {
    let customers = customers(tables.get("customer")?, threads)?;
    let orders = orders(tables.get("orders")?, threads, &customers)?;
    let keys = Keys::primary(orders.iter().map(|order| order.key), "o_orderkey")?;
    let revenues = revenues(tables.get("lineitem")?, threads, &keys)?;

    let with_lines = orders.iter().filter_map(|order| Some((revenues[keys.find(order.key)?]?, order)));
    let mut rows: Vec<_> = with_lines.collect();
    // By the key as well, so that the answer is always the same.
    let rank = |(revenue, order): &(i128, &Order)| (Reverse(*revenue), order.day, order.key);
    top(&mut rows, LIMIT, |a, b| rank(a).cmp(&rank(b)));
    Ok(RecordBatch::try_from_iter([
        ("l_orderkey", Arc::new(rows.iter().map(|(_, order)| order.key).collect::<Int64Array>()) as _),
        ("revenue", decimals(rows.iter().map(|(revenue, _)| Some(*revenue)), 4)?),
        ("o_orderdate", Arc::new(rows.iter().map(|(_, order)| Some(order.day)).collect::<Date32Array>()) as _),
        ("o_shippriority", Arc::new(rows.iter().map(|(_, order)| order.priority).collect::<Int32Array>()) as _),
    ])?)
}

/// The keys of the segment's customers.
fn customers(table: &Table, threads: usize) -> Result<Keys> {
    let found = table.gather(threads, &[&C_MKTSEGMENT, &C_CUSTKEY], None, |row_group| {
        let rows = row_group.filter(&C_MKTSEGMENT, &row_group.rows(), |segment| segment == SEGMENT)?;
        row_group.values(&C_CUSTKEY, &Rows::from(&rows))
    })?;
    Keys::primary(found.iter().flatten().copied(), "c_custkey")
}

/// The early orders of these customers.
fn orders(table: &Table, threads: usize, customers: &Keys) -> Result<Vec<Order>> {
    let found = table.gather(
        threads,
        &[&O_ORDERDATE, &O_CUSTKEY, &O_ORDERKEY, &O_SHIPPRIORITY],
        Some(&(O_ORDERDATE, i32::MIN..=DAY - 1)),
        |row_group| {
            let dates = row_group.read(&O_ORDERDATE, &row_group.rows())?;
            let rows = dates.filter(&row_group.rows(), |day| day < DAY)?;
            let rows = row_group.filter(&O_CUSTKEY, &Rows::from(&rows), |customer| customers.contains(customer))?;
            let rows = Rows::from(&rows);
            let keys: Vec<i64> = row_group.values(&O_ORDERKEY, &rows)?;
            let days = dates.map(&rows, |day| day)?;
            let priorities: Vec<i32> = row_group.values(&O_SHIPPRIORITY, &rows)?;
            let rows = keys.into_iter().zip(days).zip(priorities);
            Ok(rows.map(|((key, day), priority)| Order { key, day, priority }))
        },
    )?;
    Ok(found.concat())
}

/// The revenue of each order's late lines, by the order's number; `None` where it has no such line.
fn revenues(table: &Table, threads: usize, orders: &Keys) -> Result<Vec<Option<i128>>> {
    let found = table.gather(
        threads,
        &[&L_ORDERKEY, &L_SHIPDATE, &L_EXTENDEDPRICE, &L_DISCOUNT],
        Some(&(L_SHIPDATE, DAY + 1..=i32::MAX)),
        |row_group| {
            let keys = row_group.read(&L_ORDERKEY, &row_group.rows())?;
            let rows = orders.semi_join(&keys, &row_group.rows())?;
            let rows = row_group.filter(&L_SHIPDATE, &Rows::from(&rows), |day| day > DAY)?;
            let rows = Rows::from(&rows);
            Ok(zip(orders.numbers(&keys, &rows)?, revenue(row_group, &rows)?))
        },
    )?;
    let mut revenues = vec![None; orders.len()];
    for (order, revenue) in found.into_iter().flatten() {
        add(revenues[order].get_or_insert(0), revenue)?;
    }
    Ok(revenues)
}
