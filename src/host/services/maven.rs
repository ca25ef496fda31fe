//! Files from Maven's repositories, by `mvn`, which takes its own configuration (mirrors, a proxy) from where it always does.
//!
//! One that lies in the user's local repository, `~/.m2/repository`, is taken from there: so whoever has no `mvn` puts it there.

use std::env;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread::sleep;

use anyhow::{Context, Result, bail, ensure};

use super::fetch::{self, Fetched};
use super::log::tail;
use super::pinned::Artifact;
use super::wait::{POLL, QUOTED};
use crate::host::catalog::command;
use crate::host::checksum::sha256_of_file;
use crate::host::progress::{Unit, Work};
use crate::protocol::units::Bytes;

const PROGRAM: &str = "mvn";

impl Artifact {
    pub(super) fn file(&self) -> String {
        format!("{}-{}.{}", self.name, self.version, self.extension)
    }

    /// As Maven lays it out in any repository.
    fn inside(&self) -> PathBuf {
        let folder: PathBuf = self.group.split('.').collect();
        folder.join(self.name).join(self.version).join(self.file())
    }

    fn coordinates(&self) -> String {
        format!("{}:{}:{}:{}", self.group, self.name, self.version, self.extension)
    }

    /// Where it is kept in this folder of services.
    pub(super) fn place(&self, home: &Path) -> PathBuf {
        home.join("maven").join(self.file())
    }

    /// In the user's local repository.
    fn in_repository(&self) -> Option<PathBuf> {
        Some(Path::new(&env::var_os("HOME")?).join(".m2/repository").join(self.inside()))
    }

    /// Whether it need not be fetched from afar, or can be.
    pub(super) fn can_be_had(&self, home: &Path) -> bool {
        self.place(home).is_file()
            || self.in_repository().is_some_and(|path| path.is_file())
            || command::version_of(PROGRAM).is_some()
    }
}

/// The file; fetched unless it is there.
///
/// # Errors
/// Without `mvn`, a repository or room on the disk, when it is another file, or after an interrupt; nothing half made stays.
pub(super) fn ensure(home: &Path, artifact: &Artifact, what: &str) -> Result<PathBuf> {
    let place = artifact.place(home);
    let fetched = Fetched {
        what,
        package: &artifact.coordinates(),
        download: artifact.bytes,
        needed: Bytes(artifact.bytes.0 + (50 << 20)),
        stays: artifact.bytes,
    };
    fetch::once(home, &place, fetched, |staging| get(staging, artifact, what))?;
    Ok(place)
}

/// The file in this folder, checked.
///
/// # Errors
/// As [`ensure`].
pub(super) fn get(staging: &Path, artifact: &Artifact, what: &str) -> Result<PathBuf> {
    let file = staging.join(artifact.file());
    if take(artifact, &file)? {
        return Ok(file);
    }
    needs_program(artifact, what)?;
    let repository = staging.join("repository");
    let downloaded = repository.join(artifact.inside());
    let work = Work::begin(Unit::Bytes, artifact.bytes.0, &artifact.file());
    let coordinates = format!("-Dartifact={}", artifact.coordinates());
    let said = run(staging, &["dependency:get", "-Dtransitive=false", &coordinates], || {
        work.at(arrived(&downloaded));
    })?;
    drop(work);
    keep(&downloaded, artifact, &file, said)?;
    fs::remove_dir_all(&repository)?;
    Ok(file)
}

/// Several in this folder, each checked, by one run of `mvn`: it takes seconds to start.
///
/// # Errors
/// As [`ensure`].
pub(super) fn get_all(staging: &Path, artifacts: &[Artifact], folder: &Path, what: &str) -> Result<()> {
    let mut missing = Vec::new();
    for artifact in artifacts {
        if !take(artifact, &folder.join(artifact.file()))? {
            missing.push(artifact);
        }
    }
    let Some(first) = missing.first() else { return Ok(()) };
    needs_program(first, what)?;
    fs::write(staging.join("pom.xml"), project(&missing))?;
    let repository = staging.join("repository");
    let _work = Work::wait(&format!("fetching {} files of {what}", missing.len()));
    let copied = staging.join("copied");
    let output = format!("-DoutputDirectory={}", copied.display());
    let said = run(staging, &["dependency:copy-dependencies", &output], || ())?;
    for artifact in missing {
        keep(&copied.join(artifact.file()), artifact, &folder.join(artifact.file()), said.clone())?;
    }
    fs::remove_dir_all(&repository)?;
    Ok(())
}

/// Takes a file from the user's local repository, where it is there.
fn take(artifact: &Artifact, file: &Path) -> Result<bool> {
    let Some(there) = artifact.in_repository().filter(|path| path.is_file()) else { return Ok(false) };
    // Checked before it is copied: another one is the user's to mend.
    check(&there, artifact)?;
    // Where both are on one disk it costs nothing.
    if fs::hard_link(&there, file).is_err() {
        fs::copy(&there, file).with_context(|| format!("cannot copy {}", there.display()))?;
    }
    Ok(true)
}

fn by_hand(artifact: &Artifact) -> String {
    artifact.in_repository().map_or_else(
        || "the folder .m2/repository of a home folder; HOME is not set".to_owned(),
        |path| path.display().to_string(),
    )
}

fn needs_program(artifact: &Artifact, what: &str) -> Result<()> {
    ensure!(
        command::version_of(PROGRAM).is_some(),
        "{what} needs {} of Maven Central, and there is no {PROGRAM} to fetch it with: apt-get install maven, or put the file at {}",
        artifact.coordinates(),
        by_hand(artifact)
    );
    Ok(())
}

/// Runs it, and gives the end of what it said where it failed.
fn run(staging: &Path, goal: &[&str], meanwhile: impl Fn()) -> Result<Option<String>> {
    let log = staging.join("mvn.log");
    let said = fs::File::create(&log)?;
    let mut mvn = Command::new(PROGRAM);
    mvn.args(["--batch-mode", "--no-transfer-progress"])
        .args(goal)
        // What is not the user's stays out of the user's own repository: one of these is 821 MB.
        .arg(format!("-Dmaven.repo.local={}", staging.join("repository").display()))
        .current_dir(staging)
        .stdin(Stdio::null())
        .stdout(said.try_clone()?)
        .stderr(said);
    let status = command::run(&mut mvn, |child| {
        while child.try_wait()?.is_none() {
            meanwhile();
            sleep(POLL);
        }
        Ok(())
    })?;
    Ok(if status.success() { None } else { Some(tail(&log, QUOTED)?) })
}

/// Checks what was fetched and puts it in its place; `failed` is what `mvn` said where it failed.
fn keep(fetched: &Path, artifact: &Artifact, file: &Path, failed: Option<String>) -> Result<()> {
    let coordinates = artifact.coordinates();
    if let Some(said) = failed {
        bail!("cannot fetch {coordinates} by {PROGRAM}: {said}\nor put the file at {}", by_hand(artifact));
    }
    ensure!(fetched.is_file(), "{PROGRAM} succeeded without fetching {coordinates}: put it at {}", by_hand(artifact));
    check(fetched, artifact)?;
    fs::rename(fetched, file)?;
    fs::File::open(file)?.sync_all()?;
    Ok(())
}

/// A project of Maven's that takes these files and nothing that they name themselves.
fn project(artifacts: &[&Artifact]) -> String {
    let mut all = String::new();
    for Artifact { group, name, version, .. } in artifacts {
        let _ = write!(
            all,
            "<dependency><groupId>{group}</groupId><artifactId>{name}</artifactId><version>{version}</version>\
             <exclusions><exclusion><groupId>*</groupId><artifactId>*</artifactId></exclusion></exclusions></dependency>"
        );
    }
    format!(
        "<project xmlns=\"http://maven.apache.org/POM/4.0.0\"><modelVersion>4.0.0</modelVersion><groupId>querydyno</groupId>\
         <artifactId>services</artifactId><version>1</version><packaging>pom</packaging><dependencies>{all}</dependencies></project>"
    )
}

/// How many bytes are there: Maven downloads beside, under another name.
fn arrived(file: &Path) -> u64 {
    let folder = file.parent().and_then(|folder| fs::read_dir(folder).ok());
    let sizes = folder.into_iter().flatten().flatten().filter_map(|entry| entry.metadata().ok());
    sizes.map(|file| file.len()).max().unwrap_or(0)
}

fn check(file: &Path, artifact: &Artifact) -> Result<()> {
    let (found, wanted) = (sha256_of_file(file)?, artifact.sha256);
    ensure!(
        found == wanted,
        "{} is not the file that is meant: its SHA-256 is {found} instead of {wanted}; remove it, or mend the repository that it came from",
        file.display()
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::pinned::{CONNECT_3_5, TRINO};
    use super::*;

    #[test]
    fn an_artifact_lies_where_maven_lays_it() {
        let inside = "org/apache/spark/spark-connect_2.12/3.5.7/spark-connect_2.12-3.5.7.jar";
        assert_eq!(CONNECT_3_5.inside(), Path::new(inside));
        assert_eq!(TRINO.coordinates(), "io.trino:trino-server:476:tar.gz");
        assert_eq!(TRINO.file(), "trino-server-476.tar.gz");
    }

    #[test]
    fn a_project_takes_the_files_that_it_names_and_no_other() {
        let text = project(&[&CONNECT_3_5]);
        assert!(
            text.contains("<artifactId>spark-connect_2.12</artifactId><version>3.5.7</version><exclusions>"),
            "{text}"
        );
        assert!(text.contains("<groupId>*</groupId><artifactId>*</artifactId>"), "{text}");
    }

    #[test]
    fn check_refuses_another_file_by_its_checksum() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("x.jar");
        fs::write(&file, "another").unwrap();
        let error = check(&file, &CONNECT_3_5).unwrap_err().to_string();
        assert!(error.contains("x.jar") && error.contains(CONNECT_3_5.sha256), "{error}");
    }
}
