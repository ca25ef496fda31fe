//! What is measured and what is not: provenance, marks, and results that cannot be true. Needs the program of the history (`cargo xtask
//! build history`).

mod common;

use std::fs;

use common::history::History;
use common::made_up::{A, B, add, record, rows, values, with};
use common::text;
use querydyno::host::paths::root;
use serde_json::{Value, json};

#[test]
fn what_is_not_measured_is_taken_in_and_ranked_with_nothing() {
    let Some(history) = History::empty() else { return };
    let engines = [("duckdb", "measured"), ("polars", "imported"), ("arrow", "estimated"), ("daft", "simulated")];
    let records = engines.iter().zip([8.0, 4.0, 2.0, 1.0]).map(|((engine, provenance), time)| {
        with(record(&format!("{engine}/q1/sf1/parquet"), A, time), |record| {
            record["provenance"] = (*provenance).into();
            record["provenance_reason"] = format!("{provenance} for a test").into();
        })
    });
    add(&history, 10, records);
    let best = history.csv("SELECT provenance, engine, engines FROM best_engine_per_query ORDER BY ALL");
    let alone =
        |provenance: &str, engine: &str| [provenance, &format!("{engine} 2.0.0"), "1"].map(str::to_owned).to_vec();
    assert_eq!(
        best,
        [
            alone("estimated", "arrow"),
            alone("imported", "polars"),
            alone("measured", "duckdb"),
            alone("simulated", "daft")
        ]
    );
    let listed = rows(&history, &["simulated"]);
    let reasons: Vec<&str> = listed.iter().map(|row| row[1].as_str()).collect();
    assert_eq!(reasons, ["estimated for a test", "imported for a test", "simulated for a test"]);
    assert_eq!(rows(&history, &["simulated", "daft", "--results"])[0][2], "daft/q1/sf1/parquet");
    let stats = history.ok(&["stats", "--format", "csv"]);
    assert!(stats.contains("\"simulated, imported or estimated\",3"), "{stats}");
}

#[test]
fn mark_of_a_machine_holds_for_what_comes_and_is_taken_back() {
    let Some(history) = History::empty() else { return };
    let run = add(&history, 10, [record("duckdb/q1/sf1/parquet", A, 8.0), record("duckdb/q1/sf1/parquet", B, 9.0)]);
    let journal = fs::read(history.journal(&run)).unwrap();
    let provenances = || history.csv("SELECT machine_class[:3], provenance FROM measurements ORDER BY ALL");
    let mark = ["mark", "--machine", "epyc", "--simulated", "--reason", "an emulator"];
    let told = history.ok(&[&mark[..], &["--dry-run"]].concat());
    assert!(told.contains("1 results would be marked simulated; nothing was"), "{told}");
    assert_eq!(provenances(), [["AMD", "measured"], ["Int", "measured"]]);
    history.ok(&mark);
    assert_eq!(provenances(), [["AMD", "simulated"], ["Int", "measured"]]);
    add(&history, 11, [record("polars/q1/sf1/parquet", A, 1.0)]);
    assert_eq!(provenances(), [["AMD", "simulated"], ["AMD", "simulated"], ["Int", "measured"]]);
    let simulated = rows(&history, &["simulated"]);
    assert_eq!((simulated.len(), simulated[0][1].as_str()), (2, "an emulator"));
    assert!(!simulated[0][2].is_empty(), "by whom: {simulated:?}");
    let best = "SELECT provenance, engine FROM best_engine_per_query ORDER BY ALL";
    assert_eq!(history.csv(best), [["measured", "duckdb 2.0.0"], ["simulated", "polars 2.0.0"]]);
    // Taken in again, from a journal that nobody has touched.
    fs::write(history.journal(&run), &journal).unwrap();
    history.ok(&["take-in"]);
    assert_eq!(provenances()[0], ["AMD", "simulated"]);
    assert_eq!(history.csv("SELECT count(*) FROM results WHERE provenance = 'measured'"), [["3"]]);
    // Of the two marks the newer counts: the one of a single result here.
    history.ok(&["mark", &format!("{run}:1"), "--measured"]);
    assert_eq!(
        history.csv("SELECT provenance FROM measurements WHERE cell LIKE 'duckdb%' ORDER BY ALL"),
        [["measured"], ["measured"]]
    );
    history.ok(&["mark", "--engine", "duckdb", "--estimated", "--reason", "typed in"]);
    let reasons = history.csv("SELECT provenance, provenance_reason FROM measurements ORDER BY ALL");
    assert_eq!(reasons, [["estimated", "typed in"], ["estimated", "typed in"], ["simulated", "an emulator"]]);
    history.ok(&["mark", "--engine", "duckdb", "--measured", "--reason", "a mistake"]);
    history.ok(&["mark", "--machine", "EPYC", "--measured"]);
    history.ok(&mark);
    history.ok(&["mark", "--machine", "EPYC", "--measured"]);
    assert!(history.csv("SELECT DISTINCT provenance FROM measurements") == [["measured"]]);
    let shown = history.ok(&["show", &format!("{run}:1")]);
    assert!(shown.contains("a mistake") && shown.contains("an emulator"), "who said what stays: {shown}");
    assert!(history.ok(&["check"]).contains("the history is whole"));
    assert_eq!(fs::read(history.journal(&run)).unwrap(), journal);
}

#[test]
fn mark_by_name_or_condition_means_what_is_there_and_nothing_else() {
    let Some(history) = History::empty() else { return };
    let run =
        add(&history, 10, (1..=9).map(|query| record(&format!("duckdb/q{query}/sf1/parquet"), A, f64::from(query))));
    history.ok(&["mark", "--where", "time_ns < 2.5e6", "--simulated", "--reason", "too fast"]);
    history.ok(&["mark", &format!("{run}:3"), &format!("{run}:4"), "--estimated", "--reason", "by eye"]);
    let found = history.csv("SELECT query, provenance FROM measurements WHERE provenance != 'measured' ORDER BY ALL");
    assert_eq!(found, [["q1", "simulated"], ["q2", "simulated"], ["q3", "estimated"], ["q4", "estimated"]]);
    // A run of what is missing measures these.
    let newest = history.ok(&["newest", &history.csv("SELECT class FROM machines")[0][0]]);
    for query in 1..=9 {
        assert_eq!(newest.contains(&format!("duckdb/q{query}/sf1/parquet")), query > 4, "q{query}: {newest}");
    }
    // A file whose name ends as another's, with lines of the same numbers.
    let lines = (1..=4).map(|query| format!("{}\n", record(&format!("polars/q{query}/sf1/parquet"), A, 3.0)));
    history.add(&format!("x{run}"), &lines.collect::<String>());
    assert_eq!(
        history.csv("SELECT DISTINCT provenance FROM measurements WHERE engine_name = 'polars'"),
        [["measured"]]
    );
    // One series has a line for each provenance that its results have.
    add(&history, 11, [record("duckdb/q1/sf1/parquet", A, 3.5)]);
    let series = history.csv("SELECT provenance, results FROM series WHERE cell LIKE 'duckdb/q1/%' ORDER BY ALL");
    assert_eq!(series, [["measured", "1"], ["simulated", "1"]]);
    let one_of_two = history.fails(&["mark", &format!("{run}:5"), "none:1", "--simulated", "--reason", "r"]);
    assert!(one_of_two.contains("no result is called none:1"), "{one_of_two}");
    let unknown = history.fails(&["mark", "--machine", "M5", "--simulated", "--reason", "r"]);
    assert!(unknown.contains("no class of machines 'M5'") && unknown.contains(A), "{unknown}");
    assert!(history.fails(&["mark", "--engine", "duck", "--simulated", "--reason", "r"]).contains("it has 'duckdb'"));
    assert!(history.fails(&["mark", "none:1", "--measured"]).contains("no result is called none:1"));
    let malicious = history.fails(&["mark", "--where", "true); DELETE FROM results; SELECT (1", "--measured"]);
    assert!(malicious.contains("rror"), "{malicious}");
    for refused in [
        &["mark", "none:1", "--simulated"][..],
        &["mark", "--simulated", "--reason", "r"],
        &["mark", "none:1", "--reason", "r"],
        &["mark", "none:1", "--simulated", "--measured", "--reason", "r"],
        &["mark", "none:1", "--machine", "EPYC", "--simulated", "--reason", "r"],
    ] {
        assert_eq!(history.run(refused).status.code(), Some(2), "{refused:?}");
    }
    assert_eq!(history.count("results"), 14);
    // What is marked may be deleted for it.
    history.ok(&["delete", "--where", "provenance != 'measured'"]);
    assert_eq!(history.count("results"), 10);
    assert!(history.ok(&["check"]).contains("the history is whole"));
}

/// What makes a record one that cannot be.
type Change = fn(&mut Value);

#[test]
fn validate_finds_each_thing_that_cannot_be_and_nothing_else() {
    let Some(history) = History::empty() else { return };
    let changes: [(&str, &str, Change); 12] = [
        ("absent engine", "was not found there", |record| record["engine"]["version"] = Value::Null),
        ("time below the clock's step", "a sample of 0.0 ns in all", |record| values(record, "time")[3] = json!(0.0)),
        ("time below the clock's step", "of -", |record| values(record, "time")[3] = json!(-1.0)),
        // Twelve iterations of a twentieth of a nanosecond.
        ("time below the clock's step", "steps of 1 ns", |record| *values(record, "time") = json!([0.05, 0.05, 0.051])),
        ("more CPU time than processors", "on 2 processors", |record| {
            *values(record, "cpu_time") = json!([1e12, 1.1e12, 1.2e12]);
        }),
        ("no GPU", "runs on a GPU", |record| {
            record["mode"] = "gpu".into();
            record["host"]["gpus"] = json!([]);
        }),
        ("in the future", "it started at 2", |record| record["started_at"] = "2999-01-01T00:00:00.000Z".into()),
        ("before QueryDyno", "before 2026-11-20", |record| record["started_at"] = "2025-11-24T00:00:00.000Z".into()),
        ("simulated machine", "calls itself simulated", |record| record["host"]["cpu"] = "Simulated processor".into()),
        ("more memory than the machine", "GiB of", |record| {
            *values(record, "peak_memory") = json!([1e12]);
        }),
        ("samples of another result", "the same 10 samples as", |record| *values(record, "time") = samples(20)),
        ("samples of another result", "the same 10 samples as", |record| *values(record, "time") = samples(20)),
    ];
    let innocent = [
        // A GPU that is there, a machine of which that is not known, an engine whose name only has the letters.
        with(record("duckdb/q31/sf1/parquet-gpu", A, 31.0), |record| {
            record["mode"] = "gpu".into();
            record["host"]["gpus"] = json!(["NVIDIA H100"]);
        }),
        with(record("gpu-engine/q32/sf1/parquet", A, 32.0), |_| {}),
        with(record("gpuless/q33/sf1/parquet", A, 33.0), |record| record["host"]["gpus"] = json!([])),
        // As long as the clock's step, in all its iterations.
        with(record("duckdb/q34/sf1/parquet", A, 34.0), |record| *values(record, "time") = json!([0.1, 0.11, 0.12])),
        // What is not said to be measured may be anything.
        with(record("duckdb/q35/sf1/parquet", A, 35.0), |record| {
            record["provenance"] = "simulated".into();
            values(record, "time")[0] = json!(0.0);
        }),
    ];
    add(&history, 9, innocent);
    assert!(text(&history.run(&["validate"])).contains("4 results claim to be measured, and nothing contradicts that"));
    assert_eq!(history.ok(&["validate", "--format", "json"]), "[]\n");
    let engine = |place: usize| if place == 0 { "daft" } else { "duckdb" };
    let guilty = changes.iter().enumerate().map(|(place, (_, _, change))| {
        with(
            record(
                &format!("{}/q{}/sf1/parquet", engine(place), place + 1),
                A,
                1.0 + f64::from(u32::try_from(place).unwrap()),
            ),
            change,
        )
    });
    let run = add(&history, 10, guilty);
    let output = history.run(&["validate", "--format", "csv"]);
    assert_eq!(output.status.code(), Some(1), "{}", text(&output));
    let mut reader = csv::Reader::from_reader(output.stdout.as_slice());
    let mut found: Vec<Vec<String>> =
        reader.records().map(|row| row.unwrap().iter().map(str::to_owned).collect()).collect();
    found.sort_by_key(|row| row[0].rsplit_once(':').unwrap().1.parse::<usize>().unwrap());
    assert_eq!(found.len(), changes.len(), "{found:#?}");
    for (place, (row, (rule, why, _))) in found.iter().zip(&changes).enumerate() {
        assert_eq!((row[0].as_str(), row[2].as_str()), (format!("{run}:{}", place + 1).as_str(), *rule), "{row:?}");
        assert!(row[3].contains(why), "{row:?}");
    }
    // Marked for what they are, they are nothing to be found.
    history.ok(&["mark", "--where", "run LIKE '20261124T10%'", "--simulated", "--reason", "made up"]);
    assert_eq!(history.ok(&["validate", "--format", "json"]), "[]\n");
}

fn samples(seed: u32) -> Value {
    (0..10).map(|sample| f64::from(seed) * 1e6 + f64::from(sample)).collect()
}

#[test]
fn validate_does_not_doubt_what_was_really_measured() {
    let Some(history) = History::empty() else { return };
    for file in fs::read_dir(root().join("tests/recorded/records")).unwrap().flatten() {
        fs::copy(file.path(), history.records().join(file.file_name())).unwrap();
    }
    assert!(history.count("measurements WHERE comparable") > 20);
    assert_eq!(history.ok(&["validate", "--format", "json"]), "[]\n");
}
