//! What the workflows in `.github/workflows` have to keep to, as far as a text can show it: who may write, what is pinned, what
//! is bound in time. That a rule can be broken is tested on an example.
//!
//! Read by lines and their indentation, as they are written here, and not as YAML: no YAML crate is worth three files.
//! What YAML and GitHub think of them, actionlint says.

use std::collections::{BTreeMap, BTreeSet};
use std::env;
use std::fs;
use std::io::Write;
use std::path::PathBuf;
use std::process::Command;

use querydyno::host::paths::root;
use test_case::test_case;

/// The one job with a token that writes.
const WRITER: &str = "comment";
/// The one job that may put pages in public. It runs nothing of this repository.
const PUBLISHER: &str = "publish";
/// What binds it to the branch that everybody sees.
const MAIN: &str = "github.ref == 'refs/heads/main'";
/// What binds the writer to branches of this repository.
const SAME_REPOSITORY: &str = "github.event.pull_request.head.repo.full_name == github.repository";
/// GitHub ends a job after so many minutes, and says nothing of why.
const LONGEST_MINUTES: u32 = 360;
/// A longer `run` is logic, whose place is xtask, where it is tested.
const LONGEST_RUN: usize = 4;

/// A key with what stands behind it and below it. Comments are left out.
#[derive(Debug, Clone)]
struct Entry {
    key: String,
    value: String,
    inside: Vec<String>,
}

impl Entry {
    fn new(line: &str) -> Option<Self> {
        let (key, value) = line.trim().split_once(':')?;
        let value = value.split(" #").next().unwrap_or_default().trim();
        Some(Self { key: key.to_owned(), value: value.to_owned(), inside: Vec::new() })
    }

    fn text(&self) -> String {
        format!("{}\n{}", self.value, self.inside.join("\n"))
    }

    /// The lines below, without indentation and comments.
    fn lines(&self) -> Vec<&str> {
        self.inside.iter().filter_map(|line| line.split(" #").next()).map(str::trim).collect()
    }
}

fn depth(line: &str) -> usize {
    line.len() - line.trim_start().len()
}

/// The keys that stand at this depth.
fn entries<S: AsRef<str>>(lines: &[S], at: usize) -> Vec<Entry> {
    let mut found: Vec<Entry> = Vec::new();
    let written = lines.iter().map(AsRef::as_ref);
    for line in written.filter(|line| !line.trim().is_empty() && !line.trim().starts_with('#')) {
        let key = (depth(line) == at && !line.trim().starts_with("- ")).then(|| Entry::new(line)).flatten();
        match (key, found.last_mut()) {
            (Some(entry), _) => found.push(entry),
            (None, Some(last)) => last.inside.push(line.to_owned()),
            (None, None) => {}
        }
    }
    found
}

fn get<'a>(entries: &'a [Entry], key: &str) -> Option<&'a Entry> {
    entries.iter().find(|entry| entry.key == key)
}

struct Job {
    name: String,
    entries: Vec<Entry>,
    steps: Vec<Vec<Entry>>,
}

impl Job {
    fn new(entry: &Entry) -> Self {
        let entries = entries(&entry.inside, 4);
        let mut steps: Vec<Vec<String>> = Vec::new();
        for line in get(&entries, "steps").map(|steps| steps.inside.clone()).unwrap_or_default() {
            match (depth(&line) == 6).then(|| line.trim().strip_prefix("- ")).flatten() {
                Some(first) => steps.push(vec![format!("        {first}")]),
                None => steps.last_mut().expect("a step begins with `- ` at the sixth column").push(line),
            }
        }
        let steps = steps.iter().map(|step| self::entries(step, 8)).collect();
        Self { name: entry.key.clone(), entries, steps }
    }

    fn get(&self, key: &str) -> String {
        get(&self.entries, key).map(Entry::text).unwrap_or_default()
    }
}

struct Workflow {
    text: String,
    top: Vec<Entry>,
    jobs: Vec<Job>,
}

impl Workflow {
    fn new(text: &str) -> Self {
        let top = entries(&text.lines().collect::<Vec<_>>(), 0);
        let jobs = entries(&get(&top, "jobs").expect("a workflow has jobs").inside, 2).iter().map(Job::new).collect();
        Self { text: text.to_owned(), top, jobs }
    }

    fn job(&self, name: &str) -> &Job {
        self.jobs.iter().find(|job| job.name == name).unwrap_or_else(|| panic!("no job {name}"))
    }

    /// What `uses` names, with the comment behind it.
    fn uses(&self) -> Vec<&str> {
        let lines = self.text.lines().map(|line| line.trim().trim_start_matches("- "));
        lines.filter_map(|line| line.strip_prefix("uses:")).map(str::trim).collect()
    }

    /// Every rule that it breaks.
    fn faults(&self) -> Vec<String> {
        let unpinned = self.uses().into_iter().filter(|uses| pin(uses).is_none());
        let mut faults: Vec<String> =
            unpinned.map(|uses| format!("{uses}: not pinned by commit, with its version behind it")).collect();
        for trigger in ["pull_request_target", "workflow_run"] {
            if self.text.contains(trigger) {
                faults.push(format!("{trigger} gives a stranger's change the repository's rights"));
            }
        }
        if get(&self.top, "permissions").is_none_or(|granted| granted.lines() != ["contents: read"]) {
            faults.push("the top has to grant `contents: read` and nothing else".to_owned());
        }
        let (_, above): (Vec<_>, Vec<_>) = self.top.iter().cloned().partition(|entry| entry.key == "jobs");
        faults.extend(secrets(&above));
        for job in &self.jobs {
            faults.extend(job.faults().into_iter().map(|fault| format!("job {}: {fault}", job.name)));
        }
        faults
    }
}

impl Job {
    fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        let minutes = self.get("timeout-minutes").trim().parse::<u32>();
        if !minutes.is_ok_and(|minutes| minutes <= LONGEST_MINUTES) {
            faults.push(format!("no timeout-minutes up to {LONGEST_MINUTES}"));
        }
        let granted = get(&self.entries, "permissions");
        if self.name == WRITER {
            if granted.is_none_or(|granted| granted.lines() != ["contents: read", "pull-requests: write"]) {
                faults.push("it is to write on pull requests, and nothing else".to_owned());
            }
            if !self.get("if").contains(SAME_REPOSITORY) {
                faults.push("it writes for forks".to_owned());
            }
        } else if self.name == PUBLISHER {
            if granted.is_none_or(|granted| granted.lines() != ["pages: write", "id-token: write"]) {
                faults.push("it is to publish pages, and nothing else".to_owned());
            }
            faults.extend((!self.get("if").contains(MAIN)).then(|| "it publishes other branches".to_owned()));
            let only = |step: &Vec<Entry>| get(step, "uses").is_some_and(|uses| uses.text().contains("/deploy-pages@"));
            if !self.steps.iter().all(only) {
                faults.push("the job that publishes runs more than the action for it".to_owned());
            }
            faults.extend(secrets(&self.entries));
        } else {
            if granted.is_some() {
                faults.push("permissions of its own".to_owned());
            }
            faults.extend(secrets(&self.entries));
        }
        for step in &self.steps {
            faults.extend(self.faults_of(step));
        }
        faults
    }

    fn faults_of(&self, step: &[Entry]) -> Vec<String> {
        let mut faults = Vec::new();
        let text = |key: &str| get(step, key).map(Entry::text).unwrap_or_default();
        let (run, with) = (text("run"), text("with"));
        if run.contains("${{") {
            faults.push(format!("an expression in a run block, which a stranger may have worded: {}", run.trim()));
        }
        if run.trim().lines().filter(|line| *line != "|").count() > LONGEST_RUN {
            faults.push(format!("a run block of more than {LONGEST_RUN} lines: {}", run.trim()));
        }
        if text("uses").contains("actions/checkout@") {
            if !with.contains("persist-credentials: false") {
                faults.push("a checkout that leaves its token behind".to_owned());
            }
            if self.name == WRITER && !with.contains("ref: ${{ github.event.pull_request.base.sha }}") {
                faults.push("the job that writes runs code that nobody has reviewed".to_owned());
            }
        }
        faults
    }
}

/// What gives somebody's code a token or a secret.
fn secrets(entries: &[Entry]) -> Option<String> {
    let given = |entry: &Entry| ["secrets", "github.token"].iter().any(|word| entry.text().contains(word));
    entries.iter().any(given).then(|| "a token or a secret".to_owned())
}

/// Action, commit and version of `owner/action/part@commit # v1.2.3`.
fn pin(uses: &str) -> Option<(&str, &str, &str)> {
    let (action, pinned) = uses.split_once('@')?;
    let (commit, version) = pinned.split_once(" # v")?;
    let hexadecimal = commit.len() == 40 && commit.chars().all(|c| c.is_ascii_digit() || ('a'..='f').contains(&c));
    let numbers: Vec<_> = version.split('.').map(str::parse::<u32>).collect();
    let whole = numbers.len() == 3 && numbers.iter().all(Result::is_ok);
    let repository = action.match_indices('/').nth(1).map_or(action, |(end, _)| &action[..end]);
    (hexadecimal && whole).then_some((repository, commit, version))
}

fn files() -> Vec<PathBuf> {
    let found = fs::read_dir(root().join(".github/workflows")).unwrap().map(|entry| entry.unwrap().path());
    let mut found: Vec<_> = found.collect();
    found.sort();
    found
}

fn workflow(name: &str) -> Workflow {
    Workflow::new(&fs::read_to_string(root().join(".github/workflows").join(name)).unwrap())
}

fn workflows() -> BTreeMap<String, Workflow> {
    let names = files().into_iter().map(|path| path.file_name().unwrap().to_str().unwrap().to_owned());
    names.map(|name| (name.clone(), workflow(&name))).collect()
}

#[test]
fn no_workflow_breaks_a_rule() {
    let all = workflows();
    assert_eq!(all.keys().map(String::as_str).collect::<Vec<_>>(), ["ci.yml", "gate.yml", "nightly.yml"]);
    for (name, workflow) in &all {
        assert!(workflow.jobs.iter().all(|job| !job.steps.is_empty()), "{name} was not understood");
        assert_eq!(workflow.faults(), Vec::<String>::new(), "{name}");
    }
    let writers: Vec<_> =
        all.iter().flat_map(|(name, of)| of.jobs.iter().map(move |job| (name.as_str(), job.name.as_str()))).collect();
    assert_eq!(writers.iter().filter(|(_, job)| *job == WRITER).collect::<Vec<_>>(), [&("gate.yml", WRITER)]);
    assert_eq!(writers.iter().filter(|(_, job)| *job == PUBLISHER).collect::<Vec<_>>(), [&("nightly.yml", PUBLISHER)]);
}

#[test]
fn every_night_the_pages_are_published_from_the_results_of_the_bench() {
    let nightly = workflow("nightly.yml");
    assert_eq!(nightly.job(PUBLISHER).get("needs").trim(), "engines");
    // Nothing is published over the journal of earlier nights before that is here.
    let order = ["bench -- \"$CELLS\"", "\"$PUBLISHED/journal.tar.gz\"", "--export target/site", "path: target/site\n"];
    let places = order.map(|what| nightly.text.find(what).unwrap_or_else(|| panic!("no {what}")));
    assert!(places.is_sorted(), "{places:?}");
    assert_eq!(nightly.text.matches("steps.journal.outcome == 'success'").count(), 2);
}

/// Breaks no rule.
const EXAMPLE: &str = "
on:
  pull_request:
permissions:
  contents: read # and no more
jobs:
  test:
    runs-on: ubuntu-24.04
    timeout-minutes: 90
    steps:
      - uses: actions/checkout@de0fac2e4500dabe0009e67214ff5f5447ce83dd # v6.0.2
        with:
          persist-credentials: false
      - run: cargo test \"$NAME\"
        env:
          NAME: ${{ github.head_ref }}
  comment:
    if: >-
      ${{ !cancelled() &&
      github.event.pull_request.head.repo.full_name == github.repository }}
    timeout-minutes: 5
    permissions:
      contents: read
      pull-requests: write
    steps:
      - uses: actions/checkout@de0fac2e4500dabe0009e67214ff5f5447ce83dd # v6.0.2
        with:
          ref: ${{ github.event.pull_request.base.sha }}
          persist-credentials: false
      - run: cargo xtask comment
        env:
          GH_TOKEN: ${{ github.token }}
  publish:
    needs: test
    if: ${{ github.ref == 'refs/heads/main' }}
    timeout-minutes: 10
    permissions:
      pages: write
      id-token: write
    steps:
      - uses: actions/deploy-pages@d6db90164ac5ed86f2b6aed7e0febac5b3c0c03e # v4.0.5
";

#[test]
fn the_example_breaks_no_rule() {
    assert_eq!(Workflow::new(EXAMPLE).faults(), Vec::<String>::new());
}

#[test_case("@de0fac2e4500dabe0009e67214ff5f5447ce83dd # v6.0.2", "@v6", "not pinned")]
#[test_case("ce83dd # v6.0.2", "ce83d # v6.0.2", "not pinned")]
#[test_case(" # v6.0.2", "", "not pinned")]
#[test_case(" # v6.0.2", " # v6", "not pinned")]
#[test_case("  pull_request:", "  pull_request_target:", "a stranger's change")]
#[test_case("  pull_request:", "  workflow_run:", "a stranger's change")]
#[test_case("permissions:\n  contents: read # and no more\n", "", "the top has to grant")]
#[test_case("  contents: read # and", "  contents: write # and", "the top has to grant")]
#[test_case("  contents: read # and no more", "  contents: read\n  issues: read", "the top has to grant")]
#[test_case("permissions:\n  contents: read # and no more", "permissions: write-all", "the top has to grant")]
#[test_case("    timeout-minutes: 90\n", "", "job test: no timeout")]
#[test_case("    timeout-minutes: 90", "    timeout-minutes: 900", "job test: no timeout")]
#[test_case("    timeout-minutes: 90", "    timeout-minutes: 90\n    permissions: write-all", "permissions of its own")]
#[test_case("      pull-requests: write", "      pull-requests: write\n      issues: write", "and nothing else")]
#[test_case("head.repo.full_name == github.repository", "head.repo.full_name != ''", "writes for forks")]
#[test_case("      id-token: write", "      id-token: write\n      contents: write", "publish pages, and nothing else")]
#[test_case("github.ref == 'refs/heads/main'", "github.ref != ''", "publishes other branches")]
#[test_case(
    "      - uses: actions/deploy-pages@",
    "      - run: make\n      - uses: actions/deploy-pages@",
    "runs more than"
)]
#[test_case("          persist-credentials: false\n", "", "leaves its token")]
#[test_case("          ref: ${{ github.event.pull_request.base.sha }}\n", "", "nobody has reviewed")]
#[test_case("\"$NAME\"", "\"${{ github.head_ref }}\"", "an expression in a run block")]
#[test_case("cargo test \"$NAME\"", "|\n          cargo test ${{ github.head_ref }}", "an expression in a run block")]
#[test_case(
    "run: cargo test",
    "run: |\n          a\n          b\n          c\n          d\n          e",
    "more than 4 lines"
)]
#[test_case("${{ github.head_ref }}", "${{ secrets.KEY }}", "a token or a secret")]
#[test_case("${{ github.head_ref }}", "${{ github.token }}", "a token or a secret")]
#[test_case(
    "    timeout-minutes: 90",
    "    timeout-minutes: 90\n    env:\n      KEY: ${{ secrets.KEY }}",
    "a token or a secret"
)]
#[test_case("jobs:", "env:\n  KEY: ${{ secrets.KEY }}\njobs:", "a token or a secret")]
fn each_rule_can_be_broken(good: &str, bad: &str, fault: &str) {
    assert!(EXAMPLE.contains(good), "the example has no {good:?}");
    let faults = Workflow::new(&EXAMPLE.replacen(good, bad, 1)).faults();
    assert!(!faults.is_empty() && faults.iter().all(|told| told.contains(fault)), "{faults:#?}");
}

#[test]
fn an_action_has_one_version_in_all_workflows() {
    let all = workflows();
    let pins: BTreeSet<_> = all.values().flat_map(Workflow::uses).filter_map(pin).collect();
    let actions: BTreeSet<_> = pins.iter().map(|(action, ..)| action).collect();
    assert_eq!(pins.len(), actions.len(), "{pins:#?}");
}

/// A cache with other paths is another cache, and one that a pull request could write would be no one's but its own.
#[test]
fn caches_have_the_same_paths_and_only_main_keeps_one() {
    let mut paths = BTreeSet::new();
    let mut keys = BTreeSet::new();
    for (name, workflow) in workflows() {
        for step in workflow.jobs.iter().flat_map(|job| &job.steps) {
            let uses = get(step, "uses").map(Entry::text).unwrap_or_default();
            if !uses.contains("actions/cache") {
                continue;
            }
            let with = entries(&get(step, "with").unwrap().inside, 10);
            paths.insert(get(&with, "path").unwrap().text());
            if uses.contains("actions/cache/restore@") {
                keys.insert((get(&with, "key").unwrap().text(), get(&with, "restore-keys").unwrap().text()));
                continue;
            }
            assert!(uses.contains("actions/cache/save@") && name == "ci.yml", "{name} keeps a cache: {uses}");
            assert!(get(step, "if").unwrap().text().contains("github.event_name == 'push'"), "{name}");
        }
    }
    assert_eq!((paths.len(), keys.len()), (1, 1), "{paths:#?} {keys:#?}");
    assert!(get(&workflow("ci.yml").top, "on").unwrap().text().contains("branches: [main]"));
}

/// Branch protection knows it by its name, and takes a check that is skipped for one that passed.
#[test]
fn the_gates_verdict_is_told_whatever_became_of_the_gate() {
    let gate = workflow("gate.yml");
    let verdict = gate.job("verdict");
    assert_eq!(verdict.get("name").trim(), "gate verdict");
    assert_eq!(verdict.get("needs").trim(), "[gate, confirm]");
    assert_eq!(verdict.get("if").trim(), "${{ always() }}");
    let last = verdict.steps.last().unwrap();
    assert_eq!(get(last, "run").unwrap().text().trim(), "test \"$CODE\" = 0");
    // The one way past it: every row was measured, and some are too noisy.
    assert_eq!(get(last, "if").unwrap().text().trim(), "${{ env.CONCLUSION != 'noisy' }}");
}

#[test]
fn every_night_the_gates_own_rows_are_held_against_themselves() {
    let (gate, nightly) = (workflow("gate.yml"), workflow("nightly.yml"));
    let env = entries(&get(&gate.top, "env").unwrap().inside, 2);
    let at_night = entries(&get(&nightly.job("gate").entries, "env").unwrap().inside, 6);
    for key in ["ROWS", "BUDGET", "QUERYDYNO_CONFIG"] {
        assert_eq!(get(&at_night, key).unwrap().value, get(&env, key).unwrap().value, "{key}");
    }
    assert!(nightly.text.contains("--base HEAD "));
}

#[test]
fn ci_installs_what_its_script_would_as_root() {
    let script = fs::read_to_string(root().join(".ci/run")).unwrap();
    let tools = script.lines().find_map(|line| line.strip_prefix("for tool in ")).unwrap().split(';').next().unwrap();
    let packages: Vec<_> = tools.split(' ').map(|tool| tool.split('=').next_back().unwrap()).collect();
    assert!(packages.len() > 1, "{packages:?}");
    let ci = workflow("ci.yml");
    let installed: BTreeSet<_> =
        ci.text.lines().filter(|line| line.contains("apt-get install")).flat_map(str::split_whitespace).collect();
    for package in packages {
        assert!(installed.contains(package), "ci.yml does not install {package}");
    }
}

#[test]
fn actionlint_has_nothing_to_say() {
    let folders: Vec<_> = env::split_paths(&env::var_os("PATH").unwrap_or_default())
        .chain(env::home_dir().map(|home| home.join("go/bin")))
        .collect();
    let find = |tool: &str| folders.iter().map(|folder| folder.join(tool)).find(|path| path.is_file());
    // Not `eprintln!`, which a test that passes would swallow.
    let tell = |what: &str| drop(writeln!(std::io::stderr(), "LEFT OUT: {what}"));
    let Some(actionlint) = find("actionlint") else {
        assert!(env::var_os("GITHUB_ACTIONS").is_none(), "there is no actionlint, which ci.yml installs");
        tell("there is no actionlint; go install github.com/rhysd/actionlint/cmd/actionlint@latest");
        return;
    };
    if find("shellcheck").is_none() {
        tell("actionlint does not look at run blocks; apt-get install shellcheck");
    }
    let output = Command::new(actionlint).arg("-no-color").args(files()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}
