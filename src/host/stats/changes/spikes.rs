//! Single bad runs: points that are far from those before them, and are not followed by enough of their kind to be a level.

use super::NO_NOISE;
use crate::host::stats::median;

/// So many standard deviations of the noise are far. With four, points of a small step would be taken for spikes now and then.
const FAR: f64 = 5.0;
/// Points whose median is the level at a place.
const NEAR: usize = 5;

/// Which points are spikes: at most `fewest - 1` of them in a row, all on one side. What stands at the end of the series is one until
/// there are enough of it.
pub(super) fn spikes(logs: &[f64], fewest: usize) -> Vec<bool> {
    let far = FAR * noise(logs);
    let mut marked = vec![false; logs.len()];
    let mut kept: Vec<f64> = Vec::with_capacity(logs.len());
    let mut at = 0;
    while at < logs.len() {
        // At the beginning the level is that of the first points.
        let near = if kept.len() < 3 { &logs[..logs.len().min(2 * NEAR - 1)] } else { last(&kept, NEAR) };
        let level = median(near).unwrap_or_default();
        let off = logs[at] - level;
        let is_far = |log: &&f64| (**log - level) * off.signum() > far / 2.0;
        let run = if off.abs() > far { logs[at..].iter().take_while(is_far).count() } else { 0 };
        // Of a new level only so many at once: there may be a spike further on in it.
        let taken = run.clamp(1, fewest);
        if (1..fewest).contains(&run) {
            marked[at..at + taken].fill(true);
        } else {
            kept.extend(&logs[at..at + taken]);
        }
        at += taken;
    }
    marked
}

fn last(values: &[f64], count: usize) -> &[f64] {
    &values[values.len().saturating_sub(count)..]
}

/// The standard deviation of the noise, from the differences of neighbours: a step is in one of them only.
fn noise(logs: &[f64]) -> f64 {
    // The median of the size of a difference of two normal numbers is so many of their standard deviations.
    const OF_DIFFERENCES: f64 = 0.6745 * std::f64::consts::SQRT_2;
    let sizes: Vec<f64> = logs.windows(2).map(|pair| (pair[1] - pair[0]).abs()).collect();
    (median(&sizes).unwrap_or_default() / OF_DIFFERENCES).max(NO_NOISE)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Calm points, with others in some places.
    fn marked(others: &[(usize, f64)]) -> Vec<usize> {
        let mut logs: Vec<f64> = (0..30).map(|place| [0.0, 0.03, -0.02, 0.01, -0.03][place % 5]).collect();
        for (place, log) in others {
            logs[*place] += log;
        }
        spikes(&logs, 4).iter().enumerate().filter(|(_, is)| **is).map(|(place, _)| place).collect()
    }

    #[test]
    fn up_to_three_bad_runs_are_spikes_and_four_are_a_level() {
        assert_eq!(marked(&[]), [0_usize; 0]);
        for place in [0, 1, 2, 10, 27, 28, 29] {
            assert_eq!(marked(&[(place, 0.4)]), [place]);
            assert_eq!(marked(&[(place, -1.1)]), [place]);
        }
        assert_eq!(marked(&[(10, 0.4), (11, 1.1), (12, 0.4)]), [10, 11, 12]);
        assert_eq!(marked(&[(10, 0.4), (11, 0.4), (12, 0.4), (13, 0.4)]), [0_usize; 0]);
        assert_eq!(marked(&[(28, 0.4), (29, 0.4)]), [28, 29]);
        // One in a new level, and one that is far from both.
        let mut step: Vec<(usize, f64)> = (12..30).map(|place| (place, 0.5)).collect();
        assert_eq!(marked(&step), [0_usize; 0]);
        step.push((20, 1.1));
        assert_eq!(marked(&step), [20]);
    }

    #[test]
    fn values_that_are_all_alike_have_spikes_too() {
        let mut logs = [1.0; 20];
        assert!(!spikes(&logs, 4).contains(&true));
        logs[7] = 1.01;
        assert_eq!(spikes(&logs, 4).iter().position(|is| *is), Some(7));
        assert!(spikes(&[], 4).is_empty());
    }
}
