//! `history trend` and `history changes` on made-up journals: what is told, in which order, once, and from which level on. How often they
//! are right is in `tests/changes.rs`. Needs the program of the history: `cargo xtask build history`.

mod common;

use std::path::Path;
use std::process::Command;

use chrono::DateTime;
use common::history::History;
use common::{import, text};
use querydyno::host::paths::root;
use serde_json::Value;
use tempfile::TempDir;
use test_case::test_case;

/// When the first result was taken, in seconds since 1970: a day in 2026.
const FIRST: i64 = 1_770_000_000;
const DAY: i64 = 86_400;

/// One result of `duckdb/q6/sf0.1/parquet`.
#[derive(Clone)]
struct Point {
    seconds: i64,
    ms: f64,
    commit: Option<String>,
    is_dirty: bool,
    version: &'static str,
    kernel: &'static str,
    provenance: &'static str,
}

/// One a day, at these times and a little beside.
fn points(levels: &[(usize, f64)]) -> Vec<Point> {
    let levels = levels.iter().flat_map(|(count, ms)| std::iter::repeat_n(*ms, *count));
    let noise = [0.0, 0.02, -0.03, 0.01, -0.01, 0.03, -0.02, 0.015, -0.025, 0.005, 0.025];
    let point = |(place, ms): (usize, f64)| Point {
        seconds: FIRST + DAY * i64::try_from(place).unwrap(),
        ms: ms * (1.0 + noise[place * 7 % 11]),
        commit: None,
        is_dirty: false,
        version: "2.0.0",
        kernel: "6.1",
        provenance: "measured",
    };
    levels.enumerate().map(point).collect()
}

/// The name of a point's run, and so of its file.
fn run(point: &Point) -> String {
    let at = DateTime::from_timestamp(point.seconds, 0).unwrap();
    at.format("%Y%m%dT%H%M%SZ-1").to_string()
}

fn line(point: &Point) -> String {
    let text = std::fs::read_to_string(root().join("tests/records/measured.json")).unwrap();
    let mut record: Value = serde_json::from_str(&text).unwrap();
    record["run_id"] = format!("{}-00000000", run(point)).into();
    record["started_at"] = DateTime::from_timestamp(point.seconds, 0).unwrap().to_rfc3339().into();
    record["engine"]["version"] = point.version.into();
    record["host"]["kernel"] = point.kernel.into();
    record["provenance"] = point.provenance.into();
    let git = |commit: &String| serde_json::json!({ "commit": commit, "dirty": point.is_dirty });
    record["git"] = point.commit.as_ref().map_or(Value::Null, git);
    let metrics = record["metrics"].as_array_mut().unwrap();
    let time = metrics.iter_mut().find(|metric| metric["name"] == "time").unwrap();
    time["values"] = vec![point.ms * 1e6; 3].into();
    format!("{record}\n")
}

fn add(history: &History, points: &[Point]) {
    for point in points {
        history.add(&run(point), &line(point));
    }
}

fn json(text: &str) -> Vec<Value> {
    serde_json::from_str(text).unwrap()
}

fn changes(history: &History, args: &[&str]) -> Vec<Value> {
    json(&history.ok(&[&["changes", "--format", "json"], args].concat()))
}

/// What is new, by the exit code and by the rows.
fn alert(history: &History) -> Vec<Value> {
    let output = history.run(&["changes", "--alert", "--format", "json"]);
    let rows = json(&String::from_utf8(output.stdout.clone()).unwrap());
    assert_eq!(output.status.code(), Some(i32::from(!rows.is_empty())), "{}", text(&output));
    rows
}

fn number(row: &Value, name: &str) -> f64 {
    row[name].as_f64().unwrap()
}

#[test]
fn changes_tell_a_step_with_both_levels_and_what_else_changed_there() {
    let Some(history) = History::empty() else { return };
    let mut all = points(&[(30, 100.0), (15, 110.0)]);
    all[10..].iter_mut().for_each(|point| point.kernel = "6.12");
    all[30..].iter_mut().for_each(|point| point.version = "2.1.0");
    all[20].ms *= 3.0;
    add(&history, &all);
    let rows = changes(&history, &["duckdb/q6"]);
    let [step] = rows.as_slice() else { panic!("{rows:?}") };
    assert_eq!((step["kind"].as_str(), step["ordered_by"].as_str()), (Some("step"), Some("time")));
    assert_eq!(step["record"].as_str().unwrap(), format!("{}:1", run(&all[30])));
    assert!((number(step, "ratio") - 1.1).abs() < 0.02 && number(step, "ratio_low") > 1.05, "{step}");
    assert!((number(step, "before") / 100e6 - 1.0).abs() < 0.01 && (number(step, "after") / 110e6 - 1.0).abs() < 0.02);
    assert!(number(step, "p") < 1e-4 && number(step, "p") <= number(step, "p_over_all"));
    assert_eq!(step["along_with"], "engine version 2.0.0 -> 2.1.0");
    // For people: the same in words, and a spike and the kernel where they are.
    let told = history.ok(&["changes", "duckdb/q6"]);
    assert!(told.contains("step +") && told.contains("2.0.0 -> 2.1.0"), "{told}");
    let class = rows[0]["machine_class"].as_str().unwrap();
    assert!(told.contains(" machine ") && told.contains(class), "{told}");
    let trend = history.ok(&["trend", "duckdb/q6", "-n", "100"]);
    for words in ["step: +", "spike", "kernel 6.1 -> 6.12", "▲", "─", "•", "┊", "45 points, in the order of time"]
    {
        assert!(trend.contains(words), "{words} not in {trend}");
    }
    let rows = json(&history.ok(&["trend", "q6", "--format", "json"]));
    assert_eq!(rows.len(), all.len());
    assert!(rows[20]["is_spike"].as_bool().unwrap() && number(&rows[44], "level") > 1.05 * number(&rows[0], "level"));
    // Before the step nothing is since.
    let day = DateTime::from_timestamp(all[44].seconds + DAY, 0).unwrap().format("%Y-%m-%d").to_string();
    assert!(
        changes(&history, &["--since", &day]).is_empty() && changes(&history, &["--since", "2026-01-01"]).len() == 1
    );
    assert!(changes(&history, &["--metric", "peak_memory"]).is_empty());
    assert!(changes(&history, &["--machine", "xeon"]).len() == 1);
}

#[test]
fn a_change_is_alerted_once_though_it_moves_and_a_later_one_again() {
    let Some(history) = History::empty() else { return };
    let all = points(&[(30, 100.0), (16, 107.0), (10, 140.0), (12, 100.0)]);
    add(&history, &all[..28]);
    let located = || changes(&history, &[]).first().map(|row| row["record"].as_str().unwrap().to_owned());
    let mut alerts = Vec::new();
    for (place, point) in all.iter().enumerate().skip(28) {
        add(&history, std::slice::from_ref(point));
        alerts.extend(alert(&history).into_iter().map(|row| number(&row, "ratio")));
        if place == 44 {
            // Results that come late, of just before the step and as slow as after it: now it was sooner.
            let before = located();
            let late = (1..=3).map(|hour| Point { seconds: all[29].seconds + 3600 * hour, ..all[30].clone() });
            add(&history, &late.collect::<Vec<_>>());
            assert!(alert(&history).is_empty());
            assert_ne!(located(), before, "it never moved, so this shows nothing");
        }
    }
    assert!(alerts.len() == 3 && alerts[0] < 1.15 && alerts[1] > 1.2 && alerts[2] < 0.9, "{alerts:?}");
    assert_eq!((history.count("alerts"), changes(&history, &[]).len()), (3, 3));
    assert!(alert(&history).is_empty());
    assert!(history.ok(&["changes", "--alert"]).contains("no new change in 1 series"));
    // Whatever becomes of the result from which it was.
    let record = changes(&history, &[])[0]["record"].as_str().unwrap().to_owned();
    history.ok(&["delete", &record]);
    assert!(alert(&history).is_empty());
}

#[test]
fn a_level_that_is_accepted_is_where_the_baseline_begins() {
    let Some(history) = History::empty() else { return };
    let all = points(&[(30, 100.0), (20, 110.0), (12, 125.0)]);
    add(&history, &all[..50]);
    let record = changes(&history, &[])[0]["record"].as_str().unwrap().to_owned();
    let told = history.ok(&["annotate", &record, "a better answer costs this", "--level"]);
    assert!(told.contains(&format!("level accepted from {record} on")), "{told}");
    assert!(changes(&history, &[]).is_empty() && alert(&history).is_empty());
    let trend = history.ok(&["trend", "duckdb/q6", "-n", "30"]);
    assert!(trend.contains("level accepted: a better answer costs this") && trend.contains("50 points"), "{trend}");
    add(&history, &all[50..]);
    let rows = alert(&history);
    assert!(rows.len() == 1 && (number(&rows[0], "before") / 110e6 - 1.0).abs() < 0.02, "{rows:?}");
    // By a name of the series: its last change.
    history.ok(&["annotate", "duckdb/q6", "and this", "--kind", "level"]);
    assert!(changes(&history, &[]).is_empty());
    assert!(
        history.fails(&["annotate", "duckdb/q6", "again", "--level"]).contains("no series of 'duckdb/q6' has changed")
    );
    assert!(history.fails(&["annotate", "duckdb/q99", "no", "--level"]).contains("nothing comparable is called"));
    assert!(history.ok(&["check"]).contains("the history is whole"));
}

/// A checkout with so many commits, the oldest first.
fn checkout(folder: &Path, count: usize) -> Vec<String> {
    let git = |args: &[&str]| {
        let mut git = Command::new("git");
        for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("GIT_")) {
            git.env_remove(name);
        }
        let identity = ["-c", "user.name=test", "-c", "user.email=test@localhost", "-c", "commit.gpgsign=false"];
        let output = git.arg("-C").arg(folder).args(identity).args(args).output().unwrap();
        assert!(output.status.success(), "{args:?}: {}", text(&output));
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    };
    git(&["init", "--quiet"]);
    let commit = |place: usize| {
        git(&["commit", "--quiet", "--allow-empty", "-m", &place.to_string()]);
        git(&["rev-parse", "HEAD"])
    };
    (0..count).map(commit).collect()
}

#[test]
fn order_is_git_s_whatever_the_clock_says_and_time_where_a_commit_is_unknown() {
    let Some(history) = History::empty() else { return };
    let folder = TempDir::new().unwrap();
    let commits = checkout(folder.path(), 40);
    let mut all = points(&[(25, 100.0), (16, 112.0)]);
    for (place, point) in all.iter_mut().enumerate() {
        // The clock goes backwards; the last commit has two results, the later one of something that was not committed.
        point.commit = Some(commits[place.min(39)].clone());
        point.seconds = FIRST - DAY * i64::try_from(place).unwrap();
    }
    (all[40].seconds, all[40].is_dirty) = (all[39].seconds + 60, true);
    add(&history, &all);
    let there = ["--checkout", folder.path().to_str().unwrap()];
    let trend = |args: &[&str]| json(&history.ok(&[&["trend", "q6", "--format", "json"], args].concat()));
    let rows = trend(&there);
    let told: Vec<&str> = rows.iter().map(|row| row["record"].as_str().unwrap()).collect();
    let meant: Vec<String> = all.iter().map(|point| format!("{}:1", run(point))).collect();
    assert_eq!(told, meant);
    assert!(rows[0]["ordered_by"] == "git" && rows[40]["git_dirty"] == true);
    let rows = changes(&history, &there);
    assert!(rows.len() == 1 && rows[0]["git_commit"] == commits[25].as_str(), "{rows:?}");
    let shown = history.ok(&[&["trend", "q6"][..], &there].concat());
    assert!(
        shown.contains("in git's first-parent order") && shown.contains(&format!("{}+", &commits[39][..12])),
        "{shown}"
    );
    // In another checkout nobody knows them: then it is the clock's order, and that is said.
    let other = TempDir::new().unwrap();
    checkout(other.path(), 1);
    let elsewhere = history.ok(&["trend", "q6", "--checkout", other.path().to_str().unwrap()]);
    assert!(
        elsewhere.contains("in the order of time: commit") && elsewhere.contains("first-parent line"),
        "{elsewhere}"
    );
    let rows = trend(&["--checkout", other.path().to_str().unwrap()]);
    assert!(rows[0]["ordered_by"] == "time" && rows[0]["record"] == meant[39].as_str(), "{}", rows[0]);
    for command in [&["trend", "q6"][..], &["changes"]] {
        let no_checkout = history.refuses(&[command, &["--checkout", "/nowhere"]].concat());
        assert!(no_checkout.contains("--checkout /nowhere is no git checkout"), "{no_checkout}");
    }
    // One result that tells no commit, and of the same second as another.
    let mut more = all[39].clone();
    (more.commit, more.ms) = (None, 113.0);
    history.add("20270101T000000Z-1", &line(&more).replace("-1-00000000", "-1-00000001"));
    let shown = history.ok(&[&["trend", "q6"][..], &there].concat());
    assert!(shown.contains("tells no commit"), "{shown}");
}

#[test]
fn results_of_one_time_keep_the_order_of_the_journal() {
    let Some(history) = History::empty() else { return };
    let all = points(&[(11, 100.0)]);
    // Eleven lines of one file, at most two of a time: the ninth is before the tenth.
    let lines = all.iter().enumerate().map(|(place, point)| {
        let seconds = FIRST + i64::try_from(place / 2).unwrap();
        // Two runs at once on two machines of a class.
        line(&Point { seconds, ..point.clone() }).replace("-1-00000000", &format!("-1-{place:08}"))
    });
    history.add("20261120T175042Z-1", &lines.collect::<String>());
    let rows = json(&history.ok(&["trend", "q6", "--format", "json"]));
    let told: Vec<&str> = rows.iter().map(|row| row["record"].as_str().unwrap()).collect();
    let meant: Vec<String> = (1..=told.len()).map(|line| format!("20261120T175042Z-1:{line}")).collect();
    assert_eq!(told, meant);
    let shown = history.ok(&["trend", "q6"]);
    assert!(shown.contains("fewer than 12 points"), "{shown}");
    assert!(text(&history.run(&["changes"])).contains("1 of 1 series have fewer than 12 points"));
}

#[test_case("simulated")]
#[test_case("estimated")]
fn what_was_not_measured_is_shown_and_never_alerted(provenance: &'static str) {
    let Some(history) = History::empty() else { return };
    let mut all = points(&[(30, 100.0), (15, 130.0)]);
    for point in &mut all {
        point.provenance = provenance;
    }
    add(&history, &all);
    let rows = changes(&history, &[]);
    assert!(rows.len() == 1 && rows[0]["provenance"] == provenance, "{rows:?}");
    assert!(alert(&history).is_empty() && history.count("alerts") == 0);
}

#[test]
fn imported_results_are_said_to_be_in_no_series() {
    let Some(history) = History::empty() else { return };
    import::taken(&history, "models.json", &[]);
    for command in [&["trend", "bert-base"][..], &["changes", "bert-base"], &["changes"]] {
        let told = history.refuses(command);
        assert!(told.contains("3 of 3 results of these cells are imported") && told.contains("in no series"), "{told}");
    }
    add(&history, &points(&[(3, 100.0)]));
    let output = history.run(&["changes"]);
    assert!(
        output.status.success() && text(&output).contains("3 of 6 results of these cells are imported"),
        "{}",
        text(&output)
    );
}

#[test]
fn what_is_not_there_is_said() {
    let Some(history) = History::empty() else { return };
    add(&history, &points(&[(3, 100.0)]));
    assert!(history.refuses(&["trend", "duckdb/q99"]).contains("no result of a cell"));
    assert!(history.refuses(&["changes", "--metric", "warmth"]).contains("has the figure 'warmth'"));
    assert!(history.refuses(&["trend", "q6", "--machine", "cray"]).contains("on a machine called 'cray'"));
    assert_eq!(history.run(&["changes", "--since", "yesterday"]).status.code(), Some(2));
}
