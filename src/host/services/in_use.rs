//! Who uses a server at the moment, written down in its folder: a [`Mark`] for each session. One whose process is gone was left by a
//! command that was killed: the server may work on for it without end, beside whatever is measured next.

use std::fs;
use std::path::{Path, PathBuf};
use std::process;
use std::sync::atomic::{AtomicU64, Ordering};

use serde::{Deserialize, Serialize};

use super::process::boot;
use crate::host::files::write_whole;
use crate::measure::tree;

/// How the names of the files begin.
const FILE: &str = "used-by-";

/// A session that uses a server, for as long as it lives.
#[derive(Debug)]
pub(super) struct Mark(PathBuf);

/// The command whose session it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct User {
    pub(super) pid: u32,
    started_ticks: u64,
    boot: String,
    /// The port that it connects to.
    pub(super) port: u16,
}

impl Mark {
    /// Writes down that a session of this process uses the server. Where that cannot be, no later command learns that it was left.
    pub(super) fn set(folder: &Path, port: u16) -> Option<Self> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let pid = process::id();
        let user = User { pid, started_ticks: tree::look(pid)?.started_ticks, boot: boot(), port };
        let file = folder.join(format!("{FILE}{pid}-{}", NEXT.fetch_add(1, Ordering::Relaxed)));
        write_whole(&file, &serde_json::to_vec(&user).ok()?).ok()?;
        Some(Self(file))
    }
}

impl Drop for Mark {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

impl User {
    fn lives(&self) -> bool {
        self.boot == boot() && tree::runs_since(self.pid, self.started_ticks)
    }
}

/// A command that used the server on this port and was killed meanwhile.
pub(super) fn left(folder: &Path, port: u16) -> Option<User> {
    users(folder).map(|(_, user)| user).find(|user| user.port == port && !user.lives())
}

/// Whether another command that lives uses the server on this port.
pub(super) fn by_others(folder: &Path, port: u16) -> bool {
    users(folder).any(|(_, user)| user.port == port && user.pid != process::id() && user.lives())
}

/// Forgets those that are gone: the server runs no more, or anew.
pub(super) fn forget_left(folder: &Path) {
    for (file, _) in users(folder).filter(|(_, user)| !user.lives()) {
        let _ = fs::remove_file(file);
    }
}

fn users(folder: &Path) -> impl Iterator<Item = (PathBuf, User)> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let marks = entries.filter(|entry| entry.file_name().to_string_lossy().starts_with(FILE));
    marks.filter_map(|entry| {
        let file = entry.path();
        let user = serde_json::from_slice(&fs::read(&file).ok()?).ok()?;
        Some((file, user))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn left_is_who_is_gone_and_has_not_taken_its_mark_away() {
        let folder = tempfile::tempdir().unwrap();
        let mark = Mark::set(folder.path(), 15400).unwrap();
        assert_eq!(left(folder.path(), 15400), None);
        assert!(!by_others(folder.path(), 15400), "it is this process itself");
        let mut user: User = serde_json::from_slice(&fs::read(&mark.0).unwrap()).unwrap();
        drop(mark);
        assert_eq!(users(folder.path()).count(), 0);

        // The number was given to another process since.
        user.started_ticks += 1;
        let file = folder.path().join("used-by-1-0");
        fs::write(&file, serde_json::to_vec(&user).unwrap()).unwrap();
        assert_eq!(left(folder.path(), 15400), Some(user));
        assert_eq!(left(folder.path(), 15401), None);
        forget_left(folder.path());
        assert!(!file.exists());
    }

    #[test]
    fn by_others_counts_only_commands_that_still_run() {
        let folder = tempfile::tempdir().unwrap();
        let mut child = process::Command::new("sleep").arg("1000").spawn().unwrap();
        let pid = child.id();
        let user = User { pid, started_ticks: tree::look(pid).unwrap().started_ticks, boot: boot(), port: 1 };
        fs::write(folder.path().join("used-by-x"), serde_json::to_vec(&user).unwrap()).unwrap();
        assert!(by_others(folder.path(), 1) && !by_others(folder.path(), 2));
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(!by_others(folder.path(), 1));
        assert_eq!(left(folder.path(), 1), Some(user));
    }
}
