//! What `cargo xtask instructions` hands to the bench `instructions`: which programs to run, and what to say to them.

#[cfg(feature = "instructions")]
mod group;

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

#[cfg(feature = "instructions")]
pub use group::add;

/// The variable that names the file with the tasks.
pub const FILE: &str = "INSTRUCTIONS_TASKS";

/// One program to run under callgrind.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Task {
    /// The engine, as an identifier.
    pub engine: String,
    /// The query with scale and variant, as an identifier.
    pub query: String,
    /// The executable.
    pub program: PathBuf,
    /// Its arguments.
    pub args: Vec<String>,
    /// Its whole environment.
    pub env: BTreeMap<String, String>,
    /// The file with all requests, which the program reads as its stdin.
    pub requests: PathBuf,
    /// Where it writes its replies.
    pub replies: PathBuf,
}
