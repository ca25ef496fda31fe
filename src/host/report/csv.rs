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
//! | `outcome` | `measured`, `unchecked`, `out of memory` ...; `simulated`, `imported` or `estimated` for a time that was not measured |
//! | `reason` | why there is no time that counts |
//! | `verdict` | of the answer: `official`, `reference`, `agreed`, `disputed`, `unchecked`, `wrong`; nothing where there was none |
//! | `provenance` | `measured` by a clock here, `simulated`, `imported` or `estimated` |
//! | `metric`, `value` | a figure; the metric's name carries its unit |
//! | `low`, `high` | its 95 % interval, where there is one |
//!
//! A cell without any figure has one row with an empty metric, so that failures are in the table. With a baseline, a cell
//! that is in both has `ratio_to_base` too, its median by the base's, and `memory_ratio_to_base` and
//! `instructions_ratio_to_base` where they are known. What was left out is no row: `cargo xtask report` names it on stderr.

use anyhow::Result;
use serde::Serialize;

use super::gather::Found;
use super::group::state;
use super::{Change, Report};
use crate::host::record::{Git, Record, metric};
use crate::host::stats::Interval;
use crate::host::verify::Verdict;

/// A column before the figures: its title, and what a record has for it; the text is its engine's label.
type Column = (&'static str, fn(&Found, &str) -> String);

const COLUMNS: [Column; 21] = [
    ("record", |found, _| found.record_id.clone()),
    ("id", |found, _| found.record.id.to_string()),
    ("label", |_, label| label.to_owned()),
    ("engine", |found, _| found.record.id.engine.clone()),
    ("version", |found, _| found.record.engine.version.clone().unwrap_or_default()),
    ("mode", |found, _| found.record.mode.clone().unwrap_or_default()),
    ("query", |found, _| found.record.id.query.clone()),
    ("workload", |found, _| found.record.dataset.suite.clone()),
    ("scale", |found, _| found.record.id.scale.factor().to_string()),
    ("format", |found, _| found.record.dataset.format.clone()),
    ("threads", |found, _| found.record.threads.to_string()),
    ("cache", |found, _| found.record.cache.to_string()),
    ("memory_limit_bytes", |found, _| {
        found.record.memory_limit_bytes.map_or_else(String::new, |bytes| bytes.to_string())
    }),
    ("machine", |found, _| found.record.host.line()),
    ("dataset_sha256", |found, _| found.record.dataset.sha256.clone().unwrap_or_default()),
    ("commit", |found, _| found.record.git.as_ref().map_or_else(String::new, commit)),
    ("inspects", |found, _| word(found.record.inspects)),
    ("outcome", |found, _| state(&found.record).to_owned()),
    ("reason", |found, _| found.record.reason().unwrap_or_default().to_owned()),
    ("verdict", |found, _| found.record.verdict.as_ref().map_or("", Verdict::kind).to_owned()),
    ("provenance", |found, _| word(found.record.provenance)),
];

/// The report's cells as CSV.
///
/// # Errors
/// None that is known; the writer may have some.
pub fn render(report: &Report<'_>) -> Result<String> {
    let mut writer = ::csv::Writer::from_writer(Vec::new());
    writer.write_record(COLUMNS.map(|(title, _)| title).iter().chain(&["metric", "value", "low", "high"]))?;
    let mut write = |found: &Found, label: &str, metrics: Vec<Metric>| -> Result<()> {
        let cells = COLUMNS.map(|(_, of)| of(found, label));
        let mut figures: Vec<[String; 4]> = metrics
            .into_iter()
            .map(|(name, value, low, high)| [name.to_owned(), value.to_string(), number(low), number(high)])
            .collect();
        if figures.is_empty() {
            figures.push(Default::default());
        }
        Ok(figures.iter().try_for_each(|figures| writer.write_record(cells.iter().chain(figures)))?)
    };
    for group in &report.groups {
        for cell in group.cells() {
            let mut metrics = metrics(cell.record(), cell.time);
            metrics.extend(change(report, cell.found).into_iter().flat_map(ratios));
            write(cell.found, &group.contestants[cell.contestant].label, metrics)?;
        }
    }
    for found in report.inspected {
        write(found, &found.record.label(), metrics(&found.record, None))?;
    }
    Ok(String::from_utf8(writer.into_inner()?)?)
}

/// What became of the base in this record.
fn change<'a>(report: &'a Report<'_>, found: &Found) -> Option<&'a Change> {
    let cells = &report.changes.as_ref()?.cells;
    cells.iter().find(|change| change.head == found.record_id && change.id == found.record.id)
}

fn commit(git: &Git) -> String {
    format!("{}{}", git.commit, if git.dirty { "-dirty" } else { "" })
}

/// The word that a record has for it.
fn word(value: impl Serialize) -> String {
    serde_json::to_value(value).ok().and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
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
    let time = time.map(|time| ("median_ns", time.estimate, Some(time.low), Some(time.high)));
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
        ("requests", of(metric::REQUESTS)),
        ("connections", of(metric::CONNECTIONS)),
        ("received_bytes", of(metric::BYTES_RECEIVED)),
        ("sent_bytes", of(metric::BYTES_SENT)),
        ("heap_total_bytes", of(metric::HEAP_TOTAL)),
        ("heap_blocks", of(metric::HEAP_TOTAL_BLOCKS)),
        ("heap_peak_bytes", of(metric::HEAP_PEAK)),
        ("instructions", of(metric::INSTRUCTIONS)),
    ];
    time.into_iter().chain(single.into_iter().filter_map(|(name, value)| Some((name, value?, None, None)))).collect()
}

fn number(value: Option<f64>) -> String {
    value.map_or_else(String::new, |value| value.to_string())
}
