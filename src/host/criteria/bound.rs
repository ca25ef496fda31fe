//! How sure a share of successes is: exact binomial bounds (Clopper and Pearson), and how many runs it takes.

/// The lower bound of the true share of successes, one-sided and exact: the share is at least this, with the confidence. 0 where no run
/// succeeded.
pub fn at_least(successes: u64, runs: u64, confidence: f64) -> f64 {
    if successes == 0 {
        return 0.0;
    }
    // With a smaller share, as many successes or more would be rarer than 1 - confidence.
    root(|share| upper_tail(successes, runs, share) - (1.0 - confidence))
}

/// The upper bound, likewise: the share is at most this, with the confidence.
pub fn at_most(successes: u64, runs: u64, confidence: f64) -> f64 {
    if successes >= runs {
        return 1.0;
    }
    1.0 - at_least(runs - successes, runs, confidence)
}

/// Runs without a failure that show a rate with a confidence: 2,995 for 0.999 and 0.95.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "both are between 0 and 1")]
pub fn runs_needed(rate: f64, confidence: f64) -> u64 {
    ((1.0 - confidence).ln() / rate.ln()).ceil().max(1.0) as u64
}

/// Where an increasing function crosses 0 between 0 and 1, by bisection.
fn root(grows: impl Fn(f64) -> f64) -> f64 {
    let (mut low, mut high) = (0.0, 1.0);
    for _ in 0..60 {
        let middle = f64::midpoint(low, high);
        if grows(middle) < 0.0 { low = middle } else { high = middle }
    }
    f64::midpoint(low, high)
}

/// The probability of so many successes or more, where each run succeeds with the probability `share`.
#[expect(clippy::cast_precision_loss, reason = "runs are far below 2^53")]
fn upper_tail(successes: u64, runs: u64, share: f64) -> f64 {
    if share <= 0.0 || share >= 1.0 {
        return if share >= 1.0 { 1.0 } else { 0.0 };
    }
    let (log_success, log_failure) = (share.ln(), (-share).ln_1p());
    // The number of ways to choose, as its logarithm, from all successes downwards.
    let mut ways = 0.0;
    let mut sum = 0.0;
    for failures in 0..=runs - successes {
        if failures > 0 {
            ways += ((runs - failures + 1) as f64).ln() - (failures as f64).ln();
        }
        sum += (ways + (runs - failures) as f64 * log_success + failures as f64 * log_failure).exp();
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_are_those_of_clopper_and_pearson() {
        // One-sided, as published in tables of exact binomial limits.
        for (successes, runs, confidence, wanted) in [
            (10, 10, 0.95, 0.7411),
            (9, 10, 0.95, 0.6058),
            (95, 100, 0.95, 0.8977),
            (59, 59, 0.95, 0.9505),
            (2995, 2995, 0.95, 0.9990),
        ] {
            let found = at_least(successes, runs, confidence);
            assert!((found - wanted).abs() < 1e-4, "{successes} of {runs}: {found}");
        }
        assert!((at_most(0, 10, 0.95) - 0.2589).abs() < 1e-4);
        assert!((at_most(10, 10, 0.95) - 1.0).abs() < 1e-12 && at_least(0, 10, 0.95) < 1e-12);
    }

    #[test]
    fn runs_needed_show_the_rate_and_one_fewer_does_not() {
        assert_eq!((runs_needed(0.999, 0.95), runs_needed(0.9, 0.95), runs_needed(0.01, 0.5)), (2995, 29, 1));
        for (rate, confidence) in [(0.9, 0.95), (0.99, 0.9), (0.95, 0.99)] {
            let runs = runs_needed(rate, confidence);
            assert!(at_least(runs, runs, confidence) >= rate - 1e-9);
            assert!(at_least(runs - 1, runs - 1, confidence) < rate);
        }
    }
}
