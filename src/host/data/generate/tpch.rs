//! TPC-H's tables, by `tpchgen`: row for row what the official dbgen makes.
//!
//! The dbgen inside `DuckDB` is another family with other text columns and other answers; never mix the two.

use anyhow::bail;
use tpchgen::generators::{
    CustomerGenerator, LineItemGenerator, NationGenerator, OrderGenerator, PartGenerator, PartSuppGenerator,
    RegionGenerator, SupplierGenerator,
};
use tpchgen_arrow::{
    CustomerArrow, LineItemArrow, NationArrow, OrderArrow, PartArrow, PartSuppArrow, RegionArrow, SupplierArrow,
};

use super::generator::{Batches, Generator, Part, split};
use super::parquet::BATCH_ROWS;
use crate::protocol::id::Scale;

/// The TPC-H generator; it has no state of its own.
pub(super) struct Tpch;

impl Generator for Tpch {
    fn version(&self) -> &'static str {
        "tpchgen 4.0.0"
    }

    fn parts(&self, table: &str, scale: Scale) -> anyhow::Result<Vec<Part>> {
        let sf = scale.factor();
        // Keys, between which a table is split; rows of a key: an order has 1 to 7 lines, 4 on average, a part 4 suppliers;
        // bytes of a row in our Parquet files (measured at sf1 and sf10), rounded up.
        let (keys, rows_per_key, bytes_per_row) = match table {
            "region" => (5, 1, 1000),
            "nation" => (25, 1, 200),
            "supplier" => (SupplierGenerator::calculate_row_count(sf, 1, 1), 1, 95),
            "customer" => (CustomerGenerator::calculate_row_count(sf, 1, 1), 1, 95),
            "part" => (PartGenerator::calculate_row_count(sf, 1, 1), 1, 40),
            "partsupp" => (PartSuppGenerator::calculate_row_count(sf, 1, 1), 4, 58),
            "orders" => (OrderGenerator::calculate_row_count(sf, 1, 1), 1, 47),
            "lineitem" => (OrderGenerator::calculate_row_count(sf, 1, 1), 4, 45),
            _ => return unknown(table),
        };
        Ok(split(u64::try_from(keys).unwrap_or_default() * rows_per_key, bytes_per_row))
    }

    /// Text columns come as string views. In the file both kinds of string are the same, and since the file carries
    /// no Arrow schema it reads back as plain text, so nothing is converted.
    fn open(&self, table: &str, scale: Scale, part: Part) -> anyhow::Result<Batches> {
        // tpchgen counts parts from 1.
        let (sf, nth, of) = (scale.factor(), i32::try_from(part.index + 1)?, i32::try_from(part.count)?);
        Ok(match table {
            "region" => Box::new(RegionArrow::new(RegionGenerator::new(sf, nth, of)).with_batch_size(BATCH_ROWS)),
            "nation" => Box::new(NationArrow::new(NationGenerator::new(sf, nth, of)).with_batch_size(BATCH_ROWS)),
            "supplier" => Box::new(SupplierArrow::new(SupplierGenerator::new(sf, nth, of)).with_batch_size(BATCH_ROWS)),
            "customer" => Box::new(CustomerArrow::new(CustomerGenerator::new(sf, nth, of)).with_batch_size(BATCH_ROWS)),
            "part" => Box::new(PartArrow::new(PartGenerator::new(sf, nth, of)).with_batch_size(BATCH_ROWS)),
            "partsupp" => Box::new(PartSuppArrow::new(PartSuppGenerator::new(sf, nth, of)).with_batch_size(BATCH_ROWS)),
            "orders" => Box::new(OrderArrow::new(OrderGenerator::new(sf, nth, of)).with_batch_size(BATCH_ROWS)),
            "lineitem" => Box::new(LineItemArrow::new(LineItemGenerator::new(sf, nth, of)).with_batch_size(BATCH_ROWS)),
            _ => return unknown(table),
        })
    }
}

fn unknown<T>(table: &str) -> anyhow::Result<T> {
    bail!("tpchgen makes no table '{table}'")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_in_manifests_is_the_one_that_is_linked() {
        let lock = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.lock"));
        let (name, version) = Tpch.version().split_once(' ').unwrap();
        let locked = format!("name = \"{name}\"\nversion = \"{version}\"\n");
        assert!(lock.contains(&locked), "{locked} is not in Cargo.lock");
    }

    #[test]
    fn parts_follow_one_another_without_gap() {
        let rows = |index, count| {
            let part = Part { index, count, rows: 0, bytes: 0 };
            let batches = Tpch.open("lineitem", "sf0.01".parse().unwrap(), part).unwrap();
            let batches: Vec<_> = batches.map(Result::unwrap).collect();
            arrow::compute::concat_batches(&batches[0].schema(), &batches).unwrap()
        };
        let parts: Vec<_> = (0..7).map(|index| rows(index, 7)).collect();
        let together = arrow::compute::concat_batches(&parts[0].schema(), &parts).unwrap();
        assert_eq!(together, rows(0, 1));
    }

    #[test]
    fn the_expected_rows_are_close_to_the_real_ones() {
        for (table, rows) in [("region", 5), ("partsupp", 8_000), ("lineitem", 60_175)] {
            let scale = "sf0.01".parse().unwrap();
            let expected: u64 = Tpch.parts(table, scale).unwrap().iter().map(|p| p.rows).sum();
            assert!(expected.abs_diff(rows) * 100 <= rows, "{table}: {expected}");
        }
        assert!(Tpch.parts("store_sales", Scale::ONE).is_err());
    }
}
