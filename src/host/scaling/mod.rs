//! What more threads bring: speed-up by engine and query, from records of the same cell with several thread counts.
//!
//! Pure functions over records; `cargo xtask scaling duckdb` runs the bench over the thread counts, prints and draws.

pub mod cluster;
pub mod picture;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::hash::Hash;

use serde::Serialize;

use crate::host::record::Record;
use crate::host::stats::geometric_mean;
use crate::protocol::engine::Build;
use crate::protocol::id::Scale;

/// One query on one engine over several thread counts.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Curve {
    /// The engine with its version and mode, and what else its variant says: `polars 0.55.2 eager (cold)`.
    pub engine: String,
    /// The query.
    pub query: String,
    /// The scale of the data.
    pub scale: Scale,
    /// The machine.
    pub machine: String,
    /// The fewest threads first.
    pub points: Vec<Point>,
}

/// A thread count, or a number of executors where a curve is of those.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Point {
    /// Threads given to the engine.
    pub threads: usize,
    /// The median of the samples, in nanoseconds.
    pub median_ns: f64,
    /// Processors kept busy on average, by CPU time.
    pub cores_used: Option<f64>,
    /// Times as fast as with one thread.
    pub speedup: f64,
}

impl Curve {
    /// The point of this thread count.
    pub fn at(&self, threads: usize) -> Option<&Point> {
        self.points.iter().find(|point| point.threads == threads)
    }
}

/// What threads bring an engine at a scale, over several queries.
#[derive(Debug, Clone, PartialEq)]
pub struct Mean {
    /// The engine, as in [`Curve::engine`].
    pub engine: String,
    /// The scale of the data.
    pub scale: Scale,
    /// The machine.
    pub machine: String,
    /// The queries that it is the mean of: those with every thread count.
    pub queries: usize,
    /// The queries that lack a thread count.
    pub left_out: usize,
    /// Thread counts, the fewest first, and the geometric mean of the speed-ups.
    pub speedups: Vec<(usize, f64)>,
}

/// What one curve is of: engine, query, scale; and what must not differ along it: machine, build, files.
type Key<'a> = (String, &'a str, Scale, String, &'a Build, Option<&'a str>);

/// The curves in these records, over verified cells only; a cell that has no time with one thread, or no other, makes none.
pub fn curves<'a>(records: impl IntoIterator<Item = &'a Record>) -> Vec<Curve> {
    let keyed = records.into_iter().filter(|record| record.ranks()).map(|record| {
        let (id, build, sha256) = (&record.id, &record.engine.build, record.dataset.sha256.as_deref());
        let key: Key<'_> = (engine_of(record), &id.query, id.scale, record.host.class(), build, sha256);
        (key, (record.threads, record))
    });
    let cells = grouped(keyed).into_iter().map(|(key, cells)| (key, BTreeMap::from_iter(cells)));
    let several = cells.filter(|(_, cells)| cells.len() > 1 && cells.contains_key(&1));
    several.map(|(key, cells)| curve(key, &cells)).collect()
}

/// The means for each engine, scale and machine, in order of appearance; none where no query has every thread count.
pub fn means(curves: &[Curve]) -> Vec<Mean> {
    groups(curves).iter().filter_map(|group| mean(group)).collect()
}

/// Curves that share engine, scale and machine, in order of appearance.
fn groups(curves: &[Curve]) -> Vec<Vec<&Curve>> {
    let keyed = curves.iter().map(|curve| ((&curve.engine, curve.scale, &curve.machine), curve));
    grouped(keyed).into_iter().map(|(_, curves)| curves).collect()
}

/// Values by their keys, in order of appearance.
pub(crate) fn grouped<K: Clone + Eq + Hash, V>(keyed: impl IntoIterator<Item = (K, V)>) -> Vec<(K, Vec<V>)> {
    let mut groups: Vec<(K, Vec<V>)> = Vec::new();
    let mut places: HashMap<K, usize> = HashMap::new();
    for (key, value) in keyed {
        let place = *places.entry(key.clone()).or_insert(groups.len());
        if place == groups.len() {
            groups.push((key, Vec::new()));
        }
        groups[place].1.push(value);
    }
    groups
}

/// The mean of one group. At each thread count it is of the same queries.
fn mean(group: &[&Curve]) -> Option<Mean> {
    let counts: BTreeSet<usize> = group.iter().flat_map(|curve| &curve.points).map(|point| point.threads).collect();
    let whole: Vec<&Curve> = group.iter().copied().filter(|curve| curve.points.len() == counts.len()).collect();
    let first = whole.first()?;
    let speedup = |threads: usize| {
        let speedups: Vec<f64> = whole.iter().filter_map(|curve| Some(curve.at(threads)?.speedup)).collect();
        Some((threads, geometric_mean(&speedups)?))
    };
    Some(Mean {
        engine: first.engine.clone(),
        scale: first.scale,
        machine: first.machine.clone(),
        queries: whole.len(),
        left_out: group.len() - whole.len(),
        speedups: counts.iter().filter_map(|count| speedup(*count)).collect(),
    })
}

fn curve((engine, query, scale, machine, ..): Key<'_>, cells: &BTreeMap<usize, &Record>) -> Curve {
    let one_thread = cells.values().find_map(|record| record.median_ns()).unwrap_or_default();
    let point = |(threads, record): (&usize, &&Record)| {
        let median_ns = record.median_ns()?;
        let speedup = one_thread / median_ns;
        Some(Point { threads: *threads, median_ns, cores_used: record.cores_used(), speedup })
    };
    Curve { engine, query: query.to_owned(), scale, machine, points: cells.iter().filter_map(point).collect() }
}

/// The engine with what its variant says beyond mode, threads and the format Parquet: `polars 0.55.2 eager (cold)`.
fn engine_of(record: &Record) -> String {
    format!("{}{}", record.label(), record.variant_beyond(Some(&format!("{}t", record.threads))))
}

#[cfg(test)]
mod tests {
    use super::picture::draw;
    use super::*;
    use crate::host::record::metric;
    use crate::host::verify::Verdict;

    fn record(engine: &str, threads: usize, milliseconds: f64) -> Record {
        record_of(&format!("{engine}/q6/sf1"), threads, milliseconds)
    }

    /// The record of an engine/query/scale.
    fn record_of(cell: &str, threads: usize, milliseconds: f64) -> Record {
        let base = include_str!("../../../tests/records/measured.json");
        let mut record: Record = serde_json::from_str(base).unwrap();
        record.id = format!("{cell}/parquet-{threads}t").parse().unwrap();
        record.threads = threads;
        record.metrics.set(metric::TIME, [milliseconds * 1e6]);
        record
    }

    #[test]
    fn a_speedup_is_against_one_thread() {
        let curves = curves(&[record("duckdb", 4, 30.0), record("duckdb", 1, 90.0), record("duckdb", 2, 60.0)]);
        let told: Vec<(usize, f64)> = curves[0].points.iter().map(|point| (point.threads, point.speedup)).collect();
        assert_eq!(told, [(1, 1.0), (2, 1.5), (4, 3.0)]);
        let mean = &means(&curves)[0];
        assert_eq!((mean.engine.as_str(), mean.queries, mean.left_out), ("duckdb 2.0.0", 1, 0));
        assert_means(mean, &told);
    }

    fn assert_means(mean: &Mean, wanted: &[(usize, f64)]) {
        assert_eq!(mean.speedups.len(), wanted.len(), "{mean:?}");
        for ((threads, speedup), (wanted_threads, wanted)) in mean.speedups.iter().zip(wanted) {
            assert!(threads == wanted_threads && (speedup - wanted).abs() < 1e-9, "{mean:?}");
        }
    }

    #[test]
    fn a_mean_leaves_out_a_query_that_failed_at_one_thread_count() {
        let records = [
            record_of("duckdb/q1/sf1", 4, 30.0),
            record_of("duckdb/q1/sf1", 1, 90.0),
            record_of("duckdb/q1/sf1", 2, 45.0),
            record_of("duckdb/q6/sf1", 1, 60.0),
            record_of("duckdb/q6/sf1", 4, 60.0),
            record_of("duckdb/q3/sf1", 1, 80.0),
            record_of("duckdb/q3/sf1", 2, 40.0),
            record_of("duckdb/q3/sf1", 4, 20.0),
        ];
        let found = means(&curves(&records));
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].queries, found[0].left_out), (2, 1));
        assert_means(&found[0], &[(1, 1.0), (2, 2.0), (4, 12_f64.sqrt())]);
        assert_eq!(means(&curves(&records[1..5])), [], "no query has every thread count");
    }

    #[test]
    fn a_scale_has_a_mean_of_its_own() {
        let records = [
            record_of("duckdb/q1/sf1", 1, 90.0),
            record_of("duckdb/q1/sf1", 2, 45.0),
            record_of("duckdb/q1/sf10", 1, 900.0),
            record_of("duckdb/q1/sf10", 4, 300.0),
        ];
        let curves = curves(&records);
        let found = means(&curves);
        assert_eq!(found.iter().map(|mean| mean.scale.to_string()).collect::<Vec<_>>(), ["sf1", "sf10"]);
        assert_means(&found[0], &[(1, 1.0), (2, 2.0)]);
        assert_means(&found[1], &[(1, 1.0), (4, 3.0)]);
        let svg = draw(&curves, "threads").unwrap();
        assert!(svg.contains("duckdb 2.0.0 at sf1,") && svg.contains("duckdb 2.0.0 at sf10,"));
    }

    #[test]
    fn a_format_has_a_curve_of_its_own() {
        let mut records = Vec::new();
        for format in ["parquet", "iceberg-monthly"] {
            for (threads, milliseconds) in [(1, 90.0), (2, 45.0)] {
                let mut record = record("duckdb", threads, milliseconds);
                record.id = format!("duckdb/q6/sf1/{format}-{threads}t").parse().unwrap();
                record.dataset.format = format.to_owned();
                records.push(record);
            }
        }
        let engines: Vec<String> = curves(&records).into_iter().map(|curve| curve.engine).collect();
        assert_eq!(engines, ["duckdb 2.0.0", "duckdb 2.0.0 (iceberg-monthly)"]);
    }

    #[test]
    fn without_one_thread_nothing_is_known_of_a_speedup() {
        assert_eq!(curves(&[record("duckdb", 2, 60.0), record("duckdb", 4, 40.0)]), []);
    }

    #[test]
    fn one_thread_count_or_an_unverified_answer_makes_no_curve() {
        let mut unchecked = record("polars", 1, 1.0);
        unchecked.verdict = Some(Verdict::Unchecked { reason: String::new() });
        assert_eq!(curves(&[record("duckdb", 1, 90.0), unchecked, record("polars", 2, 1.0)]), []);
    }

    #[test]
    fn the_picture_shows_each_engine_and_the_ideal() {
        let records = [("duckdb", 1, 90.0), ("duckdb", 2, 50.0), ("polars", 1, 70.0), ("polars", 2, 40.0)];
        let curves = curves(&records.map(|(engine, threads, time)| record(engine, threads, time)));
        let svg = draw(&curves, "threads").unwrap();
        for word in ["<svg", "duckdb", "polars", "ideal", "threads"] {
            assert!(svg.contains(word), "{word}");
        }
    }
}
