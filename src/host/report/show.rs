//! One cell's whole story, from its record.

use std::fmt::Write as _;
use std::time::Duration;

use super::gather::Found;
use super::group::state;
use crate::host::record::Record;
use crate::host::stats::median_interval;
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

fn bytes(bytes: Option<u64>) -> Option<String> {
    Some(Bytes(bytes?).to_string())
}

fn span(ns: Option<u64>) -> Option<String> {
    Some(Nanos::from(Duration::from_nanos(ns?)).to_string())
}

fn outcome(record: &Record) -> Lines {
    let stderr = record.failure.as_ref().map(|failure| failure.stderr.join("\n                           "));
    known([
        ("reason", record.reason.clone()),
        ("last on stderr", stderr.filter(|text| !text.is_empty())),
        ("answer", record.verdict.as_ref().map(ToString::to_string)),
        ("rows", record.rows.map(|rows| rows.to_string())),
        ("fingerprint", record.answer_digest.clone()),
    ])
}

fn time(record: &Record) -> Lines {
    let interval = median_interval(&record.samples_ns);
    let list = |values: &mut dyn Iterator<Item = f64>| {
        let shown: Vec<String> = values.map(|value| Nanos(value).to_string()).collect();
        (!shown.is_empty()).then(|| shown.join(", "))
    };
    let cpu = record.cpu_time_ns.as_deref().and_then(crate::host::stats::median);
    #[expect(clippy::cast_precision_loss, reason = "nanoseconds are far below 2^53")]
    let mut warm_up = record.warm_up_ns.iter().take(10).map(|ns| *ns as f64);
    known([
        ("median", interval.map(|time| Nanos(time.estimate).to_string())),
        ("95 % interval", interval.map(|time| format!("{} to {}", Nanos(time.low), Nanos(time.high)))),
        ("samples", list(&mut record.samples_ns.iter().copied())),
        ("iterations of a sample", record.iterations.first().map(ToString::to_string)),
        ("CPU time", cpu.map(|cpu| Nanos(cpu).to_string())),
        ("cores used", record.cores_used().map(|cores| format!("{cores:.2} of {} threads", record.threads))),
        ("planning", span(record.phases.plan_ns)),
        ("executing", span(record.phases.execute_ns)),
        ("fetching", span(record.phases.fetch_ns)),
        ("finding the Iceberg tables", span(record.planning.as_ref().map(|planning| planning.catalog_ns))),
        ("planning their files", span(record.planning.as_ref().map(|planning| planning.planning_ns))),
        ("loading", span(record.load_ns)),
        ("first runs", list(&mut warm_up)),
    ])
}

fn memory(record: &Record) -> Lines {
    let heap = record.heap.as_ref();
    known([
        ("peak", bytes(record.peak_memory_bytes)),
        ("peak is", record.memory_source.clone()),
        ("before the query", bytes(record.baseline_memory_bytes)),
        ("limit", bytes(record.memory_limit_bytes)),
        ("heap, peak", heap.and_then(|found| bytes(Some(found.heap.peak_bytes)))),
        (
            "heap, in all",
            heap.map(|found| {
                format!("{} in {} blocks ({})", Bytes(found.heap.total_bytes), found.heap.total_blocks, found.tool)
            }),
        ),
    ])
}

fn counts(record: &Record) -> Lines {
    let counts = &record.counts;
    let whole = |count: Option<f64>| Some(format!("{:.0}", count?));
    let size = |bytes: Option<f64>| bytes.map(|bytes| Bytes::about(bytes).to_string());
    known([
        ("page faults", whole(counts.minor_page_faults)),
        ("page faults from disk", whole(counts.major_page_faults)),
        ("waits", whole(counts.voluntary_context_switches)),
        ("interruptions", whole(counts.involuntary_context_switches)),
        ("read by calls", size(counts.read_call_bytes)),
        ("read from a disk", size(counts.disk_read_bytes)),
        ("written by calls", size(counts.write_call_bytes)),
        (
            "instructions",
            record.instructions.as_ref().map(|found| format!("{} (simulated, {})", found.instructions, found.tool)),
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
