//! Whether a stretch of a series has a step in it, and where: the likelihood ratio at every place, and how likely its largest is.

use std::ops::RangeInclusive;

use super::tail::{as_float, largest_split, largest_stretch};
use super::{NO_NOISE, SHORTEST};

/// What is new is looked at with most of the chance of a false alarm: a step with so many points after it. One of 5 % in noise of 3 %
/// can be told from noise from the eighth point on, if at all; a larger one is seen at any place, with what is left.
const NEW: (RangeInclusive<usize>, f64) = (8..=8, 0.79);
/// And those that were new a little before.
const RECENT: (RangeInclusive<usize>, f64) = (9..=16, 0.08);
/// A step anywhere, a stretch between two steps; and what [`drift`](super::drift) has.
const ANYWHERE: f64 = 0.06;
const STRETCH: f64 = 0.02;
/// The same two in what is not the newest of a series.
const ANYWHERE_IN_OLD: f64 = 0.60;
const STRETCH_IN_OLD: f64 = 0.35;
/// Before what is new there have to be so many points.
const BASELINE: usize = 12;
/// The part of all this for what became slower, or more: that is what has to be known soon.
const SLOWER: f64 = 0.66;
/// Only so much of the chance is given out. The rest is for noise that is not normal, and for neighbours that resemble each other too
/// little to be seen and too much to be nothing.
pub(super) const GIVEN_OUT: f64 = 0.6;
/// An autocorrelation below so many of its own standard deviations is taken for none.
const SEEN: f64 = 0.9;

/// What a look at a stretch has given.
pub(super) struct Look {
    /// How likely this would be without a change, all places that were looked at together.
    pub(super) p: f64,
    /// The first points after its steps.
    pub(super) cuts: Vec<usize>,
}

/// Sums over a stretch, from which any part's mean is had at once.
pub(super) struct Sums {
    /// Of the deviations from the mean, up to each point.
    below: Vec<f64>,
    /// Of their squares.
    squares: f64,
    mean: f64,
    /// How many times the variance of a mean is what it would be of independent points.
    inflation: f64,
}

impl Sums {
    pub(super) fn new(logs: &[f64]) -> Self {
        let n = as_float(logs.len());
        let mean = logs.iter().sum::<f64>() / n;
        let mut below = Vec::with_capacity(logs.len() + 1);
        below.push(0.0);
        let (mut sum, mut squares) = (0.0, n * NO_NOISE * NO_NOISE);
        for log in logs {
            sum += log - mean;
            squares += (log - mean).powi(2);
            below.push(sum);
        }
        Self { below, squares, mean, inflation: 1.0 }
    }

    fn len(&self) -> usize {
        self.below.len() - 1
    }

    /// How much of the squares a level of its own for `from..to` explains.
    fn explained(&self, from: usize, to: usize) -> f64 {
        let (n, part) = (as_float(self.len()), as_float(to - from));
        (self.below[to] - self.below[from]).powi(2) * n / (part * (n - part))
    }

    /// What a step at `cut` explains; negative where the points after it are lower.
    fn signed(&self, cut: usize) -> f64 {
        -self.explained(0, cut) * self.below[cut].signum()
    }

    /// The squares that are left around two levels with a step at `cut`.
    pub(super) fn left(&self, cut: usize) -> f64 {
        self.squares - self.explained(0, cut)
    }

    /// The likelihood ratio of a level of its own for `from..to`, as a standard normal number would have it (Wallace 1959), with the
    /// sign of the difference.
    pub(super) fn z(&self, from: usize, to: usize) -> f64 {
        let df = as_float(self.len() - 2);
        let share = (self.explained(from, to) / self.squares).min(1.0 - 1e-12);
        let t_squared = share / (1.0 - share) * df / self.inflation;
        let z = (df * (1.0 + t_squared / df).ln()).sqrt() * (8.0 * df + 1.0) / (8.0 * df + 3.0);
        z * (self.below[to] - self.below[from]).signum()
    }

    /// The cut that explains most, of these.
    pub(super) fn best(&self, cuts: RangeInclusive<usize>) -> Option<usize> {
        cuts.max_by(|a, b| self.explained(0, *a).total_cmp(&self.explained(0, *b)))
    }

    /// From here on statistics take into account what is left around a level of its own for `from..to`: neighbours that resemble each
    /// other.
    pub(super) fn correct(&mut self, logs: &[f64], from: usize, to: usize) {
        let sum = self.below[to] - self.below[from];
        let (n, part) = (as_float(self.len()), as_float(to - from));
        let (inside, outside) = (self.mean + sum / part, self.mean - sum / (n - part));
        let level = |place: usize| if (from..to).contains(&place) { inside } else { outside };
        let rest = logs.iter().enumerate().map(|(place, log)| log - level(place));
        self.inflation = inflation(&rest.collect::<Vec<_>>(), 2);
    }

    /// See [`inflation`].
    pub(super) fn inflation(&self) -> f64 {
        self.inflation
    }
}

/// How many times the variance of a mean is that of independent points, by what is left around a fit of so many parameters.
pub(super) fn inflation(rest: &[f64], parameters: usize) -> f64 {
    let n = as_float(rest.len());
    let squares: f64 = rest.iter().map(|value| value * value).sum();
    let products: f64 = rest.windows(2).map(|pair| pair[0] * pair[1]).sum();
    // Each level that was taken from the points makes neighbours look less alike.
    let correlation = products / squares.max(n * NO_NOISE * NO_NOISE) + as_float(parameters) / n;
    if correlation < SEEN / n.sqrt() {
        return 1.0;
    }
    let correlation = correlation.min(0.8);
    (1.0 + correlation) / (1.0 - correlation)
}

/// Looks for a step, or a stretch between two; `None` of too few points. `is_newest` where the series ends with it.
pub(super) fn look(logs: &[f64], is_newest: bool, fewest: usize) -> Option<Look> {
    let n = logs.len();
    if n < SHORTEST.max(2 * fewest) {
        return None;
    }
    let mut sums = Sums::new(logs);
    sums.correct(logs, sums.best(fewest..=n - fewest)?, n);
    let has_new = is_newest && n >= BASELINE + NEW.0.end();
    let (anywhere, stretch) = if has_new { (ANYWHERE, STRETCH) } else { (ANYWHERE_IN_OLD, STRETCH_IN_OLD) };
    let mut looks = vec![split(&sums, fewest..=n - fewest, anywhere)];
    if has_new {
        for (tails, weight) in [NEW, RECENT] {
            looks.push(split(&sums, n.saturating_sub(*tails.end()).max(BASELINE)..=n - tails.start(), weight));
        }
    }
    looks.push(between(&mut sums, logs, fewest, stretch));
    looks.into_iter().flatten().min_by(|a, b| a.p.total_cmp(&b.p))
}

/// The chance of a false alarm that one side has; a positive number is slower.
fn side(z: f64) -> f64 {
    GIVEN_OUT * if z > 0.0 { SLOWER } else { 1.0 - SLOWER }
}

fn split(sums: &Sums, cuts: RangeInclusive<usize>, weight: f64) -> Option<Look> {
    let n = sums.len();
    // The largest on each side, by what it explains, which has the order of the statistic: they have chances of their own.
    let of_side = |sign: f64| cuts.clone().max_by(|a, b| (sign * sums.signed(*a)).total_cmp(&(sign * sums.signed(*b))));
    let p = |cut: usize| {
        let z = sums.z(cut, n);
        let looked = if z.abs() > 1.0 { largest_split(z.abs(), n, cuts.clone()) } else { 1.0 };
        (cut, looked / side(z) / weight)
    };
    let largest = [1.0, -1.0].map(of_side);
    let (cut, p) = largest.into_iter().flatten().map(p).min_by(|a, b| a.1.total_cmp(&b.1))?;
    Some(Look { p: p.min(1.0), cuts: vec![cut] })
}

fn between(sums: &mut Sums, logs: &[f64], fewest: usize, weight: f64) -> Option<Look> {
    let n = sums.len();
    let longest = n.checked_sub(2 * fewest).filter(|longest| *longest >= fewest)?;
    // By what it explains, which has the order of the statistic and is had sooner.
    let mut largest = [(0.0, 0, 0); 2];
    for from in fewest..=longest {
        for to in from + fewest..=n - fewest {
            let of_side = &mut largest[usize::from(sums.below[to] > sums.below[from])];
            let explained = sums.explained(from, to);
            if explained > of_side.0 {
                *of_side = (explained, from, to);
            }
        }
    }
    let lengths = || (fewest..=longest).map(|length| (length, longest - length + 1));
    let mut p = |(_, from, to): (f64, usize, usize)| {
        if from == to {
            return ((from, to), 1.0);
        }
        sums.correct(logs, from, to);
        let z = sums.z(from, to);
        let looked = if z.abs() > 1.0 { largest_stretch(z.abs(), n, lengths()) } else { 1.0 };
        ((from, to), looked / side(z) / weight)
    };
    let [lower, higher] = [p(largest[0]), p(largest[1])];
    let ((from, to), p) = if lower.1 < higher.1 { lower } else { higher };
    if from == to {
        return None;
    }
    let mut cuts = vec![from, to];
    // One end may be a step and the other a place like any other.
    let alone = [from, to].map(|cut| sums.z(cut, n).abs());
    if p <= 1.0 && alone[0].max(alone[1]) >= sums.z(from, to).abs() {
        cuts = vec![if alone[0] > alone[1] { from } else { to }];
    }
    Some(Look { p: p.min(1.0), cuts })
}
