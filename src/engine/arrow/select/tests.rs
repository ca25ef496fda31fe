//! What is answered, what is refused and what is an error, over a table of five rows.

use std::collections::BTreeMap;
use std::fs::File;
use std::sync::Arc;

use arrow::array::{
    ArrayRef, Decimal256Array, Float32Array, Int32Array, Int64Array, StringArray, TimestampMicrosecondArray,
    UInt64Array,
};
use arrow::datatypes::i256;
use arrow::util::display::array_value_to_string;
use parquet::arrow::ArrowWriter;
use parquet::file::properties::WriterProperties;
use rstest::rstest;
use tempfile::TempDir;

use super::*;
use crate::engine::Unsupported;
use crate::engine::arrow::table::Table;

/// A table `t` of five rows in three row groups.
fn five_rows() -> (Tables, TempDir) {
    let wide = Decimal256Array::from(vec![i256::from(1); 5]).with_precision_and_scale(60, 2).unwrap();
    let columns: [(&str, ArrayRef); 7] = [
        ("wide", Arc::new(wide)),
        ("id", Arc::new(Int64Array::from(vec![4, 2, 0, 1, 3]))),
        ("price", Arc::new(Int32Array::from(vec![Some(50_000), None, Some(60_000), Some(1), Some(2)]))),
        ("big", Arc::new(UInt64Array::from(vec![u64::MAX, 1, u64::MAX, 0, 0]))),
        ("x", Arc::new(Float32Array::from(vec![0.5, -0.0, -f32::NAN, -1.0, 2.0]))),
        ("Name", Arc::new(StringArray::from(vec!["a", "it's", "c", "", "e"]))),
        (
            "at",
            Arc::new(TimestampMicrosecondArray::from(vec![0, 1, 2, 3, 86_400_000_000]).with_timezone("Europe/Berlin")),
        ),
    ];
    let batch = RecordBatch::try_from_iter_with_nullable(columns.map(|(name, column)| (name, column, true))).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("t.parquet");
    let properties = WriterProperties::builder().set_max_row_group_row_count(Some(2)).build();
    let mut writer = ArrowWriter::try_new(File::create(&path).unwrap(), batch.schema(), Some(properties)).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    (Tables(BTreeMap::from([("t".to_owned(), Table::open(&[path]).unwrap())])), folder)
}

/// The rows of an answer as `1|a`.
fn answer(sql: &str) -> Vec<String> {
    let (tables, _folder) = five_rows();
    let batches = run(sql, &tables, 2).unwrap_or_else(|error| panic!("{sql}: {error:#}"));
    let row = |batch: &RecordBatch, row: usize| {
        let cells = batch.columns().iter().map(|column| array_value_to_string(column, row).unwrap());
        cells.collect::<Vec<_>>().join("|")
    };
    batches.iter().flat_map(|batch| (0..batch.num_rows()).map(move |place| row(batch, place))).collect()
}

#[rstest]
#[case::columns_in_the_order_of_the_table("SELECT id, \"Name\" FROM t", &["4|a", "2|it's", "0|c", "1|", "3|e"])]
#[case::no_rows("SELECT * FROM t WHERE id = 9", &[])]
#[case::a_column_by_its_table("SELECT a.id FROM t a WHERE name = 'it''s'", &["2"])]
#[case::rows_in_an_order("SELECT id AS n FROM t ORDER BY n DESC LIMIT 2", &["4", "3"])]
#[case::nulls_come_last("SELECT price FROM t ORDER BY price", &["1", "2", "50000", "60000", ""])]
#[case::totals("SELECT count(*), count(price), min(id), max(name), avg(price) FROM t", &["5|4|0|it's|27500.75"])]
#[case::sums_are_exact("SELECT sum(big), sum(id) FROM t", &["36893488147419103231|10"])]
#[case::products_are_wide("SELECT max(price * price) FROM t", &["3600000000"])]
#[case::decimals("SELECT id FROM t WHERE id * 0.5 >= 1.5 AND price < 3", &["3"])]
#[case::a_null_passes_no_filter("SELECT count(*) FROM t WHERE price <> 1", &["3"])]
#[case::a_nan_is_the_largest("SELECT id FROM t WHERE x > 1.75", &["0", "3"])]
#[case::zero_has_no_sign("SELECT id FROM t WHERE x = 0.0 AND id > -1", &["2"])]
#[case::nan_has_no_sign("SELECT min(x) FROM t WHERE x >= 0", &["0.0"])]
#[case::nanoseconds("SELECT count(*) FROM t WHERE at < TIMESTAMP '1970-01-01 00:00:00.000000001'", &["1"])]
#[case::totals_of_no_rows("SELECT count(*), sum(id), max(id), avg(id) FROM t WHERE id > 9", &["0|||"])]
#[case::instants("SELECT CAST(at AS TIMESTAMP) FROM t WHERE at >= TIMESTAMP '1970-01-02 00:00:00'", &["1970-01-02T00:00:00"])]
fn answers(#[case] sql: &str, #[case] rows: &[&str]) {
    assert_eq!(answer(sql), rows, "{sql}");
}

#[test]
fn star_means_all_columns() {
    let (tables, _folder) = five_rows();
    for batch in run("SELECT * FROM t", &tables, 1).unwrap() {
        let schema = batch.schema();
        let names: Vec<&String> = schema.fields().iter().map(|field| field.name()).collect();
        assert_eq!(names, ["wide", "id", "price", "big", "x", "Name", "at"]);
    }
}

#[rstest]
#[case::a_join("SELECT a.id FROM t a JOIN t b ON a.id = b.id")]
#[case::groups("SELECT id, count(*) FROM t GROUP BY id")]
#[case::groups_without_totals("SELECT id FROM t GROUP BY id")]
#[case::distinct_rows("SELECT DISTINCT id FROM t")]
#[case::a_distinct_count("SELECT count(DISTINCT id) FROM t")]
#[case::a_filtered_total("SELECT sum(id) FILTER (WHERE id > 1) FROM t")]
#[case::a_window("SELECT sum(id) OVER () FROM t")]
#[case::having("SELECT count(*) FROM t HAVING count(*) > 1")]
#[case::a_common_table("WITH a AS (SELECT * FROM t) SELECT * FROM a")]
#[case::an_offset("SELECT id FROM t LIMIT 1 OFFSET 1")]
#[case::less_than_a_star("SELECT * EXCLUDE (id) FROM t")]
#[case::a_sample("SELECT id FROM t TABLESAMPLE (1 ROWS)")]
#[case::an_attempt_to_cast("SELECT TRY_CAST(id AS BIGINT) FROM t")]
#[case::a_literal_with_a_zone("SELECT id FROM t WHERE at = TIMESTAMP '1970-01-01 02:00:00+02:00'")]
#[case::a_division("SELECT id / 2 FROM t")]
#[case::two_statements("SELECT id FROM t; SELECT id FROM t")]
#[case::another_order("SELECT id FROM t ORDER BY price")]
fn refuses_what_it_does_not_do(#[case] sql: &str) {
    let (tables, _folder) = five_rows();
    let error = check(sql, &tables).unwrap_err();
    assert!(error.is::<Unsupported>(), "{sql}: {error:#}");
}

#[test]
fn refuses_types_that_it_does_not_take() {
    let (tables, _folder) = five_rows();
    for sql in [
        "SELECT id FROM t WHERE id",
        "SELECT id FROM t WHERE wide > 0.5",
        "SELECT CAST(x AS BIGINT) FROM t",
        "SELECT sum(wide) FROM t",
    ] {
        let error = run(sql, &tables, 1).unwrap_err();
        assert!(error.is::<Unsupported>(), "{error:#}");
    }
}

#[rstest]
#[case::a_column_that_is_not_there("SELECT nothing FROM t", "no column nothing")]
#[case::a_quoted_name_of_other_case("SELECT \"name\" FROM t", "no column \"name\"")]
#[case::a_product_that_does_not_fit("SELECT id * 9223372036854775807 FROM t", "verflow")]
fn fails(#[case] sql: &str, #[case] told: &str) {
    let (tables, _folder) = five_rows();
    let error = format!("{:#}", run(sql, &tables, 1).unwrap_err());
    assert!(error.contains(told), "{error}");
}
