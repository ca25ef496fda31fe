//! Answers and what is said of them: the rows that an engine gave, compared with a reference, become a [`Verdict`].
//!
//! An [`Answer`] holds every value as text together with the type that the engine gave it, so that
//! no engine's own type crosses the protocol. Comparing is in [`compare`]; reading references is the host's.

#[cfg(feature = "harness")]
pub(crate) mod camps;
#[cfg(feature = "harness")]
pub mod compare;
#[cfg(feature = "harness")]
pub mod digest;
#[cfg(feature = "harness")]
pub mod reference;

use std::fmt;

use serde::{Deserialize, Serialize};

/// The type of a column, as far as comparing needs to know it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A whole number of any width.
    Int,
    /// An exact decimal; the digits after the point show its scale.
    Decimal,
    /// A binary floating-point number.
    Float,
    /// Text, compared byte by byte.
    Text,
    /// A day, written `1998-09-02`.
    Date,
    /// A point in time, written as ISO 8601.
    Timestamp,
    /// `true` or `false`.
    Bool,
}

/// A column's name and type.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Column {
    /// The name the engine gave; never compared, since engines differ in it.
    pub name: String,
    /// The type of its values.
    pub kind: Kind,
}

/// A query's complete result, in the order in which the engine gave it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Answer {
    /// The columns, left to right.
    pub columns: Vec<Column>,
    /// The rows; a value is text in the form that [`Kind`] names, NULL is `None`.
    pub rows: Vec<Vec<Option<String>>>,
}

/// What is known about an answer; only a verified one may be ranked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", content = "detail", rename_all = "snake_case")]
pub enum Verdict {
    /// Equal to the published answer.
    Official,
    /// So many independent engines agree on this answer, the one under test among them.
    Consensus(usize),
    /// Nothing to compare with, and why.
    Unchecked(String),
    /// Not the reference's answer; holds the first difference.
    Wrong(String),
}

impl Verdict {
    /// Whether a number with this verdict may be ranked.
    pub fn verified(&self) -> bool {
        matches!(self, Self::Official | Self::Consensus(_))
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Official => f.pad("official"),
            Self::Consensus(engines) => f.pad(&format!("consensus of {engines}")),
            Self::Unchecked(why) => f.pad(&format!("unchecked: {why}")),
            Self::Wrong(difference) => f.pad(&format!("wrong: {difference}")),
        }
    }
}
