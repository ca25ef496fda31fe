//! What was decided about results outlives the file of the history, and the report goes by it. Needs the program of the history (`cargo xtask
//! build history`).

mod common;

use std::fs;

use common::history::History;
use common::made_up::{A, B, add, record};
use querydyno::host::decisions::file_of;
use querydyno::host::filter::Filter;
use querydyno::host::record::Provenance;
use querydyno::host::report::{Gathered, Known, Marks, Report, Sources, newest};
use querydyno::host::settings::Settings;
use serde_json::Value;

fn tables(history: &History) -> Vec<String> {
    ["annotations", "deleted_results", "alerts", "marks"]
        .map(|table| history.ok(&["sql", &format!("FROM {table} ORDER BY ALL"), "--format", "csv"]))
        .to_vec()
}

/// Forty results of a cell, the last ten slower, a day apart.
fn step(history: &History) {
    for day in 1..=28 {
        let slower = if day > 18 { 1.3 } else { 1.0 };
        let mut record = record("duckdb/q6/sf1/parquet", A, 10.0 * slower * (1.0 + 0.002 * f64::from(day % 5)));
        record["started_at"] = format!("2026-10-{day:02}T12:00:00.000Z").into();
        record["run_id"] = format!("202610{day:02}T120000Z-1-00000000").into();
        history.add(&format!("202610{day:02}T120000Z-1"), &format!("{record}\n"));
    }
}

#[test]
fn a_history_that_is_made_anew_has_what_was_decided() {
    let Some(history) = History::empty() else { return };
    step(&history);
    let run = add(&history, 10, ["q1", "q2", "q3"].map(|query| record(&format!("duckdb/{query}/sf1/parquet"), B, 5.0)));
    assert_eq!(history.run(&["changes", "--alert"]).status.code(), Some(1));
    history.ok(&["annotate", "duckdb/q1", "SET threads = 1; -- \"so\"\n", "--kind", "workaround"]);
    history.ok(&["mark", &format!("{run}:2"), "--simulated", "--reason", "too fast"]);
    history.ok(&["mark", "--machine", "EPYC", "--estimated", "--reason", "a guess"]);
    history.ok(&["mark", "--machine", "EPYC", "--measured"]);
    history.ok(&["delete", &format!("{run}:3"), "--reason", "a test"]);
    let (content, decided) = (history.content(), tables(&history));
    assert!(history.count("alerts") == 1 && history.count("results") == 30, "{decided:?}");
    for _ in 0..2 {
        fs::remove_file(history.file()).unwrap();
        assert_eq!((history.content(), tables(&history)), (content.clone(), decided.clone()));
    }
    // So nothing is told again, and what was deleted stays away.
    assert_eq!(history.run(&["changes", "--alert"]).status.code(), Some(0));
    assert!(history.ok(&["check"]).contains("the history is whole"));
}

#[test]
fn a_backup_that_is_restored_has_its_own_decisions() {
    let Some(history) = History::empty() else { return };
    let run = add(&history, 10, [record("duckdb/q1/sf1/parquet", A, 5.0), record("duckdb/q2/sf1/parquet", A, 6.0)]);
    history.ok(&["mark", &format!("{run}:1"), "--simulated", "--reason", "kept"]);
    let decided = tables(&history);
    let backup = history.folder.path().join("backup").display().to_string();
    history.ok(&["backup", &backup]);
    history.ok(&["delete", &format!("{run}:2")]);
    let later = fs::read_to_string(file_of(&history.file())).unwrap();
    history.ok(&["restore", &backup]);
    assert_eq!(tables(&history), decided);
    fs::remove_file(history.file()).unwrap();
    assert_eq!((tables(&history), history.count("results")), (decided, 2));
    // What was decided later is kept beside what it was.
    let before = history.folder.path().join("history.duckdb.replaced");
    assert_eq!(fs::read_to_string(file_of(&before)).unwrap(), later);
}

#[test]
fn a_copy_that_is_gone_is_written_again_and_one_that_is_spoilt_is_told() {
    let Some(history) = History::empty() else { return };
    let run = add(&history, 10, [record("duckdb/q1/sf1/parquet", A, 5.0)]);
    let copy = file_of(&history.file());
    history.ok(&["take-in"]);
    assert!(!copy.exists(), "there is nothing to be kept");
    history.ok(&["annotate", &format!("{run}:1"), "a note"]);
    let text = fs::read(&copy).unwrap();
    fs::remove_file(&copy).unwrap();
    history.ok(&["stats"]);
    assert_eq!(fs::read(&copy).unwrap(), text);
    fs::write(&copy, [&text[..], b"{\"decision\":"].concat()).unwrap();
    fs::remove_file(history.file()).unwrap();
    let told = history.fails(&["stats"]);
    assert!(told.contains("line 2 of") && told.contains("decisions.jsonl is no decision: mend it"), "{told}");
}

fn gathered(history: &History) -> (Gathered, Known) {
    let sources = Sources {
        records: vec![history.records()],
        criterion: history.folder.path().join("none"),
        known: Known::read(&Settings::read().unwrap()).unwrap(),
        marks: Marks::read(&history.file()).unwrap(),
        filter: Filter::new("q1", false).unwrap(),
        needs_times: true,
    };
    (newest(&sources).unwrap(), sources.known)
}

/// The engines of each ranking, and the figures that it is over.
fn ranked(history: &History) -> Vec<(Provenance, Vec<String>)> {
    let (gathered, known) = gathered(history);
    let report = Report::new(&gathered, &known, &[]);
    let of = |group: &querydyno::host::report::Group<'_>| {
        let engines: Vec<String> = group.cells().iter().map(|cell| cell.record().id.engine.clone()).collect();
        (group.conditions.provenance, engines)
    };
    let mut all: Vec<_> = report.groups.iter().map(of).collect();
    for (_, engines) in &mut all {
        engines.sort();
    }
    all.sort_by_key(|(provenance, _)| provenance.word());
    all
}

#[test]
fn report_ranks_what_is_marked_with_nothing_that_was_measured() {
    let Some(history) = History::empty() else { return };
    let engines = ["duckdb", "polars", "datafusion"];
    let run = add(&history, 10, engines.map(|engine| record(&format!("{engine}/q1/sf1/parquet"), A, 5.0)));
    let all = |engines: &[&str]| engines.iter().map(|engine| (*engine).to_owned()).collect::<Vec<_>>();
    assert_eq!(ranked(&history), [(Provenance::Measured, all(&["datafusion", "duckdb", "polars"]))]);
    history.ok(&["mark", &format!("{run}:2"), "--simulated", "--reason", "an emulator"]);
    history.ok(&["mark", "--engine", "datafusion", "--estimated", "--reason", "by eye"]);
    let expected = [
        (Provenance::Estimated, all(&["datafusion"])),
        (Provenance::Measured, all(&["duckdb"])),
        (Provenance::Simulated, all(&["polars"])),
    ];
    assert_eq!(ranked(&history), expected);
    let (gathered, _) = gathered(&history);
    let reasons: Vec<_> = gathered.found.iter().filter_map(|found| found.record.provenance_reason.clone()).collect();
    assert!(
        reasons.iter().any(|reason| reason.starts_with("marked by ") && reason.ends_with(": an emulator")),
        "{reasons:?}"
    );
    // The newest counts, of whichever of the three, as in the history's views.
    history.ok(&["mark", "--machine", "EPYC", "--simulated", "--reason", "all of it"]);
    assert_eq!(ranked(&history), [(Provenance::Simulated, all(&["datafusion", "duckdb", "polars"]))]);
    history.ok(&["mark", "--machine", "EPYC", "--measured"]);
    assert_eq!(ranked(&history), [(Provenance::Measured, all(&["datafusion", "duckdb", "polars"]))]);
    let marked = history.csv("SELECT DISTINCT provenance FROM measurements");
    assert_eq!(marked, [["measured"]]);
    let lines = fs::read_to_string(file_of(&history.file())).unwrap();
    assert!(
        lines.lines().all(|line| serde_json::from_str::<Value>(line).unwrap()["decision"] == "annotation"),
        "{lines}"
    );
}
