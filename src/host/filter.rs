//! Which cells a filter means: `duckdb/q1` is q1 and not q10, and not `duckdb-wheel`.
//!
//! A filter is a run of whole segments of an id, where a suite's name stands for each of its queries: `duckdb/tpch`. What
//! has a regular expression's signs in it, which no id has, is matched as one, anywhere in the id, as Criterion would.

use std::fmt;

use anyhow::{Context, Result};
use regex::Regex;

use crate::protocol::id::BenchId;

/// A filter as somebody typed it; the default means every cell.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    text: String,
    exact: bool,
    pattern: Option<Regex>,
}

impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Filter {
    /// Of this text; `exact` takes it for a whole id.
    ///
    /// # Errors
    /// When it has the signs of a regular expression and is not a valid one.
    pub fn new(text: &str, exact: bool) -> Result<Self> {
        let is_pattern = !exact && text.contains(|c: char| "^$*+?()[]{}|\\".contains(c));
        let compiled = is_pattern.then(|| Regex::new(text)).transpose();
        let pattern = compiled.with_context(|| {
            format!(
                "the filter '{text}' is no regular expression: write whole names, such as duckdb/q1, or put \\ before a sign \
                 that stands for itself"
            )
        })?;
        Ok(Self { text: text.to_owned(), exact, pattern })
    }

    /// Whether it means this cell of that suite.
    pub fn means_in(&self, id: &BenchId, suite: &str) -> bool {
        let whole = self.pattern.is_some() || self.exact;
        let by_suite = || self.means(&BenchId { query: suite.to_owned(), ..id.clone() });
        self.means(id) || (!whole && by_suite())
    }

    /// Whether it means this cell, whatever its suite is called.
    pub fn means(&self, id: &BenchId) -> bool {
        let id = id.to_string();
        match &self.pattern {
            Some(pattern) => pattern.is_match(&id),
            None if self.exact => id == self.text,
            None => self.text.is_empty() || has_segments(&id, self.text.trim_matches('/')),
        }
    }
}

/// Whether `wanted` is a run of whole segments of `id`.
fn has_segments(id: &str, wanted: &str) -> bool {
    format!("/{id}/").contains(&format!("/{wanted}/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn segments_are_whole_and_patterns_are_not() {
        let means =
            |text: &str, exact| Filter::new(text, exact).unwrap().means(&"duckdb/q1/sf1/parquet".parse().unwrap());
        for text in ["", "q1", "duckdb/q1", "/q1/sf1/", "^duck", "q[13]", "duckdb/q1/sf1/parquet"] {
            assert!(means(text, false), "{text}");
        }
        for text in ["q", "duck", "q10", "duckdb/sf1", "^q1", "duckdb-wheel"] {
            assert!(!means(text, false), "{text}");
        }
        assert!(means("duckdb/q1/sf1/parquet", true) && !means("duckdb/q1", true));
        let in_tpch =
            |text: &str| Filter::new(text, false).unwrap().means_in(&"duckdb/q1/sf1/parquet".parse().unwrap(), "tpch");
        for text in ["tpch", "duckdb/tpch", "tpch/sf1", "q1", "duckdb/q1/sf1"] {
            assert!(in_tpch(text), "{text}");
        }
        for text in ["tpc", "polars/tpch", "tpch/q1", "^duckdb/tpch"] {
            assert!(!in_tpch(text), "{text}");
        }
        assert!(Filter::new("q(1", false).unwrap_err().to_string().contains("'q(1' is no regular expression"));
    }
}
