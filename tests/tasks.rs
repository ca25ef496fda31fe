//! Tasks of several steps: the time of each, resets that count for nothing, and engines that run single queries only.
#![cfg(feature = "harness")]

mod common;

use std::fs;
use std::time::Duration;

use common::{faulty, program, query, session};
use querydyno::host::session::{FailureKind, Limits, Program, Session};
use querydyno::protocol::answer::Shown;
use querydyno::protocol::engine::EngineSettings;
use querydyno::protocol::observe::Observe;
use querydyno::protocol::task::{Step, Task, Work};
use tempfile::TempDir;

/// Two steps that sleep for 20 and 50 ms, and a reset that the engine takes 200 ms for.
fn pipeline() -> Task {
    let step = |name: &str, sleep: &str| Step { name: name.to_owned(), work: Work::Plan(sleep.to_owned()) };
    Task {
        reset: vec!["TRUNCATE target".to_owned()],
        steps: vec![step("aggregate", "20"), step("write", "50")],
        sink: Some("nowhere".to_owned()),
        ..Task::select("pods", "pods-daily", "")
    }
}

/// Steps take at least their sleep; resets come before each run and are in no duration.
fn assert_runs_in_steps(mut session: Session) {
    session.prepare(&pipeline()).unwrap();
    let runs = session.run(3).unwrap();
    let steps: Vec<&str> = runs.spans.iter().map(|span| span.step.as_str()).collect();
    assert_eq!(steps, ["aggregate", "write"]);
    for (span, least) in runs.spans.iter().zip([20_000_000, 50_000_000]) {
        assert_eq!(span.durations_ns.len(), 3);
        assert!(span.durations_ns.iter().all(|took| *took >= least), "{span:?}");
    }
    for (run, whole) in runs.durations_ns.iter().enumerate() {
        let steps: u64 = runs.spans.iter().map(|span| span.durations_ns[run]).sum();
        // A reset takes 200 ms.
        assert!(*whole >= steps && *whole - steps < 200_000_000, "{runs:?}");
    }
    session.observe(Observe::Phases).unwrap();
    let Shown::Rows(answer) = session.answer().unwrap() else { panic!("one row has no sums") };
    assert_eq!(answer.rows, [[Some("4".to_owned())]], "as many resets as runs");
    session.close().unwrap();
}

#[test]
fn session_takes_the_time_of_steps_and_none_of_resets() {
    let (session, _scratch) = session(&faulty("pipeline"));
    assert_runs_in_steps(session);
}

#[test]
fn python_module_takes_the_time_of_steps_and_none_of_resets() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("pipeline.py");
    let script = r#"
import time
from querydyno import Engine, answer, serve

class Pipeline(Engine):
    version = "1"

    def __init__(self, settings):
        self.resets = 0

    def load(self, tables):
        pass

    def take(self, task):
        return [(step["name"], int(step["plan"]) / 1000) for step in task["steps"]]

    def reset(self, steps):
        time.sleep(0.2)
        self.resets += 1

    def run(self, steps):
        for name, seconds in steps:
            with self.step(name):
                time.sleep(seconds)
        return [(self.resets,)]

    def answer(self, rows):
        return answer([("resets", "int")], rows)

serve("pipeline", Pipeline)
"#;
    fs::write(&file, script).unwrap();
    let module = querydyno::host::paths::root().join("src/engine/python/module").display().to_string();
    let python = Program {
        path: "python3".into(),
        args: vec!["-B".to_owned(), file.display().to_string()],
        env: [("PYTHONPATH".to_owned(), module)].into(),
        ..Program::default()
    };
    let (session, _scratch) = session(&python);
    assert_runs_in_steps(session);
}

#[test]
fn prepare_of_a_pipeline_is_unsupported_by_an_engine_of_queries() {
    let (mut session, _scratch) = session(&program("arrow"));
    let failure = session.prepare(&pipeline()).unwrap_err();
    let FailureKind::Unsupported { reason } = &failure.kind else { panic!("{failure}") };
    assert!(reason.contains("pods-daily is no single query"), "{reason}");
}

#[test]
fn older_protocol_is_spoken_with_a_program_of_an_older_revision() {
    let folder = TempDir::new().unwrap();
    let script = r#"
echo '{"did":"hello","protocol":1,"engine":"old"}'
while read -r line; do case "$line" in
*'"task"'*) echo '{"did":"fail","message":"TypeError: unexpected task"}';;
*'"do":"open"'*) echo '{"did":"open","info":{"version":"1"}}';;
*'"query":{"workload":"tpch","name":"q6","sql":"select 6"}'*) echo '{"did":"prepare"}';;
*'"do":"run"'*) sleep 0.01; echo '{"did":"run","rows":1,"durations_ns":[9]}';;
*) echo '{"did":"fail","message":"not as protocol 1 has it"}';;
esac; done"#;
    let file = folder.path().join("old.sh");
    fs::write(&file, script).unwrap();
    let args = vec![file.display().to_string()];
    let old = Program { path: "/bin/sh".into(), args, may_be_older: true, ..Program::default() };
    let limits = Limits {
        timeout: Duration::from_secs(20),
        query_timeout: None,
        memory: None,
        told_memory: None,
        threads: 1,
        first_processor: None,
    };
    let mut session = Session::spawn(&old, limits, folder.path()).unwrap();
    let settings = r#"{"threads":1,"memory_limit_bytes":null,"scratch":"/"}"#;
    session.open(&serde_json::from_str::<EngineSettings>(settings).unwrap()).unwrap();
    session.prepare(&query("select 6")).unwrap();
    assert_eq!(session.run(1).unwrap().durations_ns, [9]);
    let refused = Session::spawn(&Program { may_be_older: false, ..old }, limits, folder.path()).unwrap_err();
    assert_eq!(refused.kind, FailureKind::OtherProtocol { theirs: 1, ours: 2 });
}
