//! Imports over time: names of one file and another stay apart, a file that has grown gives only what is new, and tables are read as they
//! are written. Needs the program of the history (`cargo xtask build history`).

mod common;

use std::fs;
use std::path::{Path, PathBuf};

use common::history::History;
use common::import::{arguments, content, file, values};

/// A file below the history's home.
fn write(history: &History, name: &str, text: &str) -> PathBuf {
    let path = history.folder.path().join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(&path, text).unwrap();
    path
}

fn hyperfine(commands: &[(&str, f64)]) -> String {
    let result =
        |(command, time): &(&str, f64)| serde_json::json!({"command": command, "times": [time], "exit_codes": [0]});
    serde_json::json!({"results": commands.iter().map(result).collect::<Vec<_>>()}).to_string()
}

const MAPPING: &str = "
[columns]
engine = \"engine\"
query = \"query\"
time = \"ms\"
error = \"failed\"
[units]
time = \"ms\"
";

/// Takes a table in, with more words; what is told.
fn table(history: &History, csv: &Path, mapping: &str, more: &[&str]) -> String {
    let mapping = write(history, "mapping.toml", mapping);
    history.ok(&arguments(&[csv], &[&["--yes", "--mapping", mapping.to_str().unwrap()], more].concat()))
}

#[test]
fn unlike_names_of_two_files_stay_unlike() {
    let Some(history) = History::empty() else { return };
    for (number, command) in ["a b", "a-b", "a  b", "a/b", "a-b-"].into_iter().enumerate() {
        // The files have one name: it is the query.
        let path = write(&history, &format!("{number}/run.json"), &hyperfine(&[(command, 1.0)]));
        history.ok(&arguments(&[&path], &["--yes"]));
    }
    let cells = history.csv("SELECT DISTINCT cell FROM results");
    assert_eq!(cells.len(), 5, "{cells:?}");
    // What can stand in an id as it is does.
    assert_eq!(history.count("results WHERE cell = 'a-b/run/unknown/hyperfine'"), 1);
    // And parts that are joined.
    let model = |task: &str, batch: &str, precision: &str| {
        format!(
            r#"{{"model_name": "m", "hardware_type": "cpu", "task": "{task}", "batch_size": "{batch}", "precision": "{precision}",
                "latency_avg_ms": 2.0}}"#
        )
    };
    for (number, (batch, precision)) in [("1-2", "3"), ("1", "2-3")].into_iter().enumerate() {
        let path = write(&history, &format!("m{number}.json"), &model("t", batch, &format!("x{precision}")));
        history.ok(&arguments(&[&path], &["--yes"]));
        let path = write(&history, &format!("n{number}.json"), &model("u", batch, precision));
        history.ok(&arguments(&[&path], &["--yes"]));
    }
    assert_eq!(history.count("(SELECT DISTINCT cell FROM results WHERE cell LIKE 'm/%')"), 4);
}

#[test]
fn pytest_of_two_modules_is_two_benchmarks() {
    let Some(history) = History::empty() else { return };
    let text = content("pytest.json").replace("\"name\": \"test_load\"", "\"name\": \"test_group_by[pandas]\"");
    let text = text.replace("test_ops.py::test_load", "test_frames.py::test_group_by[pandas]");
    let text = text.replace("\"group\": null", "\"group\": \"group-by\"");
    let told = history.ok(&arguments(&[&write(&history, "pytest.json", &text)], &["--yes"]));
    assert!(told.contains("3 results taken in"), "{told}");
    assert_eq!(history.count("results WHERE cell LIKE 'tests-bench-test_frames.py-test_group_by-pandas-%'"), 1);
}

#[test]
fn json_in_another_form_is_known_and_what_was_added_is_new() {
    let Some(history) = History::empty() else { return };
    for name in
        ["find-pictures.json", "google.json", "pytest.json", "benchmark_results.json", "models.json", "clickbench.json"]
    {
        let before = history.count("results");
        history.ok(&arguments(&[&file(name)], &["--yes"]));
        let whole = history.content();
        let json: serde_json::Value = serde_json::from_str(&content(name)).unwrap();
        // In one line, with other blanks; in numbers as they are.
        let path = write(&history, name, &format!(" {json}\n"));
        let told = history.ok(&arguments(&[&path], &["--yes"]));
        let results = history.count("results") - before;
        assert!(
            told.contains(&format!("nothing new, {} are there already", history.count("results") - before)),
            "{told}"
        );
        assert_eq!((history.content(), results > 0), (whole, true), "{name}");
    }
    let path = write(&history, "two.json", &hyperfine(&[("one", 0.1), ("two", 0.2)]));
    history.ok(&arguments(&[&path], &["--yes"]));
    write(&history, "two.json", &hyperfine(&[("one", 0.1), ("two", 0.25), ("three", 0.3)]));
    let told = history.ok(&arguments(&[&path], &["--yes"]));
    assert!(told.contains("2 results taken in, 1 are there already"), "{told}");
    // The same time of another file was measured another time.
    let other = write(&history, "other.json", &hyperfine(&[("one", 0.1)]));
    assert!(history.ok(&arguments(&[&other], &["--yes"])).contains("1 results taken in"));
}

#[test]
fn rows_of_a_table_that_has_grown_are_known() {
    let Some(history) = History::empty() else { return };
    let row = |row: usize| format!("duckdb,q{},{row}.1,\n", row % 2);
    let rows = |from: usize, to: usize| (from..to).map(row).collect::<String>();
    let csv = write(&history, "runs.csv", &format!("engine,query,ms,failed\n{}", rows(0, 10)));
    let first = table(&history, &csv, MAPPING, &[]);
    assert!(first.contains("2 results taken in") && !first.contains("known"), "{first}");
    let whole = history.content();
    assert!(table(&history, &csv, MAPPING, &[]).contains("nothing new, 10 rows known already"));
    // In another order, with blanks: another file by its bytes, and nothing else.
    write(&history, "runs.csv", &format!("engine,query,ms,failed\n{}{}\n", rows(5, 10), rows(0, 5)));
    assert!(table(&history, &csv, MAPPING, &[]).contains("nothing new, 10 rows known already"));
    assert_eq!(history.content(), whole);
    // Three more rows, one of them of a new query; another has the time of one that is known.
    let more = "duckdb,q1,21.5,\nduckdb,q1,1.1,\nduckdb,q2,3.5,\n";
    write(&history, "runs.csv", &format!("engine,query,ms,failed\n{}{more}", rows(0, 10)));
    let told = table(&history, &csv, MAPPING, &[]);
    assert!(told.contains("2 results taken in, 10 rows known already"), "{told}");
    let samples = "SELECT coalesce(samples, [value]) FROM metrics JOIN results USING (result) WHERE cell LIKE 'duckdb/q1/%' ORDER BY 1";
    let samples = history.csv(samples);
    assert_eq!(samples, [["[1100000.0, 3100000.0, 5100000.0, 7100000.0, 9100000.0]"], ["[21500000.0, 1100000.0]"]]);
    assert_eq!(values(&history, "duckdb/q2/*", "time"), [3_500_000.0]);
    assert!(table(&history, &csv, MAPPING, &[]).contains("nothing new, 13 rows known already"));
    // What was deleted on purpose stays away, in whatever file it comes again.
    history.ok(&["delete", "--where", "query = 'q2'"]);
    write(&history, "runs.csv", &format!("engine,query,ms,failed\n{}{more}polars,q1,4.5,\n", rows(0, 10)));
    let told = table(&history, &csv, MAPPING, &[]);
    assert!(told.contains("1 results taken in, 12 rows known already, 1 were deleted on purpose"), "{told}");
    assert!(history.ok(&["check"]).contains("the history is whole"));
}

#[test]
fn lines_of_a_table_are_numbered_as_an_editor_does() {
    let Some(history) = History::empty() else { return };
    let mapping = write(&history, "mapping.toml", MAPPING);
    for end in ["\n", "\r\n", "\r"] {
        let lines = [
            "engine,query,ms,failed",
            "duckdb,q1,1,",
            "",
            "duckdb,q2,fast,",
            "\"duck\ndb\",q3,1,",
            "duckdb,q4,slow,",
            "duckdb",
        ];
        let csv = write(&history, "lines.csv", &lines.join(end));
        let told = history.fails(&arguments(&[&csv], &["--mapping", mapping.to_str().unwrap()]));
        for words in
            ["line 4 time is 'fast'", "line 7 time is 'slow'", "line 8 has 1 columns where the first line has 4"]
        {
            assert!(told.contains(&format!("DOES NOT FIT: {words}")), "{end:?}: {words} not in {told}");
        }
    }
}

#[test]
fn a_column_of_errors_may_say_that_there_was_none() {
    let Some(history) = History::empty() else { return };
    let words = ["False", "false", "0", "", "nan", "True", "out of memory"];
    let row = |(number, word): (usize, &&str)| format!("duckdb,q{number},1.5,{word}\n");
    let rows: String = words.iter().enumerate().map(row).collect();
    let csv = write(&history, "failed.csv", &format!("engine,query,ms,failed\n{rows}"));
    let told = table(&history, &csv, MAPPING, &[]);
    assert!(told.contains("rows with an error: 2"), "{told}");
    let failed = history.csv("SELECT query, reason FROM measurements WHERE outcome = 'failed' ORDER BY query");
    assert_eq!(failed, [["q5", "True"], ["q6", "out of memory"]]);
    assert_eq!(history.count("measurements WHERE outcome = 'measured' AND time_ns = 1.5e6"), 5);
}

#[test]
fn a_date_format_that_is_none_is_refused_before_the_first_row() {
    let Some(history) = History::empty() else { return };
    let csv = write(&history, "dates.csv", "engine,query,ms,failed,at\nduckdb,q1,1.5,,03.04.2026 05:06\n");
    let dated = |format: &str| {
        format!("date_format = \"{format}\"\n{}", MAPPING.replace("[columns]", "[columns]\nstarted_at = \"at\""))
    };
    // No such sign, a sign without a letter, a time of day without a day, a day without a year.
    for format in ["%d.%m.%Y %!", "%d.%m.%Y %", "%H:%M", "%d.%m. %H:%M"] {
        let mapping = write(&history, "dates.toml", &dated(format));
        let told = history.fails(&arguments(&[&csv], &["--mapping", mapping.to_str().unwrap()]));
        assert!(
            told.contains("dates.toml cannot be used") && told.contains(&format!("date_format is '{format}'")),
            "{told}"
        );
        assert!(!told.contains("line 2"), "{told}");
    }
    table(&history, &csv, &dated("%d.%m.%Y %H:%M"), &[]);
    assert_eq!(history.csv("SELECT started_at FROM results"), [["2026-04-03T05:06:00"]]);
}
