//! What engine programs see of the environment that a bench is called in, and what git facts are of.

mod common;

use std::collections::BTreeMap;
use std::fs;
use std::process::Command;

use common::{Bench, text};
use querydyno::host::paths::root;

/// The variables of an engine program that is called in an environment with these.
fn seen(variables: &[(&str, &str)]) -> BTreeMap<String, String> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("seen");
    let program = format!("env > '{}'; exit 3", file.display());
    let config = format!(
        "[engine.mine]\nprogram = '/bin/sh'\nargs = ['-c', \"{program}\"]\nenv = {{ MALLOC_CONF = 'mine', POLARS_MAX_THREADS = '{{threads}}' }}\n"
    );
    let mut bench = Bench::new(&config).args(&["mine/q6"]).env("QUERYDYNO_THREADS", "2");
    for (name, value) in variables {
        bench = bench.env(name, value);
    }
    let output = bench.run();
    let text = fs::read_to_string(&file).unwrap_or_else(|error| panic!("{error}: {}", text(&output)));
    text.lines().filter_map(|line| line.split_once('=')).map(|(a, b)| (a.to_owned(), b.to_owned())).collect()
}

#[test]
fn an_engine_sees_its_own_variables_and_ours_and_none_that_would_change_it() {
    let seen = seen(&[
        ("MALLOC_CONF", "of the shell"),
        ("POLARS_MAX_THREADS", "77"),
        ("POLARS_VERBOSE", "1"),
        ("PYTHONPATH", "/nowhere"),
        ("RUST_LOG", "trace"),
        ("TZ", "Asia/Tokyo"),
        ("LC_NUMERIC", "de_DE.UTF-8"),
        ("OPENBLAS_CORETYPE", "Haswell"),
        ("AWS_REGION", "eu-central-1"),
        ("AWS_SECRET_ACCESS_KEY", "of the shell"),
        ("HIVE_CONF_DIR", "/etc/hive"),
    ]);
    let value = |name: &str| seen.get(name).map(String::as_str);
    assert_eq!((value("MALLOC_CONF"), value("POLARS_MAX_THREADS")), (Some("mine"), Some("2")));
    for gone in ["POLARS_VERBOSE", "PYTHONPATH", "RUST_LOG", "LC_NUMERIC", "AWS_REGION", "AWS_SECRET_ACCESS_KEY"] {
        assert_eq!(value(gone), None, "{gone}");
    }
    for (set, wanted) in [("TZ", "UTC"), ("LC_ALL", "C.UTF-8"), ("LANG", "C.UTF-8"), ("PYTHONUTF8", "1")] {
        assert_eq!(value(set), Some(wanted), "{set}");
    }
    assert_eq!((value("OPENBLAS_CORETYPE"), value("HIVE_CONF_DIR")), (Some("Haswell"), Some("/etc/hive")));
}

#[test]
fn a_record_tells_this_checkouts_commit_whatever_repository_the_shell_means() {
    let asked = Command::new("git").arg("-C").arg(root()).args(["rev-parse", "HEAD"]).output();
    let commit = asked.ok().filter(|asked| asked.status.success());
    let commit = commit.map(|asked| String::from_utf8(asked.stdout).unwrap().trim().to_owned());
    let other = tempfile::tempdir().unwrap();
    let config = "[engine.mine]\nprogram = '/bin/false'\n";
    let mut bench = Bench::new(config).args(&["mine/q6"]).env("GIT_DIR", &other.path().display().to_string());
    let output = bench.run();
    let found = bench.record("mine").git.map(|git| git.commit);
    // A folder that was unpacked below another checkout has no commit of its own.
    if root().join(".git").exists() {
        assert_eq!(found, commit, "{}", text(&output));
    } else {
        assert_eq!(found, None, "{}", text(&output));
    }
}
