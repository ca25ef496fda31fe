//! Why a gate has no outcome.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

use super::outcome::SCHEMA;
use crate::host::interrupt;

/// Why there is no outcome, or none that can be read.
#[derive(Debug, Error)]
pub enum Error {
    /// Invalid request: no such revision, no such cell, other commits than those to confirm.
    #[error(transparent)]
    Usage(anyhow::Error),
    /// Ctrl-C. What was measured is kept, and the same gate goes on from there.
    #[error(transparent)]
    Interrupted(anyhow::Error),
    /// There is no conclusion: a side was not built, a file cannot be written, or something unforeseen happened.
    #[error(transparent)]
    Undecided(anyhow::Error),
    /// A file of another gate cannot be read.
    #[error("cannot read {}", .0.display())]
    Unreadable(PathBuf, #[source] io::Error),
    /// Another gate's outcome, which was to be confirmed, cannot be read.
    #[error("cannot read {}: name the file that `cargo xtask gate --json FILE` wrote on the first machine", .0.display())]
    NoGate(PathBuf, #[source] io::Error),
    /// It holds something else.
    #[error("{} is no gate's JSON: name the file that `cargo xtask gate --json FILE` wrote", .0.display())]
    NoOutcome(PathBuf, #[source] serde_json::Error),
    /// Another version wrote it, of this schema.
    #[error("{path} has schema {1}, this reads {SCHEMA}", path = .0.display())]
    OtherSchema(PathBuf, u32),
    /// It found nothing slower.
    #[error("{} calls no row slower: there is nothing to confirm", .0.display())]
    NothingToConfirm(PathBuf),
}

impl From<anyhow::Error> for Error {
    fn from(error: anyhow::Error) -> Self {
        interrupt::classify(error, Self::Interrupted, Self::Undecided)
    }
}
