//! The order of launches: rounds of pairs over shuffled rows, first of all rows, then of suspects and controls.

use std::time::{Duration, Instant};

use anyhow::{Result, bail};

use super::canary::{CANARIES, Canary, CanaryState};
use super::controls::NULL;
use super::journal::{Journal, Launch, Lost, Pair, Taken, pairs_of};
use super::judge::{EARLY, FEWEST, INTERIM_SIZES, Reading, Stage, Verdict, decide};
use super::launcher::Launcher;
use super::rows::Row;
use super::side::Role;
use super::verdicts::{METRICS, ScreenStatus, screen_status, values};
use crate::host::interrupt;
use crate::host::progress::{Unit, Work};
use crate::host::settings::{GateSettings, Limit, Metric};
use crate::host::stats::Random;

/// One that takes part in rounds.
#[derive(Clone, Copy)]
enum Track<'a> {
    Row(&'a Row<'a>),
    /// Base against base, of that row.
    Null(&'a Row<'a>),
    Canary(Canary),
}

impl Track<'_> {
    fn name(self) -> String {
        match self {
            Self::Row(row) => row.id.to_string(),
            Self::Null(_) => NULL.to_owned(),
            Self::Canary(canary) => canary.name().to_owned(),
        }
    }
}

#[derive(Debug, Default)]
pub(super) struct Measured {
    pub(super) taken: Taken,
    /// Whether the budget was over before all was taken.
    pub(super) cut_short: bool,
    /// Time spent on it now, without what an interrupted gate had taken before.
    pub(super) took: Duration,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Plan {
    pub(super) screen: usize,
    /// Whether suspects are followed up.
    pub(super) confirms: bool,
    /// Whether all rows are suspects from the start: a second machine confirms.
    pub(super) all_are_suspects: bool,
    pub(super) budget: Option<Duration>,
}

struct Measuring<'a, 'b> {
    rows: &'a [Row<'a>],
    launcher: &'b mut Launcher<'a>,
    journal: &'b mut Journal,
    limits: &'a GateSettings,
    plan: Plan,
    canary_state: CanaryState,
    measured: Measured,
    began: Instant,
    work: Work,
}

/// Takes all pairs of these rows that are not in `taken`.
///
/// # Errors
/// After an interrupt: what was taken is in the journal.
pub(super) fn measure<'a>(
    rows: &'a [Row<'a>],
    launcher: &mut Launcher<'a>,
    journal: &mut Journal,
    taken: Taken,
    limits: &'a GateSettings,
    plan: Plan,
) -> Result<Measured> {
    let mut measuring = Measuring {
        rows,
        launcher,
        journal,
        limits,
        plan,
        canary_state: CanaryState::new(),
        measured: Measured { taken, ..Measured::default() },
        began: Instant::now(),
        work: Work::begin(Unit::Pairs, 0, ""),
    };
    measuring.stages()?;
    measuring.measured.took = measuring.began.elapsed();
    Ok(measuring.measured)
}

impl<'a> Measuring<'a, '_> {
    fn stages(&mut self) -> Result<()> {
        let all: Vec<&Row<'_>> = self.rows.iter().collect();
        if !self.plan.all_are_suspects {
            self.expect(Stage::Screen, &all, self.plan.screen);
            self.rounds(Stage::Screen, &all, self.plan.screen)?;
        }
        if !self.plan.confirms {
            return Ok(());
        }
        let suspects = self.suspects();
        let mut payable = self.within_budget(suspects.clone());
        self.expect(Stage::Confirm, &payable, INTERIM_SIZES[0]);
        for pairs in 1..=INTERIM_SIZES[0] {
            // Anew in each round: where the machine became slower, the last ones give way, so that not all end a pair short.
            payable = self.within_budget(payable);
            self.rounds(Stage::Confirm, &payable, pairs)?;
        }
        self.widest_first(&suspects)
    }

    /// Rows that new pairs have to decide on, the slowest first.
    fn suspects(&self) -> Vec<&'a Row<'a>> {
        let mut suspects: Vec<(f64, &Row<'_>)> = Vec::new();
        for row in self.rows.iter().filter(|row| !self.is_lost(row)) {
            if METRICS.into_iter().any(|metric| self.is_suspect(row, metric)) {
                let values = METRICS.map(|metric| self.values(row, Stage::Screen, metric));
                let readings = values.iter().filter_map(|values| Reading::of(values));
                suspects.push((readings.map(|reading| reading.ratio.estimate).fold(0.0, f64::max), row));
            }
        }
        suspects.sort_by(|a, b| b.0.total_cmp(&a.0));
        suspects.into_iter().map(|(_, row)| row).collect()
    }

    /// Those that can have the pairs of the first look in the time that is left; takes down where others cannot.
    fn within_budget(&mut self, suspects: Vec<&'a Row<'a>>) -> Vec<&'a Row<'a>> {
        let Some(left) = self.left_to_plan() else { return suspects };
        let missing = |name: &str| INTERIM_SIZES[0].saturating_sub(self.count(name, Stage::Confirm));
        let price = |name: &str| self.cost(name, missing(name));
        let mut spent: Duration = self.controls().iter().map(|track| price(&track.name())).sum();
        let all = suspects.len();
        let mut fits = suspects;
        fits.retain(|row| {
            let cost = price(&row.id.to_string());
            let fits = spent + cost <= left;
            if fits {
                spent += cost;
            }
            fits
        });
        self.measured.cut_short |= fits.len() < all;
        fits
    }

    /// What so many pairs of a row take, by those that were taken.
    #[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, reason = "a handful of pairs")]
    fn cost(&self, name: &str, pairs: usize) -> Duration {
        let taken: Vec<&Pair> = Stage::BOTH.into_iter().flat_map(|stage| self.pairs(name, stage)).collect();
        let wall: f64 = taken.iter().map(|pair| pair.wall_ns as f64 / 1e9).sum();
        Duration::from_secs_f64(wall / taken.len().max(1) as f64) * pairs as u32
    }

    /// Pairs for suspects that are still undecided: those that look slower, and, as long as a budget lasts, those with the widest
    /// interval. Up to a row's next look, since between two looks nothing is decided.
    fn widest_first(&mut self, suspects: &[&'a Row<'a>]) -> Result<()> {
        loop {
            let left = self.left_to_plan();
            let open = self.undecided(suspects).into_iter().filter_map(|(row, reading)| {
                let taken = self.count(&row.id.to_string(), Stage::Confirm);
                let missing = INTERIM_SIZES.into_iter().find(|look| *look > taken)? - taken;
                let may = match left {
                    Some(left) => self.cost(&row.id.to_string(), missing) <= left,
                    None => reading.looks_slower(),
                };
                let width = reading.ratio.high / reading.ratio.low;
                may.then_some((row, (reading.looks_slower(), width), missing))
            });
            let order = |a: (bool, f64), b: (bool, f64)| a.0.cmp(&b.0).then(a.1.total_cmp(&b.1));
            let Some((row, _, missing)) = open.max_by(|a, b| order(a.1, b.1)) else { return Ok(()) };
            self.work.expect(missing as u64);
            for _ in 0..missing {
                if self.is_lost(row) {
                    break;
                }
                if self.left().is_some_and(|left| left.is_zero()) {
                    self.measured.cut_short = true;
                    return Ok(());
                }
                self.pair(Track::Row(row), Stage::Confirm)?;
            }
        }
    }

    /// Suspects that what is there does not decide on.
    fn undecided(&self, suspects: &[&'a Row<'a>]) -> Vec<(&'a Row<'a>, Reading)> {
        let alive = suspects.iter().filter(|row| !self.is_lost(row));
        let tests: Vec<(&'a Row<'a>, Metric)> = alive
            .flat_map(|row| METRICS.map(|metric| (*row, metric)))
            .filter(|(row, metric)| self.is_suspect(row, *metric))
            .collect();
        let pairs: Vec<Vec<(f64, f64)>> =
            tests.iter().map(|(row, metric)| self.values(row, Stage::Confirm, *metric)).collect();
        let limit = |(row, metric): &(&Row<'_>, Metric)| self.limits.limit(&row.id, *metric);
        let sets: Vec<(&[(f64, f64)], Limit)> =
            pairs.iter().zip(&tests).map(|(pairs, test)| (pairs.as_slice(), limit(test))).collect();
        let open = tests.iter().zip(decide(&sets)).filter(|(_, (_, verdict))| *verdict == Verdict::Inconclusive);
        open.filter_map(|((row, _), (reading, _))| Some((*row, reading?))).collect()
    }

    /// Tells of so many pairs of each of these rows, and of each control.
    fn expect(&self, stage: Stage, rows: &[&'a Row<'a>], pairs: usize) {
        let missing = |track: &Track<'_>| pairs.saturating_sub(self.count(&track.name(), stage)) as u64;
        self.work.expect(self.tracks(rows).iter().map(missing).sum());
    }

    /// Rounds until each of these rows, and each control, has so many pairs.
    fn rounds(&mut self, stage: Stage, rows: &[&'a Row<'a>], pairs: usize) -> Result<()> {
        if rows.is_empty() {
            return Ok(());
        }
        for number in 0..pairs {
            // Anew in each round: the null row has to be one that can be measured.
            let mut order = self.tracks(rows);
            shuffle(&mut order, stage, number);
            for track in order {
                let done = match track {
                    Track::Row(row) => self.is_lost(row) || self.is_clear_early(row, stage, number),
                    Track::Null(row) => self.is_lost(row),
                    Track::Canary(_) => false,
                };
                if done || self.count(&track.name(), stage) > number {
                    continue;
                }
                if self.left().is_some_and(|left| left.is_zero() || self.cost(&track.name(), 1) > left) {
                    self.measured.cut_short = true;
                    continue;
                }
                self.pair(track, stage)?;
            }
        }
        Ok(())
    }

    fn tracks(&self, rows: &[&'a Row<'a>]) -> Vec<Track<'a>> {
        rows.iter().map(|row| Track::Row(row)).chain(self.controls()).collect()
    }

    /// What no change can touch. The null row is the one in the middle of those that can be measured.
    fn controls(&self) -> Vec<Track<'a>> {
        let alive: Vec<&'a Row<'a>> = self.rows.iter().filter(|row| !self.is_lost(row)).collect();
        let null = alive.get(alive.len() / 2).map(|row| Track::Null(row));
        null.into_iter().chain(CANARIES.map(Track::Canary)).collect()
    }

    /// Whether a row needs no more of the screen: with a budget, launches go where the intervals are wide.
    fn is_clear_early(&self, row: &Row<'_>, stage: Stage, number: usize) -> bool {
        if self.plan.budget.is_none() || stage != Stage::Screen {
            return false;
        }
        if row.is_untouched() {
            return number >= FEWEST;
        }
        if number < EARLY {
            return false;
        }
        METRICS.into_iter().all(|metric| {
            let values = self.values(row, stage, metric);
            let limit = self.limits.limit(&row.id, metric);
            // The first ones, however often it is asked; a metric without values does not block clearing.
            values.is_empty() || values.get(..EARLY).is_some_and(|values| Reading::clears_early(values, limit))
        })
    }

    /// Whether new pairs have to decide on a row's metric.
    fn is_suspect(&self, row: &Row<'_>, metric: Metric) -> bool {
        let [screen, confirm] = Stage::BOTH.map(|stage| self.pairs(&row.id.to_string(), stage));
        let limit = self.limits.limit(&row.id, metric);
        let (untouched, all) = (row.is_untouched(), self.plan.all_are_suspects);
        screen_status(metric, (screen, confirm), limit, untouched, all) == ScreenStatus::Suspect
    }

    /// One pair; a launch that fails takes its row out.
    fn pair(&mut self, track: Track<'a>, stage: Stage) -> Result<()> {
        let name = track.name();
        self.work.now(&name);
        // Base first, head first, head first, base first: whoever is second never always is.
        let base_first = matches!(self.count(&name, stage) % 4, 0 | 3);
        let start = Instant::now();
        let (mut base, mut head) = (Launch::default(), Launch::default());
        for role in if base_first { [Role::Base, Role::Head] } else { [Role::Head, Role::Base] } {
            match self.launch(track, role) {
                Ok(launch) => *role.of(&mut base, &mut head) = launch,
                Err(lost) => {
                    stop_if_interrupted()?;
                    return self.lose(track, role, lost);
                }
            }
        }
        stop_if_interrupted()?;
        let wall_ns = u64::try_from(start.elapsed().as_nanos()).unwrap_or(u64::MAX);
        let pair = Pair { row: name.clone(), stage, base_first, base, head, wall_ns };
        self.journal.keep(&pair)?;
        self.measured.taken.pairs.entry((name, stage)).or_default().push(pair);
        self.work.done(1);
        Ok(())
    }

    fn launch(&mut self, track: Track<'a>, role: Role) -> Result<Launch, Lost> {
        match track {
            Track::Row(row) => self.launcher.launch(row, role.of(&row.base, &row.head)),
            Track::Null(row) => self.launcher.launch(row, &row.base),
            Track::Canary(canary) => Ok(Launch { time_ns: self.canary_state.time(canary), ..Launch::default() }),
        }
    }

    /// Takes out the row of a launch that failed; of the null row's, the row that it is of.
    fn lose(&mut self, track: Track<'a>, role: Role, lost: Lost) -> Result<()> {
        let (row, role) = match track {
            Track::Row(row) => (row, role),
            Track::Null(row) => (row, Role::Base),
            Track::Canary(_) => return Ok(()),
        };
        let id = row.id.to_string();
        let is_first = Stage::BOTH.into_iter().all(|stage| self.count(&id, stage) == 0);
        let why = match lost {
            // What the base never could is nobody's loss.
            Lost::Unsupported(why) if role == Role::Base && is_first => Lost::Unsupported(why),
            lost => Lost::Failed(format!("{}: {}", role.name(), lost.reason())),
        };
        log::info!("{id}: {}", why.reason());
        self.journal.lose(&id, &why)?;
        self.measured.taken.lost.entry(id).or_insert(why);
        Ok(())
    }

    fn values(&self, row: &Row<'_>, stage: Stage, metric: Metric) -> Vec<(f64, f64)> {
        values(self.pairs(&row.id.to_string(), stage), metric)
    }

    fn pairs(&self, name: &str, stage: Stage) -> &[Pair] {
        pairs_of(&self.measured.taken.pairs, name, stage)
    }

    fn is_lost(&self, row: &Row<'_>) -> bool {
        self.measured.taken.lost.contains_key(&row.id.to_string())
    }

    fn count(&self, name: &str, stage: Stage) -> usize {
        self.pairs(name, stage).len()
    }

    /// What may be planned with of the budget, if there is one: a suspect that gets one pair less than it takes has had all for nothing.
    fn left_to_plan(&self) -> Option<Duration> {
        self.left().map(|left| left.mul_f64(0.9))
    }

    fn left(&self) -> Option<Duration> {
        self.plan.budget.map(|budget| budget.saturating_sub(self.began.elapsed()))
    }
}

fn stop_if_interrupted() -> Result<()> {
    if interrupt::requested() {
        bail!("interrupted; what was measured is kept, and the same command goes on from there");
    }
    Ok(())
}

/// In another order in each round, and in the same one where a gate goes on.
fn shuffle<T>(order: &mut [T], stage: Stage, number: usize) {
    let mut random = Random::new(2 * number as u64 + u64::from(stage == Stage::Confirm));
    for last in (1..order.len()).rev() {
        order.swap(last, random.below(last + 1));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounds_differ_and_repeat() {
        let order = |stage, number| {
            let mut order: Vec<usize> = (0..24).collect();
            shuffle(&mut order, stage, number);
            order
        };
        assert_eq!(order(Stage::Screen, 3), order(Stage::Screen, 3));
        assert_ne!(order(Stage::Screen, 3), order(Stage::Screen, 4));
        assert_ne!(order(Stage::Screen, 3), order(Stage::Confirm, 3));
        let mut sorted = order(Stage::Confirm, 7);
        sorted.sort_unstable();
        assert_eq!(sorted, (0..24).collect::<Vec<_>>());
    }
}
