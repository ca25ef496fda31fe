//! What a native server was asked to be when it was started, kept beside it, so that it can be started again as it was by a command
//! that was told something else.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use super::plan::Given;
use crate::host::files::write_whole;
use crate::protocol::units::Bytes;

/// What [`Given`] says, without where it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Started {
    pub(super) python: String,
    pub(super) java: Option<String>,
    pub(super) threads: Vec<usize>,
    pub(super) memory: Bytes,
    pub(super) executors: usize,
    pub(super) master: Option<String>,
    #[serde(default)]
    pub(super) s3: bool,
    pub(super) ports: BTreeMap<String, u16>,
}

impl Started {
    /// Writes down what a server in this folder is started with.
    ///
    /// # Errors
    /// When it cannot.
    pub(super) fn keep(given: &Given<'_>, folder: &Path) -> Result<()> {
        let started = Self {
            python: given.python.to_owned(),
            java: given.java.map(str::to_owned),
            threads: given.threads.to_vec(),
            memory: given.memory,
            executors: given.executors,
            master: given.master.map(str::to_owned),
            s3: given.s3,
            ports: given.ports.iter().map(|(variable, port)| ((*variable).to_owned(), *port)).collect(),
        };
        let file = file_in(folder);
        write_whole(&file, &serde_json::to_vec_pretty(&started)?)
            .with_context(|| format!("cannot write {}", file.display()))
    }

    pub(super) fn read(folder: &Path) -> Option<Self> {
        serde_json::from_slice(&fs::read(file_in(folder)).ok()?).ok()
    }

    /// Forgets it: the server was stopped by who started it.
    pub(super) fn forget(folder: &Path) {
        let _ = fs::remove_file(file_in(folder));
    }
}

fn file_in(folder: &Path) -> PathBuf {
    folder.join("started.json")
}
