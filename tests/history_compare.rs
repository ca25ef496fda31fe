//! Comparisons that mix nothing, and simulations that are made of measured results only. Needs the program of the history (`cargo xtask
//! build history`).

mod common;

use std::fs;

use common::history::History;
use common::made_up::{A, B, add, failed, on_s3, record, rows, values, with};
use common::text;
use querydyno::host::session::FailureKind;
use querydyno::measure::machine::Host;
use serde_json::{Value, json};

/// The records that are simulated in the journal.
fn simulated(history: &History) -> Vec<Value> {
    let files = fs::read_dir(history.records()).unwrap().flatten();
    let lines =
        files.flat_map(|file| fs::read_to_string(file.path()).unwrap().lines().map(str::to_owned).collect::<Vec<_>>());
    let records = lines.map(|line| serde_json::from_str::<Value>(&line).unwrap());
    records.filter(|record| record["provenance"] == "simulated").collect()
}

/// duckdb at four scales, 10 ms at the first and growing with the power 1.1.
fn scales(cpu: &'static str) -> impl Iterator<Item = Value> {
    [0.1_f64, 0.5, 1.0, 2.0]
        .into_iter()
        .map(move |scale| record(&format!("duckdb/q1/sf{scale}/parquet"), cpu, 10.0 * (scale / 0.1).powf(1.1)))
}

#[test]
fn simulate_by_scale_follows_the_curve_and_outlives_the_history() {
    let Some(history) = History::empty() else { return };
    add(
        &history,
        10,
        scales(A).chain([record("polars/q1/sf1/parquet", A, 3.0), record("polars/q1/sf2/parquet", A, 5.0)]),
    );
    let told = text(&history.run(&["simulate", "--scale", "10", "--dry-run"]));
    assert!(told.contains("1 results would be simulated; nothing was written"), "{told}");
    assert!(told.contains("polars/q1/sf10/parquet: 2 scales are measured with its newest version"), "{told}");
    assert!(simulated(&history).is_empty() && history.count("results") == 6);
    let told = history.ok(&["simulate", "--scale", "10"]);
    assert!(told.contains("1 results simulated, in "), "{told}");
    let found = history.csv(
        "SELECT cell, provenance, verdict, comparable, time_ns / 1e6, provenance_reason, threads FROM measurements WHERE provenance = 'simulated'",
    );
    let [row] = found.as_slice() else { panic!("{found:?}") };
    assert_eq!(row[..4], ["duckdb/q1/sf10/parquet", "simulated", "unchecked", "false"]);
    let time: f64 = row[4].parse().unwrap();
    assert!((time / (10.0 * 100.0_f64.powf(1.1)) - 1.0).abs() < 1e-9, "{time}");
    for words in [
        "scale^1.100",
        "sf0.1 20261124T100000Z-10:1",
        "95 % interval",
        "5.000 times beyond the largest",
        "standard deviation",
    ] {
        assert!(row[5].contains(words), "{words} not in {}", row[5]);
    }
    assert_eq!(row[6], "2");
    // The same inputs say the same: once is enough.
    let again = text(&history.run(&["simulate", "--scale", "10"]));
    assert!(again.contains("simulated already, from the same results") && again.contains("0 results"), "{again}");
    assert_eq!(simulated(&history).len(), 1);
    // Made anew from the journal, it is there; and nothing was measured at that scale.
    let before = history.content();
    fs::remove_file(history.file()).unwrap();
    assert_eq!(history.content(), before);
    assert!(history.csv("SELECT 1 FROM best_engine_per_query WHERE scale = 'sf10'").is_empty());
    assert!(history.ok(&["check"]).contains("the history is whole"));
    let demo = history.folder.path().join("other.duckdb");
    fs::copy(history.file(), &demo).unwrap();
    let of_another = history.fails(&["simulate", "--scale", "20", "--database", demo.to_str().unwrap()]);
    assert!(of_another.contains("--database leaves alone"), "{of_another}");
}

#[test]
fn simulate_leaves_alone_what_is_or_can_be_measured() {
    let Some(history) = History::empty() else { return };
    let here = |record: Value| with(record, |record| record["host"] = serde_json::to_value(Host::read()).unwrap());
    add(&history, 10, scales(A).map(here));
    let told = text(&history.run(&["simulate", "--scale", "2"]));
    assert!(told.contains("it is measured, on ") && told.contains("0 results"), "{told}");
    let told = text(&history.run(&["simulate", "--scale", "10"]));
    assert!(told.contains("it can be measured: this machine has the engine") && told.contains("0 results"), "{told}");
    assert!(simulated(&history).is_empty());
    history.ok(&["simulate", "--scale", "10", "--force-simulation"]);
    assert_eq!(simulated(&history).len(), 1);
    // What is simulated, or only marked so, is no input.
    history.ok(&["mark", "--where", "scale = 'sf1' OR scale = 'sf2'", "--simulated", "--reason", "r"]);
    let told = text(&history.run(&["simulate", "--scale", "20", "--force-simulation"]));
    assert!(told.contains("2 scales are measured"), "{told}");
    for refused in [&["simulate"][..], &["simulate", "--scale", "10", "--machine", A], &["simulate", "--scale", "big"]]
    {
        assert_eq!(history.run(refused).status.code(), Some(2), "{refused:?}");
    }
    let nope = history.refuses(&["simulate", "nope", "--scale", "10"]);
    assert!(nope.contains("no measured and verified result of a cell that 'nope' means"), "{nope}");
}

#[test]
fn simulate_by_machine_takes_the_factor_of_what_both_have_measured() {
    let Some(history) = History::empty() else { return };
    let on = |cpu, factor: f64, queries: std::ops::RangeInclusive<i32>| {
        queries.map(move |query| record(&format!("duckdb/q{query}/sf1/parquet"), cpu, factor * f64::from(query)))
    };
    let too_few = on(A, 10.0, 1..=5).chain(on(B, 20.0, 1..=2));
    add(&history, 10, too_few);
    let told = history.fails(&["simulate", "--machine", "Xeon"]);
    assert!(told.contains("2 queries were measured on both") && told.contains("a factor takes 3"), "{told}");
    // Twice as long there, but for a query that takes 2.2 times: the geometric mean of 2, 2, 2 and 2.2.
    let others = [record("duckdb/q4/sf1/parquet", B, 88.0), record("polars/q1/sf1/parquet", A, 7.0)];
    add(&history, 11, on(B, 20.0, 3..=3).chain(others));
    history.ok(&["simulate", "--machine", "Xeon", "--from", "EPYC"]);
    let found = history.csv(
        "SELECT cell, time_ns / 1e6, machine_class LIKE 'Intel Xeon%', provenance_reason FROM measurements
         WHERE provenance = 'simulated' ORDER BY cell",
    );
    let factor = 17.6_f64.sqrt().sqrt();
    assert_eq!(found.len(), 2, "{found:?}");
    for (row, (cell, base, whose)) in found.iter().zip([
        ("duckdb/q5/sf1/parquet", 50.0, "over 4 queries of duckdb measured on both"),
        ("polars/q1/sf1/parquet", 7.0, "over 4 queries of duckdb measured on both"),
    ]) {
        assert_eq!((row[0].as_str(), row[2].as_str()), (cell, "true"));
        let time: f64 = row[1].parse().unwrap();
        assert!((time / (base * factor) - 1.0).abs() < 1e-9, "{row:?}, not {}", base * factor);
        assert!(row[3].contains(whose) && row[3].contains("95 % interval"), "{row:?}");
    }
    // In the ranking of that machine there is nothing new.
    let best = "SELECT query FROM best_engine_per_query WHERE machine_class LIKE 'Intel%' AND query = 'q5'";
    assert!(history.csv(best).is_empty());
    assert!(history.fails(&["simulate", "--machine", "Xeon", "--from", "Xeon"]).contains("both are"));
}

#[test]
fn compare_engines_query_by_query_and_tells_what_it_leaves_out() {
    let Some(history) = History::empty() else { return };
    let both = |query: i32, first: f64, second: f64| {
        [("duckdb", first), ("polars", second)]
            .map(|(engine, time)| record(&format!("{engine}/q{query}/sf1/parquet"), A, time))
    };
    let mut records: Vec<Value> =
        [both(1, 10.0, 20.0), both(2, 10.0, 5.0), both(10, 10.0, 10.0), both(4, 10.0, 1.0)].concat();
    records.extend(both(5, 10.0, 1.0));
    records.extend(both(6, 10.0, 1.0));
    records.extend([record("duckdb/q7/sf1/parquet", A, 1.0), record("polars/q1/sf1/parquet", B, 1.0)]);
    // q4 unverified, q5 simulated, q6 on other files; dialects are no other query.
    records[7]["verdict"] = json!({"kind": "unchecked", "reason": "nobody knows"});
    records[9]["provenance"] = "simulated".into();
    records[11]["dataset"]["sha256"] = "other".into();
    records[1]["query"]["sha256"] = "a dialect".into();
    add(&history, 10, records);
    let output = history.run(&["compare", "--engines", "duckdb,polars", "--format", "csv"]);
    assert!(output.status.success(), "{}", text(&output));
    let told = text(&output);
    let mut reader = csv::Reader::from_reader(output.stdout.as_slice());
    let found: Vec<Vec<String>> =
        reader.records().map(|row| row.unwrap().iter().map(str::to_owned).collect()).collect();
    let shown: Vec<[&str; 4]> =
        found.iter().map(|row| [&row[0], &row[4], &row[6], &row[9]].map(String::as_str)).collect();
    assert_eq!(
        shown,
        [
            ["q1", "10.0", "2.0", "slower"],
            ["q2", "10.0", "0.5", "faster"],
            ["q10", "10.0", "1.0", "no difference shown"],
            ["geometric mean of 3", "", "1.0", "no difference shown"],
        ]
    );
    let (low, high): (f64, f64) = (found[0][7].parse().unwrap(), found[0][8].parse().unwrap());
    assert!((1.98..=2.0).contains(&low) && (2.0..2.02).contains(&high), "{low} {high}");
    for why in [
        "q4 sf1 (parquet, hot, 2 threads, AMD EPYC",
        "polars: answer unchecked",
        "polars: simulated",
        "on different files",
        "polars has no result",
        "duckdb has no result",
    ] {
        assert!(told.contains(why), "{why} not in {told}");
    }
    let only = rows(&history, &["compare", "--engines", "duckdb,polars", "q2"]);
    assert_eq!((only.len(), only[0][0].as_str()), (1, "q2"));
    assert!(history.fails(&["compare", "--engines", "duckdb,polars", "q7"]).contains("polars has no result"));
    assert!(history.fails(&["compare", "--engines", "duckdb,daft"]).contains("no engine 'daft' in the history"));
    assert!(history.fails(&["compare", "--engines", "duckdb"]).contains("takes two"));
    assert!(history.fails(&["compare", "--engines", "duckdb,duckdb"]).contains("name two that differ"));
    let simulated = history.fails(&["compare", "--engines", "duckdb,polars", "--provenance", "simulated"]);
    assert!(simulated.contains("duckdb: measured"), "{simulated}");
    assert_eq!(history.run(&["compare", "q1"]).status.code(), Some(2));
}

/// Whoever had the slower network is not the slower engine.
#[test]
fn compare_and_best_engine_take_one_network_at_a_time() {
    let Some(history) = History::empty() else { return };
    add(
        &history,
        10,
        [on_s3("duckdb", "s3", 20.0), on_s3("duckdb", "s3-rtt2ms-first15ms", 90.0), on_s3("polars", "s3", 30.0)],
    );
    let best = "SELECT network, engine, engines FROM best_engine_per_query ORDER BY network NULLS FIRST";
    let found = history.csv(best);
    assert!(found[0][1].starts_with("duckdb") && found[0][2] == "2", "{found:?}");
    assert_eq!((found[1][0].as_str(), found[1][2].as_str()), ("rtt2ms-first15ms", "1"), "{found:?}");
    let compared = rows(&history, &["compare", "--engines", "duckdb,polars"]);
    assert_eq!((compared.len(), compared[0][6].as_str()), (1, "1.5"), "{compared:?}");
}

/// A cell that was interrupted says nothing of its engine.
#[test]
fn latest_keeps_what_was_measured_before_an_interrupt() {
    let Some(history) = History::empty() else { return };
    let ended = |kind| failed(record("duckdb/q1/sf1/parquet", A, 1.0), kind);
    let both = || history.csv("SELECT outcome, (SELECT any_value(status) FROM compatibility) FROM latest").concat();
    add(&history, 10, [ended(FailureKind::Interrupted)]);
    assert_eq!(both(), ["failed", ""]);
    add(&history, 11, [record("duckdb/q1/sf1/parquet", A, 10.0)]);
    add(&history, 12, [ended(FailureKind::Interrupted)]);
    assert_eq!(both(), ["measured", "works"]);
    add(&history, 13, [ended(FailureKind::Crashed { signal: 11, request: "run".to_owned() })]);
    assert_eq!(both(), ["failed", "failed"]);
}

#[test]
fn compare_machines_versions_and_runs() {
    let Some(history) = History::empty() else { return };
    let of = |version: &str, cpu, factor: f64| {
        let version = version.to_owned();
        [1, 2, 3].map(move |query| {
            with(record(&format!("duckdb/q{query}/sf1/parquet"), cpu, factor * f64::from(query)), |record| {
                record["engine"]["version"] = version.as_str().into();
            })
        })
    };
    let first = add(&history, 10, of("1.0.0", A, 10.0).into_iter().chain(of("1.0.0", B, 30.0)));
    let mut changed = of("2.0.0", A, 11.0);
    changed[2]["query"]["sha256"] = "another text".into();
    // Too few samples for an interval.
    *values(&mut changed[1], "time") = json!([22e6, 22e6, 22e6]);
    let second = add(&history, 11, changed);
    let shown = |args: &[&str]| -> Vec<(String, String, String)> {
        rows(&history, args).into_iter().map(|row| (row[0].clone(), row[6].clone(), row[9].clone())).collect()
    };
    let row = |query: &str, ratio: &str, says: &str| (query.to_owned(), ratio.to_owned(), says.to_owned());
    // The newest of A is 11 ms of another version; the text of q3 has changed.
    let machines = history.csv("SELECT DISTINCT machine_class FROM measurements ORDER BY ALL").concat();
    let by_name = ["compare", "--machines", &machines.join(","), "q1"];
    assert_eq!(shown(&by_name), [row("duckdb/q1", "2.7273", "slower")]);
    assert_eq!(
        shown(&["compare", "--machines", "xeon", "--machines", "epyc", "q1"]),
        [row("duckdb/q1", "0.3667", "faster")]
    );
    let few = "unknown: too few samples";
    // Two ratios say nothing of how far others would spread.
    let versions =
        [row("duckdb/q1", "1.1", "slower"), row("duckdb/q2", "1.1", few), row("geometric mean of 2", "1.1", few)];
    assert_eq!(shown(&["compare", "--versions", "duckdb@1.0.0,duckdb@2.0.0"]), versions);
    assert_eq!(shown(&["compare", "--runs", &format!("{first},{second}")]), versions);
    let told = text(&history.run(&["compare", "--runs", &format!("{first},{second}")]));
    assert!(told.contains("the query's text has changed") && told.contains("Intel Xeon"), "{told}");
    assert!(history.fails(&["compare", "--versions", "duckdb@1.0.0,duckdb@9"]).contains("are '1.0.0', '2.0.0'"));
    assert!(history.fails(&["compare", "--runs", "20261124,20261124"]).contains("may be more than one run"));
    let markdown = history.ok(&["compare", "--runs", &format!("{first},{second}"), "--format", "markdown"]);
    assert!(markdown.contains("| duckdb/q1 "), "{markdown}");
}

#[test]
fn compare_tells_noise_size_and_plan() {
    let Some(history) = History::empty() else { return };
    // No two of these are of one length.
    let plan = |text: &str| json!({"sha256": format!("{:064x}", text.len()), "text": text});
    let of = |version: &str, milliseconds: f64, told: Option<&str>| {
        with(record("duckdb/q1/sf1/parquet", A, milliseconds), |record| {
            record["engine"]["version"] = version.into();
            record["plan"] = told.map_or(Value::Null, plan);
        })
    };
    // Changes of 0, 1, 2, 1, 0 and 2 %, and one of 50 % that comes and goes.
    for (hour, milliseconds) in [100.0, 100.0, 101.0, 99.0, 100.0, 100.0, 102.0].into_iter().enumerate() {
        add(&history, u32::try_from(hour).unwrap() + 1, [of("1.0.0", milliseconds, Some("SORT\n  SCAN"))]);
    }
    let compared = |first: &str, second: &str| {
        let args = ["compare", "--versions", &format!("duckdb@{first},duckdb@{second}"), "--format", "json"];
        let rows: Vec<Value> = serde_json::from_str(&history.ok(&args)).unwrap();
        rows[0].clone()
    };
    add(&history, 10, [of("2.0.0", 150.0, Some("TOP_N\n  SCAN"))]);
    add(&history, 11, [of("3.0.0", 102.0, Some("SORT\n  SCAN"))]);
    add(&history, 12, [of("4.0.0", 102.5, None)]);
    let far = compared("1.0.0", "2.0.0");
    assert_eq!([&far["size"], &far["against_noise"], &far["plan"]], ["large", "beyond", "changed"]);
    let noise = far["noise"].as_f64().unwrap();
    assert!((1.02..1.5).contains(&noise), "{noise}");
    let near = compared("3.0.0", "1.0.0");
    assert_eq!([&near["size"], &near["against_noise"], &near["plan"]], ["tiny", "within", "same"]);
    assert_eq!(near["first_plan"], near["second_plan"]);
    let untold = compared("3.0.0", "4.0.0");
    assert!(untold["plan"].is_null() && untold["first_plan"].is_null(), "{untold}");
    // Another series has no past, and engines have no plan in common.
    add(&history, 13, [with(record("polars/q1/sf1/parquet", A, 100.0), |record| record["plan"] = plan("SCAN"))]);
    let args = ["compare", "--engines", "duckdb,polars", "--format", "json"];
    let rows: Vec<Value> = serde_json::from_str(&history.ok(&args)).unwrap();
    assert!(
        rows[0]["noise"].is_null() && rows[0]["against_noise"].is_null() && rows[0]["plan"].is_null(),
        "{}",
        rows[0]
    );
}
