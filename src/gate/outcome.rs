//! What a gate came to: a verdict on each row, what the controls say, and the exit code. [`conclude`] is a pure function of the
//! pairs.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::canary::CANARIES;
use super::journal::{Pairs, Stage};
use super::judge::{LOOKS, Limit, Reading, Verdict, decide};
use super::machine::Machine;
use super::measure::{METRICS, NULL};
use crate::id::BenchId;
use crate::measure::host::Host;
use crate::settings::{GateSettings, Metric};

/// The version of the JSON.
pub const SCHEMA: u32 = 1;
/// How far a canary may run from its own level between the first launches and the last: beyond it the machine became another.
const DRIFT: f64 = 1.25;
/// Launches at each end that tell that level.
const ENDS: usize = 6;

/// How a gate ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Conclusion {
    /// Nothing became slower or hungrier.
    Pass,
    /// A row is confirmed to have.
    Regressed,
    /// Every row was measured, and some are too noisy to be cleared.
    Noisy,
    /// It cannot be said: rows are missing, or the run is invalid.
    Undecided,
}

impl Conclusion {
    /// As a process ends with it.
    pub fn exit_code(self) -> u8 {
        match self {
            Self::Pass => 0,
            Self::Regressed => 1,
            Self::Noisy | Self::Undecided => 2,
        }
    }
}

/// All of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    /// [`SCHEMA`].
    pub schema: u32,
    /// In a word.
    pub conclusion: Conclusion,
    /// Why, a line each; empty for one that passed.
    pub reasons: Vec<String>,
    /// What is good to know and decides nothing.
    pub cautions: Vec<String>,
    /// What it was held against.
    pub base: String,
    /// What was judged.
    pub head: String,
    /// A row each.
    pub rows: Vec<RowOutcome>,
    /// What no change can touch.
    pub controls: Vec<Control>,
    /// What others took of the machine.
    pub machine: Machine,
    /// Which machine.
    pub host: Host,
    /// What a change may cost.
    pub limits: GateSettings,
    /// Pairs that were taken, an interrupted gate's among them.
    pub pairs: usize,
    /// Time spent measuring, in seconds.
    pub measuring_seconds: f64,
    /// When it began, RFC 3339, UTC.
    pub started_at: String,
}

impl Outcome {
    /// Whether every row was measured.
    pub fn is_whole(&self) -> bool {
        self.not_measured().is_empty() && !self.rows.is_empty()
    }

    /// Adds rows whose instructions were counted, and concludes anew.
    pub(super) fn count(&mut self, rows: Vec<RowOutcome>, cut_short: bool) {
        self.rows.extend(rows);
        (self.conclusion, self.reasons) = conclude(&self.rows, &self.controls, &self.machine, cut_short);
    }

    /// The rows that were not, with the reasons.
    pub fn not_measured(&self) -> Vec<String> {
        let invalid = self.rows.iter().filter(|row| row.verdict == Verdict::Invalid);
        invalid.map(|row| format!("{}: {}", row.id, row.reason.as_deref().unwrap_or("not measured"))).collect()
    }
}

/// A row's.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RowOutcome {
    /// Which.
    pub id: BenchId,
    /// The worst of its metrics.
    pub verdict: Verdict,
    /// Whether both sides run the very same, so that no change of the source can have touched it.
    pub untouched: bool,
    /// Why it is invalid, or what else there is to say.
    pub reason: Option<String>,
    /// What is known of it.
    pub metrics: Vec<MetricOutcome>,
}

/// A row's metric.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MetricOutcome {
    /// Which.
    pub metric: Metric,
    /// What it may cost.
    pub limit: Limit,
    /// What is said of it.
    pub verdict: Verdict,
    /// By which stage.
    pub stage: Stage,
    /// What decided.
    pub reading: Option<Reading>,
    /// Whether a change that has to be seen might have gone unseen.
    pub blind: bool,
}

/// A control's.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Control {
    /// Its name.
    pub name: String,
    /// Its second launch by its first, so to speak: by the places that base and head have in a pair.
    pub reading: Option<Reading>,
    /// Its last launches by its first: the machine's own speed.
    pub drift: Option<f64>,
    /// Why the run is invalid by it, where it is.
    pub moved: Option<String>,
}

/// A row as it went into a gate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entered {
    pub(super) id: BenchId,
    pub(super) untouched: bool,
    /// Why there is nothing to judge, where that is so.
    pub(super) missing: Option<String>,
}

/// Judges rows by their pairs; `all_are_suspects` where a second machine confirms.
pub(super) fn judge(
    entered: &[Entered],
    pairs: &Pairs,
    limits: &GateSettings,
    all_are_suspects: bool,
) -> Vec<RowOutcome> {
    let of = |id: &BenchId, stage| pairs.get(&(id.to_string(), stage)).map(Vec::as_slice).unwrap_or_default();
    let mut rows: Vec<RowOutcome> = Vec::new();
    // Suspects of the whole gate, since their number is what a verdict is corrected for.
    let mut suspects = Vec::new();
    for row in entered {
        let mut outcome = RowOutcome {
            id: row.id.clone(),
            verdict: Verdict::Invalid,
            untouched: row.untouched,
            reason: row.missing.clone(),
            metrics: Vec::new(),
        };
        let sums = [Stage::Screen, Stage::Confirm].into_iter().flat_map(|stage| of(&row.id, stage));
        let mut sums: Vec<_> = sums.flat_map(|pair| [&pair.base.dataset_sha256, &pair.head.dataset_sha256]).collect();
        sums.sort();
        sums.dedup();
        if outcome.reason.is_none() && sums.len() > 1 {
            outcome.reason = Some("its launches read different data: the checksums are mixed".to_owned());
        }
        if outcome.reason.is_none() {
            for metric in METRICS {
                let limit = limits.limit(&row.id, metric);
                let values = |stage| -> Vec<(f64, f64)> {
                    of(&row.id, stage).iter().filter_map(|pair| pair.of(metric)).collect()
                };
                let screen = Reading::of(&values(Stage::Screen));
                let decided = screen.filter(|reading| !all_are_suspects && !reading.is_suspect(limit));
                if decided.is_none() {
                    suspects.push((rows.len(), outcome.metrics.len(), values(Stage::Confirm), limit));
                }
                outcome.metrics.push(MetricOutcome {
                    metric,
                    limit,
                    verdict: decided.map_or(Verdict::Inconclusive, |reading| reading.without_regression(limit)),
                    stage: if decided.is_some() { Stage::Screen } else { Stage::Confirm },
                    reading: decided.or(screen),
                    blind: false,
                });
            }
        }
        rows.push(outcome);
    }
    let tests: Vec<(&[(f64, f64)], Limit)> =
        suspects.iter().map(|(_, _, pairs, limit)| (pairs.as_slice(), *limit)).collect();
    for ((row, metric, pairs, _), (reading, verdict)) in suspects.iter().zip(decide(&tests)) {
        let outcome = &mut rows[*row].metrics[*metric];
        outcome.verdict = verdict;
        outcome.reading = reading.or(outcome.reading);
        if pairs.len() < LOOKS[0] && rows[*row].reason.is_none() && rows[*row].metrics[*metric].reading.is_some() {
            rows[*row].reason = Some(format!("{} of the {} new pairs that decide", pairs.len(), LOOKS[0]));
        }
    }
    for row in &mut rows {
        // Nothing is known of it anywhere, such as the memory of a server elsewhere.
        row.metrics.retain(|metric| metric.metric == Metric::Time || metric.reading.is_some());
        for metric in &mut row.metrics {
            metric.blind = metric.reading.is_some_and(|reading| reading.is_blind(metric.limit));
        }
        if let Some(worst) = row.metrics.iter().map(|metric| metric.verdict).max_by_key(|verdict| weight(*verdict)) {
            row.verdict = worst;
        }
        if row.reason.is_none() && row.metrics.iter().all(|metric| metric.reading.is_none()) {
            row.verdict = Verdict::Invalid;
            row.reason = Some("not measured".to_owned());
        }
    }
    rows
}

/// Which of two verdicts on one row is told.
fn weight(verdict: Verdict) -> u8 {
    match verdict {
        Verdict::Equivalent => 0,
        Verdict::Improved => 1,
        Verdict::Inconclusive => 2,
        Verdict::Invalid => 3,
        Verdict::Regressed => 4,
    }
}

/// What the null row and the canaries say.
pub(super) fn controls(pairs: &Pairs, limits: &GateSettings) -> Vec<Control> {
    let mut names = vec![NULL];
    names.extend(CANARIES.map(super::canary::Canary::name));
    names.into_iter().filter_map(|name| control(name, pairs, limits)).collect()
}

fn control(name: &str, pairs: &Pairs, limits: &GateSettings) -> Option<Control> {
    let taken: Vec<_> = [Stage::Screen, Stage::Confirm]
        .into_iter()
        .filter_map(|stage| pairs.get(&(name.to_owned(), stage)))
        .flatten()
        .collect();
    let reading = Reading::of(&taken.iter().filter_map(|pair| pair.of(Metric::Time)).collect::<Vec<_>>())?;
    let mut moved = reading.is_moved(limits.time).then(|| {
        let percent = 100.0 * (reading.ratio.estimate - 1.0);
        format!("{name} is the same on both sides and was found {percent:+.1} % apart")
    });
    // The null row may be another one after a row was lost: its level says nothing.
    let drift =
        if name == NULL { None } else { drift(&taken.iter().map(|pair| pair.base.time_ns).collect::<Vec<_>>()) };
    if let Some(drift) = drift.filter(|drift| *drift > DRIFT || *drift < 1.0 / DRIFT) {
        moved.get_or_insert_with(|| {
            format!("{name} took {drift:.2} times as long at the end as at the beginning: the machine became another")
        });
    }
    Some(Control { name: name.to_owned(), reading: Some(reading), drift, moved })
}

/// The last launches by the first, their medians; `None` of too few.
#[expect(clippy::cast_precision_loss, reason = "nanoseconds of a loop are far below 2^53")]
fn drift(times_ns: &[u64]) -> Option<f64> {
    let median = |times: &[u64]| crate::stats::median(&times.iter().map(|ns| *ns as f64).collect::<Vec<_>>());
    if times_ns.len() < ENDS {
        return None;
    }
    Some(median(&times_ns[times_ns.len() - ENDS..])? / median(&times_ns[..ENDS])?)
}

/// What rows and controls come to, and why.
pub fn conclude(
    rows: &[RowOutcome],
    controls: &[Control],
    machine: &Machine,
    cut_short: bool,
) -> (Conclusion, Vec<String>) {
    let mut invalid: Vec<String> = controls.iter().filter_map(|control| control.moved.clone()).collect();
    invalid.extend(machine.invalid());
    let regressed = |row: &&RowOutcome| row.verdict == Verdict::Regressed;
    invalid.extend(rows.iter().filter(regressed).filter(|row| row.untouched).map(|row| {
        format!("{} runs the very same on both sides and was found slower or hungrier: the machine's doing", row.id)
    }));
    let slower: Vec<String> = rows.iter().filter(regressed).filter(|row| !row.untouched).map(told).collect();
    let (mut missing, mut noisy) = (Vec::new(), Vec::new());
    for row in rows {
        match row.verdict {
            Verdict::Invalid => {
                missing.push(format!("{}: {}", row.id, row.reason.as_deref().unwrap_or("not measured")))
            }
            Verdict::Inconclusive => noisy.push(inconclusive(row)),
            _ => {}
        }
    }
    if rows.is_empty() {
        missing.push("there is no row that both have".to_owned());
    }
    if cut_short {
        noisy.push(
            "the budget was over before all pairs were taken: give more time (--budget) or fewer rows".to_owned(),
        );
    }
    if !invalid.is_empty() {
        // What else there is to say is said of numbers that nobody can trust.
        return (Conclusion::Undecided, invalid.into_iter().map(|why| format!("invalid run: {why}")).collect());
    }
    if !slower.is_empty() {
        return (Conclusion::Regressed, slower.into_iter().chain(missing).chain(noisy).collect());
    }
    let conclusion = match (missing.is_empty(), noisy.is_empty()) {
        (false, _) => Conclusion::Undecided,
        (true, false) => Conclusion::Noisy,
        (true, true) => Conclusion::Pass,
    };
    (conclusion, missing.into_iter().chain(noisy).collect())
}

fn told(row: &RowOutcome) -> String {
    let metrics = row.metrics.iter().filter(|metric| metric.verdict == Verdict::Regressed).filter_map(|metric| {
        let ratio = metric.reading?.ratio;
        let name = name_of(metric.metric);
        Some(format!(
            "{name} is {:.3} times the base's (95 %: {:.3} to {:.3}), {:.2} is accepted",
            ratio.estimate, ratio.low, ratio.high, metric.limit.accepts
        ))
    });
    format!("{}: {}", row.id, metrics.collect::<Vec<_>>().join("; "))
}

fn inconclusive(row: &RowOutcome) -> String {
    let open = row.metrics.iter().filter(|metric| metric.verdict == Verdict::Inconclusive);
    let said = open.map(|metric| {
        let name = name_of(metric.metric);
        match metric.reading {
            Some(reading) if metric.blind => format!(
                "{name} is blind: a change below {:+.1} % would go unseen, and {:+.1} % has to be seen",
                100.0 * (reading.could_see - 1.0),
                100.0 * (metric.limit.must_see - 1.0)
            ),
            Some(reading) => format!(
                "{name} lies between {:.3} and {:.3} times the base's, and {:.2} has to be excluded",
                reading.ratio.low, reading.ratio.high, metric.limit.must_see
            ),
            None => format!("{name} is not known"),
        }
    });
    let reason = row.reason.iter().cloned();
    format!("{}: {}", row.id, said.chain(reason).collect::<Vec<_>>().join("; "))
}

pub(super) fn name_of(metric: Metric) -> &'static str {
    match metric {
        Metric::Time => "time",
        Metric::Memory => "peak memory",
        Metric::Instructions => "instructions",
    }
}

/// How many rows have each verdict.
pub fn counts(rows: &[RowOutcome]) -> BTreeMap<&'static str, usize> {
    let mut counts = BTreeMap::new();
    for row in rows {
        *counts.entry(word(row.verdict)).or_default() += 1;
    }
    counts
}

/// A verdict in a word.
pub fn word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Regressed => "regressed",
        Verdict::Improved => "improved",
        Verdict::Equivalent => "equivalent",
        Verdict::Inconclusive => "inconclusive",
        Verdict::Invalid => "invalid",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gate::journal::{Launch, Pair};

    fn row(verdict: Verdict, untouched: bool) -> RowOutcome {
        let id = "duckdb/q1/sf1/parquet".parse().unwrap();
        RowOutcome { id, verdict, untouched, reason: None, metrics: Vec::new() }
    }

    fn concluded(rows: &[RowOutcome], controls: &[Control]) -> Conclusion {
        conclude(rows, controls, &Machine::default(), false).0
    }

    /// So many pairs of a control, whose base takes these times and whose head so many times as long.
    fn control(name: &str, times_ns: impl Iterator<Item = u64>, ratio: f64) -> Control {
        #[expect(
            clippy::cast_precision_loss,
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "small"
        )]
        let pair = |time_ns: u64| Pair {
            row: name.to_owned(),
            stage: Stage::Screen,
            base_first: true,
            base: Launch { time_ns, ..Launch::default() },
            head: Launch { time_ns: (time_ns as f64 * ratio) as u64, ..Launch::default() },
            wall_ns: 1,
        };
        let pairs = Pairs::from([((name.to_owned(), Stage::Screen), times_ns.map(pair).collect())]);
        super::control(name, &pairs, &GateSettings::default()).unwrap()
    }

    #[test]
    fn every_kind_of_row_has_its_code() {
        for (verdict, conclusion, code) in [
            (Verdict::Equivalent, Conclusion::Pass, 0),
            (Verdict::Improved, Conclusion::Pass, 0),
            (Verdict::Regressed, Conclusion::Regressed, 1),
            (Verdict::Inconclusive, Conclusion::Noisy, 2),
            (Verdict::Invalid, Conclusion::Undecided, 2),
        ] {
            let found = concluded(&[row(Verdict::Equivalent, false), row(verdict, false)], &[]);
            assert_eq!((found, found.exit_code()), (conclusion, code));
        }
        assert_eq!(concluded(&[], &[]), Conclusion::Undecided);
        // A confirmed regression stands whatever else is missing.
        assert_eq!(
            concluded(&[row(Verdict::Regressed, false), row(Verdict::Invalid, false)], &[]),
            Conclusion::Regressed
        );
    }

    #[test]
    fn a_control_that_moved_is_an_invalid_run_and_not_red() {
        let red = [row(Verdict::Regressed, false)];
        let level = (0..10).map(|number| 50_000_000 + number * 10_000);
        assert_eq!(concluded(&red, &[control(NULL, level.clone(), 1.0)]), Conclusion::Regressed);
        for moved in [control(NULL, level.clone(), 1.1), control("canary memory", level, 0.9)] {
            let (conclusion, why) = conclude(&red, &[moved], &Machine::default(), false);
            assert!(conclusion == Conclusion::Undecided && why[0].starts_with("invalid run: "), "{why:?}");
        }
        // Level within each pair, and another machine at the end.
        let faster = (0..20).map(|number| 50_000_000 - number * 1_000_000);
        assert_eq!(concluded(&red, &[control("canary processor", faster, 1.0)]), Conclusion::Undecided);
        let stolen = Machine { steal_percent: Some(50.0), ..Machine::default() };
        assert_eq!(conclude(&red, &[], &stolen, false).0, Conclusion::Undecided);
    }

    #[test]
    fn what_the_change_cannot_have_touched_is_no_regression() {
        let rows = [row(Verdict::Regressed, true), row(Verdict::Regressed, false)];
        let (conclusion, why) = conclude(&rows, &[], &Machine::default(), false);
        assert!(conclusion == Conclusion::Undecided && why[0].contains("the very same on both sides"), "{why:?}");
    }
}
