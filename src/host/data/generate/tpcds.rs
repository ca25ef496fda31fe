//! TPC-DS's tables, by `tpcdsgen`: row for row what the official dsdgen makes, as UTF-8.
//!
//! The data that `DuckDB`'s extension makes, and older suites' files, are other generations with other text columns; never mix them.
//!
//! # Scales
//!
//! TPC-DS defines 1, 10, 100, 300 and 1000 (and larger ones), each with its own number of customers, items and stores. What lies
//! between them is dsdgen's own arithmetic, and no scale of the specification:
//!
//! - Below 1, the tables that grow have about that fraction of their rows at scale 1, in steps: sales in the store and the catalog have ten
//!   thousand orders at least, so that 0.01 has 4 and 6 % of their rows. What never grows, such as dates, times and demographics, is
//!   whole: two million rows at every scale. From 0.01 to 1 is good for tests.
//! - Above 1, a fact table has the rows of the whole part: 2.5 is 2. Customers and items grow more slowly, and anew from those of scale 1
//!   between each two defined scales: 11 has a quarter of the customers of 10. Take a defined one.
//!
//! `cargo xtask data tpcds --scale 1`

use anyhow::{Context as _, bail, ensure};
use tpcdsgen::config::{Session, SessionBuilder, Table};
use tpcdsgen_arrow::{
    CallCenterArrow, CatalogPageArrow, CatalogReturnsArrow, CatalogSalesArrow, CustomerAddressArrow, CustomerArrow,
    CustomerDemographicsArrow, DateDimArrow, HouseholdDemographicsArrow, IncomeBandArrow, InventoryArrow, ItemArrow,
    PromotionArrow, ReasonArrow, ShipModeArrow, StoreArrow, StoreReturnsArrow, StoreSalesArrow, TimeDimArrow,
    WarehouseArrow, WebPageArrow, WebReturnsArrow, WebSalesArrow, WebSiteArrow,
};

use super::generator::{Batches, Generator, Part, split};
use super::parquet::BATCH_ROWS;
use crate::protocol::id::Scale;

/// Below it there would be no row of some tables that others refer to.
const SMALLEST: f64 = 0.01;

/// The TPC-DS generator; it has no state of its own.
pub(super) struct Tpcds;

impl Generator for Tpcds {
    fn version(&self) -> &'static str {
        "tpcdsgen 4.0.0"
    }

    fn parts(&self, table: &str, scale: Scale) -> anyhow::Result<Vec<Part>> {
        let (table, source_rows) = source(table, scale)?;
        // Tenths of rows of a source row, which is an order in sales and returns: it has 8 to 16 lines, in the catalog 4 to 14,
        // and a tenth of the lines comes back. Bytes of a row in our Parquet files (measured at sf1), rounded up.
        let (tenths, bytes_per_row) = match table {
            Table::StoreSales => (120, 46),
            Table::StoreReturns => (12, 60),
            Table::CatalogSales => (90, 76),
            Table::CatalogReturns => (9, 86),
            Table::WebSales => (120, 70),
            Table::WebReturns => (12, 92),
            Table::Inventory => (10, 4),
            Table::Customer => (10, 66),
            Table::CustomerAddress => (10, 28),
            Table::CustomerDemographics => (10, 6),
            Table::DateDim => (10, 40),
            Table::TimeDim | Table::HouseholdDemographics => (10, 20),
            _ => (10, 120),
        };
        Ok(split(source_rows * tenths / 10, bytes_per_row))
    }

    /// Text columns come as string views. In the file both kinds of string are the same, and since the file carries
    /// no Arrow schema it reads back as plain text, so nothing is converted.
    fn open(&self, table: &str, scale: Scale, part: Part) -> anyhow::Result<Batches> {
        let (table, source_rows) = source(table, scale)?;
        let session = session(scale)?;
        // Source rows count from 1. Those of another part are skipped in the generator's random numbers, not made.
        let end = |parts: u32| source_rows * u64::from(parts) / u64::from(part.count);
        let (first, last) = (end(part.index) + 1, end(part.index + 1));
        macro_rules! batches {
            ($reader:ident) => {
                Box::new($reader::new(session).with_source_row_range(first, last).with_batch_size(BATCH_ROWS))
            };
        }
        Ok(match table {
            Table::CallCenter => batches!(CallCenterArrow),
            Table::CatalogPage => batches!(CatalogPageArrow),
            Table::CatalogReturns => batches!(CatalogReturnsArrow),
            Table::CatalogSales => batches!(CatalogSalesArrow),
            Table::Customer => batches!(CustomerArrow),
            Table::CustomerAddress => batches!(CustomerAddressArrow),
            Table::CustomerDemographics => batches!(CustomerDemographicsArrow),
            Table::DateDim => batches!(DateDimArrow),
            Table::HouseholdDemographics => batches!(HouseholdDemographicsArrow),
            Table::IncomeBand => batches!(IncomeBandArrow),
            Table::Inventory => batches!(InventoryArrow),
            Table::Item => batches!(ItemArrow),
            Table::Promotion => batches!(PromotionArrow),
            Table::Reason => batches!(ReasonArrow),
            Table::ShipMode => batches!(ShipModeArrow),
            Table::Store => batches!(StoreArrow),
            Table::StoreReturns => batches!(StoreReturnsArrow),
            Table::StoreSales => batches!(StoreSalesArrow),
            Table::TimeDim => batches!(TimeDimArrow),
            Table::Warehouse => batches!(WarehouseArrow),
            Table::WebPage => batches!(WebPageArrow),
            Table::WebReturns => batches!(WebReturnsArrow),
            Table::WebSales => batches!(WebSalesArrow),
            Table::WebSite => batches!(WebSiteArrow),
            // It holds the time of its making, so that no two datasets would be the same.
            Table::DbgenVersion => return unknown(table.get_name()),
        })
    }
}

/// The table of that name and the rows from which its own are made: in a table of sales or returns they are orders.
fn source(name: &str, scale: Scale) -> anyhow::Result<(Table, u64)> {
    let Ok(table) = name.parse::<Table>() else { return unknown(name) };
    if table == Table::DbgenVersion {
        return unknown(name);
    }
    Ok((table, session(scale)?.get_scaling().get_row_count(table)))
}

fn session(scale: Scale) -> anyhow::Result<Session> {
    let factor = scale.factor();
    ensure!(
        factor >= SMALLEST,
        "TPC-DS at {scale} would lack rows that others refer to: take a scale of {SMALLEST} or more"
    );
    let session = SessionBuilder::new().with_scale_factor(factor).build();
    session.with_context(|| format!("tpcdsgen does not make {scale}"))
}

fn unknown<T>(table: &str) -> anyhow::Result<T> {
    bail!("tpcdsgen makes no table '{table}'")
}

#[cfg(test)]
mod tests {
    use arrow::array::RecordBatch;

    use super::*;
    use crate::host::suite::Suite;

    fn scale() -> Scale {
        "sf0.01".parse().unwrap()
    }

    fn rows(table: &str, index: u32, count: u32) -> RecordBatch {
        let part = Part { index, count, rows: 0, bytes: 0 };
        let batches = Tpcds.open(table, scale(), part).unwrap();
        let schema = batches.schema();
        let batches: Vec<_> = batches.map(Result::unwrap).collect();
        arrow::compute::concat_batches(&schema, &batches).unwrap()
    }

    fn expected(table: &str, scale: Scale) -> u64 {
        Tpcds.parts(table, scale).unwrap().iter().map(|part| part.rows).sum()
    }

    #[test]
    fn the_version_in_manifests_is_the_one_that_is_linked() {
        let lock = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.lock"));
        let (name, version) = Tpcds.version().split_once(' ').unwrap();
        let locked = format!("name = \"{name}\"\nversion = \"{version}\"\n");
        assert!(lock.contains(&locked), "{locked} is not in Cargo.lock");
    }

    #[test]
    fn parts_follow_one_another_without_gap() {
        let split = [
            "store_sales",
            "store_returns",
            "catalog_sales",
            "catalog_returns",
            "web_sales",
            "web_returns",
            "inventory",
            "customer",
            "customer_address",
        ];
        for table in split {
            let parts: Vec<_> = (0..7).map(|index| rows(table, index, 7)).collect();
            assert!(parts.iter().all(|part| part.num_rows() > 0), "{table}");
            let together = arrow::compute::concat_batches(&parts[0].schema(), &parts).unwrap();
            assert_eq!(together, rows(table, 0, 1), "{table}");
        }
    }

    #[test]
    fn a_row_that_depends_on_the_one_before_stands_in_its_file() {
        // New versions of an item take what the version before had, so these tables are never split.
        for table in ["call_center", "item", "store", "web_page", "web_site"] {
            assert_eq!(Tpcds.parts(table, "sf1000".parse().unwrap()).unwrap().len(), 1, "{table}");
        }
    }

    #[test]
    fn the_expected_rows_are_close_to_the_real_ones() {
        for table in ["store_sales", "store_returns", "catalog_sales", "catalog_returns", "web_sales", "web_returns"] {
            let (real, expected) = (rows(table, 0, 1).num_rows() as u64, expected(table, scale()));
            assert!(expected.abs_diff(real) * 100 <= real * 10, "{table}: {expected} and not {real}");
        }
        for table in Suite::read("tpcds").unwrap().tables {
            let (declared, expected) = (table.rows_at_sf1, expected(&table.name, Scale::ONE));
            assert!(expected.abs_diff(declared) * 1000 <= declared * 5, "{}: {expected}", table.name);
        }
    }

    #[test]
    fn what_is_no_table_or_no_scale_is_an_error() {
        for table in ["lineitem", "dbgen_version"] {
            assert!(Tpcds.parts(table, Scale::ONE).unwrap_err().to_string().contains(table));
        }
        let error = Tpcds.parts("store", "sf0.001".parse().unwrap()).unwrap_err().to_string();
        assert!(error.contains("0.01 or more"), "{error}");
    }
}
