//! What only TPC-H has: its name, and by clause 2.1.3.5 how exact a number has to be to meet the published one. What it declares
//! is in `fixtures/tpch/suite.toml`.
//!
//! Counts and values that are taken from a row have to match exactly; a sum lies within $100; an average or a ratio, rounded to a
//! hundredth, within 1 %. What the published file itself rounded to two digits is no difference of anybody's.

use bigdecimal::{BigDecimal, RoundingMode, Zero};

use super::Measure;

/// What the suite is called, and its generator.
pub(super) const NAME: &str = "tpch";

/// Digits after the point of a published number.
const PLACES: i64 = 2;
const SUM: i64 = 100;

impl Measure {
    /// Whether an actual number meets the published one.
    pub(crate) fn meets(self, published: &BigDecimal, actual: &BigDecimal) -> bool {
        let rounded = actual.with_scale_round(PLACES, RoundingMode::HalfUp);
        match self {
            Self::Value => *published == rounded,
            Self::Count => published == actual,
            Self::Sum => (published - actual).abs() <= SUM,
            Self::Average | Self::Ratio if published.is_zero() => rounded.is_zero(),
            Self::Average | Self::Ratio => (published - rounded).abs() * BigDecimal::from(100) <= published.abs(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn meets(measure: Measure, published: &str, actual: &str) -> bool {
        measure.meets(&published.parse().unwrap(), &actual.parse().unwrap())
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
