//! A server that a measurement has lost, written down in its folder until it is well again: the next cell may be another command's.

use std::fs::{self, DirBuilder};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::host::files::write_whole;

/// What is known of a server that we started and that is not well.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Lost {
    /// The port that its clients connect to.
    pub(super) port: u16,
    /// In a sentence.
    pub(super) why: String,
    /// Whether it needs a new start though it may answer.
    pub(super) spoiled: bool,
}

impl Lost {
    pub(super) fn read(folder: &Path) -> Option<Self> {
        serde_json::from_slice(&fs::read(file_in(folder)).ok()?).ok()
    }

    /// Writes it down; where it cannot be, the next cell finds out by itself.
    pub(super) fn keep(&self, folder: &Path) {
        let write = || -> anyhow::Result<()> {
            DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
            Ok(write_whole(&file_in(folder), &serde_json::to_vec_pretty(self)?)?)
        };
        if let Err(error) = write() {
            log::warn!("cannot write {}: {error:#}", file_in(folder).display());
        }
    }

    pub(super) fn forget(folder: &Path) {
        let _ = fs::remove_file(file_in(folder));
    }
}

fn file_in(folder: &Path) -> PathBuf {
    folder.join("lost.json")
}
