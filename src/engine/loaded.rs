//! Tables that are loaded into a server once and then stay: in which database, and what tells a whole one.
//!
//! A table is filled under another name and renamed when it is whole, with its checksum in its comment: a load that was
//! cut is never taken for a table.

use std::iter;

use crate::protocol::dataset::{Dataset, Table};

/// Goes up when tables are made in another way, so that those made before are made again.
const LAYOUT: u32 = 2;
/// Digits of a checksum that tell one user's tables from another's.
const DIGITS: usize = 8;

/// The database of a dataset. Tables that a user gave have one for each set of them: another process that loads other tables
/// of these names must not replace those that are being measured.
pub fn database(dataset: &Dataset) -> String {
    let name = format!("querydyno_{}", dataset.database());
    match dataset.sha256.get(..DIGITS) {
        Some(digits) if !dataset.generated => format!("{name}_{digits}"),
        _ => name,
    }
}

/// What the comment of a whole table says. Its keys too: times are of the indexes that are there.
pub fn mark(table: &Table) -> String {
    let lists = table.keys.foreign.iter().map(|columns| columns.join(","));
    let keys: Vec<String> =
        iter::once(table.keys.primary.join(",")).chain(lists).filter(|list| !list.is_empty()).collect();
    format!("querydyno, layout {LAYOUT}, sha256 {}, keys {}", table.sha256, keys.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_tables_that_are_given_have_a_database_for_each_set_of_them() {
        let mut dataset = Dataset {
            suite: "tpch".to_owned(),
            scale: "0.01".parse().unwrap(),
            format: "parquet".to_owned(),
            sha256: "0a1b2c3d4e".to_owned(),
            layout: String::new(),
            generated: true,
            tables: Vec::new(),
        };
        assert_eq!(database(&dataset), "querydyno_tpch_sf0_01");
        dataset.suite = "own".to_owned();
        dataset.generated = false;
        assert_eq!(database(&dataset), "querydyno_own_sf0_01_0a1b2c3d");
        dataset.sha256.clear();
        assert_eq!(database(&dataset), "querydyno_own_sf0_01");
    }
}
