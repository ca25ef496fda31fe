//! What goes wrong with an import: files that are not what they seem, entries that do not fit, SIGKILL, a full disk. It is named, and nothing
//! is half taken in.

mod common;

use std::fs;

use common::history::{History, STAGE};
use common::import::{all, arguments, content, file};
use common::text;
use test_case::test_case;

#[test]
fn what_does_not_fit_is_named_and_nothing_is_half_taken_in() {
    let Some(history) = History::empty() else { return };
    let mapping = file("runs.toml").display().to_string();
    let by_mapping = ["--mapping", mapping.as_str()];
    let cases = [
        (
            "find-pictures.json",
            "[\n    0.4123456789",
            "\"fast\", \"x\": [\n    0.4123456789",
            "results[0] times is \"fast\", which is no list",
        ),
        ("find-pictures.json", "0.4123456789", "NaN", "results[0] times[0] is \"NaN\", which is no number"),
        ("find-pictures.json", "0.4123456789", "-0.5", "results[0] times[0] is -0.5, which is negative"),
        ("find-pictures.json", "\"command\": \"find", "\"comand\": \"find", "results[1] has no command"),
        (
            "find-pictures.json",
            "find /data -iname '*.jpg'",
            "fd -e jpg . /data",
            "results[1] is the same benchmark as results[0]",
        ),
        (
            "pytest.json",
            "\"median\": 0.5477",
            "\"median\": \"0.5477\"",
            "benchmarks[2] median is \"0.5477\", which is no number",
        ),
        ("pytest.json", "\"median\": 0.5477", "\"median\": -Infinity", "benchmarks[2] median is \"-Infinity\""),
        ("pytest.json", "2026-10-02T07:05:01", "yesterday", "datetime is \"yesterday"),
        ("google.json", "\"time_unit\": \"ms\"", "\"time_unit\": \"fortnights\"", "'fortnights' is no unit of time"),
        ("google.json", "\"real_time\": 2.5", "\"real_time\": -2.5", "real_time is -2.5, which is negative"),
        ("google.json", "\"real_time\": 19000.0", "\"real_time\": NaN", "benchmarks[0] real_time is \"NaN\""),
        ("critcmp.json", "\"criterion_estimates_v1\"", "\"criterion_estimates_v2\"", "has no criterion_estimates_v1"),
        ("critcmp.json", "1807.31175", "-1807.31175", "the median is -1807.31175, which is negative"),
        ("clickbench.json", "4.38", "\"4.38\"", "result[2] has the try \"4.38\", which is no number"),
        ("clickbench.json", "4.38", "-4.38", "result[2] its tries[0] is -4.38, which is negative"),
        (
            "benchmark_results.json",
            "12.3456789",
            "-12.3456789",
            "the file.results.duckdb avg_time_ms is -12.3456789, which is negative",
        ),
        ("benchmark_results.json", "12.3456789", "NaN", "avg_time_ms is NaN, which is no number"),
        ("benchmark_results.json", "\"avg_time_ms\": 950.125", "\"avg_time_fortnights\": 950.125", "spark has no time"),
        (
            "models.json",
            "\"latency_avg_ms\": 711.1",
            "\"latency_avg\": 711.1",
            "[2] latency_avg does not tell its unit",
        ),
        ("models.json", "\"model_name\": \"bert-base\"", "\"model_name\": 7", "[0] has no model_name"),
        ("runs.csv", "12.75", "fast", "line 3 time is 'fast', which is no number"),
        ("runs.csv", "12.75", "NaN", "line 3 time is NaN, which is no number"),
        ("runs.csv", "12.75", "-1", "line 3 time is -1, which is negative"),
        ("runs.csv", "12.75", "", "line 3 has no time"),
        ("runs.csv", "2026-06-01 10:05:00", "noon", "line 5 started_at is 'noon', which is no date"),
        ("runs.csv", ",990.125,NaN", "", "line 5"),
    ];
    for (name, from, to, words) in cases {
        let changed = content(name).replacen(from, to, 1);
        assert_ne!(changed, content(name), "{from} is not in {name}");
        let path = history.folder.path().join(name);
        fs::write(&path, changed).unwrap();
        let more: &[&str] = if name == "runs.csv" { &by_mapping } else { &[] };
        for yes in [&["--yes"][..], &[]] {
            let refused = history.fails(&arguments(&[&path, &file("models.json")], &[yes, more].concat()));
            assert!(refused.contains("DOES NOT FIT") && refused.contains(words), "{words} not in {refused}");
        }
        assert_eq!(history.count("results"), 0, "{name}: {words}");
        assert!(!history.folder.path().join("imported").exists());
    }
    // The rest comes in where that is asked for.
    let rest = history.folder.path().join("runs.csv");
    let left = history.ok(&arguments(&[&rest], &["--yes", "--leave-out", "--mapping", &mapping]));
    assert!(left.contains("2 results taken in, 1 entry does not fit"), "{left}");
}

#[test]
fn what_is_no_file_of_its_kind_is_told() {
    let Some(history) = History::empty() else { return };
    for (name, more) in all() {
        if name == "criterion" {
            continue;
        }
        let more: Vec<&str> = more.iter().map(String::as_str).collect();
        let path = history.folder.path().join(name);
        fs::write(&path, " \n").unwrap();
        assert!(history.fails(&arguments(&[&path], &more)).contains("the file is empty"), "{name}");
        let whole = content(name);
        fs::write(&path, &whole[..whole.len() * 2 / 3]).unwrap();
        let cut = history.fails(&arguments(&[&path], &more));
        assert!(cut.contains("the file seems to be cut off") || cut.contains("DOES NOT FIT: line"), "{name}: {cut}");
    }
    for (name, text) in
        [("sample.json", "{\"iters\":[1.0,1.0],\"times\":[5.0"), ("sample.json", ""), ("benchmark.json", "{}")]
    {
        let cell = history.folder.path().join("tree/a/new");
        fs::create_dir_all(&cell).unwrap();
        for file in ["benchmark.json", "sample.json"] {
            fs::write(cell.join(file), content(&format!("criterion/sort/quick/1024/new/{file}"))).unwrap();
        }
        fs::write(cell.join(name), text).unwrap();
        let told = history.fails(&arguments(&[&history.folder.path().join("tree")], &[]));
        assert!(told.contains("DOES NOT FIT: a/new"), "{told}");
    }
    let other = history.folder.path().join("other.json");
    fs::write(&other, "{\"notes\": [1, 2]}").unwrap();
    assert!(history.fails(&arguments(&[&other], &[])).contains("is of no kind that is known"));
    assert!(history.fails(&arguments(&[&other], &["--kind", "hyperfine"])).contains("has no list `results`"));
    let newer = history.folder.path().join("newer.jsonl");
    fs::write(&newer, "{\"schema\":99,\"id\":\"duckdb/q1/sf1/parquet\"}\n").unwrap();
    assert!(history.fails(&arguments(&[&newer], &[])).contains("line 1 schema 99 is newer"));
    assert!(history.fails(&["import", "/nowhere"]).contains("cannot read /nowhere"));
    assert_eq!(history.run(&["import", "--time-unit", "fortnight", "a"]).status.code(), Some(2));
    assert_eq!(history.count("results"), 0);
}

#[test_case("import-read")]
#[test_case("import-written")]
#[test_case("staged")]
#[test_case("inserted")]
#[test_case("committed")]
fn a_kill_takes_in_all_or_nothing(stage: &str) {
    let (Some(whole), Some(history)) = (History::empty(), History::empty()) else { return };
    history.ok(&["take-in"]);
    let (criterion, models) = (file("criterion"), file("models.json"));
    let call = arguments(&[&criterion, &models], &["--yes"]);
    whole.ok(&call);
    let output = history.command(&call).env(STAGE, format!("{stage} kill")).output().unwrap();
    assert_eq!(output.status.code(), None, "{}", text(&output));
    let results = history.count("results");
    assert_eq!(results, if stage == "import-read" { 0 } else { whole.count("results") });
    let again = history.ok(&call);
    assert_eq!(again.contains("nothing new"), results > 0, "{again}");
    assert_eq!(history.content(), whole.content());
}

#[test]
fn a_full_disk_takes_nothing_in() {
    let Some(history) = History::empty() else { return };
    history.ok(&["take-in"]);
    let criterion = file("criterion");
    let output = history.on_full_disk(0, &arguments(&[&criterion], &["--yes"]));
    assert_eq!(output.status.code(), Some(1), "{}", text(&output));
    assert!(text(&output).contains("nothing was taken in"), "{}", text(&output));
    assert_eq!(history.count("results"), 0);
}
