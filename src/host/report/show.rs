//! One cell's whole story, from its record.

use std::fmt::Write as _;

use super::gather::Found;
use super::group::state;
use crate::host::record::{Record, metric};
use crate::host::stats::{median, median_interval};
use crate::protocol::units::{Bytes, Nanos};

/// The record in words, every figure with its unit; what is not known is not mentioned.
pub fn render(found: &Found) -> String {
    let record = &found.record;
    let mut text = format!("{}: {}\n", record.id, state(record));
    for (title, lines) in [
        ("outcome", outcome(record)),
        ("time", time(record)),
        ("memory", memory(record)),
        ("counts", counts(record)),
        ("engine", engine(record)),
        ("origin", origin(found)),
    ] {
        if !lines.is_empty() {
            // Writing to a string cannot fail.
            let _ = writeln!(text, "\n{title}");
        }
        for (name, value) in lines {
            let _ = writeln!(text, "  {name:24} {value}");
        }
    }
    text
}

type Lines = Vec<(&'static str, String)>;

/// Those of the lines that have a value.
fn known<const N: usize>(lines: [(&'static str, Option<String>); N]) -> Lines {
    lines.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
}

fn bytes(bytes: Option<f64>) -> Option<String> {
    Some(Bytes::about(bytes?).to_string())
}

fn span(ns: Option<f64>) -> Option<String> {
    Some(Nanos(ns?).to_string())
}

fn outcome(record: &Record) -> Lines {
    let stderr = record.failure().map(|failure| failure.stderr.join("\n                           "));
    known([
        ("reason", record.reason().map(str::to_owned)),
        ("last on stderr", stderr.filter(|text| !text.is_empty())),
        ("answer", record.verdict.as_ref().map(ToString::to_string)),
        ("rows", record.rows.map(|rows| rows.to_string())),
        ("fingerprint", record.answer_digest.clone()),
    ])
}

fn time(record: &Record) -> Lines {
    let interval = median_interval(record.samples_ns());
    let list = |values: &mut dyn Iterator<Item = f64>| {
        let shown: Vec<String> = values.map(|value| Nanos(value).to_string()).collect();
        (!shown.is_empty()).then(|| shown.join(", "))
    };
    let (measurement, planning) = (record.measurement(), record.planning.as_ref());
    let warm_up = measurement.map_or(&[][..], |measurement| &measurement.warm_up_ns);
    known([
        ("median", interval.map(|time| Nanos(time.estimate).to_string())),
        ("95 % interval", interval.map(|time| format!("{} to {}", Nanos(time.low), Nanos(time.high)))),
        ("samples", list(&mut record.samples_ns().iter().copied())),
        ("iterations of a sample", measurement.and_then(|how| how.iterations.first()).map(ToString::to_string)),
        ("CPU time", span(record.metric(metric::CPU_TIME))),
        ("cores used", record.cores_used().map(|cores| format!("{cores:.2} of {} threads", record.threads))),
        ("steps", steps(record)),
        ("planning", span(record.metric(metric::PLAN_TIME))),
        ("executing", span(record.metric(metric::EXECUTE_TIME))),
        ("fetching", span(record.metric(metric::FETCH_TIME))),
        ("finding the Iceberg tables", span(planning.map(|planning| metric::value(planning.catalog_ns)))),
        ("planning their files", span(planning.map(|planning| metric::value(planning.planning_ns)))),
        ("loading", span(record.metric(metric::LOAD_TIME))),
        ("first runs", list(&mut warm_up.iter().take(10).map(|ns| metric::value(*ns)))),
    ])
}

/// The median of each step of the task.
fn steps(record: &Record) -> Option<String> {
    let told = |(step, times)| Some(format!("{step} {}", Nanos(median(times)?)));
    let shown: Vec<String> = record.metrics.steps().filter_map(told).collect();
    (!shown.is_empty()).then(|| shown.join(", "))
}

fn memory(record: &Record) -> Lines {
    let peak = record.metrics.get(metric::PEAK_MEMORY);
    known([
        ("peak", bytes(record.metric(metric::PEAK_MEMORY))),
        ("peak is", peak.and_then(|peak| peak.source.clone())),
        ("before the query", bytes(record.metric(metric::BASELINE_MEMORY))),
        ("limit", record.memory_limit_bytes.map(|bytes| Bytes(bytes).to_string())),
        ("heap, peak", bytes(record.metric(metric::HEAP_PEAK))),
        (
            "heap, in all",
            record.heap().map(|found| {
                format!("{} in {} blocks ({})", Bytes(found.heap.total_bytes), found.heap.total_blocks, found.tool)
            }),
        ),
    ])
}

fn counts(record: &Record) -> Lines {
    let whole = |kind| Some(format!("{:.0}", record.metric(kind)?));
    let size = |kind| bytes(record.metric(kind));
    known([
        ("page faults", whole(metric::MINOR_PAGE_FAULTS)),
        ("page faults from disk", whole(metric::MAJOR_PAGE_FAULTS)),
        ("waits", whole(metric::VOLUNTARY_CONTEXT_SWITCHES)),
        ("interruptions", whole(metric::INVOLUNTARY_CONTEXT_SWITCHES)),
        ("read by calls", size(metric::BYTES_READ)),
        ("read from a disk", size(metric::BYTES_READ_FROM_DISK)),
        ("written by calls", size(metric::BYTES_WRITTEN)),
        (
            "instructions",
            record.instructions().map(|found| format!("{} (simulated, {})", found.instructions, found.tool)),
        ),
    ])
}

fn engine(record: &Record) -> Lines {
    let engine = &record.engine;
    let settings: Vec<String> = engine.settings.iter().map(|(name, value)| format!("{name} = {value}")).collect();
    known([
        ("version", engine.version.clone()),
        ("source", engine.build.source.clone()),
        ("compiler", engine.build.compiler.clone()),
        ("flags", engine.build.flags.clone()),
        ("allocator", engine.build.allocator.clone()),
        ("settings", (!settings.is_empty()).then(|| settings.join(", "))),
        ("mode", record.mode.clone()),
        ("query's text", record.query.sql.clone()),
        ("query's text (sha256)", record.query.sha256.clone()),
    ])
}

fn origin(found: &Found) -> Lines {
    let record = &found.record;
    let dirty = |dirty: bool| if dirty { ", with changes that were not committed" } else { "" };
    known([
        ("record", Some(found.record_id.clone())),
        ("taken at", Some(record.started_at.clone())),
        ("data", record.dataset.layout.clone()),
        ("data (sha256)", record.dataset.sha256.clone()),
        ("cache", Some(record.cache.to_string())),
        ("machine", Some(record.host.line())),
        ("commit", record.git.as_ref().map(|git| format!("{}{}", git.commit, dirty(git.dirty)))),
        ("command", Some(record.called())),
        ("figures are simulated", record.provenance_reason.clone()),
    ])
}
