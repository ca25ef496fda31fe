//! The pages as files: every link leads to one, none to a server, and the folder is replaced as a whole or left alone. Needs the programs of
//! the history and of the server (`cargo xtask build history server`).

mod common;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Component, Path, PathBuf};
use std::process::Output;

use common::history::History;
use common::made_up::{A, B, add, record, with};
use common::server::{Server, command};
use common::text;
use regex::Regex;

/// Of two engines, two machines and two scales, with a series of some points, and a failure.
fn history() -> Option<History> {
    let history = History::new()?;
    for hour in 1..=5 {
        let all = ["duckdb", "polars"].into_iter().flat_map(|engine| {
            let of = |query: u32, scale: &str, cpu| {
                record(&format!("{engine}/q{query}/{scale}/parquet"), cpu, 10.0 + f64::from(query + hour))
            };
            [of(1, "sf1", A), of(2, "sf1", A), of(3, "sf1", A), of(1, "sf10", A), of(1, "sf1", B)]
        });
        add(&history, hour, all.collect::<Vec<_>>());
    }
    let wrong = record("daft/q1/sf1/parquet", A, 1.0);
    add(
        &history,
        6,
        [with(wrong, |record| {
            record["verdict"] = serde_json::json!({"kind": "wrong", "difference": "1 < 2 & \"so\""});
        })],
    );
    Some(history)
}

/// With few pages of each kind, unless more are asked for: comparisons and series take their time.
fn export(history: &History, folder: &Path, more: &[&str]) -> Option<Output> {
    let few: &[&str] = if more.contains(&"--export-pages") { &[] } else { &["--export-pages", "40"] };
    let arguments = [&["--export", folder.to_str().unwrap()], more, few].concat();
    Some(command(history.folder.path(), &arguments)?.output().unwrap())
}

/// The history, its pages as files, and what was said of that.
fn exported() -> Option<(History, PathBuf, Output)> {
    let history = history()?;
    let folder = history.folder.path().join("site");
    let output = export(&history, &folder, &[])?;
    assert!(output.status.success(), "{}", text(&output));
    Some((history, folder, output))
}

/// All files below a folder, with what they say.
fn files(folder: &Path) -> BTreeMap<PathBuf, String> {
    let mut found = BTreeMap::new();
    let mut open = vec![folder.to_owned()];
    while let Some(next) = open.pop() {
        for path in fs::read_dir(next).unwrap().map(|entry| entry.unwrap().path()) {
            if path.is_dir() {
                open.push(path);
            } else {
                found.insert(path.strip_prefix(folder).unwrap().to_owned(), fs::read_to_string(&path).unwrap());
            }
        }
    }
    found
}

/// Every file that a page names, as it names it and as a path from the top; whatever leads out of the folder is none.
fn named(page: &Path, html: &str) -> Vec<(String, Option<PathBuf>)> {
    let attribute = Regex::new(r#"\s(?:href|src|action|data-series|data-run)="([^"]*)""#).unwrap();
    let all = attribute.captures_iter(html).map(|found| found[1].to_owned());
    let files = all.filter(|link| !link.starts_with('#') && link != "data:,");
    let place = |link: &str| {
        let mut at = page.parent().unwrap().to_owned();
        for part in Path::new(link.split(['?', '#']).next().unwrap()).components() {
            match part {
                Component::ParentDir if at.pop() => {}
                Component::Normal(name) => at.push(name),
                _ => return None,
            }
        }
        Some(at)
    };
    files.map(|link| (link.clone(), place(&link))).collect()
}

fn is_page(path: &Path) -> bool {
    path.extension().is_some_and(|ending| ending == "html")
}

#[test]
fn every_link_of_an_export_is_a_file_of_it() {
    let Some((_history, folder, output)) = exported() else { return };
    let files = files(&folder);
    let (mut pages, mut open) = (BTreeSet::new(), vec![PathBuf::from("index.html")]);
    while let Some(page) = open.pop() {
        if !pages.insert(page.clone()) {
            continue;
        }
        for (link, file) in named(&page, &files[&page]) {
            let file = file.unwrap_or_else(|| panic!("{}: {link} leads out of the folder", page.display()));
            assert!(files.contains_key(&file), "{}: {link} is no file", page.display());
            open.extend(Some(file).filter(|file| is_page(file)));
        }
    }
    let lost: Vec<_> = files.keys().filter(|file| is_page(file) && !pages.contains(*file)).collect();
    assert!(lost.is_empty(), "nothing links {lost:#?}");
    for (path, text) in files.iter().filter(|(path, _)| is_page(path)) {
        for of_server in ["127.0.0.1", "localhost", "href=\"http", "src=\"http", "<form", "<select", "data-follows"] {
            assert!(!text.contains(of_server), "{} has {of_server}", path.display());
        }
    }
    let of = |kind: &str| files.keys().filter(|path| path.starts_with(kind)).count();
    // Both machines, both scales, each with its figures and baselines, and whatever the records have.
    assert!(of("matrix") > 10 && of("query") >= 8 && of("series") >= 10 && of("result") >= 10, "{:#?}", files.keys());
    assert!(of("compare") == 4 && of("compatibility") > 0 && of("runs") == 1 && of("assets") == 3);
    assert!(text(&output).contains(&format!("{} pages", pages.len())), "{}", text(&output));
}

#[test]
fn series_and_rows_of_an_export_are_those_of_the_api() {
    let Some((history, folder, _)) = exported() else { return };
    let server = Server::start(history.folder.path(), &[], &[]).unwrap();
    let files = files(&folder);
    let rows = |begins: &str, ending: &str| {
        let is_it = |path: &&PathBuf| path.starts_with(begins) && path.extension().is_some_and(|is| is == ending);
        files
            .iter()
            .filter(move |(path, _)| is_it(path))
            .map(|(path, text)| (path.clone(), text.clone()))
            .collect::<Vec<_>>()
    };
    let json = |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap();
    let all = rows("api/v1/ranking", "json");
    assert_eq!(all.len(), 1);
    assert_eq!(json(&all[0].1), server.get("/api/v1/ranking").json());
    let latest = rows("api/v1/latest", "json");
    assert_eq!(json(&latest[0].1)["rows"], server.get("/api/v1/latest?limit=1000").json()["rows"]);
    let mut points = 0;
    for (path, text) in rows("api/v1/series", "json") {
        let key = path.components().nth(3).unwrap().as_os_str().to_str().unwrap().to_owned();
        let found = json(&text);
        points += usize::from(found["rows"].as_array().unwrap().len() == 5);
        let name = path.file_name().unwrap().to_str().unwrap();
        if !name.starts_with("peak") && !name.starts_with("cpu") {
            continue;
        }
        let metric = if name.starts_with("cpu") { "cpu_time" } else { "peak_memory" };
        if name.starts_with(&metric.replace('_', "-")) {
            assert_eq!(
                found,
                server.get(&format!("/api/v1/series/{key}?metric={metric}")).json(),
                "{}",
                path.display()
            );
        }
    }
    // Five results of each of ten series, with each of their figures.
    assert!(points >= 10, "{points}");
    assert!(rows("api/v1/series", "csv").iter().all(|(_, text)| text.starts_with("cell,series,")), "no CSV");
}

#[test]
fn an_export_is_the_same_each_time_and_replaces_its_folder_as_a_whole() {
    let Some((history, folder, _)) = exported() else { return };
    let first = files(&folder);
    fs::write(folder.join("old.html"), "old").unwrap();
    // What one left that was killed; process ids end at 2^22 on Linux.
    let left = history.folder.path().join(".site.exporting-99999999");
    fs::create_dir(&left).unwrap();
    assert!(export(&history, &folder, &[]).unwrap().status.success());
    let again = files(&folder);
    assert_eq!(again.keys().collect::<Vec<_>>(), first.keys().collect::<Vec<_>>());
    let others: Vec<_> = first.iter().filter(|(path, text)| again[*path] != **text).map(|(path, _)| path).collect();
    assert!(others.is_empty(), "{others:#?} are others");
    let beside: Vec<_> = fs::read_dir(history.folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(beside.iter().all(|name| !name.to_str().unwrap().contains("exporting")), "{beside:?}");
}

#[test]
fn a_bound_leaves_out_pages_and_no_link_to_them() {
    let Some(history) = history() else { return };
    let folder = history.folder.path().join("site");
    let Some(output) = export(&history, &folder, &["--export-pages", "2"]) else { return };
    assert!(
        output.status.success() && text(&output).contains("more pages and files of rows are left out"),
        "{}",
        text(&output)
    );
    let files = files(&folder);
    for (page, html) in files.iter().filter(|(path, _)| is_page(path)) {
        for (link, file) in named(page, html) {
            assert!(file.is_some_and(|file| files.contains_key(&file)), "{}: {link}", page.display());
        }
    }
    for kind in ["matrix", "query", "series", "result"] {
        assert!((1..=2).contains(&files.keys().filter(|path| path.starts_with(kind)).count()), "{kind}");
    }
    assert!(files[Path::new("index.html")].contains("only with a server: cargo xtask serve"));
}

#[test]
fn an_export_refuses_a_folder_of_others_and_a_history_that_is_served() {
    let Some(history) = history() else { return };
    let folder = history.folder.path().join("mine");
    fs::create_dir(&folder).unwrap();
    fs::write(folder.join("thesis.txt"), "all there is").unwrap();
    let Some(refused) = export(&history, &folder, &[]) else { return };
    assert_eq!(refused.status.code(), Some(1), "{}", text(&refused));
    assert!(text(&refused).contains("--export did not write it"), "{}", text(&refused));
    assert_eq!(files(&folder).len(), 1);
    let server = Server::start(history.folder.path(), &[], &[]).unwrap();
    let other = history.folder.path().join("site");
    let refused = export(&history, &other, &[]).unwrap();
    assert_eq!(refused.status.code(), Some(1), "{}", text(&refused));
    let why = format!("process {} has this history open", server.child.id());
    assert!(text(&refused).contains(&why) && !other.exists(), "{}", text(&refused));
    // As it says.
    history.ok(&["backup", history.folder.path().join("copy.duckdb").to_str().unwrap()]);
    let copy = history.folder.path().join("copy.duckdb");
    let output = export(&history, &other, &["--database", copy.to_str().unwrap()]).unwrap();
    assert!(output.status.success() && other.join("index.html").is_file(), "{}", text(&output));
}
