//! What is answered, what is refused and what is an error, over a table of five rows.

use std::collections::BTreeMap;
use std::fs::File;
use std::sync::Arc;

use arrow::array::{
    ArrayRef, Decimal256Array, Float32Array, Int32Array, Int64Array, RecordBatch, StringArray,
    TimestampMicrosecondArray, UInt64Array,
};
use arrow::datatypes::i256;
use arrow::util::display::array_value_to_string;
use parquet::arrow::ArrowWriter;
use parquet::file::properties::WriterProperties;
use tempfile::TempDir;
use test_case::test_case;

use super::*;
use crate::engine::arrow::Tables;
use crate::engine::arrow::table::Table;
use crate::engine::{Result, Unsupported};

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

fn run(sql: &str, tables: &Tables, threads: usize) -> Result<Vec<RecordBatch>> {
    Select::read(sql, tables)?.run(tables, threads)
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

#[test_case("SELECT id, \"Name\" FROM t", &["4|a", "2|it's", "0|c", "1|", "3|e"]; "columns in the order of the table")]
#[test_case("SELECT * FROM t WHERE id = 9", &[]; "no rows")]
#[test_case("SELECT a.id FROM t a WHERE name = 'it''s'", &["2"]; "a column by its table")]
#[test_case("SELECT id AS n FROM t ORDER BY n DESC LIMIT 2", &["4", "3"]; "rows in an order")]
#[test_case("SELECT price FROM t ORDER BY price", &["1", "2", "50000", "60000", ""]; "nulls come last")]
#[test_case("SELECT count(*), count(price), min(id), max(name), avg(price) FROM t", &["5|4|0|it's|27500.75"]; "totals")]
#[test_case("SELECT sum(big), sum(id) FROM t", &["36893488147419103231|10"]; "sums are exact")]
#[test_case("SELECT max(price * price) FROM t", &["3600000000"]; "products are wide")]
#[test_case("SELECT id FROM t WHERE id * 0.5 >= 1.5 AND price < 3", &["3"]; "decimals")]
#[test_case("SELECT count(*) FROM t WHERE price <> 1", &["3"]; "a null passes no filter")]
#[test_case("SELECT id FROM t WHERE x > 1.75", &["0", "3"]; "a nan is the largest")]
#[test_case("SELECT id FROM t WHERE x = 0.0 AND id > -1", &["2"]; "zero has no sign")]
#[test_case("SELECT min(x) FROM t WHERE x >= 0", &["0.0"]; "nan has no sign")]
#[test_case("SELECT count(*) FROM t WHERE at < TIMESTAMP '1970-01-01 00:00:00.000000001'", &["1"]; "nanoseconds")]
#[test_case("SELECT count(*), sum(id), max(id), avg(id) FROM t WHERE id > 9", &["0|||"]; "totals of no rows")]
#[test_case("SELECT CAST(at AS TIMESTAMP) FROM t WHERE at >= TIMESTAMP '1970-01-02 00:00:00'", &["1970-01-02T00:00:00"]; "instants")]
fn answers(sql: &str, rows: &[&str]) {
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

#[test_case("SELECT a.id FROM t a JOIN t b ON a.id = b.id"; "a join")]
#[test_case("SELECT id, count(*) FROM t GROUP BY id"; "groups")]
#[test_case("SELECT id FROM t GROUP BY id"; "groups without totals")]
#[test_case("SELECT DISTINCT id FROM t"; "distinct rows")]
#[test_case("SELECT count(DISTINCT id) FROM t"; "a distinct count")]
#[test_case("SELECT sum(id) FILTER (WHERE id > 1) FROM t"; "a filtered total")]
#[test_case("SELECT sum(id) OVER () FROM t"; "a window")]
#[test_case("SELECT count(*) FROM t HAVING count(*) > 1"; "having")]
#[test_case("WITH a AS (SELECT * FROM t) SELECT * FROM a"; "a common table")]
#[test_case("SELECT id FROM t LIMIT 1 OFFSET 1"; "an offset")]
#[test_case("SELECT * EXCLUDE (id) FROM t"; "less than a star")]
#[test_case("SELECT id FROM t TABLESAMPLE (1 ROWS)"; "a sample")]
#[test_case("SELECT TRY_CAST(id AS BIGINT) FROM t"; "an attempt to cast")]
#[test_case("SELECT id FROM t WHERE at = TIMESTAMP '1970-01-01 02:00:00+02:00'"; "a literal with a zone")]
#[test_case("SELECT id / 2 FROM t"; "a division")]
#[test_case("SELECT id FROM t; SELECT id FROM t"; "two statements")]
#[test_case("SELECT id FROM t ORDER BY price"; "another order")]
fn refuses_what_it_does_not_do(sql: &str) {
    let (tables, _folder) = five_rows();
    let error = Select::read(sql, &tables).unwrap_err();
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

#[test_case("SELECT nothing FROM t", "no column nothing"; "a column that is not there")]
#[test_case("SELECT \"name\" FROM t", "no column \"name\""; "a quoted name of other case")]
#[test_case("SELECT id * 9223372036854775807 FROM t", "verflow"; "a product that does not fit")]
fn fails(sql: &str, told: &str) {
    let (tables, _folder) = five_rows();
    let error = format!("{:#}", run(sql, &tables, 1).unwrap_err());
    assert!(error.contains(told), "{error}");
}
