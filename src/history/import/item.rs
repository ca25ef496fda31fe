//! A result on its way into the journal: what a file told, [`Candidate`], and what becomes of it once it is known what is there, [`Item`].

use crate::host::record::Record;

/// A result of a file.
#[derive(Debug)]
pub(super) struct Candidate {
    pub(super) record: Record,
    /// The line of a record of ours, which is kept as it is.
    pub(super) line: Option<String>,
    /// Of how many rows of a table it is; 0 of what is no table.
    pub(super) rows: usize,
}

/// A result as it will be a line of the journal.
#[derive(Debug)]
pub(super) struct Item {
    pub(super) line: String,
    pub(super) engine: String,
    pub(super) query: String,
    pub(super) is: Is,
    /// How many of its rows are known already.
    pub(super) known_rows: usize,
    /// Whether it is of a table.
    pub(super) has_rows: bool,
}

/// Whether the history has a result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Is {
    New,
    /// It is there, or an earlier file of the same call has it.
    Known,
    /// It was deleted on purpose.
    Deleted,
}
