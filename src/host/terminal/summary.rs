//! What a run says at its end: one table of what was measured, fastest first, and the reasons for what was not.

use std::collections::BTreeMap;
use std::time::Duration;

use comfy_table::Table;

use super::output::plain_table;
use crate::host::audit::{self, Audit, DistributionRatio};
use crate::host::record::{NetworkRecord, Outcome, Planning, Record, metric};
use crate::host::verify::{Dispute, Verdict};
use crate::protocol::dataset::OVERFLOW_CAUTION;
use crate::protocol::observe::Heap;
use crate::protocol::units::{Bytes, Nanos};

/// The lines below Criterion's result: verdict, memory, cores; what the run was made of, as far as it is known.
pub(crate) fn lines(record: &Record) -> String {
    let size = |bytes: f64| Bytes::about(bytes).to_string();
    let bytes = |kind| record.metric(kind).map(size);
    let time = |ns: Option<f64>| ns.map(|ns| Nanos(ns).to_string());
    let known = |value: Option<String>| Some(value.unwrap_or_else(|| "unknown".to_owned()));
    let planning = record.planning.as_ref();
    let planned = |ns: fn(&Planning) -> u64| time(planning.map(|planning| metric::value(ns(planning))));
    // What an engine writes beside its replies is what it spills.
    let spilled = record.metric(metric::BYTES_WRITTEN).filter(|bytes| *bytes > SPILLED);
    let from_disk = record.metric(metric::BYTES_READ_FROM_DISK).filter(|bytes| *bytes > 0.0);
    let heap = record.heap().map(|found| found.heap);
    let allocates = |heap: &Heap| format!("{} in {} blocks", Bytes(heap.total_bytes), heap.total_blocks);
    let requests = record.metric(metric::REQUESTS).map(|requests| format!("{requests:.1}"));
    let told = [
        vec![("read", record.dataset.read_in_words())],
        vec![
            ("answer", known(record.verdict.as_ref().map(ToString::to_string))),
            ("peak memory", known(bytes(metric::PEAK_MEMORY))),
            ("before the query", bytes(metric::BASELINE_MEMORY)),
            ("cores used", known(record.cores_used().map(|cores| format!("{cores:.2}")))),
        ],
        vec![
            ("before the clock: finding the Iceberg tables", planned(|planning| planning.catalog_ns)),
            ("planning", planned(|planning| planning.planning_ns)),
            ("files", planning.map(|planning| planning.files.to_string())),
        ],
        vec![
            ("in runs of their own: planning", time(record.metric(metric::PLAN_TIME))),
            ("executing", time(record.metric(metric::EXECUTE_TIME))),
            ("fetching", time(record.metric(metric::FETCH_TIME))),
            ("from disk", from_disk.map(size)),
        ],
        vec![("from S3", record.network.as_ref().map(NetworkRecord::cached_in_words)), ("requests of a run", requests)],
        vec![
            ("written", spilled.map(size)),
            ("allocates", heap.as_ref().map(allocates)),
            ("peak heap", heap.map(|heap| Bytes(heap.peak_bytes).to_string())),
            ("instructions", record.instructions().map(|found| found.instructions.to_string())),
        ],
    ];
    let line = |parts: Vec<(&str, Option<String>)>| {
        let told = parts.into_iter().filter_map(|(name, value)| Some(format!("{name}: {}", value?)));
        told.collect::<Vec<_>>().join("   ")
    };
    let lines = told.map(line).into_iter().filter(|line| !line.is_empty());
    lines.map(|line| format!("{:24}{line}", "")).collect::<Vec<_>>().join("\n")
}

/// Bytes of writing per iteration from which on an engine is taken to have spilled.
const SPILLED: f64 = 1e6;

/// The table of what was measured: query by query, within it fastest first. A time whose answer is not verified comes last.
pub(crate) fn table(records: &[Record], audits: &[Audit]) -> Option<Table> {
    let measured = records.iter().filter(|record| record.is_measured());
    let mut measured: Vec<(&Record, Nanos)> =
        measured.filter_map(|record| Some((record, Nanos(record.median_ns()?)))).collect();
    if measured.is_empty() {
        return None;
    }
    let place = |record: &Record| records.iter().position(|other| other.id.query == record.id.query);
    measured.sort_by(|(_, a), (_, b)| a.0.total_cmp(&b.0));
    measured.sort_by_key(|(record, _)| (record.id.scale, place(record), !record.verified()));
    let header = ["query", "scale", "engine", "variant", "median", "peak memory", "answer"];
    let mut table = plain_table(header, 4..6);
    for (record, median) in measured {
        let id = &record.id;
        let mut engine = id.engine.clone();
        if let Some(version) = record.engine.version.as_ref().filter(|version| !engine.ends_with(version.as_str())) {
            engine += &format!(" {version}");
        }
        if let Some(official) = audit::nearest_official(record, audits) {
            engine += &format!(" [{:.2} x {}]", official.geomean_ratio, official.against);
        }
        let memory = record.peak_memory_bytes().map_or_else(|| "unknown".to_owned(), |bytes| Bytes(bytes).to_string());
        let verdict = record.verdict.as_ref().map_or_else(|| "unchecked, not ranked".to_owned(), Verdict::short);
        let (query, scale, variant, median) =
            (id.query.clone(), id.scale.to_string(), id.variant.clone(), median.to_string());
        table.add_row([query, scale, engine, variant, median, memory, verdict]);
    }
    Some(table)
}

/// What the brackets beside an engine's name mean; `None` when there are none.
pub(crate) fn legend(records: &[Record], audits: &[Audit]) -> Option<String> {
    let official = records.iter().find_map(|record| Some((record, audit::nearest_official(record, audits)?)));
    official.map(|(Record { id, .. }, DistributionRatio { against, geomean_ratio: ratio, .. })| {
        format!(
            "[{ratio:.2} x {against}]: as it is built here, {} takes {ratio:.2} times as long as that official distribution (geometric mean at {}, by cargo xtask audit)",
            id.engine, id.scale
        )
    })
}

/// Why cells were not measured or not verified; cells of one engine with one reason share a line.
pub(crate) fn reasons(records: &[Record]) -> Vec<String> {
    // Which of several runs of a query it was, where it was not the usual one.
    let cell = |record: &Record| match record.id.variant.as_str() {
        variant if variant == record.dataset.format => record.id.query.clone(),
        variant => format!("{} ({variant})", record.id.query),
    };
    let mut told: BTreeMap<(&str, &str, &str), Vec<String>> = BTreeMap::new();
    for record in records {
        if let Some((how, why)) = why_not(record) {
            told.entry((how, record.id.engine.as_str(), why)).or_default().push(cell(record));
        }
    }
    let line = |((how, engine, why), cells): (_, Vec<String>)| format!("{how}: {engine} {}: {why}", cells.join(", "));
    told.into_iter().map(line).chain(doubts(records)).collect()
}

/// In a word how a cell came to no verified answer, and why; `None` where engines disagree too, which [`doubts`] tells.
pub fn why_not(record: &Record) -> Option<(&'static str, &str)> {
    match (&record.outcome, &record.verdict) {
        (Outcome::Failed(why), _) => Some(("FAILED", &why.reason)),
        (Outcome::Skipped(why), _) => Some(("skipped", &why.reason)),
        (Outcome::Measured(_), Some(Verdict::Unchecked { reason })) => Some(("unchecked", reason)),
        (Outcome::Measured(_), _) => None,
    }
}

/// What to know beside the numbers: engines that disagree, each dispute once, and what readers may get wrong about the files.
pub fn doubts(records: &[Record]) -> Vec<String> {
    let mut told: Vec<String> = Vec::new();
    let mut disputes: Vec<(&str, &Dispute)> = Vec::new();
    for record in records {
        let Some(Verdict::Disputed(dispute)) = &record.verdict else { continue };
        if !disputes.contains(&(&record.id.query, dispute)) {
            disputes.push((&record.id.query, dispute));
            let groups = dispute.groups.len();
            let same = |other: &&Record| other.id.query == record.id.query && other.id.scale == record.id.scale;
            let majority = records.iter().filter(same).any(|other| other.accept_majority && other.verified());
            let ranked = if majority { "only what most say is ranked" } else { "none is ranked" };
            told.push(format!("DISPUTED: {}: the engines gave {groups} different answers, {ranked}", record.id.query));
            told.extend(dispute.lines());
        }
    }
    if !disputes.is_empty() && records.iter().all(|record| !record.accept_majority) {
        let hint = "  what most independent engines say is taken with --accept-majority; the records then say so";
        told.push(hint.to_owned());
    }
    for record in records {
        let outdone = |caution: &&String| record.verified() && caution.contains(OVERFLOW_CAUTION);
        for caution in record.dataset.cautions.iter().filter(|caution| !outdone(caution)) {
            let line = format!("caution: {}: {caution}", record.id.query);
            if !told.contains(&line) {
                told.push(line);
            }
        }
    }
    told
}

/// How much of the run's time the engines' programs were waited for.
pub(crate) fn share(waited: Duration, wall: Duration) -> String {
    let (waited, wall) = (waited.as_secs_f64(), wall.as_secs_f64());
    format!(
        "{:.0} % of {wall:.1} s of wall time the engines' programs were at work: starting, loading, answering, warming up, timed",
        100.0 * waited / wall
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(engine: &str, verdict: Verdict, accept_majority: bool) -> Record {
        let base = include_str!("../../../tests/records/measured.json");
        let mut record: Record = serde_json::from_str(base).unwrap();
        record.id = format!("{engine}/q1/sf1/parquet").parse().unwrap();
        record.verdict = Some(verdict);
        record.accept_majority = accept_majority;
        record
    }

    #[test]
    fn doubts_tell_a_dispute_once_and_what_is_ranked() {
        let groups = vec![vec!["duckdb".to_owned(), "polars".to_owned()], vec!["daft".to_owned()]];
        let dispute = Verdict::Disputed(Dispute { groups, difference: "1 and 2".to_owned(), causes: Vec::new() });
        let strict = ["duckdb", "polars", "daft"].map(|engine| record(engine, dispute.clone(), false));
        let told = doubts(&strict).join("\n");
        assert_eq!(told.matches("DISPUTED").count(), 1, "{told}");
        assert!(told.contains("none is ranked") && told.contains("--accept-majority"), "{told}");

        let agreed = Verdict::Agreed { components: Vec::new(), dissent: vec!["daft".to_owned()] };
        let accepted = [record("duckdb", agreed, true), record("daft", dispute, true)];
        let told = doubts(&accepted).join("\n");
        assert!(told.contains("only what most say is ranked"), "{told}");
        assert!(!told.contains("none is ranked") && !told.contains("--accept-majority"), "{told}");
    }
}
