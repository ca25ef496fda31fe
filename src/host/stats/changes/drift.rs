//! Slow changes: whether the points of a stretch go up or down all along (Mann and Kendall), and how fast (Theil and Sen).

use super::SHORTEST_DRIFT;
use super::scan::{GIVEN_OUT, inflation};
use super::tail::{as_float, upper};
use crate::host::stats::{Interval, median};

/// The chance of a false alarm that drifts have, beside what is in [`scan`](super::scan).
const WEIGHT: f64 = 0.05;
/// Of more points only some pairs are taken for the slope, evenly.
const EVERY_PAIR: usize = 300;
/// What encloses 95 % of a normal distribution.
const MIDDLE: f64 = 1.959_964;

/// A line through a stretch.
#[derive(Debug, Clone, Copy)]
pub(super) struct Line {
    /// How likely such an order of the points would be without a drift.
    pub(super) p: f64,
    /// From a point to the next, in logarithms.
    pub(super) slope: Interval,
    /// At the first point.
    pub(super) start: f64,
    /// The squares that are left around it.
    pub(super) left: f64,
}

/// How likely such an order would be by chance, and the line; `None` of too few points. The line is not computed where the order says
/// little, that is above `level`.
pub(super) fn line(logs: &[f64], level: f64) -> Option<(f64, Option<Line>)> {
    if logs.len() < SHORTEST_DRIFT {
        return None;
    }
    let n = as_float(logs.len());
    let mut order = 0_i64;
    for (place, log) in logs.iter().enumerate() {
        for later in &logs[place + 1..] {
            order += i64::from(later > log) - i64::from(later < log);
        }
    }
    #[expect(clippy::cast_precision_loss, reason = "a number of pairs")]
    let size = (order.unsigned_abs().saturating_sub(1)) as f64;
    let deviation = (n * (n - 1.0) * (2.0 * n + 5.0) / 18.0).sqrt();
    let p = |inflation: f64| (2.0 * upper(size / (deviation * inflation.sqrt())) / (WEIGHT * GIVEN_OUT)).min(1.0);
    if p(1.0) > level {
        return Some((p(1.0), None));
    }
    let slopes = slopes(logs);
    let slope = median(&slopes).unwrap_or_default();
    let rest = |start: f64| logs.iter().enumerate().map(move |(place, log)| log - start - slope * as_float(place));
    let start = median(&rest(0.0).collect::<Vec<_>>()).unwrap_or_default();
    let rest: Vec<f64> = rest(start).collect();
    let inflation = inflation(&rest, 2);
    // As far from the middle of the slopes as the order may be off by chance (Sen 1968).
    let share = (MIDDLE * deviation * inflation.sqrt() / (n * (n - 1.0) / 2.0)).min(1.0);
    let last = slopes.len() - 1;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "an index of a slice")]
    let outside = ((1.0 - share) / 2.0 * as_float(last)) as usize;
    let slope = Interval { estimate: slope, low: slopes[outside], high: slopes[last - outside] };
    let left = rest.iter().map(|value| value * value).sum();
    Some((p(inflation), Some(Line { p: p(inflation), slope, start, left })))
}

/// The slopes between all points, in their order.
fn slopes(logs: &[f64]) -> Vec<f64> {
    let stride = logs.len().div_ceil(EVERY_PAIR);
    let mut slopes = Vec::new();
    for from in (0..logs.len()).step_by(stride) {
        for to in (from + 1..logs.len()).step_by(stride) {
            slopes.push((logs[to] - logs[from]) / as_float(to - from));
        }
    }
    slopes.sort_unstable_by(f64::total_cmp);
    slopes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn line_finds_a_drift_with_its_slope_and_none_in_noise() {
        let mess = |place: usize| [0.0, 0.02, -0.03, 0.01, -0.01, 0.03, -0.02][place * 5 % 7];
        let logs: Vec<f64> = (0..60).map(|place| 2.0 + 0.002 * as_float(place) + mess(place)).collect();
        let (p, line) = line(&logs, 0.01).unwrap();
        let line = line.unwrap();
        assert!(p < 1e-6 && (line.slope.estimate - 0.002).abs() < 2e-4, "{p} {line:?}");
        assert!(line.slope.low < 0.002 && 0.002 < line.slope.high && (line.start - 2.0).abs() < 0.01, "{line:?}");
        let flat: Vec<f64> = (0..60).map(mess).collect();
        assert!(super::line(&flat, 0.01).unwrap().1.is_none());
        assert!(super::line(&flat[..10], 0.01).is_none());
    }
}
