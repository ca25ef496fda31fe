//! Whether what a suite asks of engines is met: [`judge`], from records of its cells.
//!
//! Pure functions over records, but for [`Today`], which says which records still hold. `cargo xtask criteria SUITE` runs what is missing.
//! A criterion is met or not met only where the figures show it: an interval that has the limit inside shows neither.

pub mod bound;
mod today;

use serde::Serialize;

use crate::host::record::{Record, metric};
use crate::host::stats::median_interval;
use crate::host::suite::{CriterionSpec, Requirement, Suite};
use crate::host::verify::Verdict;
use crate::protocol::units::{Bytes, Nanos};
pub use today::{Needed, Today, needed};

/// Runs of a cell whose time is asked for: fewer have no interval.
const TIMED: u64 = 10;

/// What was found of a criterion.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// The figures show that it is met.
    Met,
    /// They show neither, or there are none.
    NotShown,
    /// They show that it is not met.
    NotMet,
}

impl Status {
    /// As it is printed.
    pub fn word(self) -> &'static str {
        match self {
            Self::Met => "met",
            Self::NotShown => "not shown",
            Self::NotMet => "not met",
        }
    }
}

/// A criterion of one engine and query.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Judged {
    /// The criterion.
    pub criterion: String,
    /// The engine that is asked.
    pub engine: String,
    /// Its way to execute; none: its default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mode: Option<String>,
    /// The query.
    pub query: String,
    /// What was found.
    pub status: Status,
    /// Why, in figures.
    pub figures: String,
}

/// What these records say of a criterion: a line for each of its engines and queries. Of several records of one cell the last counts, for
/// the success of runs all of them.
pub fn judge(spec: &CriterionSpec, suite: &Suite, records: &[Record]) -> Vec<Judged> {
    let of = |engine: &str, query: &str| -> Vec<&Record> {
        let is_its = |record: &&Record| {
            let id = &record.id;
            id.engine == engine
                && id.query == query
                && id.scale == spec.scale
                && record.mode.as_deref() == spec.mode_of(engine)
        };
        records.iter().filter(is_its).collect()
    };
    let mut judged = Vec::new();
    for query in spec.queries_of(suite) {
        for engine in &spec.engines {
            let other = spec.requires.other().map(|other| of(other, query));
            let (status, figures) = found(&spec.requires, &of(engine, query), other.as_deref());
            let mode = spec.mode_of(engine).map(str::to_owned);
            let (criterion, engine, query) = (spec.name.clone(), engine.clone(), query.to_owned());
            judged.push(Judged { criterion, engine, mode, query, status, figures });
        }
    }
    judged
}

impl CriterionSpec {
    /// The queries that it is about.
    pub(crate) fn queries_of<'a>(&self, suite: &'a Suite) -> Vec<&'a str> {
        let all = suite.queries.iter().map(|query| query.name.as_str());
        all.filter(|name| self.queries.is_empty() || self.queries.iter().any(|wanted| wanted == name)).collect()
    }
}

impl Requirement {
    /// Runs of a cell that it takes.
    pub fn runs(&self) -> u64 {
        match self {
            Self::Success { rate, confidence } => bound::runs_needed(*rate, *confidence),
            Self::EqualAnswers | Self::Memory { .. } | Self::MemoryShare { .. } => 1,
            Self::Speed { .. } | Self::Time { .. } => TIMED,
        }
    }
}

type Found = (Status, String);

fn found(requirement: &Requirement, ours: &[&Record], others: Option<&[&Record]>) -> Found {
    if let Requirement::Success { rate, confidence } = requirement {
        return success(*rate, *confidence, ours);
    }
    let Some(record) = ours.last() else { return (Status::NotShown, "was not run".to_owned()) };
    if *requirement == Requirement::EqualAnswers {
        return equal_answers(record);
    }
    if let Some(why) = unranked(record) {
        return why;
    }
    let other = match others.map(<[_]>::last) {
        None => None,
        Some(None) => return (Status::NotShown, "the engine that it is compared with was not run".to_owned()),
        Some(Some(other)) if other.ranks() => Some(*other),
        Some(Some(other)) => {
            let why = other.reason().unwrap_or("its answer is not verified");
            return (Status::NotShown, format!("no figures of {}: {why}", other.id.engine));
        }
    };
    match requirement {
        Requirement::Time { at_most } => time(record, Nanos::from(*at_most)),
        Requirement::Memory { at_most } => memory(record, *at_most),
        Requirement::Speed { at_least, .. } => speed(record, other, *at_least),
        Requirement::MemoryShare { at_most, .. } => memory_share(record, other, *at_most),
        Requirement::EqualAnswers | Requirement::Success { .. } => (Status::NotShown, String::new()),
    }
}

/// Why a record has no figures: to fail is to miss any limit, to be skipped or unverified shows nothing.
fn unranked(record: &Record) -> Option<Found> {
    if record.ranks() {
        return None;
    }
    let why = record.reason().unwrap_or("its answer is not verified").to_owned();
    let missed = record.is_failed() && was_opened(record);
    Some((if missed { Status::NotMet } else { Status::NotShown }, why))
}

/// Whether the engine was there at all. One that could not open, since its server was not started for instance, shows nothing.
fn was_opened(record: &Record) -> bool {
    record.engine.version.is_some()
}

/// Whether a value that lies between these with the confidence is at most the limit.
fn at_most(low: f64, high: f64, limit: f64) -> Status {
    if high <= limit {
        Status::Met
    } else if low > limit {
        Status::NotMet
    } else {
        Status::NotShown
    }
}

/// Whether it is at least the limit.
fn at_least(low: f64, high: f64, limit: f64) -> Status {
    at_most(-high, -low, -limit)
}

fn time(record: &Record, limit: Nanos) -> Found {
    let Some(interval) = median_interval(record.samples_ns()) else { return no("time") };
    let [median, low, high] = [interval.estimate, interval.low, interval.high].map(Nanos);
    let figures = format!("{median} ({low} to {high}, {} runs), allowed {limit}", record.samples_ns().len());
    (at_most(interval.low, interval.high, limit.0), figures)
}

fn memory(record: &Record, limit: Bytes) -> Found {
    let Some(peak) = record.peak_memory_bytes().map(Bytes) else { return no("peak memory") };
    let status = if peak <= limit { Status::Met } else { Status::NotMet };
    (status, format!("{peak}, allowed {limit}"))
}

/// How many times as fast: by the ends of both intervals that are farthest apart, so that it is shown by more than 95 %.
fn speed(record: &Record, other: Option<&Record>, wanted: f64) -> Found {
    let (Some(ours), Some(theirs)) =
        (median_interval(record.samples_ns()), other.and_then(|other| median_interval(other.samples_ns())))
    else {
        return no("time");
    };
    let (times, low, high) = (theirs.estimate / ours.estimate, theirs.low / ours.high, theirs.high / ours.low);
    (at_least(low, high, wanted), format!("{times:.2} times as fast ({low:.2} to {high:.2}), wanted {wanted:.2}"))
}

fn memory_share(record: &Record, other: Option<&Record>, wanted: f64) -> Found {
    let peak = |record: &Record| record.metric(metric::PEAK_MEMORY).filter(|bytes| *bytes > 0.0);
    let (Some(ours), Some(theirs)) = (peak(record), other.and_then(peak)) else { return no("peak memory") };
    let share = ours / theirs;
    let status = if share <= wanted { Status::Met } else { Status::NotMet };
    let figures = format!("{share:.2} of it ({} of {}), allowed {wanted:.2}", Bytes::about(ours), Bytes::about(theirs));
    (status, figures)
}

fn equal_answers(record: &Record) -> Found {
    let rows = record.rows.map(|rows| format!("{rows} rows, ")).unwrap_or_default();
    match &record.verdict {
        Some(verdict) if verdict.verified() && record.is_measured() => {
            (Status::Met, format!("{rows}all equal: {}", verdict.kind()))
        }
        Some(Verdict::Wrong { difference }) => (Status::NotMet, difference.clone()),
        Some(Verdict::Disputed(dispute)) => (Status::NotMet, format!("disputed: {}", dispute.difference)),
        _ => (Status::NotShown, record.reason().unwrap_or("nothing to compare its answer with").to_owned()),
    }
}

/// Runs that succeeded, and those that did not, over all records.
///
/// The answer of a cell that fails in the middle is never compared with others. So its runs before count as neither: the rate is met only
/// by the other runs, and not met only if it would not be even with all of these as successes.
fn success(rate: f64, confidence: f64, records: &[&Record]) -> Found {
    let (mut successes, mut failures, mut unknown) = (0, 0, 0);
    for record in records.iter().filter(|record| !record.is_skipped() && was_opened(record)) {
        match record.measurement() {
            Some(measurement) if record.verified() => successes += measurement.iterations.iter().sum::<u64>(),
            // Alone, its answer had nobody to compare with, which is no failure of its own.
            Some(_) if matches!(record.verdict, None | Some(Verdict::Unchecked { .. })) => {}
            _ => {
                failures += 1;
                unknown += record.outcome.unmeasured().and_then(|why| why.runs_before).unwrap_or(0);
            }
        }
    }
    let runs = successes + failures;
    if runs == 0 {
        return (Status::NotShown, "was not run".to_owned());
    }
    let low = bound::at_least(successes, runs, confidence);
    let high = bound::at_most(successes + unknown, runs + unknown, confidence);
    let status = at_least(low, high, rate);
    let need = match status {
        Status::NotShown => format!("; it takes {} runs without a failure", bound::runs_needed(rate, confidence)),
        _ => String::new(),
    };
    let beside = if unknown > 0 { format!(" (and {unknown} before a failure, not compared)") } else { String::new() };
    let sure = format!("at least {:.3} % with {:.0} % confidence", low * 100.0, confidence * 100.0);
    (status, format!("{successes} of {runs} runs{beside}, {sure}, wanted {:.3} %{need}", rate * 100.0))
}

fn no(what: &str) -> Found {
    (Status::NotShown, format!("its {what} is not known"))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::host::record::{Measurement, Outcome, Unmeasured};

    fn record(engine: &str, milliseconds: f64, peak_mib: u64) -> Record {
        let mut record: Record = serde_json::from_str(include_str!("../../../tests/records/measured.json")).unwrap();
        record.id = format!("{engine}/q6/sf1/parquet").parse().unwrap();
        record.mode = (engine == "duckdb").then(|| "fast".to_owned());
        // From 0.9 to 1.1 of it: the interval of ten is from the second to the ninth.
        let samples: Vec<f64> = (0..10).map(|run| milliseconds * 1e6 * (0.9 + 0.02 * f64::from(run))).collect();
        record.metrics.set(metric::TIME, samples);
        record.metrics.set(metric::PEAK_MEMORY, [metric::value(peak_mib << 20)]);
        record
    }

    fn of(requires: Requirement, records: &[Record]) -> Judged {
        let suite: Suite =
            toml::from_str("name = 's'\ntitle = ''\ntable = []\n[[query]]\nname = 'q6'\ntitle = ''\ntables = []\n")
                .unwrap();
        let (name, engines, scale) = ("c".to_owned(), vec!["duckdb".to_owned()], "sf1".parse().unwrap());
        let modes = [("duckdb".to_owned(), "fast".to_owned())].into();
        let spec = CriterionSpec { name, engines, queries: Vec::new(), modes, scale, requires };
        // One of its default mode besides, which is nobody's business.
        let other = Record { mode: None, ..record("duckdb", 1e9, 1 << 30) };
        let records: Vec<Record> = records.iter().cloned().chain([other]).collect();
        let mut judged = judge(&spec, &suite, &records);
        assert_eq!(judged[0].mode.as_deref(), Some("fast"));
        assert_eq!(judged.len(), 1);
        judged.remove(0)
    }

    #[test]
    fn time_is_judged_by_its_interval() {
        let status = |allowed: u64| {
            let at_most = Duration::from_millis(allowed);
            of(Requirement::Time { at_most }, &[record("duckdb", 100.0, 1)]).status
        };
        assert_eq!([status(110), status(100), status(80)], [Status::Met, Status::NotShown, Status::NotMet]);
        let none = of(Requirement::Time { at_most: Duration::from_secs(1) }, &[record("polars", 1.0, 1)]);
        assert_eq!((none.status, none.figures.as_str()), (Status::NotShown, "was not run"));
    }

    #[test]
    fn speed_is_judged_by_both_intervals() {
        let status = |at_least: f64| {
            let requires = Requirement::Speed { against: "pandas".to_owned(), at_least };
            of(requires, &[record("duckdb", 100.0, 1), record("pandas", 300.0, 1)]).status
        };
        assert_eq!([status(2.0), status(3.0), status(4.0)], [Status::Met, Status::NotShown, Status::NotMet]);
    }

    #[test]
    fn memory_and_its_share_are_judged_by_peaks() {
        let records = [record("duckdb", 1.0, 200), record("pandas", 1.0, 500)];
        let share = |at_most| of(Requirement::MemoryShare { of: "pandas".to_owned(), at_most }, &records);
        assert_eq!((share(0.5).status, share(0.3).status), (Status::Met, Status::NotMet));
        assert!(share(0.5).figures.starts_with("0.40 of it (200 MiB of 500 MiB)"), "{}", share(0.5).figures);
        let memory = |mib: u64| of(Requirement::Memory { at_most: Bytes(mib << 20) }, &records).status;
        assert_eq!((memory(200), memory(199)), (Status::Met, Status::NotMet));
    }

    #[test]
    fn success_needs_enough_runs() {
        let runs = |runs: u64| {
            let mut record = record("duckdb", 1.0, 1);
            let iterations = vec![1; usize::try_from(runs).unwrap()];
            record.outcome = Outcome::Measured(Measurement { iterations, ..Measurement::default() });
            record
        };
        let failed = Record { outcome: Outcome::Failed("crashed".to_owned().into()), verdict: None, ..runs(1) };
        let judged = |records: &[Record]| of(Requirement::Success { rate: 0.9, confidence: 0.95 }, records);
        assert_eq!(judged(&[runs(29)]).status, Status::Met);
        assert_eq!(judged(&[runs(14), runs(15)]).status, Status::Met, "runs of several records add up");
        let few = judged(&[runs(28)]);
        assert!(
            few.status == Status::NotShown && few.figures.ends_with("it takes 29 runs without a failure"),
            "{few:?}"
        );
        let alone = Record { verdict: Some(Verdict::Unchecked { reason: String::new() }), ..runs(9) };
        assert_eq!(
            judged(&[alone.clone(), runs(29)]).status,
            Status::Met,
            "an answer that was not checked is no failure"
        );
        assert_eq!(judged(&[alone]).figures, "was not run");
        assert_eq!(judged(&[runs(29), failed.clone()]).status, Status::NotShown);
        let late = |runs_before| {
            let why = Unmeasured { runs_before: Some(runs_before), ..Unmeasured::from("crashed".to_owned()) };
            Record { outcome: Outcome::Failed(why), ..failed.clone() }
        };
        let after_many = judged(&[late(28), late(28), late(28)]);
        assert_eq!(after_many.status, Status::NotShown, "84 of 87 runs may have been right");
        assert!(
            after_many.figures.starts_with("0 of 3 runs (and 84 before a failure, not compared)"),
            "{after_many:?}"
        );
        assert_eq!(judged(&[late(0), late(1), late(0)]).status, Status::NotMet);
        assert_eq!(judged(&[failed.clone(), failed.clone(), failed]).status, Status::NotMet);
    }

    #[test]
    fn answers_are_equal_where_they_are_verified() {
        let judged = |verdict: Option<Verdict>| {
            of(Requirement::EqualAnswers, &[Record { verdict, ..record("duckdb", 1.0, 1) }]).status
        };
        assert_eq!(judged(Some(Verdict::Reference { components: Vec::new() })), Status::Met);
        assert_eq!(judged(Some(Verdict::Wrong { difference: "row 1".to_owned() })), Status::NotMet);
        assert_eq!(judged(Some(Verdict::Unchecked { reason: String::new() })), Status::NotShown);
    }

    #[test]
    fn a_failure_meets_no_limit_and_a_skip_shows_nothing() {
        let requires = || Requirement::Memory { at_most: Bytes(1 << 40) };
        let ended = |outcome| of(requires(), &[Record { outcome, verdict: None, ..record("duckdb", 1.0, 1) }]).status;
        assert_eq!(ended(Outcome::Failed("crashed".to_owned().into())), Status::NotMet);
        assert_eq!(ended(Outcome::Skipped("unsupported".to_owned().into())), Status::NotShown);
    }

    #[test]
    fn an_engine_that_could_not_open_shows_nothing() {
        let mut record = record("duckdb", 1.0, 1);
        record.outcome = Outcome::Failed("no server answers: start one".to_owned().into());
        (record.verdict, record.engine.version) = (None, None);
        let judged = of(Requirement::Memory { at_most: Bytes(1) }, std::slice::from_ref(&record));
        assert_eq!((judged.status, judged.figures.as_str()), (Status::NotShown, "no server answers: start one"));
        let success = of(Requirement::Success { rate: 0.9, confidence: 0.95 }, &[record]);
        assert_eq!((success.status, success.figures.as_str()), (Status::NotShown, "was not run"));
    }
}
