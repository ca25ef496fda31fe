//! README and the pages of `src/docs`: their commands run, their links lead somewhere, and they stay short.
//!
//! `tests/docs/commands.toml` lists every command of the pages: those that each test run runs, those that `TEST_DOCS=1` runs too, and
//! those that nobody runs, with the reason. All others, within sentences too, are parsed by the programs that they name.
#![cfg(feature = "harness")]

mod common;
#[path = "docs/page.rs"]
mod page;
#[path = "docs/runner.rs"]
mod runner;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Write as _;
use std::time::Instant;

use common::{catalog, text};
use page::{Page, Shown, commands};
use querydyno::host::catalog::Recipe;
use querydyno::host::paths::root;
use querydyno::host::settings::{KEYS, Settings};
use querydyno::host::suite::Suite;
use regex::Regex;
use runner::Runner;
use serde::Deserialize;

/// Lines of README, and words of its sentences.
const README_LINES: usize = 150;
const README_WORDS: usize = 30;
/// Lines of any other page.
const PAGE_LINES: usize = 200;
/// Pages that answer no single question: references, and what was found on engines.
const NO_QUESTION: [&str; 11] = [
    "README.md",
    "api.md",
    "capabilities.md",
    "cloud.md",
    "defects.md",
    "export.md",
    "pod-usage.md",
    "s3.md",
    "serving_measured.md",
    "posts.md",
    "support.md",
];

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Listed {
    /// Run in this order: what one measures, a later one shows.
    run: Vec<Run>,
    not_run: Vec<NotRun>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Run {
    command: String,
    /// Only with `TEST_DOCS=1`.
    #[serde(default)]
    slow: bool,
    /// Engines, and other programs of ours; where one is not built, the command is left out.
    #[serde(default)]
    needs: Vec<String>,
    #[serde(default)]
    env: BTreeMap<String, String>,
    /// A pattern of what it prints.
    shows: String,
    #[serde(default)]
    code: i32,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NotRun {
    why: String,
    #[serde(default)]
    commands: Vec<String>,
    /// Pages whose commands are all of this kind.
    #[serde(default)]
    pages: Vec<String>,
}

fn listed() -> Listed {
    toml::from_str(&fs::read_to_string(root().join("tests/docs/commands.toml")).unwrap()).unwrap()
}

/// Whether what takes minutes is wanted.
fn with_slow() -> bool {
    std::env::var_os("TEST_DOCS").is_some()
}

fn left_out(what: &str) {
    let _ = writeln!(std::io::stderr(), "LEFT OUT: {what}");
}

/// Whether a program is built: an engine's, or those of the history.
fn is_built(name: &str) -> bool {
    if name == "history" {
        let settings = Settings::read().unwrap();
        let recipes = [Recipe::history(&settings).unwrap(), Recipe::server(&settings).unwrap()];
        return recipes.iter().all(|recipe| recipe.program().path.is_file());
    }
    catalog().entry(name).unwrap().find().is_some()
}

#[test]
fn readme_is_for_three_minutes() {
    let readme = Page::read("README.md");
    let lines = readme.text.lines().count();
    assert!(lines <= README_LINES, "README.md has {lines} lines");
    for sentence in readme.sentences() {
        let words = sentence.split_whitespace().count();
        assert!(words <= README_WORDS, "{words} words: {sentence}");
    }
}

#[test]
fn page_answers_a_question_at_its_top_and_reads_in_one_sitting() {
    for page in Page::all() {
        let name = page.path.display();
        let lines = page.text.lines().count();
        assert!(lines <= PAGE_LINES, "{name} has {lines} lines");
        let title = page.text.lines().next().unwrap();
        assert!(title.starts_with("# "), "{name} has no title");
        let asks = title.contains('?') || NO_QUESTION.iter().any(|exempt| page.path.ends_with(exempt));
        assert!(asks, "{name} asks no question in its title: {title}");
        for block in page.blocks() {
            // rustdoc would compile a block without a language as Rust.
            let known = ["sh", "console", "text", "toml", "python", "json", "sql"];
            assert!(known.contains(&block.language.as_str()), "{name} has a block of '{}'", block.language);
        }
    }
}

#[test]
fn pages_are_modules_and_links_lead_to_files() {
    let modules = fs::read_to_string(root().join("src/docs/mod.rs")).unwrap();
    let for_rustdoc = fs::read_to_string(root().join("src/docs/links.md")).unwrap();
    for page in Page::all() {
        let name = page.path.display();
        for link in page.links() {
            assert!(root().join(&link).exists(), "{name} links to {}, which is not there", link.display());
        }
        let Ok(file) = page.path.strip_prefix("src/docs") else { continue };
        assert!(modules.contains(&format!("\"{}\"", file.display())), "{name} is no module of src/docs/mod.rs");
        for named in page.named() {
            assert!(
                page.text.contains(&format!("\n[{named}]: ")),
                "{name} names [{named}], and has no line '[{named}]: FILE'"
            );
            assert!(for_rustdoc.contains(&format!("[{named}]: crate::docs::{named}\n")), "links.md has no [{named}]");
        }
    }
}

#[test]
fn pages_name_every_setting_engine_and_suite() {
    let settings =
        ["configuration.md", "s3.md", "services.md"].map(|name| Page::read(format!("src/docs/{name}")).text).concat();
    for key in KEYS.iter() {
        assert!(settings.contains(&format!("`{}`", key.variable)), "no page of settings has {}", key.variable);
    }
    let engines = Page::read("src/docs/engines.md").text;
    let bias = Page::read("src/docs/bias.md").text;
    for entry in catalog().entries().iter().filter(|entry| entry.kind != "own") {
        assert!(engines.contains(&format!("`{}`", entry.name)), "engines.md lacks {}", entry.name);
        let is_ours = entry.name == "null";
        assert!(is_ours || bias.contains(&format!("**`{}`**", entry.name)), "bias.md lacks {}", entry.name);
    }
    for suite in Suite::all(&Settings::read().unwrap()).unwrap().iter().filter(|suite| !suite.is_external()) {
        assert!(engines.contains(&format!("| `{}` |", suite.name)), "engines.md lacks the suite {}", suite.name);
    }
}

#[test]
fn every_command_of_the_pages_is_run_or_listed_with_a_reason() {
    let listed = listed();
    let mut known: BTreeSet<&str> = listed.run.iter().map(|run| run.command.as_str()).collect();
    for not_run in &listed.not_run {
        assert!(!not_run.why.is_empty());
        known.extend(not_run.commands.iter().map(String::as_str));
    }
    let whole: Vec<&String> = listed.not_run.iter().flat_map(|not_run| &not_run.pages).collect();
    let mut shown = BTreeSet::new();
    for page in Page::all() {
        if whole.iter().any(|name| page.path.ends_with(name)) {
            shown.extend(page.shown().into_iter().map(|shown| shown.command));
            continue;
        }
        for Shown { command, output } in page.shown() {
            let run = listed.run.iter().find(|run| run.command == command);
            if let (Some(run), Some(output)) = (run, &output) {
                // The same pattern that the program's own output has to meet.
                let pattern = Regex::new(&run.shows).unwrap();
                assert!(
                    pattern.is_match(output),
                    "{} shows other output than {}:\n{output}",
                    page.path.display(),
                    run.shows
                );
            }
            assert!(
                known.contains(command.as_str()),
                "tests/docs/commands.toml lacks a command of {}:\n{command}",
                page.path.display()
            );
            shown.insert(command);
        }
    }
    let gone: Vec<&&str> = known.iter().filter(|command| !shown.contains(**command)).collect();
    assert!(gone.is_empty(), "no page shows: {gone:#?}");
}

/// With `--help` behind it, what a command says of its options is looked at and nothing is done; a bench lists its cells.
#[test]
fn every_command_of_the_pages_parses() {
    let Some(runner) = Runner::new() else { return left_out("commands of pages: cargo xtask was not built") };
    let mut wrong = Vec::new();
    let mut all = BTreeSet::new();
    // A word in capitals stands for what somebody types.
    let placeholder = Regex::new(r"…|\b(?:COMMAND|FILE|NAME|PATH|QUERY|RESULT|SUITE)\b").unwrap();
    for page in Page::all() {
        all.extend(page.shown().into_iter().map(|shown| shown.command));
        all.extend(page.spoken().into_iter().filter(|command| !placeholder.is_match(command)));
    }
    let word = r#"(?:'[^']*'|"[^"]*"|[^|&>)'"\s])+"#;
    let ours =
        Regex::new(&format!("(?:[A-Z_0-9]+={word} +)*cargo (?:xtask(?: +{word})*|bench(?: -- {word}(?: +{word})*)?)"))
            .unwrap();
    for command in all {
        for one in ours.find_iter(&command) {
            // What a variable holds, or an own query without its table, is not known here.
            let found = one.as_str();
            let of_program = ["history", "serve"].iter().any(|name| found.contains(&format!("cargo xtask {name}")));
            // A pattern is held against every cell that can be named, which takes seconds.
            let takes_long = found.contains("'^") && found.contains("cargo bench") && !with_slow();
            if (of_program && !is_built("history"))
                || found.contains('$')
                || found == "cargo bench -- own"
                || takes_long
            {
                continue;
            }
            let asked = if found.contains("cargo xtask") { with_help(found) } else { found.to_owned() };
            let scale = if asked.contains("/sf0.01/") { "0.01" } else { "1" };
            let env = [("TEST_PARSES", "1"), ("QUERYDYNO_SCALE", scale)];
            let output = runner.run(&asked, &env.map(|(name, value)| (name.to_owned(), value.to_owned())));
            if !output.status.success() {
                wrong.push(format!("{asked}\n{}", text(&output)));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Before what is passed on to another program.
fn with_help(command: &str) -> String {
    match command.split_once(" -- ") {
        Some((ours, passed)) => format!("{ours} --help -- {passed}"),
        None => format!("{command} --help"),
    }
}

#[test]
fn commands_of_the_pages_do_what_they_say() {
    let Some(runner) = Runner::new() else { return left_out("commands of pages: cargo xtask was not built") };
    let with_slow = with_slow();
    let (mut wrong, mut slow) = (Vec::new(), 0);
    for run in listed().run {
        if run.slow && !with_slow {
            slow += 1;
            continue;
        }
        if let Some(gone) = run.needs.iter().find(|name| !is_built(name)) {
            left_out(&format!("{}; cargo xtask build {gone}", run.command));
            continue;
        }
        let mut env = vec![("TEST_BENCH_ARGS".to_owned(), cheap(&run.command).to_owned())];
        env.extend(run.env.clone());
        let began = Instant::now();
        let output = runner.run(&run.command, &env);
        let took = began.elapsed().as_secs_f64();
        let _ = writeln!(std::io::stderr(), "{took:6.1} s  {}", run.command);
        let shows = Regex::new(&run.shows).unwrap().is_match(&text(&output));
        if output.status.code() != Some(run.code) || !shows {
            wrong.push(format!(
                "{}: {:?}, and should show {}\n{}",
                run.command,
                output.status,
                run.shows,
                text(&output)
            ));
        }
    }
    if slow > 0 {
        left_out(&format!("{slow} commands of pages; TEST_DOCS=1 cargo test --release --test docs"));
    }
    assert!(runner.folder().join("home/records").is_dir() || !is_built("duckdb"), "nothing was measured");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Samples as cheap as can be.
fn cheap(command: &str) -> &'static str {
    let measures =
        command.contains("cargo bench") && !["--list", "--test", "--help"].iter().any(|word| command.contains(word));
    if measures { "--measurement-time 0.05 --warm-up-time 0.05 --nresamples 1001 --noplot" } else { "" }
}

#[test]
fn commands_are_joined_over_lines_and_without_comments() {
    let block = "a 'x # y' # why\n# only this\nb \\\n    --c 'd\n  e'\n\nf#g\n";
    assert_eq!(commands(block), ["a 'x # y'", "b --c 'd e'", "f#g"]);
}
