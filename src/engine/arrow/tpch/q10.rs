//! TPC-H q10: the twenty customers who sent back the most of what they had ordered in a quarter.
//!
//! Names and addresses are looked up for the twenty alone.

use std::cmp::Reverse;
use std::iter::zip;
use std::ops::RangeInclusive;
use std::sync::Arc;

use arrow::array::{Int64Array, RecordBatch};

use super::columns::{
    C_ACCTBAL, C_ADDRESS, C_COMMENT, C_CUSTKEY, C_NAME, C_NATIONKEY, C_PHONE, L_DISCOUNT, L_EXTENDEDPRICE, L_ORDERKEY,
    L_RETURNFLAG, O_CUSTKEY, O_ORDERDATE, O_ORDERKEY, add, revenue,
};
use super::nations::nations;
use super::{Keys, Result, Rows, Table, Tables, decimals, texts, top};

const RETURNED: &[u8] = b"R";
/// 1993-10-01 to 1993-12-31, in days since 1970-01-01.
const DAYS: RangeInclusive<i32> = 8674..=8765;
const LIMIT: usize = 20;

/// Key and customer.
type Order = (i64, i64);

/// A row of the answer without its revenue.
#[derive(Clone)]
struct Customer {
    key: i64,
    nation: usize,
    balance: i64,
    /// Name, address, phone and comment.
    texts: [Vec<u8>; 4],
}

pub fn run(tables: &Tables, threads: usize) -> Result<RecordBatch> {
    let nations = nations(tables, None)?;
    let orders = orders(tables.get("orders")?, threads)?;
    let keys = Keys::primary(orders.iter().map(|(key, _)| *key), "o_orderkey")?;
    let lines = lines(tables.get("lineitem")?, threads, &keys)?;

    let customer_of = keys.arrange(orders.iter().copied());
    let buyers = Keys::new(orders.iter().map(|(_, customer)| *customer))?;
    let mut revenues = vec![None; buyers.len()];
    for (order, revenue) in lines.into_iter().flatten() {
        if let Some(customer) = buyers.find(customer_of[order]) {
            add(revenues[customer].get_or_insert(0), revenue)?;
        }
    }

    let customer = tables.get("customer")?;
    // Without customers who do not exist or have no nation there, which the joins leave out.
    let known = known(customer, threads, &nations.keys)?;
    let with_revenue = known.into_iter().filter_map(|key| Some((revenues[buyers.find(key)?]?, key)));
    let mut best: Vec<(i128, i64)> = with_revenue.collect();
    // By the key as well, so that the answer is always the same.
    top(&mut best, LIMIT, |a, b| (Reverse(a.0), a.1).cmp(&(Reverse(b.0), b.1)));
    let best_keys = Keys::primary(best.iter().map(|(_, key)| *key), "c_custkey")?;
    let customers = customers(customer, threads, &best_keys, &nations.keys)?;

    let find = |(revenue, key): (i128, i64)| {
        customers.iter().find(|customer| customer.key == key).map(|customer| (revenue, customer))
    };
    let rows: Vec<_> = best.into_iter().filter_map(find).collect();
    let text = |place: usize| texts(rows.iter().map(|(_, customer)| &*customer.texts[place]));
    Ok(RecordBatch::try_from_iter([
        ("c_custkey", Arc::new(rows.iter().map(|(_, customer)| customer.key).collect::<Int64Array>()) as _),
        ("c_name", text(0)?),
        ("revenue", decimals(rows.iter().map(|(revenue, _)| Some(*revenue)), 4)?),
        ("c_acctbal", decimals(rows.iter().map(|(_, customer)| Some(customer.balance.into())), 2)?),
        ("n_name", texts(rows.iter().map(|(_, customer)| &*nations.names[customer.nation]))?),
        ("c_address", text(1)?),
        ("c_phone", text(2)?),
        ("c_comment", text(3)?),
    ])?)
}

fn orders(table: &Table, threads: usize) -> Result<Vec<Order>> {
    let found =
        table.gather(threads, &[&O_ORDERDATE, &O_ORDERKEY, &O_CUSTKEY], Some(&(O_ORDERDATE, DAYS)), |row_group| {
            let rows = row_group.filter(&O_ORDERDATE, &row_group.rows(), |day| DAYS.contains(&day))?;
            let rows = Rows::from(&rows);
            Ok(zip(row_group.values(&O_ORDERKEY, &rows)?, row_group.values(&O_CUSTKEY, &rows)?))
        })?;
    Ok(found.concat())
}

/// The order's number and the revenue, scale 4, of the lines that were sent back.
fn lines(table: &Table, threads: usize, orders: &Keys) -> Result<Vec<Vec<(usize, i128)>>> {
    table.gather(threads, &[&L_RETURNFLAG, &L_ORDERKEY, &L_EXTENDEDPRICE, &L_DISCOUNT], None, |row_group| {
        let rows = row_group.filter(&L_RETURNFLAG, &row_group.rows(), |flag| flag == RETURNED)?;
        let keys = row_group.read(&L_ORDERKEY, &Rows::from(&rows))?;
        let rows = orders.semi_join(&keys, &Rows::from(&rows))?;
        Ok(zip(orders.numbers(&keys, &Rows::from(&rows))?, revenue(row_group, &Rows::from(&rows))?))
    })
}

/// The keys of all customers of these nations.
fn known(table: &Table, threads: usize, nations: &Keys) -> Result<Vec<i64>> {
    let found = table.gather(threads, &[&C_NATIONKEY, &C_CUSTKEY], None, |row_group| {
        let rows = row_group.filter(&C_NATIONKEY, &row_group.rows(), |nation| nations.contains(nation))?;
        row_group.values(&C_CUSTKEY, &Rows::from(&rows))
    })?;
    Ok(found.concat())
}

/// The rows of these customers.
fn customers(table: &Table, threads: usize, wanted: &Keys, nations: &Keys) -> Result<Vec<Customer>> {
    let found = table.gather(
        threads,
        &[&C_CUSTKEY, &C_NATIONKEY, &C_ACCTBAL, &C_NAME, &C_ADDRESS, &C_PHONE, &C_COMMENT],
        None,
        |row_group| {
            let keys = row_group.read(&C_CUSTKEY, &row_group.rows())?;
            let rows = wanted.semi_join(&keys, &row_group.rows())?;
            let rows = Rows::from(&rows);
            let keys = keys.map(&rows, |key| key)?;
            let nations = row_group.map(&C_NATIONKEY, &rows, |nation| nations.find(nation).unwrap_or_default())?;
            let balances: Vec<i64> = row_group.values(&C_ACCTBAL, &rows)?;
            let texts = row_group.texts([C_NAME, C_ADDRESS, C_PHONE, C_COMMENT], &rows)?;
            let rows = keys.into_iter().zip(nations).zip(balances).zip(texts);
            Ok(rows.map(|(((key, nation), balance), texts)| Customer { key, nation, balance, texts }))
        },
    )?;
    Ok(found.concat())
}
