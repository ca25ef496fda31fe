//! The tables of pod usage: hourly line items of a cluster's pods, and the labels of its nodes and namespaces by day.
//!
//! Scale 1 is a million line items, and any scale has exactly that part of them. They are of seven days: more line items are more
//! pods, on more nodes. What a row says follows from its number alone, so that parts can be made in any order. What the cluster is
//! like is in `cluster`; malformed labels are in no table that is made here.
//!
//! `cargo xtask data pods --scale 0.5`

mod cluster;
mod labels;

use std::sync::Arc;

use anyhow::bail;
use arrow::array::{
    ArrayRef, Date32Builder, Int64Builder, RecordBatch, RecordBatchIterator, StringBuilder, TimestampMicrosecondBuilder,
};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use arrow::error::ArrowError;

use super::generator::{Batches, Generator, Part, split};
use super::parquet::BATCH_ROWS;
use crate::protocol::id::Scale;
use cluster::{Cluster, DAYS, FIRST_DAY, HOURS_A_DAY};

/// Microseconds of an hour.
const HOUR: i64 = 3_600_000_000;
/// Bytes of a row in our Parquet files (measured at sf1), rounded up.
const LINE_ITEM_BYTES: u64 = 13;
const LABELS_BYTES: u64 = 16;

/// The generator; it has no state of its own.
pub(super) struct Pods;

/// The tables, in the order of the suite's file.
#[derive(Debug, Clone, Copy)]
enum Table {
    Usage,
    NodeLabels,
    NamespaceLabels,
}

impl Table {
    fn named(name: &str) -> anyhow::Result<Self> {
        Ok(match name {
            "pod_usage" => Self::Usage,
            "node_labels" => Self::NodeLabels,
            "namespace_labels" => Self::NamespaceLabels,
            _ => bail!("the generator of pod usage makes no table '{name}'"),
        })
    }

    fn rows(self, cluster: Cluster) -> u64 {
        match self {
            Self::Usage => cluster.line_items,
            Self::NodeLabels => cluster.nodes * DAYS,
            Self::NamespaceLabels => cluster.namespaces * DAYS,
        }
    }

    fn schema(self) -> SchemaRef {
        let text = |name: &str, nullable: bool| Field::new(name, DataType::Utf8, nullable);
        let number = |name: &str| Field::new(name, DataType::Int64, false);
        let day = || Field::new("usage_date", DataType::Date32, false);
        let fields = match self {
            Self::Usage => vec![
                Field::new("interval_start", DataType::Timestamp(TimeUnit::Microsecond, None), false),
                text("namespace", false),
                text("node", false),
                text("pod", false),
                text("pod_labels", true),
                number("cpu_usage_ms"),
                number("cpu_request_ms"),
                number("memory_usage_kib"),
                number("memory_request_kib"),
            ],
            Self::NodeLabels => vec![day(), text("node", false), text("node_labels", true)],
            Self::NamespaceLabels => vec![day(), text("namespace", false), text("namespace_labels", true)],
        };
        Arc::new(Schema::new(fields))
    }

    fn columns(self, cluster: Cluster, rows: std::ops::Range<u64>) -> Vec<ArrayRef> {
        match self {
            Self::Usage => usage(cluster, rows),
            Self::NodeLabels => by_day(rows, cluster.nodes, cluster::node, labels::of_node),
            Self::NamespaceLabels => by_day(rows, cluster.namespaces, cluster::namespace, |day, namespace| {
                labels::of_namespace(day, namespace)
            }),
        }
    }
}

impl Generator for Pods {
    fn version(&self) -> &'static str {
        "pod usage 1"
    }

    fn parts(&self, table: &str, scale: Scale) -> anyhow::Result<Vec<Part>> {
        let table = Table::named(table)?;
        let bytes = if matches!(table, Table::Usage) { LINE_ITEM_BYTES } else { LABELS_BYTES };
        Ok(split(table.rows(Cluster::of(scale)), bytes))
    }

    fn open(&self, table: &str, scale: Scale, part: Part) -> anyhow::Result<Batches> {
        let (table, cluster) = (Table::named(table)?, Cluster::of(scale));
        let rows = table.rows(cluster);
        let end = |parts: u32| rows * u64::from(parts) / u64::from(part.count);
        let (first, last) = (end(part.index), end(part.index + 1));
        let schema = table.schema();
        let with_schema = schema.clone();
        let batches = (first..last).step_by(BATCH_ROWS).map(move |row| -> Result<RecordBatch, ArrowError> {
            let rows = row..(row + BATCH_ROWS as u64).min(last);
            RecordBatch::try_new(with_schema.clone(), table.columns(cluster, rows))
        });
        Ok(Box::new(RecordBatchIterator::new(batches, schema)))
    }
}

/// Line items, hour after hour, in each of them the pods in their order.
fn usage(cluster: Cluster, rows: std::ops::Range<u64>) -> Vec<ArrayRef> {
    let mut starts = TimestampMicrosecondBuilder::new();
    let [mut namespaces, mut nodes, mut pods, mut texts] = std::array::from_fn(|_| StringBuilder::new());
    let mut numbers: [Int64Builder; 4] = std::array::from_fn(|_| Int64Builder::new());
    for row in rows {
        let (hour, pod) = (row / cluster.pods, cluster.pod(row % cluster.pods, row / cluster.pods));
        starts.append_value(FIRST_DAY * i64::try_from(HOURS_A_DAY).unwrap_or_default() * HOUR + signed(hour) * HOUR);
        namespaces.append_value(cluster::namespace(pod.namespace));
        nodes.append_value(cluster::node(pod.node));
        pods.append_value(pod.name());
        texts.append_option(labels::of_pod(&pod));
        for (builder, value) in numbers.iter_mut().zip(pod.usage(hour)) {
            builder.append_value(signed(value));
        }
    }
    let mut columns: Vec<ArrayRef> = vec![Arc::new(starts.finish())];
    let of_text = [namespaces, nodes, pods, texts].into_iter().map(|mut text| Arc::new(text.finish()) as ArrayRef);
    columns.extend(of_text);
    columns.extend(numbers.into_iter().map(|mut number| Arc::new(number.finish()) as ArrayRef));
    columns
}

/// What there is once a day: day after day, in each of them all that have a name.
fn by_day(
    rows: std::ops::Range<u64>,
    many: u64,
    name: impl Fn(u64) -> String,
    labels: impl Fn(u64, u64) -> Option<String>,
) -> Vec<ArrayRef> {
    let (mut days, mut names, mut texts) = (Date32Builder::new(), StringBuilder::new(), StringBuilder::new());
    for row in rows {
        let (day, which) = (row / many, row % many);
        days.append_value(i32::try_from(FIRST_DAY + signed(day)).unwrap_or(i32::MAX));
        names.append_value(name(which));
        texts.append_option(labels(day, which));
    }
    vec![Arc::new(days.finish()), Arc::new(names.finish()), Arc::new(texts.finish())]
}

fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use arrow::array::{Array as _, AsArray as _};
    use arrow::compute::concat_batches;

    use super::*;

    fn rows(table: &str, scale: &str, index: u32, count: u32) -> RecordBatch {
        let part = Part { index, count, rows: 0, bytes: 0 };
        let batches: Vec<_> = Pods.open(table, scale.parse().unwrap(), part).unwrap().map(Result::unwrap).collect();
        concat_batches(&batches[0].schema(), &batches).unwrap()
    }

    #[test]
    fn parts_follow_one_another_without_gap() {
        let parts: Vec<_> = (0..7).map(|index| rows("pod_usage", "sf0.01", index, 7)).collect();
        assert_eq!(concat_batches(&parts[0].schema(), &parts).unwrap(), rows("pod_usage", "sf0.01", 0, 1));
    }

    #[test]
    fn scales_have_exactly_their_part_of_a_million_line_items() {
        for (scale, wanted) in [("sf0.001", 1_000), ("sf0.01", 10_000), ("sf0.5", 500_000), ("sf10", 10_000_000)] {
            assert_eq!(Table::Usage.rows(Cluster::of(scale.parse().unwrap())), wanted, "{scale}");
        }
        assert_eq!(rows("pod_usage", "sf0.01", 0, 1).num_rows(), 10_000);
        assert!(Pods.parts("orders", Scale::ONE).is_err());
    }

    #[test]
    fn labels_are_skewed_repeated_at_times_missing_and_of_every_script() {
        let usage = rows("pod_usage", "sf0.1", 0, 1);
        let texts = usage.column_by_name("pod_labels").unwrap().as_string::<i32>();
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        texts.iter().flatten().for_each(|text| *counts.entry(text).or_default() += 1);
        let most = counts.values().max().copied().unwrap();
        // Of 100,000 line items: few texts, some of them far more frequent than their share.
        assert!((100..4_000).contains(&counts.len()), "{}", counts.len());
        assert!(most > 20 * usage.num_rows() / counts.len() / 10, "{most} of {}", counts.len());
        assert!((100..5_000).contains(&texts.null_count()), "{}", texts.null_count());
        let read = |text: &str| serde_json::from_str::<BTreeMap<String, String>>(text).unwrap();
        let maps: BTreeSet<_> = counts.keys().map(|text| read(text)).collect();
        // One set of labels is written in several ways.
        assert!(maps.len() < counts.len() * 9 / 10, "{} of {}", maps.len(), counts.len());
        assert!(maps.contains(&BTreeMap::new()));
        let keys: BTreeSet<&str> = maps.iter().flat_map(|map| map.keys().map(String::as_str)).collect();
        assert!(keys.iter().any(|key| key.contains('"')) && keys.iter().any(|key| !key.is_ascii()), "{keys:?}");
        assert!(counts.keys().any(|text| text.contains("\\u")));
    }

    #[test]
    fn every_namespace_and_node_of_a_line_item_has_its_labels_of_the_day() {
        let usage = rows("pod_usage", "sf0.01", 0, 1);
        for (column, table) in [("node", "node_labels"), ("namespace", "namespace_labels")] {
            let table = rows(table, "sf0.01", 0, 1);
            let names: BTreeSet<_> = table.column(1).as_string::<i32>().iter().collect();
            let used: BTreeSet<_> = usage.column_by_name(column).unwrap().as_string::<i32>().iter().collect();
            assert!(used.is_subset(&names), "{column}");
            assert_eq!(table.num_rows() as u64, names.len() as u64 * DAYS);
        }
    }
}
