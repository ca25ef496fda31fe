//! The table `[priority]` of `querydyno.toml`: which cells come first where there is not time for all.

use anyhow::{Context as _, Result, bail};

use crate::host::filter::Filter;
use crate::protocol::id::BenchId;

/// Patterns of cells, each with its number: the highest comes first.
#[derive(Debug, Clone, Default)]
pub struct Priority {
    patterns: Vec<(Filter, i64)>,
}

impl Priority {
    /// Of the table as it is written.
    pub(crate) fn read(value: toml::Value) -> Result<Self> {
        let toml::Value::Table(table) = value else { bail!("{FORM}") };
        let mut patterns = Vec::new();
        for (pattern, number) in table {
            let number = number.as_integer().with_context(|| format!("[priority] {pattern} = {number}: {FORM}"))?;
            patterns.push((Filter::new(&pattern, false).context("[priority]")?, number));
        }
        Ok(Self { patterns })
    }

    /// The highest number of those whose pattern means this cell of that suite; 0 where none does.
    pub fn of(&self, id: &BenchId, suite: &str) -> i64 {
        let meant = self.patterns.iter().filter(|(pattern, _)| pattern.means_in(id, suite));
        meant.map(|(_, number)| *number).max().unwrap_or_default()
    }
}

const FORM: &str = "a pattern of cells and a whole number, the highest first: \"duckdb/q1\" = 10";

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Priority> {
        Priority::read(toml::Value::Table(text.parse()?))
    }

    #[test]
    fn of_is_the_highest_number_that_means_the_cell() {
        let priority = read("'duckdb/q1' = 10\nduckdb = 3\n'^polars/' = -5\ntpch = 1").unwrap();
        let of = |id: &str, suite: &str| priority.of(&id.parse().unwrap(), suite);
        assert_eq!(of("duckdb/q1/sf1/parquet", "tpch"), 10);
        assert_eq!(of("duckdb/q10/sf1/parquet", "tpch"), 3);
        assert_eq!(of("polars/q1/sf1/parquet", "tpch"), 1);
        assert_eq!(of("polars/q1/sf1/parquet", "shop"), -5);
        assert_eq!(of("arrow/q1/sf1/parquet", "shop"), 0);
    }

    #[test]
    fn read_refuses_what_is_no_pattern_or_no_number() {
        for (text, told) in [("q1 = 'first'", "[priority] q1"), ("'q(1' = 1", "no regular expression")] {
            let error = format!("{:#}", read(text).unwrap_err());
            assert!(error.contains(told), "{error}");
        }
        assert!(Priority::read(toml::Value::Integer(1)).is_err());
    }
}
