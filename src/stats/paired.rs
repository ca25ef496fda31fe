//! The Hodges-Lehmann estimate of paired differences, with the interval that belongs to Wilcoxon's signed-rank test.
//!
//! No distribution is assumed but that the differences lie symmetrically around their centre, and one wild pair moves
//! the estimate little: what a shared machine asks for.

use serde::Serialize;

/// An estimate and the interval around it, in the differences' own unit.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Interval {
    /// The estimate.
    pub estimate: f64,
    /// The lower end.
    pub low: f64,
    /// The upper end.
    pub high: f64,
}

/// Estimates the centre of paired differences; the interval covers it with at least this `confidence`.
///
/// `None` when there are too few pairs for any interval of that confidence: 95 % takes six.
pub fn hodges_lehmann(differences: &[f64], confidence: f64) -> Option<Interval> {
    let cut = cut(differences.len(), (1.0 - confidence) / 2.0)?;
    let walsh = walsh_averages(differences);
    Some(Interval { estimate: super::median(&walsh)?, low: walsh[cut], high: walsh[walsh.len() - 1 - cut] })
}

/// The means of all pairs, each with itself too, in order.
fn walsh_averages(values: &[f64]) -> Vec<f64> {
    let pairs = values.iter().enumerate().flat_map(|(i, a)| values[i..].iter().map(move |b| f64::midpoint(*a, *b)));
    let mut averages: Vec<f64> = pairs.collect();
    averages.sort_by(f64::total_cmp);
    averages
}

/// How many of the ordered averages lie outside on each side: the largest k with P(W < k) at most `tail`, where W is the
/// signed-rank statistic of `n` differences around zero, less one as an index.
fn cut(n: usize, tail: f64) -> Option<usize> {
    // Of the 2^n equally likely sign patterns, `ways[w]` have the rank sum w.
    let mut ways = vec![1.0];
    for rank in 1..=n {
        let mut next = vec![0.0; ways.len() + rank];
        for (sum, count) in ways.iter().enumerate() {
            next[sum] += count;
            next[sum + rank] += count;
        }
        ways = next;
    }
    let all: f64 = ways.iter().sum();
    let mut below = 0.0;
    let outside = ways.iter().take_while(|count| {
        below += **count / all;
        below <= tail
    });
    outside.count().checked_sub(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_interval_is_that_of_the_published_tables() {
        // Critical values of the signed-rank statistic, two-sided 5 %: n = 6: 0, 7: 2, 8: 3, 10: 8, 20: 52.
        for (n, critical) in [(6, 0), (7, 2), (8, 3), (10, 8), (20, 52)] {
            assert_eq!(cut(n, 0.025), Some(critical), "n = {n}");
        }
        assert_eq!(cut(5, 0.025), None);
    }

    #[test]
    fn one_wild_pair_moves_the_estimate_little() {
        let calm = [0.01, 0.02, 0.00, 0.01, 0.02, 0.01, 0.015];
        let wild = [0.01, 0.02, 0.00, 0.01, 0.02, 0.01, 9.0];
        let estimate = |values: &[f64]| hodges_lehmann(values, 0.95).unwrap().estimate;
        assert!((estimate(&calm) - estimate(&wild)).abs() < 0.01);
    }

    proptest! {
        #[test]
        fn the_estimate_lies_in_its_interval_and_moves_with_the_values(
            values in prop::collection::vec(-5.0..5.0_f64, 6..30), shift in -3.0..3.0_f64,
        ) {
            let here = hodges_lehmann(&values, 0.95).unwrap();
            prop_assert!(here.low <= here.estimate && here.estimate <= here.high);
            let moved: Vec<f64> = values.iter().map(|value: &f64| value + shift).collect();
            let there = hodges_lehmann(&moved, 0.95).unwrap();
            prop_assert!((there.estimate - here.estimate - shift).abs() < 1e-9);
            prop_assert!((there.low - here.low - shift).abs() < 1e-9);
        }
    }
}
