//! Why a history cannot be opened or asked: what DuckDB says, as who reads it can act on it.

use std::path::{Path, PathBuf};

use thiserror::Error;

/// Why a history cannot be opened or asked.
#[derive(Debug, Error)]
pub enum Error {
    /// Another process has it open.
    #[error("the history {} is in use by {holder}: try again when that has ended, or end it", path.display())]
    Busy {
        /// The history.
        path: PathBuf,
        /// The other's program and process id.
        holder: String,
    },
    /// There is no history.
    #[error("there is no history {}; `history stats` makes one of the journal", .0.display())]
    Missing(PathBuf),
    /// It is a file of another kind.
    #[error("{} is no history, {what}: move it away, or name another file with QUERYDYNO_HISTORY", path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
        /// What it is instead.
        what: String,
    },
    /// The file is not a backup, or it is damaged.
    #[error("{} {what}; name another file that `history backup` made", path.display())]
    Backup {
        /// The backup.
        path: PathBuf,
        /// What it is.
        what: String,
    },
    /// A newer version made it.
    #[error("the history {} has schema {found}, this version of QueryDyno knows up to {known}: update it", path.display())]
    Newer {
        /// The history.
        path: PathBuf,
        /// Its schema.
        found: u64,
        /// Ours.
        known: u64,
    },
    /// Bytes of it are not those that were written.
    #[error(
        "the history {} is damaged: `history restore BACKUP`, or move it away and it is made again of the journal and of what was decided; DuckDB says: {said}",
        path.display()
    )]
    Damaged {
        /// The history.
        path: PathBuf,
        /// DuckDB's message.
        said: String,
    },
    /// There was no room; what was there is as it was.
    #[error("the disk of {} is full: free some space and try again, nothing is lost; DuckDB says: {said}", path.display())]
    Full {
        /// The history.
        path: PathBuf,
        /// DuckDB's message.
        said: String,
    },
    /// A statement that does something else than read.
    #[error(
        "`history sql` only reads: give a SELECT; `history delete` and `history annotate` change results; DuckDB says: {0}"
    )]
    ReadOnly(String),
    /// A statement names an unknown table or column.
    #[error(
        "{0}\n`history sql \"SHOW TABLES\"` lists tables and views, `history sql \"DESCRIBE results\"` the columns of one"
    )]
    Unknown(String),
    /// What else DuckDB says.
    #[error("{0}")]
    Sql(String),
}

/// The request is invalid: an unknown name, an empty text. The program ends with exit code 2, so that a
/// typing error is not taken for a finding.
#[derive(Debug, Error)]
#[error("{0}")]
pub struct Unmeant(pub String);

impl Error {
    /// The same of a file by another name: of a backup, of which a copy was opened.
    pub(super) fn named(self, opened: &Path, name: &Path) -> Self {
        let path = name.to_owned();
        let renamed = |said: String| said.replace(&*opened.to_string_lossy(), &name.to_string_lossy());
        match self {
            Self::Busy { holder, .. } => Self::Busy { path, holder },
            Self::Missing(_) => Self::Missing(path),
            Self::Backup { what, .. } => Self::Backup { path, what },
            Self::Foreign { what, .. } => Self::Backup { path, what: format!("is no history, {what}") },
            Self::Newer { found, known, .. } => Self::Newer { path, found, known },
            Self::Damaged { said, .. } => {
                Self::Backup { path, what: format!("is damaged, DuckDB says: {}", renamed(said)) }
            }
            Self::Full { said, .. } => Self::Full { path, said: renamed(said) },
            Self::ReadOnly(said) => Self::ReadOnly(renamed(said)),
            Self::Unknown(said) => Self::Unknown(renamed(said)),
            Self::Sql(said) => Self::Sql(renamed(said)),
        }
    }

    /// Whether DuckDB had not enough memory for it.
    pub(crate) fn is_out_of_memory(&self) -> bool {
        matches!(self, Self::Sql(said) if said.starts_with("Out of Memory"))
    }

    /// What DuckDB's error about this file means.
    #[expect(clippy::needless_pass_by_value, reason = "as `map_err` gives it")]
    pub(super) fn of(path: &Path, error: duckdb::Error) -> Self {
        let (said, path) = (error.to_string(), path.to_owned());
        let has = |words: &[&str]| words.iter().any(|words| said.contains(words));
        if has(&["Could not set lock on file"]) {
            let holder = said.split_once("lock is held in ").and_then(|(_, rest)| rest.split_once(')'));
            let holder = holder.map_or_else(|| "another process".to_owned(), |(holder, _)| format!("{holder})"));
            Self::Busy { path, holder }
        } else if has(&["not a valid DuckDB database file"]) {
            Self::Foreign { path, what: "and no DuckDB file".to_owned() }
        } else if has(&["No space left", "File too large", "Disk quota exceeded", "Out of disk"]) {
            Self::Full { path, said }
        } else if has(&["checksum", "Corrupt", "corrupt", "invalidated because of a previous fatal error"]) {
            Self::Damaged { path, said }
        } else if has(&["attached in read-only mode"]) {
            Self::ReadOnly(said)
        } else if said.starts_with("Catalog Error: Table") || said.starts_with("Binder Error: Referenced column") {
            Self::Unknown(said)
        } else {
            Self::Sql(said)
        }
    }
}
