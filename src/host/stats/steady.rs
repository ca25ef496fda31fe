//! Whether successive runs have become steady: [`is_steady`].

use super::median;

/// Runs on either side of the comparison.
const SIDE: usize = 10;
/// The most by which the medians of two sides may differ.
const WITHIN: f64 = 0.03;

/// Whether the last ten runs take as much as the ten before them, within 3 % of their medians. What still falls by a few percent over
/// ten runs is not steady; fewer than 20 runs never are.
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
    fn is_steady_takes_twenty_runs_that_no_longer_change() {
        assert!(!is_steady(&falling(19, 1.0)));
        assert!(is_steady(&falling(20, 1.0)));
        // One slow run says nothing.
        let mut runs = falling(20, 1.0);
        runs[15] = 9000.0;
        assert!(is_steady(&runs));
        assert!(!is_steady(&[0.0; 20]) && !is_steady(&[]));
    }

    #[test]
    fn is_steady_sees_what_still_falls_or_rises() {
        assert!(!is_steady(&falling(40, 0.99)));
        assert!(!is_steady(&falling(40, 1.01)));
        assert!(is_steady(&falling(40, 0.998)));
        // A compiler at work for 30 runs, and then steady ones.
        let mut runs = falling(30, 0.95);
        assert!(!is_steady(&runs));
        runs.extend([runs[29]; 20]);
        assert!(is_steady(&runs));
    }
}
