//! Real servers that die, stall, run out of memory or of disk in the middle of a query: that cell is a record which says so and quotes
//! the server's log, and the next cell has a fresh server, or one clear sentence where somebody else started the server.
//!
//! `MariaDB` is in every run where it is installed; Spark is for `TEST_SLOW`, and for where it has been fetched already.

mod common;
#[path = "common/fetched.rs"]
mod fetched;
#[path = "common/served.rs"]
mod served;

use std::fs;
use std::io::Read;
use std::path::Path;
use std::process::{Child, Command, Output};
use std::thread::sleep;
use std::time::{Duration, Instant};

use common::{Bench, catalog, entry, processes_with, slow, text};
use fetched::{new_place, with_server};
use querydyno::host::paths::root;
use querydyno::host::record::Record;
use querydyno::host::report::state;
use querydyno::host::services::Service;
use querydyno::host::session::{Failure, FailureKind, TroubleKind};
use served::{Place, left_out, runs, services};
use tempfile::TempDir;
use test_case::test_case;

const PASSWORD: &str = "the-Right-0ne-77aa";
/// Hours of work: 240 rows to the power of six.
const ENDLESS: &str = "SELECT count(*) AS n FROM orders a CROSS JOIN orders b CROSS JOIN orders c CROSS JOIN orders d \
                       CROSS JOIN orders e CROSS JOIN orders f";
/// More numbers than a small heap holds.
const TOO_LARGE: &str = "SELECT size(collect_list(a.order_id + b.order_id + c.order_id)) AS n FROM orders a CROSS JOIN orders b \
                         CROSS JOIN orders c CROSS JOIN (SELECT order_id FROM orders LIMIT 50) d";
/// What cannot be answered without a shuffle, which is written to the disk.
const SHUFFLED: &str =
    "SELECT a.city, count(DISTINCT b.order_id) AS n FROM orders a CROSS JOIN orders b GROUP BY a.city";

/// What other tests start, as a process of its own: `up mariadb`.
#[test]
#[ignore = "other tests run it in another process"]
fn the_command() {
    served::obey();
}

/// A suite of a query that meets the fault and two that nothing is wrong with.
fn suite(query: &str) -> TempDir {
    let folder = TempDir::new().unwrap();
    let orders = root().join("tests/workload/data/orders.parquet");
    let mut toml =
        format!("name = 'fault'\ntitle = 'Faults'\n[[table]]\nname = 'orders'\nsource = '{}'\n", orders.display());
    fs::create_dir(folder.path().join("queries")).unwrap();
    for (name, sql) in
        [("1", query), ("2", "SELECT count(*) AS n FROM orders"), ("3", "SELECT max(order_id) AS n FROM orders")]
    {
        toml += &format!("[[query]]\nname = 'fault-{name}'\ntitle = '{name}'\ntables = ['orders']\n");
        fs::write(folder.path().join(format!("queries/fault-{name}.sql")), sql).unwrap();
    }
    fs::write(folder.path().join("suite.toml"), toml).unwrap();
    folder
}

/// The three queries on one engine.
fn bench(engine: &str, place: &Place, suite: &TempDir) -> Option<Bench> {
    let program = common::built(engine)?;
    let config = entry("served", &program) + &format!("dialect = '{}'\n", catalog().entry(engine).unwrap().dialect);
    let samples = ["--measurement-time", "0.01", "--warm-up-time", "0.01", "--noplot", "--nresamples", "1001"];
    let bench = Bench::new(&config)
        .args(&["^served/fault-"])
        .args(&samples)
        .env("TEST_WORKLOAD", "own")
        .env("QUERYDYNO_WORKLOADS", &suite.path().display().to_string())
        .env("MYSQL_PORT", &place.port.to_string())
        .env("MYSQL_PASSWORD", PASSWORD)
        .env("SPARK_REMOTE", &format!("sc://127.0.0.1:{}", place.port))
        .env("THUNDERDUCK_URL", &format!("sc://127.0.0.1:{}", place.port))
        .env("QUERYDYNO_TIMEOUT", "120");
    Some(bench)
}

/// A bench that finds the server as its own.
fn own(engine: &str, place: &Place, suite: &TempDir) -> Option<Bench> {
    Some(bench(engine, place, suite)?.env("CARGO_TARGET_DIR", &place.target.path().display().to_string()))
}

fn mariadb() -> Option<Place> {
    if services().how(Service::MariaDb, true).is_err() {
        left_out("MariaDB, there is no mariadbd; apt-get install mariadb-server");
        return None;
    }
    common::built("mysql")?;
    let place = Place::with(Service::MariaDb, &[("MYSQL_PASSWORD", PASSWORD)]);
    assert_eq!(place.run("up"), "native up before: false");
    Some(place)
}

fn signal(name: &str, pid: u32) {
    assert!(Command::new("kill").args([name, &pid.to_string()]).status().unwrap().success());
}

fn boxed(pipe: impl Read + 'static) -> Box<dyn Read> {
    Box::new(pipe)
}

/// Waits until this holds; what the run said, where it ended before.
fn wait_until(run: &mut Child, what: &str, holds: impl Fn() -> bool) -> Result<(), String> {
    let deadline = Instant::now() + Duration::from_mins(3);
    while !holds() {
        if run.try_wait().unwrap().is_some() {
            let pipes = [run.stdout.take().map(boxed), run.stderr.take().map(boxed)];
            let said = pipes.into_iter().flatten().map(|pipe| std::io::read_to_string(pipe).unwrap_or_default());
            return Err(format!("the run ended before {what}: {}", said.collect::<String>()));
        }
        assert!(Instant::now() < deadline, "no {what}");
        sleep(Duration::from_millis(50));
    }
    Ok(())
}

/// A run whose endless query is at work on the server.
///
/// Once, such a run ended within two seconds, and what it had said was not kept: why is not known. It is told now, and the run begun again
/// once.
fn begun(bench: &mut Bench, place: &Place) -> Child {
    let begin = |bench: &mut Bench| {
        let mut run = bench.spawn();
        wait_until(&mut run, "query on the server", || at_work(place)).map(|()| run)
    };
    begin(bench).unwrap_or_else(|said| {
        left_out(&format!("a first try: {said}"));
        begin(bench).unwrap()
    })
}

/// Whether the endless query runs on `MariaDB`.
fn at_work(place: &Place) -> bool {
    let sql =
        "SELECT count(*) FROM information_schema.processlist WHERE info LIKE '%CROSS JOIN%' AND id <> CONNECTION_ID()";
    let output = Command::new("mariadb")
        .args(["--no-defaults", "--host=127.0.0.1", "--batch", "--skip-column-names", "--user=querydyno"])
        .args([format!("--port={}", place.port), format!("--execute={sql}")])
        .env("MYSQL_PWD", PASSWORD)
        .output()
        .unwrap();
    String::from_utf8_lossy(&output.stdout).trim() == "1"
}

/// The records of the three queries, in their order, and the first one's failure.
fn records(bench: &Bench, output: &Output) -> (Vec<Record>, Failure) {
    let mut records = bench.records();
    records.sort_by(|one, other| one.id.query.cmp(&other.id.query));
    assert_eq!(records.len(), 3, "{}", text(output));
    let first = records[0].failure().unwrap_or_else(|| panic!("{:?}\n{}", records[0].outcome, text(output))).clone();
    (records, first)
}

/// The first cell failed by its server in this way, the others were measured on a fresh one with the same settings, and no other process is
/// left.
fn assert_fresh(place: &Place, before: u32, bench: &Bench, output: &Output, kind: TroubleKind) -> Failure {
    let (records, failure) = records(bench, output);
    let trouble = failure.server.clone().unwrap_or_else(|| panic!("{failure}\n{}", text(output)));
    assert_eq!(trouble.kind, kind, "{failure}");
    assert!(trouble.log.len() <= 20 && !trouble.log.is_empty(), "{failure}");
    let reason = records[0].reason().unwrap();
    assert!(reason.contains(&format!("the server {}", place.service)) && reason.contains("in its log: "), "{reason}");
    for record in &records[1..] {
        assert_eq!(record.outcome.word(), "measured", "{:?}\n{}", record.reason(), text(output));
    }
    let told = text(output);
    assert_eq!(told.matches("is started anew with the same settings").count(), 1, "{told}");
    let fresh = place.pid().unwrap();
    assert_ne!(fresh, before);
    assert!(!runs(before));
    assert_eq!(place.marked(), [fresh]);
    // The fresh server has the environment of the run that started it, and outlives it.
    let folder = place.folder().display().to_string();
    let left: Vec<String> = processes_with(&bench.mark).into_iter().filter(|line| !line.contains(&folder)).collect();
    assert!(left.is_empty(), "{left:?}");
    failure
}

fn ends(place: &Place) {
    assert_eq!(place.run("down"), "stopped: native");
    assert_eq!(place.marked(), Vec::<u32>::new());
    for file in ["pid.json", "lost.json", "started.json"] {
        assert!(!place.folder().join(file).exists(), "{file}");
    }
    assert_eq!(users(place), Vec::<String>::new());
}

/// What is written down of the sessions that use the server.
fn users(place: &Place) -> Vec<String> {
    let names = fs::read_dir(place.folder()).unwrap().flatten().map(|file| file.file_name().into_string().unwrap());
    names.filter(|name| name.starts_with("used-by-")).collect()
}

#[test]
fn a_mariadb_that_is_killed_in_a_query_is_started_anew_for_the_next_cell() {
    let Some(place) = mariadb() else { return };
    let suite = suite(ENDLESS);
    let mut bench = own("mysql", &place, &suite).unwrap();
    let run = begun(&mut bench, &place);
    let pid = place.pid().unwrap();
    signal("-KILL", pid);
    let output = run.wait_with_output().unwrap();
    let failure = assert_fresh(&place, pid, &bench, &output, TroubleKind::Died);
    let said = failure.to_string();
    assert!(said.contains(&format!("its process {pid} was ended by signal 9 (SIGKILL)")), "{said}");
    assert_eq!(state(&records(&bench, &output).0[0]), "server died");
    assert!(matches!(failure.kind, FailureKind::Engine { .. }), "{failure:?}");
    ends(&place);
}

#[test]
fn a_mariadb_that_is_stalled_in_a_query_costs_the_deadline_and_is_replaced() {
    let Some(place) = mariadb() else { return };
    let suite = suite(ENDLESS);
    let mut bench = own("mysql", &place, &suite).unwrap().env("QUERYDYNO_TIMEOUT", "10");
    let run = begun(&mut bench, &place);
    let pid = place.pid().unwrap();
    signal("-STOP", pid);
    let output = run.wait_with_output().unwrap();
    let failure = assert_fresh(&place, pid, &bench, &output, TroubleKind::Silent);
    assert!(matches!(&failure.kind, FailureKind::TimedOut { request, .. } if request == "run"), "{failure:?}");
    assert!(failure.to_string().contains("does not answer: it was stopped by a signal"), "{failure}");
    assert_eq!(state(&records(&bench, &output).0[0]), "timed out");
    ends(&place);
}

#[test]
fn a_server_that_somebody_else_started_is_left_alone_and_the_next_cells_fail_at_once() {
    let Some(place) = mariadb() else { return };
    let suite = suite(ENDLESS);
    // It knows nothing of the place's folder.
    let mut bench = bench("mysql", &place, &suite).unwrap();
    let run = begun(&mut bench, &place);
    let pid = place.pid().unwrap();
    signal("-KILL", pid);
    let killed = Instant::now();
    let output = run.wait_with_output().unwrap();
    assert!(killed.elapsed() < Duration::from_secs(30), "{:?}", killed.elapsed());
    let (records, first) = records(&bench, &output);
    assert_eq!(first.server.as_ref().unwrap().kind, TroubleKind::Died, "{first}");
    assert!(first.to_string().contains(&format!("the server mariadb died: its process {pid} is gone")), "{first}");
    for record in &records[1..] {
        let failure = record.failure().unwrap();
        assert!(matches!(failure.kind, FailureKind::NoServer { .. }), "{failure}");
        let reason = record.reason().unwrap();
        assert!(reason.contains("QueryDyno did not start it") && reason.contains("services up mariadb"), "{reason}");
        assert_eq!(state(record), "no server");
    }
    assert_eq!(place.pid(), None);
    assert!(place.marked().is_empty());
    bench.assert_clean();
}

#[test]
fn a_server_that_died_between_two_cells_is_started_anew_too() {
    let Some(place) = mariadb() else { return };
    let suite = suite("SELECT min(order_id) AS n FROM orders");
    let mut bench = own("mysql", &place, &suite).unwrap();
    let mut run = bench.spawn();
    let pid = place.pid().unwrap();
    let kept = |records: usize| bench.records().len() >= records;
    wait_until(&mut run, "first record", || kept(1)).unwrap();
    signal("-KILL", pid);
    let output = run.wait_with_output().unwrap();
    // The second cell may have been under way.
    let measured = bench.records().iter().filter(|record| record.outcome.word() == "measured").count();
    assert!(measured >= 2, "{}", text(&output));
    assert_eq!(text(&output).matches("is started anew with the same settings").count(), 1, "{}", text(&output));
    assert_eq!(place.marked(), [place.pid().unwrap()]);
    ends(&place);
}

#[test_case("-KILL", "was killed: the server may still be at work for it")]
#[test_case("-INT", "was left in the middle of a query")]
fn a_server_whose_run_is_ended_in_a_query_is_started_anew_for_the_next_run(how: &str, says: &str) {
    let Some(place) = mariadb() else { return };
    let endless = suite(ENDLESS);
    let mut bench = own("mysql", &place, &endless).unwrap();
    let run = begun(&mut bench, &place);
    let before = place.pid().unwrap();
    assert_eq!(users(&place).len(), 1);
    signal(how, run.id());
    run.wait_with_output().unwrap();
    assert_eq!(place.pid(), Some(before));
    assert_eq!(users(&place).len(), usize::from(how == "-KILL"));

    let quick = suite("SELECT min(order_id) AS n FROM orders");
    let mut bench = own("mysql", &place, &quick).unwrap();
    let output = bench.run();
    let told = text(&output);
    assert!(told.contains(says) && told.matches("is started anew with the same settings").count() == 1, "{told}");
    assert!(bench.records().iter().all(|record| record.outcome.word() == "measured"), "{told}");
    assert!(place.pid().unwrap() != before && !runs(before) && !at_work(&place));
    ends(&place);
}

#[test]
fn a_thunderduck_that_cannot_be_told_to_stop_is_started_anew_for_the_next_cell() {
    let Some(jar) = std::env::var("THUNDERDUCK_JAR").ok().filter(|jar| !jar.is_empty()) else {
        return left_out("Thunderduck, whose jar THUNDERDUCK_JAR does not name");
    };
    if !slow::wanted("Thunderduck") || common::built("thunderduck").is_none() {
        return;
    }
    let mut place = new_place(Service::Thunderduck);
    place.set("THUNDERDUCK_JAR", &jar);
    assert_eq!(place.run("up"), "native up before: false");
    let pid = place.pid().unwrap();

    // A server with other threads than the cell has is not measured under the cell's name.
    let quick = suite("SELECT min(order_id) AS n FROM orders");
    let mut other = own("thunderduck", &place, &quick).unwrap().env("QUERYDYNO_THREADS", "1");
    let refused = text(&other.run());
    assert!(refused.contains("has 2 threads for queries, and 1 are asked for"), "{refused}");

    let endless = suite(ENDLESS);
    let mut bench = own("thunderduck", &place, &endless).unwrap();
    bench = bench.env("QUERYDYNO_THREADS", "2").env("QUERYDYNO_QUERY_TIMEOUT", "10s");
    let output = bench.run();
    let (records, failure) = records(&bench, &output);
    assert!(failure.is_timed_out() && failure.to_string().contains("may still be at work"), "{failure}");
    for record in &records[1..] {
        assert_eq!(record.outcome.word(), "measured", "{:?}\n{}", record.reason(), text(&output));
    }
    assert!(place.pid().unwrap() != pid && !runs(pid));
    ends(&place);
}

/// Spark as its own place has it, up.
fn spark(memory: &str) -> Option<Place> {
    let mut place = with_server(Service::Spark40)?;
    common::built("spark")?;
    place.set("QUERYDYNO_SERVICE_MEMORY", memory);
    Some(place)
}

#[test]
fn a_spark_that_is_killed_in_a_query_is_started_anew_for_the_next_cell() {
    let Some(place) = spark("1GiB") else { return };
    assert_eq!(place.run("up"), "native up before: false");
    let suite = suite(ENDLESS);
    let mut bench = own("spark", &place, &suite).unwrap();
    let mut run = bench.spawn();
    let pid = place.pid().unwrap();
    let cpu = || querydyno::measure::tree::cpu_ns(&[pid]).unwrap_or_default();
    // Loading takes some seconds of it, and the query all that there is.
    let before = cpu();
    wait_until(&mut run, "query on the server", || cpu() > before + 20_000_000_000).unwrap();
    signal("-KILL", pid);
    let output = run.wait_with_output().unwrap();
    let failure = assert_fresh(&place, pid, &bench, &output, TroubleKind::Died);
    assert!(failure.to_string().contains("was ended by signal 9 (SIGKILL)"), "{failure}");
    ends(&place);
}

#[test]
fn a_spark_whose_heap_is_too_small_is_quoted_and_replaced() {
    let Some(place) = spark("640MiB") else { return };
    assert_eq!(place.run("up"), "native up before: false");
    let pid = place.pid().unwrap();
    let suite = suite(TOO_LARGE);
    let mut bench = own("spark", &place, &suite).unwrap().env("QUERYDYNO_TIMEOUT", "240");
    let output = bench.run();
    let (records, first) = records(&bench, &output);
    // It may live through it.
    let kind = first.server.clone().unwrap_or_else(|| panic!("{first}\n{}", text(&output))).kind;
    assert!(matches!(kind, TroubleKind::OutOfMemory | TroubleKind::Died), "{first}");
    let failure = assert_fresh(&place, pid, &bench, &output, kind);
    let said = failure.to_string();
    assert!(said.contains("OutOfMemoryError") && said.contains("QUERYDYNO_SERVICE_MEMORY"), "{said}");
    assert!(kind == TroubleKind::Died || state(&records[0]) == "out of memory");
    ends(&place);
}

/// Fills a disk to its last byte.
fn fill(disk: &Path) {
    use std::io::Write as _;
    let mut file = fs::File::create(disk.join("filler")).unwrap();
    let block = vec![1_u8; 1 << 16];
    while file.write_all(&block).is_ok() {}
    while file.write_all(&[1]).is_ok() {}
}

#[test]
fn a_spark_whose_disk_is_full_in_a_query_is_quoted_and_replaced() {
    let Some(place) = spark("1GiB") else { return };
    let disk = place.folder().join("temporary");
    fs::create_dir_all(&disk).unwrap();
    let mount = Command::new("mount").args(["-t", "tmpfs", "-o", "size=300m", "none"]).arg(&disk).output();
    if !mount.is_ok_and(|output| output.status.success()) {
        return left_out("a full disk: only root may mount a small one");
    }
    let went = std::panic::catch_unwind(|| {
        assert_eq!(place.run("up"), "native up before: false");
        let pid = place.pid().unwrap();
        fill(&disk);
        let suite = suite(SHUFFLED);
        let mut bench = own("spark", &place, &suite).unwrap();
        let output = bench.run();
        let failure = assert_fresh(&place, pid, &bench, &output, TroubleKind::DiskFull);
        assert!(failure.to_string().contains("No space left on device"), "{failure}");
        assert_eq!(state(&records(&bench, &output).0[0]), "disk full");
        ends(&place);
    });
    if went.is_err() {
        let _ = place.run("down");
    }
    assert!(Command::new("umount").arg(&disk).status().unwrap().success());
    if let Err(panic) = went {
        std::panic::resume_unwind(panic);
    }
}
