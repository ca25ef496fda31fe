//! Commands of pages, run in a shell as somebody types them: `cargo xtask` and `cargo bench` are the programs that this build has.

use std::env;
use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use querydyno::host::paths::{root, target};
use tempfile::TempDir;

/// Every suite has a bench target, and `cargo bench` runs them one after the other.
const SUITES: &str = "own pods social tpcds tpch";

/// Variables that settings, stores and servers are read from, by how their names begin: what a shell or `.ci/run` exports of them would
/// be another question than the one that a page asks.
const SET_BY_COMMANDS: [&str; 14] = [
    "AWS_",
    "BENCHMARK_",
    "HIVE_",
    "MARIADB_",
    "MYSQL_",
    "PG",
    "POSTGRES",
    "QUERYDYNO_",
    "S3_",
    "SPARK_",
    "STARROCKS_",
    "THUNDERDUCK_",
    "TRINO_",
    "GITHUB_",
];
/// The same by their whole names.
const SET_BY_COMMANDS_WHOLE: [&str; 2] = ["TABLE_NAME", "QUERY"];
/// What is installed here, which no page asks about.
const KEPT: [&str; 4] = ["QUERYDYNO_DATA", "QUERYDYNO_DUCKDB", "QUERYDYNO_JAVA", "QUERYDYNO_PYTHON"];

/// A folder for what the commands leave, and a `cargo` of our own.
pub struct Runner {
    folder: TempDir,
}

impl Runner {
    /// None where `cargo xtask` was not built.
    pub fn new() -> Option<Self> {
        let xtask = target().join("release/xtask");
        if !xtask.is_file() {
            return None;
        }
        let folder = TempDir::new().unwrap();
        let bin = folder.path().join("bin");
        fs::create_dir(&bin).unwrap();
        let cargo = bin.join("cargo");
        fs::write(&cargo, script(&xtask)).unwrap();
        fs::set_permissions(&cargo, fs::Permissions::from_mode(0o755)).unwrap();
        symlink(root().join("tests"), folder.path().join("tests")).unwrap();
        Some(Self { folder })
    }

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// In a folder that has the repository's `tests`, whose files pages name. What is measured and written goes into that folder.
    pub fn run(&self, command: &str, env: &[(String, String)]) -> Output {
        let path = env::join_paths(
            std::iter::once(self.folder.path().join("bin"))
                .chain(env::split_paths(&env::var_os("PATH").unwrap_or_default())),
        );
        let mut bash = Command::new("bash");
        for (name, _) in env::vars_os() {
            let is_set = name.to_str().is_some_and(|name| {
                SET_BY_COMMANDS_WHOLE.contains(&name) || SET_BY_COMMANDS.iter().any(|begin| name.starts_with(begin))
            });
            if is_set && !KEPT.iter().any(|kept| name == *kept) {
                bash.env_remove(name);
            }
        }
        bash.args(["-c", command])
            .current_dir(self.folder.path())
            .env("CARGO_MANIFEST_DIR", root())
            .env("PATH", path.unwrap())
            .env("QUERYDYNO_HOME", self.folder.path().join("home"))
            .env("QUERYDYNO_SCALE", "0.01")
            .env("NO_COLOR", "1")
            .envs(env.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .output()
            .unwrap()
    }
}

/// `cargo bench -- ARGS` runs every suite's target, as cargo does; what is neither a bench nor `xtask` goes to the real cargo.
fn script(xtask: &Path) -> String {
    let bench = PathBuf::from(env!("CARGO_BIN_EXE_bench-tpch"));
    format!(
        r#"#!/bin/bash
if [ "$1" = xtask ]; then
    shift
    exec '{xtask}' "$@"
elif [ "$1" = bench ] && {{ [ $# = 1 ] || [ "$2" = -- ]; }}; then
    shift; shift
    suites="{SUITES}"
    # Each target looks at the whole filter.
    [ -z "$TEST_PARSES" ] || {{ set -- "$@" --list; suites=tpch; }}
    for suite in $suites; do
        TEST_WORKLOAD=$suite '{bench}' --bench "$@" $TEST_BENCH_ARGS || exit $?
    done
else
    exec '{cargo}' "$@"
fi
"#,
        xtask = xtask.display(),
        bench = bench.display(),
        cargo = env!("CARGO"),
    )
}
