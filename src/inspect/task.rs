//! What `cargo xtask instructions` hands to the bench `instructions`: which programs to run, and what to say to them.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// The variable that names the file with the tasks.
pub(super) const FILE: &str = "INSTRUCTIONS_TASKS";

/// One program to run under callgrind.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Task {
    /// The engine, as an identifier.
    pub(super) engine: String,
    /// The query with scale and variant, as an identifier.
    pub(super) query: String,
    /// The executable.
    pub(super) program: PathBuf,
    /// Its arguments.
    pub(super) args: Vec<String>,
    /// Its whole environment.
    pub(super) env: BTreeMap<String, String>,
    /// The file with all requests, which the program reads as its stdin.
    pub(super) requests: PathBuf,
    /// Where it writes its replies.
    pub(super) replies: PathBuf,
}

/// A name in which every sign that an identifier cannot have is spelled: `sf0.01` becomes `sf0_01`.
#[cfg(feature = "harness")]
pub(super) fn identifier(name: &str) -> String {
    name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect()
}
