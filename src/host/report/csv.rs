//! A report's cells as CSV, tidy: one row per cell and metric, for a data frame.
//!
//! | column | what it holds |
//! |---|---|
//! | `record` | the record, as `cargo xtask show` takes it |
//! | `id` | the cell: `duckdb/q1/sf1/parquet` |
//! | `label` | the engine as tables call it: with version and mode, numbered where two builds or settings have those |
//! | `engine`, `version`, `mode` | the engine's parts; no mode is its default |
//! | `query`, `workload`, `scale`, `format` | what ran on what; the scale is a number |
//! | `threads`, `cache`, `memory_limit_bytes` | what it was given; no limit is none |
//! | `machine` | processor, cores, memory, kernel |
//! | `dataset_sha256` | of the files of the query's tables |
//! | `commit` | of the source tree; `-dirty` behind it when tracked files differed from it |
//! | `inspects` | `heap` or `instructions` for a cell that was looked at for those and not timed |
//! | `outcome` | `measured`, `unchecked`, `out of memory` ... |
//! | `reason` | why there is no time that counts |
//! | `verdict` | of the answer: `official`, `reference`, `agreed`, `disputed`, `unchecked`, `wrong`; nothing where there was none |
//! | `provenance` | `measured` by a clock, or `simulated` |
//! | `metric`, `value` | a figure; the metric's name carries its unit |
//! | `low`, `high` | its 95 % interval, where there is one |
//!
//! A cell without any figure has one row with an empty metric, so that failures are in the table. With a baseline, a cell
//! that is in both has `ratio_to_base` too, its median by the base's, and `memory_ratio_to_base` and
//! `instructions_ratio_to_base` where they are known. What was left out is no row: `cargo xtask report` names it on stderr.

use anyhow::Result;
use serde::Serialize;
use serde_json::Value;

use super::gather::Found;
use super::group::state;
use super::{Change, Report};
use crate::host::record::Record;
use crate::host::stats::Interval;

const HEADER: [&str; 25] = [
    "record",
    "id",
    "label",
    "engine",
    "version",
    "mode",
    "query",
    "workload",
    "scale",
    "format",
    "threads",
    "cache",
    "memory_limit_bytes",
    "machine",
    "dataset_sha256",
    "commit",
    "inspects",
    "outcome",
    "reason",
    "verdict",
    "provenance",
    "metric",
    "value",
    "low",
    "high",
];

/// The report's cells as CSV.
///
/// # Errors
/// None that is known; the writer may have some.
pub fn render(report: &Report<'_>) -> Result<String> {
    let mut writer = ::csv::Writer::from_writer(Vec::new());
    writer.write_record(HEADER)?;
    let mut write = |fixed: &[String; 21], metrics: &[Metric]| -> Result<()> {
        for (name, value, low, high) in metrics {
            let figures = [(*name).to_owned(), number(Some(*value)), number(*low), number(*high)];
            writer.write_record(fixed.iter().chain(&figures))?;
        }
        if metrics.is_empty() {
            writer.write_record(fixed.iter().chain(&[const { String::new() }; 4]))?;
        }
        Ok(())
    };
    for group in &report.groups {
        for cell in group.cells() {
            let mut metrics = metrics(cell.record(), cell.time);
            metrics.extend(change(report, cell.found).into_iter().flat_map(ratios));
            write(&fixed(cell.found, group.contestants[cell.contestant].label.clone()), &metrics)?;
        }
    }
    for found in report.inspected {
        write(&fixed(found, found.record.label()), &metrics(&found.record, None))?;
    }
    Ok(String::from_utf8(writer.into_inner()?)?)
}

/// What became of the base in this record.
fn change<'a>(report: &'a Report<'_>, found: &Found) -> Option<&'a Change> {
    let cells = &report.changes.as_ref()?.cells;
    cells.iter().find(|change| change.head == found.record_id && change.id == found.record.id)
}

fn fixed(found: &Found, label: String) -> [String; 21] {
    let record = &found.record;
    let verdict = match &record.verdict {
        None => "",
        Some(verdict) => verdict.kind(),
    };
    let commit = record.git.as_ref().map(|git| format!("{}{}", git.commit, if git.dirty { "-dirty" } else { "" }));
    [
        found.record_id.clone(),
        record.id.to_string(),
        label,
        record.id.engine.clone(),
        record.engine.version.clone().unwrap_or_default(),
        record.mode.clone().unwrap_or_default(),
        record.id.query.clone(),
        record.dataset.workload.clone(),
        record.id.scale.factor().to_string(),
        record.dataset.format.clone(),
        record.threads.to_string(),
        record.cache.to_string(),
        record.memory_limit_bytes.map_or_else(String::new, |bytes| bytes.to_string()),
        record.host.line(),
        record.dataset.sha256.clone().unwrap_or_default(),
        commit.unwrap_or_default(),
        word(record.inspects),
        state(record).to_owned(),
        record.reason.clone().unwrap_or_default(),
        verdict.to_owned(),
        word(record.provenance),
    ]
}

/// The word that a record has for it.
fn word(value: impl Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(Value::String(word)) => word,
        _ => String::new(),
    }
}

type Metric = (&'static str, f64, Option<f64>, Option<f64>);

fn ratios(change: &Change) -> Vec<Metric> {
    let time = change.ratio;
    let others =
        [("memory_ratio_to_base", change.memory_ratio), ("instructions_ratio_to_base", change.instructions_ratio)];
    let others = others.into_iter().filter_map(|(name, value)| Some((name, value?, None, None)));
    [("ratio_to_base", time.estimate, Some(time.low), Some(time.high))].into_iter().chain(others).collect()
}

#[expect(clippy::cast_precision_loss, reason = "nanoseconds, bytes and counts are far below 2^53")]
fn metrics(record: &Record, time: Option<Interval>) -> Vec<Metric> {
    let counts = &record.counts;
    let whole = |value: Option<u64>| value.map(|value| value as f64);
    let heap = record.heap.as_ref().map(|found| found.heap);
    let mut metrics: Vec<Metric> = Vec::new();
    metrics.extend(time.map(|time| ("median_ns", time.estimate, Some(time.low), Some(time.high))));
    let single = [
        ("load_ns", whole(record.load_ns)),
        ("iceberg_catalog_ns", whole(record.planning.as_ref().map(|planning| planning.catalog_ns))),
        ("iceberg_planning_ns", whole(record.planning.as_ref().map(|planning| planning.planning_ns))),
        ("plan_ns", whole(record.phases.plan_ns)),
        ("execute_ns", whole(record.phases.execute_ns)),
        ("fetch_ns", whole(record.phases.fetch_ns)),
        ("cpu_time_ns", cpu(record)),
        ("cores_used", record.cores_used()),
        ("peak_memory_bytes", whole(record.peak_memory_bytes)),
        ("baseline_memory_bytes", whole(record.baseline_memory_bytes)),
        ("minor_page_faults", counts.minor_page_faults),
        ("major_page_faults", counts.major_page_faults),
        ("voluntary_context_switches", counts.voluntary_context_switches),
        ("involuntary_context_switches", counts.involuntary_context_switches),
        ("read_call_bytes", counts.read_call_bytes),
        ("disk_read_bytes", counts.disk_read_bytes),
        ("write_call_bytes", counts.write_call_bytes),
        ("heap_total_bytes", whole(heap.map(|heap| heap.total_bytes))),
        ("heap_blocks", whole(heap.map(|heap| heap.total_blocks))),
        ("heap_peak_bytes", whole(heap.map(|heap| heap.peak_bytes))),
        ("instructions", whole(record.instructions.as_ref().map(|found| found.instructions))),
    ];
    metrics.extend(single.into_iter().filter_map(|(name, value)| Some((name, value?, None, None))));
    metrics
}

fn cpu(record: &Record) -> Option<f64> {
    crate::host::stats::median(record.cpu_time_ns.as_deref()?)
}

fn number(value: Option<f64>) -> String {
    value.map_or_else(String::new, |value| value.to_string())
}
