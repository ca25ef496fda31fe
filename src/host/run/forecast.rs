//! What a run will do and about how long that takes, told before it begins. What cells took before is in [`Times`], which somebody who
//! knows the history fills in; of other cells the time is guessed.

use std::collections::BTreeMap;
use std::time::Duration;

use super::engine::STEADY_TIME;
use super::plan::to_build;
use super::select::Cell;
use crate::host::data::generate::{self, Store};
use crate::host::suite::{Suite, TableSpec};
use crate::host::variant::{PARQUET, is_on_s3};
use crate::measure::machine;
use crate::protocol::id::{BenchId, Scale};
use crate::protocol::units::{Bytes, Count};

/// What a cell takes beside its samples: its program's start, its answer, Criterion's statistics.
const ASIDE: Duration = Duration::from_millis(1200);
/// Rows that a processor generates in a second, measured on the slowest machine that we had.
const ROWS_A_SECOND: f64 = 700_000.0;
/// Samples of a cell whose query takes long, and the runs before and after them: to verify, to warm up, to tell phases apart.
const SAMPLES: f64 = 10.0;
const OTHER_RUNS: f64 = 5.0;
/// What an engine that warms up takes for a run at least, in seconds, and the runs until it is steady.
const COLD_RUN: f64 = 0.3;
const STEADY_RUNS: f64 = 70.0;

/// Rows and bytes of tables.
type Sizes<'a> = BTreeMap<&'a str, (u64, Bytes)>;

/// What cells took when they were last measured on such a machine.
#[derive(Debug, Clone, Default)]
pub(crate) struct Times {
    cells: BTreeMap<BenchId, Duration>,
    /// By query, whoever answered it.
    queries: BTreeMap<(String, Scale), Vec<Duration>>,
    suites: BTreeMap<(String, Scale), Vec<Duration>>,
}

/// About how long something takes, and of how many cells that is guessed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Estimate {
    pub(crate) time: Duration,
    pub(crate) guessed: usize,
}

impl Times {
    pub(crate) fn add(&mut self, id: &BenchId, suite: &str, took: Duration) {
        self.queries.entry((id.query.clone(), id.scale)).or_default().push(took);
        self.suites.entry((suite.to_owned(), id.scale)).or_default().push(took);
        self.cells.insert(id.clone(), took);
    }

    /// What a cell will take: what it took, or else the mean of others with its query, or of its suite, at its scale, or else by what
    /// the suite declares; others say nothing of an engine that `warms_up`. Warming up and its samples take `sampling` at least.
    pub(crate) fn of(&self, id: &BenchId, suite: &Suite, warms_up: bool, sampling: Duration) -> Estimate {
        if let Some(time) = self.cells.get(id) {
            return Estimate { time: *time, guessed: 0 };
        }
        let by_query = self.queries.get(&(id.query.clone(), id.scale));
        let others = by_query.or_else(|| self.suites.get(&(suite.name.clone(), id.scale)));
        let time = others.filter(|_| !warms_up).and_then(|times| mean(times)).unwrap_or_else(|| {
            let run = suite.seconds_at_sf1 * id.scale.factor();
            let run = if warms_up { run.max(COLD_RUN) } else { run };
            let steady =
                if warms_up { STEADY_TIME.min(Duration::from_secs_f64(run * STEADY_RUNS)) } else { Duration::ZERO };
            let samples = sampling.max(Duration::from_secs_f64(run * SAMPLES));
            samples + ASIDE + Duration::from_secs_f64(run * OTHER_RUNS) + steady
        });
        Estimate { time, guessed: 1 }
    }
}

impl Estimate {
    /// `about 9 minutes, the times of 40 cells are guesses`, of so many cells.
    pub(crate) fn told(self, cells: usize) -> String {
        let guessed = match self.guessed {
            0 => String::new(),
            guessed if guessed == cells => ", guessed".to_owned(),
            1 => ", the time of 1 cell is a guess".to_owned(),
            guessed => format!(", the times of {guessed} cells are guesses"),
        };
        about(self.time) + &guessed
    }
}

impl std::iter::Sum for Estimate {
    fn sum<I: Iterator<Item = Self>>(all: I) -> Self {
        all.fold(Self::default(), |sum, one| Self { time: sum.time + one.time, guessed: sum.guessed + one.guessed })
    }
}

fn mean(times: &[Duration]) -> Option<Duration> {
    let count = u32::try_from(times.len()).ok().filter(|count| *count > 0)?;
    Some(times.iter().sum::<Duration>() / count)
}

/// The programs that are built first; `None` when all are there.
pub(crate) fn building(cells: &[Cell<'_>]) -> Option<String> {
    Some(format!("to do: {}", to_build(cells.iter().map(|cell| cell.engine))?))
}

/// One line, such as `to do: make tpch sf1, 8,661,245 rows (about 6 seconds, 330 MiB of disk); measure 1 cell (about 8 seconds)`.
/// `None` when there is nothing to be told. Warming up and the samples of a cell take `sampling`; without it none are taken.
pub(crate) fn told(
    cells: &[Cell<'_>],
    sampling: Option<Duration>,
    store: &Store,
    times: impl FnOnce() -> Times,
) -> Option<String> {
    let engines = cells.iter().map(|cell| cell.engine);
    let mut steps: Vec<String> = to_build(engines).into_iter().chain(to_generate(cells, store)).collect();
    if let Some(sampling) = sampling {
        let cell = if cells.len() == 1 { "cell" } else { "cells" };
        let times = times();
        let estimate: Estimate =
            cells.iter().map(|cell| times.of(&cell.id, cell.suite, cell.engine.warms_up, sampling)).sum();
        steps.push(format!("measure {} {cell} ({})", cells.len(), estimate.told(cells.len())));
    }
    (!steps.is_empty()).then(|| format!("to do: {}", steps.join("; ")))
}

/// The tables of ours that are not there, by suite and scale.
fn to_generate(cells: &[Cell<'_>], store: &Store) -> Vec<String> {
    let mut missing: BTreeMap<(&str, String), Sizes<'_>> = BTreeMap::new();
    for cell in cells {
        let (suite, query, scale) = (cell.suite, cell.query, cell.id.scale);
        // What is on S3 was put there before.
        if is_on_s3(cell.variant.format) {
            continue;
        }
        let folder = store.folder(&suite.name, scale, PARQUET);
        let lacks = |table: &&TableSpec| table.source.is_none() && !folder.join(&table.name).exists();
        for table in suite.tables.iter().filter(|table| query.tables.contains(&table.name)).filter(lacks) {
            // What cannot be made says so in its cell.
            let size = generate::expected_size(suite, &table.name, scale);
            let size = size.unwrap_or((0, Bytes(0)));
            missing.entry((&suite.name, scale.to_string())).or_default().insert(&table.name, size);
        }
    }
    let told = |((suite, scale), tables): (&(&str, String), &Sizes<'_>)| {
        let rows: u64 = tables.values().map(|(rows, _)| rows).sum();
        let bytes = Bytes(tables.values().map(|(_, bytes)| bytes.0).sum());
        #[expect(clippy::cast_precision_loss, reason = "an estimate")]
        let time = Duration::from_secs_f64(rows as f64 / ROWS_A_SECOND / machine::cores() as f64);
        format!("make {suite} {scale}, {} rows ({}, {bytes} of disk)", Count(rows), about(time))
    };
    missing.iter().map(told).collect()
}

/// In the unit of which there are two or more, a second at least.
pub(crate) fn about(time: Duration) -> String {
    let seconds = time.as_secs().max(1);
    let (unit, name) = match seconds {
        ..90 => (1, "second"),
        90..5370 => (60, "minute"),
        _ => (3600, "hour"),
    };
    let number = if unit == 1 { seconds } else { ((seconds + unit / 2) / unit).max(2) };
    format!("about {number} {name}{}", if number == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_knows_or_guesses_from_what_is_nearest() {
        let suite = Suite { name: "shop".to_owned(), seconds_at_sf1: 2.0, ..Suite::default() };
        let sampling = Duration::from_millis(2500);
        let mut times = Times::default();
        let of = |times: &Times, id: &str| {
            let Estimate { time, guessed } = times.of(&id.parse().unwrap(), &suite, false, sampling);
            (time.as_millis(), guessed)
        };
        // Nothing is known: 10 samples of two seconds, and 5 more runs; at a hundredth of it the samples take what they always do.
        assert_eq!(of(&times, "a/s1/sf1/parquet"), (31_200, 1));
        assert_eq!(of(&times, "a/s1/sf0.01/parquet"), (3_800, 1));
        for (id, seconds) in [("a/s1/sf1/parquet", 10), ("b/s1/sf1/parquet", 20), ("a/s2/sf1/parquet", 60)] {
            times.add(&id.parse().unwrap(), "shop", Duration::from_secs(seconds));
        }
        assert_eq!(of(&times, "b/s1/sf1/parquet"), (20_000, 0));
        assert_eq!(of(&times, "c/s1/sf1/parquet"), (15_000, 1));
        assert_eq!(of(&times, "c/s3/sf1/parquet"), (30_000, 1));
        assert_eq!(of(&times, "a/s1/sf10/parquet"), (301_200, 1));
    }

    #[test]
    fn times_gives_an_engine_that_warms_up_its_runs_until_it_is_steady() {
        let suite = Suite { name: "shop".to_owned(), seconds_at_sf1: 1.0, ..Suite::default() };
        let mut times = Times::default();
        times.add(&"a/s1/sf1/parquet".parse().unwrap(), "shop", Duration::from_secs(4));
        let of = |id: &str| times.of(&id.parse().unwrap(), &suite, true, Duration::from_millis(2500)).time.as_millis();
        // 85 runs of 0.3 seconds; of one second; and of 100 seconds, where the warm-up ends after three minutes.
        assert_eq!(of("b/s1/sf0.01/parquet"), 26_700);
        assert_eq!(of("b/s1/sf1/parquet"), 86_200);
        assert_eq!(of("b/s1/sf100/parquet"), 1_681_200);
        assert_eq!(of("a/s1/sf1/parquet"), 4_000);
    }

    #[test]
    fn estimate_says_how_much_of_it_is_guessed() {
        let estimate = |guessed| Estimate { time: Duration::from_secs(40), guessed };
        assert_eq!(estimate(0).told(3), "about 40 seconds");
        assert_eq!(estimate(1).told(3), "about 40 seconds, the time of 1 cell is a guess");
        assert_eq!(estimate(3).told(3), "about 40 seconds, guessed");
        let sum: Estimate = [estimate(1), estimate(0), estimate(1)].into_iter().sum();
        assert_eq!(sum, Estimate { time: Duration::from_mins(2), guessed: 2 });
    }

    #[test]
    fn about_rounds_to_a_unit_of_which_there_are_two() {
        for (seconds, told) in
            [(0, "1 second"), (89, "89 seconds"), (90, "2 minutes"), (5369, "89 minutes"), (5370, "2 hours")]
        {
            assert_eq!(about(Duration::from_secs(seconds)), format!("about {told}"));
        }
    }
}
