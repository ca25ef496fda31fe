//! Answers that somebody published for a suite: [`Published`], and how close an engine's numbers have to come to them. Answers of
//! engines are compared with each other elsewhere, and more exactly.

use bigdecimal::{BigDecimal, RoundingMode, Zero};
use serde::{Deserialize, Serialize};

use crate::protocol::id::Scale;

/// Answers to a suite's queries that somebody published, and the setting that says where they lie: the table `[published]` of a
/// `suite.toml`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Published {
    /// Who publishes them: `TPC`.
    pub by: String,
    /// What the setting is called in `querydyno.toml`, `tpch_answers`; in the environment it is `QUERYDYNO_TPCH_ANSWERS`.
    pub setting: String,
    /// The scale that they are of.
    pub scale: Scale,
    /// What stands behind a query's name in its file's: `.out`.
    pub ending: String,
    /// How close an engine's numbers have to come.
    #[serde(default = "formerly")]
    pub within: Tolerances,
}

/// What held for every suite before they declared it: older revisions, which are compared with, do not.
const fn formerly() -> Tolerances {
    Tolerances { decimals: 2, sum: 100, percent: 1 }
}

/// What a number of an answer is, which decides how exactly it has to meet a published one: [`Tolerances::meets`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Measure {
    /// Taken from a row as it is.
    Value,
    /// A count.
    Count,
    /// A sum.
    Sum,
    /// An average.
    Average,
    /// A ratio.
    Ratio,
}

/// What a number may differ by from the published one; counts never may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tolerances {
    /// Digits after the point of a published number; what it was rounded by is no difference.
    pub decimals: i64,
    /// A sum: by so much.
    pub sum: i64,
    /// An average or a ratio: by so many hundredths of the published one.
    pub percent: i64,
}

impl Tolerances {
    /// Whether an actual number meets the published one.
    pub(crate) fn meets(self, measure: Measure, published: &BigDecimal, actual: &BigDecimal) -> bool {
        let rounded = actual.with_scale_round(self.decimals, RoundingMode::HalfUp);
        match measure {
            Measure::Value => *published == rounded,
            Measure::Count => published == actual,
            Measure::Sum => (published - actual).abs() <= self.sum,
            Measure::Average | Measure::Ratio if published.is_zero() => rounded.is_zero(),
            Measure::Average | Measure::Ratio => {
                (published - rounded).abs() * BigDecimal::from(100) <= published.abs() * BigDecimal::from(self.percent)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As `fixtures/tpch/suite.toml` has them.
    const TPCH: Tolerances = formerly();

    #[test]
    fn published_of_an_older_revision_is_read() {
        let older = "by = 'TPC'\nsetting = 'tpch_answers'\nscale = 'sf1'\nending = '.out'";
        assert_eq!(toml::from_str::<Published>(older).unwrap().within, TPCH);
    }

    fn meets(measure: Measure, published: &str, actual: &str) -> bool {
        TPCH.meets(measure, &published.parse().unwrap(), &actual.parse().unwrap())
    }

    #[test]
    fn published_counts_and_values_match_exactly() {
        assert!(meets(Measure::Count, "38854", "38854"));
        assert!(!meets(Measure::Count, "38854", "38855"));
        assert!(meets(Measure::Value, "9938.53", "9938.53"));
        assert!(meets(Measure::Value, "9938.53", "9938.530000"));
        assert!(!meets(Measure::Value, "9938.53", "9938.54"));
    }

    #[test]
    fn published_sums_are_within_a_hundred_dollars() {
        assert!(meets(Measure::Sum, "37734107.00", "37734207.00"));
        assert!(!meets(Measure::Sum, "37734107.00", "37734207.01"));
        assert!(!meets(Measure::Sum, "37734107.00", "37734006.99"));
    }

    #[test]
    fn published_averages_and_ratios_are_within_one_percent_of_what_is_rounded() {
        // q17 of TPC's own file against what every engine computes.
        assert!(meets(Measure::Ratio, "348406.02", "348406.054285714"));
        assert!(meets(Measure::Average, "25.52", "25.522005853257337"));
        assert!(meets(Measure::Average, "100.00", "101.004"));
        assert!(!meets(Measure::Average, "100.00", "101.006"));
        assert!(!meets(Measure::Ratio, "0.00", "0.01"));
        assert!(meets(Measure::Ratio, "0.00", "0.001"));
    }
}
