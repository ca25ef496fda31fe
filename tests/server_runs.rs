//! Runs that the API starts: a real one to its end, one that never ends by itself, and what is refused. Needs the programs of the history and
//! of the server, and xtask, which the server calls (`cargo xtask build history server`).

mod common;

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::thread::{self, JoinHandle, sleep};
use std::time::{Duration, Instant};

use common::history::History;
use common::server::Server;
use common::{data, entry, faulty, processes_with, program, slow};
use querydyno::host::paths;
use serde_json::{Value, json};

/// A server that may start runs of `null` and of an engine that never answers.
struct Lab {
    history: History,
    server: Server,
    mark: String,
}

impl Lab {
    fn new() -> Option<Self> {
        let is_built = paths::target().join("release/xtask").is_file();
        if !is_built && !slow::wanted("tests of runs that the server starts, whose xtask is not built") {
            return None;
        }
        program("null");
        let history = History::empty()?;
        let config = history.folder.path().join("querydyno.toml");
        fs::write(&config, format!("data = '{}'\n{}", data().display(), entry("stuck", &faulty("hang")))).unwrap();
        let mark = history.folder.path().display().to_string();
        let env =
            [("QUERYDYNO_CONFIG", config.to_str().unwrap()), ("QUERYDYNO_SCALE", "0.01"), ("TEST_MARK", mark.as_str())];
        let server = Server::start(history.folder.path(), &["--allow-runs"], &env)?;
        Some(Self { history, server, mark })
    }

    fn start(&self, wanted: &Value) -> String {
        let started = self.server.post("/api/v1/runs", wanted.to_string().as_bytes());
        assert_eq!(started.status, 202, "{}", started.text());
        started.json()["run"].as_str().unwrap().to_owned()
    }

    /// Follows a run, in a thread, to its last event.
    fn follow(&self, run: &str, headers: &str) -> JoinHandle<Vec<Value>> {
        let mut stream = self.server.connect();
        let head = format!("GET /api/v1/runs/{run}/events HTTP/1.1\r\nHost: {}\r\n{headers}\r\n", self.server.address);
        stream.write_all(head.as_bytes()).unwrap();
        thread::spawn(move || {
            let mut events = Vec::new();
            for line in BufReader::new(stream).lines() {
                let Some(data) = line.unwrap().strip_prefix("data: ").map(str::to_owned) else { continue };
                events.push(serde_json::from_str::<Value>(&data).unwrap());
                if events.last().unwrap()["event"] == "ended" {
                    break;
                }
            }
            events
        })
    }

    /// Waits until the engine that never answers is at work.
    fn until_stuck(&self) {
        let began = Instant::now();
        while !processes_with(&self.mark).iter().any(|process| process.contains("faulty-engine")) {
            assert!(began.elapsed() < Duration::from_mins(2), "no engine: {:?}", processes_with(&self.mark));
            sleep(Duration::from_millis(50));
        }
    }

    /// Waits until nothing is left of its runs but, where it is still there, the server.
    fn until_gone(&self, servers: usize) {
        let began = Instant::now();
        while processes_with(&self.mark).len() > servers {
            assert!(began.elapsed() < Duration::from_secs(10), "left: {:?}", processes_with(&self.mark));
            sleep(Duration::from_millis(50));
        }
    }
}

fn said(events: &[Value]) -> String {
    events.iter().filter_map(|event| event["text"].as_str()).collect::<Vec<_>>().join("\n")
}

#[test]
fn a_run_is_followed_from_its_first_line_to_its_end_and_its_results_are_there() {
    let Some(lab) = Lab::new() else { return };
    for (refused, status) in [
        (json!({"filter": ""}), 400),
        (json!({"filter": "null/q6", "runs": 0}), 400),
        (json!({"filter": "null/q6", "only": ["all"]}), 400),
        (json!({"filter": "null/q6", "shell": "true"}), 400),
        (json!({}), 400),
    ] {
        let answer = lab.server.post("/api/v1/runs", refused.to_string().as_bytes());
        assert_eq!(answer.status, status, "{refused}: {}", answer.text());
    }
    let run = lab.start(&json!({"filter": "null/q6", "runs": 2}));
    // While it goes on there is no other.
    let second = lab.server.post("/api/v1/runs", json!({"filter": "null/q1"}).to_string().as_bytes());
    assert_eq!((second.status, second.problem().as_str()), (409, "run-in-progress"));
    let page = lab.server.get(&format!("/run?run={run}"));
    assert!(page.status == 200 && page.text().contains("data-live"), "{}", page.text());
    assert!(lab.server.get("/runs").text().contains(&format!("/run?run={run}")));
    let events = lab.follow(&run, "").join().unwrap();
    assert_eq!(events.last().unwrap(), &json!({"event": "ended", "code": 0}), "{}", said(&events));
    assert!(said(&events).contains("null/q6/sf0.01/parquet: 2 runs"), "{}", said(&events));
    // Whoever comes later has all of it, and whoever was cut off what is behind.
    assert_eq!(lab.follow(&run, "").join().unwrap(), events);
    let rest = lab.follow(&run, "Last-Event-ID: 0\r\n").join().unwrap();
    assert_eq!(rest, events[1..]);
    lab.server.until(1);
    let about = lab.server.get(&format!("/api/v1/runs/{run}")).json();
    assert_eq!((&about["is_over"], &about["code"]), (&json!(true), &json!(0)));
    let page = lab.server.get(&format!("/run?run={run}")).text();
    assert!(page.contains("It is over") && page.contains("null/q6/sf0.01/parquet"), "{page}");
    // An old page is given until the new one is made.
    let deadline = Instant::now() + Duration::from_secs(20);
    while lab.server.get("/runs").text().contains("<strong>in progress<") {
        assert!(Instant::now() < deadline, "the page of runs is an old one");
        sleep(Duration::from_millis(100));
    }
    let found = lab.server.get("/api/v1/results?engine=null").json();
    assert_eq!(found["rows"][0]["cell"], "null/q6/sf0.01/parquet");
    // One that is not missing any more is left out.
    let again = lab.start(&json!({"filter": "null/q6", "only": ["missing"], "runs": 2}));
    assert_ne!(again, run);
    let events = lab.follow(&again, "").join().unwrap();
    assert_eq!(events.last().unwrap(), &json!({"event": "ended", "code": 0}), "{}", said(&events));
    assert!(said(&events).contains("nothing to do: no cell needs a run"), "{}", said(&events));
    assert_eq!(lab.server.results(), 1);
    assert_eq!(lab.server.get("/api/v1/runs/nothing").problem(), "not-found");
    assert_eq!(lab.server.get("/run?run=nothing").status, 404);
    lab.until_gone(1);
}

#[test]
fn a_run_that_never_ends_is_ended_by_delete() {
    let Some(lab) = Lab::new() else { return };
    let run = lab.start(&json!({"filter": "stuck/q6"}));
    let followed = lab.follow(&run, "");
    lab.until_stuck();
    assert!(lab.server.get(&format!("/run?run={run}")).text().contains("In progress"));
    let ended = lab.server.ask("DELETE", &format!("/api/v1/runs/{run}"), "", b"");
    assert_eq!(ended.status, 202, "{}", ended.text());
    let events = followed.join().unwrap();
    assert_eq!(events.last().unwrap(), &json!({"event": "ended", "code": 130}), "{}", said(&events));
    assert!(said(&events).contains("interrupted"), "{}", said(&events));
    lab.until_gone(1);
    // Then there may be another.
    let next = lab.start(&json!({"filter": "null/q6", "runs": 2}));
    assert_eq!(lab.follow(&next, "").join().unwrap().last().unwrap()["code"], 0);
}

#[test]
fn a_run_that_never_ends_is_ended_with_the_server_and_leaves_nothing() {
    let Some(lab) = Lab::new() else { return };
    let run = lab.start(&json!({"filter": "stuck/q6"}));
    let followed = lab.follow(&run, "");
    lab.until_stuck();
    let began = Instant::now();
    let Lab { history, server, mark } = lab;
    assert_eq!(server.end(), Some(0));
    assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
    let events = followed.join().unwrap();
    assert_eq!(events.last().unwrap(), &json!({"event": "ended", "code": 130}), "{}", said(&events));
    let left = processes_with(&mark);
    assert!(left.is_empty(), "left: {left:?}");
    // The history is whole, and nobody's.
    history.ok(&["check"]);
}
