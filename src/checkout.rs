//! A source tree and the target folder that it is built into: ours, or another revision's beside it.

use std::path::PathBuf;

use crate::paths;

/// Where a source tree lies, and where what is built of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkout {
    /// The package's folder.
    pub root: PathBuf,
    /// Cargo's target folder for it.
    pub target: PathBuf,
}

impl Checkout {
    /// The one that this runs for.
    pub fn here() -> Self {
        Self { root: paths::root().to_owned(), target: paths::target().to_owned() }
    }

    /// Everything of ours below its target folder, such as Python environments.
    pub(crate) fn own(&self, name: &str) -> PathBuf {
        self.target.join("querydyno").join(name)
    }
}
