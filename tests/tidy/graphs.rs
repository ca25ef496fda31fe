//! What is compiled once for several commands: the same crates with the same features, as cargo resolves them.
//!
//! A crate is compiled anew where it, or anything below it, has other features. See the comments at these in `Cargo.toml`.

use std::collections::BTreeSet;
use std::process::Command;

use querydyno::host::paths::root;

/// The crates of a graph with their features, or those from the crate `top` on.
fn crates(arguments: &[&str], top: Option<&str>) -> BTreeSet<String> {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.current_dir(root()).args(["tree", "--locked", "--prefix", "depth", "--no-dedupe", "--format", " {p} {f}"]);
    let output = cargo.args(arguments).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let mut found = BTreeSet::new();
    let mut above = None;
    for line in String::from_utf8(output.stdout).unwrap().lines() {
        let (depth, name) = line.split_once(' ').unwrap();
        let depth: usize = depth.parse().unwrap();
        if above.is_none_or(|above| depth <= above) {
            above = top.is_none_or(|top| name.starts_with(top)).then_some(depth);
        }
        if above.is_some() {
            found.insert(name.to_owned());
        }
    }
    assert!(!found.is_empty());
    found
}

const BENCH: [&str; 4] = ["--package", "querydyno", "--edges", "normal,build,dev"];

#[test]
fn xtask_takes_the_host_that_is_compiled_for_the_bench() {
    let xtask = crates(&["--package", "xtask", "--edges", "normal,build"], None);
    let bench = crates(&BENCH, None);
    let alone: Vec<_> = xtask.difference(&bench).filter(|name| !name.starts_with("xtask ")).collect();
    assert!(alone.is_empty(), "{alone:#?}");
}

/// The graph from `top` on of the program with this feature.
fn program(feature: &str, top: &str) -> BTreeSet<String> {
    let features = ["--no-default-features", "--features", feature, "--edges", "normal,build"];
    crates(&[&["--package", "querydyno"], features.as_slice()].concat(), Some(top))
}

#[test]
fn duckdb_and_the_history_take_the_arrow_that_is_compiled_for_the_host() {
    let host = crates(&BENCH, Some("arrow v"));
    for feature in ["duckdb", "history", "server"] {
        let alone: Vec<_> = program(feature, "arrow v").symmetric_difference(&host).cloned().collect();
        assert!(alone.is_empty(), "{feature}: {alone:#?}");
    }
}

#[test]
fn arrow_and_the_pipeline_have_one_arrow() {
    for top in ["arrow v", "parquet v"] {
        let alone: Vec<_> = program("arrow", top).symmetric_difference(&program("pipeline", top)).cloned().collect();
        assert!(alone.is_empty(), "{alone:#?}");
    }
}
