//! Up to which size each engine can, and from which size on which one wins: [`boundaries`], from records of one query at several
//! scales.
//!
//! Pure functions over records; what runs the cells, prints and draws is `cargo xtask boundary social-a --scales 1,2,5 --memory 2GiB`.
//! Not the crossover of a report, which is of engines that have a time at every scale: here to fail by size is a result.

pub mod picture;
mod words;

use std::collections::BTreeMap;

use serde::Serialize;

use crate::host::record::Record;
use crate::host::scaling::grouped;
use crate::protocol::id::Scale;
use crate::protocol::units::Bytes;

/// One query over scales.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Boundary {
    /// The query.
    pub query: String,
    /// The memory limit that all had, in bytes.
    pub memory_limit_bytes: Option<u64>,
    /// Smallest first.
    pub scales: Vec<Scale>,
    /// The engines, in the order of their first records.
    pub lines: Vec<Line>,
    /// Who has the smallest median at each scale at which anybody has one.
    pub fastest: Vec<(Scale, String)>,
    /// Who is too close to the fastest of a scale to be told from it: some of its runs were as fast as some of the fastest one's.
    pub alike: Vec<(Scale, String)>,
    /// Where that changes.
    pub changes: Vec<Change>,
}

/// An engine over scales.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Line {
    /// The engine with its version and mode, and with its format where that is not Parquet files.
    pub engine: String,
    /// The engine's name.
    pub name: String,
    /// Smallest scale first.
    pub points: Vec<Point>,
}

/// An engine at a scale.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Point {
    /// The scale.
    pub scale: Scale,
    /// What became of it.
    #[serde(flatten)]
    pub end: End,
    /// The most memory held while the query ran, in bytes, where it is known.
    pub peak_memory_bytes: Option<u64>,
}

/// What became of an engine at a scale.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "end", rename_all = "snake_case")]
pub enum End {
    /// It was measured, and its answer verified.
    Measured {
        /// The median of its samples, in nanoseconds.
        median_ns: f64,
        /// The shortest and the longest of its samples, in nanoseconds.
        range_ns: [f64; 2],
        /// Bytes written in a run, where that is so much that it spilled.
        spilled_bytes: Option<u64>,
    },
    /// It needed more memory than it was given.
    OutOfMemory,
    /// It took longer than it was given.
    TimedOut,
    /// It failed otherwise, or its answer is wrong or not verified.
    Failed {
        /// Why, in a sentence.
        reason: String,
    },
    /// It cannot do this.
    Unsupported {
        /// Why, in a sentence.
        reason: String,
    },
}

/// Another engine is the fastest from here on.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Change {
    /// Fastest before.
    pub below: String,
    /// Fastest after.
    pub above: String,
    /// The last scale at which the first was measured to be the fastest.
    pub after: Scale,
    /// The first scale at which the second was.
    pub at: Scale,
    /// The scale factor at which both would take as long, interpolated on logarithmic axes; none where the first has no time at `at`.
    pub crossing: Option<f64>,
}

impl From<&Record> for End {
    fn from(record: &Record) -> Self {
        let reason = || record.reason().unwrap_or("its answer is not verified").to_owned();
        if let Some(median_ns) = record.median_ns().filter(|_| record.ranks()) {
            return Self::measured(median_ns, record.samples_ns(), record.spilled_bytes());
        }
        match record.failure() {
            Some(failure) if failure.is_out_of_memory() => Self::OutOfMemory,
            Some(failure) if failure.is_timed_out() => Self::TimedOut,
            _ if record.is_skipped() => Self::Unsupported { reason: reason() },
            _ => Self::Failed { reason: reason() },
        }
    }
}

impl End {
    /// It was measured, with these samples.
    pub fn measured(median_ns: f64, samples_ns: &[f64], spilled_bytes: Option<u64>) -> Self {
        let samples = samples_ns.iter().copied();
        let range_ns = samples.fold([median_ns; 2], |[least, most], sample| [least.min(sample), most.max(sample)]);
        Self::Measured { median_ns, range_ns, spilled_bytes }
    }

    /// The time, where there is one.
    pub fn median_ns(&self) -> Option<f64> {
        match self {
            Self::Measured { median_ns, .. } => Some(*median_ns),
            _ => None,
        }
    }

    fn range_ns(&self) -> Option<[f64; 2]> {
        match self {
            Self::Measured { range_ns, .. } => Some(*range_ns),
            _ => None,
        }
    }

    /// Whether it was measured and wrote what memory did not hold.
    pub fn spills(&self) -> bool {
        matches!(self, Self::Measured { spilled_bytes: Some(_), .. })
    }

    /// Whether it failed by its size: for want of memory or time.
    pub fn is_too_large(&self) -> bool {
        matches!(self, Self::OutOfMemory | Self::TimedOut)
    }
}

impl Line {
    /// What became of it at a scale.
    pub fn at(&self, scale: Scale) -> Option<&Point> {
        self.points.iter().find(|point| point.scale == scale)
    }

    /// The smallest scale at which it spilled.
    pub fn spills_from(&self) -> Option<Scale> {
        Some(self.points.iter().find(|point| point.end.spills())?.scale)
    }

    /// The smallest scale from which on it failed for want of memory or time, at every larger one too.
    pub fn fails_from(&self) -> Option<&Point> {
        let last = self.points.iter().rposition(|point| !point.end.is_too_large()).map_or(0, |place| place + 1);
        self.points.get(last)
    }

    /// Whether the ranges of both engines' samples have a time in common.
    fn overlaps(&self, other: &Self, scale: Scale) -> bool {
        let range = |line: &Self| line.at(scale)?.end.range_ns();
        range(self).zip(range(other)).is_some_and(|(one, two)| one[0] <= two[1] && two[0] <= one[1])
    }

    fn time(&self, scale: Scale) -> Option<f64> {
        self.at(scale)?.end.median_ns()
    }
}

/// One engine on one query at one scale, as boundaries are made of.
#[derive(Debug, Clone)]
pub struct Cell {
    /// The query.
    pub query: String,
    /// The memory limit, in bytes.
    pub memory_limit_bytes: Option<u64>,
    /// The engine's name.
    pub name: String,
    /// Its mode.
    pub mode: Option<String>,
    /// What else tells its line from others: the format, threads and cache, where they are not the usual ones.
    pub extra: String,
    /// The engine with its version and mode.
    pub label: String,
    /// Whether it has told its version, which one that never opened has not.
    pub has_opened: bool,
    /// The scale.
    pub scale: Scale,
    /// What became of it.
    pub end: End,
    /// The most memory held while the query ran, in bytes, where it is known.
    pub peak_memory_bytes: Option<u64>,
}

impl From<&Record> for Cell {
    fn from(record: &Record) -> Self {
        let limit = record.memory_limit_bytes.map(|bytes| Bytes(bytes).compact());
        Self {
            query: record.id.query.clone(),
            memory_limit_bytes: record.memory_limit_bytes,
            name: record.id.engine.clone(),
            mode: record.mode.clone(),
            // The mode is in its label, the limit in the title.
            extra: record.variant_beyond(limit.as_deref()),
            label: record.label(),
            has_opened: record.engine.version.is_some(),
            scale: record.id.scale,
            end: End::from(record),
            peak_memory_bytes: record.peak_memory_bytes(),
        }
    }
}

/// The boundary of each query and memory limit in these records; of two records of one cell the later counts.
pub fn boundaries(records: &[Record]) -> Vec<Boundary> {
    of_cells(records.iter().map(Cell::from))
}

/// The same of cells.
pub fn of_cells(cells: impl IntoIterator<Item = Cell>) -> Vec<Boundary> {
    let keyed = cells.into_iter().map(|cell| ((cell.query.clone(), cell.memory_limit_bytes), cell));
    grouped(keyed).into_iter().map(|((query, memory), cells)| boundary(query, memory, &cells)).collect()
}

fn boundary(query: String, memory_limit_bytes: Option<u64>, cells: &[Cell]) -> Boundary {
    let keyed = cells.iter().map(|cell| ((cell.name.clone(), cell.mode.clone(), cell.extra.clone()), cell));
    let lines: Vec<Line> = grouped(keyed).into_iter().map(|(_, cells)| line(&cells)).collect();
    let mut scales: Vec<Scale> = cells.iter().map(|cell| cell.scale).collect();
    scales.sort();
    scales.dedup();
    let best = |scale: &Scale| {
        let timed = lines.iter().filter_map(|line| Some((line, line.time(*scale)?)));
        timed.min_by(|a, b| a.1.total_cmp(&b.1)).map(|(line, _)| (*scale, line))
    };
    let fastest: Vec<(Scale, &Line)> = scales.iter().filter_map(best).collect();
    let alike = fastest.iter().flat_map(|(scale, best)| {
        let others = lines.iter().filter(|line| line.engine != best.engine && line.overlaps(best, *scale));
        others.map(|line| (*scale, line.engine.clone()))
    });
    let alike = alike.collect();
    let changes = fastest.windows(2).filter_map(|pair| change(pair[0], pair[1])).collect();
    let fastest = fastest.iter().map(|(scale, line)| (*scale, line.engine.clone())).collect();
    Boundary { query, memory_limit_bytes, scales, lines, fastest, alike, changes }
}

fn line(cells: &[&Cell]) -> Line {
    let point = |cell: &&Cell| {
        let Cell { scale, peak_memory_bytes, .. } = **cell;
        (scale, Point { scale, end: cell.end.clone(), peak_memory_bytes })
    };
    let points: BTreeMap<Scale, Point> = cells.iter().map(point).collect();
    let told = cells.iter().find(|cell| cell.has_opened).or(cells.first());
    let engine = told.map(|cell| format!("{}{}", cell.label, cell.extra)).unwrap_or_default();
    let name = told.map(|cell| cell.name.clone()).unwrap_or_default();
    Line { engine, name, points: points.into_values().collect() }
}

/// The change between the fastest at two neighbouring scales.
fn change((after, below): (Scale, &Line), (at, above): (Scale, &Line)) -> Option<Change> {
    if below.engine == above.engine {
        return None;
    }
    let crossing = || {
        let [first, last] = [after, at].map(|scale| Some((below.time(scale)? / above.time(scale)?).ln()));
        let (first, last) = (first?, last?);
        // How far ahead the first was, against how far it fell behind.
        let apart = first - last;
        let share = if apart.abs() < f64::EPSILON { 1.0 } else { first / apart };
        let (from, to) = (after.factor().ln(), at.factor().ln());
        Some((from + share * (to - from)).exp())
    };
    Some(Change { below: below.engine.clone(), above: above.engine.clone(), after, at, crossing: crossing() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::record::{Outcome, Unmeasured, metric};
    use crate::host::session::{Failure, FailureKind};

    fn record(engine: &str, scale: &str, milliseconds: f64) -> Record {
        let base = include_str!("../../../tests/records/measured.json");
        let mut record: Record = serde_json::from_str(base).unwrap();
        record.id = format!("{engine}/q6/{scale}/parquet-2GiB").parse().unwrap();
        record.engine.name = engine.to_owned();
        record.memory_limit_bytes = Some(2 << 30);
        record.metrics.set(metric::TIME, [milliseconds * 1e6]);
        record.metrics.set(metric::BYTES_WRITTEN, [1000.0]);
        record
    }

    fn failed(engine: &str, scale: &str, kind: FailureKind) -> Record {
        let outcome = Outcome::Failed(Unmeasured::from(Failure::from(kind)));
        Record { outcome, verdict: None, ..record(engine, scale, 1.0) }
    }

    fn out_of_memory(engine: &str, scale: &str) -> Record {
        failed(engine, scale, FailureKind::OutOfMemory { limit: Bytes(1), held: Bytes(2), request: "run".to_owned() })
    }

    fn example() -> Boundary {
        let mut spills = record("duckdb", "sf10", 900.0);
        spills.metrics.set(metric::BYTES_WRITTEN, [5e8]);
        let records = [
            record("pandas", "sf1", 10.0),
            record("duckdb", "sf1", 20.0),
            record("pandas", "sf5", 100.0),
            record("duckdb", "sf5", 60.0),
            out_of_memory("pandas", "sf10"),
            spills,
        ];
        boundaries(&records).remove(0)
    }

    #[test]
    fn boundary_tells_who_wins_who_fails_and_who_spills() {
        let found = example();
        assert_eq!(found.scales.iter().map(ToString::to_string).collect::<Vec<_>>(), ["sf1", "sf5", "sf10"]);
        assert_eq!(found.lines.len(), 2);
        let [pandas, duckdb] = [&found.lines[0], &found.lines[1]];
        assert_eq!(pandas.fails_from().map(|point| point.scale.to_string()).as_deref(), Some("sf10"));
        assert_eq!(pandas.fails_from().unwrap().end, End::OutOfMemory);
        assert_eq!((duckdb.fails_from(), duckdb.spills_from()), (None, Some("sf10".parse().unwrap())));
        let [change] = found.changes.as_slice() else { panic!("{:?}", found.changes) };
        assert!(change.below.starts_with("pandas") && change.above.starts_with("duckdb"));
        // Twice as fast at 1, and 3/5 at 5.
        let crossing = 5_f64.powf(2_f64.ln() / (2_f64.ln() + (100.0_f64 / 60.0).ln()));
        assert!((change.crossing.unwrap() / crossing - 1.0).abs() < 1e-9);
    }

    #[test]
    fn an_engine_that_fails_hands_over_without_a_crossing() {
        let records = [
            record("pandas", "sf1", 10.0),
            record("duckdb", "sf1", 20.0),
            out_of_memory("pandas", "sf5"),
            record("duckdb", "sf5", 60.0),
        ];
        let found = boundaries(&records).remove(0);
        assert_eq!(found.changes[0].crossing, None);
        assert_eq!((found.changes[0].after.to_string(), found.changes[0].at.to_string()), ("sf1".into(), "sf5".into()));
    }

    #[test]
    fn engines_whose_runs_overlap_are_alike() {
        let with = |engine: &str, times: [f64; 3]| {
            let mut record = record(engine, "sf1", 1.0);
            record.metrics.set(metric::TIME, times.map(|milliseconds| milliseconds * 1e6));
            record
        };
        let records =
            [with("duckdb", [10.0, 11.0, 12.0]), with("polars", [12.0, 13.0, 14.0]), with("daft", [12.1, 13.0, 14.0])];
        let found = boundaries(&records).remove(0);
        assert!(found.fastest[0].1.starts_with("duckdb"));
        let [(_, alike)] = found.alike.as_slice() else { panic!("{:?}", found.alike) };
        assert!(alike.starts_with("polars"), "{alike}");
        assert!(found.sentence().contains("too close to tell at sf1: "), "{}", found.sentence());
    }

    #[test]
    fn boundaries_ignore_wrong_answers_and_other_errors() {
        let wrong = failed("polars", "sf5", FailureKind::Engine { message: "no such column".to_owned() });
        let mut unverified = record("daft", "sf5", 1.0);
        unverified.verdict = None;
        let found = boundaries(&[wrong, unverified, record("duckdb", "sf5", 60.0)]).remove(0);
        assert!(
            found.lines[..2].iter().all(|line| line.fails_from().is_none() && line.points[0].end.median_ns().is_none())
        );
        assert_eq!(found.fastest.len(), 1);
        assert!(found.fastest[0].1.starts_with("duckdb"));
    }

    #[test]
    fn each_query_limit_and_mode_is_told_apart() {
        let mut unlimited = record("duckdb", "sf1", 1.0);
        unlimited.memory_limit_bytes = None;
        let mut eager = record("duckdb", "sf1", 2.0);
        eager.mode = Some("eager".to_owned());
        eager.id = "duckdb/q6/sf1/parquet-eager-2GiB".parse().unwrap();
        let found = boundaries(&[record("duckdb", "sf1", 1.0), unlimited, eager]);
        assert_eq!(found.iter().map(|found| found.lines.len()).collect::<Vec<_>>(), [2, 1]);
        assert!(found[0].lines[1].engine.ends_with("eager"), "{}", found[0].lines[1].engine);
    }
}
