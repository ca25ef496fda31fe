//! What a command and a server say to each other, and where the one finds the other.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::super::caller::Caller;

/// What the file beside the history says.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Found {
    pub(super) process: u32,
    pub(super) address: String,
    pub(super) secret: String,
}

/// A command that a server is asked to run.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Asked {
    pub(super) secret: String,
    /// Whose journal the command would take in.
    pub(super) home: PathBuf,
    pub(super) arguments: Vec<String>,
    pub(super) caller: Caller,
}

/// What comes back, followed by so many bytes of stdout and of stderr.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Answer {
    Ran {
        code: u8,
        stdout: usize,
        stderr: usize,
    },
    /// The file is the command's until it ends the connection.
    Lent,
    Refused {
        why: String,
    },
}

/// Where a server of this history would say that there is one.
pub(super) fn beside(history: &Path) -> PathBuf {
    history.with_added_extension("server.json")
}
