//! Files to import, and what has come of them. `tests/import` has the shape that other tools write, with figures of our own.

use std::fs;
use std::path::{Path, PathBuf};

use querydyno::host::paths::root;

use super::history::History;

pub fn file(name: &str) -> PathBuf {
    root().join("tests/import").join(name)
}

pub fn content(name: &str) -> String {
    fs::read_to_string(file(name)).unwrap()
}

/// `history import` of these paths, with these words besides.
pub fn arguments<'a>(paths: &[&'a Path], more: &[&'a str]) -> Vec<&'a str> {
    let paths = paths.iter().map(|path| path.to_str().unwrap());
    ["import"].into_iter().chain(paths).chain(more.iter().copied()).collect()
}

/// Takes a file of `tests/import` in; what is told.
pub fn taken(history: &History, name: &str, more: &[&str]) -> String {
    history.ok(&arguments(&[&file(name)], &[&["--yes"][..], more].concat()))
}

/// The checksum behind a name that is no part of an id as it is; cells are meant by patterns.
pub const SUM: &str = "????????";

/// Every value of a figure of a cell.
pub fn values(history: &History, cell: &str, name: &str) -> Vec<f64> {
    let rows = history.csv(&format!(
        "SELECT coalesce(samples, [value]) FROM metrics JOIN results USING (result) WHERE cell GLOB '{cell}' AND name = '{name}'"
    ));
    assert_eq!(rows.len(), 1, "{name} of {cell}");
    rows[0][0].trim_matches(['[', ']']).split(", ").map(|value| value.parse().unwrap()).collect()
}

pub fn assert_values(history: &History, cell: &str, name: &str, expected: &[f64]) {
    let found = values(history, cell, name);
    let near = |(a, b): (&f64, &f64)| (a - b).abs() <= 1e-9 * b.abs();
    assert!(
        found.len() == expected.len() && found.iter().zip(expected).all(near),
        "{cell} {name}: {found:?}, {expected:?}"
    );
}

/// A column of the one result of this cell.
pub fn told(history: &History, cell: &str, column: &str) -> String {
    let rows = history.csv(&format!("SELECT {column} FROM measurements WHERE cell GLOB '{cell}'"));
    assert_eq!(rows.len(), 1, "{cell}");
    rows[0][0].clone()
}

pub fn cells(history: &History) -> Vec<String> {
    history.csv("SELECT cell FROM results ORDER BY cell").into_iter().flatten().collect()
}

/// The files of `tests/import`, each with what its import needs besides.
pub fn all() -> [(&'static str, Vec<String>); 9] {
    let mapping = vec!["--mapping".to_owned(), file("runs.toml").display().to_string()];
    [
        ("criterion", Vec::new()),
        ("find-pictures.json", Vec::new()),
        ("pytest.json", Vec::new()),
        ("google.json", Vec::new()),
        ("critcmp.json", Vec::new()),
        ("clickbench.json", Vec::new()),
        ("benchmark_results.json", Vec::new()),
        ("models.json", Vec::new()),
        ("runs.csv", mapping),
    ]
}
