//! Pod usage on the engines that read it: the reference's table, labels of any letters, and labels that are no JSON. Engines whose programs
//! are not there, or whose servers do not listen, are left out and named. What is written into PostgreSQL is `pipeline.rs`'s.
#![cfg(feature = "harness")]
#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use std::collections::BTreeSet;
use std::io::Write as _;

use common::labelled::{odd, opened};
use common::{Bench, assert_verified, catalog, listens, text, there, twin};
use querydyno::host::catalog::Entry;
use querydyno::host::record::Outcome;
use querydyno::host::services::Service;
use querydyno::host::session::Program;
use querydyno::host::suite::Suite;
use querydyno::protocol::answer::Shown;
use querydyno::protocol::id::Scale;
use tempfile::TempDir;
use test_case::test_case;

/// The engine and its program, where its server listens.
fn with_server(engine: &str, service: Option<Service>) -> Option<(Entry, Program)> {
    let engine = catalog().entry(engine).unwrap();
    let program = there(&engine)?;
    if service.is_some_and(|service| !listens(service)) {
        let _ = writeln!(std::io::stderr(), "LEFT OUT: {}: no server listens", engine.name);
        return None;
    }
    Some((engine, program))
}

#[test_case("duckdb", None)]
#[test_case("datafusion", None)]
#[test_case("duckdb-wheel", None)]
#[test_case("datafusion-wheel", None)]
#[test_case("polars-wheel", None)]
#[test_case("daft", None)]
#[test_case("pandas", None)]
#[test_case("mysql", Some(Service::MariaDb))]
#[test_case("spark", Some(Service::Spark40))]
#[test_case("trino", Some(Service::Trino))]
fn pods_daily_is_verified_on(engine: &str, service: Option<Service>) {
    let Some((engine, program)) = with_server(engine, service) else { return };
    let (name, config) = twin(&engine, &program);
    let modes: Vec<String> = engine.modes.iter().skip(1).map(|mode| format!("|parquet-{mode}")).collect();
    let modes = modes.concat();
    let filter = format!("^{name}/pods-daily/sf0.01/(parquet{modes})$");
    let mut bench = Bench::cheap(&config, &filter).env("TEST_WORKLOAD", "pods");
    let output = bench.run();
    let records = bench.records();
    assert!(!records.is_empty(), "{}", text(&output));
    for record in &records {
        // Nobody wrote a plan of DataFrames.
        if record.mode.as_deref() == Some("dataframe") {
            assert!(matches!(record.outcome, Outcome::Skipped(_)), "{}: {:?}", record.id, record.outcome);
        } else {
            assert_verified(record);
        }
    }
}

#[test]
fn pods_daily_is_unsupported_where_sql_reads_no_json() {
    let Some((engine, program)) = with_server("polars", None) else { return };
    let (name, config) = twin(&engine, &program);
    let mut bench = Bench::cheap(&config, &format!("{name}/pods-daily")).env("TEST_WORKLOAD", "pods");
    bench.run();
    let reason = bench.record(&name).reason().unwrap().to_owned();
    assert!(reason.contains("json_extract"), "{reason}");
}

/// The labels that an engine gives back for these, a line item each.
fn labels(engine: &Entry, program: &Program, given: &[Option<&str>]) -> Result<BTreeSet<String>, String> {
    let folder = TempDir::new().unwrap();
    let (suite, dataset) = (Suite::read("pods").unwrap(), odd(folder.path(), given));
    let task = suite.task(&suite.queries[0], engine, Scale::ONE).unwrap();
    let (mut session, _scratch) = opened(program, None).unwrap();
    session.load(&dataset, true).unwrap();
    let failed = |failure: querydyno::host::session::Failure| failure.to_string();
    session.prepare(&task).map_err(failed)?;
    session.run(1).map_err(failed)?;
    let Shown::Rows(answer) = session.answer().map_err(failed)? else { panic!("a few rows have no sums") };
    assert_eq!(answer.rows.len(), given.len());
    Ok(answer.rows.into_iter().map(|row| row[3].clone().unwrap()).collect())
}

#[test_case("duckdb")]
#[test_case("datafusion")]
#[test_case("duckdb-wheel")]
#[test_case("datafusion-wheel")]
#[test_case("polars-wheel")]
#[test_case("daft")]
#[test_case("pandas")]
fn labels_of_any_letters_are_one_text_on(engine: &str) {
    let Some((engine, program)) = with_server(engine, None) else { return };
    let given = [
        None,
        Some(" { } "),
        Some(r#"{"team \"blue\"" : "a\tb\nc\rd\\N\/","größe":"übergroß", "gr" :"\u00fc"}"#),
        Some("{\"\\ud83d\\uDE80x\":\"\\u6771\\u4eac\",\"\":\"\\\\.\",\"z\":\"\\\\u0041\\\"\"}"),
        Some(r#"{"it's":"{not: json}, [1], \",\""}"#),
    ];
    let wanted = [
        "{}",
        r#"{"gr":"ü","größe":"übergroß","team \"blue\"":"a\tb\nc\rd\\N/"}"#,
        r#"{"":"\\.","z":"\\u0041\"","🚀x":"東京"}"#,
        r#"{"it's":"{not: json}, [1], \",\""}"#,
    ];
    let found = labels(&engine, &program, &given).unwrap();
    assert_eq!(found, wanted.into_iter().map(str::to_owned).collect::<BTreeSet<_>>());
    for broken in [r#"{"app": "a"#, "app=a", r#"{"app": "a\x"}"#] {
        let found = labels(&engine, &program, &[Some("{}"), Some(broken)]);
        assert!(found.is_err(), "{broken}: {found:?}");
    }
}
