//! A source tree and the target folder that it is built into: ours, or another revision's beside it; and asking git about one.

use std::env;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::host::paths;

/// Where a source tree lies, and where what is built of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkout {
    /// The package's folder.
    pub root: PathBuf,
    /// Cargo's target folder for it.
    pub target: PathBuf,
}

impl Checkout {
    /// The one that this runs for.
    pub fn here() -> Self {
        Self { root: paths::root().to_owned(), target: paths::target().to_owned() }
    }

    /// Everything of ours below its target folder, such as Python environments.
    pub(crate) fn own(&self, name: &str) -> PathBuf {
        self.target.join("querydyno").join(name)
    }
}

/// What says whom git trusts and how it reaches others, and nothing of which repository is meant.
const OF_EVERY_REPOSITORY: [&str; 6] =
    ["GIT_CONFIG_", "GIT_SSH", "GIT_ASKPASS", "GIT_TERMINAL_PROMPT", "GIT_SSL_", "GIT_HTTP_"];

/// A git command on this folder. A hook, or a git alias, that calls us has set `GIT_DIR` and more for its own repository: that
/// must not be taken for this one's.
pub(crate) fn git(folder: &Path) -> Command {
    let mut git = Command::new("git");
    for (name, _) in env::vars_os() {
        if name.to_str().is_some_and(is_of_one_repository) {
            git.env_remove(name);
        }
    }
    git.arg("-C").arg(folder).stdin(Stdio::null());
    git
}

/// A commit as people write it: its first twelve digits.
pub(crate) fn short(commit: &str) -> &str {
    commit.get(..12).unwrap_or(commit)
}

fn is_of_one_repository(name: &str) -> bool {
    let kept = OF_EVERY_REPOSITORY.iter().any(|prefix| name.starts_with(prefix)) && name != "GIT_CONFIG_PARAMETERS";
    name.starts_with("GIT_") && !kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_is_twelve_digits_at_most() {
        assert_eq!(short("3f2a9c51d07e48b6a1c4e5f60718293a4b5c6d7e"), "3f2a9c51d07e");
        assert_eq!(short("3f2a9c5"), "3f2a9c5");
    }

    #[test]
    fn git_is_not_told_of_another_repository() {
        for cleared in
            ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_COMMON_DIR", "GIT_CONFIG_PARAMETERS", "GIT_PREFIX"]
        {
            assert!(is_of_one_repository(cleared), "{cleared}");
        }
        // A container's way to say that it trusts a checkout of another user.
        for kept in ["GIT_CONFIG_COUNT", "GIT_CONFIG_KEY_0", "GIT_SSH_COMMAND", "GITHUB_SHA", "HOME"] {
            assert!(!is_of_one_repository(kept), "{kept}");
        }
    }
}
