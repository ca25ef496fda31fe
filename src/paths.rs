//! Where things are: the package, cargo's target folder and what QueryDyno keeps in it.

use std::env;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use anyhow::{Result, bail};

use crate::id::BenchId;

/// The package's folder, with `fixtures` in it.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Checks that this executable belongs to the checkout it is run in: cargo builds two checkouts that share a target folder
/// into the same files, so another one's run may have replaced ours in between.
///
/// # Errors
/// Names both checkouts.
pub fn check_checkout() -> Result<()> {
    // Set by `cargo bench` and `cargo test`, not when the executable is called by hand.
    if let Some(called) = env::var_os("CARGO_MANIFEST_DIR").filter(|called| Path::new(called) != root()) {
        bail!(
            "this was built from {}, and is run in {}: they share a target folder; run it again, or give each a CARGO_TARGET_DIR of its own",
            root().display(),
            Path::new(&called).display()
        );
    }
    Ok(())
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
    criterion().join(id.group().replace('/', "_")).join(&id.variant)
}

/// Everything of ours below the target folder: records, data, scratch.
pub fn own(name: &str) -> PathBuf {
    target().join("querydyno").join(name)
}

/// The folder of a workload's queries and answers.
pub fn workload(name: &str) -> PathBuf {
    root().join("fixtures").join(name)
}
