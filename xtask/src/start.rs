//! `cargo xtask` without arguments: what is here already, and what to do next.

use std::fs;
use std::path::Path;

use anyhow::Result;
use querydyno::host::catalog::Catalog;
use querydyno::host::paths;
use querydyno::host::settings::Settings;
use querydyno::host::terminal::output;

/// What is here.
struct Here {
    /// Engines of `fixtures/engines.toml` whose programs are there, and how many there are in all.
    ready: Vec<String>,
    engines: usize,
    /// Suites and scales of tables, such as `tpch sf1`.
    data: Vec<String>,
    /// Cells that were measured or tried.
    results: usize,
}

/// Says what is here and what to do next.
pub(crate) fn run() -> Result<()> {
    let settings = Settings::read()?;
    let catalog = Catalog::read(&settings)?;
    let ready = catalog.entries().iter().filter(|engine| engine.find().is_some()).map(|engine| engine.name.clone());
    let here = Here {
        ready: ready.collect(),
        engines: catalog.entries().len(),
        data: data(&settings.data),
        results: results(&paths::home().join("records")),
    };
    output::line(shown(&here))
}

fn shown(here: &Here) -> String {
    let list = |names: &[String], none: &str| if names.is_empty() { none.to_owned() } else { names.join(", ") };
    let mut text = format!(
        "QueryDyno says how fast a query engine answers a query, with how much memory, and whether the answer is right.\n\n\
         Here already\n  engines   {} of {} are built: {}\n  data      {}\n  results   {}\n\nNext\n",
        here.ready.len(),
        here.engines,
        list(&here.ready, "none; a run builds what it needs"),
        list(&here.data, "none; a run makes what it needs"),
        match here.results {
            0 => "none".to_owned(),
            1 => "1 cell was recorded".to_owned(),
            cells => format!("{cells} cells were recorded"),
        },
    );
    for (command, does) in next(here) {
        text += &format!("  {command:<44}{does}\n");
    }
    text + "\nAll commands: cargo xtask --help. All pages of the documentation: cargo xtask docs"
}

fn next(here: &Here) -> Vec<(&'static str, &'static str)> {
    let first = if here.ready.is_empty() {
        ("cargo bench -- duckdb/q1", "the first result: builds DuckDB's program, makes the data, measures")
    } else {
        ("cargo bench -- q6", "one query on every engine; says first what it will build")
    };
    let mut next = vec![first];
    if here.results > 0 {
        next.push(("cargo xtask report", "all results on one page"));
        next.push(("cargo xtask bench --missing --dry-run", "what was not measured yet, and how long it would take"));
    }
    next.push(("cargo xtask bench --table FILE --sql QUERY", "your own query on your own Parquet file"));
    next.push(("cargo xtask gate --base main", "is this tree slower than main?"));
    next.push(("cargo xtask doctor", "what this machine can and cannot measure"));
    next
}

/// Names of what was made: a folder for each suite, and in it one for each scale.
fn data(folder: &Path) -> Vec<String> {
    let mut all = Vec::new();
    for suite in folders(folder) {
        let scales = folders(&folder.join(&suite));
        let scales: Vec<&String> = scales.iter().filter(|scale| scale.starts_with("sf")).collect();
        all.extend(scales.into_iter().map(|scale| format!("{suite} {scale}")));
    }
    all.sort();
    all
}

fn folders(folder: &Path) -> Vec<String> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let folders = entries.flatten().filter(|entry| entry.path().is_dir());
    folders.filter_map(|entry| entry.file_name().into_string().ok()).collect()
}

/// Lines of the journal: a record each.
fn results(folder: &Path) -> usize {
    let Ok(entries) = fs::read_dir(folder) else { return 0 };
    let files = entries.flatten().map(|entry| entry.path());
    let files = files.filter(|path| path.extension().is_some_and(|end| end == "jsonl"));
    files.filter_map(|path| fs::read_to_string(path).ok()).map(|text| text.lines().count()).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shown_begins_with_the_first_result_and_goes_on_with_the_report() {
        let nothing = Here { ready: Vec::new(), engines: 17, data: Vec::new(), results: 0 };
        let text = shown(&nothing);
        assert!(text.contains("cargo bench -- duckdb/q1") && !text.contains("cargo xtask report"), "{text}");
        let some =
            Here { ready: vec!["duckdb".to_owned()], engines: 17, data: vec!["tpch sf1".to_owned()], results: 3 };
        let text = shown(&some);
        assert!(text.contains("1 of 17 are built: duckdb") && text.contains("tpch sf1"), "{text}");
        assert!(text.contains("3 cells were recorded") && text.contains("cargo xtask report"), "{text}");
    }
}
