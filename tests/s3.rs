//! Tables on S3, with a real server: uploaded once, read right, counted as the server counts, and each fault told as what it is.
//!
//! The server is versitygw, where `cargo xtask services up s3` has compiled it; engines are those whose environments are there, see
//! `cargo xtask build polars-wheel pandas`.

mod common;
#[path = "s3/lab.rs"]
mod lab;
#[path = "s3/server.rs"]
mod server;

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::sync::Mutex;

use common::{assert_verified, slow};
use lab::{Lab, PLANS, here, reason};
use querydyno::host::bench::{Bench, Event};
use querydyno::host::data::generate::Store;
use querydyno::host::record::Record;
use querydyno::host::services::{Service, Services, Status};
use querydyno::host::settings::Settings;
use querydyno::host::suite::Suite;
use querydyno::protocol::s3::{Access, Secret};
use querydyno::protocol::units::Bytes;

/// Engines whose programs or environments may be here, all of which read from S3.
const READERS: [&str; 7] = ["datafusion", "polars", "polars-wheel", "datafusion-wheel", "daft", "pandas", "arrow"];

/// Spark, where a server of ours listens that has what it takes.
fn spark() -> Option<Status> {
    common::served("spark", Service::Spark40)?;
    let all = Services::read(&Settings::read().unwrap()).unwrap().status();
    let status = all.into_iter().find(|status| status.service == Service::Spark40)?;
    let reads = status.configuration.as_ref().is_some_and(|told| told.settings.contains_key("spark.querydyno.s3"));
    if !reads {
        server::left_out(
            "Spark on S3: cargo xtask services up spark-4.0 with the variables of S3 set, on the port of SPARK_4_0_PORT",
        );
    }
    reads.then_some(status)
}

/// What a page of a server on this machine says.
fn page(port: &str, path: &str) -> String {
    let mut stream = TcpStream::connect(format!("127.0.0.1:{port}")).unwrap();
    write!(stream, "GET {path} HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n").unwrap();
    let mut text = Vec::new();
    stream.read_to_end(&mut text).unwrap();
    String::from_utf8_lossy(&text).into_owned()
}

#[test]
fn upload_sends_what_is_not_there_and_tells_what_was_changed() {
    let Some(lab) = Lab::new("uploading to S3") else { return };
    let (objects, bytes) = lab.upload().unwrap();
    assert!(objects >= 8 && bytes > 1_000_000, "{objects} objects, {bytes} bytes");
    assert_eq!(lab.upload().unwrap(), (0, 0));
    let stored = || {
        let suite = Suite::read("tpch").unwrap();
        let (place, access) = (lab.settings.s3.bucket().unwrap(), lab.settings.s3.access().unwrap());
        Store::new("/nowhere").stored(&suite, lab.settings.scales[0], &["nation".to_owned()], place, access)
    };
    // What is there is known without anything on this machine.
    let found = stored().unwrap();
    assert_eq!((found.tables[0].rows, found.format.as_str()), (25, "s3"));
    assert_eq!(
        found.tables[0].files[0].to_string(),
        "s3://bench/some/folder/tpch/sf0.01/parquet/nation/part-000.parquet"
    );
    let whole = fs::read(lab.object("nation")).unwrap();
    fs::write(lab.object("nation"), &whole[..whole.len() - 7]).unwrap();
    let error = stored().unwrap_err().to_string();
    let wanted = format!("has {} bytes instead of {}", whole.len() - 7, whole.len());
    assert!(
        error.contains(&wanted) && error.contains("cargo xtask data tpch --scale 0.01 --location s3://bench"),
        "{error}"
    );
    assert_eq!(lab.upload().unwrap(), (1, whole.len() as u64));
    stored().unwrap();
    fs::remove_file(lab.object("nation").with_file_name("manifest.json")).unwrap();
    assert!(stored().unwrap_err().to_string().contains("there is no table s3://bench/some/folder/tpch"));
}

#[test]
fn a_large_file_goes_in_parts() {
    let Some(lab) = Lab::new("uploading in parts") else { return };
    let suite = Suite::read("tpch").unwrap();
    let (place, access) = (lab.settings.s3.bucket().unwrap(), lab.settings.s3.access().unwrap());
    // 24 MB: two parts.
    let (scale, tables) = ("0.1".parse().unwrap(), ["lineitem".to_owned()]);
    let store = Store::new(common::data());
    let uploaded = store.upload(&suite, scale, &tables, place, access).unwrap();
    let here = store.ensure(&suite, scale, "parquet", &tables).unwrap();
    let file = here.tables[0].files[0].local().unwrap().to_owned();
    let there =
        lab.server.folder().join("bench/some/folder/tpch/sf0.1/parquet/lineitem").join(file.file_name().unwrap());
    assert!(uploaded.bytes > 16 << 20, "{}", Bytes(uploaded.bytes));
    assert!(fs::read(file).unwrap() == fs::read(there).unwrap(), "other bytes");
    assert!(lab.server.requests("").iter().any(|line| line.contains("UploadPart")));
}

#[test]
fn answers_are_right_and_counted_as_the_server_counts() {
    let Some(mut lab) = Lab::with_tables("reading from S3") else { return };
    let queries = if slow::wanted("all of TPC-H on S3") { 1..=22 } else { 3..=6 };
    for engine in here(&READERS).into_iter().chain(spark().map(|_| "spark")) {
        for query in queries.clone().filter(|query| engine != "arrow" || PLANS.contains(query)) {
            lab.server.forget();
            let record = lab.record(engine, &format!("q{query}"));
            assert_verified(&record);
            assert_eq!(record.id.variant, "s3");
            let network = record.network.as_ref().unwrap();
            let total = network.total.unwrap();
            let (requests, bytes) = lab.server.counted();
            let near = |ours: u64, theirs: u64| ours.abs_diff(theirs) * 100 <= theirs;
            assert!(near(total.requests, requests), "{}: {} requests of {requests}", record.id, total.requests);
            assert!(near(total.bytes_received, bytes), "{}: {} bytes of {bytes}", record.id, total.bytes_received);
            assert!(total.requests > 0 && total.connections > 0 && total.errors + total.unreachable == 0, "{total:?}");
            assert!(
                network.cached_in_words().starts_with("nothing was cached"),
                "{}: {}",
                record.id,
                network.cached_in_words()
            );
        }
    }
}

#[test]
fn pipeline_keeps_connections_and_reads_ahead_where_its_mode_says_so() {
    let Some(lab) = Lab::new("the pipeline on S3") else { return };
    let Some(engine) = here(&["pipeline"]).pop() else { return };
    lab.upload_of("pods").unwrap();
    let traffic = |mode: &str| {
        let record = lab.record(engine, &format!("pods-daily/sf0.01/s3-{mode}sink-none$"));
        assert_verified(&record);
        let network = record.network.unwrap();
        (network.total.unwrap(), network.bytes_per_run.unwrap())
    };
    let (plain, bytes) = traffic("");
    assert!(plain.requests >= 3 && plain.connections == plain.requests, "{plain:?}");
    for mode in ["pool-", "streaming-parallel-prefetch-pool-", "columnar-prefetch-pool-"] {
        let (kept, received) = traffic(mode);
        assert!(kept.connections * 2 <= kept.requests, "{mode}: {kept:?}");
        assert!((received - bytes).abs() < 1.0, "{mode}: {received} bytes, and {bytes} without");
    }
    for mode in ["pool", "prefetch"] {
        let refused = reason(&lab.record(engine, &format!("pods-daily/sf0.01/parquet-{mode}-sink-none$")), "skipped");
        assert!(refused.contains("prefetch and pool are for tables on S3"), "{refused}");
    }
}

#[test]
fn a_table_of_somebody_elses_is_read_where_it_lies() {
    let Some(lab) = Lab::with_tables("an own query on S3") else { return };
    for engine in here(&["polars-wheel", "datafusion-wheel"]) {
        for table in ["orders/part-000.parquet", "orders", "orders/", "orders/*.parquet"] {
            let table = format!("s3://bench/some/folder/tpch/sf0.01/parquet/{table}");
            let bench = Bench::new().sql("SELECT count(*) AS orders FROM {table}").table(&table).engines([engine]);
            let records = bench.runs(1).settings(lab.settings.clone()).run().unwrap();
            let [record] = records.as_slice() else { panic!("{records:?}") };
            assert_eq!(record.outcome.word(), "measured", "{table}: {:?}", record.reason());
            assert_eq!((record.dataset.tables[0].rows, record.dataset.format.as_str()), (15_000, "s3"), "{table}");
        }
    }
    let none =
        Bench::new().sql("SELECT 1 FROM {table}").table("s3://bench/nothing/*.parquet").engines(["polars-wheel"]);
    let records = none.runs(1).settings(lab.settings.clone()).run().unwrap();
    assert!(reason(&records[0], "failed").contains("there are no Parquet files s3://bench/nothing"));
}

/// The result of an engine that counts the rows of a table that lies in the lab's bucket.
fn counts(lab: &Lab, table: &str) -> impl Fn(&str) -> Record + use<> {
    let (table, settings) = (format!("s3://bench/{table}"), lab.settings.clone());
    move |engine| {
        let bench = Bench::new().sql("SELECT count(*) AS n FROM {table}").table(&table);
        bench.engines([engine]).runs(1).settings(settings.clone()).run().unwrap().pop().unwrap()
    }
}

/// The same of one object whose key another reading of it would turn into that of `decoy`.
fn counts_of_key(lab: &Lab, key: &str, decoy: &str) -> impl Fn(&str) -> Record + use<> {
    let keys = lab.server.folder().join("bench/keys");
    fs::create_dir(&keys).unwrap();
    fs::copy(lab.object("orders"), keys.join(key)).unwrap();
    fs::copy(lab.object("nation"), keys.join(decoy)).unwrap();
    counts(lab, &format!("keys/{key}"))
}

#[test]
fn a_pattern_means_the_same_objects_as_it_would_files() {
    let Some(lab) = Lab::with_tables("patterns on S3") else { return };
    let folder = lab.server.folder().join("bench/lake=1/out");
    // As Spark leaves it.
    for file in ["_SUCCESS", "day=1/part-0.parquet", "day=2/part-0.parquet", "_temporary/part-0.parquet"] {
        let file = folder.join(file);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::copy(lab.object("nation"), &file).unwrap();
    }
    fs::write(folder.join("_SUCCESS"), "").unwrap();
    for engine in here(&["polars-wheel", "daft"]) {
        for (pattern, rows) in [("**", 50), ("*/*", 50), ("day=[12]/part-*.parquet", 50), ("day=1/*", 25)] {
            let record = counts(&lab, &format!("lake=1/out/{pattern}"))(engine);
            assert_eq!(record.outcome.word(), "measured", "{engine} {pattern}: {:?}", record.reason());
            assert_eq!(record.dataset.tables[0].rows, rows, "{engine} {pattern}");
        }
    }
}

#[test]
fn a_table_with_a_log_of_its_own_is_refused() {
    let Some(lab) = Lab::with_tables("a Delta table on S3") else { return };
    let folder = lab.server.folder().join("bench/delta");
    for file in ["_delta_log/00000000000000000000.json", "day=1/part-0.parquet"] {
        let file = folder.join(file);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::copy(lab.object("nation"), &file).unwrap();
    }
    for table in ["delta", "delta/", "delta/**", "delta/day=1", "delta/day=1/*.parquet"] {
        let told = reason(&counts(&lab, table)("polars-wheel"), "failed");
        assert!(told.contains("s3://bench/delta is a Delta table"), "{table}: {told}");
    }
    fs::copy(lab.object("nation"), lab.server.folder().join("bench/beside.parquet")).unwrap();
    for engine in here(&["polars-wheel"]) {
        for table in ["delta/day=1/part-0.parquet", "*.parquet"] {
            let record = counts(&lab, table)(engine);
            assert_eq!(record.outcome.word(), "measured", "{table}: {:?}", record.reason());
        }
    }
}

#[test]
fn a_key_with_a_percent_sign_is_read_as_it_is_or_refused() {
    let Some(lab) = Lab::with_tables("keys on S3") else { return };
    let record = counts_of_key(&lab, "p%20q.parquet", "p q.parquet");
    for engine in here(&["polars-wheel", "daft", "arrow"]) {
        let record = record(engine);
        assert_eq!(record.outcome.word(), "measured", "{engine}: {:?}", record.reason());
        assert_eq!(record.dataset.tables[0].rows, 15_000, "{engine}");
    }
    for engine in here(&["datafusion-wheel"]) {
        assert!(reason(&record(engine), "skipped").contains("a key has a % in it"), "{engine}");
    }
}

#[test]
fn a_key_with_brackets_is_read_as_it_is() {
    let Some(lab) = Lab::with_tables("keys with brackets on S3") else { return };
    let record = counts_of_key(&lab, "p[1]q.parquet", "p1q.parquet");
    for engine in here(&["polars-wheel", "datafusion-wheel", "daft", "arrow"]) {
        let record = record(engine);
        assert_eq!(record.outcome.word(), "measured", "{engine}: {:?}", record.reason());
        assert_eq!(record.dataset.tables[0].rows, 15_000, "{engine}");
    }
}

#[test]
fn a_folder_that_is_named_as_a_file_and_one_with_a_value_are_read_whole() {
    let Some(lab) = Lab::with_tables("odd folders on S3") else { return };
    for folder in ["year=2024", "_year=2025", "_temporary"] {
        let folder = lab.server.folder().join("bench/spark.parquet").join(folder);
        fs::create_dir_all(&folder).unwrap();
        fs::copy(lab.object("orders"), folder.join("part-0.parquet")).unwrap();
    }
    let record = counts(&lab, "spark.parquet");
    for engine in here(&["polars-wheel"]) {
        let record = record(engine);
        assert_eq!(record.outcome.word(), "measured", "{:?}", record.reason());
        let table = &record.dataset.tables[0];
        assert_eq!((table.rows, table.files.len()), (30_000, 2));
        let cautions = record.dataset.cautions.join("\n");
        assert!(
            cautions.contains("=2025, is none of them") || cautions.contains("=2024, is none of them"),
            "{cautions}"
        );
    }
}

#[test]
fn an_engine_that_cannot_says_so() {
    let Some(lab) = Lab::with_tables("engines without S3") else { return };
    for engine in here(&["duckdb-wheel"]) {
        let reason = reason(&lab.record(engine, "q6"), "skipped");
        assert!(reason.contains("unsupported") && reason.contains("extension httpfs"), "{reason}");
    }
}

#[test]
fn a_network_costs_what_it_is_set_to_and_is_an_axis() {
    let Some(mut lab) = Lab::with_tables("a network that is set") else { return };
    for engine in here(&["polars-wheel"]) {
        let plain = lab.record(engine, "q6");
        let slow = lab.network("rtt=5ms,first_byte=50ms").record(engine, "q6");
        assert_verified(&slow);
        assert_eq!((slow.id.variant.as_str(), plain.id.variant.as_str()), ("s3-rtt5ms-first50ms", "s3"));
        assert_ne!(slow.series(), plain.series());
        let (slow, plain) = (slow.median_ns().unwrap(), plain.median_ns().unwrap());
        // A footer, then what it says: two requests at least, one after the other.
        assert!(slow - plain > 80e6, "{slow} ns and {plain} ns");
        let narrow = lab.network("rate=1MB/s").record(engine, "q6");
        let network = narrow.network.clone().unwrap();
        let (bytes, connections) = (network.bytes_per_run.unwrap(), network.total.unwrap().connections.max(1));
        #[expect(clippy::cast_precision_loss, reason = "a few connections")]
        let least = bytes / 1e6 / connections as f64;
        let took = narrow.median_ns().unwrap() / 1e9;
        assert!(took > 0.8 * least, "{took} s for {bytes} bytes by {connections} connections");
    }
}

#[test]
fn secrets_are_in_no_record_and_no_list_of_processes() {
    let Some(mut lab) = Lab::with_tables("secrets of S3") else { return };
    let record = lab.telltale();
    let kept = serde_json::to_string(&record).unwrap();
    let reason = reason(&record, "failed");
    assert!(reason.contains("the secret is ***, and seen by nobody"), "{reason}");
    assert!(kept.contains("I was told *** of ***"), "{kept}");
    let files = fs::read_dir(lab.settings.home.join("records")).unwrap().flatten();
    let written: String = files.map(|file| fs::read_to_string(file.path()).unwrap()).collect();
    for secret in lab.server.access().secrets() {
        assert!(!written.is_empty() && !written.contains(secret.reveal()) && !kept.contains(secret.reveal()));
    }
}

#[test]
fn secrets_are_in_no_log_and_on_no_page_of_spark() {
    let Some(status) = spark() else { return };
    let Some(lab) = Lab::with_tables("secrets of S3 in Spark") else { return };
    let record = lab.record("spark", "q6");
    assert_verified(&record);
    let settings = &status.configuration.as_ref().unwrap().settings;
    let port = &settings["spark.ui.port"];
    let runs = page(port, "/SQL/");
    let last = runs
        .split("/SQL/execution/?id=")
        .skip(1)
        .filter_map(|rest| rest.split(|c: char| !c.is_ascii_digit()).next()?.parse::<u64>().ok());
    let run = page(port, &format!("/SQL/execution/?id={}", last.max().unwrap()));
    // What the session was set to is there, and hidden.
    assert!(run.contains("fs.s3a.secret.key") && run.contains("redacted"), "{run}");
    let log = fs::read_to_string(status.log.as_ref().unwrap()).unwrap();
    let environments = status.processes.iter().map(|pid| fs::read(format!("/proc/{pid}/environ")).unwrap_or_default());
    let commands = status.processes.iter().map(|pid| fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default());
    let of_processes: Vec<_> =
        environments.chain(commands).map(|text| String::from_utf8_lossy(&text).into_owned()).collect();
    let mut said = vec![
        run,
        runs,
        log,
        serde_json::to_string(&record).unwrap(),
        page(port, "/connect/"),
        page(port, "/environment/"),
    ];
    said.extend(of_processes);
    for secret in lab.server.access().secrets() {
        let told = said.iter().find(|text| text.contains(secret.reveal()));
        assert!(told.is_none(), "{}", told.unwrap());
    }
}

#[test]
fn a_store_that_is_down_or_refuses_is_told_as_that() {
    let Some(mut lab) = Lab::with_tables("a store that is down") else { return };
    let Some(engine) = here(&["polars-wheel"]).pop() else { return };
    let right = lab.server.access();
    let other = Access { secret_access_key: Secret::new("another-secret"), ..right.clone() };
    lab.settings.s3 = lab.settings.s3.clone().reached_by(other);
    let told = reason(&lab.record(engine, "q6"), "failed");
    assert!(told.contains("refuses these credentials") && told.contains("AWS_SECRET_ACCESS_KEY"), "{told}");
    let elsewhere = Access { endpoint: Some("http://127.0.0.1:1".to_owned()), ..right.clone() };
    lab.settings.s3 = lab.settings.s3.clone().reached_by(elsewhere);
    let told = reason(&lab.record(engine, "q6"), "failed");
    assert!(told.contains("no server answers at http://127.0.0.1:1"), "{told}");
    lab.settings.s3 = lab.settings.s3.clone().reached_by(right);
    lab.settings.s3.bucket = Some("s3://nobodys".parse().unwrap());
    let told = reason(&lab.record(engine, "q6"), "failed");
    assert!(told.contains("no such bucket") || told.contains("there is no table"), "{told}");
    lab.settings.s3.bucket = Some("s3://bench/some/folder".parse().unwrap());
    // In the middle: when the answer is verified the server goes away.
    let server = Mutex::new(lab.server.hand_over());
    let bench = lab.bench(engine, "q6").observer(move |event| {
        if matches!(event, Event::WarmingUp { .. }) {
            server.lock().unwrap().take();
        }
    });
    let records = bench.run().unwrap();
    let told = reason(&records[0], "failed");
    assert!(told.contains("between it and S3") && told.contains("the server was not to be reached for"), "{told}");
}

#[test]
fn a_spoiled_network_is_borne_or_told() {
    let Some(mut lab) = Lab::with_tables("faults of a network") else { return };
    for engine in here(&["polars-wheel", "pandas"]) {
        // One of three requests is refused: whoever asks again gets through.
        let record = lab.network("unavailable=1/3").record(engine, "q6");
        assert_verified(&record);
        let total = record.network.as_ref().unwrap().total.unwrap();
        assert!(total.spoiled > 0, "{total:?}");
        for network in ["unavailable=1/1", "cut=4kB"] {
            let told = reason(&lab.network(network).record(engine, "q6"), "failed");
            assert!(
                told.contains("between it and S3") && told.contains("QUERYDYNO_NETWORK spoiled"),
                "{network}: {told}"
            );
        }
        lab.network("");
    }
}

#[test]
fn an_object_that_was_cut_off_is_told_before_anything_runs() {
    let Some(lab) = Lab::with_tables("an object that was cut off") else { return };
    let Some(engine) = here(&["polars-wheel"]).pop() else { return };
    let whole = fs::read(lab.object("lineitem")).unwrap();
    fs::write(lab.object("lineitem"), &whole[..whole.len() / 2]).unwrap();
    let told = reason(&lab.record(engine, "q6"), "failed");
    assert!(
        told.contains("lineitem is not whole") && told.contains(&format!("bytes instead of {}", whole.len())),
        "{told}"
    );
}
