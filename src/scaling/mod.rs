//! What more threads bring: speed-up by engine and query, from records of the same cell with several thread counts.
//!
//! Pure functions over records; `cargo xtask scaling duckdb` runs the bench over the thread counts, prints and draws.

mod picture;

use std::collections::BTreeMap;

use serde::Serialize;

use crate::id::Scale;
use crate::record::Record;
use crate::stats::{geometric_mean, median};

pub use picture::draw;

/// One query on one engine over several thread counts.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Curve {
    /// The engine, with its mode where that is not the default.
    pub engine: String,
    /// The query.
    pub query: String,
    /// The scale of the data.
    pub scale: Scale,
    /// The fewest threads first.
    pub points: Vec<Point>,
}

/// A thread count.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Point {
    /// Threads given to the engine.
    pub threads: usize,
    /// The median of the samples, in nanoseconds.
    pub median_ns: f64,
    /// Processors kept busy on average, by CPU time.
    pub cores_used: Option<f64>,
    /// Times as fast as with one thread; where one thread was not run, the fewest are taken to be as good as ideal.
    pub speedup: f64,
}

impl Curve {
    /// The point of this thread count.
    pub fn at(&self, threads: usize) -> Option<&Point> {
        self.points.iter().find(|point| point.threads == threads)
    }
}

/// What one curve is of: engine, query, scale.
type Key = (String, String, Scale);

/// The curves in these records, over verified cells only; a cell with one thread count makes none.
pub fn curves(records: &[Record]) -> Vec<Curve> {
    let mut found: Vec<(Key, BTreeMap<usize, &Record>)> = Vec::new();
    for record in records.iter().filter(|record| record.ranks()) {
        let key = (engine_of(record), record.id.query.clone(), record.id.scale);
        match found.iter_mut().find(|(other, _)| *other == key) {
            Some((_, cells)) => {
                cells.insert(record.threads, record);
            }
            None => found.push((key, BTreeMap::from([(record.threads, record)]))),
        }
    }
    found.retain(|(_, cells)| cells.len() > 1);
    found.into_iter().map(|((engine, query, scale), cells)| curve(engine, query, scale, &cells)).collect()
}

/// Geometric means of the speed-ups of each engine's queries, in order of appearance.
pub fn means(curves: &[Curve]) -> Vec<(String, Vec<(usize, f64)>)> {
    let mut engines: Vec<&str> = Vec::new();
    for curve in curves {
        if !engines.contains(&curve.engine.as_str()) {
            engines.push(&curve.engine);
        }
    }
    let of = |engine: &str| -> Vec<(usize, f64)> {
        let mut speedups: BTreeMap<usize, Vec<f64>> = BTreeMap::new();
        for point in curves.iter().filter(|curve| curve.engine == engine).flat_map(|curve| &curve.points) {
            speedups.entry(point.threads).or_default().push(point.speedup);
        }
        speedups.iter().filter_map(|(threads, speedups)| Some((*threads, geometric_mean(speedups)?))).collect()
    };
    engines.into_iter().map(|engine| (engine.to_owned(), of(engine))).collect()
}

fn curve(engine: String, query: String, scale: Scale, cells: &BTreeMap<usize, &Record>) -> Curve {
    let times: Vec<(usize, f64, &Record)> =
        cells.iter().filter_map(|(threads, record)| Some((*threads, median(&record.samples_ns)?, *record))).collect();
    #[expect(clippy::cast_precision_loss, reason = "a handful of threads")]
    let one_thread = times.first().map_or(0.0, |(fewest, time, _)| time * *fewest as f64);
    let points = times
        .into_iter()
        .map(|(threads, median_ns, record)| Point {
            threads,
            median_ns,
            cores_used: record.cores_used(),
            speedup: one_thread / median_ns,
        })
        .collect();
    Curve { engine, query, scale, points }
}

/// The engine with what its variant says beyond the number of threads: `polars (parquet-eager)`.
fn engine_of(record: &Record) -> String {
    let threads = format!("{}t", record.threads);
    let parts: Vec<&str> = record.id.variant.split('-').filter(|part| *part != threads).collect();
    match parts.join("-").as_str() {
        "parquet" => record.id.engine.clone(),
        other => format!("{} ({other})", record.id.engine),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::answer::Verdict;

    fn record(engine: &str, threads: usize, milliseconds: f64) -> Record {
        let base = include_str!("../../tests/records/measured.json");
        let mut record: Record = serde_json::from_str(base).unwrap();
        record.id = format!("{engine}/q6/sf1/parquet-{threads}t").parse().unwrap();
        record.threads = threads;
        record.samples_ns = vec![milliseconds * 1e6];
        record
    }

    #[test]
    fn a_speedup_is_against_one_thread() {
        let curves = curves(&[record("duckdb", 4, 30.0), record("duckdb", 1, 90.0), record("duckdb", 2, 60.0)]);
        let told: Vec<(usize, f64)> = curves[0].points.iter().map(|point| (point.threads, point.speedup)).collect();
        assert_eq!(told, [(1, 1.0), (2, 1.5), (4, 3.0)]);
        let (engine, mean) = &means(&curves)[0];
        assert_eq!((engine.as_str(), mean.len()), ("duckdb", 3));
        for ((threads, mean), (wanted, speedup)) in mean.iter().zip(told) {
            assert!(*threads == wanted && (mean - speedup).abs() < 1e-9, "{threads}: {mean}");
        }
    }

    #[test]
    fn without_one_thread_the_fewest_are_ideal() {
        let curves = curves(&[record("duckdb", 2, 60.0), record("duckdb", 4, 40.0)]);
        assert_eq!(curves[0].points.iter().map(|point| point.speedup).collect::<Vec<_>>(), [2.0, 3.0]);
    }

    #[test]
    fn one_thread_count_or_an_unverified_answer_makes_no_curve() {
        let mut unchecked = record("polars", 1, 1.0);
        unchecked.verdict = Some(Verdict::Unchecked(String::new()));
        assert_eq!(curves(&[record("duckdb", 1, 90.0), unchecked, record("polars", 2, 1.0)]), []);
    }

    #[test]
    fn the_picture_shows_each_engine_and_the_ideal() {
        let records = [("duckdb", 1, 90.0), ("duckdb", 2, 50.0), ("polars", 1, 70.0), ("polars", 2, 40.0)];
        let curves = curves(&records.map(|(engine, threads, time)| record(engine, threads, time)));
        let svg = draw(&curves).unwrap();
        for word in ["<svg", "duckdb", "polars", "ideal", "threads"] {
            assert!(svg.contains(word), "{word}");
        }
    }
}
