//! Where things are: the package, what QueryDyno keeps beside it, and what it makes in cargo's target folder.

use std::env;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use anyhow::{Result, ensure};

use crate::protocol::id::BenchId;

/// The package's folder, with `fixtures` in it: of the checkout that cargo was called in, else of the one that this was
/// built from. Cargo takes checkouts that share a target folder for one, so the two may differ.
pub fn root() -> &'static Path {
    static ROOT: LazyLock<PathBuf> = LazyLock::new(|| {
        let called = env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from).unwrap_or_default();
        // The package itself, or xtask in it; not called by cargo at all, it is none.
        let ours = |folder: &&Path| folder.is_absolute() && folder.join("fixtures/engines.toml").is_file();
        called.ancestors().take(2).find(ours).unwrap_or(built_from()).to_owned()
    });
    &ROOT
}

/// What to tell when this was built from another checkout than the one it runs for.
pub fn other_checkout() -> Option<String> {
    (root() != built_from()).then(|| {
        format!(
            "note: this was built from {} and runs for {}: they share a target folder; if their code differs, give each a CARGO_TARGET_DIR of its own",
            built_from().display(),
            root().display()
        )
    })
}

fn built_from() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Cargo's target folder, the one that this executable was built into.
pub fn target() -> &'static Path {
    static TARGET: LazyLock<PathBuf> = LazyLock::new(|| {
        let told = env::var_os("CARGO_TARGET_DIR").map(PathBuf::from);
        let built_into = || {
            let exe = env::current_exe().ok()?;
            // Cargo marks each target folder with this file.
            let marked = |folder: &&Path| folder.join("CACHEDIR.TAG").exists();
            Some(exe.ancestors().find(marked)?.to_owned())
        };
        let target = told.or_else(built_into).unwrap_or_else(|| root().join("target"));
        // A relative CARGO_TARGET_DIR is relative to where cargo was called: the package, for all our commands.
        root().join(target)
    });
    &TARGET
}

/// Criterion's folder.
pub fn criterion() -> PathBuf {
    target().join("criterion")
}

/// Criterion's folder of one cell, with its `new` and its baselines: in Criterion's names `/` becomes `_`.
pub fn criterion_of(id: &BenchId) -> PathBuf {
    criterion_below(&criterion(), id)
}

/// The same in a folder of Criterion's that lies elsewhere.
pub(crate) fn criterion_below(folder: &Path, id: &BenchId) -> PathBuf {
    folder.join(id.group().replace('/', "_")).join(&id.variant)
}

/// What can be made again, below the target folder: data, programs' environments, scratch.
pub fn own(name: &str) -> PathBuf {
    target().join("querydyno").join(name)
}

/// What was measured, which nothing brings back, beside the package: `.querydyno`, or the folder that `QUERYDYNO_HOME` names. `cargo
/// clean` does not touch it.
pub fn home() -> PathBuf {
    // As a part of somebody's own program this package lies where cargo keeps sources, which is no place for results.
    let is_foreign = env::var_os("CARGO_MANIFEST_DIR").is_some_and(|called| !Path::new(&called).starts_with(root()));
    match named_home() {
        Some(home) => root().join(home),
        None if is_foreign => own(""),
        None => root().join(".querydyno"),
    }
}

/// Where earlier versions kept what belongs into this home, if it is the one that nobody named.
pub fn former(home: &Path) -> Option<PathBuf> {
    (named_home().is_none() && home == self::home()).then(|| own(""))
}

/// A home, and after it where earlier versions kept what belongs into it: in the order in which to look.
pub(crate) fn homes(home: &Path) -> impl Iterator<Item = PathBuf> + use<> {
    [Some(home.to_owned()), former(home)].into_iter().flatten()
}

fn named_home() -> Option<PathBuf> {
    env::var_os(HOME).filter(|folder| !folder.is_empty()).map(PathBuf::from)
}

/// The variable that names another home.
pub const HOME: &str = "QUERYDYNO_HOME";

/// The history of results, a DuckDB file: `history.duckdb` in the home, or what one of [`HISTORY`] names.
pub fn history() -> PathBuf {
    let named = HISTORY.iter().filter_map(env::var_os).find(|file| !file.is_empty());
    named.map_or_else(|| home().join("history.duckdb"), |file| root().join(file))
}

/// The variables that name another history, the first that is set: ours, and that of the tool before this one.
pub const HISTORY: [&str; 2] = ["QUERYDYNO_HISTORY", "BENCHMARK_DB_PATH"];

/// The file in a suite's folder that declares it, where there is one: `suite.toml`, or `workload.toml`, as it was called before.
///
/// # Errors
/// When the folder has both.
pub(crate) fn suite_file(folder: &Path) -> Result<Option<PathBuf>> {
    let [today, before] =
        ["suite.toml", FORMER_SUITE_FILE].map(|name| Some(folder.join(name)).filter(|file| file.is_file()));
    ensure!(
        today.is_none() || before.is_none(),
        "{} holds suite.toml and {FORMER_SUITE_FILE}, which is the same by its former name: delete one",
        folder.display()
    );
    Ok(today.or(before))
}

/// What [`suite_file`] was called before.
pub(crate) const FORMER_SUITE_FILE: &str = "workload.toml";

/// The folder of a suite's queries and answers.
pub fn suite(name: &str) -> PathBuf {
    root().join("fixtures").join(name)
}
