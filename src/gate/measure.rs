//! The order of launches: rounds of pairs over shuffled rows, first of all rows, then of suspects and controls.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use indicatif::{ProgressBar, ProgressStyle};

use super::canary::{CANARIES, Cage, Canary};
use super::journal::{Journal, Launch, Pair, Pairs, Stage};
use super::judge::{LOOKS, Reading, SCREEN};
use super::launcher::{Launcher, Lost};
use super::sides::{Contender, Row};
use crate::interrupt;
use crate::settings::{GateSettings, Metric};
use crate::stats::Random;

/// What is estimated from pairs.
pub(super) const METRICS: [Metric; 2] = [Metric::Time, Metric::Memory];
/// Pairs of every row in a screen with a budget, after which those that are clear need no more; no interval takes fewer.
const FEWEST: usize = 6;
/// How often the time that is left is told where there is no terminal for a bar.
const TELL: Duration = Duration::from_secs(30);

/// One that takes part in rounds.
#[derive(Clone, Copy)]
enum Track<'a> {
    Row(&'a Row<'a>),
    /// Base against base, of that row.
    Null(&'a Row<'a>),
    Canary(Canary),
}

/// As rows are named.
pub(super) const NULL: &str = "null row";

impl Track<'_> {
    fn name(self) -> String {
        match self {
            Self::Row(row) => row.id.to_string(),
            Self::Null(_) => NULL.to_owned(),
            Self::Canary(canary) => canary.name().to_owned(),
        }
    }
}

/// What was measured, and what was not.
#[derive(Debug, Default)]
pub(super) struct Measured {
    pub(super) pairs: Pairs,
    /// Rows that gave no time that counts, by id.
    pub(super) lost: BTreeMap<String, Lost>,
    /// Whether the budget was over before all was taken.
    pub(super) cut_short: bool,
    /// Time spent on it now, without what an interrupted gate had taken before.
    pub(super) took: Duration,
}

/// How much is measured.
#[derive(Debug, Clone, Copy)]
pub(super) struct Plan {
    /// Pairs of every row.
    pub(super) screen: usize,
    /// Whether suspects are followed up.
    pub(super) confirms: bool,
    /// Whether all rows are suspects from the start: a second machine confirms.
    pub(super) all_are_suspects: bool,
    /// The time that may be spent.
    pub(super) budget: Option<Duration>,
}

impl Plan {
    /// A gate's own.
    pub(super) fn gate(budget: Option<Duration>) -> Self {
        Self { screen: SCREEN, confirms: true, all_are_suspects: false, budget }
    }
}

/// Takes pairs.
pub(super) struct Measuring<'a, 'b> {
    rows: &'a [Row<'a>],
    launcher: &'b mut Launcher<'a>,
    journal: &'b mut Journal,
    limits: &'a GateSettings,
    plan: Plan,
    cage: Cage,
    measured: Measured,
    began: Instant,
    told: Instant,
    bar: ProgressBar,
}

impl<'a, 'b> Measuring<'a, 'b> {
    pub(super) fn new(
        rows: &'a [Row<'a>],
        launcher: &'b mut Launcher<'a>,
        journal: &'b mut Journal,
        pairs: Pairs,
        limits: &'a GateSettings,
        plan: Plan,
    ) -> Self {
        let style = ProgressStyle::with_template("{msg:44} {wide_bar} {pos}/{len} pairs, {eta} left");
        let bar = ProgressBar::new(0);
        Self {
            rows,
            launcher,
            journal,
            limits,
            plan,
            cage: Cage::new(),
            measured: Measured { pairs, lost: BTreeMap::new(), cut_short: false, took: Duration::ZERO },
            began: Instant::now(),
            told: Instant::now(),
            bar: style.map_or(bar.clone(), |style| bar.with_style(style)),
        }
    }

    /// All of it.
    ///
    /// # Errors
    /// After an interrupt: what was taken is in the journal.
    pub(super) fn run(mut self) -> Result<Measured> {
        let done = self.stages();
        self.bar.finish_and_clear();
        self.measured.took = self.began.elapsed();
        done.map(|()| self.measured)
    }

    fn stages(&mut self) -> Result<()> {
        let all: Vec<&Row<'_>> = self.rows.iter().collect();
        if !self.plan.all_are_suspects {
            self.rounds(Stage::Screen, &all, self.plan.screen)?;
        }
        if !self.plan.confirms {
            return Ok(());
        }
        let suspects = self.suspects();
        let first = LOOKS[0];
        let (fits, left) = self.within_budget(suspects, first);
        self.rounds(Stage::Confirm, &fits, first)?;
        if !left.is_empty() {
            self.measured.cut_short = true;
            return Ok(());
        }
        self.widest_first(&fits)
    }

    /// Rows that new pairs have to decide on, the slowest first.
    fn suspects(&self) -> Vec<&'a Row<'a>> {
        let mut suspects: Vec<(f64, &Row<'_>)> = Vec::new();
        for row in self.rows.iter().filter(|row| !self.is_lost(row)) {
            let readings: Vec<(Metric, Reading)> = METRICS
                .into_iter()
                .filter_map(|metric| Some((metric, self.reading(row, Stage::Screen, metric)?)))
                .collect();
            let suspect =
                |(metric, reading): &(Metric, Reading)| reading.is_suspect(self.limits.limit(&row.id, *metric));
            if self.plan.all_are_suspects || readings.iter().any(suspect) {
                let worst = readings.iter().map(|(_, reading)| reading.ratio.estimate);
                suspects.push((worst.fold(0.0, f64::max), row));
            }
        }
        suspects.sort_by(|a, b| b.0.total_cmp(&a.0));
        suspects.into_iter().map(|(_, row)| row).collect()
    }

    /// Those that can have so many pairs in the time that is left, and those that cannot.
    fn within_budget(&self, mut suspects: Vec<&'a Row<'a>>, pairs: usize) -> (Vec<&'a Row<'a>>, Vec<&'a Row<'a>>) {
        let Some(left) = self.left() else { return (suspects, Vec::new()) };
        #[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, reason = "a handful of pairs")]
        let cost = |name: &str| {
            let taken: Vec<&Pair> = [Stage::Screen, Stage::Confirm]
                .into_iter()
                .filter_map(|stage| self.measured.pairs.get(&(name.to_owned(), stage)))
                .flatten()
                .collect();
            let wall: f64 = taken.iter().map(|pair| pair.wall_ns as f64 / 1e9).sum();
            Duration::from_secs_f64(wall / taken.len().max(1) as f64) * pairs as u32
        };
        let mut spent: Duration = self.controls().iter().map(|track| cost(&track.name())).sum();
        let fits = suspects.iter().take_while(|row| {
            spent += cost(&row.id.to_string());
            spent <= left
        });
        let fits = fits.count();
        let rest = suspects.split_off(fits);
        (suspects, rest)
    }

    /// Pairs for suspects that are still too noisy, those with the widest interval first, while there is a budget.
    fn widest_first(&mut self, suspects: &[&'a Row<'a>]) -> Result<()> {
        while self.left().is_some_and(|left| !left.is_zero()) {
            let most = LOOKS[LOOKS.len() - 1];
            let width = |row: &&Row<'_>| {
                let noisy = |metric| {
                    let reading = self.reading(row, Stage::Confirm, metric)?;
                    let limit = self.limits.limit(&row.id, metric);
                    // Decided either way, more pairs tell nothing that matters.
                    let open = !reading.clears(limit) && reading.ratio.low <= limit.unchanged;
                    open.then_some(reading.ratio.high / reading.ratio.low)
                };
                METRICS.into_iter().filter_map(noisy).reduce(f64::max)
            };
            let open = suspects.iter().filter(|row| !self.is_lost(row) && self.taken(row, Stage::Confirm) < most);
            let widest = open.filter_map(|row| Some((width(row)?, *row))).max_by(|a, b| a.0.total_cmp(&b.0));
            let Some((_, row)) = widest else { return Ok(()) };
            self.bar.inc_length(1);
            self.pair(Track::Row(row), Stage::Confirm)?;
        }
        Ok(())
    }

    /// Rounds until each of these rows, and each control, has so many pairs.
    fn rounds(&mut self, stage: Stage, rows: &[&'a Row<'a>], pairs: usize) -> Result<()> {
        if rows.is_empty() {
            return Ok(());
        }
        let tracks: Vec<Track<'a>> = rows.iter().map(|row| Track::Row(row)).chain(self.controls()).collect();
        let taken = |this: &Self, track: &Track<'_>| this.count(&track.name(), stage);
        let missing: usize = tracks.iter().map(|track| pairs.saturating_sub(taken(self, track))).sum();
        self.bar.inc_length(missing as u64);
        for number in 0..pairs {
            let mut order = tracks.clone();
            shuffle(&mut order, stage, number);
            for track in order {
                let done =
                    matches!(track, Track::Row(row) if self.is_lost(row) || self.is_clear_early(row, stage, number));
                if done || taken(self, &track) > number {
                    continue;
                }
                if self.left().is_some_and(|left| left.is_zero()) {
                    self.measured.cut_short = true;
                    return Ok(());
                }
                self.pair(track, stage)?;
            }
        }
        Ok(())
    }

    /// Whether a row needs no more of the screen: with a budget, launches go where the intervals are wide.
    fn is_clear_early(&self, row: &Row<'_>, stage: Stage, number: usize) -> bool {
        let early = self.plan.budget.is_some() && stage == Stage::Screen && number >= FEWEST;
        early && self.is_cleared(row)
    }

    /// Whether the screen excludes what has to be seen, in every metric that can be read.
    fn is_cleared(&self, row: &Row<'_>) -> bool {
        METRICS.into_iter().all(|metric| {
            // One that cannot be, such as a server's memory, holds nobody.
            let reading = self.reading(row, Stage::Screen, metric);
            reading.is_none_or(|reading| reading.clears(self.limits.limit(&row.id, metric)))
        })
    }

    /// What no change can touch. The null row is the one in the middle of those that can be measured.
    fn controls(&self) -> Vec<Track<'a>> {
        let alive: Vec<&'a Row<'a>> = self.rows.iter().filter(|row| !self.is_lost(row)).collect();
        let null = alive.get(alive.len() / 2).map(|row| Track::Null(row));
        null.into_iter().chain(CANARIES.map(Track::Canary)).collect()
    }

    /// One pair; a launch that fails takes its row out.
    fn pair(&mut self, track: Track<'a>, stage: Stage) -> Result<()> {
        let name = track.name();
        self.tell(&name);
        // Base first, head first, head first, base first: whoever is second never always is.
        let base_first = matches!(self.count(&name, stage) % 4, 0 | 3);
        let start = Instant::now();
        let mut both = [Launch::default(), Launch::default()];
        for place in if base_first { [0, 1] } else { [1, 0] } {
            match self.launch(track, place) {
                Ok(launch) => both[place] = launch,
                Err(lost) => {
                    stop_if_interrupted()?;
                    // As the null row it is lost too.
                    if let Track::Row(row) | Track::Null(row) = track {
                        let why = match (&lost, place) {
                            // The base comes first in a row's first pair.
                            (Lost::Unsupported(_), 0) => lost,
                            (Lost::Failed(why), 0) => Lost::Failed(format!("base: {why}")),
                            _ => Lost::Failed(format!("head: {}", lost.reason())),
                        };
                        self.say(&format!("{}: {}", row.id, why.reason()));
                        self.measured.lost.insert(row.id.to_string(), why);
                    }
                    return Ok(());
                }
            }
        }
        stop_if_interrupted()?;
        let [base, head] = both;
        let wall_ns = u64::try_from(start.elapsed().as_nanos()).unwrap_or(u64::MAX);
        let pair = Pair { row: name.clone(), stage, base_first, base, head, wall_ns };
        self.journal.keep(&pair)?;
        self.measured.pairs.entry((name, stage)).or_default().push(pair);
        self.bar.inc(1);
        Ok(())
    }

    fn launch(&mut self, track: Track<'a>, place: usize) -> Result<Launch, Lost> {
        let contender = |row: &'a Row<'a>| -> &'a Contender<'a> { if place == 0 { &row.base } else { &row.head } };
        match track {
            Track::Row(row) => self.launcher.launch(row, contender(row)),
            Track::Null(row) => self.launcher.launch(row, &row.base),
            Track::Canary(canary) => Ok(Launch { time_ns: self.cage.time(canary), ..Launch::default() }),
        }
    }

    fn reading(&self, row: &Row<'_>, stage: Stage, metric: Metric) -> Option<Reading> {
        let pairs = self.measured.pairs.get(&(row.id.to_string(), stage))?;
        Reading::of(&pairs.iter().filter_map(|pair| pair.of(metric)).collect::<Vec<_>>())
    }

    fn is_lost(&self, row: &Row<'_>) -> bool {
        self.measured.lost.contains_key(&row.id.to_string())
    }

    fn taken(&self, row: &Row<'_>, stage: Stage) -> usize {
        self.count(&row.id.to_string(), stage)
    }

    fn count(&self, name: &str, stage: Stage) -> usize {
        self.measured.pairs.get(&(name.to_owned(), stage)).map_or(0, Vec::len)
    }

    /// What is left of the budget, if there is one.
    fn left(&self) -> Option<Duration> {
        self.plan.budget.map(|budget| budget.saturating_sub(self.began.elapsed()))
    }

    fn tell(&mut self, name: &str) {
        self.bar.set_message(name.to_owned());
        if self.bar.is_hidden() && self.told.elapsed() > TELL {
            self.told = Instant::now();
            let (done, all) = (self.bar.position(), self.bar.length().unwrap_or_default());
            eprintln!("{done} of {all} pairs, about {} s left", self.bar.eta().as_secs());
        }
    }

    fn say(&self, line: &str) {
        self.bar.suspend(|| eprintln!("{line}"));
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
