//! The environment of every engine program: what is cleared, what is set, what is passed on and told.
//!
//! Two people with the same machine and data must get the same numbers, so nothing that a shell happens to export may change
//! an engine's answer or speed. An engine's own `env` (`fixtures/engines.toml`, `querydyno.toml`) is applied last and wins.
//!
//! | what | which variables | then |
//! |---|---|---|
//! | cleared | [`CLEARED`]: settings of engines, allocators, thread pools, Python, the locale | [`cleared`] names them for a note |
//! | set | [`SET`]: UTC, the locale `C.UTF-8`, Python's UTF-8 mode | the same everywhere, so nobody has to be told |
//! | told | [`TOLD`]: some machines cannot run without them, and they can change speed | passed on; [`recorded`] is for the record |
//! | passed on | everything else: `HOME`, `PATH`, proxies, `HIVE_*`, `MYSQL_*`, `STARROCKS_*`, `QUERYDYNO_*` | |

use std::collections::BTreeMap;
use std::env;
use std::ffi::{OsStr, OsString};
use std::path::Path;
use std::process::Command;

use crate::host::paths;

/// Cleared, by what they would change. A name that ends in `*` stands for all that begin so, one that begins with `*` for
/// all that end so.
const CLEARED: [(&str, &str); 20] = [
    ("modules, optimisation and encoding of every Python program", "PYTHON*"),
    ("packages of Python programs that install some", "PIP_*"),
    ("another Python environment than the engine's own", "VIRTUAL_ENV CONDA_*"),
    ("the repository that a program takes for its own", "GIT_*"),
    ("logging, backtraces, stack size", "RUST*"),
    ("glibc's allocator, and jemalloc's MALLOC_CONF", "MALLOC_*"),
    ("jemalloc with a prefix: _RJEM_, JE_ARROW_, DUCKDB_JE_", "*_MALLOC_CONF"),
    ("other allocators: that of pyarrow's wheel is mimalloc", "MIMALLOC_* TCMALLOC_*"),
    (
        "threads; GOTO_ is OpenBLAS's older name",
        "OMP_* GOMP_* KMP_* GOTO_NUM_THREADS BLIS_* NUMEXPR_* VECLIB_* RAYON_* TOKIO_* GOMAXPROCS",
    ),
    ("threads and kernels, but for OpenBLAS's two in TOLD", "OPENBLAS_* MKL_*"),
    ("NumPy's kernels, rules of types and huge pages", "NPY_* NUMPY_*"),
    ("pandas' types and copies", "PANDAS_*"),
    ("an engine's own options, threads, spilling, logging", "POLARS_* DUCKDB_* DATAFUSION_* DAFT_*"),
    ("pyarrow's threads, memory pool and instruction set", "ARROW_*"),
    ("sorting, numbers, encoding", "LC_* LANG"),
    ("messages", "LANGUAGE"),
    ("what a timestamp means", "TZ"),
    ("the rules of time zones and of sorting", "TZDIR ICU_*"),
    ("catalogs and readers of Iceberg tables", "PYICEBERG_*"),
    // A process's environment can be read by others of its user.
    ("how S3 is reached: a program whose tables are there is told by its settings", "AWS_*"),
];

/// Where rustup lies: no setting of an engine, and an engine's program may be a script that calls cargo.
const RUSTUP: &str = "RUSTUP_";

/// Set for every engine program.
const SET: [(&str, &str); 4] = [("TZ", "UTC"), ("LC_ALL", "C.UTF-8"), ("LANG", "C.UTF-8"), ("PYTHONUTF8", "1")];

/// Passed on and recorded. `OPENBLAS_CORETYPE` and `OPENBLAS_L2_SIZE` keep older `OpenBLAS` from crashing on some virtual machines.
const TOLD: [&str; 8] = [
    LIBRARIES,
    "LD_PRELOAD",
    "GLIBC_TUNABLES",
    "OPENBLAS_CORETYPE",
    "OPENBLAS_L2_SIZE",
    "JAVA_TOOL_OPTIONS",
    "JDK_JAVA_OPTIONS",
    "_JAVA_OPTIONS",
];

/// Cargo puts folders of its own in front of this one for whatever it runs: those are left out.
const LIBRARIES: &str = "LD_LIBRARY_PATH";

/// Gives a command the environment of an engine program, from these `variables` that it has now. What is set on the command
/// afterwards stays.
pub(crate) fn prepare(command: &mut Command, variables: impl IntoIterator<Item = (OsString, OsString)>) {
    for (name, value) in variables {
        if name.to_str().is_some_and(is_cleared) {
            command.env_remove(name);
        } else if name == LIBRARIES {
            match users_own(&value) {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
    }
    command.envs(SET);
}

/// What is set for every engine program, for those that are given nothing else.
pub(crate) fn always() -> impl Iterator<Item = (String, String)> {
    SET.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
}

/// What of these `variables` was passed on to the engines and can change their speed or results, for the record.
pub(crate) fn recorded(variables: impl IntoIterator<Item = (OsString, OsString)>) -> BTreeMap<String, String> {
    let told = |(name, value): (OsString, OsString)| {
        let name = name.into_string().ok().filter(|name| TOLD.contains(&name.as_str()))?;
        let value = if name == LIBRARIES { users_own(&value)? } else { value };
        (!value.is_empty()).then(|| (name, value.to_string_lossy().into_owned()))
    };
    variables.into_iter().filter_map(told).collect()
}

/// The names of this environment, such as `env::vars_os()` has them, that the engines do not get, sorted; for a note. What is
/// replaced by a value of ours is not among them, nor what rustup sets for itself.
pub(crate) fn cleared(names: impl IntoIterator<Item = OsString>) -> Vec<String> {
    let told = |name: &String| {
        let replaced = SET.iter().any(|(set, _)| set == name) || name.starts_with("LC_") || name == "LANGUAGE";
        let replaced = replaced || name.starts_with("AWS_");
        is_cleared(name) && !replaced && name != "RUST_RECURSION_COUNT"
    };
    let mut names: Vec<String> = names.into_iter().filter_map(|name| name.into_string().ok()).filter(told).collect();
    names.sort();
    names
}

fn is_cleared(name: &str) -> bool {
    let matches = |pattern: &str| match (pattern.strip_prefix('*'), pattern.strip_suffix('*')) {
        (Some(suffix), _) => name.ends_with(suffix),
        (None, Some(prefix)) => name.starts_with(prefix),
        (None, None) => name == pattern,
    };
    let kept = TOLD.contains(&name) || name.starts_with(RUSTUP);
    !kept && CLEARED.iter().any(|(_, patterns)| patterns.split(' ').any(matches))
}

/// The folders of libraries that the user named; `None` when all are cargo's: those of the target folder and of the toolchain.
fn users_own(folders: &OsStr) -> Option<OsString> {
    let of_cargo = |folder: &Path| {
        let of_toolchain =
            folder.components().any(|part| part.as_os_str() == "toolchains" || part.as_os_str() == "rustlib");
        folder.starts_with(paths::target()) || of_toolchain
    };
    let own: Vec<_> = env::split_paths(folders).filter(|folder| !of_cargo(folder)).collect();
    let own = env::join_paths(own).ok()?;
    (!own.is_empty()).then_some(own)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::host::catalog::Catalog;
    use crate::host::session::{Limits, Program};
    use crate::host::settings::Settings;

    /// What a child sees that is started from an environment of these variables, with this afterwards.
    fn seen(before: &[(&str, &str)], after: &BTreeMap<String, String>) -> BTreeMap<String, String> {
        let before: Vec<_> = before.iter().map(|(name, value)| (OsString::from(name), OsString::from(value))).collect();
        let mut command = Command::new("/usr/bin/env");
        command.env_clear().envs(before.clone());
        prepare(&mut command, before);
        let output = command.envs(after).output().unwrap();
        assert!(output.status.success());
        let text = String::from_utf8(output.stdout).unwrap();
        text.lines().filter_map(|line| line.split_once('=')).map(|(a, b)| (a.to_owned(), b.to_owned())).collect()
    }

    #[test]
    fn prepare_clears_what_changes_engines_and_passes_on_the_rest() {
        let gone = [
            "PYTHONPATH",
            "PYTHONSAFEPATH",
            "PIP_TARGET",
            "GIT_DIR",
            "MALLOC_CONF",
            "_RJEM_MALLOC_CONF",
            "MALLOC_ARENA_MAX",
            "RUST_LOG",
            "RUST_BACKTRACE",
            "RUSTFLAGS",
            "OMP_NUM_THREADS",
            "OPENBLAS_NUM_THREADS",
            "POLARS_VERBOSE",
            "DATAFUSION_EXECUTION_BATCH_SIZE",
            "DUCKDB_JE_MALLOC_CONF",
            "ARROW_DEFAULT_MEMORY_POOL",
            "CONDA_PREFIX",
            "VIRTUAL_ENV",
            "LC_NUMERIC",
            "LANGUAGE",
            "TOKIO_WORKER_THREADS",
            "RAYON_NUM_THREADS",
            "MIMALLOC_VERBOSE",
            "TZDIR",
            "ICU_DATA",
            "PYICEBERG_HOME",
            "AWS_ACCESS_KEY_ID",
            "AWS_SECRET_ACCESS_KEY",
        ];
        let kept = [
            "HOME",
            "https_proxy",
            "HIVE_METASTORE_URI",
            "MYSQL_PASSWORD",
            "STARROCKS_PORT",
            "QUERYDYNO_SCALE",
            "GLIBC_TUNABLES",
            "OPENBLAS_CORETYPE",
            "OPENBLAS_L2_SIZE",
            "RUSTUP_HOME",
            "MALLOC",
        ];
        let before: Vec<_> = gone.iter().chain(&kept).map(|name| (*name, "1")).chain([("TZ", "Asia/Tokyo")]).collect();
        let seen = seen(&before, &BTreeMap::new());
        let names: Vec<&str> = seen.keys().map(String::as_str).collect();
        let mut wanted: Vec<&str> = kept.iter().copied().chain(SET.iter().map(|(name, _)| *name)).collect();
        wanted.sort_unstable();
        assert_eq!(names, wanted);
        for (name, value) in SET {
            assert_eq!(seen[name], value);
        }
    }

    #[test]
    fn prepare_lets_the_engines_own_entry_win() {
        let catalog = Catalog::read(&Settings::read().unwrap()).unwrap();
        let limits = Limits {
            timeout: Duration::from_secs(1),
            query_timeout: None,
            memory: None,
            told_memory: None,
            threads: 3,
            first_processor: None,
        };
        let there = Program { path: "/usr/bin/env".into(), ..Program::default() };
        for (engine, name, value) in [
            ("duckdb", "MALLOC_CONF", "oversize_threshold:268435456,dirty_decay_ms:10000,muzzy_decay_ms:10000"),
            ("polars", "POLARS_MAX_THREADS", "3"),
            ("datafusion-wheel", "TOKIO_WORKER_THREADS", "3"),
        ] {
            let own = catalog.entry(engine).unwrap().given(there.clone()).find().unwrap();
            let seen = seen(&[(name, "of the shell")], &own.variables(limits, Path::new("/scratch")));
            assert_eq!(seen[name], value, "{engine}");
        }
    }

    #[test]
    fn cleared_names_what_a_note_should_tell() {
        let names =
            ["PYTHONPATH", "POLARS_VERBOSE", "HOME", "LANG", "LC_ALL", "TZ", "RUSTUP_TOOLCHAIN", "OPENBLAS_CORETYPE"];
        assert_eq!(cleared(names.map(OsString::from)), ["POLARS_VERBOSE", "PYTHONPATH"]);
        assert!(cleared([OsString::from("PATH")]).is_empty());
    }

    #[test]
    fn recorded_tells_what_was_passed_on_without_cargos_own_folders() {
        let deps = paths::target().join("release/deps");
        let folders = env::join_paths([&*deps, Path::new("/opt/mine/lib"), Path::new("/r/toolchains/x/lib")]).unwrap();
        let told = |libraries: OsString| {
            let variables = [
                ("LD_LIBRARY_PATH", libraries),
                ("OPENBLAS_CORETYPE", "Haswell".into()),
                ("LD_PRELOAD", "".into()),
                ("POLARS_VERBOSE", "1".into()),
            ];
            recorded(variables.map(|(name, value)| (OsString::from(name), value)))
        };
        let found = told(folders);
        let found: Vec<_> = found.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        assert_eq!(found, [("LD_LIBRARY_PATH", "/opt/mine/lib"), ("OPENBLAS_CORETYPE", "Haswell")]);
        assert!(!told(deps.into_os_string()).contains_key(LIBRARIES));
    }
}
