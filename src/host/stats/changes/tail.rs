//! How likely a largest value is where nothing changed: tails of the normal distribution, and of the largest of many statistics that
//! resemble their neighbours (Siegmund 1985, James, James and Siegmund 1987, Siegmund 1988 for two ends).

use std::f64::consts::TAU;

/// How likely a standard normal number is above `x`.
pub(super) fn upper(x: f64) -> f64 {
    if x < 3.0 {
        // The series around zero: x + x^3/3 + x^5/15 + ..., times the density.
        let (mut term, mut sum, mut odd) = (x, x, 1.0);
        while f64::abs(term) > 1e-17 {
            odd += 2.0;
            term *= x * x / odd;
            sum += term;
        }
        return 0.5 - density(x) * sum;
    }
    // Laplace's continued fraction.
    let fraction = (1..=60).rev().fold(x, |below, count| x + f64::from(count) / below);
    density(x) / fraction
}

/// The density of the standard normal distribution.
fn density(x: f64) -> f64 {
    (-x * x / 2.0).exp() / TAU.sqrt()
}

/// What is left of a continuous path's chance to pass a bound where it is looked at in steps of `x` standard deviations.
fn overshoot(x: f64) -> f64 {
    let half = x / 2.0;
    let below = 1.0 - upper(half);
    (below - 0.5) / half / (half * below + density(half))
}

/// How likely, on one side, the largest of the statistics at these cuts of `n` points is above `z`.
pub(super) fn largest_split(z: f64, n: usize, cuts: impl Iterator<Item = usize>) -> f64 {
    let more: f64 = cuts.skip(1).map(|cut| crossing(z, n, cut)).sum();
    (upper(z) + density(z) / z * more).min(1.0)
}

/// The same for stretches with an end on each side of them: `lengths` gives each length, and how many places it has.
pub(super) fn largest_stretch(z: f64, n: usize, lengths: impl Iterator<Item = (usize, usize)>) -> f64 {
    let all: f64 = lengths.map(|(length, places)| as_float(places) * crossing(z, n, length).powi(2)).sum();
    (upper(z) + density(z) / z * all).min(1.0)
}

/// What one more end, after `part` of `n` points, adds to the number of independent looks; 1 where it resembles none.
fn crossing(z: f64, n: usize, part: usize) -> f64 {
    let (n, part) = (as_float(n), as_float(part));
    let slope = n / (2.0 * part * (n - part));
    (z * z * slope * overshoot(z * (2.0 * slope).sqrt())).min(1.0)
}

#[expect(clippy::cast_precision_loss, reason = "a number of points")]
pub(super) fn as_float(count: usize) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn upper_is_that_of_the_published_tables() {
        for (x, tail) in [(0.0, 0.5), (1.0, 0.158_655_254), (1.96, 0.024_997_895), (2.999, 1.354_331e-3)] {
            assert!((upper(x) / tail - 1.0).abs() < 1e-5, "{x}: {}", upper(x));
        }
        for (x, tail) in [(3.0, 1.349_898e-3), (4.0, 3.167_124e-5), (6.0, 9.865_876e-10), (10.0, 7.619_853e-24)] {
            assert!((upper(x) / tail - 1.0).abs() < 1e-5, "{x}: {}", upper(x));
        }
    }

    #[test]
    fn more_looks_are_likelier_to_be_high_and_one_is_itself() {
        let of = |cuts: std::ops::RangeInclusive<usize>| largest_split(3.0, 100, cuts);
        assert!((of(50..=50) - upper(3.0)).abs() < 1e-15);
        assert!(of(92..=94) > of(94..=94) && of(4..=96) > 5.0 * of(92..=94));
        // Andrews 1993: the largest square over the middle 90 % is above 13.01 in about one of a hundred series, both sides. He drew
        // paths in steps, which are a little lower than those of 10,000 points.
        let both = 2.0 * largest_split(13.01_f64.sqrt(), 10_000, 500..=9500);
        assert!((0.010..0.013).contains(&both), "{both}");
    }
}
