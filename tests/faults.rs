//! Engine programs that go wrong, for real: each costs its own cell only and leaves a record, no process and no file.

mod common;

use std::collections::BTreeMap;
use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};

use common::{Bench, entry, faulty, processes_with, program, text};
use querydyno::answer::Verdict;
use querydyno::engine::EngineSettings;
use querydyno::fixture::Store;
use querydyno::id::Scale;
use querydyno::record::Outcome;
use querydyno::session::{FailureKind, Limits, Session};
use querydyno::units::Bytes;
use querydyno::workload::Workload;
use rstest::rstest;

fn engine(fault: &str) -> String {
    entry(fault, &faulty(fault))
}

#[rstest]
#[case("crash", "signal 6")]
#[case("exit", "code 3")]
#[case("error", "the engine's own error")]
#[case("mute", "code 7")]
#[case("garbage", "Welcome to the engine!")]
#[case("version", "speaks protocol 999, the host speaks 1")]
#[case("flood", "xxxxxxxx")]
#[case("rows", "1 rows before and 2 rows now")]
#[case("late", "signal 6")]
fn a_fault_costs_its_own_cell_only(#[case] fault: &str, #[case] reason: &str) {
    let config = engine(fault) + &entry("zgood", &program("arrow"));
    // At a scale without a reference the fault itself ends the cell, not its wrong answer.
    let mut bench = Bench::new(&config)
        .args(&[&format!("^({fault}|zgood)/q6/"), "--measurement-time", "0.1"])
        .env("QUERYDYNO_SCALE", "0.002");
    let output = bench.run();
    assert_eq!(output.status.code(), Some(1), "{}", text(&output));
    let failed = bench.record(fault);
    assert_eq!(failed.outcome, Outcome::Failed);
    assert!(failed.samples_ns.is_empty());
    assert!(failed.reason.as_deref().unwrap().contains(reason), "{:?}", failed.reason);
    assert_eq!(bench.record("zgood").outcome, Outcome::Measured, "{}", text(&output));
    let stored = bench.criterion().join(format!("{fault}_q6_sf0.002/parquet/new"));
    assert!(!stored.exists());
    bench.assert_clean();
}

#[rstest]
#[case("hang")]
#[case("orphan")]
fn a_hang_ends_at_the_deadline_with_all_its_children(#[case] fault: &str) {
    let mut bench = Bench::new(&engine(fault)).args(&[&format!("{fault}/q6")]).env("QUERYDYNO_TIMEOUT", "1");
    let output = bench.run();
    assert_eq!(output.status.code(), Some(1), "{}", text(&output));
    let failure = bench.record(fault).failure.unwrap();
    assert!(matches!(failure.kind, FailureKind::TimedOut { .. }), "{failure}");
    bench.assert_clean();
}

#[test]
fn too_much_memory_ends_the_cell() {
    let mut bench = Bench::new(&engine("memory")).args(&["memory/q6"]).env("QUERYDYNO_MEMORY", "300MiB");
    let output = bench.run();
    assert_eq!(output.status.code(), Some(1), "{}", text(&output));
    let failure = bench.record("memory").failure.unwrap();
    assert!(matches!(failure.kind, FailureKind::OutOfMemory { .. }), "{failure}");
    bench.assert_clean();
}

#[test]
fn the_last_words_on_stderr_are_kept() {
    let mut bench = Bench::new(&engine("exit")).args(&["exit/q6"]);
    bench.run();
    assert_eq!(bench.record("exit").failure.unwrap().stderr, ["the last words"]);
}

#[test]
fn what_an_engine_prints_does_not_garble_the_protocol() {
    let mut bench =
        Bench::new(&engine("chatty")).args(&["chatty/q6", "--measurement-time", "0.1"]).env("QUERYDYNO_SCALE", "0.002");
    let output = bench.run();
    assert_eq!(bench.record("chatty").outcome, Outcome::Measured, "{}", text(&output));
}

#[test]
fn a_program_that_is_not_there_is_skipped_with_its_reason() {
    let mut bench = Bench::new("[engine.gone]\nprogram = '/nowhere/gone'\n").args(&["gone/q6"]);
    let output = bench.run();
    assert_eq!(output.status.code(), Some(0), "{}", text(&output));
    let record = bench.record("gone");
    assert_eq!(record.outcome, Outcome::Skipped);
    assert!(record.reason.unwrap().contains("/nowhere/gone"));
}

#[test]
fn a_wrong_answer_is_not_timed() {
    let mut bench = Bench::new(&engine("wrong")).args(&["wrong/q6"]).env("QUERYDYNO_SCALE", "0.01");
    let output = bench.run();
    assert_eq!(output.status.code(), Some(1), "{}", text(&output));
    let record = bench.record("wrong");
    assert!(matches!(record.verdict, Some(Verdict::Wrong(_))), "{:?}", record.verdict);
    assert!(record.samples_ns.is_empty());
    assert!(!bench.criterion().join("wrong_q6_sf0.01").exists());
}

#[rstest]
#[case("INT")]
#[case("TERM")]
fn an_interrupt_leaves_nothing_behind(#[case] signal: &str) {
    let mut bench = Bench::new(&engine("orphan")).args(&["orphan/q6"]);
    let mut host = bench.spawn();
    wait_for(|| processes_with(&bench.mark).iter().any(|line| line.starts_with("sleep")));
    send(signal, host.id());
    assert_eq!(host.wait().unwrap().code(), Some(130));
    wait_for(|| processes_with(&bench.mark).is_empty());
    assert_eq!(bench.record("orphan").reason.as_deref(), Some("interrupted"));
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
fn a_data_file_lost_in_the_middle_is_an_error_that_names_it() {
    let folder = tempfile::tempdir().unwrap();
    let workload = Workload::read("tpch").unwrap();
    let query = workload.query("q6").unwrap();
    let scale: Scale = "0.001".parse().unwrap();
    let store = Store::new(folder.path().join("data"));
    let dataset = store.ensure(&workload, scale, "parquet", &query.tables).unwrap();
    let limits = Limits { timeout: Duration::from_mins(1), memory: Some(Bytes(4 << 30)) };
    let mut session = Session::spawn(&program("arrow"), limits, &folder.path().join("scratch")).unwrap();
    session
        .open(&EngineSettings {
            threads: 2,
            memory_limit_bytes: None,
            scratch: Path::new("").to_owned(),
            options: BTreeMap::new(),
        })
        .unwrap();
    session.load(&dataset).unwrap();
    session.prepare(&workload.text(query, "arrow", scale).unwrap()).unwrap();
    session.run(1).unwrap();
    let file = &dataset.tables[0].files[0];
    std::fs::remove_file(file).unwrap();
    let failure = session.run(1).unwrap_err();
    assert!(failure.to_string().contains(&file.display().to_string()), "{failure}");
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
