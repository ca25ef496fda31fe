//! The Hodges-Lehmann estimate of paired differences, with the interval that belongs to Wilcoxon's signed-rank test.
//!
//! No distribution is assumed but that the differences lie symmetrically around their centre, and one wild pair moves
//! the estimate little: what a shared machine asks for.

use serde::{Deserialize, Serialize};

/// An estimate and the interval around it, in the differences' own unit.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
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

/// How likely differences as large as these are where their centre is at most `shift`: the one-sided p value of Wilcoxon's
/// signed-rank test. A mean of two that lies on the shift counts half; 1 of nothing.
pub fn signed_rank_p(differences: &[f64], shift: f64) -> f64 {
    // Counts of twos and threes are exact; what is computed of logarithms is not.
    const NEXT_TO_NOTHING: f64 = 1e-12;
    let averages = walsh_averages(differences);
    let above = averages.iter().filter(|average| **average > shift + NEXT_TO_NOTHING).count();
    let on = averages.iter().filter(|average| (**average - shift).abs() <= NEXT_TO_NOTHING).count();
    let ways = ways(differences.len());
    let all: f64 = ways.iter().sum();
    ways[above + on / 2..].iter().sum::<f64>() / all
}

/// Which of these p values are significant where no more than `alpha` of families like this one may have a single false one:
/// Holm's procedure.
#[expect(clippy::cast_precision_loss, reason = "a handful of tests")]
pub fn holm(p_values: &[f64], alpha: f64) -> Vec<bool> {
    let mut order: Vec<usize> = (0..p_values.len()).collect();
    order.sort_by(|a, b| p_values[*a].total_cmp(&p_values[*b]));
    let mut significant = vec![false; p_values.len()];
    for (done, place) in order.into_iter().enumerate() {
        if p_values[place] > alpha / (p_values.len() - done) as f64 {
            break;
        }
        significant[place] = true;
    }
    significant
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
    let ways = ways(n);
    let all: f64 = ways.iter().sum();
    let mut below = 0.0;
    let outside = ways.iter().take_while(|count| {
        below += **count / all;
        below <= tail
    });
    outside.count().checked_sub(1)
}

/// Of the 2^n equally likely patterns of signs, how many have each rank sum.
fn ways(n: usize) -> Vec<f64> {
    let mut ways = vec![1.0];
    for rank in 1..=n {
        let mut next = vec![0.0; ways.len() + rank];
        for (sum, count) in ways.iter().enumerate() {
            next[sum] += count;
            next[sum + rank] += count;
        }
        ways = next;
    }
    ways
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
    fn the_p_value_is_that_of_the_published_tables() {
        // All of n differences above: one pattern of 2^n.
        assert!((signed_rank_p(&[1.0, 2.0, 3.0, 4.0, 5.0], 0.0) - 1.0 / 32.0).abs() < 1e-12);
        // W+ = 44 of 10: one-sided 0.0527 in the tables, and 45: 0.0420.
        let signs = [-1.0, -2.0, -3.0, -5.0, 4.0, 6.0, 7.0, 8.0, 9.0, 10.0];
        assert!((signed_rank_p(&signs, 0.0) - 0.0527).abs() < 1e-4, "{}", signed_rank_p(&signs, 0.0));
        // Nothing but the shift itself speaks for nothing.
        assert!(signed_rank_p(&[0.5; 12], 0.5) > 0.49);
        assert!(signed_rank_p(&[0.5; 12], 0.4) < 0.001);
        assert!((signed_rank_p(&[], 0.0) - 1.0).abs() < 1e-12);
    }

    #[test]
    fn holm_stops_at_the_first_that_fails() {
        assert_eq!(holm(&[0.01, 0.04, 0.03, 0.005], 0.05), [true, false, false, true]);
        assert_eq!(holm(&[0.02, 0.02], 0.05), [true, true]);
        assert_eq!(holm(&[0.03, 0.03], 0.05), [false, false]);
        assert!(holm(&[], 0.05).is_empty());
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
