//! Answers and what is said of them: the rows that an engine gave, compared with a reference, become a verdict.
//!
//! An [`Answer`] holds every value as text together with the type that the engine gave it, so that
//! no engine's own type crosses the protocol. Comparing is the host's.

#[cfg(any(
    feature = "duckdb",
    feature = "datafusion",
    feature = "arrow",
    feature = "spark",
    feature = "pipeline",
    feature = "harness"
))]
pub(crate) mod arrow;
mod cell;
mod sink;
pub mod summary;

use serde::{Deserialize, Serialize};

pub use cell::{Scalar, list_text};
pub use sink::{Shown, Sink, Wanted};

/// The type of a column, as far as comparing needs to know it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A whole number of any width.
    Int,
    /// An exact decimal; the digits after the point show its scale.
    Decimal,
    /// A binary floating-point number of double precision.
    Float,
    /// A binary floating-point number of single precision: some seven digits are right.
    Float32,
    /// Text, compared byte by byte.
    Text,
    /// A day, written `1998-09-02`; years of more than four digits with a sign, the year before 1 as 0000.
    Date,
    /// An instant in UTC, written `1998-09-02 12:00:00.5`.
    Timestamp,
    /// `true` or `false`.
    Bool,
    /// A list of texts or of whole numbers, in their order, written as JSON: `["a","b"]`.
    List,
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
