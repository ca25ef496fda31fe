//! Whether successive runs have become steady: [`is_steady`].

use super::median;

/// Runs on either side of the comparison.
const SIDE: usize = 20;
/// The most by which the medians of two sides may differ.
const WITHIN: f64 = 0.03;

/// Whether the last twenty runs take as much as the twenty before them, within 3 % of their medians. Fewer than 40 runs never are
/// steady. Sides of ten met by chance while Spark's q1 still fell: it ended after 30 runs, a fifth above what 100 runs settled at.
pub fn is_steady(runs: &[f64]) -> bool {
    let Some(begin) = runs.len().checked_sub(2 * SIDE) else { return false };
    let (before, last) = runs[begin..].split_at(SIDE);
    let (Some(before), Some(last)) = (median(before), median(last)) else { return false };
    before > 0.0 && (last / before - 1.0).abs() <= WITHIN
}

#[cfg(test)]
mod tests {
    use super::*;

    /// So many runs, each as many times the one before it.
    fn falling(runs: u32, by: f64) -> Vec<f64> {
        (0..runs).map(|run| 1000.0 * by.powi(i32::try_from(run).unwrap())).collect()
    }

    #[test]
    fn is_steady_takes_forty_runs_that_no_longer_change() {
        assert!(!is_steady(&falling(39, 1.0)));
        assert!(is_steady(&falling(40, 1.0)));
        // One slow run says nothing.
        let mut runs = falling(40, 1.0);
        runs[30] = 9000.0;
        assert!(is_steady(&runs));
        assert!(!is_steady(&[0.0; 40]) && !is_steady(&[]));
    }

    #[test]
    fn is_steady_sees_what_still_falls_or_rises() {
        assert!(!is_steady(&falling(60, 0.995)));
        assert!(!is_steady(&falling(60, 1.005)));
        assert!(is_steady(&falling(60, 0.999)));
        // A compiler at work for 30 runs, and then steady ones.
        let mut runs = falling(30, 0.95);
        runs.extend([runs[29]; 10]);
        assert!(!is_steady(&runs));
        runs.extend([runs[29]; 30]);
        assert!(is_steady(&runs));
    }
}
