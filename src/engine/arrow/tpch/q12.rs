//! TPC-H q12: late lines of two ship modes, counted by whether their order was urgent.
//!
//! Lines first, as few match: only their orders' priorities are looked at.

use std::iter::zip;
use std::ops::RangeInclusive;
use std::sync::Arc;

use arrow::array::{Int64Array, RecordBatch};

use super::columns::{L_COMMITDATE, L_ORDERKEY, L_RECEIPTDATE, L_SHIPDATE, L_SHIPMODE, O_ORDERKEY, O_ORDERPRIORITY};
use super::{Keys, Result, Rows, Table, Tables, texts};

/// In the order of the answer.
const MODES: [&[u8]; 2] = [b"MAIL", b"SHIP"];
const URGENT: [&[u8]; 2] = [b"1-URGENT", b"2-HIGH"];
/// 1994-01-01 to 1994-12-31, in days since 1970-01-01.
const DAYS: RangeInclusive<i32> = 8766..=9130;

/// The order's key and the place of the mode.
type Line = (i64, usize);

/// Lines of urgent orders and of others.
type Counts = [i64; 2];

pub fn run(tables: &Tables, threads: usize) -> Result<RecordBatch> {
    let lines = lines(tables.get("lineitem")?, threads)?;
    let keys = Keys::new(lines.iter().map(|(order, _)| *order))?;
    let mut lines_of = vec![[0; MODES.len()]; keys.len()];
    for (order, mode) in lines {
        if let Some(order) = keys.find(order) {
            lines_of[order][mode] += 1;
        }
    }
    let counts = counts(tables.get("orders")?, threads, &keys, &lines_of)?;

    let modes = MODES.into_iter().zip(counts).filter(|(_, counts)| *counts != [0, 0]);
    let (modes, counts): (Vec<_>, Vec<_>) = modes.unzip();
    let column = |place: usize| counts.iter().map(|counts| counts[place]).collect::<Int64Array>();
    Ok(RecordBatch::try_from_iter([
        ("l_shipmode", texts(modes)?),
        ("high_line_count", Arc::new(column(0)) as _),
        ("low_line_count", Arc::new(column(1)) as _),
    ])?)
}

fn lines(table: &Table, threads: usize) -> Result<Vec<Line>> {
    let found = table.gather(
        threads,
        &[&L_RECEIPTDATE, &L_SHIPMODE, &L_SHIPDATE, &L_COMMITDATE, &L_ORDERKEY],
        Some(&(L_RECEIPTDATE, DAYS)),
        |row_group| {
            let receipt = row_group.read(&L_RECEIPTDATE, &row_group.rows())?;
            let rows = receipt.filter(&row_group.rows(), |day| DAYS.contains(&day))?;
            let modes = row_group.read(&L_SHIPMODE, &Rows::from(&rows))?;
            let rows = modes.filter(&Rows::from(&rows), |mode| MODES.contains(&mode))?;
            let ship: Vec<i32> = row_group.values(&L_SHIPDATE, &Rows::from(&rows))?;
            let commit: Vec<i32> = row_group.values(&L_COMMITDATE, &Rows::from(&rows))?;
            let receipt = receipt.map(&Rows::from(&rows), |day| day)?;
            let lines = rows.into_iter().zip(ship).zip(commit).zip(receipt);
            let late = lines.filter(|(((_, ship), commit), receipt)| ship < commit && commit < receipt);
            let rows: Vec<u32> = late.map(|(((row, _), _), _)| row).collect();
            let place = |mode| MODES.iter().position(|known| *known == mode).unwrap_or_default();
            Ok(zip(row_group.values(&L_ORDERKEY, &Rows::from(&rows))?, modes.map(&Rows::from(&rows), place)?))
        },
    )?;
    Ok(found.concat())
}

/// The counts for each mode, given how many lines of each an order has.
fn counts(
    table: &Table,
    threads: usize,
    orders: &Keys,
    lines_of: &[[i64; MODES.len()]],
) -> Result<[Counts; MODES.len()]> {
    let found = table.fold(
        threads,
        &[&O_ORDERKEY, &O_ORDERPRIORITY],
        None,
        |found: &mut [Counts; MODES.len()], row_group| {
            let keys = row_group.read(&O_ORDERKEY, &row_group.rows())?;
            let rows = orders.semi_join(&keys, &row_group.rows())?;
            let numbers = orders.numbers(&keys, &Rows::from(&rows))?;
            let kind = |priority: &[u8]| usize::from(!URGENT.contains(&priority));
            let kinds = row_group.map(&O_ORDERPRIORITY, &Rows::from(&rows), kind)?;
            for (order, kind) in zip(numbers, kinds) {
                for (counts, lines) in zip(found.iter_mut(), lines_of[order]) {
                    counts[kind] += lines;
                }
            }
            Ok(())
        },
    )?;
    let mut counts = [Counts::default(); MODES.len()];
    for (mode, [urgent, other]) in found.iter().flat_map(|found| found.iter().enumerate()) {
        counts[mode][0] += urgent;
        counts[mode][1] += other;
    }
    Ok(counts)
}
