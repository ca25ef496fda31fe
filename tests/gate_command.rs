//! `cargo xtask gate` and `compare` as a workflow meets them: exit codes, files, and what an interrupt leaves.

mod common;

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use common::told::{Told, slower};
use common::{data, text, xtask};
use querydyno::host::gate::GateOutcome;
use tempfile::TempDir;
use test_case::test_case;

/// The command in a folder of its own, between a program `base` and a program `head`.
struct Case {
    folder: TempDir,
    xtask: &'static Path,
}

impl Case {
    /// `None` without the command.
    fn new(base: Told, head: Told) -> Option<Self> {
        let xtask = xtask("gate")?;
        let folder = tempfile::tempdir().unwrap();
        let engine = |name: &str, told: Told| {
            let program = told.write(&folder.path().join(name));
            format!("[engine.{name}]\nprogram = '{}'\n", program.display())
        };
        let config = format!("data = '{}'\n{}{}", data().display(), engine("base", base), engine("head", head));
        fs::write(folder.path().join("querydyno.toml"), config).unwrap();
        Some(Self { folder, xtask })
    }

    fn spawn(&self, args: &[&str]) -> Child {
        let folder = self.folder.path();
        let mut command = Command::new(self.xtask);
        command
            .args(args)
            .current_dir(folder)
            .env("CARGO_TARGET_DIR", folder.join("target"))
            .env("QUERYDYNO_HOME", folder.join(".querydyno"))
            .env("QUERYDYNO_CONFIG", folder.join("querydyno.toml"))
            .env("QUERYDYNO_SCALE", "0.001")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command.spawn().unwrap()
    }

    fn run(&self, args: &[&str]) -> Output {
        self.spawn(args).wait_with_output().unwrap()
    }

    /// The lines of launches that are kept so far.
    fn launches(&self) -> usize {
        let files = fs::read_dir(self.folder.path().join(".querydyno/gate")).into_iter().flatten().flatten();
        let journals = files.filter(|file| file.file_name().to_string_lossy().starts_with("launches-"));
        journals.map(|file| fs::read_to_string(file.path()).unwrap_or_default().lines().count()).sum()
    }
}

const PROGRAMS: [&str; 4] = ["--base-program", "base", "--head-program", "head"];

fn between<'a>(args: &[&'a str]) -> Vec<&'a str> {
    [&["gate", "head/q6"], &PROGRAMS[..], args].concat()
}

#[test_case(&["gate"], "--base")]
#[test_case(&["gate", "--base", "nowhere"], "no revision 'nowhere'")]
#[test_case(&["gate", "--base", "HEAD", "--budget", "soon"], "--budget")]
#[test_case(&["gate", "--base", "HEAD", "--head-program", "head"], "--head-program")]
#[test_case(&["gate", "head/q99", "--base-program", "base", "--head-program", "head"], "no cell matches")]
#[test_case(&["gate", "--base", "HEAD", "--confirm", "nothing.json"], "nothing.json")]
#[test_case(&["gate", "--base", "HEAD", "--json", "."], "does not end in .json")]
#[test_case(&["gate", "--base", "HEAD", "--json", "-", "--markdown", "-"], "each its own")]
#[test_case(&["compare", "HEAD"], "<HEAD>")]
fn usage_errors_end_with_2_and_name_what_is_wrong(args: &[&str], names: &str) {
    let Some(case) = Case::new(Told::default(), Told::default()) else { return };
    let output = case.run(args);
    assert_eq!(output.status.code(), Some(2), "{}", text(&output));
    assert!(text(&output).contains(names), "{}", text(&output));
}

/// Other tests run at the same time and may move a control, so that a slower head is no sure 1: the code is what the JSON says.
#[test_case(1000)]
#[test_case(1100)]
fn the_code_is_the_conclusion_that_the_files_tell(ns: u32) {
    let Some(case) = Case::new(slower(1000), slower(ns.into())) else { return };
    let output = case.run(&between(&["--json", "gate.json", "--markdown", "gate.md"]));
    let read = |name| fs::read_to_string(case.folder.path().join(name)).unwrap();
    let outcome: GateOutcome = serde_json::from_str(&read("gate.json")).unwrap();
    assert_eq!(output.status.code(), Some(outcome.conclusion.exit_code().into()), "{}", text(&output));
    assert!((outcome.rows[0].metrics[0].reading.unwrap().head - f64::from(ns)).abs() < 1e-9);
    assert!(read("gate.md").starts_with("<!--") && read("gate.md").contains("head/q6"), "{}", read("gate.md"));
}

#[test]
fn an_interrupt_ends_with_3_and_the_same_command_goes_on() {
    // Long enough to be interrupted.
    let long =
        Told { instead: r#"sleep 0.05; echo '{"did":"run","rows":1,"durations_ns":[1000]}'"#, ..Told::default() };
    let Some(case) = Case::new(long, long) else { return };
    let mut gate = case.spawn(&between(&["--json", "gate.json"]));
    let patience = Instant::now() + Duration::from_mins(2);
    while case.launches() < 4 {
        assert!(Instant::now() < patience && gate.try_wait().unwrap().is_none(), "no pairs");
        thread::sleep(Duration::from_millis(20));
    }
    let killed = Command::new("kill").args(["-INT", &gate.id().to_string()]).status().unwrap();
    assert!(killed.success());
    let output = gate.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(3), "{}", text(&output));
    assert!(text(&output).contains("the same command goes on from there"), "{}", text(&output));
    let again = case.run(&between(&["--json", "gate.json"]));
    assert!(text(&again).contains("going on with a gate that did not end"), "{}", text(&again));
}
