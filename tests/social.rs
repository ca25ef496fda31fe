//! Social posts: what the suite declares, its two formats, and every query on every engine whose program is there, at sf0.01.
#![cfg(feature = "harness")]
#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use std::collections::BTreeSet;
use std::fs::File;

use arrow::array::{AsArray as _, RecordBatch};
use arrow::datatypes::TimestampMicrosecondType;
use common::{Bench, assert_verified, catalog, text, there, twin};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use querydyno::host::data::generate::Store;
use querydyno::host::suite::Suite;
use querydyno::protocol::dataset::{Dataset, Table};
use querydyno::protocol::id::Scale;
use test_case::test_case;

fn social() -> Suite {
    Suite::read("social").unwrap()
}

fn scale() -> Scale {
    "0.01".parse().unwrap()
}

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

#[test]
fn suite_orders_every_answer_but_the_table_itself() {
    let suite = social();
    assert!(suite.on_request && suite.queries.len() == 5);
    for query in &suite.queries {
        assert_ne!(query.order.is_empty(), !query.no_stored_answer, "{}", query.name);
    }
    let declared: BTreeSet<&str> = suite
        .queries
        .iter()
        .find(|query| query.no_stored_answer)
        .unwrap()
        .columns
        .iter()
        .map(|c| c.name.as_str())
        .collect();
    let root = tempfile::tempdir().unwrap();
    let table = posts(&ensure(&root, false)).clone();
    let found: Vec<String> = read(&table)[0].schema().fields().iter().map(|field| field.name().clone()).collect();
    assert_eq!(declared, found.iter().map(String::as_str).collect::<BTreeSet<_>>());
}

fn ensure(root: &tempfile::TempDir, by_category: bool) -> Dataset {
    let (store, tables) = (Store::new(root.path()), names(&["users", "posts"]));
    if by_category {
        store.ensure_by_category(&social(), scale(), &tables).unwrap()
    } else {
        store.ensure(&social(), scale(), "parquet", &tables).unwrap()
    }
}

fn posts(dataset: &Dataset) -> &Table {
    dataset.tables.iter().find(|table| table.name == "posts").unwrap()
}

fn read(table: &Table) -> Vec<RecordBatch> {
    let batches = |path: &std::path::Path| {
        let reader = ParquetRecordBatchReaderBuilder::try_new(File::open(path).unwrap()).unwrap().build().unwrap();
        reader.map(Result::unwrap).collect::<Vec<_>>()
    };
    table.paths().unwrap().into_iter().flat_map(batches).collect()
}

#[test]
fn a_category_has_a_folder_with_its_rows_in_their_order() {
    let root = tempfile::tempdir().unwrap();
    let (plain, dealt) = (ensure(&root, false), ensure(&root, true));
    assert_eq!((plain.format.as_str(), dealt.format.as_str()), ("parquet", "parquet-by-category"));
    assert_eq!(plain.tables[0], dealt.tables[0], "users have no column for it and stay as they are");
    assert_ne!(plain.sha256, dealt.sha256);
    assert!(dealt.layout.ends_with(", posts by value of category"), "{}", dealt.layout);
    let (source, table) = (&read(posts(&plain)), posts(&dealt));
    let folders = table.folders.as_ref().unwrap();
    assert_eq!((folders.column.as_str(), table.files.len(), table.rows), ("category", 7, 10_000));
    for path in table.paths().unwrap() {
        let below = path.strip_prefix(folders.root.local().unwrap()).unwrap().to_str().unwrap().to_owned();
        let category = below.strip_prefix("category=").unwrap().strip_suffix("/part-000.parquet").unwrap().to_owned();
        let found = read(&Table { files: vec![path.to_owned().into()], ..Table::default() });
        assert!(found[0].column_by_name("category").is_none());
        let times = |batches: &[RecordBatch], wanted: Option<&str>| {
            let mut times = Vec::new();
            for batch in batches {
                let stamps = batch["timestamp"].as_primitive::<TimestampMicrosecondType>();
                for row in 0..batch.num_rows() {
                    if wanted.is_none_or(|wanted| batch["category"].as_string::<i32>().value(row) == wanted) {
                        times.push(stamps.value(row));
                    }
                }
            }
            times
        };
        assert_eq!(times(&found, None), times(source, Some(category.as_str())), "{category}");
    }
    // What is there is not made again, and what is broken is.
    assert_eq!(ensure(&root, true), dealt);
    let file = table.paths().unwrap()[3].to_owned();
    let content = std::fs::read(&file).unwrap();
    std::fs::write(&file, &content[1..]).unwrap();
    assert_eq!(ensure(&root, true), dealt);
    assert!(std::fs::read(&file).unwrap() == content);
}

#[test]
fn a_suite_that_names_its_formats_has_no_others() {
    let error = |filter: &str| {
        let mut bench = Bench::cheap("", filter).env("TEST_WORKLOAD", "social");
        text(&bench.run())
    };
    let told = error("duckdb/social-a/sf0.01/iceberg");
    assert!(told.contains("no cell matches") && told.contains("parquet-by-category"), "{told}");
}

#[test_case("duckdb")]
#[test_case("datafusion")]
#[test_case("polars")]
#[test_case("polars-wheel")]
#[test_case("daft")]
#[test_case("pandas")]
#[test_case("duckdb-wheel")]
#[test_case("datafusion-wheel")]
fn every_query_is_verified_in_both_formats(engine: &str) {
    let engine = catalog().entry(engine).unwrap();
    let Some(program) = there(&engine) else { return };
    // The program that is there, as an entry of the test's own.
    let (name, config) = twin(&engine, &program);
    let filter = format!("^{name}/social-.*/parquet(-by-category)?$");
    let mut bench = Bench::cheap(&config, &filter).env("TEST_WORKLOAD", "social");
    let output = bench.run();
    let records = bench.records();
    assert_eq!(records.len(), 10, "{}", text(&output));
    for record in &records {
        if record.id.query == "social-load" {
            // Its answer is not stored, and no other engine answers in this run: only its rows are counted.
            assert!(record.is_measured() && record.rows == Some(10_000), "{}: {:?}", record.id, record.reason());
        } else {
            assert_verified(record);
        }
    }
}
