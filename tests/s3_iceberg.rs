//! Iceberg tables on S3, with a real server: made once, planned and read right, and each fault told as what it is.
//!
//! What it takes is as for `tests/s3.rs`; and the program for Iceberg tables: `cargo xtask build iceberg`. Where `HIVE_METASTORE_URI` is
//! set, the tables go through that metastore, too: `eval "$(cargo xtask services up hive)"`.

mod common;
#[path = "s3/lab.rs"]
mod lab;
#[path = "s3/server.rs"]
#[allow(dead_code, reason = "the other test of tables on S3 uses all of it")]
mod server;

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use common::{assert_verified, slow};
use lab::{Lab, PLANS, here, reason};
use querydyno::host::bench::Bench;
use querydyno::host::catalog::Recipe;
use querydyno::host::record::Record;
use querydyno::protocol::iceberg::{Reply, Request};
use querydyno::protocol::location::TableRef;
use querydyno::protocol::s3::{Access, Secret};

/// Engines whose programs or environments may be here: by the planned files, and by a reader of Iceberg of their own.
const READERS: [&str; 7] = ["datafusion", "polars", "datafusion-wheel", "arrow", "polars-wheel", "daft", "pandas"];

/// A store with all tables of TPC-H as Iceberg tables; nothing where what it takes is not there.
fn lab(test: &str) -> Option<Lab> {
    if !Recipe::iceberg().program().path.is_file() && !slow::wanted(&format!("{test}, whose program is not built")) {
        return None;
    }
    let mut lab = Lab::with_tables(test)?;
    lab.settings.formats = vec!["iceberg-s3".to_owned()];
    lab.settings.metastore = None;
    lab.make_iceberg().unwrap();
    Some(lab)
}

/// Where the server keeps what belongs to a table's metadata.
fn folder(lab: &Lab, table: &str) -> PathBuf {
    lab.server.folder().join("bench/some/folder/tpch/sf0.01/iceberg").join(table)
}

/// The objects of a table's metadata, in the order of their names.
fn metadata(lab: &Lab, table: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder(lab, table).join("metadata")).unwrap();
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

/// The current metadata file of a table.
fn current(lab: &Lab, table: &str) -> String {
    let mut files = metadata(lab, table).into_iter().rev();
    let file = files.find(|file| file.to_string_lossy().ends_with(".metadata.json")).unwrap();
    format!("s3://{}", file.strip_prefix(lab.server.folder()).unwrap().display())
}

/// The one record of an own query on that table.
fn counted(lab: &Lab, engine: &str, table: &str) -> Record {
    let bench = Bench::new().sql("SELECT count(*) AS n FROM {table}").table(table).engines([engine]);
    let mut records = bench.runs(1).settings(lab.settings.clone()).run().unwrap();
    assert_eq!(records.len(), 1, "{engine} {table}");
    records.remove(0)
}

#[test]
fn tables_are_made_once_and_again_where_something_is_missing() {
    let Some(lab) = lab("making Iceberg tables on S3") else { return };
    let before = metadata(&lab, "nation");
    let made = lab.make_iceberg().unwrap();
    assert_eq!(metadata(&lab, "nation"), before);
    let nation = made.tables.iter().find(|table| table.name == "nation").unwrap();
    let iceberg = nation.iceberg.as_ref().unwrap();
    assert_eq!((nation.rows, made.format.as_str(), iceberg.evolved), (25, "iceberg-s3", false));
    assert_eq!((iceberg.metadata.to_string(), &iceberg.needs_reader), (current(&lab, "nation"), &None));
    // The data files are those of the format s3.
    let files: Vec<String> = nation.files.iter().map(ToString::to_string).collect();
    assert_eq!(files, ["s3://bench/some/folder/tpch/sf0.01/parquet/nation/part-000.parquet"]);
    let list = before.iter().find(|file| file.to_string_lossy().contains("/snap-")).unwrap();
    fs::remove_file(list).unwrap();
    if let Some(engine) = here(&["polars-wheel"]).pop() {
        let told = reason(&lab.record(engine, "q5"), "failed");
        let name = list.file_name().unwrap().to_str().unwrap();
        assert!(told.contains(name) && told.contains("is not there") && told.contains("--format iceberg-s3"), "{told}");
    }
    lab.make_iceberg().unwrap();
    let after = metadata(&lab, "nation");
    // What was left of the earlier table is gone, and no other table was made again.
    assert!(after.len() == before.len() && after.iter().all(|file| !before.contains(file)), "{before:?} {after:?}");
}

#[test]
fn answers_are_right_and_what_the_engines_asked_is_counted() {
    let Some(mut lab) = lab("reading Iceberg tables from S3") else { return };
    let queries = if slow::wanted("all of TPC-H on Iceberg tables on S3") { 1..=22 } else { 3..=6 };
    for engine in here(&READERS) {
        for query in queries.clone().filter(|query| engine != "arrow" || PLANS.contains(query)) {
            lab.server.forget();
            let record = lab.record(engine, &format!("q{query}"));
            assert_verified(&record);
            assert_eq!((record.id.variant.as_str(), record.dataset.format.as_str()), ("iceberg-s3", "iceberg-s3"));
            let planning = record.planning.as_ref().unwrap();
            assert!(planning.catalog_ns > 0 && planning.planning_ns > 0 && planning.files > 0, "{planning:?}");
            let total = record.network.as_ref().unwrap().total.unwrap();
            let (requests, _) = lab.server.counted();
            let near = total.requests.abs_diff(requests) * 100 <= requests;
            assert!(near, "{}: {} requests of {requests}", record.id, total.requests);
            assert!(total.requests > 0 && total.errors + total.unreachable == 0, "{}: {total:?}", record.id);
        }
    }
}

#[test]
fn a_table_of_somebody_elses_is_named_by_its_metadata_file() {
    let Some(lab) = lab("an own query on an Iceberg table on S3") else { return };
    let file = current(&lab, "orders");
    for engine in here(&["datafusion-wheel", "polars-wheel"]) {
        let record = counted(&lab, engine, &file);
        assert_eq!(record.outcome.word(), "measured", "{:?}", record.reason());
        assert_eq!((record.dataset.tables[0].rows, record.id.variant.as_str()), (15_000, "iceberg-s3"));
        let snapshot = record.planning.as_ref().unwrap().snapshots.values().next().copied().unwrap();
        let then = counted(&lab, engine, &format!("{file}@{snapshot}"));
        assert_eq!(then.outcome.word(), "measured", "{:?}", then.reason());
        let told = reason(&counted(&lab, engine, &format!("{file}@1")), "failed");
        assert!(told.contains("no snapshot 1") && told.contains(&snapshot.to_string()), "{told}");
        // By its folder it would be all Parquet files in it, some of which may be no part of it.
        let told = reason(&counted(&lab, engine, "s3://bench/some/folder/tpch/sf0.01/iceberg/orders"), "failed");
        assert!(told.contains("is an Iceberg table") && told.contains(&file), "{told}");
        let gone = "s3://bench/some/folder/tpch/sf0.01/iceberg/orders/metadata/v9.metadata.json";
        let told = reason(&counted(&lab, engine, gone), "failed");
        assert!(
            told.contains(&format!("cannot read the metadata {gone}")) && told.contains("no such object"),
            "{told}"
        );
    }
}

#[test]
fn wrong_credentials_and_a_store_that_is_down_are_told_as_that() {
    let Some(mut lab) = lab("Iceberg tables in a store that refuses") else { return };
    let Some(engine) = here(&["datafusion-wheel"]).pop() else { return };
    let (right, file) = (lab.server.access(), current(&lab, "orders"));
    let other = Access { secret_access_key: Secret::new("another-secret"), ..right.clone() };
    lab.settings.s3 = lab.settings.s3.clone().reached_by(other);
    // Ours are asked for by the program for S3 first, any other table's metadata by that for Iceberg.
    for record in [lab.record(engine, "q6"), counted(&lab, engine, &file)] {
        let told = reason(&record, "failed");
        assert!(told.contains("refuses these credentials") && told.contains("AWS_SECRET_ACCESS_KEY"), "{told}");
        assert!(!serde_json::to_string(&record).unwrap().contains("another-secret"), "{told}");
    }
    let elsewhere = Access { endpoint: Some("http://127.0.0.1:1".to_owned()), ..right };
    lab.settings.s3 = lab.settings.s3.clone().reached_by(elsewhere);
    let told = reason(&counted(&lab, engine, &file), "failed");
    assert!(told.contains("no server answers at http://127.0.0.1:1"), "{told}");
}

#[test]
fn secrets_are_in_no_record_and_no_list_of_processes() {
    let Some(mut lab) = lab("secrets of Iceberg tables on S3") else { return };
    let record = lab.telltale();
    let told = reason(&record, "failed");
    assert!(told.contains("the secret is ***, and seen by nobody"), "{told}");
    let mut written = serde_json::to_string(&record).unwrap();
    for file in fs::read_dir(lab.settings.home.join("records")).unwrap().flatten() {
        written += &fs::read_to_string(file.path()).unwrap();
    }
    // What was made there names no one.
    for file in metadata(&lab, "lineitem").into_iter().chain([folder(&lab, "lineitem").join("made.json")]) {
        written += &String::from_utf8_lossy(&fs::read(file).unwrap());
    }
    for secret in lab.server.access().secrets() {
        assert!(!written.contains(secret.reveal()));
    }
}

#[test]
fn the_program_is_told_over_its_stdin_and_repeats_nothing() {
    let Some(lab) = lab("secrets that the program for Iceberg tables is told") else { return };
    let mut child = Command::new(Recipe::iceberg().program().path)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let mut replies = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut ask = |request: &Request| {
        writeln!(stdin, "{}", serde_json::to_string(request).unwrap()).unwrap();
        replies.next().unwrap().unwrap()
    };
    let metadata = current(&lab, "orders").parse().unwrap();
    let plan = Request::Plan { table: TableRef::File(metadata), snapshot_id: None };
    // Before it is told anything it says what is missing.
    let mut said = ask(&plan);
    assert!(said.contains("nobody said what that is reached by") && said.contains("AWS_ACCESS_KEY_ID"), "{said}");
    let access = lab.server.access();
    let wrong = Access { secret_access_key: Secret::new("another-secret"), ..access.clone() };
    for access in [wrong, access.clone()] {
        said += &ask(&Request::Connect { access });
        let reply = ask(&plan);
        match serde_json::from_str(&reply).unwrap() {
            Reply::Plan(planned) => assert_eq!(planned.files.iter().map(|file| file.rows).sum::<u64>(), 15_000),
            Reply::Fail { message } => assert!(message.contains("refuses these credentials"), "{message}"),
            other => panic!("{other:?}"),
        }
        said += &reply;
    }
    assert!(said.ends_with('}') && said.contains("\"did\":\"plan\""), "{said}");
    for file in ["cmdline", "environ"] {
        said += &String::from_utf8_lossy(&fs::read(format!("/proc/{}/{file}", child.id())).unwrap());
    }
    drop(stdin);
    let output = child.wait_with_output().unwrap();
    said += &String::from_utf8_lossy(&output.stderr);
    let hidden = access.secrets().into_iter().chain([Secret::new("another-secret")]);
    assert!(output.status.success() && hidden.into_iter().all(|secret| !said.contains(secret.reveal())), "{said}");
}

#[test]
fn a_metastore_gives_the_same_tables() {
    let Ok(metastore) = std::env::var("HIVE_METASTORE_URI") else {
        return server::left_out("HIVE_METASTORE_URI is not set; eval \"$(cargo xtask services up hive)\"");
    };
    let Some(mut lab) = lab("Iceberg tables on S3 in a metastore") else { return };
    lab.settings.metastore = Some(metastore.clone());
    for engine in here(&["datafusion-wheel", "pandas"]) {
        let record = lab.record(engine, "q6");
        assert_verified(&record);
        assert_eq!(record.planning.as_ref().unwrap().catalog, metastore);
    }
}
