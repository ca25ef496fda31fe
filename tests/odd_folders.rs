//! Folders as people really have them: what writers leave behind, links, endings, logs of other formats, names that are hard to
//! type. The tables come from `programs/odd_tables.py`, and what is right from an engine that knows.
#![cfg(feature = "harness")]

mod common;

use common::odd::{ask, assert_right, number, reasons};
use rstest::rstest;

const COUNT: &str = "SELECT count(*) AS n FROM {table}";

#[rstest]
#[case::leaves_out_what_writers_leave_behind("leftovers", 2, 40_000)]
#[case::takes_the_usual_endings("endings", 4, 80_000)]
#[case::takes_any_name_that_a_pattern_means("unnamed/*", 4, 80_000)]
#[case::takes_each_real_file_once_and_no_circle("links", 2, 40_000)]
#[case::takes_each_real_file_of_a_deep_pattern_once("links/**/*.parquet", 2, 40_000)]
#[case::is_a_path_with_an_at_in_it("export@20240101", 1, 20_000)]
#[case::is_a_path_with_an_equals_sign("days/year=2024", 1, 20_000)]
#[case::is_a_pattern_with_an_equals_sign("days/year=2024/*.parquet", 1, 20_000)]
fn folder_is_read_as_it_is_meant(#[case] table: &str, #[case] files: usize, #[case] rows: u64) {
    let Some(records) = assert_right(table, COUNT, &number(rows)) else { return };
    for record in &records {
        let [read] = record.dataset.tables.as_slice() else { panic!("{:?}", record.dataset.tables) };
        assert_eq!((read.file_count, read.rows, read.engine_rows), (files, rows, Some(rows)), "{}", record.id);
        let told = format!("{files} file{}, {rows} rows, as the engine counts", if files == 1 { "" } else { "s" });
        assert_eq!(record.dataset.read_in_words(), Some(told));
    }
}

#[rstest]
#[case::a_delta_table("delta", &["delta is a Delta table", "_delta_log", "export the table"])]
#[case::a_delta_table_by_a_pattern("delta/*.parquet", &["delta is a Delta table"])]
#[case::a_hudi_table("hudi", &["hudi is a Hudi table", ".hoodie"])]
#[case::a_link_to_nowhere("dangling", &["the link ", "dangling/b.parquet leads to /nowhere/b.parquet, which is not there"])]
#[case::an_ending_that_may_be_meant("unnamed", &["000000_0 is a Parquet file, and its name does not end in .parquet"])]
fn folder_is_refused_with_the_reason(#[case] table: &str, #[case] told: &[&str]) {
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
