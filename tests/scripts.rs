//! Script engines: environments, the protocol module, and the engine that CONTRIBUTING shows, run as it is printed.

mod common;

use std::fs;
use std::io::Write;
use std::path::PathBuf;
use std::process::Command;

use common::{Bench, catalog, text};
use querydyno::host::paths::root;
use querydyno::host::record::Record;
use querydyno::host::verify::Verdict;
use tempfile::TempDir;
use test_case::test_case;

/// The first block of CONTRIBUTING in that language.
fn printed(language: &str) -> String {
    let text = fs::read_to_string(root().join(".github/CONTRIBUTING.md")).unwrap();
    let (_, rest) = text.split_once(&format!("```{language}\n")).unwrap();
    rest.split_once("```").unwrap().0.to_owned()
}

/// An environment that is there already, with its packages; tests install nothing.
fn python(engine: &str) -> Option<PathBuf> {
    let program = catalog().entry(engine).unwrap().find();
    if program.is_none() {
        let _ = writeln!(std::io::stderr(), "LEFT OUT: {engine} is not installed; cargo xtask build {engine}");
    }
    Some(program?.path)
}

/// Whether this machine has the Python that script engines need.
fn has_python() -> bool {
    let asked = Command::new("python3").args(["-c", "import sys, venv; sys.exit(sys.version_info < (3, 11))"]).status();
    let there = asked.is_ok_and(|status| status.success());
    if !there {
        let _ = writeln!(std::io::stderr(), "LEFT OUT: there is no python3 from 3.11 on");
    }
    there
}

/// A file of this code.
fn script(folder: &TempDir, code: &str) -> PathBuf {
    let file = folder.path().join("engine.py");
    fs::write(&file, code).unwrap();
    file
}

fn records(config: &str, filter: &str) -> (Vec<Record>, String) {
    let mut bench = Bench::cheap(config, filter);
    let output = bench.run();
    bench.assert_clean();
    (bench.records(), text(&output))
}

#[test]
fn the_engine_of_contributing_is_short_and_verified() {
    let code = printed("python");
    assert!(code.lines().count() < 60);
    let Some(python) = python("polars-wheel") else { return };
    let folder = TempDir::new().unwrap();
    let config = format!(
        "[engine.mine]\nprogram = '{}'\nargs = ['-B', '{}']\nenv = {{ PYTHONPATH = '{}' }}\n",
        python.display(),
        script(&folder, &code).display(),
        root().join("src/engine/python/module").display()
    );
    let (records, shown) = records(&config, "^mine/q(6|17)/");
    let [q6, q17] = records.as_slice() else { panic!("{shown}") };
    assert!(q6.verdict.as_ref().is_some_and(Verdict::verified), "{shown}");
    assert_eq!(q6.engine.build.source.as_deref(), Some("wheel polars 2.1.0"));
    // Its own SQL decides: what it takes is verified, what it does not take is skipped.
    assert_ne!(q17.outcome.word(), "failed", "{shown}");
}

/// What an engine that is nothing but Python's own library does in `run`, and how its cell ends.
#[test_case("raise Unsupported('no such thing here')", "skipped", "no such thing here"; "unsupported")]
#[test_case("raise KeyError('lineitem')", "failed", "KeyError: 'lineitem'"; "error")]
#[test_case("import os; os._exit(3)", "failed", "3"; "exit")]
#[test_case("self.n += 1; return [('1193053.2253',)] * self.n", "failed", "1 rows before and 2 rows now"; "rows")]
#[test_case("print('{\"did\":\"fail\"}'); return [(None,)]", "failed", "wrong answer"; "noise")]
fn a_script_ends_its_cell_as_an_engine_of_rust_does(run: &str, outcome: &str, reason: &str) {
    let code = format!(
        "from querydyno import Engine, Unsupported, answer, serve\n\
         class Mine(Engine):\n    n = 0\n    def __init__(self, settings): self.version = '1'\n    \
         def load(self, tables): pass\n    def run(self, sql):\n        {run}\n    \
         def answer(self, rows): return answer([('revenue', 'decimal')], rows)\n\
         serve('mine', Mine)\n"
    );
    if !has_python() {
        return;
    }
    let folder = TempDir::new().unwrap();
    let config = format!("[engine.mine]\nscript = '{}'\n", script(&folder, &code).display());
    let (records, shown) = records(&config, "mine/q6");
    assert_eq!(records[0].outcome.word(), outcome, "{shown}");
    assert!(records[0].reason().is_some_and(|told| told.contains(reason)), "{shown}");
}

#[test]
fn without_python_a_script_engine_is_skipped_and_says_what_to_do() {
    let mut bench = Bench::new("python = '/nowhere/python3'\n").args(&["pandas/q6"]);
    let output = bench.run();
    assert!(output.status.success(), "{}", text(&output));
    let record = bench.record("pandas");
    let reason = record.reason().unwrap();
    assert_eq!(record.outcome.word(), "skipped");
    assert!(reason.contains("no /nowhere/python3") && reason.contains("QUERYDYNO_PYTHON"), "{reason}");
}

#[test]
fn a_package_that_is_not_there_is_named_and_nothing_half_made_is_taken_for_whole() {
    if !has_python() {
        return;
    }
    let folder = TempDir::new().unwrap();
    let file = script(&folder, "");
    let missing = format!("file://{}/nothing-1.0-py3-none-any.whl", folder.path().display());
    let config = format!("[engine.mine]\nscript = '{}'\nrequirements = ['nothing @ {missing}']\n", file.display());
    let mut bench = Bench::new(&config).args(&["mine/q6"]);
    for _ in 0..2 {
        let output = bench.run();
        let shown = text(&output);
        assert!(shown.contains("cannot install nothing @") && shown.contains("skipped: mine q6"), "{shown}");
    }
}

/// A wheel of one module, made by Python itself, so that no index is needed.
fn wheel(folder: &TempDir) {
    let code = "import sys, zipfile\n\
        facts = 'qdtiny-1.0.dist-info/'\n\
        with zipfile.ZipFile(sys.argv[1] + '/qdtiny-1.0-py3-none-any.whl', 'w') as wheel:\n    \
        wheel.writestr('qdtiny.py', 'VERSION = \"1.0 of the wheel\"')\n    \
        wheel.writestr(facts + 'METADATA', 'Metadata-Version: 2.1\\nName: qdtiny\\nVersion: 1.0\\n')\n    \
        wheel.writestr(facts + 'WHEEL', 'Wheel-Version: 1.0\\nGenerator: test\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n')\n    \
        wheel.writestr(facts + 'RECORD', 'qdtiny.py,,\\n' + facts + 'METADATA,,\\n' + facts + 'WHEEL,,\\n')\n";
    assert!(Command::new("python3").args(["-c", code]).arg(folder.path()).status().unwrap().success());
}

/// A run of an engine that needs the wheel; `pip_conf` is what the user's own configuration says.
fn needs_wheel(folder: &TempDir, pip_conf: &str) -> Bench {
    wheel(folder);
    let code = "import qdtiny\nfrom querydyno import Engine, serve\n\
        class Mine(Engine):\n    \
        def __init__(self, settings): self.version = qdtiny.VERSION\n    \
        def load(self, tables): pass\n    \
        def run(self, sql): raise KeyError(sql)\n\
        serve('mine', Mine)\n";
    let configuration = folder.path().join("pip.conf");
    fs::write(&configuration, pip_conf).unwrap();
    let config =
        format!("[engine.mine]\nscript = '{}'\nrequirements = ['qdtiny==1.0']\n", script(folder, code).display());
    let links = folder.path().display().to_string();
    Bench::new(&config)
        .args(&["mine/q6"])
        .env("PIP_NO_INDEX", "1")
        .env("PIP_FIND_LINKS", &links)
        .env("UV_NO_INDEX", "1")
        .env("UV_FIND_LINKS", &links)
        .env("PIP_CONFIG_FILE", &configuration.display().to_string())
}

#[test]
fn environment_has_its_packages_despite_pip_settings_of_the_shell() {
    if !has_python() {
        return;
    }
    let folder = TempDir::new().unwrap();
    let elsewhere = folder.path().join("elsewhere");
    let mut bench = needs_wheel(&folder, "[install]\nuser = true\n")
        .env("PIP_TARGET", &elsewhere.display().to_string())
        .env("PIP_USER", "1")
        .env("PIP_DRY_RUN", "1")
        .env("PYTHONSAFEPATH", "1")
        .env("PYTHONPATH", "/nowhere")
        .env("PYTHONHOME", "/nowhere");
    let output = bench.run();
    assert_eq!(bench.record("mine").engine.version.as_deref(), Some("1.0 of the wheel"), "{}", text(&output));
    assert!(!elsewhere.exists());
}

#[test]
fn an_environment_without_its_package_is_removed_and_says_what_is_missing() {
    let has_uv = Command::new("uv").arg("--version").output().is_ok();
    // Only pip reads a pip.conf.
    if !has_python() || has_uv {
        return;
    }
    let folder = TempDir::new().unwrap();
    let elsewhere = folder.path().join("elsewhere");
    let mut bench = needs_wheel(&folder, &format!("[install]\ntarget = {}\n", elsewhere.display()));
    let output = bench.run();
    let shown = text(&output);
    assert!(elsewhere.join("qdtiny.py").exists(), "{shown}");
    let record = bench.record("mine");
    let reason = record.reason().unwrap();
    assert_eq!(record.outcome.word(), "skipped", "{shown}");
    for told in ["does not hold qdtiny==1.0, so it was removed", "there is no qdtiny in it", "pip.conf"] {
        assert!(reason.contains(told), "{reason}");
    }
    assert!(!bench.folder.path().join("target/querydyno/python/mine").exists());
}
