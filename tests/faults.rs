//! Engine programs that go wrong, for real: each costs its own cell only and leaves a record, no process and no file.

mod common;

use std::thread::sleep;
use std::time::{Duration, Instant};

use common::{Bench, built, entry, faulty, processes_with, real, text};
use querydyno::host::session::{FailureKind, Program};
use querydyno::host::suite::Suite;
use querydyno::host::verify::Verdict;
use querydyno::host::verify::referee;
use querydyno::protocol::answer::{Answer, Column, Kind};
use test_case::test_case;

fn engine(fault: &str) -> String {
    entry(fault, &faulty(fault))
}

#[test_case("crash", "signal 6")]
#[test_case("exit", "code 3")]
#[test_case("error", "the engine's own error")]
#[test_case("mute", "code 7")]
#[test_case("garbage", "Welcome to the engine!")]
#[test_case("version", "speaks protocol 999, the host speaks 2")]
#[test_case("version-1", "its `prepare` now takes a `task` in place of a `query`")]
#[test_case("unknown-step", "invalid reply to run")]
#[test_case("flood", "xxxxxxxx")]
#[test_case("rows", "1 rows before and 2 rows now")]
#[test_case("late", "signal 6")]
fn a_fault_costs_its_own_cell_only(fault: &str, reason: &str) {
    let config = engine(fault) + &entry("zgood", &real());
    // At a scale without a reference the fault itself ends the cell, not its wrong answer.
    let mut bench = Bench::new(&config)
        .args(&[&format!("^({fault}|zgood)/q6/"), "--measurement-time", "0.1"])
        .env("QUERYDYNO_SCALE", "0.002");
    let output = bench.run();
    assert_eq!(output.status.code(), Some(1), "{}", text(&output));
    let failed = bench.record(fault);
    assert_eq!(failed.outcome.word(), "failed");
    assert!(failed.samples_ns().is_empty());
    assert!(failed.reason().unwrap().contains(reason), "{:?}", failed.reason());
    assert_eq!(bench.record("zgood").outcome.word(), "measured", "{}", text(&output));
    let stored = bench.criterion().join(format!("{fault}_q6_sf0.002/parquet/new"));
    assert!(!stored.exists());
    bench.assert_clean();
}

#[test_case("hang")]
#[test_case("orphan")]
fn a_hang_ends_at_the_deadline_with_all_its_children(fault: &str) {
    let mut bench = Bench::new(&engine(fault)).args(&[&format!("{fault}/q6")]).env("QUERYDYNO_TIMEOUT", "1");
    let output = bench.run();
    assert_eq!(output.status.code(), Some(1), "{}", text(&output));
    let failure = bench.record(fault).failure().cloned().unwrap();
    assert!(matches!(failure.kind, FailureKind::TimedOut { .. }), "{failure}");
    bench.assert_clean();
}

#[test]
fn a_query_over_its_time_budget_costs_its_own_cell_only() {
    let config = engine("hang") + &entry("zgood", &real());
    let mut bench = Bench::new(&config)
        .args(&["^(hang|zgood)/q6/", "--measurement-time", "0.1"])
        .env("QUERYDYNO_SCALE", "0.002")
        .env("QUERYDYNO_QUERY_TIMEOUT", "2s");
    let output = bench.run();
    assert_eq!(output.status.code(), Some(1), "{}", text(&output));
    let failure = bench.record("hang").failure().cloned().unwrap();
    assert!(matches!(failure.kind, FailureKind::TimedOut { budget: true, .. }), "{failure}");
    assert!(failure.to_string().starts_with("over its time budget: no end of the run within 2 s"), "{failure}");
    assert_eq!(bench.record("zgood").outcome.word(), "measured", "{}", text(&output));
    bench.assert_clean();
}

#[test]
fn too_much_memory_ends_the_cell() {
    let mut bench = Bench::new(&engine("memory")).args(&["memory/q6"]).env("QUERYDYNO_MEMORY", "300MiB");
    let output = bench.run();
    assert_eq!(output.status.code(), Some(1), "{}", text(&output));
    let failure = bench.record("memory").failure().cloned().unwrap();
    assert!(matches!(failure.kind, FailureKind::OutOfMemory { .. }), "{failure}");
    bench.assert_clean();
}

#[test]
fn the_last_words_on_stderr_are_kept() {
    let mut bench = Bench::new(&engine("exit")).args(&["exit/q6"]);
    bench.run();
    assert_eq!(bench.record("exit").failure().unwrap().stderr, ["the last words"]);
}

#[test]
fn what_an_engine_prints_does_not_garble_the_protocol() {
    let mut bench =
        Bench::new(&engine("chatty")).args(&["chatty/q6", "--measurement-time", "0.1"]).env("QUERYDYNO_SCALE", "0.002");
    let output = bench.run();
    assert_eq!(bench.record("chatty").outcome.word(), "measured", "{}", text(&output));
}

#[test]
fn a_program_that_is_not_there_is_skipped_with_its_reason() {
    let mut bench = Bench::new("[engine.gone]\nprogram = '/nowhere/gone'\n").args(&["gone/q6"]);
    let output = bench.run();
    assert_eq!(output.status.code(), Some(0), "{}", text(&output));
    let record = bench.record("gone");
    assert_eq!(record.outcome.word(), "skipped");
    assert!(record.reason().unwrap().contains("/nowhere/gone"));
}

#[test]
fn a_wrong_answer_is_not_timed() {
    let mut bench = Bench::new(&engine("wrong")).args(&["wrong/q6"]).env("QUERYDYNO_SCALE", "0.01");
    let output = bench.run();
    assert_eq!(output.status.code(), Some(1), "{}", text(&output));
    let record = bench.record("wrong");
    assert!(matches!(record.verdict, Some(Verdict::Wrong { .. })), "{:?}", record.verdict);
    assert!(record.samples_ns().is_empty());
    assert!(!bench.criterion().join("wrong_q6_sf0.01").exists());
}

#[test_case("INT")]
#[test_case("TERM")]
fn an_interrupt_leaves_nothing_behind(signal: &str) {
    let mut bench = Bench::new(&engine("orphan")).args(&["orphan/q6"]);
    let mut host = bench.spawn();
    wait_for(|| processes_with(&bench.mark).iter().any(|line| line.starts_with("sleep")));
    send(signal, host.id());
    assert_eq!(host.wait().unwrap().code(), Some(130));
    wait_for(|| processes_with(&bench.mark).is_empty());
    assert_eq!(bench.record("orphan").reason(), Some("interrupted"));
    bench.assert_clean();
}

#[test]
fn a_killed_host_takes_its_engine_along() {
    let mut bench = Bench::new(&engine("hang")).args(&["hang/q6"]);
    let mut host = bench.spawn();
    wait_for(|| processes_with(&bench.mark).iter().any(|line| line.contains("faulty-engine")));
    send("KILL", host.id());
    host.wait().unwrap();
    wait_for(|| processes_with(&bench.mark).is_empty());
}

#[test]
fn a_data_file_lost_in_the_middle_ends_the_cell_and_is_made_again() {
    let Some(arrow) = built("arrow") else { return };
    let data = tempfile::tempdir().unwrap();
    let data = data.path().display().to_string();
    let bench = |time: &str| {
        Bench::new(&entry("kernels", &arrow))
            .args(&["kernels/q6", "--noplot", "--measurement-time", time])
            .env("QUERYDYNO_DATA", &data)
    };
    let mut first = bench("30");
    let host = first.spawn();
    let file = format!("{data}/tpch/sf0.001/parquet/lineitem/part-000.parquet");
    wait_for(|| processes_with(&first.mark).iter().any(|line| line.contains("querydyno-arrow")));
    std::fs::remove_file(&file).unwrap();
    let output = host.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", text(&output));
    assert!(first.record("kernels").reason().unwrap().contains(&file), "{}", text(&output));
    first.assert_clean();
    let mut second = bench("0.1");
    let output = second.run();
    assert!(output.status.success() && text(&output).contains("again"), "{}", text(&output));
}

/// Has 7, which is what the engine says that does not lie, be the stored answer to q6.
fn keep_seven(bench: &Bench) {
    let tpch = Suite::read("tpch").unwrap();
    let columns = vec![Column { name: "revenue".to_owned(), kind: Kind::Int }];
    let seven = Answer { columns, rows: vec![vec![Some("7".to_owned())]] };
    let folder = bench.folder.path().join(".querydyno/answers/tpch/sf0.002");
    let engines = ["a 1", "b 1", "c 1"].map(str::to_owned).into();
    referee::keep(&folder, &tpch, tpch.query("q6").unwrap(), &seven, engines, None).unwrap();
}

#[test]
fn an_answer_that_turns_wrong_takes_its_samples_back() {
    let config = entry("liar", &faulty("liar")) + &entry("truth", &faulty("truth"));
    let mut bench = Bench::new(&config)
        .args(&["^(liar|truth)/q6/", "--measurement-time", "0.1", "--save-baseline", "kept"])
        .env("QUERYDYNO_SCALE", "0.002");
    keep_seven(&bench);
    let output = bench.run();
    assert_eq!(output.status.code(), Some(1), "{}", text(&output));
    let record = bench.record("liar");
    assert!(matches!(record.verdict, Some(Verdict::Wrong { .. })), "{:?}", record.reason());
    assert!(record.samples_ns().is_empty());
    for folder in ["new", "kept"] {
        assert!(!bench.criterion().join(format!("liar_q6_sf0.002/parquet/{folder}")).exists());
        assert!(bench.criterion().join("truth_q6_sf0.002/parquet/kept").exists());
    }
}

#[test_case(&[], false)]
#[test_case(&["--test"], true)]
fn only_a_run_that_wrote_samples_takes_them_back(mode: &[&str], stay: bool) {
    let config = entry("liar", &faulty("liar")) + &entry("truth", &faulty("truth"));
    let mut bench = Bench::new(&config)
        .args(&["^(liar|truth)/q6/", "--measurement-time", "0.1"])
        .args(mode)
        .env("QUERYDYNO_SCALE", "0.002");
    keep_seven(&bench);
    let base = bench.criterion().join("liar_q6_sf0.002/parquet/base");
    std::fs::create_dir_all(&base).unwrap();
    let output = bench.run();
    assert_eq!(output.status.code(), Some(1), "{}", text(&output));
    assert_eq!(base.exists(), stay, "{}", text(&output));
}

#[test]
fn run_refuses_impossible_durations() {
    // A program without a clock, in another language.
    let script = r#"
echo '{"did":"hello","protocol":2,"engine":"script"}'
while read -r line; do case "$line" in
*'"open"'*) echo '{"did":"open","info":{"version":"1"}}';;
*'"load"'*) echo '{"did":"load","load_ns":1}';;
*'"prepare"'*) echo '{"did":"prepare"}';;
*'"run"'*) echo '{"did":"run","rows":1,"durations_ns":[0]}';;
esac; done"#;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("engine.sh");
    std::fs::write(&path, script).unwrap();
    let shell = Program { path: "/bin/sh".into(), args: vec![path.display().to_string()], ..Program::default() };
    let mut bench = Bench::new(&entry("script", &shell)).args(&["script/q6"]);
    let output = bench.run();
    assert_eq!(output.status.code(), Some(1), "{}", text(&output));
    assert!(bench.record("script").reason().unwrap().contains("durations_ns"), "{}", text(&output));
    bench.assert_clean();
}

fn send(signal: &str, pid: u32) {
    let status = std::process::Command::new("kill").args([format!("-{signal}"), pid.to_string()]).status();
    assert!(status.unwrap().success());
}

fn wait_for(done: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_mins(1);
    while !done() {
        assert!(Instant::now() < deadline, "waited for a minute");
        sleep(Duration::from_millis(20));
    }
}
