//! Folders that live as long as a guard: removed when it is dropped, swept later when its process was killed.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use rustix::io::Errno;
use rustix::process::{Pid, test_kill_process};
use tempfile::{Builder, TempDir};

/// A fresh folder below `root` that is removed with its guard. Its name begins with this process's number; those of
/// processes that are no more are removed first.
///
/// # Errors
/// When the folder cannot be made.
pub fn folder(root: &Path) -> Result<TempDir> {
    sweep(root);
    fs::create_dir_all(root)
        .and_then(|()| Builder::new().prefix(&format!("{}-", std::process::id())).tempdir_in(root))
        .with_context(|| format!("cannot make a folder in {}", root.display()))
}

fn sweep(root: &Path) {
    let Ok(entries) = fs::read_dir(root) else {
        return;
    };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let owner = name.to_str().and_then(|name| name.split_once('-'));
        if owner.is_some_and(|(pid, _)| pid.parse().is_ok_and(|pid| !lives(pid))) {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

/// Whether a process of this id exists, be it another user's.
pub fn lives(pid: i32) -> bool {
    let signal = |pid| test_kill_process(pid) != Err(Errno::SRCH);
    Pid::from_raw(pid).is_some_and(signal)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_goes_with_its_guard_and_a_dead_process_is_swept() {
        let root = folder(&std::env::temp_dir().join("querydyno-test")).unwrap();
        // Process ids end at 2^22 on Linux.
        let dead = root.path().join("99999999-0");
        fs::create_dir(&dead).unwrap();
        let own = folder(root.path()).unwrap();
        assert!(own.path().exists() && !dead.exists());
        let path = own.path().to_owned();
        drop(own);
        assert!(!path.exists());
    }
}
