//! A crash of the engine, a panic of the host, Ctrl-C and SIGKILL at each stage of `host::run`: none leaves a process, half a record or
//! a temporary file, and the next run is an ordinary one. The engine is `tests/programs/stages.py`.

mod common;

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, exit};
use std::thread::sleep;
use std::time::{Duration, Instant};

use common::{Bench, entry, processes_with, text};
use querydyno::host::bench;
use querydyno::host::interrupt;
use querydyno::host::paths::root;
use querydyno::host::record::Record;
use querydyno::host::session::Program;
use querydyno::protocol::messages::PROTOCOL;
use test_case::test_matrix;

/// Says to the test [`child`] that it is the process that another test started.
const CHILD: &str = "TEST_STAGES_CHILD";

/// The two ways to samples, each with its own main.
#[derive(Debug, Clone, Copy)]
enum Host {
    /// `cargo bench`: Criterion takes the samples.
    Criterion,
    /// The library's [`bench::Bench`], as `cargo xtask bench` calls it: they are counted.
    Counted,
}

/// A host with one scripted engine, and what it keeps.
struct Case {
    bench: Bench,
}

impl Case {
    fn new(host: Host) -> Self {
        let command = match host {
            Host::Criterion => {
                let mut command = Command::new(env!("CARGO_BIN_EXE_bench-tpch"));
                command.args(["--bench", "scripted/q6", "--noplot", "--nresamples", "1001"]);
                command.args(["--warm-up-time", "0.001", "--measurement-time", "0.01"]);
                command
            }
            Host::Counted => child_command(""),
        };
        Self::of(command)
    }

    fn of(command: Command) -> Self {
        let bench = Bench::with(command, |folder| {
            let script = root().join("tests/programs/stages.py").display().to_string();
            let stage = folder.join("stage").display().to_string();
            let args = vec!["python3".to_owned(), script, PROTOCOL.to_string(), stage];
            entry("scripted", &Program { path: "/usr/bin/env".into(), args, ..Program::default() })
        });
        let temporary = bench.folder.path().join("tmp");
        fs::create_dir(&temporary).unwrap();
        Self { bench: bench.env("TMPDIR", &temporary.display().to_string()) }
    }

    fn stage(&self) -> PathBuf {
        self.bench.folder.path().join("stage")
    }

    fn reached(&self) -> PathBuf {
        self.bench.folder.path().join("stage.reached")
    }

    /// Has the next run's engine stop at this stage.
    fn stop_at(&self, stage: &str, way: &str) {
        let _ = fs::remove_file(self.reached());
        fs::write(self.stage(), format!("{stage} {way}")).unwrap();
    }

    /// Starts the host and sends it a signal when its engine is where it stops.
    fn signalled(&mut self, stage: &str, way: &str, signal: &str) -> ExitStatus {
        self.stop_at(stage, way);
        let mut host = self.bench.spawn();
        wait_for(&format!("{stage} to be reached"), || self.reached().exists());
        send(signal, &host);
        let status = host.wait().unwrap();
        self.assert_whole();
        status
    }

    /// The newest record, if the last run wrote one more than there were before.
    fn newest(&self, before: usize) -> Option<Record> {
        let mut records = self.bench.records();
        records.sort_by(|a, b| a.started_at.cmp(&b.started_at));
        assert!(records.len() <= before + 1, "{} records of one cell", records.len() - before);
        if records.len() > before { records.pop() } else { None }
    }

    /// Asserts that each line of each file of records is JSON as a whole, its end included, and a record.
    fn assert_whole(&self) {
        let files = fs::read_dir(self.bench.folder.path().join(".querydyno/records"));
        for file in files.into_iter().flatten().flatten() {
            let text = fs::read_to_string(file.path()).unwrap();
            assert!(text.is_empty() || text.ends_with('\n'), "half a line: {text}");
            assert!(text.lines().all(|line| serde_json::from_str::<serde_json::Value>(line).is_ok()), "{text}");
        }
        self.bench.records();
    }

    /// Asserts that no engine goes on, within a time that any kill takes.
    fn assert_no_engine(&self) {
        wait_for("the engine to be gone", || processes_with(&self.bench.mark).is_empty());
    }

    /// Asserts that there is no engine, no half record and no temporary file.
    fn assert_clean(&self) {
        self.assert_no_engine();
        self.bench.assert_clean();
        self.assert_whole();
        let left = temporary(self.bench.folder.path());
        assert!(left.is_empty(), "temporary files left: {left:?}");
    }

    /// Asserts that an ordinary run measures, and leaves nothing of those before it either.
    fn assert_goes_on(&mut self) {
        let _ = fs::remove_file(self.stage());
        let before = self.bench.records().len();
        let output = self.bench.run();
        assert_eq!(output.status.code(), Some(0), "{}", text(&output));
        assert_eq!(self.newest(before).unwrap().outcome.word(), "measured", "{}", text(&output));
        self.assert_clean();
    }
}

/// Files and folders below `folder` that are half made: whatever lies in `tmp`, and what the host names so.
fn temporary(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap().flatten() {
            let path = entry.path();
            let half_made = path.extension().is_some_and(|end| end == "part" || end == "tmp");
            if half_made || folder.file_name() == Some(OsStr::new("tmp")) {
                found.push(path);
            } else if path.is_dir() {
                folders.push(path);
            }
        }
    }
    found
}

#[test_matrix(
    [Host::Criterion, Host::Counted],
    [
        "start", "open", "load", "prepare", "verify", "answer", "warm-up", "sample", "last-answer", "phases", "close",
    ]
)]
fn run_leaves_nothing_behind_at(host: Host, stage: &str) {
    let mut case = Case::new(host);
    // Its samples stand: what comes then is extra.
    let measured = stage == "phases";
    case.stop_at(stage, "crash");
    let output = case.bench.run();
    assert_eq!(output.status.code(), Some(i32::from(!measured)), "{}", text(&output));
    assert!(case.reached().exists(), "{}", text(&output));
    let record = case.newest(0).unwrap();
    if !measured {
        assert!(record.is_failed() && record.samples_ns().is_empty(), "{record:?}");
        assert!(record.reason().unwrap().contains("signal 6"));
        let runs_before = record.outcome.unmeasured().unwrap().runs_before;
        match stage {
            "warm-up" | "sample" => assert!(runs_before.is_some(), "{record:?}"),
            "last-answer" | "close" => assert!(runs_before.is_some_and(|runs| runs > 0), "{record:?}"),
            _ => assert_eq!(runs_before, None),
        }
    }
    case.assert_clean();

    assert_eq!(case.signalled(stage, "hang", "INT").code(), Some(130));
    let record = case.newest(1).unwrap();
    assert_eq!(record.is_measured(), measured);
    assert!(measured || record.reason().unwrap().starts_with("interrupted"), "{record:?}");
    case.assert_clean();

    case.signalled(stage, "wait", "KILL");
    case.assert_no_engine();
    assert!(case.newest(2).is_none());
    case.assert_goes_on();
}

/// The engine has just ended, so that the host is about to write its record, or has.
#[test_matrix([Host::Criterion, Host::Counted])]
fn run_leaves_nothing_behind_after_its_engine(host: Host) {
    let mut case = Case::new(host);
    for signal in ["INT", "KILL", "INT", "KILL"] {
        case.signalled("close", "end", signal);
    }
    case.assert_goes_on();
}

#[test]
fn data_half_made_goes_with_an_interrupt_and_by_the_next_run_after_a_kill() {
    let mut case = Case::new(Host::Criterion);
    let data = case.bench.folder.path().join("data");
    case.bench = case.bench.env("QUERYDYNO_DATA", &data.display().to_string()).env("QUERYDYNO_SCALE", "0.02");
    for (signal, code) in [("INT", Some(130)), ("KILL", None)] {
        let mut host = case.bench.spawn();
        wait_for("data in the making", || {
            data.exists() && temporary(&data).iter().any(|path| path.is_dir()) && host.try_wait().unwrap().is_none()
        });
        send(signal, &host);
        assert_eq!(host.wait().unwrap().code(), code);
        assert_eq!(temporary(&data).is_empty(), signal == "INT");
    }
    case.assert_goes_on();
}

/// What sees a run may panic, in whichever stage it is told of.
#[test_matrix(["Planned", "Started", "Verifying", "Answered", "WarmingUp", "Iteration", "Ended", "Judged"])]
fn run_unwinds_from_a_panic_at(event: &str) {
    let mut case = Case::of(child_command(event));
    let output = case.bench.run();
    assert!(!output.status.success() && text(&output).contains(&panic_at(event)), "{}", text(&output));
    case.assert_clean();
    case.bench = case.bench.env(CHILD, "");
    case.assert_goes_on();
}

/// Criterion panics where a baseline is gone that was there at the start, while the engine waits for its first sample.
#[test]
fn run_unwinds_from_a_panic_of_criterion() {
    let mut case = Case::new(Host::Criterion);
    case.assert_goes_on();
    case.bench = case.bench.args(&["--baseline", "base"]);
    case.stop_at("answer", "pause");
    let host = case.bench.spawn();
    wait_for("the answer", || case.reached().exists());
    fs::remove_dir_all(case.bench.criterion().join("scripted_q6_sf0.001/parquet/base")).unwrap();
    fs::remove_file(case.reached()).unwrap();
    let output: Output = host.wait_with_output().unwrap();
    assert!(output.status.code() == Some(101) && text(&output).contains("must exist"), "{}", text(&output));
    case.assert_clean();
}

/// Not a test of its own: the host of the counted runs above, as `cargo xtask bench` is one.
#[test]
fn child() {
    let Some(panics_at) = std::env::var_os(CHILD) else { return };
    interrupt::install().unwrap();
    let observer = move |event: &bench::Event<'_>| {
        let name = format!("{event:?}");
        let name = name.split([' ', '{']).next().unwrap();
        assert!(OsStr::new(name) != panics_at, "{}", panic_at(name));
    };
    let records = bench::Bench::new().filter("scripted/q6").observer(observer).run();
    exit(match records {
        _ if interrupt::requested() => interrupt::EXIT_CODE.into(),
        Ok(records) => records.iter().any(Record::is_bad).into(),
        Err(error) => {
            eprintln!("{error:#}");
            2
        }
    });
}

/// The command for [`child`], whose observer panics at the event of this name; none has none.
fn child_command(panics_at: &str) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "child", "--nocapture"]).env(CHILD, panics_at);
    command
}

fn panic_at(event: &str) -> String {
    format!("a panic at {event}")
}

fn send(signal: &str, host: &Child) {
    // One that has ended by itself is none to assert anything of.
    let _ = Command::new("kill").args([format!("-{signal}"), host.id().to_string()]).status();
}

fn wait_for(what: &str, mut done: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_mins(1);
    while !done() {
        assert!(Instant::now() < deadline, "waited a minute for {what}");
        sleep(Duration::from_millis(1));
    }
}
