//! Errors as somebody meets them: each command of `tests/errors/cases.txt` goes wrong, and what it says is kept in a snapshot.
//!
//! Read the snapshot as a stranger: each error says what is wrong, where, and what to do. A change of any of them is seen in review:
//! `cargo insta review`, or `INSTA_UPDATE=always cargo test --release --test errors`.
#![cfg(feature = "harness")]

mod common;
#[path = "docs/runner.rs"]
mod runner;

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::Output;

use common::catalog;
use querydyno::host::catalog::Recipe;
use querydyno::host::paths::{root, target};
use querydyno::host::settings::Settings;
use regex::Regex;
use runner::Runner;

/// Files that some of the commands name.
const FILES: [(&str, &str); 6] = [
    ("unknown-key.toml", "scale = 1\n"),
    ("broken.toml", "threads = \n"),
    ("like-nobody.toml", "[engine.mine]\nlike = 'nobody'\n"),
    ("other.md", "# Not the gate's\n"),
    ("empty/readme.txt", "nothing\n"),
    ("delta/_delta_log/0.json", "{}\n"),
];

/// What tells somebody what to do next: a command, an option, a variable, a list of what there is, or a word that asks for something.
const REMEDY: &str = "(?i)cargo (bench|xtask)|history (sql|[a-z]+`)|[:;] there are:? |did you mean|possible values|not provided:|\
                      expected one of|it has[: ]|at least [0-9]|\
                      \\b(give|name|use|try|make|leave|put|set|install|list|write|choose|add|take|shorten|update|mend)s?\\b";
/// clap ends all its errors with it, whatever they say.
const END_OF_CLAP: &str = "For more information, try '--help'.";

#[test]
fn every_error_says_what_is_wrong_where_and_what_to_do() {
    let settings = Settings::read().unwrap();
    let history = Recipe::history(&settings).unwrap().program().path.is_file();
    let engines = ["duckdb", "polars-wheel"].iter().all(|name| catalog().entry(name).unwrap().find().is_some());
    let Some(runner) = Runner::new().filter(|_| engines && history) else {
        let _ =
            writeln!(std::io::stderr(), "LEFT OUT: errors of commands; cargo xtask build duckdb polars-wheel history");
        return;
    };
    for (file, text) in FILES {
        let path = runner.folder().join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    let remedy = Regex::new(REMEDY).unwrap();
    let (mut told, mut wrong) = (String::new(), Vec::new());
    let cases = fs::read_to_string(root().join("tests/errors/cases.txt")).unwrap();
    for command in cases.lines().filter(|line| !line.is_empty()) {
        if let Some(heading) = command.strip_prefix("# ") {
            told += &format!("\n# {heading}\n");
            continue;
        }
        let output = runner.run(command, &[]);
        let said = said(&output, runner.folder());
        let code = output.status.code().unwrap_or(-1);
        told += &format!("\n$ {command}\n{said}[exit code {code}]\n");
        let has_remedy = remedy.is_match(&said.replace(command, "").replace(END_OF_CLAP, ""));
        if code == 0 || said.contains("panicked") || !has_remedy {
            wrong.push(format!("{command}: exit code {code}\n{said}"));
        }
        // Usage is 2 everywhere; a cell that failed is 1, and so is what the history was asked for and does not have.
        let is_finding = command.contains("--engines polars-wheel") || command.contains("xtask history");
        if code != 2 && !(code == 1 && is_finding) {
            wrong.push(format!("{command}: exit code {code}, not 2\n{said}"));
        }
    }
    insta::with_settings!({ omit_expression => true, prepend_module_to_snapshot => false }, {
        insta::assert_snapshot!("errors", told);
    });
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// From the error on, with this machine's folders taken out.
fn said(output: &Output, folder: &Path) -> String {
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    let printed = String::from_utf8_lossy(&output.stdout);
    // Of a cell that failed the reason is a line of what is printed.
    let reason = || printed.lines().filter(|line| line.contains("FAILED: ")).collect::<Vec<_>>().join("\n");
    let mut said = format!("{}\n", text.find("error").map_or_else(reason, |start| text[start..].trim_end().to_owned()));
    let real = folder.canonicalize().unwrap();
    for (path, name) in [(real.as_path(), "FOLDER"), (folder, "FOLDER"), (target(), "TARGET"), (root(), "REPOSITORY")] {
        said = said.replace(path.to_str().unwrap(), name);
    }
    // They depend on where a table lies.
    Regex::new("own-[0-9a-f]{8}").unwrap().replace_all(&said, "own-DIGITS").into_owned()
}
