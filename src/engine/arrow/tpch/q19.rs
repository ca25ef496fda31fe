//! TPC-H q19: revenue of a few kinds of parts in small quantities, delivered by air and in person.
//!
//! The parts of each kind are few, so lines are told apart by their parts before anything is decoded.

use std::ops::RangeInclusive;

use arrow::array::RecordBatch;

use super::columns::{
    L_DISCOUNT, L_EXTENDEDPRICE, L_PARTKEY, L_QUANTITY, L_SHIPINSTRUCT, L_SHIPMODE, P_BRAND, P_CONTAINER, P_PARTKEY,
    P_SIZE, revenue, total,
};
use super::{Keys, Result, Rows, Table, Tables, decimals};

const INSTRUCTION: &[u8] = b"DELIVER IN PERSON";
const MODES: [&[u8]; 2] = [b"AIR", b"AIR REG"];

/// One of the query's alternatives; their brands differ, so a part is of one kind at most.
struct PartKind {
    brand: &'static [u8],
    containers: [&'static [u8]; 4],
    sizes: RangeInclusive<i32>,
    /// Hundredths.
    quantities: RangeInclusive<i64>,
}

const KINDS: [PartKind; 3] = [
    kind(b"Brand#12", [b"SM CASE", b"SM BOX", b"SM PACK", b"SM PKG"], 1..=5, 1),
    kind(b"Brand#23", [b"MED BAG", b"MED BOX", b"MED PKG", b"MED PACK"], 1..=10, 10),
    kind(b"Brand#34", [b"LG CASE", b"LG BOX", b"LG PACK", b"LG PKG"], 1..=15, 20),
];

/// In quantities from `least` pieces to ten more.
const fn kind(
    brand: &'static [u8],
    containers: [&'static [u8]; 4],
    sizes: RangeInclusive<i32>,
    least: i64,
) -> PartKind {
    PartKind { brand, containers, sizes, quantities: 100 * least..=100 * (least + 10) }
}

/// A part's key, and the place of its kind.
type Part = (i64, usize);

pub fn run(tables: &Tables, threads: usize) -> Result<RecordBatch> {
    let parts = parts(tables.get("part")?, threads)?;
    let keys = Keys::primary(parts.iter().map(|(key, _)| *key), "p_partkey")?;
    let kinds = keys.arrange(parts);
    let totals = totals(tables.get("lineitem")?, threads, &keys, &kinds)?;
    Ok(RecordBatch::try_from_iter([("revenue", decimals([total(totals.into_iter().flatten())?], 4)?)])?)
}

fn parts(table: &Table, threads: usize) -> Result<Vec<Part>> {
    let found = table.gather(threads, &[&P_BRAND, &P_CONTAINER, &P_SIZE, &P_PARTKEY], None, |row_group| {
        let of_brand = |brand: &[u8]| KINDS.iter().position(|kind| kind.brand == brand);
        let brands = row_group.read(&P_BRAND, &row_group.rows())?;
        let rows = brands.filter(&row_group.rows(), |brand| of_brand(brand).is_some())?;
        let containers = row_group.read(&P_CONTAINER, &Rows::from(&rows))?;
        let any = |container: &[u8]| KINDS.iter().any(|kind| kind.containers.contains(&container));
        let rows = containers.filter(&Rows::from(&rows), any)?;
        // Which kinds a container is right for, a bit each.
        let of_container = |container: &[u8]| {
            let right = KINDS.iter().map(|kind| u32::from(kind.containers.contains(&container)));
            right.rev().fold(0, |bits, bit| bits << 1 | bit)
        };
        let right = containers.map(&Rows::from(&rows), of_container)?;
        let kinds = brands.map(&Rows::from(&rows), |brand| of_brand(brand).unwrap_or_default())?;
        let sizes: Vec<i32> = row_group.values(&P_SIZE, &Rows::from(&rows))?;
        let keys: Vec<i64> = row_group.values(&P_PARTKEY, &Rows::from(&rows))?;
        let parts = keys.into_iter().zip(kinds).zip(right).zip(sizes);
        let fits = |(((_, kind), right), size): &((Part, u32), i32)| {
            right >> kind & 1 == 1 && KINDS[*kind].sizes.contains(size)
        };
        Ok(parts.filter(fits).map(|((part, _), _)| part))
    })?;
    Ok(found.concat())
}

/// The revenue of each row group's lines, scale 4, where it has such lines.
fn totals(table: &Table, threads: usize, parts: &Keys, kinds: &[usize]) -> Result<Vec<Vec<i128>>> {
    table.gather(
        threads,
        &[&L_SHIPMODE, &L_SHIPINSTRUCT, &L_PARTKEY, &L_QUANTITY, &L_EXTENDEDPRICE, &L_DISCOUNT],
        None,
        |row_group| {
            let rows = row_group.filter(&L_SHIPMODE, &row_group.rows(), |mode| MODES.contains(&mode))?;
            let rows = row_group.filter(&L_SHIPINSTRUCT, &Rows::from(&rows), |text| text == INSTRUCTION)?;
            let keys = row_group.read(&L_PARTKEY, &Rows::from(&rows))?;
            let rows = parts.semi_join(&keys, &Rows::from(&rows))?;
            let parts = parts.numbers(&keys, &Rows::from(&rows))?;
            let quantities: Vec<i64> = row_group.values(&L_QUANTITY, &Rows::from(&rows))?;
            let lines = rows.into_iter().zip(parts).zip(quantities);
            let right = lines.filter(|((_, part), quantity)| KINDS[kinds[*part]].quantities.contains(quantity));
            let rows: Vec<u32> = right.map(|((row, _), _)| row).collect();
            total(revenue(row_group, &Rows::from(&rows))?)
        },
    )
}
