//! Names of what is measured: [`Scale`] and [`BenchId`], with the text forms used in filters, folders and records.
//!
//! Nothing here touches a file or an engine. `cargo bench -- --list` prints every id.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// Why a text is not an id or a scale.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum IdError {
    /// The text is no scale factor between 0.001 and 1000.
    #[error("'{0}' is not a scale: give a number from 0.001 to 1000, such as 1 or sf0.01")]
    Scale(String),
    /// The text does not have the four parts of an id.
    #[error("'{0}' is not an id: expected engine/query/scale/variant, such as duckdb/q1/sf1/parquet")]
    Shape(String),
    /// One part of an id is empty or holds a character that a folder name could not carry.
    #[error("'{part}' in '{id}' is not a name: use letters, digits, '-', '_', '.' and '@'")]
    Part {
        /// The whole text.
        id: String,
        /// The offending part.
        part: String,
    },
}

/// A suite's scale factor, exact to a millionth; displayed as `sf1`, `sf0.01`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Scale {
    millionths: u64,
}

impl Scale {
    /// The default scale of every suite.
    pub const ONE: Self = Self { millionths: 1_000_000 };

    /// Of a result that was imported and does not tell it: `unknown` in ids. Nothing runs at it.
    pub const UNKNOWN: Self = Self { millionths: 0 };

    const SMALLEST: f64 = 0.001;
    const LARGEST: f64 = 1000.0;

    /// The scale as a number: 1.0 is about one gigabyte of raw TPC-H text.
    #[expect(clippy::cast_precision_loss, reason = "at most 1e9 millionths, exact in an f64")]
    pub fn factor(self) -> f64 {
        self.millionths as f64 / 1e6
    }

    /// Whether it is one at which something can run.
    pub fn is_known(self) -> bool {
        self != Self::UNKNOWN
    }
}

/// A scale that is not known, as ids have it. It cannot be asked for: [`Scale`]'s own reader refuses it.
const UNKNOWN: &str = "unknown";

impl fmt::Display for Scale {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if *self == Self::UNKNOWN {
            return f.write_str(UNKNOWN);
        }
        write!(f, "sf{}", self.factor())
    }
}

impl FromStr for Scale {
    type Err = IdError;

    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the range was checked just before")]
    fn from_str(text: &str) -> Result<Self, IdError> {
        let wrong = || IdError::Scale(text.to_owned());
        let digits = text.trim().trim_start_matches("sf");
        let factor: f64 = digits.parse().map_err(|_| wrong())?;
        if !(Self::SMALLEST..=Self::LARGEST).contains(&factor) {
            return Err(wrong());
        }
        Ok(Self { millionths: (factor * 1e6).round() as u64 })
    }
}

impl From<Scale> for String {
    fn from(scale: Scale) -> Self {
        scale.to_string()
    }
}

impl TryFrom<String> for Scale {
    type Error = IdError;

    fn try_from(text: String) -> Result<Self, IdError> {
        if text == UNKNOWN { Ok(Self::UNKNOWN) } else { text.parse() }
    }
}

/// The name of one cell: engine x query x scale x variant, written `duckdb/q1/sf1/parquet`.
///
/// ```
/// use querydyno::protocol::id::BenchId;
/// let id: BenchId = "duckdb/q1/sf0.01/parquet".parse()?;
/// assert_eq!(id.group(), "duckdb/q1/sf0.01");
/// assert_eq!(id.to_string(), "duckdb/q1/sf0.01/parquet");
/// # Ok::<(), querydyno::protocol::id::IdError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct BenchId {
    /// The engine's name, with `@version` where an entry pins one.
    pub engine: String,
    /// The query's name, unique over all suites: `q1`, `ds1`.
    pub query: String,
    /// The scale of the data.
    pub scale: Scale,
    /// Every axis that differs from the default, joined by `-`; starts with the format.
    pub variant: String,
}

impl BenchId {
    /// The name of the Criterion group, `engine/query/scale`; the variant is the function in it.
    pub fn group(&self) -> String {
        format!("{}/{}/{}", self.engine, self.query, self.scale)
    }
}

impl fmt::Display for BenchId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}/{}", self.engine, self.query, self.scale, self.variant)
    }
}

impl FromStr for BenchId {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        let parts: Vec<&str> = text.split('/').collect();
        let [engine, query, scale, variant] = parts.as_slice() else {
            return Err(IdError::Shape(text.to_owned()));
        };
        for part in [engine, query, variant] {
            check_name(part).map_err(|part| IdError::Part { id: text.to_owned(), part })?;
        }
        Ok(Self {
            engine: (*engine).to_owned(),
            query: (*query).to_owned(),
            scale: (*scale).to_owned().try_into()?,
            variant: (*variant).to_owned(),
        })
    }
}

impl From<BenchId> for String {
    fn from(id: BenchId) -> Self {
        id.to_string()
    }
}

impl TryFrom<String> for BenchId {
    type Error = IdError;

    fn try_from(text: String) -> Result<Self, IdError> {
        text.parse()
    }
}

/// Checks that a name can be a segment of an id.
///
/// # Errors
/// Gives the name back when it is empty or holds another character than letters, digits, `-`, `_`, `.` and `@`.
pub fn check_name(name: &str) -> Result<(), String> {
    let good = |c: char| c.is_ascii_alphanumeric() || "-_.@".contains(c);
    if name.is_empty() || !name.chars().all(good) {
        return Err(name.to_owned());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scales_read_and_print_the_same() {
        for text in ["sf1", "sf0.01", "sf0.001", "sf1000", "sf0.3", "sf30"] {
            assert_eq!(text.parse::<Scale>().unwrap().to_string(), text);
        }
        assert_eq!("10".parse::<Scale>().unwrap().to_string(), "sf10");
        for text in ["", "0", "sf", "-1", "1001", "0.0001", "NaN", "big"] {
            assert!(text.parse::<Scale>().is_err(), "{text}");
        }
    }

    #[test]
    fn ids_need_four_good_parts() {
        assert!("duckdb/q1/sf1".parse::<BenchId>().is_err());
        assert!("duckdb//sf1/parquet".parse::<BenchId>().is_err());
        assert!("duck db/q1/sf1/parquet".parse::<BenchId>().is_err());
        assert!("polars-wheel@2.0.0/q1/sf1/parquet".parse::<BenchId>().is_ok());
    }

    #[test]
    fn a_scale_that_is_not_known_stands_in_ids_only() {
        let id: BenchId = "fd/find-jpg/unknown/hyperfine".parse().unwrap();
        assert_eq!((id.scale, id.to_string().as_str()), (Scale::UNKNOWN, "fd/find-jpg/unknown/hyperfine"));
        assert!("unknown".parse::<Scale>().is_err());
    }
}
