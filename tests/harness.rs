//! The bench as a Criterion user meets it: lists, filters, baselines, records, exit codes.

mod common;

use common::{Bench, entry, faulty, program, real, text};
use querydyno::host::record::metric;
use querydyno::host::verify::Verdict;

fn null() -> String {
    entry("nothing", &program("null"))
}

const QUICK: [&str; 5] = ["--measurement-time", "0.01", "--warm-up-time", "0.01", "--noplot"];

#[test]
fn the_list_names_cells_and_starts_nothing() {
    // The program is not there: starting it would be noticed.
    let mut bench = Bench::new("[engine.gone]\nprogram = '/nowhere/gone'\n").args(&["gone/q1", "--list"]);
    let output = bench.run();
    assert!(output.status.success());
    assert_eq!(String::from_utf8_lossy(&output.stdout), "gone/q1/sf0.001/parquet: benchmark\n");
    assert!(!bench.folder.path().join("target").exists());
}

#[test]
fn a_filter_that_matches_nothing_is_a_usage_error_that_says_what_exists() {
    let mut bench = Bench::new("").args(&["duckbd/q1"]);
    let output = bench.run();
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output).contains("did you mean 'duckdb'?"), "{}", text(&output));
    assert!(!bench.folder.path().join("target").exists());
}

#[test]
fn a_setting_that_does_not_exist_is_a_usage_error() {
    let output = Bench::new("").env("QUERYDYNO_SCALES", "1").run();
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output).contains("QUERYDYNO_SCALE"), "{}", text(&output));
    let output = Bench::new("scale = 1").run();
    assert!(text(&output).contains("unknown field `scale`"), "{}", text(&output));
}

#[test]
fn a_measured_cell_leaves_a_whole_record() {
    let mut bench = Bench::new(&null()).args(&["nothing/q6"]).args(&QUICK);
    let output = bench.run();
    assert!(output.status.success(), "{}", text(&output));
    assert!(text(&output).contains("measure 1 cell (about 1 second, guessed)"), "{}", text(&output));
    let record = bench.record("nothing");
    assert_eq!(record.outcome.word(), "measured");
    assert_eq!((record.samples_ns().len(), record.measurement().unwrap().iterations.len()), (10, 10));
    assert!(record.samples_ns().iter().all(|ns| *ns > 0.0));
    assert!(matches!(record.verdict, Some(Verdict::Unchecked { .. })));
    assert!(record.peak_memory_bytes().is_some() && record.metric(metric::CPU_TIME).is_some());
    assert_eq!(record.dataset.sha256.unwrap().len(), 64);
    assert_eq!(record.engine.build.allocator.as_deref(), Some("system"));
    assert!(!record.host.kernel.is_empty());
    bench.assert_clean();
}

#[test]
fn samples_in_the_record_are_those_of_criterion() {
    let mut bench = Bench::new(&null()).args(&["nothing/q6"]).args(&QUICK);
    bench.run();
    let path = bench.criterion().join("nothing_q6_sf0.001/parquet/new/sample.json");
    let stored: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let numbers = |name: &str| -> Vec<f64> { serde_json::from_value(stored[name].clone()).unwrap() };
    let means: Vec<f64> = numbers("times").iter().zip(numbers("iters")).map(|(time, n)| time / n).collect();
    let record = bench.record("nothing");
    assert_eq!(means.len(), record.samples_ns().len());
    for (ours, theirs) in record.samples_ns().iter().zip(means) {
        assert!((ours - theirs).abs() < 1e-9 * theirs, "{ours} {theirs}");
    }
}

#[test]
fn baselines_are_saved_compared_and_missed() {
    let mut bench = Bench::new(&null()).args(&["nothing/q6"]).args(&QUICK).args(&["--baseline", "a"]);
    let output = bench.run();
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output).contains("--save-baseline a"), "{}", text(&output));

    let target = bench.folder.path().join("target").display().to_string();
    let home = bench.folder.path().join(".querydyno").display().to_string();
    let again = |args: &[&str]| {
        let mut bench = Bench::new(&null()).args(&["nothing/q6"]).args(&QUICK).args(args);
        bench = bench.env("CARGO_TARGET_DIR", &target).env("QUERYDYNO_HOME", &home);
        let output = bench.run();
        assert!(output.status.success(), "{}", text(&output));
        text(&output)
    };
    again(&["--save-baseline", "a"]);
    assert!(again(&["--baseline", "a"]).contains("change:"));
    // Showing what is stored starts nothing, so it writes no further record.
    let records = bench.records().len();
    assert!(again(&["--load-baseline", "a", "--baseline", "a"]).contains("time:"));
    assert_eq!(bench.records().len(), records);
}

#[test]
fn the_test_mode_verifies_without_a_record() {
    let config = entry("kernels", &real());
    let mut bench = Bench::new(&config).args(&["kernels/q6", "--test"]).env("QUERYDYNO_SCALE", "0.01");
    let output = bench.run();
    assert!(output.status.success() && text(&output).contains("Success"), "{}", text(&output));
    assert!(bench.records().is_empty());
}

#[test]
fn engines_vouch_for_each_other_without_a_reference_but_not_alone() {
    let declared = |name: &str| entry(name, &faulty(name)) + &format!("components = ['{name}']\n");
    let config = declared("one") + &declared("two");
    let mut bench = Bench::new(&config).args(&["^(one|two)/q6/"]).args(&QUICK);
    let output = bench.run();
    assert!(output.status.success(), "{}", text(&output));
    let Some(Verdict::Agreed { components, dissent }) = bench.record("one").verdict else {
        panic!("{}", text(&output))
    };
    assert_eq!((components.as_slice(), dissent.len()), (["one".to_owned(), "two".to_owned()].as_slice(), 0));
    let mut alone = Bench::new(&config).args(&["one/q6"]).args(&QUICK);
    alone.run();
    assert!(matches!(alone.record("one").verdict, Some(Verdict::Unchecked { .. })));
}

#[test]
fn two_programs_of_one_engine_do_not_vouch_for_each_other() {
    let config = entry("one", &faulty("same")) + &entry("two", &faulty("same"));
    let mut bench = Bench::new(&config).args(&["^(one|two)/q6/"]).args(&QUICK);
    bench.run();
    assert!(matches!(bench.record("two").verdict, Some(Verdict::Unchecked { .. })));
}
