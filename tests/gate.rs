//! The gate with real processes: what is red, what passes, what is undecided and why, and that nothing is lost. How fast
//! anything is, is no test's business: programs tell durations that this file chose.

mod common;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use common::slow;
use common::told::{Told, slower};
use querydyno::host::checkout::Checkout;
use querydyno::host::gate::{
    Comparison, Conclusion, Error, Gate, GateOutcome, Machine, Pair, Stage, Verdict, conclude, read,
};
use querydyno::host::settings::{Exception, Metric, OwnEngine, Settings};
use tempfile::TempDir;
use test_case::test_case;

/// A gate in a folder of its own.
struct Case {
    folder: TempDir,
    settings: Settings,
}

impl Case {
    /// With an engine `mine`, whose program nobody is asked for where two are given.
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut settings = Settings::read().unwrap();
        settings.home = folder.path().join(".querydyno");
        settings.target = folder.path().join("target");
        settings.data = common::data();
        settings.scales = vec!["0.001".parse().unwrap()];
        let case = Self { folder, settings };
        let program = case.program("mine", Told::default());
        let mut settings = case.settings.clone();
        settings.engines.insert("mine".to_owned(), OwnEngine { program: Some(program), ..OwnEngine::default() });
        Self { settings, ..case }
    }

    /// A program in the case's folder.
    fn program(&self, name: &str, told: Told) -> PathBuf {
        told.write(&self.folder.path().join(name))
    }

    /// A gate between two programs.
    fn between(&self, base: Told, head: Told) -> Gate {
        let path = |name, told| self.program(name, told).display().to_string();
        gate(Comparison::Programs { base: path("base", base), head: path("head", head) }, "mine/q6")
    }

    fn run(&self, gate: &Gate) -> GateOutcome {
        by_rows(gate.run(&Checkout::here(), &self.settings).unwrap())
    }

    fn journal(&self) -> PathBuf {
        let files = fs::read_dir(self.settings.home.join("gate")).unwrap().flatten().map(|file| file.path());
        let journal = |file: &PathBuf| {
            file.extension().is_some_and(|extension| extension == "jsonl") && !file.ends_with("records.jsonl")
        };
        let journals: Vec<PathBuf> = files.filter(journal).collect();
        assert_eq!(journals.len(), 1, "{journals:?}");
        journals[0].clone()
    }

    fn pairs(&self) -> Vec<Pair> {
        read(&self.journal()).unwrap()
    }
}

/// What the rows alone come to: other tests run at the same time, and may well move a control.
fn by_rows(outcome: GateOutcome) -> GateOutcome {
    let (conclusion, reasons) = conclude(&outcome.rows, &[], &Machine::default(), outcome.cut_short);
    GateOutcome { conclusion, reasons, ..outcome }
}

fn gate(comparison: Comparison, filter: &str) -> Gate {
    Gate {
        comparison,
        filter: Some(filter.to_owned()),
        budget: None,
        fresh: false,
        instructions: false,
        confirm: None,
        only_compare: None,
    }
}

#[test]
fn what_is_slower_is_red_by_new_pairs_and_criterion_has_both_sides() {
    let case = Case::new();
    let outcome = case.run(&case.between(slower(1000), slower(1100)));
    assert_eq!((outcome.conclusion, outcome.conclusion.exit_code()), (Conclusion::Regressed, 1), "{outcome:?}");
    let row = &outcome.rows[0];
    assert_eq!((row.verdict, row.metrics[0].stage), (Verdict::Regressed, Stage::Confirm));
    let reading = row.metrics[0].reading.unwrap();
    assert!((reading.ratio.estimate - 1.1).abs() < 1e-9 && reading.pairs == 30, "{reading:?}");
    assert!(outcome.reasons[0].contains("mine/q6/sf0.001/parquet: time is 1.100 times the base's"), "{outcome:?}");
    // Its memory was cleared by the screen.
    assert_eq!((row.metrics[1].verdict, row.metrics[1].stage), (Verdict::Equivalent, Stage::Screen));
    for (name, ns) in [("base", 1000.0), ("head", 1100.0)] {
        let cell = case.settings.target.join("criterion/mine_q6_sf0.001/parquet");
        let text = fs::read_to_string(cell.join(name).join("sample.json")).unwrap();
        let sample: serde_json::Value = serde_json::from_str(&text).unwrap();
        let times: Vec<f64> = serde_json::from_value(sample["times"].clone()).unwrap();
        assert!(times.len() == 40 && times.iter().all(|time| (time - ns).abs() < 1e-6), "{name}: {times:?}");
    }
    assert!(case.settings.home.join("gate/records.jsonl").is_file());
    let text = serde_json::to_string(&outcome).unwrap();
    let again: GateOutcome = serde_json::from_str(&text).unwrap();
    assert_eq!((again.conclusion, again.reasons), (outcome.conclusion, outcome.reasons));
}

#[test_case(1000)]
// Accepted.
#[test_case(1015)]
// Confirmed to be more, and not by more than is accepted.
#[test_case(1019)]
#[test_case(900)]
fn what_is_not_slower_than_accepted_passes(ns: u64) {
    let case = Case::new();
    let outcome = case.run(&case.between(slower(1000), slower(ns)));
    assert_eq!(outcome.conclusion, Conclusion::Pass, "{outcome:?}");
    assert_eq!(outcome.rows[0].metrics[0].stage, Stage::Screen);
    let expected = if ns < 1000 { Verdict::Improved } else { Verdict::Equivalent };
    assert_eq!(outcome.rows[0].verdict, expected);
    // Ten pairs of the row and of each control, and no more.
    assert_eq!(outcome.pairs, 40);
    let bases: Vec<bool> =
        case.pairs().iter().filter(|pair| pair.row.starts_with("mine")).map(|pair| pair.base_first).collect();
    assert_eq!(bases[..8], [true, false, false, true, true, false, false, true]);
}

#[test]
fn an_exception_lets_a_row_be_slower_until_its_day() {
    let mut case = Case::new();
    let exception = |max_ratio, expires: &str| Exception {
        row: "mine/q6".to_owned(),
        metric: None,
        max_ratio,
        reason: "new plan".to_owned(),
        expires: expires.to_owned(),
    };
    case.settings.gate.exceptions = vec![exception(Some(1.1), "2999-01-31")];
    let accepted = case.run(&case.between(slower(1000), slower(1100)));
    assert_eq!(accepted.conclusion, Conclusion::Pass, "{accepted:?}");
    let more = case.run(&case.between(slower(1000), slower(1200)));
    assert_eq!(more.conclusion, Conclusion::Regressed, "{more:?}");
    case.settings.gate.exceptions = vec![exception(Some(1.1), "2026-01-31")];
    let Err(Error::Usage(error)) = case.between(slower(1000), slower(1100)).run(&Checkout::here(), &case.settings)
    else {
        panic!("it ran")
    };
    assert!(error.to_string().contains("mine/q6 (new plan), on 2026-01-31"), "{error}");
}

#[test_case(Told { instead: "kill -SEGV $$", ..Told::default() }, "head: crashed with signal 11")]
#[test_case(Told { instead: "exit 3", ..Told::default() }, "head: exited with code 3")]
#[test_case(Told { instead: r#"echo '{"did":"fail","message":"no such thing"}'"#, ..Told::default() }, "no such thing")]
#[test_case(Told { instead: r#"echo '{"did":"unsupported","reason":"not mine"}'"#, ..Told::default() }, "head: unsupported: not mine")]
#[test_case(Told { instead: r#"echo '{"did":"run","rows":1,"durations_ns":[0]}'"#, ..Told::default() }, "durations_ns")]
#[test_case(Told { answer: 8, ..Told::default() }, "head: wrong answer")]
fn a_row_that_gives_no_time_that_counts_leaves_the_gate_undecided(head: Told, why: &str) {
    let case = Case::new();
    let outcome = case.run(&case.between(Told::default(), head));
    assert_eq!((outcome.conclusion, outcome.conclusion.exit_code()), (Conclusion::Undecided, 3), "{outcome:?}");
    assert_eq!(outcome.rows[0].verdict, Verdict::Invalid);
    assert!(outcome.reasons[0].contains(why), "{outcome:?}");
}

#[test]
fn a_gate_that_was_killed_goes_on_and_keeps_every_pair() {
    let case = Case::new();
    let gate = case.between(slower(1000), slower(1100));
    let whole = case.run(&gate);
    let text = fs::read_to_string(case.journal()).unwrap();
    // Killed in the middle of a line, in the second stage.
    let lines: Vec<&str> = text.lines().collect();
    let kept = lines[..80].join("\n");
    fs::write(case.journal(), format!("{kept}\n{}", &lines[80][..lines[80].len() / 2])).unwrap();
    let before = case.pairs();
    let resumed = case.run(&gate);
    assert_eq!((resumed.pairs, resumed.conclusion), (whole.pairs, Conclusion::Regressed));
    assert_eq!(case.pairs()[..before.len()], before);
    // One that ended begins anew, and so does one of other programs.
    assert_eq!(case.run(&gate).pairs, whole.pairs);
    assert_ne!(case.pairs()[..before.len()], before);
}

#[test]
fn gate_is_undecided_when_data_changed_between_launches() {
    let case = Case::new();
    let gate = case.between(slower(1000), slower(1000));
    case.run(&gate);
    let text = fs::read_to_string(case.journal()).unwrap();
    let sum = case.pairs().iter().find_map(|pair| pair.base.dataset_sha256.clone()).unwrap();
    let unfinished: Vec<&str> = text.lines().filter(|line| !line.contains("ended")).collect();
    fs::write(case.journal(), unfinished.join("\n").replacen(&sum, &"0".repeat(64), 1) + "\n").unwrap();
    let outcome = case.run(&gate);
    assert_eq!(outcome.conclusion, Conclusion::Undecided);
    assert!(outcome.reasons.iter().any(|why| why.contains("checksums are mixed")), "{outcome:?}");
}

#[test]
fn a_budget_that_is_over_says_so() {
    let case = Case::new();
    let gate = Gate { budget: Some(Duration::from_millis(1)), ..case.between(slower(1000), slower(1100)) };
    let outcome = case.run(&gate);
    assert_eq!(outcome.conclusion.exit_code(), 3, "{outcome:?}");
    assert!(outcome.reasons.iter().any(|why| why.contains("--budget")), "{outcome:?}");
}

#[test]
fn what_was_counted_on_the_first_machine_stands_on_the_second() {
    let case = Case::new();
    let gate = case.between(slower(1000), slower(1100));
    let mut first = case.run(&gate);
    first.rows[0].metrics.truncate(1);
    first.rows[0].metrics[0].metric = Metric::Instructions;
    let second = case.run(&Gate { confirm: Some(first), ..gate });
    assert_eq!((second.conclusion, second.pairs), (Conclusion::Regressed, 0), "{second:?}");
}

#[test]
fn a_second_machine_decides_on_what_was_slower_on_the_first_alone() {
    if !slow::wanted("a gate that a second machine confirms, 40 s of pairs") {
        return;
    }
    let case = Case::new();
    let first = case.run(&case.between(slower(1000), slower(1100)));
    let file = case.folder.path().join("gate.json");
    fs::write(&file, serde_json::to_string(&first).unwrap()).unwrap();
    let confirm = querydyno::host::gate::to_confirm(&file).unwrap();
    let again = |head| {
        let gate = case.between(slower(1000), slower(head));
        let Comparison::Programs { base, head } = gate.comparison else { unreachable!() };
        // More rows than were slower.
        case.run(&Gate {
            confirm: Some(confirm.clone()),
            ..self::gate(Comparison::Programs { base, head }, "^mine/q(14|6)/")
        })
    };
    let red = again(1100);
    assert_eq!((red.conclusion, red.rows.len()), (Conclusion::Regressed, 1), "{red:?}");
    assert_eq!(again(1000).conclusion, Conclusion::Pass);
    // Both sides are the same here, so they are not what the first machine had.
    let program = case.program("base", slower(1000)).display().to_string();
    let same = Gate {
        confirm: Some(confirm.clone()),
        ..gate(Comparison::Programs { base: program.clone(), head: program }, "mine/q6")
    };
    let Err(Error::Undecided(error)) = same.run(&Checkout::here(), &case.settings) else { panic!("it ran") };
    assert!(error.to_string().contains("not here to be confirmed"), "{error}");
    let passed = case.run(&case.between(slower(1000), slower(1000)));
    fs::write(&file, serde_json::to_string(&passed).unwrap()).unwrap();
    assert!(querydyno::host::gate::to_confirm(&file).unwrap_err().to_string().contains("nothing to confirm"));
}

/// A repository with our fixtures and a package that builds `querydyno-null` out of `main.rs`.
fn repository(case: &Case) -> Checkout {
    let root = case.folder.path().join("repository");
    let fixtures = querydyno::host::paths::root().join("fixtures");
    fs::create_dir_all(root.join("fixtures/tpch")).unwrap();
    let copy = |from: &Path, to: &str| {
        assert!(Command::new("cp").arg("-r").arg(from).arg(root.join(to)).status().unwrap().success());
    };
    copy(&fixtures.join("engines.toml"), "fixtures/engines.toml");
    copy(&fixtures.join("tpch/suite.toml"), "fixtures/tpch/suite.toml");
    copy(&fixtures.join("tpch/queries"), "fixtures/tpch/queries");
    let manifest = "[package]\nname = 'querydyno'\nversion = '0.0.0'\nedition = '2024'\n[features]\nnull = []\n[[bin]]\nname = 'querydyno-null'\npath = 'main.rs'\n[workspace]\n";
    fs::write(root.join("Cargo.toml"), manifest).unwrap();
    fs::write(root.join("main.rs"), "fn main() {}\n").unwrap();
    let checkout = Checkout { target: root.join("target"), root };
    fs::write(
        checkout.root.join("Cargo.lock"),
        "version = 4\n[[package]]\nname = \"querydyno\"\nversion = \"0.0.0\"\n",
    )
    .unwrap();
    git(&checkout, &["init", "--quiet"]);
    fs::write(checkout.root.join(".gitignore"), "/target\n").unwrap();
    commit(&checkout);
    checkout
}

fn git(checkout: &Checkout, args: &[&str]) {
    let name = ["-c", "user.name=test", "-c", "user.email=test@example.org", "-c", "commit.gpgsign=false"];
    let status = Command::new("git").arg("-C").arg(&checkout.root).args(name).args(args).status().unwrap();
    assert!(status.success(), "git {args:?}");
}

fn commit(checkout: &Checkout) {
    git(checkout, &["add", "--all"]);
    git(checkout, &["commit", "--quiet", "--message", "base"]);
}

fn against_head(filter: &str) -> Gate {
    gate(Comparison::Revisions { base: "HEAD".to_owned(), head: None }, filter)
}

#[test_case("removed", "name = \"q14\"", "name = \"q14b\"")]
#[test_case("present", "", "")]
#[test_case("renamed", "", "")]
fn a_row_that_the_head_no_longer_has_is_missed(what: &str, from: &str, to: &str) {
    let mut case = Case::new();
    let checkout = repository(&case);
    let suite = checkout.root.join("fixtures/tpch/suite.toml");
    if !from.is_empty() {
        let text = fs::read_to_string(&suite).unwrap();
        assert!(text.contains(from), "{text}");
        fs::write(&suite, text.replacen(from, to, 1)).unwrap();
        fs::rename(
            checkout.root.join("fixtures/tpch/queries/q14.sql"),
            checkout.root.join("fixtures/tpch/queries/q14b.sql"),
        )
        .unwrap();
    }
    if what == "renamed" {
        // A base of before suites' files were called so.
        let former = suite.with_file_name("workload.toml");
        fs::rename(&suite, &former).unwrap();
        commit(&checkout);
        fs::rename(&former, &suite).unwrap();
    }
    let gate = against_head("mine/tpch");
    let gate = Gate { filter: Some("^mine/q(14|14b|6)/".to_owned()), ..gate };
    let outcome = by_rows(gate.run(&checkout, &case.settings).unwrap());
    if what != "removed" {
        assert_eq!(outcome.conclusion, Conclusion::Pass, "{outcome:?}");
        assert!(outcome.rows.len() == 2 && outcome.rows.iter().all(|row| row.untouched));
        return;
    }
    assert_eq!(outcome.conclusion, Conclusion::Undecided, "{outcome:?}");
    assert_eq!(outcome.reasons, ["mine/q14/sf0.001/parquet: the head does not have it: removed or renamed"]);
    assert!(
        outcome.cautions.iter().any(|caution| caution.contains("new, ") && caution.contains("mine/q14b")),
        "{outcome:?}"
    );
    case.settings.gate.exceptions = vec![Exception {
        row: "mine/q14".to_owned(),
        metric: None,
        max_ratio: None,
        reason: "renamed to q14b".to_owned(),
        expires: "2999-01-31".to_owned(),
    }];
    assert_eq!(by_rows(gate.run(&checkout, &case.settings).unwrap()).conclusion, Conclusion::Pass);
}

#[test]
fn the_bases_own_query_text_is_what_the_base_runs() {
    let case = Case::new();
    let checkout = repository(&case);
    fs::write(checkout.root.join("fixtures/tpch/queries/q6.sql"), "SELECT 1").unwrap();
    let outcome = by_rows(against_head("mine/q6").run(&checkout, &case.settings).unwrap());
    assert!(!outcome.rows[0].untouched && outcome.conclusion == Conclusion::Pass, "{outcome:?}");
}

#[test]
fn with_a_budget_what_is_the_same_on_both_sides_has_the_pairs_that_an_interval_takes() {
    let case = Case::new();
    let checkout = repository(&case);
    let run = |budget| {
        let outcome = Gate { budget, ..against_head("mine/q6") }.run(&checkout, &case.settings).unwrap();
        outcome.rows[0].metrics[0].reading.unwrap().pairs
    };
    assert_eq!((run(None), run(Some(Duration::from_mins(5)))), (10, 6));
}

#[test]
fn what_another_gate_left_for_criterion_goes_and_other_commits_are_not_confirmed() {
    let case = Case::new();
    let checkout = repository(&case);
    let run = |gate: Gate| gate.run(&checkout, &case.settings);
    let kept = |query: &str| {
        let cell = case.settings.target.join(format!("criterion/mine_{query}_sf0.001/parquet"));
        ["base", "head"].map(|role| cell.join(role).is_dir())
    };
    let first = run(against_head("mine/q6")).unwrap();
    assert_eq!((kept("q6"), kept("q14")), ([true; 2], [false; 2]));
    fs::write(checkout.root.join("notes"), "more").unwrap();
    commit(&checkout);
    run(against_head("mine/q14")).unwrap();
    assert_eq!((kept("q6"), kept("q14")), ([false; 2], [true; 2]));
    let Err(Error::Usage(error)) = run(Gate { confirm: Some(first), ..against_head("mine/q6") }) else { panic!() };
    assert!(error.to_string().contains("for its base"), "{error}");
}

#[test]
fn a_base_that_is_dirty_unbuildable_or_unknown_decides_nothing() {
    let case = Case::new();
    let checkout = repository(&case);
    let run = |gate: Gate| gate.run(&checkout, &case.settings).map(by_rows);
    let Err(Error::Usage(error)) =
        run(gate(Comparison::Revisions { base: "nowhere".to_owned(), head: None }, "mine/q6"))
    else {
        panic!()
    };
    assert!(error.to_string().contains("no revision 'nowhere'"), "{error}");
    let Err(Error::Usage(error)) = run(against_head("mine/q99")) else { panic!() };
    assert!(error.to_string().contains("no cell matches"), "{error}");
    assert_eq!(run(against_head("mine/q6")).unwrap().conclusion, Conclusion::Pass);

    let tree = case.settings.target.join("querydyno/gate/base/tree");
    fs::write(tree.join("main.rs"), "fn main() { panic!() }\n").unwrap();
    let Err(Error::Undecided(error)) = run(against_head("mine/q6")) else { panic!() };
    assert!(error.to_string().contains("the base is dirty") && error.to_string().contains("main.rs"), "{error}");
    git(&Checkout { root: tree.clone(), target: PathBuf::new() }, &["checkout", "--quiet", "main.rs"]);

    fs::write(checkout.root.join("main.rs"), "fn main() { this is no Rust }\n").unwrap();
    commit(&checkout);
    fs::write(checkout.root.join("main.rs"), "fn main() {}\n").unwrap();
    let outcome = run(against_head("null/q6")).unwrap();
    assert_eq!(outcome.conclusion.exit_code(), 3);
    assert!(outcome.reasons[0].contains("the base does not build"), "{outcome:?}");
    // A worktree whose folder somebody removed is made again.
    fs::remove_dir_all(&tree).unwrap();
    assert_eq!(run(against_head("mine/q6")).unwrap().conclusion, Conclusion::Pass);
}

#[test]
fn a_comparison_has_ratios_and_stops_after_its_pairs() {
    let case = Case::new();
    let gate = Gate { only_compare: Some(6), ..case.between(slower(1000), slower(1100)) };
    let outcome = case.run(&gate);
    assert!(outcome.is_whole() && outcome.pairs == 24, "{outcome:?}");
    assert!((outcome.rows[0].metrics[0].reading.unwrap().ratio.estimate - 1.1).abs() < 1e-9);
}
