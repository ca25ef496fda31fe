//! What is measured beside time: memory, counts, cold runs, and the axes threads, memory and cache.

mod common;

use common::{Bench, built, entry, faulty, program, query, session, text};
use querydyno::host::doctor::{self, State};
use querydyno::host::record::metric;
use querydyno::host::session::FailureKind;
use querydyno::host::settings::Settings;
use querydyno::host::variant::Cache;

const MEBIBYTE: f64 = (1 << 20) as f64;

#[test]
fn a_known_allocation_is_the_peak_within_two_percent_and_an_earlier_one_is_not() {
    let (mut session, _folder) = session(&faulty("allocate"));
    let baseline = session.memory().unwrap();
    for mebibytes in [600_u32, 200, 400] {
        session.prepare(&query(&mebibytes.to_string())).unwrap();
        let peak = session.run(1).unwrap().peak_memory.unwrap();
        #[expect(clippy::cast_precision_loss, reason = "far below 2^53")]
        let grown = (peak.bytes.0 - baseline.0) as f64 / MEBIBYTE;
        let error = grown / f64::from(mebibytes) - 1.0;
        assert!(error.abs() < 0.02, "{mebibytes} MiB: {grown} MiB");
        assert_eq!(peak.processes, 1);
    }
}

#[test]
fn what_a_child_holds_counts_although_it_is_gone_at_the_end() {
    let (mut session, _folder) = session(&faulty("family"));
    session.prepare(&query("")).unwrap();
    let peak = session.run(1).unwrap().peak_memory.unwrap();
    assert!(peak.bytes.0 >= 100 << 20, "{}", peak.bytes);
    assert_eq!(peak.processes, 2);
    assert!(peak.source("the engine program").contains("2 processes"));
}

#[test]
fn a_program_has_no_more_processors_than_threads() {
    // One thread is what this session is opened with.
    let (session, _folder) = session(&faulty("allocate"));
    let status = std::fs::read_to_string(format!("/proc/{}/status", session.pid())).unwrap();
    let allowed = status.lines().find_map(|line| line.strip_prefix("Cpus_allowed_list:")).unwrap().trim();
    assert!(allowed.parse::<usize>().is_ok(), "{allowed}");
}

#[test]
fn an_engine_that_gives_up_for_want_of_memory_is_told_from_one_that_errs() {
    let config = entry("starved", &faulty("starved")) + &entry("nothing", &program("null"));
    let mut bench = Bench::cheap(&config, "^(starved|nothing)/q6/").env("QUERYDYNO_SCALE", "0.001");
    let output = bench.run();
    assert_eq!(output.status.code(), Some(1), "{}", text(&output));
    let record = bench.record("starved");
    assert!(matches!(record.failure().unwrap().kind, FailureKind::GaveUp { .. }));
    assert!(record.reason().unwrap().starts_with("out of memory: "));
    assert_eq!(bench.record("nothing").outcome.word(), "measured");
}

#[test]
fn threads_and_memory_are_axes() {
    let mut bench = Bench::cheap(&entry("nothing", &program("null")), "nothing/q6")
        .env("QUERYDYNO_THREADS", "1,3")
        .env("QUERYDYNO_MEMORY", "none,2GiB");
    let output = bench.run();
    assert!(output.status.success(), "{}", text(&output));
    let mut told: Vec<(usize, Option<u64>, String)> = bench
        .records()
        .into_iter()
        .map(|record| (record.threads, record.memory_limit_bytes, record.id.variant))
        .collect();
    told.sort();
    let limit = Some(2 << 30);
    let wanted = [(1, None, "1t"), (1, limit, "1t-2GiB"), (3, None, "3t"), (3, limit, "3t-2GiB")];
    assert_eq!(told.len(), wanted.len());
    for ((threads, memory, variant), (wanted, limit, name)) in told.iter().zip(wanted) {
        // A number of threads that is the machine's own is not spelled.
        let name = if std::thread::available_parallelism().unwrap().get() == wanted {
            name.trim_start_matches(&format!("{wanted}t")).trim_start_matches('-')
        } else {
            name
        };
        let name = format!("parquet-{name}");
        assert_eq!((*threads, *memory, variant.as_str()), (wanted, limit, name.trim_end_matches('-')));
    }
}

#[test]
fn one_record_holds_all_of_a_hot_cell() {
    // DuckDB keeps what it read: its hot runs read nothing.
    let Some(arrow) = built("arrow") else { return };
    let mut bench = Bench::cheap(&entry("kernels", &arrow), "kernels/q6");
    let output = bench.run();
    assert!(output.status.success(), "{}", text(&output));
    let record = bench.record("kernels");
    assert_eq!(record.cache, Cache::Hot);
    assert!(record.metric(metric::PEAK_MEMORY) > record.metric(metric::BASELINE_MEMORY), "{record:?}");
    // The verifying run and at least one of Criterion's warm-up.
    let warm_up_ns = &record.measurement().unwrap().warm_up_ns;
    assert!(warm_up_ns.len() >= 2 && warm_up_ns.iter().all(|ns| *ns > 0));
    let of = |kind| record.metric(kind);
    assert!(of(metric::MINOR_PAGE_FAULTS).is_some() && of(metric::MAJOR_PAGE_FAULTS).is_some());
    assert!(of(metric::VOLUNTARY_CONTEXT_SWITCHES).is_some() && of(metric::INVOLUNTARY_CONTEXT_SWITCHES).is_some());
    // Its four columns, from the page cache.
    assert!(of(metric::BYTES_READ).unwrap() > 400_000.0, "{:?}", record.metrics);
    assert!(of(metric::BYTES_READ_FROM_DISK).unwrap() < 4096.0, "{:?}", record.metrics);
}

#[test]
fn a_cold_run_reads_its_columns_from_the_disk_or_is_refused() {
    let Some(arrow) = built("arrow") else { return };
    let mut bench = Bench::cheap(&entry("kernels", &arrow), "kernels/q6/sf0.01/parquet-cold");
    let output = bench.run();
    assert!(output.status.success(), "{}", text(&output));
    let record = bench.record("kernels");
    assert_eq!(record.cache, Cache::Cold);
    if record.is_skipped() {
        // Some file systems have no page cache to drop, and then the doctor knows it too.
        let reason = record.reason().unwrap();
        assert!(reason.starts_with("refused as cold") && !can_be_cold(), "{reason}");
        return;
    }
    assert_eq!(record.measurement().unwrap().iterations, [1; 10]);
    assert!(record.verified());
    assert!(record.metric(metric::BYTES_READ_FROM_DISK).unwrap() > 400_000.0, "{:?}", record.metrics);
    bench.assert_clean();
}

fn can_be_cold() -> bool {
    let findings = doctor::examine(&Settings::read().unwrap());
    findings.iter().any(|finding| finding.name == "cold runs" && finding.state != State::Missing)
}

#[test]
fn an_engine_that_reads_nothing_is_refused_as_cold() {
    let mut bench = Bench::cheap(&entry("nothing", &program("null")), "nothing/q6/sf0.01/parquet-cold");
    let output = bench.run();
    assert!(output.status.success(), "{}", text(&output));
    let record = bench.record("nothing");
    assert_eq!(record.outcome.word(), "skipped");
    assert!(record.reason().unwrap().contains("refused as cold: 0 B came from the disk"));
    assert!(record.samples_ns().is_empty());
}
