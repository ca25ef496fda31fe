//! What host and program tell each other of an engine: how it is opened, what it is, how it was built.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::protocol::s3::Access;

/// The engine cannot do this by its nature, so its cell is skipped with this reason instead of failing.
#[derive(Debug, Error)]
#[error("{0}")]
pub struct Unsupported(pub String);

/// Why a result cannot be compared: its time stands, unchecked.
pub fn incomparable(column: &str, data_type: impl std::fmt::Display) -> anyhow::Error {
    let why = format!("the result column '{column}' of type {data_type} cannot be compared yet: cast it in the query");
    Unsupported(why).into()
}

/// What an engine is opened with; the host gives every engine the same.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EngineSettings {
    /// Threads the engine may use for queries, at least 1.
    pub threads: usize,
    /// What the engine should keep its memory below, for those that have such a setting; the host enforces it on all.
    pub memory_limit_bytes: Option<u64>,
    /// Seconds after which the host gives a run up: for a server, which would go on when its client is gone.
    pub timeout_seconds: Option<u64>,
    /// A folder for spill files; the host makes it and removes it.
    pub scratch: PathBuf,
    /// The engine's way to execute, one of the `modes` of its entry; none: its default.
    pub mode: Option<String>,
    /// Further settings from the engine's entry in `querydyno.toml`, by the engine's own names.
    #[serde(default)]
    pub options: BTreeMap<String, String>,
    /// What the store is reached by, where tables are on S3. It is secret: it must not be in [`EngineInfo::settings`] either.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub s3: Option<Access>,
}

impl EngineSettings {
    /// Refuses options by which an entry would change what is the same for all engines of a run.
    ///
    /// # Errors
    /// Names the option and where its value is set instead.
    pub fn refuse(&self, reserved: &[&str]) -> anyhow::Result<()> {
        match reserved.iter().find(|name| self.options.contains_key(**name)) {
            None => Ok(()),
            Some(name) => anyhow::bail!(
                "the option {name} is the same for every engine of a run: set QUERYDYNO_THREADS or QUERYDYNO_MEMORY"
            ),
        }
    }
}

/// Which engine answered, and everything about it that a reader of its numbers has to know.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct EngineInfo {
    /// The engine's own version, `2.0.0`.
    pub version: String,
    /// How the program was built; filled in by the program.
    #[serde(default)]
    pub build: Build,
    /// Every setting that is not the engine's default, threads included.
    #[serde(default)]
    pub settings: BTreeMap<String, String>,
    /// The server that does the work, where the program is its client: memory and CPU time are then the server's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server: Option<Server>,
}

/// Where a server is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Server {
    /// Its name in `cargo xtask services`.
    pub service: String,
    /// Whether it is on this machine, so that its process can be looked at.
    pub local: bool,
    /// Its port.
    pub port: u16,
}

/// How an engine program was built; what is not known stays empty.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Build {
    /// Compilers with their versions.
    pub compiler: Option<String>,
    /// Optimisation flags.
    pub flags: Option<String>,
    /// The allocator that serves the engine, `jemalloc`.
    pub allocator: Option<String>,
    /// Where the engine came from, `crate datafusion 55.2.0`.
    pub source: Option<String>,
}

/// The parts of one run's time, in nanoseconds; a part that the engine cannot tell apart is `None`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Phases {
    /// From the query's text or plan to what is executed.
    pub plan_ns: Option<u64>,
    /// Executing it.
    pub execute_ns: Option<u64>,
    /// Getting the rows of the result, where that is a step of its own.
    pub fetch_ns: Option<u64>,
}

impl Phases {
    /// Of parts as a clock tells them.
    pub fn of(plan: Option<Duration>, execute: Option<Duration>, fetch: Option<Duration>) -> Self {
        let ns = |part: Option<Duration>| part.and_then(|time| u64::try_from(time.as_nanos()).ok());
        Self { plan_ns: ns(plan), execute_ns: ns(execute), fetch_ns: ns(fetch) }
    }
}
