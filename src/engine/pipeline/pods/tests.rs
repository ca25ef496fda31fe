//! The plan against sums that are written down here, in every combination of its options.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray as _, Date32Array, Int64Array, StringArray, TimestampMicrosecondArray};
use arrow::datatypes::{Date32Type, Int64Type};
use arrow::record_batch::RecordBatch;
use parquet::arrow::ArrowWriter;
use parquet::file::properties::WriterProperties;

use super::super::input::Table;
use super::super::options::SinkMethod;
use super::super::{Options, Tables};
use super::daily;
use crate::engine::{Result, Spans};

const DAY: i32 = 20_458;
const HOUR: i64 = 3_600_000_000;

/// A line item: the hour since the first day's beginning, namespace, node, labels, and what is summed.
type Item<'a> = (i64, &'a str, &'a str, Option<&'a str>, i64);

/// Writes a table, with row groups of two rows.
fn write(folder: &Path, name: &str, columns: Vec<(&str, ArrayRef)>) -> PathBuf {
    let path = folder.join(format!("{name}.parquet"));
    let batch =
        RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(name, column)| (name, column, true)));
    let batch = batch.unwrap();
    let properties = WriterProperties::builder().set_max_row_group_row_count(Some(2)).build();
    let mut writer = ArrowWriter::try_new(File::create(&path).unwrap(), batch.schema(), Some(properties)).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    path
}

fn texts<'a>(values: impl IntoIterator<Item = Option<&'a str>>) -> ArrayRef {
    Arc::new(values.into_iter().collect::<StringArray>())
}

fn tables(folder: &Path, items: &[Item<'_>], nodes: &[(i32, &str, Option<&str>)]) -> Tables {
    let starts = items.iter().map(|item| i64::from(DAY) * 24 * HOUR + item.0 * HOUR);
    let numbers =
        |factor: i64| Arc::new(Int64Array::from_iter_values(items.iter().map(|item| item.4 * factor))) as ArrayRef;
    let usage = write(
        folder,
        "pod_usage",
        vec![
            ("interval_start", Arc::new(TimestampMicrosecondArray::from_iter_values(starts))),
            ("namespace", texts(items.iter().map(|item| Some(item.1)))),
            ("node", texts(items.iter().map(|item| Some(item.2)))),
            ("pod_labels", texts(items.iter().map(|item| item.3))),
            ("cpu_usage_ms", numbers(1)),
            ("cpu_request_ms", numbers(10)),
            ("memory_usage_kib", numbers(100)),
            ("memory_request_kib", numbers(1000)),
        ],
    );
    let days = |days: Vec<i32>| Arc::new(Date32Array::from(days)) as ArrayRef;
    let nodes = write(
        folder,
        "node_labels",
        vec![
            ("usage_date", days(nodes.iter().map(|node| node.0).collect())),
            ("node", texts(nodes.iter().map(|node| Some(node.1)))),
            ("node_labels", texts(nodes.iter().map(|node| node.2))),
        ],
    );
    let namespaces = write(
        folder,
        "namespace_labels",
        vec![
            ("usage_date", days(vec![DAY, DAY + 1, DAY])),
            ("namespace", texts([Some("shop"), Some("shop"), Some("bare")])),
            ("namespace_labels", texts([Some(r#"{"team":"red","of":"namespace"}"#), Some(r#"{"team":"blue"}"#), None])),
        ],
    );
    let table = |path: &PathBuf| Table::open(&[path.as_path()]).unwrap();
    let named = [("pod_usage", &usage), ("node_labels", &nodes), ("namespace_labels", &namespaces)];
    Tables(named.into_iter().map(|(name, path)| (name.to_owned(), table(path))).collect())
}

/// All combinations but for the sink, which comes after them, and connections, of which files have none; the cache is so small that it
/// forgets.
fn all() -> impl Iterator<Item = Options> {
    (0..32_u8).map(|bits| Options {
        streaming: bits & 1 > 0,
        columnar: bits & 2 > 0,
        parallel: bits & 4 > 0,
        label_cache: (bits & 8 > 0).then_some(2),
        ahead: if bits & 16 > 0 { 2 } else { 0 },
        pool: false,
        sink: SinkMethod::None,
    })
}

type Answer = BTreeMap<(i32, String, String, String), [i64; 5]>;

fn answer(tables: &Tables, options: &Options) -> Result<Answer> {
    let mut spans = Spans::default();
    let batches = daily(tables, options, 3, &mut spans)?;
    let mut answer = Answer::new();
    for batch in batches {
        let text = |column: usize, row: usize| batch.column(column).as_string::<i32>().value(row).to_owned();
        for row in 0..batch.num_rows() {
            let day = batch.column(0).as_primitive::<Date32Type>().value(row) - DAY;
            let sums = std::array::from_fn(|place| batch.column(4 + place).as_primitive::<Int64Type>().value(row));
            let before = answer.insert((day, text(1, row), text(2, row), text(3, row)), sums);
            assert!(before.is_none(), "a group is there twice");
        }
    }
    Ok(answer)
}

#[test]
fn daily_sums_by_day_and_merged_labels_in_every_way() {
    let folder = tempfile::tempdir().unwrap();
    let odd = r#"{"gr\u00f6\u00dfe":"\ud83d\ude80","a\"q":"x\\y"}"#;
    let items = [
        (0, "shop", "n1", Some(r#"{"app":"a","team":"green"}"#), 1),
        // The same labels, written otherwise.
        (1, "shop", "n1", Some(r#"{ "team": "green", "app": "a" }"#), 2),
        (23, "shop", "n1", Some(r#"{"app":"a","team":"gr\u0065en"}"#), 4),
        // The next day, with other labels of node and namespace.
        (24, "shop", "n1", Some(r#"{"app":"a"}"#), 8),
        (2, "bare", "n2", None, 16),
        (3, "bare", "n2", Some("{}"), 32),
        (4, "bare", "n1", Some(odd), 64),
        // Neither node nor namespace is known.
        (5, "nowhere", "n9", None, 128),
    ];
    let nodes = [(DAY, "n1", Some(r#"{"of":"node","os":"linux"}"#)), (DAY + 1, "n1", None), (DAY, "n2", Some("{}"))];
    let tables = tables(folder.path(), &items, &nodes);
    let row = |day: i32, namespace: &str, node: &str, labels: &str, items: i64, sum: i64| {
        let key = (day, namespace.to_owned(), node.to_owned(), labels.to_owned());
        (key, [items, sum, sum * 10, sum * 100, sum * 1000])
    };
    let wanted = Answer::from([
        row(0, "shop", "n1", r#"{"app":"a","of":"namespace","os":"linux","team":"green"}"#, 3, 7),
        row(1, "shop", "n1", r#"{"app":"a","team":"blue"}"#, 1, 8),
        row(0, "bare", "n2", "{}", 2, 48),
        row(0, "bare", "n1", r#"{"a\"q":"x\\y","größe":"🚀","of":"node","os":"linux"}"#, 1, 64),
        row(0, "nowhere", "n9", "{}", 1, 128),
    ]);
    for options in all() {
        assert_eq!(answer(&tables, &options).unwrap(), wanted, "{options:?}");
    }
}

#[test]
fn daily_of_nothing_is_one_empty_batch() {
    let folder = tempfile::tempdir().unwrap();
    let tables = tables(folder.path(), &[], &[]);
    for options in all() {
        let batches = daily(&tables, &options, 2, &mut Spans::default()).unwrap();
        assert_eq!((batches.len(), batches[0].num_rows(), batches[0].num_columns()), (1, 0, 9), "{options:?}");
    }
}

#[test]
fn daily_tells_where_labels_are_malformed_and_sums_too_large() {
    let folder = tempfile::tempdir().unwrap();
    for (broken, large, told) in [
        (Some(r#"{"app": "a""#), 1, "no JSON object of texts"),
        (Some(r#"{"app": 1}"#), 1, "no JSON object of texts"),
        (None, i64::MAX / 1000, "beyond 64 bits"),
    ] {
        let items = [(0, "shop", "n1", None, large), (1, "shop", "n1", broken, large), (2, "shop", "n1", None, large)];
        let tables = tables(folder.path(), &items, &[]);
        for options in all() {
            let error = format!("{:#}", answer(&tables, &options).unwrap_err());
            assert!(error.contains(told), "{options:?}: {error}");
            let named = broken.is_none() || (error.contains("namespace shop") && error.contains("node n1"));
            assert!(named, "{error}");
        }
    }
    let items = [(0, "shop", "n1", None, 1)];
    let twice = tables(folder.path(), &items, &[(DAY, "n1", None), (DAY, "n1", Some("{}"))]);
    for options in all() {
        assert!(answer(&twice, &options).unwrap_err().to_string().contains("n1 twice"));
    }
}
