//! Plans kept: told by engines after their samples, the same on every run, and what becomes of one shown wherever two results are compared.
//! What is taken out of a plan's text is tested where it is done, in `src/host/record/plan/names.rs`.

mod common;

use std::fs;

use common::history::History;
use common::told::{Told, answering};
use common::{Bench, data, entry, faulty, query, session, text};
use querydyno::host::checkout::Checkout;
use querydyno::host::gate::{Comparison, Gate, GateOutcome, page};
use querydyno::host::paths::root;
use querydyno::host::record::{PlanRecord, Record};
use querydyno::host::report::{Found, Gathered, Known, Report, html, json, markdown, show, terminal};
use querydyno::host::session::Program;
use querydyno::host::settings::{OwnEngine, Settings};
use querydyno::protocol::answer::{Answer, Column, Kind};
use tempfile::TempDir;
use test_case::test_case;

/// Samples as cheap as they can be.
const CHEAP: [&str; 6] = ["--measurement-time", "0.01", "--warm-up-time", "0.01", "--noplot", "--nresamples=1001"];

/// A run of q6 on this engine of `querydyno.toml`, and what it printed.
fn measured(engine: &str, config: &str) -> (Bench, String) {
    let filter = format!("^{engine}/q6/");
    let mut bench = Bench::new(config).args(&[filter.as_str()]).args(&CHEAP).env("QUERYDYNO_TIMEOUT", "20");
    let output = bench.run();
    bench.assert_clean();
    (bench, text(&output))
}

/// An entry of a script engine whose plan names files, a folder of its own and an address.
fn script(folder: &TempDir) -> String {
    let code = r#"
from querydyno import Engine, answer, serve

class Telling(Engine):
    def __init__(self, settings):
        self.version, self.scratch = "1", settings["scratch"]

    def load(self, tables):
        self.files = tables["lineitem"]

    def run(self, sql):
        return [(7,)]

    def plan(self, sql):
        return f"SORT\n  SCAN {self.files[0]}:0..99  \n  SPILL {self.scratch}/a/spill by {object.__repr__(self)}\n"

    def answer(self, rows):
        return answer([("revenue", "int")], rows)

serve("telling", Telling)
"#;
    let file = folder.path().join("telling.py");
    fs::write(&file, code).unwrap();
    format!("[engine.telling]\nscript = '{}'\n", file.display())
}

#[test]
fn plan_of_a_script_engine_is_kept_and_the_same_on_two_runs() {
    let folder = TempDir::new().unwrap();
    let mut plans = Vec::new();
    for _ in 0..2 {
        let (bench, shown) = measured("telling", &script(&folder));
        let record = bench.record("telling");
        assert!(record.is_measured(), "{shown}");
        plans.push(record.plan.clone().unwrap_or_else(|| panic!("no plan: {shown}")));
        let story = show::render(&Found { record_id: "20261127T120000Z-1:1".to_owned(), record });
        assert!(story.contains("\n  SORT\n    SCAN lineitem\n"), "{story}");
    }
    assert_eq!(plans[0], plans[1]);
    assert_eq!(plans[0].text, "SORT\n  SCAN lineitem\n  SPILL spill by <__main__.Telling object at #1>");
    assert!(!plans[0].text.contains(&data().display().to_string()));
}

/// What a program does when it is asked for its plan: its samples stand, whatever that is.
#[test_case("plan", Some("SORT\n  SCAN at #1"), ""; "told")]
#[test_case("none", None, ""; "none to tell")]
#[test_case("plan-error", None, "its plan is unknown: the engine's own error"; "error")]
#[test_case("plan-unsupported", None, "its plan is unknown"; "unsupported")]
#[test_case("plan-crash", None, "its plan is unknown"; "crash")]
fn plan_that_fails_costs_nothing_but_the_plan(fault: &str, plan: Option<&str>, note: &str) {
    let (bench, shown) = measured("faulty", &entry("faulty", &faulty(fault)));
    let record = bench.record("faulty");
    assert!(record.is_measured() && record.samples_ns().len() >= 10, "{shown}");
    assert_eq!(record.plan.as_ref().map(|plan| plan.text.as_str()), plan, "{shown}");
    assert_eq!(shown.contains("its plan is unknown"), !note.is_empty(), "{shown}");
    assert!(shown.contains(note), "{shown}");
}

#[test]
fn plan_is_not_asked_of_a_program_that_does_not_know_the_request() {
    let folder = TempDir::new().unwrap();
    let column = Column { name: "revenue".to_owned(), kind: Kind::Int };
    let answer = Answer { columns: vec![column], rows: vec![vec![Some("7".to_owned())]] };
    let older = Program { path: answering(&folder.path().join("older"), &answer), ..Program::default() };
    let (bench, shown) = measured("older", &entry("older", &older));
    let record = bench.record("older");
    assert!(record.is_measured() && record.plan.is_none(), "{shown}");
    assert!(!shown.contains("plan is unknown"), "{shown}");
    // Without a session to wait for it: this one would end with code 9.
    let strict = Program { path: Told::default().write(&folder.path().join("strict")), ..Program::default() };
    let (mut session, _scratch) = session(&strict);
    session.prepare(&query("select 7")).unwrap();
    assert_eq!(session.plan().unwrap(), None);
    session.run(1).unwrap();
}

#[test]
fn plan_can_be_asked_more_than_once_and_runs_go_on_after_it() {
    let (mut session, _scratch) = session(&faulty("plan"));
    session.prepare(&query("7")).unwrap();
    let first = session.plan().unwrap();
    assert!(first.as_ref().is_some_and(|plan| plan.starts_with("SORT")));
    assert_eq!(session.run(2).unwrap().rows, 1);
    assert_eq!(session.plan().unwrap(), first);
}

fn recorded() -> Record {
    let text = fs::read_to_string(root().join("tests/records/measured.json")).unwrap();
    serde_json::from_str(&text).unwrap()
}

fn with_plan(text: &str) -> Record {
    let sha256 = format!("{:064x}", text.len());
    Record { plan: Some(PlanRecord { sha256, text: text.to_owned() }), ..recorded() }
}

#[test]
fn record_is_read_as_it_was_written_with_a_plan_and_without() {
    for record in [recorded(), with_plan("SORT\n  SCAN \"lineitem\"")] {
        let line = serde_json::to_string(&record).unwrap();
        assert_eq!(line.contains("\"plan\""), record.plan.is_some());
        assert_eq!(serde_json::from_str::<Record>(&line).unwrap(), record);
    }
    // Neither is another series.
    assert_eq!(with_plan("SORT").series(), recorded().series());
}

fn gathered(record: Record) -> Gathered {
    let record_id = "20261127T120000Z-1:1".to_owned();
    Gathered { found: vec![Found { record_id, record }], ..Gathered::default() }
}

#[test]
fn report_against_a_baseline_shows_what_became_of_a_plan() {
    let known = Known::read(&Settings::read().unwrap()).unwrap();
    let pages = |base: Record, head: Record| {
        let (base, head) = (gathered(base), gathered(head));
        let report = Report::new(&head, &known, &[]).against(("main", &base), ("the newest", &head));
        let document = report.document(false).unwrap();
        [
            terminal::render(&document, false),
            markdown::render(&document, None),
            html::render(&document),
            json::render(&report).unwrap(),
        ]
    };
    let [terminal, markdown, html, json] =
        pages(with_plan("SORT\n  SCAN lineitem"), with_plan("TOP_N 10\n  SCAN lineitem"));
    assert!(
        terminal.contains("plan changed") && terminal.contains("\n- SORT\n+ TOP_N 10\n    SCAN lineitem\n"),
        "{terminal}"
    );
    assert!(markdown.contains("~~~~diff\n- SORT\n+ TOP_N 10\n    SCAN lineitem\n~~~~"), "{markdown}");
    assert!(html.contains("<pre>- SORT\n+ TOP_N 10"), "{html}");
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["changes"]["cells"][0]["plan"]["difference"][1], "+ TOP_N 10");
    for (base, head) in [(with_plan("SORT"), with_plan("SORT")), (recorded(), with_plan("SORT"))] {
        assert!(pages(base, head)[..3].iter().all(|page| !page.contains("plan changed") && !page.contains("SORT")));
    }
}

/// The outcome of a comparison of two programs, and its page.
fn compared(base: &'static str, head: &'static str) -> (GateOutcome, String) {
    let folder = TempDir::new().unwrap();
    let program = |name: &str, plan| Told { plan, ..Told::default() }.write(&folder.path().join(name));
    let mut settings = Settings::read().unwrap();
    settings.home = folder.path().join(".querydyno");
    settings.target = folder.path().join("target");
    settings.data = data();
    settings.scales = vec!["0.001".parse().unwrap()];
    let mine = OwnEngine { program: Some(program("mine", "")), ..OwnEngine::default() };
    settings.engines.insert("mine".to_owned(), mine);
    let [base, head] = [("base", base), ("head", head)].map(|(name, plan)| program(name, plan).display().to_string());
    let gate = Gate {
        comparison: Comparison::Programs { base, head },
        filter: Some("mine/q6".to_owned()),
        budget: None,
        fresh: false,
        instructions: false,
        confirm: None,
        only_compare: Some(6),
    };
    let outcome = gate.run(&Checkout::here(), &settings).unwrap();
    let page = terminal::render(&page::document(&outcome, false), false);
    (outcome, page)
}

#[test]
fn compare_tells_of_a_plan_that_changed_between_two_programs() {
    let (outcome, page) = compared("SORT\\n  SCAN", "TOP_N\\n  SCAN");
    assert!(outcome.is_whole(), "{outcome:?}");
    assert_eq!(outcome.rows[0].plan.as_ref().unwrap().difference, ["- SORT", "+ TOP_N", "    SCAN"]);
    assert!(page.contains("plan changed") && page.contains("\n- SORT\n+ TOP_N\n"), "{page}");
    // A base that is older than the request is measured, and nothing is said of its plan.
    for (base, head) in [("", "SORT"), ("SORT", "SORT")] {
        let (outcome, page) = compared(base, head);
        assert!(outcome.is_whole() && outcome.rows[0].plan.is_none(), "{outcome:?}");
        assert!(!page.contains("plan changed"), "{page}");
    }
}

#[test]
fn history_keeps_each_plan_once_and_tells_when_one_changes() {
    let Some(history) = History::empty() else { return };
    let plans = ["SORT\n  SCAN", "SORT\n  SCAN", "", "TOP_N\n  SCAN"];
    let lines = plans.iter().zip(1..).map(|(plan, second)| {
        let record = if plan.is_empty() { recorded() } else { with_plan(plan) };
        let at = format!("2026-11-20T12:00:0{second}.000Z");
        serde_json::to_string(&Record { started_at: at, ..record }).unwrap() + "\n"
    });
    history.add("20261120T120000Z-1", &lines.collect::<String>());
    assert_eq!((history.count("results"), history.count("plans")), (4, 2));
    assert_eq!(history.csv("SELECT count(*) FROM results JOIN plans USING (plan)"), [["3"]]);
    let changes = history.csv("SELECT record_before, record, cell FROM plan_changes");
    assert_eq!(changes, [["20261120T120000Z-1:2", "20261120T120000Z-1:4", "duckdb/q6/sf0.1/parquet"]]);
    let shown = history.ok(&["show", "20261120T120000Z-1:4"]);
    assert!(shown.contains("\n  TOP_N\n    SCAN\n"), "{shown}");
    assert!(shown.contains("plan changed since 20261120T120000Z-1:2\n  - SORT\n  + TOP_N\n      SCAN\n"), "{shown}");
    let shown = history.ok(&["show", "20261120T120000Z-1:2"]);
    assert!(shown.contains("\n  SORT\n") && !shown.contains("plan changed"), "{shown}");
    assert!(!history.ok(&["show", "20261120T120000Z-1:3"]).contains("sha256 0"));
    assert!(history.ok(&["check"]).contains("the history is whole"));
}
