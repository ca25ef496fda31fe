//! The folder in which a table is made before it appears under its name.
//!
//! It lies beside the final place, so that renaming is one step on one disk, and bears the maker's process id,
//! so that what a killed process left behind can be told and swept.

use std::fs::{self, DirEntry, File};
use std::path::{Path, PathBuf};

use anyhow::Context as _;

use crate::host::scratch::lives;

/// A table in the making; dropped without [`Staging::publish`], it is removed.
#[derive(Debug)]
pub(super) struct Staging {
    path: PathBuf,
    place: PathBuf,
    published: bool,
}

impl Staging {
    /// Makes the folder for a table.
    ///
    /// # Errors
    /// It cannot be made.
    pub(super) fn new(folder: &Path, table: &str) -> anyhow::Result<Self> {
        let path = folder.join(format!(".{table}.{}.tmp", std::process::id()));
        fs::create_dir(&path).with_context(|| format!("cannot make {}", path.display()))?;
        Ok(Self { path, place: folder.join(table), published: false })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Puts the table in its place, where an older one is removed first.
    ///
    /// # Errors
    /// The older one cannot be removed, or renaming fails.
    pub(super) fn publish(&mut self) -> anyhow::Result<()> {
        let place = self.place.display();
        sync_folder(&self.path)?;
        if self.place.exists() {
            fs::remove_dir_all(&self.place)
                .with_context(|| format!("cannot remove the broken {place}; remove it by hand"))?;
        }
        fs::rename(&self.path, &self.place)
            .with_context(|| format!("cannot rename {} to {place}", self.path.display()))?;
        self.published = true;
        self.place.parent().map_or(Ok(()), sync_folder)
    }
}

impl Drop for Staging {
    fn drop(&mut self) {
        if !self.published {
            // Nobody could act on a failure here, and the next call sweeps what stays.
            let _ = fs::remove_dir_all(&self.path);
        }
    }
}

/// Whether a dead process left a table half made.
pub(super) fn left_behind(folder: &Path) -> bool {
    !leftovers(folder, |pid| !lives(pid)).is_empty()
}

/// Removes what dead processes left half made; call it with the lock held.
///
/// With the lock held nothing of this process's own id is in use either: a container gives the same few ids
/// again and again.
///
/// # Errors
/// A leftover cannot be removed.
pub(super) fn sweep(folder: &Path) -> anyhow::Result<()> {
    let own = std::process::id().cast_signed();
    for path in leftovers(folder, |pid| pid == own || !lives(pid)) {
        fs::remove_dir_all(&path)
            .with_context(|| format!("cannot remove {}, left by a process that died", path.display()))?;
    }
    Ok(())
}

/// Folders named `.<table>.<pid>.tmp` with such a process id.
fn leftovers(folder: &Path, wanted: impl Fn(i32) -> bool) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let left = |entry: &DirEntry| entry.file_name().to_str().and_then(maker).is_some_and(&wanted);
    entries.filter(left).map(|entry| entry.path()).collect()
}

/// The process id in the name of a staging folder.
fn maker(name: &str) -> Option<i32> {
    let (_, pid) = name.strip_prefix('.')?.strip_suffix(".tmp")?.rsplit_once('.')?;
    pid.parse().ok()
}

/// Brings a folder's list of names to the disk; file systems without that are none the worse.
fn sync_folder(folder: &Path) -> anyhow::Result<()> {
    let opened = File::open(folder).with_context(|| format!("cannot open {}", folder.display()))?;
    let _ = opened.sync_all();
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unpublished_table_is_removed_and_a_published_one_replaces_the_old() {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("nation");
        fs::create_dir(&place).unwrap();
        fs::write(place.join("old"), "").unwrap();

        let dropped = Staging::new(folder.path(), "nation").unwrap();
        fs::write(dropped.path().join("new"), "").unwrap();
        drop(dropped);
        assert!(place.join("old").exists());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);

        let mut kept = Staging::new(folder.path(), "nation").unwrap();
        fs::write(kept.path().join("new"), "").unwrap();
        kept.publish().unwrap();
        drop(kept);
        assert!(place.join("new").exists() && !place.join("old").exists());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn an_own_leftover_is_swept_but_not_taken_for_a_dead_ones() {
        let folder = tempfile::tempdir().unwrap();
        std::mem::forget(Staging::new(folder.path(), "nation").unwrap());
        assert!(!left_behind(folder.path()));
        sweep(folder.path()).unwrap();
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn only_names_of_the_right_form_have_a_maker() {
        assert_eq!(maker(".lineitem.42.tmp"), Some(42));
        for name in ["lineitem", ".lock", ".lineitem.tmp", "lineitem.42.tmp", ".x.y.tmp"] {
            assert_eq!(maker(name), None, "{name}");
        }
    }
}
