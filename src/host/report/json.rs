//! A report as JSON, for programs.
//!
//! ```json
//! { "schema": 1,
//!   "groups": [ {
//!     "conditions": { "workload": "tpch", "scale": "sf1", "threads": 2, "cache": "hot", "machine": "...", ... },
//!     "ranked_queries": ["q1", ...],
//!     "ranking": [ { "engine": "duckdb 2.0.0", "rank": 1, "geomean_ns": 8.9e7,
//!                    "to_fastest": { "estimate": 1.0, "low": 1.0, "high": 1.0 }, "peak_memory_bytes": 1.7e8 }, ... ],
//!     "engines": [ { "label": "duckdb 2.0.0", "engine": "duckdb", "version": "2.0.0", "mode": null,
//!                    "build": { ... }, "settings": { ... }, "right": 22, "failed": 0, "all": 22,
//!                    "to_reference": { "ratio": 1.7, "queries": 10 },
//!                    "to_official": { "against": "duckdb-wheel@2.0.0", "ratio": 1.007 }, ... }, ... ],
//!     "cells": [ { "record": "20261120T120000Z-4711:3", "id": "duckdb/q1/sf1/parquet", "engine": "duckdb 2.0.0",
//!                  "state": "measured", "reason": null, "time_ns": { "estimate": ..., "low": ..., "high": ... },
//!                  "to_fastest": 1.0, "peak_memory_bytes": ..., "memory_source": "...", "cpu_time_ns": ...,
//!                  "cores_used": ..., "heap": ..., "instructions": ..., "dataset_sha256": "...", "commit": "...",
//!                  "dirty": false, "command": "q1", ... }, ... ] }, ... ],
//!   "inspected": [ { "record": "...", "id": "...", "outcome": "measured", "reason": null, "heap": ..., "instructions": ... } ],
//!   "scaling": [ ... ], "crossovers": [ ... ],
//!   "changes": { "base": "main", "head": "the newest",
//!                "cells": [ { "id": "...", "base": { "record": "...", "median_ns": ... }, "head": { ... },
//!                             "ratio": { "estimate": ..., "low": ..., "high": ... }, "verdict": "slower",
//!                             "memory_ratio": ..., "instructions_ratio": ...,
//!                             "plan": { "base_sha256": "...", "head_sha256": "...", "difference": ["- SORT", ...] } }, ... ],
//!                "not_compared": [ { "what": "...", "why": "..." } ] },
//!   "left_out": [ { "what": "...", "why": "..." } ] }
//! ```
//!
//! The first group is the one with the most cells that count. Times are nanoseconds, sizes bytes; `cpu_time_ns` is a
//! median, per run and over all threads; `command` is what stood behind the program's name. What is not known is `null`,
//! and so is `changes` without a baseline; `plan` where both plans are the same. `schema` rises when a field changes its meaning or goes; new fields may come at
//! any time.

use anyhow::Result;
use serde_json::{Value, json};

use super::group::{self, Group};
use super::{Change, Report};
use crate::host::audit;
use crate::host::record::metric;

/// The version of this shape.
pub const SCHEMA: u32 = 1;

/// The report as JSON.
///
/// # Errors
/// None that is known; the writer may have some.
pub fn render(report: &Report<'_>) -> Result<String> {
    let changes = report.changes.as_ref().map(|changes| {
        let cells: Vec<Value> = changes.cells.iter().map(change).collect();
        json!({ "base": changes.base, "head": changes.head, "cells": cells, "not_compared": changes.not_compared })
    });
    let inspected = report.inspected.iter().map(|found| {
        let record = &found.record;
        json!({
            "record": found.record_id,
            "id": record.id,
            "outcome": record.outcome.word(),
            "reason": record.reason(),
            "heap": record.heap(),
            "instructions": record.instructions(),
        })
    });
    let whole = json!({
        "schema": SCHEMA,
        "groups": report.groups.iter().map(|group| self::group(group, report)).collect::<Vec<_>>(),
        "inspected": inspected.collect::<Vec<_>>(),
        "scaling": report.scaling,
        "crossovers": report.crossovers,
        "changes": changes,
        "left_out": report.left_out,
    });
    Ok(serde_json::to_string_pretty(&whole)? + "\n")
}

fn group(group: &Group<'_>, report: &Report<'_>) -> Value {
    let label = |contestant: usize| group.contestants[contestant].label.as_str();
    let ranking = group.ranking.places.iter().map(|place| {
        json!({
            "engine": label(place.contestant),
            "rank": place.rank,
            "geomean_ns": place.geomean_ns,
            "to_fastest": place.to_fastest,
            "peak_memory_bytes": place.peak_memory_bytes,
        })
    });
    let engines = group.contestants.iter().enumerate().map(|(index, contestant)| {
        let official = group.of(index).find_map(|cell| audit::nearest_official(cell.record(), report.audits));
        let official = official.map(|found| json!({ "against": found.against, "ratio": found.geomean_ratio }));
        let record = contestant.record;
        json!({
            "label": contestant.label,
            "engine": contestant.engine,
            "version": record.engine.version,
            "mode": record.mode,
            "build": record.engine.build,
            "settings": record.engine.settings,
            "reference": contestant.reference,
            "right": group.right(index),
            "failed": group.failed(index),
            "all": group.queries.len(),
            "to_reference": group.from_reference(index),
            "to_official": official,
        })
    });
    json!({
        "conditions": group.conditions,
        "ranked_queries": group.ranking.queries.iter().map(|query| group.queries[*query]).collect::<Vec<_>>(),
        "ranking": ranking.collect::<Vec<_>>(),
        "engines": engines.collect::<Vec<_>>(),
        "cells": group.cells().iter().map(|cell| self::cell(group, cell)).collect::<Vec<_>>(),
    })
}

fn cell(group: &Group<'_>, cell: &group::Cell<'_>) -> Value {
    let record = cell.record();
    let to_fastest = cell.ranked_time().zip(group.fastest(cell.query)).map(|(time, fastest)| time.estimate / fastest);
    json!({
        "record": cell.found.record_id,
        "id": record.id,
        "engine": group.contestants[cell.contestant].label,
        "query": record.id.query,
        "state": cell.state(),
        "reason": record.reason(),
        "verdict": record.verdict,
        "time_ns": cell.time,
        "samples": record.samples_ns().len(),
        "to_fastest": to_fastest,
        "peak_memory_bytes": record.peak_memory_bytes(),
        "baseline_memory_bytes": record.metric(metric::BASELINE_MEMORY).map(metric::whole),
        "memory_source": record.metrics.get(metric::PEAK_MEMORY).and_then(|peak| peak.source.as_ref()),
        "cpu_time_ns": record.metric(metric::CPU_TIME),
        "cores_used": record.cores_used(),
        "counts": {
            "minor_page_faults": record.metric(metric::MINOR_PAGE_FAULTS),
            "major_page_faults": record.metric(metric::MAJOR_PAGE_FAULTS),
            "voluntary_context_switches": record.metric(metric::VOLUNTARY_CONTEXT_SWITCHES),
            "involuntary_context_switches": record.metric(metric::INVOLUNTARY_CONTEXT_SWITCHES),
            "read_call_bytes": record.metric(metric::BYTES_READ),
            "disk_read_bytes": record.metric(metric::BYTES_READ_FROM_DISK),
            "write_call_bytes": record.metric(metric::BYTES_WRITTEN),
        },
        "heap": record.heap(),
        "instructions": record.instructions(),
        "dataset_sha256": record.dataset.sha256,
        "commit": record.git.as_ref().map(|git| &git.commit),
        "dirty": record.git.as_ref().map(|git| git.dirty),
        "command": record.command,
        "started_at": record.started_at,
    })
}

fn change(change: &Change) -> Value {
    json!({
        "id": change.id,
        "base": { "record": change.base, "median_ns": change.base_ns },
        "head": { "record": change.head, "median_ns": change.head_ns },
        "ratio": change.ratio,
        "verdict": change.verdict(),
        "memory_ratio": change.memory_ratio,
        "instructions_ratio": change.instructions_ratio,
        "plan": change.plan,
    })
}
