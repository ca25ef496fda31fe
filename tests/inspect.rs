//! Heap and instructions, by the real tools. Counting instructions takes Valgrind: without it that test is left out and
//! says so.

mod common;

use std::io::Write;
use std::path::PathBuf;
use std::process::Command;

use common::{catalog, faulty, query, session};
use querydyno::inspect::{Counted, Gate, Tool, heap, instructions};
use querydyno::record::{Outcome, Provenance};
use querydyno::session::{Observe, Program};
use querydyno::settings::{OwnEngine, Settings};

fn settings(scale: &str) -> Settings {
    let mut settings = Settings::read().unwrap();
    settings.scales = vec![scale.parse().unwrap()];
    settings.threads = vec![1];
    settings
}

/// The program of `tests/programs/heap.rs`, built as the arrow engine's that watches its heap, and beside it.
fn heap_case() -> PathBuf {
    let arrow = catalog().entry("arrow").unwrap();
    let recipe = arrow.recipe().unwrap().heap().unwrap();
    assert!(recipe.cargo("build").args(["--bin", "heap-case"]).status().unwrap().success());
    querydyno::paths::target().join("release/heap-case")
}

#[test]
fn the_heap_of_a_run_is_what_a_hand_computes() {
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
    let found = heap(Some("arrow/q6"), Tool::Fitting, &settings("0.01")).unwrap();
    assert_eq!(found.len(), 1);
    let record = &found[0].record;
    assert!(record.verdict.as_ref().unwrap().verified(), "{:?}", record.reason);
    let heap = record.heap.as_ref().unwrap().heap;
    // Four columns of 60,175 rows, decompressed: dates in 4 bytes, money in 8.
    assert!(heap.total_bytes > 500_000 && heap.peak_bytes <= heap.total_bytes, "{heap:?}");
    assert!(found[0].sites.iter().any(|site| site.function.contains("querydyno::engine::arrow")));
    let listed: u64 = found[0].sites.iter().map(|site| site.total_bytes).sum();
    assert_eq!(listed, heap.total_bytes);
}

#[test]
fn a_script_has_no_heap_to_watch() {
    let found = heap(Some("pandas/q6"), Tool::Fitting, &settings("0.01")).unwrap();
    assert_eq!(found[0].record.outcome, Outcome::Skipped);
    assert!(found[0].record.reason.as_ref().unwrap().contains("Python"));
}

#[test]
fn instructions_repeat_and_show_a_longer_loop() {
    if Command::new("valgrind").arg("--version").output().is_err() {
        let _ = writeln!(
            std::io::stderr(),
            "LEFT OUT: counting instructions, valgrind is not there; apt-get install valgrind"
        );
        return;
    }
    let mut settings = settings("0.001");
    for fault in ["loop", "longer", "mute"] {
        let program = faulty(fault);
        let own = OwnEngine { program: Some(program.path), args: program.args, ..OwnEngine::default() };
        settings.engines.insert(fault.to_owned(), own);
    }
    let count = |gate: &Gate, filter: &str| instructions(Some(filter), gate, &settings).unwrap();
    let all = "^(arrow|loop|longer|mute)/q6/";
    let first = count(&Gate::default(), all);
    let second = count(&Gate { limit_percent: Some(0.5), ..Gate::default() }, all);
    for engine in ["arrow", "loop", "longer"] {
        let (one, two) = (of(&first, engine), of(&second, engine));
        #[expect(clippy::cast_precision_loss, reason = "far below 2^53")]
        let change = two as f64 / one as f64 - 1.0;
        assert!(change.abs() < 0.001, "{engine}: {one} {two}");
    }
    #[expect(clippy::cast_precision_loss, reason = "far below 2^53")]
    let longer = of(&first, "longer") as f64 / of(&first, "loop") as f64;
    assert!((1.0095..1.0105).contains(&longer), "{longer}");
    let record = &second.iter().find(|cell| cell.record.id.engine == "loop").unwrap().record;
    assert_eq!(record.provenance, Provenance::Simulated);
    assert!(record.provenance_reason.is_some());
    let failed = &first.iter().find(|cell| cell.record.id.engine == "mute").unwrap().record;
    assert_eq!(failed.outcome, Outcome::Failed);
}

fn of(counted: &[Counted], engine: &str) -> u64 {
    let cell = counted.iter().find(|cell| cell.record.id.engine == engine).unwrap();
    cell.record.instructions.as_ref().unwrap_or_else(|| panic!("{engine}: {:?}", cell.record.reason)).instructions
}
