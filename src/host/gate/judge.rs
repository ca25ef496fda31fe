//! What pairs of launches allow to say: pure functions, no engines, no files.
//!
//! Two stages. The screen takes ten pairs of every row and clears those whose interval excludes what must be detected. What
//! it does not clear is a suspect, of which thirty new pairs are taken, and these alone decide: so that the rows that looked worst
//! by chance are not judged by the chance that made them look so. The pair is the unit: a program that happens to lie
//! badly in memory does so for its whole life, and more runs of it say nothing more.

use serde::{Deserialize, Serialize};

use crate::host::settings::Limit;
use crate::host::stats::{Interval, hodges_lehmann, holm, median, signed_rank_p};

/// Pairs that an interval takes.
pub const FEWEST: usize = 6;
/// Pairs of every row in the screen.
pub const SCREEN: usize = 10;
/// Pairs after which a screen with a budget looks once whether a row needs the others.
pub const EARLY: usize = 8;
/// Numbers of new pairs at which a suspect may be decided. The first is for all; beyond it a budget goes on with those that
/// were too noisy.
pub const INTERIM_SIZES: [usize; 3] = [30, 60, 120];
/// The share of false alarms that each look may cause, since each is a chance to be wrong: the last has most, because what is plain
/// is seen at the first.
const ALPHA_SPENDING: [f64; 3] = [0.2, 0.3, 0.5];
/// Of a hundred gates of unchanged code, at most so many are red by chance, whatever the number of rows.
const FALSE_ALARMS: f64 = 0.01;
/// The interval of a reading: what it excludes on one side, it excludes with 97.5 %.
const CONFIDENCE: f64 = 0.95;
/// The same of an early look at the screen: 99.5 % on one side.
const EARLY_CONFIDENCE: f64 = 0.99;
/// Fewer unchanged rows than this look as slow.
const LOOKS_SLOWER: f64 = 0.2;
/// Of a normal distribution: the bound of that interval, and of 95 %.
const Z_BOUND: f64 = 1.960;
const Z_POWER: f64 = 1.645;

/// Which pairs decide what.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// Of every row, to clear it.
    Screen,
    /// Of suspects, to decide on them.
    Confirm,
}

impl Stage {
    pub(super) const BOTH: [Self; 2] = [Self::Screen, Self::Confirm];
}

/// What is said of a row, from the best to the worst: a row's verdict is the worst of its metrics'.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// What must be detected is excluded, or both sides run the very same.
    Equivalent,
    /// Below the base by more than is accepted above it, on a row that is not underpowered. Not corrected for the number of rows, since
    /// it blocks nothing.
    Improved,
    /// Neither: too noisy, or between the two limits.
    Inconclusive,
    /// Not measured, or not as it has to be.
    Invalid,
    /// Confirmed to be slower or hungrier than the base, and estimated to be so by more than is accepted.
    Regressed,
}

/// What some pairs say.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Reading {
    /// How many.
    pub pairs: usize,
    /// The base's median.
    pub base: f64,
    /// The head's.
    pub head: f64,
    /// Head by base: the Hodges-Lehmann estimate with its 95 % interval.
    pub ratio: Interval,
    /// The smallest ratio that this interval would have told from 1 in 19 of 20 times, by how the pairs scatter. To be red among
    /// many suspects takes more.
    #[serde(rename = "could_see")]
    pub min_detectable_ratio: f64,
    /// How likely pairs that look as slow or hungry as these are where nothing happened: the one-sided p value.
    pub p_value: f64,
}

impl Reading {
    /// Of pairs of base and head; `None` of fewer than [`FEWEST`].
    pub fn of(pairs: &[(f64, f64)]) -> Option<Self> {
        let ratio = ratio(pairs, CONFIDENCE)?;
        let (bases, heads): (Vec<f64>, Vec<f64>) = pairs.iter().copied().unzip();
        let error = (ratio.high / ratio.low).ln() / (2.0 * Z_BOUND);
        Some(Self {
            pairs: pairs.len(),
            base: median(&bases)?,
            head: median(&heads)?,
            ratio,
            min_detectable_ratio: ((Z_BOUND + Z_POWER) * error).exp(),
            p_value: signed_rank_p(&logs(pairs), 0.0),
        })
    }

    /// Whether it looks slower or hungrier: new pairs are for such rows first, and more than the first thirty for these alone where
    /// nobody gave a budget.
    pub fn looks_slower(&self) -> bool {
        self.p_value < LOOKS_SLOWER
    }

    /// Whether so few pairs exclude what must be detected that the rest of the screen need not be taken: by a stricter bound, since
    /// it is a further look.
    pub fn clears_early(pairs: &[(f64, f64)], limit: Limit) -> bool {
        ratio(pairs, EARLY_CONFIDENCE).is_some_and(|ratio| is_clear(ratio, limit))
    }

    /// Whether it excludes what must be detected, and is not surely above what is accepted either.
    pub fn clears(&self, limit: Limit) -> bool {
        is_clear(self.ratio, limit)
    }

    /// Whether a change that must be detected might have been missed.
    pub fn is_underpowered(&self, limit: Limit) -> bool {
        self.min_detectable_ratio > limit.regression_threshold / limit.unchanged
    }

    /// The verdict of a reading that does not show a regression.
    pub fn without_regression(&self, limit: Limit) -> Verdict {
        if self.ratio.high < 1.0 / limit.accepts && !self.is_underpowered(limit) {
            return Verdict::Improved;
        }
        if self.clears(limit) { Verdict::Equivalent } else { Verdict::Inconclusive }
    }

    /// Whether two programs that are the same, or a loop of ours, were found apart: the machine's doing.
    pub fn is_moved(&self, limit: Limit) -> bool {
        self.ratio.low > limit.accepts || self.ratio.high < 1.0 / limit.accepts
    }
}

/// The verdicts on all suspects of a gate, by their new pairs. A suspect without enough of them is inconclusive.
pub fn decide(suspects: &[(&[(f64, f64)], Limit)]) -> Vec<(Option<Reading>, Verdict)> {
    let p_value = |(pairs, limit): &(&[(f64, f64)], Limit)| {
        let (pairs, share) = looked_at(pairs);
        signed_rank_p(&logs(pairs), limit.unchanged.ln()) / share
    };
    let p_values: Vec<f64> = suspects.iter().map(p_value).collect();
    let red = holm(&p_values, FALSE_ALARMS);
    suspects
        .iter()
        .zip(red)
        .map(|((all, limit), red)| match Reading::of(looked_at(all).0) {
            // Some tiny change is always there, and enough pairs confirm any.
            Some(reading) if red && reading.ratio.estimate > limit.accepts => (Some(reading), Verdict::Regressed),
            Some(reading) => (Some(reading), reading.without_regression(*limit)),
            None => (Reading::of(all), Verdict::Inconclusive),
        })
        .collect()
}

/// The pairs up to the last look, with its share: between two looks nothing is decided.
fn looked_at(pairs: &[(f64, f64)]) -> (&[(f64, f64)], f64) {
    let looks = INTERIM_SIZES.into_iter().zip(ALPHA_SPENDING).rev();
    let (look, share) = looks.into_iter().find(|(look, _)| *look <= pairs.len()).unwrap_or((0, ALPHA_SPENDING[0]));
    (&pairs[..look], share)
}

fn is_clear(ratio: Interval, limit: Limit) -> bool {
    ratio.high < limit.regression_threshold && ratio.low <= limit.accepts
}

fn ratio(pairs: &[(f64, f64)], confidence: f64) -> Option<Interval> {
    let logs = hodges_lehmann(&logs(pairs), confidence)?;
    Some(Interval { estimate: logs.estimate.exp(), low: logs.low.exp(), high: logs.high.exp() })
}

fn logs(pairs: &[(f64, f64)]) -> Vec<f64> {
    pairs.iter().map(|(base, head)| (head / base).ln()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: Limit = Limit::new(1.02, 1.05);

    /// So many pairs whose ratios lie evenly around `ratio`, within `scatter` on each side.
    fn pairs(count: usize, ratio: f64, scatter: f64) -> Vec<(f64, f64)> {
        #[expect(clippy::cast_precision_loss, reason = "a handful of pairs")]
        let place = |index: usize| (index as f64 + 0.5) / count as f64 * 2.0 - 1.0;
        // In another order than by size.
        (0..count).map(|index| (1.0, ratio * (1.0 + scatter * place(index * 7 % count)))).collect()
    }

    fn decided(pairs: &[(f64, f64)]) -> Verdict {
        decide(&[(pairs, LIMIT)])[0].1
    }

    #[test]
    fn the_screen_clears_what_is_level_and_holds_what_is_not() {
        let clears = |ratio, scatter| Reading::of(&pairs(SCREEN, ratio, scatter)).unwrap().clears(LIMIT);
        assert!(clears(1.0, 0.03) && clears(0.9, 0.03));
        assert!(!clears(1.05, 0.01) && !clears(1.10, 0.03));
        // Too noisy to clear.
        assert!(!clears(1.0, 0.2));
        let looks = |ratio, scatter| Reading::of(&pairs(SCREEN, ratio, scatter)).unwrap().looks_slower();
        assert!(looks(1.15, 0.2) && looks(1.05, 0.03) && !looks(1.0, 0.03) && !looks(0.9, 0.2));
    }

    #[test]
    fn the_second_stage_can_fail_and_can_pass() {
        assert_eq!(decided(&pairs(30, 1.05, 0.03)), Verdict::Regressed);
        assert_eq!(decided(&pairs(30, 1.0, 0.05)), Verdict::Equivalent);
        assert_eq!(decided(&pairs(30, 0.9, 0.05)), Verdict::Improved);
        assert_eq!(decided(&pairs(30, 1.02, 0.4)), Verdict::Inconclusive);
        assert_eq!(decided(&pairs(29, 2.0, 0.01)), Verdict::Inconclusive);
        assert_eq!(decided(&[]), Verdict::Inconclusive);
    }

    #[test]
    fn what_lies_between_the_limits_is_not_red() {
        assert_eq!(decided(&pairs(30, 1.015, 0.01)), Verdict::Equivalent);
        assert_eq!(decided(&pairs(30, 1.035, 0.01)), Verdict::Regressed);
        // The screen does not clear what is surely more than accepted, and what is so but for the number of rows is open.
        let more = Reading::of(&pairs(SCREEN, 1.035, 0.01)).unwrap();
        assert!(more.ratio.high < LIMIT.regression_threshold && !more.clears(LIMIT));
        assert_eq!(more.without_regression(LIMIT), Verdict::Inconclusive);
    }

    #[test]
    fn nothing_is_decided_between_two_interim_sizes() {
        let mut noisy = pairs(30, 1.0, 0.5);
        noisy.extend(vec![(1.0, 2.0); 29]);
        let (reading, verdict) = decide(&[(&noisy, LIMIT)])[0];
        assert_eq!((reading.unwrap().pairs, verdict), (30, Verdict::Inconclusive));
        noisy.push((1.0, 2.0));
        assert_eq!(decide(&[(&noisy, LIMIT)])[0].0.unwrap().pairs, 60);
    }

    #[test]
    fn reading_says_whether_it_is_underpowered() {
        let quiet = Reading::of(&pairs(10, 1.0, 0.02)).unwrap();
        let noisy = Reading::of(&pairs(10, 1.0, 0.2)).unwrap();
        assert!(!quiet.is_underpowered(LIMIT) && noisy.is_underpowered(LIMIT), "{quiet:?} {noisy:?}");
        assert!(Reading::of(&pairs(5, 1.0, 0.1)).is_none());
    }

    #[test]
    fn more_rows_take_more_evidence() {
        // The p value lies between the bound for one row and that for many.
        let weak = pairs(30, 1.025, 0.06);
        assert_eq!(decided(&weak), Verdict::Regressed);
        let level = pairs(30, 1.0, 0.05);
        let mut many: Vec<(&[(f64, f64)], Limit)> = vec![(&level, LIMIT); 200];
        many.push((&weak, LIMIT));
        assert_ne!(decide(&many).last().unwrap().1, Verdict::Regressed);
    }

    #[test]
    fn a_control_moves_to_either_side() {
        let moved = |ratio| Reading::of(&pairs(10, ratio, 0.02)).unwrap().is_moved(LIMIT);
        assert!(moved(1.1) && moved(0.9) && !moved(1.0) && !moved(1.025));
    }
}
