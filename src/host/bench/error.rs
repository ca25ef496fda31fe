//! Why a run gives no records.

use thiserror::Error;

use crate::host::interrupt;
use crate::host::record;

/// Why a [`Bench`](super::Bench) gives no records. Each says what to do next, in its own words and its causes'.
#[derive(Debug, Error)]
pub enum Error {
    /// Invalid request: no runs, a filter beside a query of your own, an engine that does not exist.
    #[error(transparent)]
    Usage(anyhow::Error),
    /// A variable of the environment or `querydyno.toml` holds what no setting can be.
    #[error(transparent)]
    Settings(anyhow::Error),
    /// The filter means no cell, or no engine is there.
    #[error(transparent)]
    NothingSelected(anyhow::Error),
    /// Ctrl-C, before there was a cell to make a record of.
    #[error(transparent)]
    Interrupted(anyhow::Error),
    /// What was measured cannot be kept.
    #[error(transparent)]
    Record(record::Error),
    /// Something inside.
    #[error(transparent)]
    Other(anyhow::Error),
}

impl From<anyhow::Error> for Error {
    fn from(error: anyhow::Error) -> Self {
        interrupt::classify(error, Self::Interrupted, |error| error.downcast().map_or_else(Self::Other, Self::Record))
    }
}
