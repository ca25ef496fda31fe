//! Another revision beside this tree: a git worktree in the target folder, with a target folder of its own.
//!
//! Both stay where they are between gates, so that a later base compiles only what differs. A first one begins with what is
//! compiled here already: cargo takes dependencies of another folder for fresh when nothing about them differs.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::host::catalog::command;
use crate::host::checkout::{self, Checkout, short};
use crate::host::settings::Settings;

/// What cargo keeps of compiled dependencies in a profile's folder.
const COMPILED: [&str; 3] = [".fingerprint", "build", "deps"];

/// The repository that a gate is called in, where it keeps what it needs beside it, and what it is called with.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Workspace<'a> {
    pub(crate) here: &'a Checkout,
    pub(crate) folder: &'a Path,
    pub(crate) filter: Option<&'a str>,
    pub(crate) settings: &'a Settings,
}

/// The full hash of a revision.
///
/// # Errors
/// When there is none of that name.
pub(super) fn commit(workspace: Workspace<'_>, revision: &str) -> Result<String> {
    git(&workspace.here.root, &["rev-parse", "--verify", "--end-of-options", &format!("{revision}^{{commit}}")])
        .with_context(|| {
            format!(
                "git knows no revision '{revision}' here; name a branch, a tag or a commit (a shallow clone has to fetch it first)"
            )
        })
}

/// Commits of `base` that are missing in `head`: whoever compares with them compares with more than this change.
pub(super) fn missing(workspace: Workspace<'_>, base: &str, head: &str) -> usize {
    let count = git(&workspace.here.root, &["rev-list", "--count", &format!("{head}..{base}")]);
    count.ok().and_then(|count| count.parse().ok()).unwrap_or_default()
}

/// The commit checked out in the worktree called `slot`, clean.
///
/// # Errors
/// When git cannot, or somebody has changed files there.
pub(crate) fn at(workspace: Workspace<'_>, slot: &str, commit: &str) -> Result<Checkout> {
    let repository = &workspace.here.root;
    let folder = workspace.folder.join(slot);
    let checkout = Checkout { root: folder.join("tree"), target: folder.join("target") };
    fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let tree = checkout.root.to_string_lossy().into_owned();
    if checkout.root.join(".git").exists() && !is_of(&checkout.root, repository) {
        // Two clones may share a target folder, and one may be gone.
        fs::remove_dir_all(&checkout.root).with_context(|| format!("cannot remove {tree}"))?;
    }
    if checkout.root.join(".git").exists() {
        check_clean(&checkout.root)?;
        git(&checkout.root, &["checkout", "--quiet", "--detach", commit])?;
    } else {
        // By force: one whose folder somebody has removed is still in git's list.
        git(repository, &["worktree", "add", "--quiet", "--detach", "--force", &tree, commit])?;
    }
    check_clean(&checkout.root)?;
    ensure!(git(&checkout.root, &["rev-parse", "HEAD"])? == commit, "{tree} is not at {commit}");
    ensure!(
        checkout.root.join("fixtures/engines.toml").is_file(),
        "{} has no fixtures/engines.toml: that revision is older than this command",
        short(commit)
    );
    seed(&workspace.here.target.join("release"), &checkout.target.join("release"))?;
    Ok(checkout)
}

/// Whether a worktree is of this repository.
fn is_of(tree: &Path, repository: &Path) -> bool {
    let common = |folder: &Path| {
        let path = git(folder, &["rev-parse", "--path-format=absolute", "--git-common-dir"]).ok()?;
        Path::new(&path).canonicalize().ok()
    };
    common(tree).is_some_and(|common_of| Some(common_of) == common(repository))
}

fn check_clean(tree: &Path) -> Result<()> {
    let changed = git(tree, &["status", "--porcelain"])?;
    ensure!(
        changed.is_empty(),
        "the base is dirty: {} in {} differs from the revision, because it was changed or a checkout was killed; restore it with: git -C {} stash --include-untracked",
        changed.lines().map(|line| line[2..].trim()).collect::<Vec<_>>().join(", "),
        tree.display(),
        tree.display()
    );
    Ok(())
}

/// Copies what is compiled here of others into a target folder that has nothing yet. Whatever of it cargo does not take for fresh, it
/// compiles. Our own package is left out: cargo tells two checkouts of it apart by the times of their files alone.
fn seed(from: &Path, to: &Path) -> Result<()> {
    if to.exists() || !from.join("deps").is_dir() {
        return Ok(());
    }
    log::info!("copying what is compiled already for the base, once");
    let staging = to.with_extension("part");
    // Left by a copy that was killed.
    let _ = fs::remove_dir_all(&staging);
    fs::create_dir_all(&staging).with_context(|| format!("cannot make {}", staging.display()))?;
    let parts: Vec<PathBuf> = COMPILED.iter().map(|part| from.join(part)).filter(|part| part.is_dir()).collect();
    let mut copy = Command::new("cp");
    // Times too: cargo goes by them.
    copy.args(["--recursive", "--preserve=all", "--reflink=auto"]).args(parts).arg(&staging);
    ensure!(command::run(&mut copy, |_| Ok(()))?.success(), "cannot copy {} to {}", from.display(), staging.display());
    forget_ours(&staging.join(".fingerprint"))?;
    fs::rename(&staging, to).with_context(|| format!("cannot make {}", to.display()))
}

/// Without its fingerprint, cargo takes nothing for compiled.
fn forget_ours(fingerprints: &Path) -> Result<()> {
    let ours = |name: &str| ["querydyno-", "xtask-"].iter().any(|package| name.starts_with(package));
    for entry in fs::read_dir(fingerprints).into_iter().flatten().flatten() {
        if entry.file_name().to_str().is_some_and(ours) {
            fs::remove_dir_all(entry.path()).with_context(|| format!("cannot remove {}", entry.path().display()))?;
        }
    }
    Ok(())
}

fn git(folder: &Path, args: &[&str]) -> Result<String> {
    let output = checkout::git(folder).args(args).output().context("cannot start git")?;
    ensure!(output.status.success(), "git {}: {}", args.join(" "), String::from_utf8_lossy(&output.stderr).trim());
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_compiled_is_copied_but_for_our_own() {
        let folder = tempfile::tempdir().unwrap();
        let (from, to) = (folder.path().join("head"), folder.path().join("base/release"));
        for made in [".fingerprint/serde-1", ".fingerprint/querydyno-2", ".fingerprint/xtask-3", "build/duckdb-4/out"] {
            fs::create_dir_all(from.join(made)).unwrap();
        }
        // Nothing is compiled yet.
        seed(&from, &to).unwrap();
        assert!(!to.exists());
        fs::create_dir(from.join("deps")).unwrap();
        fs::write(from.join("deps/libserde-1.rlib"), "compiled").unwrap();
        fs::write(from.join("querydyno-duckdb"), "a program").unwrap();
        seed(&from, &to).unwrap();
        assert_eq!(fs::read_to_string(to.join("deps/libserde-1.rlib")).unwrap(), "compiled");
        assert!(to.join(".fingerprint/serde-1").is_dir() && to.join("build/duckdb-4/out").is_dir());
        for gone in [".fingerprint/querydyno-2", ".fingerprint/xtask-3", "querydyno-duckdb"] {
            assert!(!to.join(gone).exists(), "{gone}");
        }
        // Once: what is there is cargo's from then on.
        fs::write(from.join("deps/libnew-5.rlib"), "compiled").unwrap();
        seed(&from, &to).unwrap();
        assert!(!to.join("deps/libnew-5.rlib").exists());
    }
}
