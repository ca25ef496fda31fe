//! The history where a server owns it: [`Owner`], on whose connections everything is asked, and how `cargo xtask history` finds the
//! server and has it run a command.
//!
//! A server writes `history.duckdb.server.json` beside the file: its process, an address of this machine, and a secret that only the file's
//! owner can read. A command sends a line of JSON there, [`Asked`], and gets a line back, [`Answer`], and what the command has printed.
//! Commands that need the file itself, such as `optimize`, are told so: the server closes it, and opens it again when the connection ends,
//! which it does however the command ends.

mod answer;
pub(super) mod ask;
mod guard;
pub mod keep;
mod owner;
pub mod questions;
pub mod snapshot;

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::caller::Caller;
pub use answer::{Beside, listen};
pub use owner::{Owner, Unanswered};

/// What the file beside the history says.
#[derive(Debug, Serialize, Deserialize)]
struct Found {
    process: u32,
    address: String,
    secret: String,
}

/// A command that a server is asked to run.
#[derive(Debug, Serialize, Deserialize)]
struct Asked {
    secret: String,
    /// Whose journal the command would take in.
    home: PathBuf,
    arguments: Vec<String>,
    caller: Caller,
}

/// What comes back, followed by so many bytes of stdout and of stderr.
#[derive(Debug, Serialize, Deserialize)]
enum Answer {
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
fn beside(history: &Path) -> PathBuf {
    history.with_added_extension("server.json")
}
