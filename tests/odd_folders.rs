//! Folders as people really have them: what writers leave behind, links, endings, logs of other formats, names that are hard to
//! type. The tables come from `programs/odd_tables.py`, and what is right from an engine that knows.
#![cfg(feature = "harness")]

mod common;

use common::odd::{ask, assert_right, number, reasons};
use test_case::test_case;

const COUNT: &str = "SELECT count(*) AS n FROM {table}";

#[test_case("leftovers", 2, 40_000; "leaves out what writers leave behind")]
#[test_case("endings", 4, 80_000; "takes the usual endings")]
#[test_case("unnamed/*", 4, 80_000; "takes any name that a pattern means")]
#[test_case("links", 2, 40_000; "takes each real file once and no circle")]
#[test_case("links/**/*.parquet", 2, 40_000; "takes each real file of a deep pattern once")]
#[test_case("export@20240101", 1, 20_000; "is a path with an at in it")]
#[test_case("days/year=2024", 1, 20_000; "is a path with an equals sign")]
#[test_case("days/year=2024/*.parquet", 1, 20_000; "is a pattern with an equals sign")]
fn folder_is_read_as_it_is_meant(table: &str, files: usize, rows: u64) {
    let Some(records) = assert_right(table, COUNT, &number(rows)) else { return };
    for record in &records {
        let [read] = record.dataset.tables.as_slice() else { panic!("{:?}", record.dataset.tables) };
        assert_eq!((read.file_count, read.rows, read.engine_rows), (files, rows, Some(rows)), "{}", record.id);
        let told = format!("{files} file{}, {rows} rows, as the engine counts", if files == 1 { "" } else { "s" });
        assert_eq!(record.dataset.read_in_words(), Some(told));
    }
}

#[test_case("delta", &["delta is a Delta table", "_delta_log", "export the table"]; "a delta table")]
#[test_case("delta/*.parquet", &["delta is a Delta table"]; "a delta table by a pattern")]
#[test_case("hudi", &["hudi is a Hudi table", ".hoodie"]; "a hudi table")]
#[test_case("dangling", &["the link ", "dangling/b.parquet leads to /nowhere/b.parquet, which is not there"]; "a link to nowhere")]
#[test_case("unnamed", &["000000_0 is a Parquet file, and its name does not end in .parquet"]; "an ending that may be meant")]
fn folder_is_refused_with_the_reason(table: &str, told: &[&str]) {
    let Some(records) = ask(table, COUNT) else { return };
    assert!(records.iter().all(|record| record.is_failed() && record.verdict.is_none()));
    for reason in reasons(&records) {
        assert!(told.iter().all(|words| reason.contains(words)), "{reason}");
    }
}

#[test]
fn folder_named_like_a_column_comes_with_a_caution() {
    let Some(records) = ask("days/year=2024/*.parquet", COUNT) else { return };
    for record in &records {
        assert!(record.dataset.cautions.iter().any(|caution| caution.contains("year=2024, is none of them")));
    }
}
