//! What servers, other clients of them and gateways in front of them may do to an answer or its time: digits of a second that are cut, rows
//! from what another session keeps in memory, a statement that is sent twice. Left out and named where no server listens, or the program
//! is not built.

mod common;
#[path = "common/gateway.rs"]
mod gateway;

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use arrow::array::{ArrayRef, Int64Array, RecordBatch, TimestampMicrosecondArray};
use common::{listens, one_thread, served};
use gateway::{Gateway, Rule};
use parquet::arrow::ArrowWriter;
use querydyno::host::data::generate::Store;
use querydyno::host::data::tables;
use querydyno::host::paths;
use querydyno::host::services::Service;
use querydyno::host::session::{Limits, Program, Session};
use querydyno::host::settings::Settings;
use querydyno::host::suite::Suite;
use querydyno::protocol::answer::{Answer, Kind, Shown};
use querydyno::protocol::dataset::Dataset;
use querydyno::protocol::engine::EngineSettings;
use querydyno::protocol::id::Scale;
use querydyno::protocol::task::Task;
use tempfile::TempDir;
use test_case::test_case;

/// 2024-03-31 01:30:00 in UTC, a time that clocks in Berlin skip, in microseconds.
const SKIPPED: i64 = 1_711_848_600_000_000;

/// Writes a table with these times.
fn write(file: &Path, times: &[i64]) {
    let columns: [(&str, ArrayRef); 2] = [
        ("id", Arc::new(Int64Array::from_iter_values(0..i64::try_from(times.len()).unwrap()))),
        ("at", Arc::new(TimestampMicrosecondArray::from(times.to_vec()))),
    ];
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    let mut writer = ArrowWriter::try_new(Vec::new(), batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    fs::write(file, writer.into_inner().unwrap()).unwrap();
}

fn dataset(file: &Path) -> Dataset {
    let table = format!("t={}", file.display());
    let suite = Suite::adhoc(&[table], "SELECT * FROM {t}", None, Path::new("/")).unwrap();
    let settings = Settings::read().unwrap();
    let store = Store::new(settings.data.clone());
    tables::make(&suite, &["t".to_owned()], Scale::ONE, "parquet", &settings, &store).unwrap()
}

/// A session that is open, with a folder of its own for scratch.
fn session(program: &Program, scratch: &Path) -> Result<Session, String> {
    let timeout = Duration::from_mins(2);
    let limits =
        Limits { timeout, query_timeout: None, memory: None, told_memory: None, threads: 1, first_processor: None };
    let mut session = Session::spawn(program, limits, scratch).unwrap();
    // A server is not asked for with other threads than it has.
    let settings = EngineSettings { threads: Settings::read().unwrap().threads[0], ..one_thread() };
    session.open(&settings).map_err(|failure| failure.to_string())?;
    Ok(session)
}

fn answer(session: &mut Session, sql: &str) -> Result<Answer, String> {
    session.prepare(&Task::select("own", "own", sql)).map_err(|failure| failure.to_string())?;
    session.run(1).map_err(|failure| failure.to_string())?;
    match session.answer().map_err(|failure| failure.to_string())? {
        Shown::Rows(answer) => Ok(answer),
        Shown::Summary(_) => Err("it is summed up".to_owned()),
    }
}

/// A folder that servers see, and where hard links to its files can be made.
fn folder() -> TempDir {
    fs::create_dir_all(paths::own("scratch")).unwrap();
    tempfile::tempdir_in(paths::own("scratch")).unwrap()
}

#[test_case("spark@4.0.1", Service::Spark40)]
#[test_case("spark@3.5.7", Service::Spark35)]
#[test_case("thunderduck", Service::Thunderduck)]
#[test_case("trino", Service::Trino)]
fn a_time_keeps_its_microseconds_and_its_zone(engine: &str, service: Service) {
    let Some((_, program)) = served(engine, service) else { return };
    let folder = folder();
    let file = folder.path().join("t.parquet");
    // Rounded to milliseconds, the second would be the next second and the last the first of 1970.
    write(&file, &[SKIPPED + 123_456, SKIPPED + 999_999, -1]);
    let mut session = session(&program, folder.path()).unwrap();
    session.load(&dataset(&file), true).unwrap();
    let answer = answer(&mut session, "SELECT id, at FROM t ORDER BY id").unwrap();
    assert_eq!(answer.columns[1].kind, Kind::Timestamp);
    let times: Vec<&str> = answer.rows.iter().map(|row| row[1].as_deref().unwrap()).collect();
    assert_eq!(times, ["2024-03-31 01:30:00.123456", "2024-03-31 01:30:00.999999", "1969-12-31 23:59:59.999999"]);
}

#[test_case("spark@4.0.1", Service::Spark40)]
#[test_case("spark@3.5.7", Service::Spark35)]
fn what_another_session_keeps_in_memory_is_not_measured(engine: &str, service: Service) {
    let Some((_, program)) = served(engine, service) else { return };
    let folder = folder();
    let file = folder.path().join("t.parquet");
    write(&file, &[1, 2, 3]);
    let mut other = session(&program, folder.path()).unwrap();
    other.load(&dataset(&file), true).unwrap();
    // The server does what the text says when it looks at it.
    let keeps = |session: &mut Session, sql: &str| drop(answer(session, sql));
    keeps(&mut other, "CACHE TABLE t");
    write(&file, &[10, 20, 30]);
    let mut ours = session(&program, folder.path()).unwrap();
    let refusal = ours.load(&dataset(&file), true).map_err(|failure| failure.to_string());
    keeps(&mut other, "UNCACHE TABLE t");
    let refusal = refusal.unwrap_err();
    assert!(refusal.contains("keeps table t in memory") && refusal.contains("CLEAR CACHE"), "{refusal}");
    // A part of a query, too.
    let mut ours = session(&program, folder.path()).unwrap();
    ours.load(&dataset(&file), true).unwrap();
    keeps(&mut other, "CACHE TABLE sums AS SELECT sum(id) AS ids FROM t");
    let part = answer(&mut ours, "SELECT sum(id) AS ids FROM t");
    keeps(&mut other, "UNCACHE TABLE sums");
    let refusal = part.unwrap_err();
    assert!(refusal.contains("keeps a part of the query in memory"), "{refusal}");
    assert_eq!(answer(&mut ours, "SELECT sum(id) AS ids FROM t").unwrap().rows, [[Some("3".to_owned())]]);
}

/// Trino's program, asking the gateway.
fn asking(gateway: &Gateway) -> Option<Program> {
    let (_, mut program) = served("trino", Service::Trino)?;
    program.env.extend([("TRINO_URL".to_owned(), format!("http://127.0.0.1:{}", gateway.port))]);
    Some(program)
}

fn gateway(rule: Rule) -> Option<Gateway> {
    listens(Service::Trino).then(|| Gateway::before(&Service::Trino.ports()[0], rule))
}

#[test_case(502)]
#[test_case(503)]
#[test_case(504)]
fn a_statement_that_may_run_already_is_not_sent_again(status: u16) {
    let rule = Rule { method: "POST", status, retry_after: None, still_forwards: true };
    let Some(gateway) = gateway(rule) else { return };
    let Some(program) = asking(&gateway) else { return };
    let folder = folder();
    let refusal = session(&program, folder.path()).err().unwrap();
    assert!(refusal.contains(&format!("status {status}")) && refusal.contains("not sent again"), "{refusal}");
    assert_eq!(gateway.forwarded("POST"), 1);
}

#[test]
fn a_statement_that_was_refused_waits_as_long_as_the_gateway_says() {
    let rule = Rule { method: "POST", status: 429, retry_after: Some(1), still_forwards: false };
    let Some(gateway) = gateway(rule) else { return };
    let Some(program) = asking(&gateway) else { return };
    let folder = folder();
    let start = Instant::now();
    session(&program, folder.path()).unwrap();
    assert!(start.elapsed() >= Duration::from_secs(1), "{:?}", start.elapsed());
    assert_eq!(gateway.forwarded("POST"), 1);
}

#[test]
fn a_page_is_asked_for_again() {
    let rule = Rule { method: "GET", status: 503, retry_after: None, still_forwards: false };
    let Some(gateway) = gateway(rule) else { return };
    let Some(program) = asking(&gateway) else { return };
    let folder = folder();
    session(&program, folder.path()).unwrap();
    assert!(gateway.refused() == 1 && gateway.forwarded("POST") == 1);
}
