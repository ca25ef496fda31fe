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
use crate::host::record::{Record, metric};
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
        record.reason().unwrap_or_default().to_owned(),
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

fn metrics(record: &Record, time: Option<Interval>) -> Vec<Metric> {
    let of = |kind| record.metric(kind);
    let planning = record.planning.as_ref();
    let mut metrics: Vec<Metric> = Vec::new();
    metrics.extend(time.map(|time| ("median_ns", time.estimate, Some(time.low), Some(time.high))));
    let single = [
        ("load_ns", of(metric::LOAD_TIME)),
        ("iceberg_catalog_ns", planning.map(|planning| metric::value(planning.catalog_ns))),
        ("iceberg_planning_ns", planning.map(|planning| metric::value(planning.planning_ns))),
        ("plan_ns", of(metric::PLAN_TIME)),
        ("execute_ns", of(metric::EXECUTE_TIME)),
        ("fetch_ns", of(metric::FETCH_TIME)),
        ("cpu_time_ns", of(metric::CPU_TIME)),
        ("cores_used", record.cores_used()),
        ("peak_memory_bytes", of(metric::PEAK_MEMORY)),
        ("baseline_memory_bytes", of(metric::BASELINE_MEMORY)),
        ("minor_page_faults", of(metric::MINOR_PAGE_FAULTS)),
        ("major_page_faults", of(metric::MAJOR_PAGE_FAULTS)),
        ("voluntary_context_switches", of(metric::VOLUNTARY_CONTEXT_SWITCHES)),
        ("involuntary_context_switches", of(metric::INVOLUNTARY_CONTEXT_SWITCHES)),
        ("read_call_bytes", of(metric::BYTES_READ)),
        ("disk_read_bytes", of(metric::BYTES_READ_FROM_DISK)),
        ("write_call_bytes", of(metric::BYTES_WRITTEN)),
        ("heap_total_bytes", of(metric::HEAP_TOTAL)),
        ("heap_blocks", of(metric::HEAP_TOTAL_BLOCKS)),
        ("heap_peak_bytes", of(metric::HEAP_PEAK)),
        ("instructions", of(metric::INSTRUCTIONS)),
    ];
    metrics.extend(single.into_iter().filter_map(|(name, value)| Some((name, value?, None, None))));
    metrics
}

fn number(value: Option<f64>) -> String {
    value.map_or_else(String::new, |value| value.to_string())
}
