//! What a run says at its end: a table, who was fastest and most frugal, and a line for each that did not make it.

use std::collections::{BTreeMap, BTreeSet};

use comfy_table::Table;
use querydyno::host::record::{Outcome, Record, metric};
use querydyno::host::report::Conditions;
use querydyno::host::terminal::output::plain_table;
use querydyno::host::terminal::{doubts, why_not};
use querydyno::host::verify::Verdict;
use querydyno::protocol::units::{Bytes, Nanos};

/// Characters of a reason: an engine may print a whole plan.
const LONGEST: usize = 400;

/// All of it, with a line's end behind each part.
pub(super) fn shown(records: &[Record]) -> String {
    if records.is_empty() {
        return "nothing was measured\n".to_owned();
    }
    let summaries = groups(records).into_iter().map(|group| summary(&group));
    let lines = summaries.chain(reads(records)).chain(reasons(records)).chain(doubts(records));
    lines.fold(format!("\n{}\n\n", table(records)), |text, line| text + &line + "\n")
}

/// Records that may be compared: one query under like conditions over one data. Without data it is with the first of its query.
fn groups(records: &[Record]) -> Vec<Vec<&Record>> {
    let key = |record: &Record| (record.id.query.clone(), Conditions::of(record));
    let data = |record: &Record| record.dataset.sha256.clone();
    let mut groups: Vec<Vec<&Record>> = Vec::new();
    for record in records {
        let alike = |group: &&mut Vec<&Record>| {
            let theirs = group.iter().find_map(|record| data(record));
            key(group[0]) == key(record) && theirs.zip(data(record)).is_none_or(|(theirs, ours)| theirs == ours)
        };
        match groups.iter_mut().find(alike) {
            Some(group) => group.push(record),
            None => groups.push(vec![record]),
        }
    }
    groups
}

fn table(records: &[Record]) -> Table {
    let header = ["query", "engine", "variant", "outcome", "median", "min", "max", "peak memory", "answer"];
    let mut table = plain_table(header, 4..8);
    for mut group in groups(records) {
        // Verified ones first, the fastest of them first.
        let median = |record: &Record| record.median_ns().unwrap_or(f64::INFINITY);
        group.sort_by(|a, b| median(a).total_cmp(&median(b)));
        group.sort_by_key(|record| ended(record) != "right");
        table.add_rows(group.into_iter().map(row));
    }
    table
}

fn row(record: &Record) -> [String; 9] {
    let samples = record.samples_ns();
    let outcome = match record.outcome {
        Outcome::Measured(_) => format!("{} runs", samples.len()),
        Outcome::Skipped(_) => "skipped".to_owned(),
        Outcome::Failed(_) => "FAILED".to_owned(),
    };
    let time = |ns: Option<f64>| ns.map(|ns| Nanos(ns).to_string()).unwrap_or_default();
    let memory = record.peak_memory_bytes().map(|bytes| Bytes(bytes).to_string());
    [
        record.id.query.clone(),
        record.label(),
        record.id.variant.clone(),
        outcome,
        time(record.median_ns()),
        time(samples.iter().copied().reduce(f64::min)),
        time(samples.iter().copied().reduce(f64::max)),
        memory.unwrap_or_default(),
        record.verdict.as_ref().map_or_else(String::new, Verdict::short),
    ]
}

/// `q1: 4 of 5 engines answered and agree; fastest: duckdb, 12.3 ms; most frugal: polars, 34 MiB`.
fn summary(group: &[&Record]) -> String {
    let first = group[0];
    let count = |what: &str| group.iter().filter(|record| ended(record) == what).count();
    let asked = group.len() - count("not there");
    let mut parts = vec![match count("right") {
        0 => format!("none of {asked} engines is verified"),
        count => format!("{count} of {asked} engines answered and agree"),
    }];
    let others = ["disputed", "unchecked", "wrong", "failed", "cannot", "not there"].map(|what| (count(what), what));
    parts.extend(others.into_iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{count} {what}")));
    let mut text = format!("{} ({}): {}", first.id.query, first.id.variant, parts.join(", "));
    let right = group.iter().filter(|record| ended(record) == "right");
    let timed: Vec<(&Record, f64)> = right.filter_map(|record| Some((*record, record.median_ns()?))).collect();
    if first.parallel > 1 {
        text += "; engines ran at the same time, so none is called the fastest";
    } else {
        if let Some((record, ns)) = timed.iter().min_by(|a, b| a.1.total_cmp(&b.1)) {
            text += &format!("; fastest: {}, {}", record.label(), Nanos(*ns));
        }
        let held = timed.iter().filter_map(|(record, _)| Some((record, record.peak_memory_bytes()?)));
        if let Some((record, bytes)) = held.min_by_key(|(_, bytes)| *bytes) {
            text += &format!("; most frugal: {}, {}", record.label(), Bytes(bytes));
        }
    }
    if let Some(planning) = group.iter().find_map(|record| record.planning.as_ref()) {
        let [catalog, files] = [planning.catalog_ns, planning.planning_ns].map(|ns| Nanos(metric::value(ns)));
        text += &format!("; Iceberg planning, in no time above: {catalog} catalog, {files} files");
    }
    text
}

/// What was read of tables that were there already, each once.
fn reads(records: &[Record]) -> Vec<String> {
    let mut seen = BTreeSet::new();
    let records = records.iter().filter(|record| record.query.sql.is_some());
    let lines = records.flat_map(|record| record.dataset.files_in_words());
    lines.filter(|line| seen.insert(line.clone())).map(|line| format!("read: {line}")).collect()
}

/// How a cell ended; only the time of one that is right may stand beside others.
fn ended(record: &Record) -> &'static str {
    match (&record.outcome, &record.verdict) {
        (Outcome::Measured(_), _) if record.verified() => "right",
        (Outcome::Measured(_), Some(Verdict::Disputed(_))) => "disputed",
        (Outcome::Measured(_), _) => "unchecked",
        (_, Some(Verdict::Wrong { .. })) => "wrong",
        (Outcome::Failed(_), _) => "failed",
        // Nobody tried it: its program is not there.
        (Outcome::Skipped(_), _) if record.failure().is_none() => "not there",
        (Outcome::Skipped(_), _) => "cannot",
    }
}

/// One line for each engine that failed, was skipped or is unchecked, with its queries where there are several.
fn reasons(records: &[Record]) -> Vec<String> {
    let mut told: BTreeMap<(&str, &str, String), Vec<&str>> = BTreeMap::new();
    for record in records {
        if let Some((how, why)) = why_not(record) {
            told.entry((how, record.id.engine.as_str(), in_a_line(why))).or_default().push(&record.id.query);
        }
    }
    told.into_iter()
        .map(|((how, engine, why), mut queries)| {
            queries.dedup();
            format!("{how}: {engine} ({}): {why}", queries.join(", "))
        })
        .collect()
}

fn in_a_line(text: &str) -> String {
    let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut line: String = words.chars().take(LONGEST).collect();
    if line.len() < words.len() {
        line += " ...";
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(engine: &str, milliseconds: f64, mebibytes: u64, verdict: Verdict) -> Record {
        let base = include_str!("../../../tests/records/measured.json");
        let mut record: Record = serde_json::from_str(base).unwrap();
        record.id = format!("{engine}/own-1/sf1/parquet").parse().unwrap();
        record.engine.version = None;
        record.metrics.set(metric::TIME, [milliseconds * 1e6; 3]);
        record.metrics.set(metric::PEAK_MEMORY, [metric::value(mebibytes << 20)]);
        record.verdict = Some(verdict);
        record
    }

    fn agreed() -> Verdict {
        Verdict::Agreed { components: vec!["a".to_owned(), "b".to_owned()], dissent: Vec::new() }
    }

    fn skipped(engine: &str, why: &str) -> Record {
        let mut record = record(engine, 1.0, 1, Verdict::Official { equals_reference: None });
        (record.outcome, record.verdict) = (Outcome::Skipped(why.to_owned().into()), None);
        record
    }

    #[test]
    fn the_fastest_and_the_most_frugal_are_among_the_verified() {
        let agree = agreed();
        let records = [
            record("slow", 20.0, 10, agree.clone()),
            record("fast", 10.0, 30, agree),
            record("alone", 1.0, 1, Verdict::Unchecked { reason: "nobody\nknows".to_owned() }),
            skipped("gone", "not built"),
        ];
        let text = shown(&records);
        assert!(text.contains("2 of 3 engines answered and agree, 1 unchecked, 1 not there"), "{text}");
        assert!(text.contains("fastest: fast, 10.0 ms; most frugal: slow, 10.0 MiB"), "{text}");
        assert!(text.contains("unchecked: alone (own-1): nobody knows"), "{text}");
        assert!(text.contains("skipped: gone (own-1): not built"), "{text}");
    }

    #[test]
    fn engines_over_unlike_data_are_not_compared() {
        let agree = agreed();
        let mut records = [
            skipped("gone", "not built"),
            record("before", 20.0, 10, agree.clone()),
            record("after", 10.0, 30, agree.clone()),
            record("late", 5.0, 30, agree),
        ];
        records[0].dataset.sha256 = None;
        for record in &mut records[2..] {
            record.dataset.sha256 = Some("other".to_owned());
        }
        let text = shown(&records);
        assert!(text.contains("1 of 1 engines answered and agree, 1 not there; fastest: before"), "{text}");
        assert!(text.contains("2 of 2 engines answered and agree; fastest: late"), "{text}");
    }

    #[test]
    fn engines_that_ran_at_the_same_time_are_not_ranked() {
        let mut records = [record("a", 2.0, 1, agreed()), record("b", 1.0, 1, agreed())];
        for record in &mut records {
            record.parallel = 2;
        }
        let text = shown(&records);
        assert!(text.contains("none is called the fastest") && !text.contains("fastest: "), "{text}");
    }
}
