//! Steps and drifts in a series of results: [`find_all`].
//!
//! Not for the samples of one result, and not for pairs that took turns: those are the gate's. Each value here is the median of a whole
//! run, in the order of the source's history. `cargo xtask history changes` asks this of every series.
//!
//! # Method
//!
//! Values are taken as logarithms, so that a change is a ratio. Up to three points in a row that are far from those before them are
//! spikes: they are shown and count for nothing. In what is left, each place is looked at by the likelihood ratio of two levels against
//! one, and each stretch by that of a level of its own. The chance that the largest of so many related statistics is so large is known
//! (Siegmund 1985 and 1988), so nothing is drawn at random and the same points always give the same changes. What is found divides the
//! series, and both sides are looked at again.
//!
//! The chance of a false alarm is not shared out evenly. Four fifths of it belong to steps that are eight points old: whoever looks after
//! each run wants to know of these, and an older one has more points to speak for it. The rest is for steps of any age (from four points
//! on each side on), stretches between two steps, and drifts. Two thirds are for what became slower. Neighbours that resemble each other
//! are corrected for where that can be told from chance: the variance of a level is as many times larger. Of the promised 1 %, only 0.6
//! are given out, for noise that is worse than normal.
//!
//! Of several steps in one direction a line may say the same with less (by the Bayesian information criterion); then it is a drift, where
//! the order of the points says so too (Mann and Kendall, with the slope of Theil and Sen). Over several series, changes are told of those
//! that pass Benjamini and Hochberg's procedure at the same 1 %: of the series that are said to have changed, one in a hundred has not.
//!
//! Others were considered. E-divisive tests by permutations: its p values end at one by their number, which is not small enough over
//! many series, and its false alarms are shared out evenly. The p values of ranks end too where few points are on one side.
//!
//! # Figures
//!
//! Of 1,000 simulated series each, the same each time: `TEST_SLOW=1 cargo test --release --test changes -- --nocapture` shows them. Noise
//! of 3 % is normal, heavy-tailed (Student's t with three degrees of freedom) or correlated (each point keeps a fifth of the deviation of
//! the one before). A look is at the whole series, whose last point is the newest.
//!
//! | series | normal | heavy-tailed | correlated |
//! |---|---:|---:|---:|
//! | without a change, 20 to 200 points: alarms | 0.7 % | 1.0 % | 1.1 % |
//! | the same, 20 to 40 points | 0.1 % | 0.5 % | 1.4 % |
//! | the same, 160 to 200 points | 0.6 % | 1.2 % | 0.8 % |
//! | with one run of 1.5 times | 0.5 % | 0.9 % | |
//! | with one run of 3 times | 0.5 % | 0.9 % | |
//! | 5 % slower after 200 points: found within 8 more | 95.6 % | | |
//! | after 100 points: within 8 | 94.3 % | 97.7 % | 81.3 % |
//! | after 100 points: within 12 | 98.3 % | | |
//! | after 60 points: within 8 | 91.4 % | | |
//! | after 30 points: within 8 | 84.1 % | | |
//! | 5 % faster after 100 points: within 8 | 93.7 % | | |
//! | 3 % slower after 100 points: within 20 | 80.9 % | | |
//! | 10 % slower after 100 points: within 5 | 97.1 % | | |
//! | 10 % slower after 30 points: within 8 | 99.6 % | | |
//! | 8 % slower, 20 points later as before: two steps | 95.6 % | | |
//! | 10 % slower along 100 points: one drift | 94.2 % | | |
//!
//! Of those two steps 94 % are put within two points of where they are, and 94 % are between the earliest and the latest. Four points are
//! the fewest of a level, since bad runs come in twos and threes: two of 1.5 times in a row alarm in 100 % of the series with levels of two
//! points, in 1.2 % with three and in 0.4 % with four; three in a row in 100 % with three points, in 1.5 % with four.
//!
//! These are chances of one look. Who looks after each of the points 20 to 200 is told of a change that there is not in 35 of 100 series at
//! some time, each for once: 88 of 18,100 looks. The gate decides about a branch; this says where to look.

mod drift;
mod scan;
mod spikes;
mod tail;

use drift::Line;
use rayon::prelude::*;
use scan::{Look, Sums, inflation, look};
use tail::as_float;

use super::Interval;

/// Series with fewer points have no changes that could be told from noise.
pub const SHORTEST: usize = 12;
/// And drifts take so many.
const SHORTEST_DRIFT: usize = 20;
/// Deviations below a thousandth are taken for none: no run is that much like another.
const NO_NOISE: f64 = 1e-3;
/// Changes below 1 % are not told, however sure: moving code in memory does as much.
const SMALLEST: f64 = 0.01;
/// A step is put where it explains most within so many points of where it was seen.
const NEAR: usize = 8;
/// A step may be at each place where the likelihood is not so much lower: minus two logarithms.
const PLAUSIBLE: f64 = 6.0;
/// What is left of a step beside its neighbours: as many standard deviations.
const STANDS: f64 = 2.5;

/// What is a change.
#[derive(Debug, Clone, Copy)]
pub struct Rules {
    /// How many of the looks at a series without a change may find one.
    pub level: f64,
    /// Points that a level has at least.
    pub fewest: usize,
}

impl Default for Rules {
    fn default() -> Self {
        Self { level: 0.01, fewest: 4 }
    }
}

/// How it changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// From one point to the next.
    Step,
    /// All along.
    Drift,
}

/// A change. Places are those of the points as they were given.
#[derive(Debug, Clone)]
pub struct Change {
    /// How.
    pub kind: Kind,
    /// The first point of the new level; of a drift, its own first.
    pub at: usize,
    /// The first point of the new level is not before this one.
    pub earliest: usize,
    /// Nor after this one. Of a drift, its last.
    pub latest: usize,
    /// The level before, or at the beginning of a drift, with its 95 % interval, in the values' unit.
    pub before: Interval,
    /// The level after, or at the end of a drift.
    pub after: Interval,
    /// How many times the one is the other.
    pub ratio: Interval,
    /// Points of the level before; of a drift, all.
    pub points_before: usize,
    /// Points of the level after; of a drift, all.
    pub points_after: usize,
    /// How likely it would be without a change, all places of the series that were looked at together.
    pub p: f64,
    /// The same over all series that were asked for.
    pub p_over_all: f64,
}

/// Points between two changes.
#[derive(Debug, Clone, Copy)]
pub struct Level {
    /// The first point.
    pub from: usize,
    /// Behind the last.
    pub to: usize,
    /// The value at the first point, and at the last: others in a drift.
    pub values: [f64; 2],
}

/// What a look at a series finds.
#[derive(Debug, Clone, Default)]
pub struct Found {
    /// How likely what speaks most for a change would be without one; `None` of too few points.
    pub p: Option<f64>,
    /// In order.
    pub changes: Vec<Change>,
    /// All points, in order.
    pub levels: Vec<Level>,
    /// Points that count for nothing.
    pub spikes: Vec<usize>,
}

/// Looks at one series: values above zero, in their order. Others count for nothing.
pub fn find(values: &[f64], rules: &Rules) -> Found {
    let logs: Vec<f64> = values.iter().map(|value| value.ln()).collect();
    let usable: Vec<usize> = (0..logs.len()).filter(|place| logs[*place].is_finite()).collect();
    let logs: Vec<f64> = usable.iter().map(|place| logs[*place]).collect();
    let is_spike = spikes::spikes(&logs, rules.fewest);
    let kept = |is: bool| (0..logs.len()).filter(|place| is_spike[*place] != is).collect::<Vec<usize>>();
    let points = Points {
        places: kept(true).into_iter().map(|place| usable[place]).collect(),
        logs: kept(true).into_iter().map(|place| logs[place]).collect(),
        all: values.len(),
        rules: *rules,
    };
    let spikes = kept(false).into_iter().map(|place| usable[place]).collect();
    Found { spikes, ..points.find() }
}

/// Looks at several series: what is told of each holds over all of them.
pub fn find_all(series: &[Vec<f64>], rules: &Rules) -> Vec<Found> {
    let mut found: Vec<Found> = series.par_iter().map(|values| find(values, rules)).collect();
    let p_values: Vec<Option<f64>> = found.iter().map(|found| found.p).collect();
    found.par_iter_mut().zip(series).zip(factors(&p_values)).for_each(|((found, values), factor)| {
        if factor > 1.0 && !found.changes.is_empty() {
            *found = find(values, &Rules { level: rules.level / factor, ..*rules });
        }
        for change in &mut found.changes {
            change.p_over_all = (change.p * factor).min(1.0);
        }
    });
    found
}

/// By how much each of the p values is larger over all of them, by Benjamini and Hochberg's procedure.
fn factors(p_values: &[Option<f64>]) -> Vec<f64> {
    let mut order: Vec<(usize, f64)> =
        p_values.iter().enumerate().filter_map(|(place, p)| Some((place, (*p)?.max(f64::MIN_POSITIVE)))).collect();
    order.sort_by(|a, b| b.1.total_cmp(&a.1));
    let all = order.len();
    let mut factors = vec![1.0; p_values.len()];
    let mut least = 1.0_f64;
    for (larger, (place, p)) in order.into_iter().enumerate() {
        least = least.min(p * as_float(all) / as_float(all - larger));
        factors[place] = (least / p).max(1.0);
    }
    factors
}

/// The points that count.
struct Points {
    /// Where they are among those that were given.
    places: Vec<usize>,
    logs: Vec<f64>,
    /// How many were given.
    all: usize,
    rules: Rules,
}

/// A step, at the first point after it.
#[derive(Clone, Copy)]
struct Cut {
    at: usize,
    p: f64,
}

impl Points {
    fn find(&self) -> Found {
        let n = self.logs.len();
        let (p_of_steps, cuts) = self.cuts();
        let whole = drift::line(&self.logs, self.rules.level);
        let p = p_of_steps.map(|p| whole.map_or(p, |(drift, _)| p.min(drift)));
        let drifts = self.drifts(&cuts);
        let in_drift = |cut: &Cut| drifts.iter().any(|(from, to, _)| *from < cut.at && cut.at < *to);
        let cuts: Vec<Cut> = cuts.into_iter().filter(|cut| !in_drift(cut)).collect();
        let mut ends: Vec<usize> = cuts.iter().map(|cut| cut.at).collect();
        ends.extend(drifts.iter().flat_map(|(from, to, _)| [*from, *to]));
        ends.extend([0, n]);
        ends.sort_unstable();
        ends.dedup();
        let line_of = |from: usize| drifts.iter().find(|(start, ..)| *start == from);
        let mut changes: Vec<Change> = drifts.iter().map(|drift| self.drift(*drift)).collect();
        for cut in cuts {
            let neighbours = ends.iter().position(|end| *end == cut.at).unwrap_or_default();
            let step = self.step(cut, ends[neighbours.saturating_sub(1)], ends[(neighbours + 1).min(ends.len() - 1)]);
            changes.push(step);
        }
        changes.sort_by_key(|change| change.at);
        let levels = ends.windows(2).filter(|ends| ends[0] < ends[1]).map(|ends| self.level(ends, line_of(ends[0])));
        let levels = levels.collect();
        Found { p, changes, levels, spikes: Vec::new() }
    }

    /// Every step, in order, and how likely what speaks most for one would be without any.
    fn cuts(&self) -> (Option<f64>, Vec<Cut>) {
        let n = self.logs.len();
        let (mut p_of_whole, mut cuts, mut open) = (None, Vec::new(), vec![(0, n)]);
        while let Some((from, to)) = open.pop() {
            let Some(Look { p, cuts: found }) = look(&self.logs[from..to], to == n, self.rules.fewest) else {
                continue;
            };
            if (from, to) == (0, n) {
                p_of_whole = Some(p);
            }
            if p > self.rules.level {
                continue;
            }
            let mut start = from;
            for at in found.into_iter().map(|cut| from + cut) {
                cuts.push(Cut { at, p });
                open.push((start, at));
                start = at;
            }
            open.push((start, to));
        }
        cuts.sort_by_key(|cut| cut.at);
        self.settle(&mut cuts);
        (p_of_whole, cuts)
    }

    /// Puts each step where it explains most between its neighbours, and takes out the weakest that is none beside them, until all are.
    fn settle(&self, cuts: &mut Vec<Cut>) {
        let (n, fewest) = (self.logs.len(), self.rules.fewest);
        loop {
            let mut weakest: Option<(f64, usize)> = None;
            for place in 0..cuts.len() {
                let from = place.checked_sub(1).map_or(0, |before| cuts[before].at);
                let to = cuts.get(place + 1).map_or(n, |after| after.at);
                let mut sums = Sums::new(&self.logs[from..to]);
                let at = cuts[place].at - from;
                let near = at.saturating_sub(NEAR).max(fewest)..=(at + NEAR).min((to - from).saturating_sub(fewest));
                let at = sums.best(near).unwrap_or(at);
                cuts[place].at = from + at;
                sums.correct(&self.logs[from..to], at, to - from);
                let ratio = mean(&self.logs[from + at..to]) - mean(&self.logs[from..from + at]);
                let z = if ratio.abs() < SMALLEST { 0.0 } else { sums.z(at, to - from).abs() };
                if z < STANDS && weakest.is_none_or(|(least, _)| z < least) {
                    weakest = Some((z, place));
                }
            }
            let Some((_, place)) = weakest else { break };
            cuts.remove(place);
        }
    }

    /// Stretches over which a line says more than the steps in them, each with the line.
    fn drifts(&self, cuts: &[Cut]) -> Vec<(usize, usize, Line)> {
        let ends: Vec<usize> =
            std::iter::once(0).chain(cuts.iter().map(|cut| cut.at)).chain([self.logs.len()]).collect();
        let levels: Vec<f64> = ends.windows(2).map(|ends| mean(&self.logs[ends[0]..ends[1]])).collect();
        // The stretches over steps of one direction, then those without a step.
        let mut stretches = Vec::new();
        let mut first = 0;
        for level in 1..levels.len() {
            let up = |level: usize| levels[level] > levels[level - 1];
            if level + 1 == levels.len() || up(level + 1) != up(level) {
                stretches.push((first, level + 1));
                first = level;
            }
        }
        stretches.extend((0..levels.len()).map(|level| (level, level + 1)));
        let mut drifts: Vec<(usize, usize, Line)> = Vec::new();
        for (first, last) in stretches {
            let (from, to) = (ends[first], ends[last]);
            if drifts.iter().any(|(start, end, _)| from < *end && *start < to) {
                continue;
            }
            let logs = &self.logs[from..to];
            let Some((_, Some(line))) = drift::line(logs, self.rules.level) else { continue };
            let n = as_float(logs.len());
            let left: f64 = (first..last).map(|level| squares(&self.logs[ends[level]..ends[level + 1]])).sum();
            let cost = |left: f64, parameters: usize| {
                n * (left / n).max(NO_NOISE * NO_NOISE).ln() + as_float(parameters) * n.ln()
            };
            let says_more = cost(line.left, 1) < cost(left, 2 * (last - first - 1));
            let is_large = (line.slope.estimate * (n - 1.0)).abs() > SMALLEST;
            if line.p <= self.rules.level && says_more && is_large {
                drifts.push((from, to, line));
            }
        }
        drifts
    }

    fn step(&self, cut: Cut, from: usize, to: usize) -> Change {
        let logs = &self.logs[from..to];
        let mut sums = Sums::new(logs);
        let at = cut.at - from;
        sums.correct(logs, at, logs.len());
        let (before, after) = logs.split_at(at);
        let df = as_float(logs.len() - 2);
        let variance = (squares(before) + squares(after)) / df * sums.inflation();
        // Student's distribution, to 0.01 from six degrees of freedom on.
        let times = 1.96 + 2.4 / df + 3.0 / (df * df);
        let level = |logs: &[f64]| interval(mean(logs), times * (variance / as_float(logs.len())).sqrt());
        let parts = 1.0 / as_float(before.len()) + 1.0 / as_float(after.len());
        let fewest = self.rules.fewest.min(at).min(logs.len() - at);
        let is_plausible = |cut: &usize| as_float(logs.len()) * (sums.left(*cut) / sums.left(at)).ln() <= PLAUSIBLE;
        let all = || fewest..=logs.len() - fewest;
        Change {
            kind: Kind::Step,
            at: self.places[cut.at],
            earliest: self.places[from + all().find(is_plausible).unwrap_or(at)],
            latest: self.places[from + all().rev().find(is_plausible).unwrap_or(at)],
            before: level(before),
            after: level(after),
            ratio: interval(mean(after) - mean(before), times * (variance * parts).sqrt()),
            points_before: before.len(),
            points_after: after.len(),
            p: cut.p,
            p_over_all: cut.p,
        }
    }

    fn drift(&self, (from, to, line): (usize, usize, Line)) -> Change {
        let n = to - from;
        let rest = inflation_of_line(&self.logs[from..to], &line);
        let half = 1.96 * (line.left / as_float(n * n) * rest * 4.0).sqrt();
        let steps = as_float(n - 1);
        let slope = line.slope;
        Change {
            kind: Kind::Drift,
            at: self.places[from],
            earliest: self.places[from],
            latest: self.places[to - 1],
            // At its ends a line is known half as well as in its middle.
            before: interval(line.start, half),
            after: interval(line.start + slope.estimate * steps, half),
            ratio: Interval {
                estimate: (slope.estimate * steps).exp(),
                low: (slope.low * steps).exp(),
                high: (slope.high * steps).exp(),
            },
            points_before: n,
            points_after: n,
            p: line.p,
            p_over_all: line.p,
        }
    }

    fn level(&self, ends: &[usize], drift: Option<&(usize, usize, Line)>) -> Level {
        let (from, to) = (ends[0], ends[1]);
        let values = match drift {
            Some((_, _, line)) => [line.start, line.start + line.slope.estimate * as_float(to - from - 1)],
            None => [mean(&self.logs[from..to]); 2],
        };
        // Spikes belong to what they follow.
        let place = |point: usize| self.places.get(point).copied().unwrap_or(self.all);
        Level { from: if from == 0 { 0 } else { place(from) }, to: place(to), values: values.map(f64::exp) }
    }
}

fn inflation_of_line(logs: &[f64], line: &Line) -> f64 {
    let rest = logs.iter().enumerate();
    let rest = rest.map(|(place, log)| log - line.start - line.slope.estimate * as_float(place));
    inflation(&rest.collect::<Vec<_>>(), 2)
}

/// A value and how far it may be off, of logarithms.
fn interval(log: f64, off: f64) -> Interval {
    Interval { estimate: log.exp(), low: (log - off).exp(), high: (log + off).exp() }
}

fn mean(logs: &[f64]) -> f64 {
    logs.iter().sum::<f64>() / as_float(logs.len())
}

fn squares(logs: &[f64]) -> f64 {
    let mean = mean(logs);
    logs.iter().map(|log| (log - mean).powi(2)).sum()
}

#[cfg(test)]
mod tests;
