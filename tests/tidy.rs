//! The repository's own rules, as far as a test can check them: see the invariants in `src/lib.rs`.

#[path = "tidy/graphs.rs"]
mod graphs;
#[path = "tidy/rules.rs"]
mod rules;

use std::fs;
use std::path::{Path, PathBuf};

use querydyno::host::catalog::Catalog;
use querydyno::host::paths::root;
use querydyno::host::settings::Settings;
use querydyno::host::verify::referee::{FEWEST_COMPONENTS, Referee};

/// A file longer than this is read by nobody.
const LONGEST: usize = 450;

fn rust_files(folder: &str) -> Vec<PathBuf> {
    files_below(root().join(folder), "rs")
}

fn files_below(folder: PathBuf, extension: &str) -> Vec<PathBuf> {
    let mut open = vec![folder];
    let mut files = Vec::new();
    while let Some(folder) = open.pop() {
        for path in fs::read_dir(&folder).unwrap().flatten().map(|entry| entry.path()) {
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|found| found == extension) {
                files.push(path);
            }
        }
    }
    files
}

fn all_rust_files() -> Vec<PathBuf> {
    ["src", "benches", "tests", "xtask"].iter().flat_map(|folder| rust_files(folder)).collect()
}

fn lines(path: &Path) -> Vec<String> {
    fs::read_to_string(path).unwrap().lines().map(str::to_owned).collect()
}

/// Names of engines: those compiled here, or the scripts.
fn engines(scripts: bool) -> Vec<String> {
    let text = fs::read_to_string(root().join("fixtures/engines.toml")).unwrap();
    let listed = toml::from_str::<toml::Table>(&text).unwrap();
    // An engine that is another's program has none of its own.
    let own = listed.into_iter().filter(|(_, entry)| entry.get("program").is_none());
    own.filter(|(_, entry)| entry.get("package").is_some() == scripts).map(|(name, _)| name).collect()
}

#[test]
fn the_top_level_is_fixed() {
    let allowed = [
        "Cargo.toml",
        "Cargo.lock",
        "benches",
        "src",
        "fixtures",
        "tests",
        "xtask",
        "README.md",
        "CHANGELOG.md",
        "LICENSE-APACHE",
        "LICENSE-MIT",
        "target",
        "querydyno.toml",
    ];
    for entry in fs::read_dir(root()).unwrap().flatten() {
        let name = entry.file_name().into_string().unwrap();
        assert!(name.starts_with('.') || allowed.contains(&name.as_str()), "{name} has no place at the top level");
    }
}

#[test]
fn an_engine_is_one_feature_one_bin_and_one_module() {
    let manifest: toml::Table = toml::from_str(&fs::read_to_string(root().join("Cargo.toml")).unwrap()).unwrap();
    let features = manifest["features"].as_table().unwrap();
    for engine in engines(false) {
        assert!(features.contains_key(&engine), "no feature {engine}");
        assert!(root().join(format!("src/bin/querydyno-{engine}.rs")).exists(), "no bin of {engine}");
        let module = root().join("src/engine").join(&engine);
        assert!(module.is_dir() || module.with_extension("rs").exists(), "no module of {engine}");
    }
    let bins = rust_files("src/bin").len();
    let catalog = Catalog::read(&Settings::read().unwrap()).unwrap();
    let watching =
        catalog.entries().iter().filter(|entry| entry.recipe().is_some_and(|recipe| recipe.watches_heap)).count();
    // `querydyno-iceberg` makes and plans tables, `querydyno-s3` puts them there, `querydyno-history` owns the history, `querydyno-server`
    // serves it, `querydyno-protoc` helps to compile: they are no engines.
    assert_eq!(bins, engines(false).len() + watching + 5, "a bin without an engine");
}

#[test]
fn a_script_engine_is_a_folder_with_a_module_that_says_what_it_is() {
    let scripts = root().join("src/engine/python");
    for engine in engines(true) {
        assert!(scripts.join(&engine).join("engine.py").is_file(), "no module of {engine}");
    }
    let mut folders = 0;
    for folder in fs::read_dir(&scripts).unwrap().flatten() {
        folders += 1;
        for file in files_below(folder.path(), "py") {
            let lines = lines(&file);
            assert!(lines[0].starts_with("\"\"\""), "{} has no head", file.display());
            assert!(lines.len() <= LONGEST, "{} has {} lines", file.display(), lines.len());
            let names = rules::python_names_suite(file.to_str().unwrap(), &lines.join("\n"));
            assert!(!names, "{} names a suite; its plans are in a module of the suite's name", file.display());
        }
    }
    assert_eq!(folders, engines(true).len() + 1, "a folder of no engine; `module` is the protocol's");
}

#[test]
fn no_file_breaks_the_rules_of_the_house() {
    let mut found = Vec::new();
    for path in ["src", "benches", "xtask"].iter().flat_map(|folder| rust_files(folder)) {
        let text = fs::read_to_string(&path).unwrap();
        let path = path.strip_prefix(root()).unwrap().to_str().unwrap();
        // Tests may name what they test their module with, but for the other side.
        let code = if path.starts_with("src/host/") {
            text.split("\n#[cfg(test)]\nmod tests {").next().unwrap()
        } else {
            &text
        };
        found.extend(rules::broken(path, code));
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn every_module_of_the_host_has_its_place_in_the_order() {
    let text = fs::read_to_string(root().join("src/host/mod.rs")).unwrap();
    let mut modules: Vec<&str> = text.lines().filter_map(|line| line.split("mod ").nth(1)?.strip_suffix(';')).collect();
    let mut placed = rules::ORDER.to_vec();
    modules.sort_unstable();
    placed.sort_unstable();
    assert_eq!(modules, placed);
}

#[test]
fn broken_finds_a_planted_line() {
    for (path, line, rule) in [
        ("src/engine/null.rs", "use crate::host::settings::Settings;", "names another side"),
        ("src/engine/null.rs", "    let found = crate::host::paths::root();", "names another side"),
        ("src/protocol/id.rs", "use crate::engine::Engine;", "names another side"),
        ("src/host/run/mod.rs", "use crate::engine::Engine;", "names another side"),
        ("src/host/run/mod.rs", "use crate::history::store::Store;", "names another side"),
        ("src/history/store.rs", "use crate::engine::Engine;", "names another side"),
        ("src/history/store.rs", "use crate::server::app::App;", "names another side"),
        ("src/server/app.rs", "use duckdb::Connection;", "names an engine's crate"),
        ("src/engine/duckdb.rs", "use crate::history::store::Store;", "names another side"),
        ("src/host/record/mod.rs", "use duckdb::Connection;", "names an engine's crate"),
        ("src/bin/querydyno-history.rs", "    duckdb::Connection::open_in_memory();", "names an engine's crate"),
        ("src/history/query.rs", "use polars::prelude::DataFrame;", "names an engine's crate"),
        ("src/host/run/mod.rs", "use criterion::Criterion;", "names Criterion"),
        ("src/host/run/mod.rs", "use ::criterion::Criterion;", "names Criterion"),
        ("src/host/run/mod.rs", "use criterion as c;", "names Criterion"),
        ("src/host/run/mod.rs", "use crate::{engine::Engine, host};", "hides what it names"),
        ("src/host/run/mod.rs", "use crate::host::{gate::Gate, run};", "hides what it names"),
        ("src/host/run/mod.rs", "    let _ = writeln!(io::stderr(), \"measuring\");", "prints"),
        ("src/host/gate/mod.rs", "    let mut all = criterion::Criterion::default();", "names Criterion"),
        ("src/host/run/mod.rs", "    eprintln!(\"measuring\");", "prints"),
        ("src/host/gate/measure.rs", "use indicatif::{ProgressBar, ProgressStyle};", "draws"),
        ("src/host/catalog/mod.rs", "    println!(\"{x}\");", "prints"),
        ("src/host/verify/mod.rs", "use crate::host::run::launch::launch;", "names run, which is above it"),
        ("src/host/run/mod.rs", "use crate::host::criterion::replay;", "names criterion, which is above it"),
        ("src/host/verify/referee.rs", "    let ours = suite.name == \"tpch\";", "names the suite tpch"),
        ("src/host/settings/keys.rs", "    \"QUERYDYNO_TPCH_ANSWERS\",", "names the suite tpch"),
        ("src/host/run/mod.rs", "use crate::host::suite::tpch::NAME;", "names the suite tpch"),
        ("src/host/run/tpch.rs", "    let name = \"tpch\";", "names the suite tpch"),
        ("src/host/suite/mod.rs", "mod tpch;\nconst ALL: [&str; 2] = [tpch::NAME, \"tpch\"];", "names the suite tpch"),
        (
            "src/host/criterion/mod.rs",
            "const HELP: &str = \"tpch\";\nconst A: &str = \"tpch\";",
            "names the suite tpch",
        ),
        ("src/host/doctor/mod.rs", "const HELP: &str = \"tpch\";", "names the suite tpch"),
        ("src/engine/mysql/keys.rs", "static TPCH: [(&str, Keys); 8] = [", "names the suite tpch"),
        ("src/engine/tpch.rs", "    let name = \"tpch\";", "names the suite tpch"),
        ("xtask/src/data.rs", "    #[arg(default_value = \"tpch\")]", "names the suite tpch"),
    ] {
        let found = rules::broken(path, line);
        assert!(found.len() == 1 && found[0].contains(rule), "{path}: {line}: {found:?}");
    }
    for (path, line) in [
        ("src/engine/null.rs", "use crate::protocol::task::Query; // not crate::host"),
        ("src/bin/querydyno-duckdb.rs", "use querydyno::engine::duckdb::DuckDb;"),
        ("src/engine/duckdb.rs", "use duckdb::arrow;"),
        ("src/history/store.rs", "use crate::host::paths; use duckdb::Connection;"),
        ("src/host/criterion/mod.rs", "use criterion::Criterion;"),
        ("src/host/bench/mod.rs", "use crate::host::criterion::replay::replay;"),
        ("src/host/terminal/mod.rs", "    eprintln!(\"measuring\");"),
        ("src/host/terminal/bars.rs", "use indicatif::ProgressBar;"),
        ("src/host/run/mod.rs", "use crate::host::verify::Verdict;"),
        ("src/host/suite/tpch.rs", "const NAME: &str = \"tpch\";"),
        ("src/engine/arrow/tpch/mod.rs", "const SUITE: &str = \"tpch\";"),
        ("src/engine/arrow/mod.rs", "mod tpch;\nuse self::tpch::plan; // tpch\nconst ALL: [Suite; 1] = [tpch::Tpch];"),
        ("src/host/criterion/mod.rs", "const HELP: &str = \"\\\n  cargo bench -- tpch\n\";"),
        ("src/host/run/mod.rs", "//! tpch\n\n#[cfg(test)]\nmod tests {\n    const SUITE: &str = \"tpch\";\n}"),
        ("benches/tpch.rs", "    querydyno::host::criterion::main(\"tpch\")"),
    ] {
        assert_eq!(rules::broken(path, line), Vec::<String>::new());
    }
    assert!(rules::python_names_suite("a/engine.py", "import tpch"));
    assert!(!rules::python_names_suite("a/engine.py", "\"\"\"Plans are in tpch.py.\"\"\"\nimport os  # no tpch"));
    assert!(!rules::python_names_suite("a/tpch.py", "SUITE = 'tpch'"));
}

#[test]
fn bins_and_benches_hold_no_logic_and_the_allocator_is_set_in_bins_only() {
    for path in rust_files("src/bin").into_iter().chain(rust_files("benches")) {
        assert!(lines(&path).len() <= 20, "{} holds logic", path.display());
    }
    for path in rust_files("src") {
        let sets = lines(&path).iter().any(|line| line.trim() == "#[global_allocator]");
        assert!(!sets || path.starts_with(root().join("src/bin")), "{}", path.display());
    }
}

#[test]
fn every_file_says_what_it_is_and_reads_in_one_sitting() {
    for path in all_rust_files() {
        let lines = lines(&path);
        assert!(lines.first().is_some_and(|line| line.starts_with("//!")), "{} has no head", path.display());
        assert!(lines.len() <= LONGEST, "{} has {} lines", path.display(), lines.len());
    }
}

#[test]
fn every_query_has_a_text_and_every_text_a_query() {
    let cargo = fs::read_to_string(root().join("Cargo.toml")).unwrap();
    let mut suites = Vec::new();
    for entry in fs::read_dir(root().join("fixtures")).unwrap().flatten() {
        let name = entry.file_name().into_string().unwrap();
        if !entry.path().join("suite.toml").exists() {
            continue;
        }
        let suite = querydyno::host::suite::Suite::read(&name).unwrap();
        for query in &suite.queries {
            let text = suite.text(query, "canonical", querydyno::protocol::id::Scale::ONE).unwrap();
            assert!(!text.text().trim().ends_with(';'), "{} ends in a semicolon", query.name);
        }
        let texts = fs::read_dir(entry.path().join("queries")).unwrap().flatten();
        let texts = texts.filter(|file| file.path().is_file()).count();
        assert_eq!(texts, suite.queries.len(), "{name} has texts without a query");
        // Without it `cargo bench` would find a test target there, measure nothing and say that all is well.
        let target = format!("[[bench]]\nname = \"{name}\"\nharness = false\n");
        assert!(cargo.contains(&target), "Cargo.toml has no bench target of the suite {name}:\n{target}");
        suites.push(name);
    }
    suites.sort();
    assert_eq!(
        suites,
        rules::SUITES,
        "SUITES in tests/tidy/rules.rs has the suites of fixtures, in the order of their names"
    );
}

#[test]
fn every_shipped_reference_rests_on_three_independent_components() {
    let suites = rules::SUITES.map(|name| querydyno::host::suite::Suite::read(name).unwrap());
    let referee = Referee::new(&Settings::read().unwrap());
    for suite in &suites {
        let folders = fs::read_dir(suite.folder.join("answers"));
        let folders = folders.unwrap_or_else(|_| panic!("{} has no answers", suite.name)).flatten();
        let scales: Vec<String> = folders.map(|folder| folder.file_name().into_string().unwrap()).collect();
        // Those of pod usage at sf1 are 40,000 rows with long texts: `cargo xtask answers` makes them where they are wanted.
        let wanted: &[&str] = if suite.name == "pods" { &["sf0.01"] } else { &["sf0.01", "sf1"] };
        for scale in wanted {
            assert!(scales.iter().any(|known| known == *scale), "{} has no answers at {scale}", suite.name);
        }
        let stored = suite.queries.iter().filter(|query| !query.no_stored_answer);
        for (query, scale) in stored.flat_map(|query| scales.iter().map(move |scale| (query, scale))) {
            let explained = referee.explain(suite, query, scale.parse().unwrap()).unwrap();
            let (_, components) = explained.unwrap_or_else(|| panic!("no answer to {} at {scale}", query.name));
            assert!(components.len() >= FEWEST_COMPONENTS, "{} at {scale}: {components:?}", query.name);
        }
    }
}
