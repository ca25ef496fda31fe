//! The bench's command line, where it is not about measuring: lists, names of baselines, a stdout that nobody reads.

mod common;

use common::{Bench, entry, faulty, text};
use test_case::test_case;

fn cells() -> String {
    entry("truth", &faulty("truth")) + &entry("proof", &faulty("proof"))
}

fn stdout(output: &std::process::Output) -> Vec<String> {
    String::from_utf8(output.stdout.clone()).unwrap().lines().map(str::to_owned).collect()
}

#[test]
fn list_names_each_benchmark_in_a_line_and_none_that_is_ignored() {
    let list = |args: &[&str]| {
        let output = Bench::new(&cells()).args(&["^(truth|proof)/q(1|6)/", "--list"]).args(args).run();
        assert!(output.status.success(), "{}", text(&output));
        stdout(&output)
    };
    let names = ["proof/q1", "proof/q6", "truth/q1", "truth/q6"];
    let mut all: Vec<String> = names.iter().map(|name| format!("{name}/sf0.001/parquet: benchmark")).collect();
    all.sort();
    for args in [&[][..], &["--format", "terse"], &["--format=terse", "--include-ignored"]] {
        let mut listed = list(args);
        listed.sort();
        assert_eq!(listed, all, "{args:?}");
    }
    // As cargo nextest asks.
    assert!(list(&["--format", "terse", "--ignored"]).is_empty());
}

#[test]
fn ignored_runs_nothing() {
    let mut bench = Bench::new(&cells()).args(&["truth/q6", "--ignored"]);
    let output = bench.run();
    assert!(output.status.success() && stdout(&output).is_empty(), "{}", text(&output));
    assert!(bench.records().is_empty());
}

#[test_case(&["--list"])]
#[test_case(&["--help"])]
fn a_list_that_nobody_reads_ends_well(args: &[&str]) {
    let output = Bench::new(&cells()).args(args).without_reader().run();
    // Criterion prints its own options behind our help.
    assert!(output.status.success() || args[0] == "--help", "{}", text(&output));
    assert!(!text(&output).contains("panicked"), "{}", text(&output));
}

#[test]
fn a_run_that_nobody_reads_measures_all_the_same() {
    let mut bench = Bench::new(&cells())
        .args(&["^(truth|proof)/q6/", "--measurement-time", "0.1", "--warm-up-time", "0.1", "--noplot"])
        .env("QUERYDYNO_SCALE", "0.002")
        .without_reader();
    let output = bench.run();
    assert!(output.status.success(), "{}", text(&output));
    for engine in ["truth", "proof"] {
        assert_eq!(bench.record(engine).outcome.word(), "measured", "{}", text(&output));
    }
    bench.assert_clean();
}

#[test]
fn a_run_passes_on_all_that_it_prints() {
    let args = ["^(truth|proof)/q6/", "--measurement-time", "0.1", "--warm-up-time", "0.1", "--noplot"];
    let mut bench = Bench::new(&cells()).args(&args).env("QUERYDYNO_SCALE", "0.002");
    let output = bench.run();
    let lines = stdout(&output);
    assert!(lines.iter().any(|line| line.contains("time:   [")), "{}", text(&output));
    assert!(lines.last().is_some_and(|line| line.contains("cargo xtask report")), "{}", text(&output));
    assert!(!output.stdout.contains(&0));
}

#[test_case("--save-baseline")]
#[test_case("--baseline")]
#[test_case("--baseline-lenient")]
#[test_case("--load-baseline")]
fn a_baselines_name_is_no_way_out_of_criterions_folder(option: &str) {
    for name in ["../../x", "..", "new", "a/b"] {
        let mut bench = Bench::new(&cells()).args(&["truth/q6", option, name]);
        let output = bench.run();
        assert_eq!(output.status.code(), Some(2), "{}", text(&output));
        let told = format!("{option}: '{name}' cannot name a baseline");
        assert!(text(&output).contains(&told), "{}", text(&output));
        assert!(bench.records().is_empty() && !bench.criterion().exists());
    }
}
