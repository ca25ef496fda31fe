//! Spark on a cluster, with the real processes: what a record says of the server is the sum over the master, the workers, the driver and
//! the executors, and a cluster that somebody else runs is used and left alone.
//!
//! For `TEST_SLOW`, and for where Spark has been fetched and the program of the engine built: nothing is downloaded.

mod common;
#[path = "common/served.rs"]
mod served;

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use common::{Bench, assert_verified, catalog, entry, slow};
use querydyno::host::paths;
use querydyno::host::record::{Record, metric};
use querydyno::host::services::{Service, hive_jars};
use querydyno::host::session::Program;
use served::{Place, left_out, runs};

/// What other tests start, as a process of its own: `up spark-cluster`.
#[test]
#[ignore = "other tests run it in another process"]
fn the_command() {
    served::obey();
}

const SERVICE: Service = Service::SparkCluster;
/// What each process of a cluster of two executors runs.
const ROLES: [(&str, usize); 4] = [
    ("org.apache.spark.deploy.master.Master", 1),
    ("org.apache.spark.deploy.worker.Worker", 2),
    ("org.apache.spark.sql.connect.service.SparkConnectServer", 1),
    ("org.apache.spark.executor.CoarseGrainedExecutorBackend", 2),
];

/// A place for a cluster and the program of the engine, where both are here and slow tests are wanted.
fn place() -> Option<(Place, Program)> {
    if !slow::wanted("tests of Spark on a cluster") {
        return None;
    }
    if let Err(why) = served::services().how(SERVICE, true) {
        left_out(&format!("{SERVICE}: {why:#}"));
        return None;
    }
    let Some((fetched, program)) =
        hive_jars(&paths::own("services")).zip(catalog().entry(SERVICE.name()).unwrap().find())
    else {
        left_out(&format!("{SERVICE}: it was not fetched, or its program is not built"));
        return None;
    };
    let own = [("SPARK_HOME", ""), ("QUERYDYNO_JAVA", ""), ("QUERYDYNO_SPARK_EXECUTORS", "2")];
    let mut place = Place::with(SERVICE, &own);
    place.set("QUERYDYNO_SERVICE_MEMORY", "1536MiB");
    place.link(&fetched);
    Some((place, program))
}

/// A bench of this query on the place's server.
fn bench(place: &Place, program: &Program, query: &str) -> Bench {
    let config = entry("served", program) + "dialect = 'spark'\n";
    Bench::new(&config)
        .args(&[&format!("served/{query}/sf0.01/parquet"), "--measurement-time", "3", "--noplot"])
        .env("QUERYDYNO_SCALE", "0.01")
        .env("CARGO_TARGET_DIR", place.target.path().to_str().unwrap())
        .env("QUERYDYNO_THREADS", "2")
        .env("SPARK_REMOTE", "")
        .env(SERVICE.ports()[0].variable, &place.port.to_string())
}

/// What the kernel says of a process, read by nothing of the harness.
#[derive(Debug, Clone, Copy, Default)]
struct Told {
    cpu_ns: f64,
    read_bytes: f64,
    resident_bytes: f64,
    mark_bytes: f64,
}

impl Told {
    fn of(pid: u32) -> Self {
        let read = |file: &str| fs::read_to_string(format!("/proc/{pid}/{file}")).unwrap_or_default();
        let field = |file: &str, name: &str| {
            let text = read(file);
            let line = text.lines().find_map(|line| line.strip_prefix(name)).unwrap_or("0").trim().to_owned();
            line.trim_end_matches(" kB").parse::<f64>().unwrap()
        };
        let stat = read("stat");
        let fields: Vec<&str> = stat.rsplit_once(')').map_or("", |(_, rest)| rest).split_whitespace().collect();
        let ticks = |place: usize| fields.get(place).map_or(0.0, |field| field.parse::<f64>().unwrap());
        Self {
            cpu_ns: (ticks(11) + ticks(12)) * 1e7,
            read_bytes: field("io", "rchar:"),
            resident_bytes: field("status", "VmRSS:") * 1024.0,
            mark_bytes: field("status", "VmHWM:") * 1024.0,
        }
    }
}

/// One look at every process.
fn look(pids: &[u32]) -> Vec<Told> {
    pids.iter().map(|pid| Told::of(*pid)).collect()
}

fn role(pid: u32) -> &'static str {
    let command = fs::read_to_string(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    let role = ROLES.iter().find(|(class, _)| command.split('\0').any(|word| word == *class));
    role.map_or("", |(class, _)| class)
}

fn is_near(what: &str, told: f64, wanted: f64, share: f64) {
    assert!((told - wanted).abs() <= wanted * share, "{what}: the record has {told:e}, /proc has {wanted:e}");
}

#[test]
fn a_record_has_the_sums_over_all_processes_of_a_cluster() {
    let Some((place, program)) = place() else { return };
    assert_eq!(place.run("up"), "native up before: false");
    let pids = place.marked();
    for (class, number) in ROLES {
        assert_eq!(pids.iter().filter(|pid| role(**pid) == class).count(), number, "{class}");
    }
    assert_eq!(pids.len(), 6);

    let mut bench = bench(&place, &program, "q1");
    let (ended, sampling, most) = (AtomicBool::new(false), AtomicBool::new(false), Mutex::new((0_f64, 0_f64)));
    let mut looks = Vec::new();
    let mut said = String::new();
    thread::scope(|scope| {
        scope.spawn(|| {
            while !ended.load(Ordering::Relaxed) {
                let now = look(&pids);
                let sum = |of: fn(&Told) -> f64| now.iter().map(of).sum::<f64>();
                let mut most = most.lock().unwrap();
                most.1 = most.1.max(sum(|told| told.mark_bytes));
                if sampling.load(Ordering::Relaxed) {
                    most.0 = most.0.max(sum(|told| told.resident_bytes));
                }
                drop(most);
                thread::sleep(Duration::from_millis(20));
            }
        });
        let mut child = bench.spawn();
        let mut output = child.stdout.take().unwrap();
        scope.spawn(move || std::io::copy(&mut output, &mut std::io::sink()));
        // Criterion says when its samples begin and end.
        for line in BufReader::new(child.stderr.take().unwrap()).lines().map(Result::unwrap) {
            if line.contains("Collecting") || line.contains("Analyzing") {
                looks.push(look(&pids));
                sampling.store(line.contains("Collecting"), Ordering::Relaxed);
            }
            said += &line;
            said.push('\n');
        }
        let status = child.wait().unwrap();
        ended.store(true, Ordering::Relaxed);
        assert!(status.success(), "{said}");
    });
    let record = bench.record("served");
    assert_verified(&record);
    assert_eq!(record.executors(), Some(2));
    let [before, after] = looks.as_slice() else { panic!("{} looks: {said}", looks.len()) };
    check_sums(&record, &pids, before, after, *most.lock().unwrap());

    // What Spark says of its tasks, of runs that are no samples.
    for kind in [metric::TASK_TIME, metric::COORDINATION_TIME, metric::SHUFFLE_READ, metric::SHUFFLE_WRITTEN] {
        assert!(record.metric(kind).is_some_and(|value| value > 0.0), "{}", kind.name);
    }
    assert_eq!(place.run("down"), "stopped: native");
    assert_eq!(place.marked(), Vec::<u32>::new());
}

fn check_sums(record: &Record, pids: &[u32], before: &[Told], after: &[Told], most: (f64, f64)) {
    let iterations: Vec<f64> =
        record.measurement().unwrap().iterations.iter().map(|number| metric::value(*number)).collect();
    let all: f64 = iterations.iter().sum();
    let gone = |of: fn(&Told) -> f64| -> Vec<f64> { before.iter().zip(after).map(|(b, a)| of(a) - of(b)).collect() };

    let cpu = gone(|told| told.cpu_ns);
    let whole: f64 = cpu.iter().sum();
    let recorded = record.metrics.values(metric::CPU_TIME).iter().zip(&iterations).map(|(mean, n)| mean * n).sum();
    is_near("CPU time", recorded, whole, 0.1);
    for (class, _) in &ROLES[2..] {
        let of_role: f64 = pids.iter().zip(&cpu).filter(|(pid, _)| role(**pid) == *class).map(|(_, ns)| ns).sum();
        assert!(of_role > 0.0 && of_role < recorded * 0.95, "{class} alone has {of_role:e} of {recorded:e}");
    }

    let bytes: f64 = gone(|told| told.read_bytes).iter().sum();
    is_near("bytes read", record.metric(metric::BYTES_READ).unwrap() * all, bytes, 0.1);

    // No less than what was held at one moment of the samples, and no more than the sum of the marks.
    let peak = record.metric(metric::PEAK_MEMORY).unwrap();
    assert!(peak >= most.0 * 0.98 && peak <= most.1 * 1.02, "peak {peak:e}, /proc has {most:?}");
    let largest = after.iter().map(|told| told.mark_bytes).fold(0.0, f64::max);
    assert!(peak > largest * 2.0, "peak {peak:e}, the largest process {largest:e}");
    let source = record.metrics.get(metric::PEAK_MEMORY).unwrap().source.clone().unwrap();
    assert!(source.contains("6 processes"), "{source}");
}

#[test]
fn a_cluster_of_somebody_else_is_used_and_left_alone() {
    let Some((theirs, program)) = place() else { return };
    assert_eq!(theirs.run("up"), "native up before: false");
    // Their own server goes, which gives the executors back; who notices it is nobody but us.
    let server = theirs.pid().unwrap();
    assert!(Command::new("kill").args(["-KILL", &server.to_string()]).status().unwrap().success());
    let cluster: Vec<u32> =
        theirs.marked().into_iter().filter(|pid| ROLES[..2].iter().any(|(class, _)| role(*pid) == *class)).collect();
    assert_eq!(cluster.len(), 3);

    let (mut place, _) = self::place().unwrap();
    let master = theirs.variable(SERVICE.ports()[1].variable).unwrap();
    place.set("QUERYDYNO_SPARK_MASTER", &format!("spark://127.0.0.1:{master}"));
    assert_eq!(place.run("up"), "native up before: false");
    assert_eq!(place.processes(), [place.pid().unwrap()]);
    let mut bench = bench(&place, &program, "q6");
    let output = bench.run();
    assert!(output.status.success(), "{}", common::text(&output));
    let record = bench.record("served");
    assert_verified(&record);
    assert_eq!(record.executors(), Some(2));
    // Of the processes that work nothing is known, rather than the driver's small numbers.
    for kind in [metric::PEAK_MEMORY, metric::CPU_TIME, metric::BYTES_READ] {
        assert_eq!(record.metric(kind), None, "{}", kind.name);
    }
    assert!(record.metric(metric::TASK_TIME).is_some_and(|ns| ns > 0.0));
    assert_eq!(place.run("down"), "stopped: native");
    assert!(cluster.iter().all(|pid| runs(*pid)), "their cluster was stopped");
    assert_eq!(place.marked(), Vec::<u32>::new());
}
