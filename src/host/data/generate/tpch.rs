//! TPC-H's tables, by `tpchgen`: row for row what the official dbgen makes.
//!
//! The dbgen inside `DuckDB` is another family with other text columns and other answers; never mix the two.

use anyhow::Context as _;
use arrow::record_batch::RecordBatchReader;
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

/// What suites call it.
pub(super) const NAME: &str = "tpch";

/// The TPC-H generator; it has no state of its own.
pub(super) struct Tpch;

impl Generator for Tpch {
    fn version(&self) -> &'static str {
        "tpchgen 4.0.0"
    }

    fn parts(&self, table: &str, scale: Scale) -> anyhow::Result<Vec<Part>> {
        let spec = spec(table)?;
        let keys = u64::try_from((spec.keys)(scale.factor())).unwrap_or_default();
        Ok(split(keys * spec.rows_per_key, spec.bytes_per_row))
    }

    fn open(&self, table: &str, scale: Scale, part: Part) -> anyhow::Result<Batches> {
        // tpchgen counts parts from 1.
        let (number, count) = (part.index + 1, part.count);
        Ok((spec(table)?.open)(scale.factor(), i32::try_from(number)?, i32::try_from(count)?))
    }
}

/// How one table is made.
struct Spec {
    name: &'static str,
    /// Keys at a scale factor; a table is split between keys.
    keys: fn(f64) -> i64,
    /// Rows of a key: an order has 1 to 7 lines, 4 on average; a part has 4 suppliers.
    rows_per_key: u64,
    /// Bytes of a row in our Parquet files (measured at sf1 and sf10), rounded up.
    bytes_per_row: u64,
    /// Opens part `number` of `count` at a scale factor.
    open: fn(f64, i32, i32) -> Batches,
}

fn spec(table: &str) -> anyhow::Result<&'static Spec> {
    let found = TABLES.iter().find(|spec| spec.name == table);
    found.with_context(|| format!("tpchgen makes no table '{table}'"))
}

/// Text columns come as string views. In the file both kinds of string are the same, and since the file carries
/// no Arrow schema it reads back as plain text, so nothing is converted.
fn batches(reader: impl RecordBatchReader + 'static) -> Batches {
    Box::new(reader)
}

static TABLES: [Spec; 8] = [
    Spec {
        name: "region",
        keys: |_| 5,
        rows_per_key: 1,
        bytes_per_row: 1000,
        open: |scale, number, count| {
            let rows = RegionGenerator::new(scale, number, count);
            batches(RegionArrow::new(rows).with_batch_size(BATCH_ROWS))
        },
    },
    Spec {
        name: "nation",
        keys: |_| 25,
        rows_per_key: 1,
        bytes_per_row: 200,
        open: |scale, number, count| {
            let rows = NationGenerator::new(scale, number, count);
            batches(NationArrow::new(rows).with_batch_size(BATCH_ROWS))
        },
    },
    Spec {
        name: "supplier",
        keys: |scale| SupplierGenerator::calculate_row_count(scale, 1, 1),
        rows_per_key: 1,
        bytes_per_row: 95,
        open: |scale, number, count| {
            let rows = SupplierGenerator::new(scale, number, count);
            batches(SupplierArrow::new(rows).with_batch_size(BATCH_ROWS))
        },
    },
    Spec {
        name: "customer",
        keys: |scale| CustomerGenerator::calculate_row_count(scale, 1, 1),
        rows_per_key: 1,
        bytes_per_row: 95,
        open: |scale, number, count| {
            let rows = CustomerGenerator::new(scale, number, count);
            batches(CustomerArrow::new(rows).with_batch_size(BATCH_ROWS))
        },
    },
    Spec {
        name: "part",
        keys: |scale| PartGenerator::calculate_row_count(scale, 1, 1),
        rows_per_key: 1,
        bytes_per_row: 40,
        open: |scale, number, count| {
            let rows = PartGenerator::new(scale, number, count);
            batches(PartArrow::new(rows).with_batch_size(BATCH_ROWS))
        },
    },
    Spec {
        name: "partsupp",
        keys: |scale| PartSuppGenerator::calculate_row_count(scale, 1, 1),
        rows_per_key: 4,
        bytes_per_row: 58,
        open: |scale, number, count| {
            let rows = PartSuppGenerator::new(scale, number, count);
            batches(PartSuppArrow::new(rows).with_batch_size(BATCH_ROWS))
        },
    },
    Spec {
        name: "orders",
        keys: |scale| OrderGenerator::calculate_row_count(scale, 1, 1),
        rows_per_key: 1,
        bytes_per_row: 47,
        open: |scale, number, count| {
            let rows = OrderGenerator::new(scale, number, count);
            batches(OrderArrow::new(rows).with_batch_size(BATCH_ROWS))
        },
    },
    Spec {
        name: "lineitem",
        keys: |scale| OrderGenerator::calculate_row_count(scale, 1, 1),
        rows_per_key: 4,
        bytes_per_row: 45,
        open: |scale, number, count| {
            let rows = LineItemGenerator::new(scale, number, count);
            batches(LineItemArrow::new(rows).with_batch_size(BATCH_ROWS))
        },
    },
];

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
