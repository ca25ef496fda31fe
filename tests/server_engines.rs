//! The engines `spark` and `trino`, whose servers are started by `cargo xtask services up`: every query of TPC-H where one listens, and
//! what is said of one that is not there or silent. Left out and named where no server listens, or the program is not built.

mod common;

use std::io::Write;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

use common::{Bench, assert_verified, catalog, entry, one_thread, text};
use querydyno::host::session::{Limits, Session};
use querydyno::protocol::engine::EngineSettings;
use tempfile::TempDir;
use test_case::test_case;

#[test_case("spark@4.0.1", 15400)]
#[test_case("spark@3.5.7", 15350)]
#[test_case("trino", 18080)]
fn all_22_queries_are_verified_where_a_server_listens(engine: &str, port: u16) {
    common::built(engine.split('@').next().unwrap());
    let engine = catalog().entry(engine).unwrap();
    let listens = TcpStream::connect_timeout(&SocketAddr::from(([127, 0, 0, 1], port)), Duration::from_secs(1)).is_ok();
    let Some(program) = engine.find().filter(|_| listens) else {
        let _ = writeln!(std::io::stderr(), "LEFT OUT: {}, no server on port {port} or no program", engine.name);
        return;
    };
    let config = entry("served", &program) + &format!("dialect = '{}'\n", engine.dialect);
    let mut bench = Bench::cheap(&config, "^served/.*/parquet$");
    let output = bench.run();
    assert!(output.status.success(), "{}", text(&output));
    let records = bench.records();
    assert_eq!(records.len(), 22);
    for record in records {
        assert_verified(&record);
    }
}

/// What the engine says when it is opened with these variables.
fn refusal(engine: &str, variables: &[(&str, String)]) -> Option<String> {
    let mut program = common::built(engine)?;
    program.env.extend(variables.iter().map(|(name, value)| ((*name).to_owned(), value.clone())));
    let folder = TempDir::new().unwrap();
    let limits = Limits {
        timeout: Duration::from_secs(20),
        query_timeout: None,
        memory: None,
        told_memory: None,
        threads: 1,
        first_processor: None,
    };
    let mut session = Session::spawn(&program, limits, folder.path()).unwrap();
    Some(session.open(&EngineSettings { timeout_seconds: Some(2), ..one_thread() }).unwrap_err().to_string())
}

#[test_case("spark", "SPARK_REMOTE", "sc", "services up spark-4.0")]
#[test_case("trino", "TRINO_URL", "http", "services up trino")]
fn a_server_that_is_not_there_or_silent_is_told_apart(engine: &str, variable: &str, scheme: &str, advice: &str) {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let Some(nobody) = refusal(engine, &[(variable, format!("{scheme}://127.0.0.1:{free}"))]) else { return };
    assert!(nobody.contains(&format!("no server answers at 127.0.0.1:{free}")) && nobody.contains(advice), "{nobody}");
    let port = silent.local_addr().unwrap().port();
    let stalled = refusal(engine, &[(variable, format!("{scheme}://127.0.0.1:{port}"))]).unwrap();
    assert!(stalled.contains("did not answer within 1 s") && stalled.contains("QUERYDYNO_TIMEOUT"), "{stalled}");
    let odd = refusal(engine, &[(variable, "127.0.0.1".to_owned())]).unwrap();
    assert!(odd.contains(&format!("{variable} is no address")), "{odd}");
}
