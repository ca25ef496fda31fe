//! A server's program, fetched once: made in a folder beside, and put in its place by one renaming. What is there is whole.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

use crate::host::lock::Lock;
use crate::host::scratch;
use crate::host::space;
use crate::protocol::units::Bytes;

/// What is fetched, as far as a user is told.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fetched<'a> {
    /// What it is for: `Trino`.
    pub(super) what: &'a str,
    /// What it comes as: `pyspark 4.0.1`.
    pub(super) package: &'a str,
    pub(super) download: Bytes,
    /// On the disk while it is made, and afterwards.
    pub(super) needed: Bytes,
    pub(super) stays: Bytes,
}

/// The file or folder at `place`, in the folder of services; `make`s it in a folder that it is given where it is not there.
///
/// # Errors
/// Without room on the disk, after an interrupt, or those of `make`; nothing half made stays.
pub(super) fn once(
    home: &Path,
    place: &Path,
    fetched: Fetched<'_>,
    make: impl FnOnce(&Path) -> Result<PathBuf>,
) -> Result<()> {
    let Fetched { what, package, download, needed, stays } = fetched;
    if place.exists() {
        return Ok(());
    }
    fs::create_dir_all(home).with_context(|| format!("cannot make {}", home.display()))?;
    let _lock = Lock::wait(home, "fetches a server")?;
    if place.exists() {
        return Ok(());
    }
    let free = space::free(home).with_context(|| format!("cannot ask for free space at {}", home.display()))?;
    ensure!(
        free >= needed.0,
        "{what} needs {needed} while it is unpacked and {stays} afterwards, but only {} are free at {}: free some space, or set CARGO_TARGET_DIR to a folder on another disk",
        Bytes(free),
        home.display()
    );
    log::info!(
        "fetching {what}, once: {package}, a download of {download}, of which {stays} stay in {}",
        home.display()
    );
    let staging = scratch::folder(&home.join("making"))?;
    let ready = make(staging.path())?;
    if let Some(parent) = place.parent() {
        fs::create_dir_all(parent)?;
    }
    fs::rename(&ready, place).with_context(|| format!("cannot rename {} to {}", ready.display(), place.display()))
}

/// Brings what is in a folder to the disk: a power cut must not leave empty files under a name that says whole.
///
/// # Errors
/// When it is not there, or cannot be written.
pub(super) fn sync(folder: &Path) -> Result<()> {
    for entry in fs::read_dir(folder).with_context(|| format!("there is no {} in it", folder.display()))? {
        let path = entry?.path();
        if path.is_dir() && !path.is_symlink() {
            sync(&path)?;
        } else {
            fs::File::open(path)?.sync_all()?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fetched(needed: u64) -> Fetched<'static> {
        let size = Bytes(1);
        Fetched { what: "Trino", package: "a package", download: size, needed: Bytes(needed), stays: size }
    }

    #[test]
    fn once_makes_what_is_missing_and_takes_what_is_there() {
        let home = tempfile::tempdir().unwrap();
        let place = home.path().join("in/it");
        let fails = once(home.path(), &place, fetched(1), |_| anyhow::bail!("no index"));
        assert!(fails.unwrap_err().to_string().contains("no index") && !place.exists());
        let make = |staging: &Path| {
            fs::write(staging.join("half"), "")?;
            fs::write(staging.join("made"), "all")?;
            Ok(staging.join("made"))
        };
        once(home.path(), &place, fetched(1), make).unwrap();
        assert_eq!(fs::read_to_string(&place).unwrap(), "all");
        assert_eq!(fs::read_dir(home.path().join("making")).unwrap().count(), 0);
        once(home.path(), &place, fetched(1), |_| unreachable!("it is there")).unwrap();
    }

    #[test]
    fn once_refuses_a_disk_without_room_before_anything_is_fetched() {
        let home = tempfile::tempdir().unwrap();
        let refused = once(home.path(), &home.path().join("x"), fetched(u64::MAX), |_| unreachable!("no room"));
        let refused = refused.unwrap_err().to_string();
        assert!(refused.contains("Trino needs") && refused.contains("CARGO_TARGET_DIR"), "{refused}");
    }
}
