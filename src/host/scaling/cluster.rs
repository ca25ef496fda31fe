//! What more executors bring: a query on clusters of several sizes and on one machine, from records of them. The main type is [`Sizes`].
//!
//! Pure functions over records; `cargo xtask scaling spark-cluster/q1 --executors 1,2` starts the clusters, runs the bench and prints.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{Curve, Point, grouped};
use crate::host::record::{Record, metric};
use crate::protocol::id::Scale;

/// One query on clusters of several sizes.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Sizes {
    /// The engine with its version and mode.
    pub engine: String,
    /// The query.
    pub query: String,
    /// The scale of the data.
    pub scale: Scale,
    /// The machine of the client, and of everything where nothing is elsewhere.
    pub machine: String,
    /// The same query on one machine, where that was measured.
    pub local: Option<Size>,
    /// The fewest executors first; one whose number is unknown before all.
    pub sizes: Vec<Size>,
}

/// A cluster of one size, or one machine.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Size {
    /// Executors that the cluster gave; `None` for one machine, and where a cluster does not tell.
    pub executors: Option<usize>,
    /// Threads that were asked for: `local[N]` has this many.
    pub threads: usize,
    /// The median of the samples, in nanoseconds.
    pub median_ns: f64,
    /// CPU time of a run, over all processes of the service; the median, in nanoseconds.
    pub cpu_time_ns: Option<f64>,
    /// The most physical memory that all processes of the service held.
    pub peak_memory_bytes: Option<u64>,
    /// What tasks of a run read from what a stage before had written.
    pub shuffle_read_bytes: Option<u64>,
    /// What tasks of a run wrote for a stage behind.
    pub shuffle_written_bytes: Option<u64>,
    /// The share of the executors' time that is lost to coordination: see [`coordination_share`].
    pub coordination: Option<f64>,
    /// Times as fast as with one executor.
    pub speedup: Option<f64>,
    /// Times as fast as on one machine.
    pub against_local: Option<f64>,
}

/// The share of the executors' core time in which no task ran: `1 - task time / (wall time x cores)`, where the task time is Spark's own
/// `executorRunTime` summed over the tasks of a run, and the cores are those of all executors. What is lost so went into planning, starting
/// stages and tasks, waiting for the last task of a stage, and bringing the result to the client; on machines with too few cores for all
/// processes, tasks that wait for a core count as running. `None` where nothing is known of the tasks.
pub fn coordination_share(task_ns: f64, coordination_ns: f64) -> Option<f64> {
    let whole = task_ns + coordination_ns;
    (whole > 0.0).then(|| coordination_ns / whole)
}

/// Why a speed-up is no scaling result on a machine with so many cores, if it is none: executors of one core each and the server that plans
/// for them have to have a core each.
pub fn competition(cores: usize, executors: usize) -> Option<String> {
    (cores < executors + 1).then(|| {
        format!(
            "functional figures, no scaling result: {executors} executors of one core and the server that plans for them share the {cores} \
             cores of this machine, so they compete, and the speed-up shows that the cluster works and not how it scales"
        )
    })
}

impl Sizes {
    /// As a curve over executors, for a picture; `None` with fewer than two sizes, or without one executor.
    pub fn curve(&self) -> Option<Curve> {
        let point = |size: &Size| {
            let (median_ns, cores_used) = (size.median_ns, size.cpu_time_ns.map(|cpu| cpu / size.median_ns));
            Some(Point { threads: size.executors?, median_ns, cores_used, speedup: size.speedup? })
        };
        let points: Vec<Point> = self.sizes.iter().filter_map(point).collect();
        let (engine, query, machine) = (self.engine.clone(), self.query.clone(), self.machine.clone());
        (points.len() > 1).then_some(Curve { engine, query, scale: self.scale, machine, points })
    }
}

/// The queries of these records of clusters, with those of one machine beside them; of verified cells only.
pub fn sizes<'a>(clusters: &'a [Record], local: &'a [Record]) -> Vec<Sizes> {
    let keyed = clusters.iter().filter(|record| record.ranks()).map(|record| (key(record), record));
    let of = |(key, records): ((&'a str, Scale, String), Vec<&'a Record>)| {
        let by_size: BTreeMap<Option<usize>, &Record> =
            records.into_iter().map(|record| (record.executors(), record)).collect();
        let alone = local.iter().find(|record| record.ranks() && self::key(record) == key);
        let alone = alone.and_then(|record| Some((record, record.median_ns()?)));
        let one = by_size.get(&Some(1)).and_then(|record| record.median_ns());
        let first = by_size.values().next()?;
        Some(Sizes {
            engine: first.label(),
            query: key.0.to_owned(),
            scale: key.1,
            machine: first.host.class(),
            local: alone.and_then(|(record, _)| size(record, None, None)),
            sizes: by_size.values().filter_map(|record| size(record, one, alone.map(|(_, ns)| ns))).collect(),
        })
    };
    grouped(keyed).into_iter().filter_map(of).collect()
}

/// What is the same at every size: the query, the scale, and the variant but for its threads.
fn key(record: &Record) -> (&str, Scale, String) {
    let threads = format!("{}t", record.threads);
    let parts: Vec<&str> = record.id.variant.split('-').filter(|part| *part != threads).collect();
    (&record.id.query, record.id.scale, parts.join("-"))
}

fn size(record: &Record, one_ns: Option<f64>, local_ns: Option<f64>) -> Option<Size> {
    let median_ns = record.median_ns()?;
    let bytes = |kind| record.metric(kind).map(metric::whole);
    let tasks = record.metric(metric::TASK_TIME).zip(record.metric(metric::COORDINATION_TIME));
    Some(Size {
        executors: record.executors(),
        threads: record.threads,
        median_ns,
        cpu_time_ns: record.metric(metric::CPU_TIME),
        peak_memory_bytes: record.peak_memory_bytes(),
        shuffle_read_bytes: bytes(metric::SHUFFLE_READ),
        shuffle_written_bytes: bytes(metric::SHUFFLE_WRITTEN),
        coordination: tasks.and_then(|(task_ns, lost_ns)| coordination_share(task_ns, lost_ns)),
        speedup: one_ns.map(|one_ns| one_ns / median_ns),
        against_local: local_ns.map(|local_ns| local_ns / median_ns),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::verify::Verdict;

    /// A record with this median in milliseconds, of a cluster of so many executors or of one machine.
    fn record(query: &str, executors: Option<usize>, threads: usize, milliseconds: f64) -> Record {
        let base = include_str!("../../../tests/records/measured.json");
        let mut record: Record = serde_json::from_str(base).unwrap();
        record.id = format!("sparky/{query}/sf1/parquet-{threads}t").parse().unwrap();
        record.threads = threads;
        record.metrics.set(metric::TIME, [milliseconds * 1e6]);
        record.engine.settings.extend(executors.map(|number| ("executors".to_owned(), number.to_string())));
        record
    }

    #[test]
    fn sizes_are_against_one_executor_and_against_one_machine() {
        let clusters = [record("q1", Some(4), 4, 30.0), record("q1", Some(1), 1, 90.0), record("q1", Some(2), 2, 60.0)];
        let found = sizes(&clusters, &[record("q6", None, 2, 1.0), record("q1", None, 2, 45.0)]);
        assert_eq!(found.len(), 1);
        let told: Vec<_> =
            found[0].sizes.iter().map(|size| (size.executors, size.speedup, size.against_local)).collect();
        assert_eq!(
            told,
            [(Some(1), Some(1.0), Some(0.5)), (Some(2), Some(1.5), Some(0.75)), (Some(4), Some(3.0), Some(1.5))]
        );
        let local = found[0].local.as_ref().unwrap();
        assert_eq!((local.executors, local.threads, local.speedup, local.against_local), (None, 2, None, None));
        let curve = found[0].curve().unwrap();
        assert_eq!(curve.points.iter().map(|point| point.threads).collect::<Vec<_>>(), [1, 2, 4]);
    }

    #[test]
    fn sizes_know_no_speedup_without_what_it_is_against() {
        let found = sizes(&[record("q1", Some(2), 2, 60.0), record("q3", None, 2, 60.0)], &[]);
        assert_eq!(found.len(), 2);
        assert!(found.iter().all(|one| one.sizes[0].speedup.is_none() && one.sizes[0].against_local.is_none()));
        assert!(found.iter().all(|one| one.curve().is_none() && one.local.is_none()));
        let mut unchecked = record("q1", Some(1), 1, 90.0);
        unchecked.verdict = Some(Verdict::Unchecked { reason: String::new() });
        assert_eq!(sizes(&[unchecked], &[]), []);
    }

    #[test]
    fn sizes_have_the_share_that_is_lost_where_the_tasks_are_known() {
        let mut known = record("q1", Some(2), 2, 100.0);
        known.metrics.set(metric::TASK_TIME, [150e6]);
        known.metrics.set(metric::COORDINATION_TIME, [50e6]);
        known.metrics.set(metric::SHUFFLE_READ, [4096.0]);
        let size = &sizes(&[known], &[])[0].sizes[0];
        assert_eq!(
            (size.coordination, size.shuffle_read_bytes, size.shuffle_written_bytes),
            (Some(0.25), Some(4096), None)
        );
        assert_eq!((coordination_share(0.0, 0.0), coordination_share(0.0, 1.0)), (None, Some(1.0)));
        assert_eq!(sizes(&[record("q1", Some(1), 1, 1.0)], &[])[0].sizes[0].coordination, None);
    }

    #[test]
    fn competition_is_said_where_cores_are_fewer_than_processes_that_work() {
        assert_eq!((competition(3, 2), competition(64, 63)), (None, None));
        let said = competition(2, 2).unwrap();
        assert!(
            said.contains("no scaling result") && said.contains("2 executors") && said.contains("2 cores"),
            "{said}"
        );
        assert!(competition(1, 1).is_some());
    }
}
