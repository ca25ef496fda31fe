//! Spark's jars: those in its Python package, which any Python package index has. The Hive Metastore is among them.
//!
//! They are fetched once, by pip, which takes its own configuration (an index, a proxy) from where it always does.
//!
//! `cargo xtask services up hive` fetches them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Result, ensure};

use super::fetch::{self, Fetched};
use super::pinned::{Pyspark, SPARK_4_0};
use super::wait::tool;
use crate::host::catalog::command;
use crate::host::progress::Work;
use crate::protocol::units::Bytes;

const PACKAGE: &str = "pyspark";

/// The folder of the Hive Metastore's jars in this folder of services, if it is there.
pub fn hive_jars(home: &Path) -> Option<PathBuf> {
    Some(place(home, &SPARK_4_0)).filter(|jars| jars.is_dir())
}

/// As [`hive_jars`], of Spark 3.5.
pub fn spark_3_5_jars(home: &Path) -> Option<PathBuf> {
    Some(place(home, &super::pinned::SPARK_3_5)).filter(|jars| jars.is_dir())
}

fn place(home: &Path, pyspark: &Pyspark) -> PathBuf {
    home.join(format!("{PACKAGE}-{}-jars", pyspark.version))
}

/// Fetches the jars unless they are there; `what` they are for is what a user is told.
///
/// # Errors
/// Without pip, an index or room on the disk, or after an interrupt; nothing half made stays.
pub(super) fn ensure(home: &Path, python: &str, pyspark: &Pyspark, what: &str) -> Result<PathBuf> {
    let place = place(home, pyspark);
    let fetched = Fetched {
        what,
        package: &format!("{PACKAGE} {}", pyspark.version),
        download: pyspark.download,
        // The archive, what pip unpacks of it to read who made it, and the jars.
        needed: Bytes(2 * pyspark.download.0 + 2 * pyspark.unpacked.0),
        stays: pyspark.unpacked,
    };
    fetch::once(home, &place, fetched, |staging| {
        let archive = download(staging, python, pyspark)?;
        unpack(&archive, staging, pyspark, what)
    })?;
    Ok(place)
}

fn download(staging: &Path, python: &str, pyspark: &Pyspark) -> Result<PathBuf> {
    let Pyspark { version, sha256, .. } = pyspark;
    let asked = staging.join("requirements.txt");
    fs::write(&asked, format!("{PACKAGE}=={version} --hash=sha256:{sha256}\n"))?;
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
        "cannot fetch {PACKAGE} {version}; pip's messages above say why. It needs {python} with pip (Debian, Ubuntu: apt-get install python3-pip; QUERYDYNO_PYTHON names another) and a package index"
    );
    let archive = staging.join(format!("{PACKAGE}-{version}.tar.gz"));
    ensure!(archive.is_file(), "pip succeeded without making {}", archive.display());
    // Room for the jars.
    fs::remove_dir_all(&temporary)?;
    Ok(archive)
}

fn unpack(archive: &Path, staging: &Path, pyspark: &Pyspark, what: &str) -> Result<PathBuf> {
    let inside = format!("{PACKAGE}-{}/deps/jars", pyspark.version);
    let mut tar = Command::new("tar");
    tar.arg("-xzf").arg(archive).arg("-C").arg(staging).arg(&inside);
    tool(&mut tar, &staging.join("tar.log"), &format!("unpacking {what}"))?;
    let _work = Work::wait("bringing it to the disk");
    let jars = staging.join(inside);
    fetch::sync(&jars)?;
    Ok(jars)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jars_that_are_there_are_taken_and_nothing_is_fetched() {
        let home = tempfile::tempdir().unwrap();
        assert_eq!(hive_jars(home.path()), None);
        fs::create_dir(place(home.path(), &SPARK_4_0)).unwrap();
        let no_python = "a program that is not there";
        let there = ensure(home.path(), no_python, &SPARK_4_0, "the Hive Metastore").unwrap();
        assert_eq!(there, hive_jars(home.path()).unwrap());
    }

    #[test]
    fn without_python_nothing_is_left() {
        let home = tempfile::tempdir().unwrap();
        let failed = ensure(home.path(), "a program that is not there", &SPARK_4_0, "the Hive Metastore");
        let error = format!("{:#}", failed.unwrap_err());
        assert!(error.contains("cannot start") || error.contains("free"), "{error}");
        assert_eq!(hive_jars(home.path()), None);
        let left = fs::read_dir(home.path().join("making")).map_or(0, Iterator::count);
        assert_eq!(left, 0);
    }
}
