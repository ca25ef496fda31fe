//! One cell's whole story, from its record.

use super::gather::Found;
use super::group::state;
use crate::host::record::metric::{self, Kind};
use crate::host::record::{Git, NetworkRecord, Provenance, Record};
use crate::host::stats::{median, median_interval};
use crate::protocol::units::{Bytes, Nanos};

/// The record in words, every figure with its unit; what is not known is not mentioned.
pub fn render(found: &Found) -> String {
    let record = &found.record;
    let mut text = format!("{}: {}\n", record.id, state(record));
    for (title, lines) in [
        ("outcome", outcome(record)),
        ("time", times(record)),
        ("memory", memory(record)),
        ("counts", counts(record)),
        ("engine", engine(record)),
        ("origin", origin(found)),
    ] {
        if !lines.is_empty() {
            text += &format!("\n{title}\n");
        }
        for (name, value) in lines {
            text += &format!("  {name:24} {value}\n");
        }
    }
    if let Some(plan) = &record.plan {
        text += &format!("\nplan (sha256 {})\n", plan.sha256);
        text.extend(plan.text.lines().map(|line| format!("  {line}\n")));
    }
    text
}

type Lines = Vec<(&'static str, String)>;

/// Those of the lines that have a value.
fn known<const N: usize>(lines: [(&'static str, Option<String>); N]) -> Lines {
    lines.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
}

/// In a row; `None` of nothing.
fn listed(values: impl Iterator<Item = String>) -> Option<String> {
    let values: Vec<String> = values.collect();
    (!values.is_empty()).then(|| values.join(", "))
}

/// A figure in bytes.
pub(super) fn size(record: &Record, kind: Kind) -> Option<String> {
    Some(Bytes::about(record.metric(kind)?).to_string())
}

/// A figure in nanoseconds.
pub(super) fn time(record: &Record, kind: Kind) -> Option<String> {
    Some(Nanos(record.metric(kind)?).to_string())
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

fn times(record: &Record) -> Lines {
    let interval = median_interval(record.samples_ns());
    let shown = |ns: u64| Nanos(metric::value(ns)).to_string();
    let steps = record.metrics.steps().filter_map(|(step, times)| Some(format!("{step} {}", Nanos(median(times)?))));
    let (measurement, planning) = (record.measurement(), record.planning.as_ref());
    let warm_up = measurement.map_or(&[][..], |measurement| &measurement.warm_up_ns);
    known([
        ("median", interval.map(|time| Nanos(time.estimate).to_string())),
        ("95 % interval", interval.map(|time| format!("{} to {}", Nanos(time.low), Nanos(time.high)))),
        ("samples", listed(record.samples_ns().iter().map(|ns| Nanos(*ns).to_string()))),
        ("iterations of a sample", measurement.and_then(|how| how.iterations.first()).map(ToString::to_string)),
        ("CPU time", time(record, metric::CPU_TIME)),
        ("cores used", record.cores_used().map(|cores| format!("{cores:.2} of {} threads", record.threads))),
        ("steps", listed(steps)),
        ("planning", time(record, metric::PLAN_TIME)),
        ("executing", time(record, metric::EXECUTE_TIME)),
        ("fetching", time(record, metric::FETCH_TIME)),
        ("tasks in executors", time(record, metric::TASK_TIME)),
        ("executors without a task", time(record, metric::COORDINATION_TIME)),
        ("finding the Iceberg tables", planning.map(|planning| shown(planning.catalog_ns))),
        ("planning their files", planning.map(|planning| shown(planning.planning_ns))),
        ("loading", time(record, metric::LOAD_TIME)),
        (
            "warm-up",
            measurement.and_then(|how| how.warm_up.as_ref()).map(|warm_up| {
                let cpu: Vec<String> = warm_up.cpu_time_ns.iter().map(|ns| shown(*ns)).collect();
                let cpu =
                    if cpu.is_empty() { String::new() } else { format!("; CPU time of each: {}", cpu.join(", ")) };
                format!("{} runs, ended since {}{cpu}", warm_up.runs, warm_up.ended.says())
            }),
        ),
        ("first runs", listed(warm_up.iter().take(10).map(|ns| shown(*ns)))),
    ])
}

fn memory(record: &Record) -> Lines {
    let peak = record.metrics.get(metric::PEAK_MEMORY);
    let heap = record.heap().map(|found| (found.heap.total_bytes, found.heap.total_blocks, found.tool));
    let heap = heap.map(|(bytes, blocks, tool)| format!("{} in {blocks} blocks ({tool})", Bytes(bytes)));
    known([
        ("peak", size(record, metric::PEAK_MEMORY)),
        ("peak is", peak.and_then(|peak| peak.source.clone())),
        ("before the query", size(record, metric::BASELINE_MEMORY)),
        ("limit", record.memory_limit_bytes.map(|bytes| Bytes(bytes).to_string())),
        ("heap, peak", size(record, metric::HEAP_PEAK)),
        ("heap, in all", heap),
    ])
}

fn counts(record: &Record) -> Lines {
    let whole = |kind| Some(format!("{:.0}", record.metric(kind)?));
    let tenths = |kind| Some(format!("{:.1}", record.metric(kind)?));
    let instructions = record.instructions();
    known([
        ("page faults", whole(metric::MINOR_PAGE_FAULTS)),
        ("page faults from disk", whole(metric::MAJOR_PAGE_FAULTS)),
        ("waits", whole(metric::VOLUNTARY_CONTEXT_SWITCHES)),
        ("interruptions", whole(metric::INVOLUNTARY_CONTEXT_SWITCHES)),
        ("read by calls", size(record, metric::BYTES_READ)),
        ("read from a disk", size(record, metric::BYTES_READ_FROM_DISK)),
        ("written by calls", size(record, metric::BYTES_WRITTEN)),
        ("shuffle read", size(record, metric::SHUFFLE_READ)),
        ("shuffle written", size(record, metric::SHUFFLE_WRITTEN)),
        ("received from S3", size(record, metric::BYTES_RECEIVED)),
        ("sent to S3", size(record, metric::BYTES_SENT)),
        ("requests to S3", tenths(metric::REQUESTS)),
        ("connections opened", tenths(metric::CONNECTIONS)),
        ("cached", record.network.as_ref().map(NetworkRecord::cached_in_words)),
        ("network set to", record.network.as_ref().and_then(|network| Some(network.conditions.as_ref()?.to_string()))),
        ("instructions", instructions.map(|found| format!("{} (simulated, {})", found.instructions, found.tool))),
    ])
}

fn engine(record: &Record) -> Lines {
    let engine = &record.engine;
    let settings = engine.settings.iter().map(|(name, value)| format!("{name} = {value}"));
    known([
        ("version", engine.version.clone()),
        ("source", engine.build.source.clone()),
        ("compiler", engine.build.compiler.clone()),
        ("flags", engine.build.flags.clone()),
        ("allocator", engine.build.allocator.clone()),
        ("settings", listed(settings)),
        ("mode", record.mode.clone()),
        ("query's text", record.query.sql.clone()),
        ("query's text (sha256)", record.query.sha256.clone()),
    ])
}

/// A state of the source tree.
pub(super) fn commit(git: &Git) -> String {
    format!("{}{}", git.commit, if git.dirty { ", with changes that were not committed" } else { "" })
}

fn origin(found: &Found) -> Lines {
    let record = &found.record;
    let not_measured = match record.provenance {
        Provenance::Measured => "figures",
        Provenance::Simulated => "figures are simulated",
        Provenance::Imported => "figures are imported",
        Provenance::Estimated => "figures are estimated",
    };
    known([
        ("record", Some(found.record_id.clone())),
        ("taken at", Some(record.started_at.clone())),
        ("data", record.dataset.layout.clone()),
        ("data (sha256)", record.dataset.sha256.clone()),
        ("cache", Some(record.cache.to_string())),
        ("machine", Some(record.host.line())),
        ("commit", record.git.as_ref().map(commit)),
        ("command", Some(record.called())),
        (not_measured, record.provenance_reason.clone()),
    ])
}
