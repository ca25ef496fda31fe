//! What goes wrong with a history: SIGKILL at each step, lines and files that are broken, two at once, a full disk. Nothing is lost,
//! nothing is there twice, and one sentence says what to do.

mod common;

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, Command};

use common::history::{History, STAGE};
use common::{catalog, text};
use querydyno::host::paths::root;
use test_case::test_case;

/// A program that has come to this stage and waits there.
fn at_stage(history: &History, args: &[&str], stage: &str) -> Child {
    let mut child = history.command(args).env(STAGE, format!("{stage} hang")).spawn().unwrap();
    let lines = BufReader::new(child.stderr.as_mut().unwrap()).lines();
    let wanted = format!("stage {stage}");
    assert!(lines.map_while(Result::ok).any(|line| line == wanted), "{args:?} does not come to {stage}");
    child
}

fn kill(mut child: Child) {
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test_case("migrating")]
#[test_case("made")]
#[test_case("opened")]
#[test_case("staged")]
#[test_case("inserted")]
#[test_case("noted")]
#[test_case("committed")]
#[test_case("checkpointed")]
fn a_kill_while_taking_in_loses_and_doubles_nothing(stage: &str) {
    let (Some(whole), Some(history)) = (History::new(), History::new()) else { return };
    let killed = || history.command(&["take-in"]).env(STAGE, format!("{stage} kill")).output().unwrap();
    let output = killed();
    assert_eq!(output.status.code(), None, "{}", text(&output));
    // Again, and where the first has done all of it, there is no such stage.
    killed();
    assert_eq!(history.content(), whole.content());
    assert!(history.ok(&["check"]).contains("the history is whole"));
    assert!(!history.folder.path().join("history.duckdb.making").exists());
}

#[test_case("optimize", "copied")]
#[test_case("optimize", "renamed")]
#[test_case("backup", "copied")]
#[test_case("restore", "verified")]
#[test_case("restore", "linked")]
fn a_kill_while_copying_leaves_the_history_as_it_was(command: &str, stage: &str) {
    let Some(history) = History::new() else { return };
    history.ok(&["annotate", "duckdb/q1", "kept"]);
    let first = history.content();
    let backup = history.folder.path().join("backup").display().to_string();
    history.ok(&["backup", &backup]);
    let other = history.folder.path().join("other").display().to_string();
    let args = match command {
        "optimize" => vec![command],
        "backup" => vec![command, &other],
        _ => vec![command, &backup],
    };
    let output = history.command(&args).env(STAGE, format!("{stage} kill")).output().unwrap();
    assert_eq!(output.status.code(), None, "{}", text(&output));
    assert_eq!(history.content(), first);
    assert!(!history.folder.path().join("other").exists());
    history.ok(&args);
    assert_eq!(history.content(), first);
}

#[test]
fn lines_that_are_no_record_are_told_once_and_left_out() {
    let Some(history) = History::new() else { return };
    let results = history.count("results");
    let text_of = fs::read_to_string(root().join("tests/records/v3.jsonl")).unwrap();
    // Of another time than in the journal that is there: records of old schemas have no other run than their file's.
    let line = text_of.lines().next().unwrap().replace("\"started_at\":\"2026", "\"started_at\":\"2027");
    let newer = r#"{"schema":99,"cell":{"engine":"duckdb"}}"#;
    let (begin, rest) = line.split_at(line.len() / 2);
    let run = "20261125T120000Z-1";
    history.add(run, &format!("{newer}\n{line}\nno JSON\n{begin}"));
    let told = text(&history.run(&["stats"]));
    for words in
        ["line 1 of records/20261125T120000Z-1.jsonl: schema 99 is newer", "line 3", "left out until it is whole"]
    {
        assert!(told.contains(words), "{words} not in {told}");
    }
    assert_eq!(history.count("results"), results + 1);
    assert_eq!(history.csv("SELECT line FROM journal_left_out ORDER BY line"), [["1"], ["3"]]);
    assert!(!text(&history.run(&["stats"])).contains("left out:"));
    // The bench was still writing; the time makes the line another result.
    history.add(
        run,
        &format!("{newer}\n{line}\nno JSON\n{begin}{}\n", rest.replace("\"started_at\":\"2", "\"started_at\":\"3")),
    );
    let told = text(&history.run(&["stats"]));
    assert!(!told.contains("left out until"), "{told}");
    assert_eq!(history.count("results"), results + 2);
}

#[test]
fn two_writers_take_turns_and_who_waits_too_long_is_told_for_whom() {
    let Some(history) = History::new() else { return };
    let first = at_stage(&history, &["take-in"], "staged");
    let told = history.fails(&["take-in"]);
    for words in ["waiting for", "is in use by", &format!("PID {}", first.id()), "try again"] {
        assert!(told.contains(words), "{words} not in {told}");
    }
    kill(first);
    let mut both: Vec<Child> = (0..2).map(|_| history.command(&["take-in"]).spawn().unwrap()).collect();
    assert!(both.iter_mut().all(|child| child.wait().unwrap().success()));
    let whole = History::new().unwrap();
    assert_eq!(history.content(), whole.content());
}

#[test]
fn a_reader_disturbs_no_reader_and_no_bench() {
    let Some(history) = History::new() else { return };
    let results = history.count("results");
    let reader = at_stage(&history, &["stats"], "read");
    assert_eq!(history.count("results"), results);
    // A bench goes on; what it has written since is told, and taken in when the other has ended.
    let copy = fs::read_to_string(root().join("tests/records/v1.jsonl")).unwrap().replace("2026-11-20", "2026-12-20");
    history.add("20261220T120000Z-1", &copy);
    let output = history.run(&["sql", "SELECT count(*) AS results FROM results"]);
    let told = text(&output);
    assert!(output.status.success() && told.contains("1 files of the journal are not taken in yet"), "{told}");
    assert!(told.contains(&results.to_string()), "{told}");
    kill(reader);
    assert_eq!(history.count("results"), results + 2);
}

#[test]
fn a_damaged_block_is_found_and_a_backup_mends_it() {
    let Some(history) = History::new() else { return };
    let first = history.content();
    let backup = history.folder.path().join("backup");
    history.ok(&["backup", backup.to_str().unwrap()]);
    let spoil = |file: &std::path::Path| {
        let mut bytes = fs::read(file).unwrap();
        // Behind three headers of 4 KiB come blocks of 256 KiB, each with its checksum first.
        for block in (12 << 10..bytes.len()).step_by(256 << 10) {
            bytes[block + 100] ^= 0xff;
        }
        fs::write(file, bytes).unwrap();
    };
    spoil(&history.file());
    let told = history.fails(&["check"]);
    assert!(told.contains("damaged") && told.contains("history restore BACKUP"), "{told}");
    let spoilt = history.folder.path().join("spoilt");
    fs::copy(&backup, &spoilt).unwrap();
    spoil(&spoilt);
    let told = history.fails(&["restore", spoilt.to_str().unwrap()]);
    assert!(told.contains(&format!("{} is not restored", spoilt.display())), "{told}");
    // It is called by the name that somebody knows, not by that of the copy that was looked at.
    assert!(!told.contains(".making") && told.contains(&format!("{} is damaged", spoilt.display())), "{told}");
    let notes = history.folder.path().join("notes");
    fs::write(&notes, "my own notes").unwrap();
    let told = history.fails(&["restore", notes.to_str().unwrap()]);
    assert!(told.contains(&format!("{} is no history", notes.display())) && !told.contains(".making"), "{told}");
    history.ok(&["restore", backup.to_str().unwrap()]);
    assert_eq!(history.content(), first);
}

#[test]
fn a_figure_that_is_not_the_journals_is_found() {
    let Some(history) = History::new() else { return };
    history.ok(&["stats"]);
    let file = history.journal("20261121T180539Z-19211");
    let text = fs::read_to_string(&file).unwrap();
    let (before, after) = text.split_once("\"iterations\":[").unwrap();
    fs::write(&file, format!("{before}\"iterations\":[1{after}")).unwrap();
    let told = history.fails(&["check"]);
    assert!(told.contains("WRONG: 1 results that differ from the journal"), "{told}");
    // The record that has the changed figure, and its cell.
    let place = 1 + before.matches('\n').count();
    let record = format!("20261121T180539Z-19211:{place}");
    let cell = history.csv(&format!("SELECT cell FROM measurements WHERE record = '{record}'"))[0][0].clone();
    assert!(told.contains(&format!("\n  {record} {cell}\n")), "{record} {cell} not in {told}");
    // A figure is named too.
    fs::write(&file, &text).unwrap();
    let (file, time) = (history.journal("20261120T175042Z-19211"), "\"name\":\"time\",\"unit\":\"ns\",\"values\":[");
    let text = fs::read_to_string(&file).unwrap();
    assert!(text.contains(time), "{text}");
    fs::write(&file, text.replacen(time, &format!("{time}1"), 1)).unwrap();
    let told = history.fails(&["check"]);
    assert!(told.contains("WRONG: 1 figures of the journal that are missing or differ"), "{told}");
    let named = told.lines().find(|line| line.starts_with("  20261120T175042Z-19211:1 ")).unwrap_or_default();
    assert!(named.ends_with(": time"), "{told}");
}

/// Whatever writes into a history beside its program: DuckDB's own wheel, where it is installed.
fn write_by_other_means(history: &History, statement: &str) -> bool {
    let Some(wheel) = catalog().entry("duckdb-wheel").unwrap().find() else {
        let _ = writeln!(std::io::stderr(), "LEFT OUT: duckdb-wheel is not installed; cargo xtask build duckdb-wheel");
        return false;
    };
    let code = "import duckdb, sys; duckdb.connect(sys.argv[1]).execute(sys.argv[2])";
    let output = Command::new(wheel.path).args(["-c", code]).arg(history.file()).arg(statement).output().unwrap();
    assert!(output.status.success(), "{}", text(&output));
    true
}

#[test_case("UPDATE metrics SET value = value * 1.01 WHERE rowid = 0", "1 results with other figures than were taken in"; "another median")]
#[test_case("UPDATE metrics SET samples = list_append(samples, 1.0) WHERE rowid IN (SELECT min(rowid) FROM metrics WHERE len(samples) > 1)", "1 results with other figures than were taken in"; "another sample")]
#[test_case("UPDATE results SET verified = NOT verified WHERE result IN (SELECT min(result) FROM results)", "1 results with other figures than were taken in"; "another verdict")]
#[test_case("DELETE FROM metrics WHERE name = 'time'; DELETE FROM results WHERE result IN (SELECT min(result) FROM results)", "results were taken in and not deleted"; "a result that is gone")]
fn check_finds_what_was_written_by_other_means(statement: &str, wrong: &str) {
    let Some(history) = History::new() else { return };
    assert!(history.ok(&["check"]).contains(", 0 of them read again record by record"));
    if write_by_other_means(&history, statement) {
        let told = history.fails(&["check"]);
        assert!(told.contains(wrong) && told.contains("the history is NOT whole"), "{told}");
        // The journal says so too.
        let again = history.fails(&["check", "--records"]);
        assert!(again.matches("WRONG").count() > told.matches("WRONG").count(), "{again}");
    }
}

#[test]
fn check_with_records_reads_every_file_of_the_journal() {
    let Some(history) = History::new() else { return };
    let files = history.csv("SELECT count(*) FROM journal_files")[0][0].clone();
    let told = history.ok(&["check", "--records"]);
    assert!(told.contains(&format!("the journal has {files} files, {files} of them read again")), "{told}");
}

#[test]
fn a_full_disk_loses_nothing() {
    let (Some(whole), Some(history)) = (History::new(), History::new()) else { return };
    for kib in [0, 16, 300, 800] {
        let output = history.on_full_disk(kib, &["take-in"]);
        assert_eq!(output.status.code(), Some(1), "{kib}: {}", text(&output));
    }
    assert_eq!(history.content(), whole.content());
    // Where it is made, and there is no room for the copy.
    for args in [&["optimize"][..], &["backup", "/tmp/querydyno-no-backup"]] {
        let output = history.on_full_disk(300, args);
        assert_eq!(output.status.code(), Some(1), "{}", text(&output));
    }
    assert_eq!(history.content(), whole.content());
    assert!(!fs::exists("/tmp/querydyno-no-backup").unwrap());
}

#[test]
fn a_file_of_another_kind_is_left_alone() {
    let Some(history) = History::new() else { return };
    fs::write(history.file(), "my own notes").unwrap();
    for args in [&["stats"][..], &["take-in"], &["optimize"]] {
        let told = history.fails(args);
        assert!(told.contains("is no history") && told.contains("QUERYDYNO_HISTORY"), "{told}");
    }
    assert_eq!(fs::read_to_string(history.file()).unwrap(), "my own notes");
    let other = history.folder.path().join("elsewhere.duckdb");
    for name in ["QUERYDYNO_HISTORY", "BENCHMARK_DB_PATH"] {
        assert!(history.command(&["stats"]).env(name, &other).status().unwrap().success());
        fs::remove_file(&other).unwrap();
    }
}
