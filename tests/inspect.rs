//! Heap and instructions, by the real tools. Counting instructions takes Valgrind: without it that test is left out and
//! says so. What builds other programs for it runs with `TEST_SLOW=1`.

mod common;

use std::io::Write;
use std::path::PathBuf;
use std::process::Command;

use common::slow;
use common::{catalog, faulty, query, session};
use querydyno::host::checkout::Checkout;
use querydyno::host::inspect::{Counted, Gate, Tool, heap, instructions};
use querydyno::host::record::Provenance;
use querydyno::host::session::Program;
use querydyno::host::settings::{OwnEngine, Settings};
use querydyno::protocol::observe::Observe;
use tempfile::TempDir;

/// Records and inspections of its own, so that the user's stay.
fn settings(scale: &str) -> (Settings, TempDir) {
    let home = tempfile::tempdir_in(querydyno::host::paths::target()).unwrap();
    let mut settings = Settings::read().unwrap();
    settings.scales = vec![scale.parse().unwrap()];
    home.path().clone_into(&mut settings.home);
    settings.target = home.path().join("target");
    (settings, home)
}

/// The program of `tests/programs/heap.rs`, built as the arrow engine's that watches its heap, and beside it.
fn heap_case() -> PathBuf {
    let arrow = catalog().entry("arrow").unwrap();
    let recipe = arrow.recipe().unwrap().heap().unwrap();
    assert!(recipe.cargo("build").unwrap().args(["--bin", "heap-case"]).status().unwrap().success());
    querydyno::host::paths::target().join("release/heap-case")
}

#[test]
fn the_heap_of_a_run_is_what_a_hand_computes() {
    if !slow::wanted("the heap of a run, which builds a program") {
        return;
    }
    let program = Program { path: heap_case(), ..Program::default() };
    let (mut session, folder) = session(&program);
    session.prepare(&query("")).unwrap();
    for _ in 0..2 {
        let profile = folder.path().join("profile.json");
        let found = session.observe(Observe::Heap { profile: profile.clone() }).unwrap().observed.heap.unwrap();
        assert_eq!((found.total_blocks, found.peak_bytes, found.peak_blocks), (4, 100_000, 1));
        assert_eq!(found.total_bytes, 100_000 + 8_000 + BUFFER + ARRAY);
        assert!(profile.is_file());
    }
    session.close().unwrap();
}

/// A counted reference to a buffer: see `tests/programs/heap.rs`.
const BUFFER: u64 = 56;
/// Two counters, then type, buffer and the nulls that are not there.
const ARRAY: u64 = 16 + 96;

#[test]
fn the_heap_of_a_cell_is_kept_with_its_verified_answer() {
    if !slow::wanted("the heap of a cell, which builds an engine's other program") {
        return;
    }
    let (settings, _home) = settings("0.01");
    let found = heap(Some("arrow/q6"), Tool::Fitting, &settings).unwrap();
    assert_eq!(found.len(), 1);
    let record = &found[0].record;
    assert!(record.verdict.as_ref().unwrap().verified(), "{:?}", record.reason());
    let heap = record.heap().unwrap().heap;
    // Four columns of 60,175 rows, decompressed: dates in 4 bytes, money in 8.
    assert!(heap.total_bytes > 500_000 && heap.peak_bytes <= heap.total_bytes, "{heap:?}");
    assert!(found[0].sites.iter().any(|site| site.function.contains("querydyno::engine::arrow")));
    let listed: u64 = found[0].sites.iter().map(|site| site.total_bytes).sum();
    assert_eq!(listed, heap.total_bytes);
}

#[test]
fn a_script_has_no_heap_to_watch() {
    let (settings, _home) = settings("0.01");
    let found = heap(Some("pandas/q6"), Tool::Fitting, &settings).unwrap();
    assert_eq!(found[0].record.outcome.word(), "skipped");
    assert!(found[0].record.reason().unwrap().contains("Python"));
}

#[test]
fn instructions_repeat_and_show_a_longer_loop() {
    if !slow::wanted("counting instructions, a minute under Valgrind") {
        return;
    }
    if Command::new("valgrind").arg("--version").output().is_err() {
        let _ = writeln!(
            std::io::stderr(),
            "LEFT OUT: counting instructions, valgrind is not there; apt-get install valgrind"
        );
        return;
    }
    let (mut settings, _home) = settings("0.001");
    let mut engine = |name: &str, fault: &str| {
        let program = faulty(fault);
        let own = OwnEngine { program: Some(program.path), args: program.args, ..OwnEngine::default() };
        settings.engines.insert(name.to_owned(), own);
        settings.clone()
    };
    engine("loop", "loop");
    engine("mute", "mute");
    let before = engine("tired", "tired");
    let all = "^(arrow|loop|mute|tired)/q6/";
    let save = Gate { save_baseline: Some("main".to_owned()), ..Gate::default() };
    let first = instructions(&Checkout::here(), Some(all), &save, &before).unwrap();
    let compare = Gate { baseline: Some("main".to_owned()), limit_percent: Some(0.5), ..Gate::default() };
    let second = instructions(&Checkout::here(), Some("^(arrow|loop)/q6/"), &compare, &before).unwrap();
    for engine in ["arrow", "loop"] {
        assert_eq!(of(&second, engine).before, Some(count(&first, engine)));
        let change = of(&second, engine).change_percent().unwrap();
        assert!(change.abs() < 0.1, "{engine}: {change} %");
        assert_eq!(of(&second, engine).record.outcome.word(), "measured");
    }
    let record = &of(&second, "loop").record;
    assert_eq!(record.provenance, Provenance::Simulated);
    assert!(record.provenance_reason.is_some() && !record.ranks());

    // The same engine with a loop that is 1 % longer, twice: a gate that failed fails again.
    let after = engine("loop", "longer");
    for _ in 0..2 {
        let longer = instructions(&Checkout::here(), Some("loop/q6"), &compare, &after).unwrap();
        let change = of(&longer, "loop").change_percent().unwrap();
        assert!((0.95..1.05).contains(&change), "{change} %");
        assert_eq!(of(&longer, "loop").record.outcome.word(), "failed");
        assert!(reason(&longer, "loop").contains("the limit is 0.5 %"), "{}", reason(&longer, "loop"));
    }
    let mistyped = Gate { baseline: Some("mian".to_owned()), ..compare.clone() };
    let nothing = instructions(&Checkout::here(), Some("loop/q6"), &mistyped, &after).unwrap();
    assert!(reason(&nothing, "loop").contains("no baseline 'mian'"), "{}", reason(&nothing, "loop"));
    assert!(
        instructions(&Checkout::here(), Some("loop/q6"), &Gate { baseline: None, ..compare.clone() }, &after).is_err()
    );

    assert_eq!(of(&first, "mute").record.outcome.word(), "failed");
    // It ends with code 0, and what was counted is its error's way: nothing to compare with later.
    assert!(reason(&first, "tired").contains("tired of it"), "{}", reason(&first, "tired"));
    let later = instructions(&Checkout::here(), Some("tired/q6"), &compare, &before).unwrap();
    assert!(reason(&later, "tired").contains("no baseline 'main'"), "{}", reason(&later, "tired"));
    // A gate that looked at nothing is not green.
    assert!(instructions(&Checkout::here(), Some("pandas/q6"), &compare, &before).is_err());
    assert!(
        instructions(
            &Checkout::here(),
            Some("loop/q6"),
            &Gate { save_baseline: Some("v1.2".to_owned()), ..Gate::default() },
            &before
        )
        .is_err()
    );
}

fn of<'a>(counted: &'a [Counted], engine: &str) -> &'a Counted {
    counted.iter().find(|cell| cell.record.id.engine == engine).unwrap()
}

fn count(counted: &[Counted], engine: &str) -> u64 {
    let record = &of(counted, engine).record;
    record.instructions().unwrap_or_else(|| panic!("{engine}: {:?}", record.reason())).instructions
}

fn reason<'a>(counted: &'a [Counted], engine: &str) -> &'a str {
    of(counted, engine).record.reason().unwrap_or_default()
}
