//! The median of a sample with its interval, without assuming a distribution.

use super::{Interval, median};

/// The median, between the two samples that enclose the true one with at least 95 %: a binomial argument, so nothing is
/// assumed of how times are distributed. Of five samples or fewer, no two do: the interval is all of them. `None` of nothing.
pub fn median_interval(samples: &[f64]) -> Option<Interval> {
    let mut sorted = samples.to_vec();
    sorted.sort_by(f64::total_cmp);
    let outside = outside(sorted.len());
    let (low, high) = (*sorted.get(outside)?, sorted[sorted.len() - 1 - outside]);
    Some(Interval { estimate: median(samples)?, low, high })
}

/// How many samples lie outside the interval on each side: the k-th smallest bounds it when at most 2.5 % of all samples
/// have fewer than k values below the true median.
#[expect(clippy::cast_precision_loss, reason = "a number of samples")]
fn outside(n: usize) -> usize {
    // More ways than a float can count: by then they are spread as a normal distribution.
    if n > 1000 {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "below n")]
        return (n as f64 / 2.0 - 0.98 * (n as f64).sqrt()) as usize;
    }
    // Of the 2^n equally likely ways to lie below or above, those with `index` below.
    let mut share = 0.5_f64.powi(i32::try_from(n).unwrap_or(i32::MAX));
    let mut below = 0.0;
    for index in 0..n {
        below += share;
        if below > 0.025 {
            return index.saturating_sub(1);
        }
        share *= (n - index) as f64 / (index + 1) as f64;
    }
    0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_interval_is_that_of_the_sign_test() {
        // Published for a confidence of 95 %: the k-th smallest and k-th largest sample.
        for (n, k) in [(5, 1), (6, 1), (8, 1), (9, 2), (10, 2), (12, 3), (20, 6), (30, 10), (100, 40), (2000, 957)] {
            assert_eq!(outside(n) + 1, k, "n = {n}");
        }
        let interval = median_interval(&[4.0, 1.0, 10.0, 2.0, 3.0, 9.0, 8.0, 7.0, 6.0, 5.0]).unwrap();
        assert_eq!((interval.low, interval.estimate, interval.high), (2.0, 5.5, 9.0));
        assert_eq!(median_interval(&[]), None);
        assert!((median_interval(&[3.0]).unwrap().low - 3.0).abs() < 1e-12);
    }
}
