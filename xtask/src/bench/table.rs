//! What a run says at its end: a table, who was fastest and who took the least memory, and a line for each that did not make
//! it. Pure functions over records.

use std::collections::BTreeMap;

use comfy_table::{CellAlignment, Table, presets};
use querydyno::host::record::{Outcome, Record};
use querydyno::host::report::Conditions;
use querydyno::host::terminal::doubts;
use querydyno::host::verify::Verdict;
use querydyno::protocol::units::{Bytes, Nanos};

/// Characters of a reason: an engine may print a whole plan.
const LONGEST: usize = 400;

/// All of it, with a line's end behind each part.
pub(super) fn shown(records: &[Record]) -> String {
    if records.is_empty() {
        return "nothing was measured\n".to_owned();
    }
    let mut text = format!("\n{}\n\n", table(records));
    for group in groups(records) {
        text += &format!("{}\n", summary(&group));
    }
    for line in reads(records).into_iter().chain(reasons(records)).chain(doubts(records)) {
        text += &format!("{line}\n");
    }
    text
}

/// Records that may be compared: one query under the same conditions over the same data. One that never came to its data is
/// with the first of its query.
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
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header(["query", "engine", "variant", "outcome", "median", "min", "max", "peak memory", "answer"]);
    for mut group in groups(records) {
        // Verified ones first, the fastest of them first.
        group.sort_by(|a, b| {
            let median = |record: &Record| record.median_ns().unwrap_or(f64::INFINITY);
            (!is_right(a)).cmp(&!is_right(b)).then(median(a).total_cmp(&median(b)))
        });
        for record in group {
            table.add_row(row(record));
        }
    }
    for column in 4..8 {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
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
    let answer = match &record.verdict {
        Some(verdict) => verdict.short(),
        None => String::new(),
    };
    [
        record.id.query.clone(),
        record.label(),
        record.id.variant.clone(),
        outcome,
        time(record.median_ns()),
        time(samples.iter().copied().reduce(f64::min)),
        time(samples.iter().copied().reduce(f64::max)),
        memory.unwrap_or_default(),
        answer,
    ]
}

/// `q1: 4 of 5 engines answered and agree; fastest: duckdb, 12.3 ms; most frugal: polars, 34 MiB`.
fn summary(group: &[&Record]) -> String {
    let first = group[0];
    let verified: Vec<&&Record> = group.iter().filter(|record| is_right(record)).collect();
    let count = |is: &dyn Fn(&Record) -> bool| group.iter().filter(|record| is(record)).count();
    let absent = count(&not_there);
    let asked = group.len() - absent;
    let mut parts = vec![match verified.len() {
        0 => format!("none of {asked} engines is verified"),
        count => format!("{count} of {asked} engines answered and agree"),
    }];
    let more = [
        (count(&is_disputed), "disputed"),
        (count(&|record| record.is_measured() && !record.verified() && !is_disputed(record)), "unchecked"),
        (count(&is_wrong), "wrong"),
        (count(&|record: &Record| record.is_failed() && !is_wrong(record)), "failed"),
        (count(&|record: &Record| record.is_skipped() && !not_there(record)), "cannot"),
        (absent, "not there"),
    ];
    parts.extend(more.into_iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{count} {what}")));
    let mut text = format!("{} ({}): {}", first.id.query, first.id.variant, parts.join(", "));
    let timed: Vec<(&Record, f64)> =
        verified.iter().filter_map(|record| Some((**record, record.median_ns()?))).collect();
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
        #[expect(clippy::cast_precision_loss, reason = "shown with three digits")]
        let [catalog, files] = [planning.catalog_ns, planning.planning_ns].map(|ns| Nanos(ns as f64));
        text += &format!("; Iceberg planning, in no time above: {catalog} catalog, {files} files");
    }
    text
}

/// What was read of tables that were there already, each once.
fn reads(records: &[Record]) -> Vec<String> {
    let mut told: Vec<String> = Vec::new();
    for record in records.iter().filter(|record| record.query.sql.is_some()) {
        for line in record.dataset.files_in_words() {
            let line = format!("read: {line}");
            if !told.contains(&line) {
                told.push(line);
            }
        }
    }
    told
}

/// Whether its time may stand beside others.
fn is_right(record: &Record) -> bool {
    record.is_measured() && record.verified()
}

fn is_wrong(record: &Record) -> bool {
    matches!(record.verdict, Some(Verdict::Wrong { .. }))
}

fn is_disputed(record: &Record) -> bool {
    record.is_measured() && matches!(record.verdict, Some(Verdict::Disputed(_)))
}

/// Whether nobody tried it: its program is not there.
fn not_there(record: &Record) -> bool {
    record.is_skipped() && record.failure().is_none()
}

/// One line for each engine that failed, was skipped or is unchecked, with its queries where there are several.
fn reasons(records: &[Record]) -> Vec<String> {
    let mut told: BTreeMap<(&str, &str, String), Vec<&str>> = BTreeMap::new();
    for record in records {
        let (how, why) = match (&record.outcome, &record.verdict) {
            (Outcome::Failed(why), _) => ("FAILED", &why.reason),
            (Outcome::Skipped(why), _) => ("skipped", &why.reason),
            (Outcome::Measured(_), Some(Verdict::Unchecked { reason })) => ("unchecked", reason),
            (Outcome::Measured(_), _) => continue,
        };
        let why = in_a_line(why);
        told.entry((how, record.id.engine.as_str(), why)).or_default().push(&record.id.query);
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
    use querydyno::host::record::metric;

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
