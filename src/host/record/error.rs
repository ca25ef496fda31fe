//! Why records cannot be read or kept.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

use super::SCHEMA;

/// Why a file's records cannot be read, or one cannot be written.
#[derive(Debug, Error)]
pub enum Error {
    /// The file is not there, or may not be read.
    #[error("cannot read {}", .0.display())]
    Unreadable(PathBuf, #[source] io::Error),
    /// The file or its folder cannot be made or written.
    #[error("cannot write the record {}", .0.display())]
    Unwritable(PathBuf, #[source] io::Error),
}

/// Why a line is no record that can be used here.
#[derive(Debug, Error)]
pub enum LineError {
    /// A newer version wrote it.
    #[error("schema {0} is newer than {SCHEMA}, which this version of QueryDyno reads up to: update it")]
    NewerSchema(u64),
    /// It is cut off, or nothing that we write; of the schema that it names.
    #[error("no whole record{}", if *.0 == SCHEMA { String::new() } else { format!(" of schema {}", .0) })]
    NotWhole(u32, #[source] serde_json::Error),
}
