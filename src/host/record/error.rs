//! Why records cannot be read or kept.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

use super::SCHEMA;

/// Why a file's records cannot be had, or one cannot be kept.
#[derive(Debug, Error)]
pub enum Error {
    /// The file is not there, or may not be read.
    #[error("cannot read {}", path.display())]
    Unreadable {
        /// Which file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The file or its folder cannot be made or written.
    #[error("cannot write the record {}", path.display())]
    Unwritable {
        /// Which file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A line is no record.
    #[error("{}, line {line}", path.display())]
    Line {
        /// Of which file.
        path: PathBuf,
        /// The first is 1.
        line: usize,
        /// Why it is none.
        source: LineError,
    },
}

/// Why a line is no record that can be used here.
#[derive(Debug, Error)]
pub enum LineError {
    /// A newer version wrote it, or one that was never published.
    #[error("schema {0} is not known, this reads {SCHEMA} and 2")]
    OtherSchema(u32),
    /// It is cut off, or not written by us.
    #[error("no whole record{}", if *schema == SCHEMA { String::new() } else { format!(" of schema {schema}") })]
    NotWhole {
        /// What it is a part of, as far as it tells.
        schema: u32,
        /// What is missing or wrong.
        source: serde_json::Error,
    },
}
