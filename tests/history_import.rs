//! Imports into the history: each kind of file to 1e-9, the same twice changes nothing, what is imported is marked. Needs the program of the
//! history (`cargo xtask build history`); what does not fit, kills and full disks are in `tests/history_import_faults.rs`.

mod common;

use std::fs;

use common::history::History;
use common::import::{SUM, all, arguments, assert_values, cells, content, file, taken, told};
use querydyno::host::paths::root;

#[test]
fn criterion_tree_of_anybody_comes_with_its_samples() {
    let Some(history) = History::empty() else { return };
    let told_all = taken(&history, "criterion", &["--machine", "laptop", "--engine", "mylib"]);
    assert!(told_all.contains("5 results taken in") && told_all.contains("--quick"), "{told_all}");
    let sample: serde_json::Value =
        serde_json::from_str(&content("criterion/sort/quick/1024/new/sample.json")).unwrap();
    let of =
        |key: &str| sample[key].as_array().unwrap().iter().map(|value| value.as_f64().unwrap()).collect::<Vec<_>>();
    let expected: Vec<f64> = of("times").iter().zip(of("iters")).map(|(time, count)| time / count).collect();
    let cell = "quick/sort/unknown/criterion-1024";
    assert_values(&history, cell, "time", &expected);
    assert_values(&history, cell, "imported:elements_per_iteration", &[1024.0]);
    // No baseline, and not what Criterion compares by itself.
    let names = cells(&history);
    assert_eq!(names.len(), 5, "{names:?}");
    assert!(
        names.iter().any(|cell| cell.starts_with("quick-run-") && cell.ends_with("/hash/unknown/criterion")),
        "{names:?}"
    );
    // Two names that come to the same id are two queries.
    let texts = history.csv("SELECT DISTINCT sql FROM tasks WHERE query LIKE 'parse-c%' ORDER BY sql");
    assert_eq!(texts, [["parse C"], ["parse C++"]]);
    assert_eq!(names.iter().filter(|cell| cell.starts_with("mylib/parse-c")).count(), 2, "{names:?}");
    assert_eq!(told(&history, cell, "machine_class"), "laptop");
}

#[test]
fn criterion_tree_of_ours_keeps_its_ids() {
    let Some(history) = History::empty() else { return };
    let tree = root().join("tests/recorded/criterion");
    let told_all = history.ok(&arguments(&[&tree], &["--yes"]));
    assert!(told_all.contains("results taken in"), "{told_all}");
    let sample = fs::read_to_string(tree.join("duckdb_q3_sf0.01/parquet/new/sample.json")).unwrap();
    let sample: serde_json::Value = serde_json::from_str(&sample).unwrap();
    let expected: Vec<f64> = (0..10).map(|at| sample["times"][at].as_f64().unwrap() / 9.0).collect();
    assert_values(&history, "duckdb/q3/sf0.01/parquet", "time", &expected);
    assert_eq!(
        told(&history, "duckdb/q3/sf0.01/parquet", "suite || ' ' || scale_factor || ' ' || provenance"),
        "tpch 0.01 imported"
    );
}

#[test]
fn records_of_ours_stay_as_they_are() {
    let (Some(there), Some(history)) = (History::new(), History::empty()) else { return };
    let records = there.records();
    history.ok(&arguments(&[&records], &["--yes"]));
    let columns = "SELECT * EXCLUDE (journal_file, journal_line, checksum) FROM results ORDER BY ALL";
    assert_eq!(history.csv(columns), there.csv(columns));
    assert_eq!(history.csv("FROM metrics ORDER BY ALL"), there.csv("FROM metrics ORDER BY ALL"));
    assert_eq!(history.csv("SELECT run FROM runs ORDER BY run"), there.csv("SELECT run FROM runs ORDER BY run"));
    // One of several lines, as `cargo xtask show --json` prints it, is among them already.
    let shown = root().join("tests/records/measured.json");
    assert!(history.ok(&arguments(&[&shown], &["--yes"])).contains("nothing new, 1 are there already"));
    // Where they were measured, they are no others.
    let before = there.content();
    assert!(there.ok(&arguments(&[&records], &["--yes"])).contains("nothing new"));
    assert_eq!(there.content(), before);
    // And the other way round: the journal comes after its import.
    for file in fs::read_dir(&records).unwrap().flatten() {
        fs::copy(file.path(), history.records().join(file.file_name())).unwrap();
    }
    assert!(history.ok(&["take-in"]).starts_with("0 new results"));
}

#[test]
fn hyperfine_comes_in_seconds_with_memory_and_exit_codes() {
    let Some(history) = History::empty() else { return };
    let told_all = taken(&history, "find-pictures.json", &[]);
    assert!(told_all.contains("1 of 1 runs did not end with exit code 0"), "{told_all}");
    let cell = &format!("fd-e-jpg-.-data-{SUM}/find-pictures/unknown/hyperfine");
    assert_values(&history, cell, "time", &[412_345_678.9, 409_100_000.0, 417_700_000.0, 411_380_000.0]);
    assert_values(&history, cell, "cpu_time", &[1_503_576_700.0]);
    assert_values(&history, cell, "peak_memory", &[10_485_760.0, 10_489_856.0, 10_485_760.0, 10_493_952.0]);
    // A summary without its runs, and what a parameter adds.
    let cell = &format!("rg-files-j-2-data-{SUM}/find-pictures/unknown/hyperfine-threads-2");
    assert_values(&history, cell, "time", &[250_870_000.0]);
    let cell = &format!("find-data-iname-.jpg-{SUM}/find-pictures/unknown/hyperfine");
    let verdict = told(&history, cell, "verdict || ': ' || verdict_detail");
    assert!(verdict.starts_with("unchecked: imported") && verdict.contains("exit code"), "{verdict}");
}

#[test]
fn pytest_benchmark_comes_with_machine_commit_and_date() {
    let Some(history) = History::empty() else { return };
    taken(&history, "pytest.json", &["--engine", "shop", "--machine", "not this"]);
    let cell = &format!("tests-bench-test_ops.py-test_group_by-polars-{SUM}/group-by/unknown/pytest-benchmark");
    assert_values(&history, cell, "time", &[3_100_000.000_1, 3_212_345.678_9, 3_500_000.0]);
    assert_values(&history, cell, "imported:rows", &[100_000.0]);
    let load = &format!("shop/tests-bench-test_ops.py-test_load-{SUM}/unknown/pytest-benchmark");
    assert_values(&history, load, "time", &[547_700_000.0]);
    let row = history.csv(&format!(
        "SELECT m.started_at, machine_class, git_commit, git_dirty, r.iterations, kernel
         FROM measurements m JOIN results r USING (result) JOIN machines k ON k.machine = m.machine WHERE m.cell GLOB '{cell}'"
    ));
    let commit = "3f2a9c51d07e48b6a1c4e5f60718293a4b5c6d7e";
    let expected = ["2026-10-02T07:05:01.250", "Example CPU 9000, 4 cores", commit, "false", "[5, 5, 5]", "6.8.0-51"]
        .map(str::to_owned);
    assert_eq!(row, [expected.to_vec()]);
}

#[test]
fn google_benchmark_keeps_repetitions_and_leaves_aggregates() {
    let Some(history) = History::empty() else { return };
    let told_all = taken(&history, "google.json", &[]);
    assert!(told_all.contains("aggregates are left out") && told_all.contains("only aggregates"), "{told_all}");
    let cell = &format!("bench_sort/bm_sort-int-{SUM}/unknown/google-benchmark-1024");
    assert_values(&history, cell, "time", &[1.870_101_318_307_523_6e4, 1.827_652_374_081_476_2e4, 1.9e4]);
    assert_values(&history, cell, "cpu_time", &[1.87e4, 1.82e4, 1.89e4]);
    assert_values(&history, cell, "imported:compares", &[9217.0, 9219.0, 9218.0]);
    assert_values(&history, "bench_sort/bm_read/unknown/google-benchmark-real_time", "time", &[2.5e6]);
    assert_values(&history, "bench_sort/bm_only/unknown/google-benchmark-8", "time", &[3250.0]);
    // The fit through a family whose runs are there is named, and what is a figure of nothing does not fit.
    assert!(told_all.contains("left out: benchmarks[11], BigO of BM_Sort<int>, whose runs are there"), "{told_all}");
    let alone = history.folder.path().join("alone.json");
    let file = content("google.json").replace("\"run_name\": \"BM_Only/8\"", "\"run_name\": \"BM_Other\"");
    let (before, after) = file.split_once("\"aggregate_name\": \"mean\"").unwrap();
    let (between, after) = after.split_once("\"aggregate_name\": \"mean\"").unwrap();
    let after = after.replace("\"aggregate_name\": \"median\"", "\"aggregate_name\": \"stddev\"");
    let spread = "\"aggregate_name\": \"cv\"";
    fs::write(&alone, format!("{before}\"aggregate_name\": \"mean\"{between}{spread}{after}")).unwrap();
    let told_alone = history.fails(&arguments(&[&alone], &[]));
    for word in
        ["benchmarks[8] is the cv of BM_Other", "benchmarks[9] is the stddev of BM_Other", "benchmarks[10] is the cv"]
    {
        assert!(told_alone.contains(&format!("DOES NOT FIT: {word}")), "{word} not in {told_alone}");
    }
    let gone = "bench_sort/bm_gone/unknown/google-benchmark";
    assert_eq!(told(&history, gone, "outcome || ': ' || reason"), "failed: no such file");
    assert_eq!(told(&history, cell, "machine_class || ', ' || started_at"), "buildbox, 8 cores, 2026-09-30 16:22:10");
}

#[test]
fn critcmp_comes_with_its_median() {
    let Some(history) = History::empty() else { return };
    taken(&history, "critcmp.json", &[]);
    assert_values(&history, "avx2/memchr/unknown/critcmp-64k", "time", &[1812.75 * 0.997]);
    assert_values(&history, "duckdb/q6/sf1/parquet", "time", &[7_123_456.789 * 0.997]);
    let baseline = "SELECT DISTINCT settings['baseline'] FROM engines";
    assert_eq!(history.csv(baseline), [["before"]]);
}

#[test]
fn clickbench_is_cold_and_hot() {
    let Some(history) = History::empty() else { return };
    taken(&history, "clickbench.json", &[]);
    let cell =
        |query: &str, cache: &str| format!("example-db-tuned-{SUM}/clickbench-q{query}/unknown/clickbench-{cache}");
    assert_values(&history, &cell("0", "cold"), "time", &[2.6e7]);
    assert_values(&history, &cell("0", "hot"), "time", &[1.8e7, 1.7e7]);
    assert_values(&history, &cell("2", "hot"), "time", &[3.622e9]);
    assert_eq!(told(&history, &cell("1", "cold"), "cache || ' on ' || machine_class"), "cold on c9x.large, 100gb");
    assert!(told(&history, &cell("3", "hot"), "outcome || ': ' || reason").starts_with("failed: the file has null"));
    assert_values(&history, &format!("example-db-tuned-{SUM}/clickbench-load/unknown/clickbench"), "time", &[8.15e10]);
    assert_eq!(history.count("results"), 9);
}

#[test]
fn import_reads_units_of_averages_from_their_keys() {
    let Some(history) = History::empty() else { return };
    let told_all = taken(&history, "benchmark_results.json", &[]);
    assert!(told_all.contains("the unit of success_rate is not told"), "{told_all}");
    let cell = "duckdb/all/unknown/engines";
    assert_values(&history, cell, "time", &[12_345_678.9]);
    assert_values(&history, cell, "peak_memory", &[210_500_000.0]);
    assert_values(&history, cell, "imported:avg_memory", &[150_250_000.0]);
    assert_values(&history, cell, "imported:success_rate", &[1.0]);
    assert_values(&history, "polars/q6/unknown/engines", "time", &[3_125_000.0]);
    assert_eq!(told(&history, "broken/all/unknown/engines", "outcome || ': ' || reason"), "failed: out of memory");
    assert_eq!(told(&history, cell, "machine_class || ' ' || engine_version"), "old workstation 0.9.2");
    // What has no unit is not guessed.
    let untold = history.folder.path().join("untold.json");
    fs::write(&untold, r#"{"results": {"duckdb": {"average_time": 1.5}, "polars": {"average_time": 0.5}}}"#).unwrap();
    let refused = history.fails(&arguments(&[&untold], &[]));
    assert!(refused.contains("average_time does not tell its unit: say --time-unit"), "{refused}");
    history.ok(&arguments(&[&untold], &["--time-unit", "s", "--yes"]));
    let times = history.csv("SELECT time_ns FROM measurements WHERE started_at IS NULL ORDER BY time_ns");
    assert_eq!(times, [["500000000.0"], ["1500000000.0"]]);
}

#[test]
fn models_are_engines_and_hardware_is_a_machine() {
    let Some(history) = History::empty() else { return };
    taken(&history, "models.json", &[]);
    assert_values(&history, "bert-base/run/unknown/models-batch8-fp16", "time", &[9_846_150.0]);
    assert_values(&history, "bert-base/run/unknown/models-batch8-fp16", "imported:latency_p95", &[11_250_000.0]);
    assert_values(&history, "bert-base/run/unknown/models-batch8-fp16", "imported:throughput", &[812.5]);
    assert_values(&history, "bert-base/run/unknown/models-batch8-fp32", "peak_memory", &[1.81e9]);
    assert_eq!(told(&history, "bert-base/run/unknown/models-batch16-fp32", "machine_class"), "cpu");
}

#[test]
fn a_table_comes_by_its_mapping_and_its_alike_rows_are_samples() {
    let Some(history) = History::empty() else { return };
    let refused = history.fails(&arguments(&[&file("runs.csv")], &[]));
    assert!(refused.contains("--mapping"), "{refused}");
    let mapping = file("runs.toml").display().to_string();
    taken(&history, "runs.csv", &["--mapping", &mapping]);
    assert_values(&history, "polars/joins/sf0.1/csv", "time", &[1.25e7, 1.275e7, 1.2625e7]);
    assert_values(&history, "polars/joins/sf0.1/csv", "peak_memory", &[310.25 * 1_048_576.0, 311.0 * 1_048_576.0]);
    assert_values(&history, "polars/joins/sf0.1/csv", "imported:rows_per_second", &[8000.5, 7990.0]);
    assert_eq!(told(&history, "pandas/windows/sf0.1/csv", "outcome || ': ' || reason"), "failed: MemoryError");
    assert_eq!(told(&history, "pandas/joins/sf0.1/csv", "suite || ' ' || machine_class"), "frames lab-1");
    let wrong = history.folder.path().join("wrong.toml");
    for (from, to, words) in [
        ("time = \"ms\"", "time = \"jiffies\"", "'jiffies' is no unit of time"),
        ("\ntime = \"elapsed\"", "", "nothing says the time"),
        ("engine = \"tool\"", "engin = \"tool\"", "'engin' is nothing that a result has"),
        ("\"elapsed\"", "\"duration\"", "there is no column 'duration'"),
    ] {
        fs::write(&wrong, content("runs.toml").replacen(from, to, 1)).unwrap();
        let refused = history.fails(&arguments(&[&file("runs.csv")], &["--mapping", wrong.to_str().unwrap()]));
        assert!(refused.contains(words), "{words} not in {refused}");
    }
}

#[test]
fn a_dry_run_takes_nothing_and_a_second_time_changes_nothing() {
    let Some(history) = History::empty() else { return };
    for (name, more) in all() {
        let more: Vec<&str> = more.iter().map(String::as_str).collect();
        let before = history.count("results");
        let told = history.ok(&arguments(&[&file(name)], &more));
        assert!(told.contains("results would be taken in") && told.contains("--yes does it"), "{told}");
        assert_eq!(history.count("results"), before, "{name}");
        taken(&history, name, &more);
        assert!(history.count("results") > before, "{name}");
    }
    let whole = history.content();
    for (name, more) in all() {
        let more: Vec<&str> = more.iter().map(String::as_str).collect();
        assert!(taken(&history, name, &more).contains("nothing new"), "{name}");
        // The same content by another name is the same results; but a result of hyperfine is named after its file.
        if file(name).is_file() && name != "find-pictures.json" {
            let copy = history.folder.path().join(format!("copy-of-{name}"));
            fs::copy(file(name), &copy).unwrap();
            let told = history.ok(&arguments(&[&copy], &[&["--yes"][..], &more[..]].concat()));
            assert!(told.contains("nothing new"), "{name}: {told}");
        }
    }
    assert_eq!(history.content(), whole);
    // The history made anew of the journal has them too.
    fs::remove_file(history.file()).unwrap();
    assert_eq!(history.content(), whole);
    assert!(history.ok(&["check"]).contains("the history is whole"));
}

#[test]
fn imported_results_are_marked_and_rank_with_nothing() {
    let Some(history) = History::new() else { return };
    let (best, series) = (history.csv("FROM best_engine_per_query ORDER BY ALL"), history.count("series"));
    for (name, more) in all() {
        taken(&history, name, &more.iter().map(String::as_str).collect::<Vec<_>>());
    }
    assert_eq!(history.csv("FROM best_engine_per_query ORDER BY ALL"), best);
    assert_eq!(history.count("series"), series);
    let imported =
        history.count("measurements WHERE provenance = 'imported' AND NOT comparable AND run LIKE 'imported-%'");
    assert_eq!(history.count("results"), imported + history.count("results WHERE provenance != 'imported'"));
    let reasons = history.csv("SELECT provenance_reason FROM results WHERE provenance = 'imported'");
    assert!(reasons.iter().all(|row| row[0].contains(", sha256 ") && row[0].contains(": ")), "{reasons:?}");
    // What no file tells is NULL, in the history and in the journal.
    let guessed = "results WHERE provenance = 'imported' AND (parallel IS NOT NULL OR threads = 0 OR mode IS NOT NULL)";
    assert_eq!(history.count(guessed), 0);
    assert_eq!(history.count("machines WHERE cores = 0"), 0);
    let hyperfine =
        "results WHERE cell LIKE '%/hyperfine%' AND threads IS NULL AND cache IS NULL AND started_at IS NULL";
    assert_eq!(history.count(hyperfine), 3);
    for file in fs::read_dir(history.folder.path().join("imported")).unwrap().flatten() {
        let text = fs::read_to_string(file.path()).unwrap();
        for zero in ["\"threads\":0", "\"cores\":0", "\"parallel\":0", "\"started_at\":\"\""] {
            assert!(!text.contains(zero), "{zero} in {}", file.path().display());
        }
    }
    assert!(history.ok(&["list", "duckdb/all"]).contains("imported"));
}

#[test]
fn what_was_deleted_on_purpose_stays_away() {
    let Some(history) = History::empty() else { return };
    taken(&history, "models.json", &[]);
    history.ok(&["delete", "--where", "machine_class = 'cpu'"]);
    assert!(taken(&history, "models.json", &[]).contains("2 were deleted on purpose and stay away"));
    assert_eq!(history.count("results"), 1);
}
