//! How a server will be started: its processes, and all that is set of it, which whoever measures it records.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};
use serde::{Deserialize, Serialize};

use super::java::Java;
use super::mariadb::InitFile;
use super::service::{Port, Service};
use crate::host::files::write_whole;
use crate::host::space;
use crate::measure::machine;
use crate::protocol::units::Bytes;

/// What a server is started with.
#[derive(Debug, Clone, Copy)]
pub(super) struct Given<'a> {
    /// Where servers keep what they are known by, their logs and their data.
    pub(super) home: &'a Path,
    pub(super) python: &'a str,
    pub(super) java: Option<&'a str>,
    /// Threads of engines; several where they are an axis.
    pub(super) threads: &'a [usize],
    /// What one server may have.
    pub(super) memory: Bytes,
    /// Workers of a cluster.
    pub(super) executors: usize,
    /// The master of a cluster that somebody else runs.
    pub(super) master: Option<&'a str>,
    /// Whether tables on S3 are to be read.
    pub(super) s3: bool,
    pub(super) ports: &'a BTreeMap<&'static str, u16>,
}

impl Given<'_> {
    /// Where the service keeps what is its own.
    pub(super) fn folder(&self, service: Service) -> PathBuf {
        self.home.join(service.name())
    }

    pub(super) fn number_of(&self, port: Port) -> u16 {
        self.ports.get(port.variable).copied().unwrap_or(port.default)
    }

    /// The port that clients connect to.
    pub(super) fn port(&self, service: Service) -> u16 {
        self.number_of(service.ports()[0])
    }

    /// The one number of threads.
    ///
    /// # Errors
    /// When there are several.
    pub(super) fn sole_threads(&self, service: Service) -> Result<usize> {
        match self.threads {
            [threads] => Ok(*threads),
            several => bail!(
                "{service} runs with one number of threads, and QUERYDYNO_THREADS says {several:?}: start it with one of them, such as QUERYDYNO_THREADS={}",
                several.first().unwrap_or(&1)
            ),
        }
    }

    /// The memory, where the server can live with it and the machine has it.
    ///
    /// # Errors
    /// When it is too little for the server or too much for the machine.
    pub(super) fn memory_for(&self, service: Service, least: Bytes) -> Result<Bytes> {
        let memory = self.memory;
        ensure!(
            memory >= least,
            "{service} does not start in {memory}: give it {least} or more by QUERYDYNO_SERVICE_MEMORY"
        );
        if let Some(machine) = machine::usable_memory().map(Bytes).filter(|machine| memory > *machine) {
            bail!(
                "{service} would get {memory}, and this machine has {machine}: give it less by QUERYDYNO_SERVICE_MEMORY, {least} or more"
            );
        }
        Ok(memory)
    }
}

/// A server that is ready to be started.
#[derive(Debug)]
pub(super) struct Plan {
    /// In the order in which they start; clients connect to the last.
    pub(super) parts: Vec<Part>,
    pub(super) configuration: Configuration,
    /// Goes when the server answers.
    pub(super) init: Option<InitFile>,
}

/// A process of it.
#[derive(Debug)]
pub(super) struct Part {
    /// Its log's name.
    pub(super) name: String,
    pub(super) command: Command,
    /// The port that it has to listen on before the next one is started.
    pub(super) port: Option<u16>,
}

impl Part {
    /// The one that clients connect to.
    pub(super) fn server(command: Command) -> Self {
        Self { name: "server".to_owned(), command, port: None }
    }
}

/// What a server that runs natively was started as. Empty where nothing of it is said.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Configuration {
    /// The server's version.
    pub version: String,
    /// Where it is from: a package, or the user's folder.
    pub source: String,
    /// The version of the Java that runs it.
    pub java: String,
    /// All that differs from the server's defaults, by the names that the server has for them.
    pub settings: BTreeMap<String, String>,
}

impl Configuration {
    pub(super) fn new(version: &str, source: &str, java: &Java) -> Self {
        let (version, source) = (version.to_owned(), source.to_owned());
        Self { version, source, java: java.version.clone(), settings: BTreeMap::new() }
    }

    /// Whether anything is said: of servers that are no engines nothing is.
    pub(super) fn is_told(&self) -> bool {
        !self.version.is_empty()
    }

    /// The first thing in which another one differs, in words.
    pub(super) fn difference(&self, other: &Self) -> Option<String> {
        let whole = |of: &Self| {
            [("version", &of.version), ("source", &of.source), ("Java", &of.java)]
                .map(|(name, value)| (name.to_owned(), value.clone()))
        };
        let all =
            |of: &Self| -> BTreeMap<String, String> { whole(of).into_iter().chain(of.settings.clone()).collect() };
        let (mine, others) = (all(self), all(other));
        let names = mine.keys().chain(others.keys());
        let differs = names.into_iter().find(|name| mine.get(*name) != others.get(*name))?;
        let shown = |of: &BTreeMap<String, String>| of.get(differs).map_or("not set", String::as_str).to_owned();
        Some(format!("{differs}: {}, then {}", shown(&mine), shown(&others)))
    }

    /// Notes a setting.
    pub(super) fn set(&mut self, name: &str, value: impl Into<String>) {
        self.settings.insert(name.to_owned(), value.into());
    }

    /// What was written down of the server in this folder.
    pub(super) fn read(folder: &Path) -> Option<Self> {
        serde_json::from_slice(&fs::read(file_in(folder)).ok()?).ok()
    }

    /// Writes it down.
    ///
    /// # Errors
    /// When it cannot.
    pub(super) fn write(&self, folder: &Path) -> Result<()> {
        let file = file_in(folder);
        write_whole(&file, &serde_json::to_vec_pretty(self)?)
            .with_context(|| format!("cannot write {}", file.display()))
    }
}

fn file_in(folder: &Path) -> PathBuf {
    folder.join("settings.json")
}

/// Room that a server's temporary files need at least.
const SCRATCH: Bytes = Bytes(1 << 28);

/// The folder of a server's temporary files, empty.
///
/// # Errors
/// When it cannot be made, or its disk is nearly full.
pub(super) fn scratch_in(folder: &Path, service: Service) -> Result<PathBuf> {
    let scratch = folder.join(TEMPORARY);
    clear(&scratch);
    fs::create_dir_all(&scratch).with_context(|| format!("cannot make {}", scratch.display()))?;
    let free = space::free(&scratch).with_context(|| format!("cannot ask for free space at {}", scratch.display()))?;
    ensure!(
        free >= SCRATCH.0,
        "the disk is full: {service} keeps temporary files in {}, where only {} are free and {SCRATCH} are the least: free some space, or set CARGO_TARGET_DIR to a folder on another disk",
        scratch.display(),
        Bytes(free)
    );
    Ok(scratch)
}

/// Removes a server's temporary files.
pub(super) fn remove_scratch(folder: &Path) {
    let scratch = folder.join(TEMPORARY);
    clear(&scratch);
    // It may be the root of a disk of its own, which stays.
    let _ = fs::remove_dir(&scratch);
}

const TEMPORARY: &str = "temporary";

fn clear(folder: &Path) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        // What is left is removed another time.
        let _ = if path.is_dir() && !path.is_symlink() { fs::remove_dir_all(&path) } else { fs::remove_file(&path) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_configuration_is_read_as_it_was_written() {
        let mut written = Configuration { version: "4.0.1".to_owned(), ..Configuration::default() };
        written.set("spark.master", "local[2]");
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(Configuration::read(folder.path()), None);
        written.write(folder.path()).unwrap();
        assert_eq!(Configuration::read(folder.path()).unwrap().difference(&written), None);
        let mut other = written.clone();
        other.set("spark.master", "local[1]");
        assert_eq!(written.difference(&other).unwrap(), "spark.master: local[2], then local[1]");
        other.settings.clear();
        assert_eq!(other.difference(&written).unwrap(), "spark.master: not set, then local[2]");
    }

    #[test]
    fn given_refuses_memory_and_threads_that_cannot_be() {
        let (home, ports) = (PathBuf::new(), BTreeMap::new());
        let given = |memory, threads| Given {
            home: &home,
            python: "python3",
            java: None,
            threads,
            memory: Bytes(memory),
            executors: 2,
            master: None,
            s3: false,
            ports: &ports,
        };
        let least = Bytes(1 << 29);
        let error = given(1 << 26, &[1]).memory_for(Service::Spark40, least).unwrap_err().to_string();
        assert!(
            error.contains("spark-4.0 does not start in 64.0 MiB") && error.contains("QUERYDYNO_SERVICE_MEMORY"),
            "{error}"
        );
        let error = given(1 << 50, &[1]).memory_for(Service::Spark40, least).unwrap_err().to_string();
        assert!(error.contains("this machine has"), "{error}");
        assert_eq!(given(1 << 29, &[1]).memory_for(Service::Spark40, least).unwrap(), least);
        let error = given(1 << 30, &[1, 2]).sole_threads(Service::Trino).unwrap_err().to_string();
        assert!(error.contains("QUERYDYNO_THREADS=1"), "{error}");
    }

    #[test]
    fn scratch_is_emptied_and_removed() {
        let folder = tempfile::tempdir().unwrap();
        let scratch = scratch_in(folder.path(), Service::Spark40).unwrap();
        fs::create_dir(scratch.join("blockmgr")).unwrap();
        fs::write(scratch.join("blockmgr/x"), "").unwrap();
        let scratch = scratch_in(folder.path(), Service::Spark40).unwrap();
        assert_eq!(fs::read_dir(&scratch).unwrap().count(), 0);
        remove_scratch(folder.path());
        assert!(!scratch.exists());
    }
}
