//! The engines that are clients of servers which `cargo xtask services up` starts: every query of TPC-H where one listens, a table whose
//! file is replaced, and what is said of a server that is not there or silent. Left out and named where no server listens, or the
//! program is not built.

mod common;

use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use arrow::array::{ArrayRef, Decimal128Array, Int64Array, RecordBatch};
use common::{Bench, assert_verified, entry, one_thread, served, text};
use parquet::arrow::ArrowWriter;
use querydyno::host::bench;
use querydyno::host::paths;
use querydyno::host::services::Service;
use querydyno::host::session::{Limits, Session};
use querydyno::host::settings::Settings;
use querydyno::host::suite::Suite;
use querydyno::host::verify::referee;
use querydyno::protocol::answer::{Answer, Column, Kind};
use querydyno::protocol::engine::EngineSettings;
use tempfile::TempDir;
use test_case::test_case;

#[test_case("spark@4.0.1", Service::Spark40)]
#[test_case("spark@3.5.7", Service::Spark35)]
#[test_case("trino", Service::Trino)]
fn all_22_queries_are_verified_where_a_server_listens(engine: &str, service: Service) {
    common::built(engine.split('@').next().unwrap());
    let Some((engine, program)) = served(engine, service) else { return };
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

/// Writes a table of so many rows in place of whatever is there, with numbers from `first` on.
fn write(file: &Path, first: i64) {
    let ids = first..first + 1000;
    let prices = Decimal128Array::from_iter_values(ids.clone().map(|id| i128::from(id % 97) * 25));
    let columns: [(&str, ArrayRef); 2] = [
        ("id", Arc::new(Int64Array::from_iter_values(ids))),
        ("price", Arc::new(prices.with_precision_and_scale(15, 2).unwrap())),
    ];
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    let mut writer = ArrowWriter::try_new(Vec::new(), batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    let beside = file.with_extension("new");
    fs::write(&beside, writer.into_inner().unwrap()).unwrap();
    fs::rename(&beside, file).unwrap();
}

/// A suite with one query of that file, and the answer that [`write`] makes right.
fn suite_of(file: &Path, first: i64) -> TempDir {
    let folder = TempDir::new().unwrap();
    fs::create_dir(folder.path().join("queries")).unwrap();
    let columns = [("n", Kind::Int), ("least", Kind::Int), ("ids", Kind::Int), ("prices", Kind::Decimal)];
    let toml = format!(
        "name = 'lab'\ntitle = 'a table that changes'\n[[table]]\nname = 't'\nsource = '{}'\n\
         [[query]]\nname = 'lab-sums'\ntitle = ''\ntables = ['t']\n\
         columns = ['n:int', 'least:int', 'ids:int', 'prices:decimal']\n",
        file.display()
    );
    fs::write(folder.path().join("suite.toml"), toml).unwrap();
    let sql = "SELECT count(*) AS n, min(id) AS least, sum(id) AS ids, sum(price) AS prices FROM t WHERE price > 0";
    fs::write(folder.path().join("queries/lab-sums.sql"), sql).unwrap();
    let ids: Vec<i64> = (first..first + 1000).filter(|id| id % 97 > 0).collect();
    let cents: i64 = ids.iter().map(|id| id % 97 * 25).sum();
    let row = [ids.len().to_string(), ids[0].to_string(), ids.iter().sum::<i64>().to_string()];
    let row = row.into_iter().chain([format!("{}.{:02}", cents / 100, cents % 100)]).map(Some).collect();
    let columns = columns.map(|(name, kind)| Column { name: name.to_owned(), kind }).to_vec();
    let read = Suite::read_from(folder.path()).unwrap();
    // Known without any engine; a reference takes three who say so.
    let sources = ["python 3", "by hand", "the writer"].map(str::to_owned).to_vec();
    let answer = Answer { columns, rows: vec![row] };
    referee::keep(&folder.path().join("answers/sf1"), &read, &read.queries[0], &answer, sources, None).unwrap();
    folder
}

#[test_case("spark@4.0.1", Service::Spark40)]
#[test_case("spark@3.5.7", Service::Spark35)]
#[test_case("spark-cluster", Service::SparkCluster)]
#[test_case("thunderduck", Service::Thunderduck)]
#[test_case("trino", Service::Trino)]
fn a_file_that_is_replaced_gives_the_answer_of_its_new_rows(engine: &str, service: Service) {
    let Some((engine, _)) = served(engine, service) else { return };
    let folder = tempfile::tempdir_in(paths::target()).unwrap();
    let file = folder.path().join("t.parquet");
    let mut settings = Settings::read().unwrap();
    settings.home = folder.path().join("querydyno");
    settings.target = folder.path().join("target");
    // Back again, too: what was right once may still be kept somewhere.
    for first in [1, 5001, 1] {
        write(&file, first);
        let suite = suite_of(&file, first);
        let bench = bench::Bench::new().suite(suite.path()).engines([engine.name.as_str()]).runs(2);
        let records = bench.settings(settings.clone()).run().unwrap();
        assert_eq!(records.len(), 1);
        assert_verified(&records[0]);
    }
}

/// What the engine says when it is opened with these variables.
fn refusal(engine: &str, variables: &[(&str, String)]) -> Option<String> {
    refusal_within(engine, variables, 2)
}

fn refusal_within(engine: &str, variables: &[(&str, String)], seconds: u64) -> Option<String> {
    let mut program = common::built(engine)?;
    program.env.extend(variables.iter().map(|(name, value)| ((*name).to_owned(), value.clone())));
    let folder = TempDir::new().unwrap();
    let limits = Limits {
        timeout: Duration::from_secs(20 + seconds),
        query_timeout: None,
        memory: None,
        told_memory: None,
        threads: 1,
        first_processor: None,
    };
    let mut session = Session::spawn(&program, limits, folder.path()).unwrap();
    Some(session.open(&EngineSettings { timeout_seconds: Some(seconds), ..one_thread() }).unwrap_err().to_string())
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

#[test_case("thunderduck", "THUNDERDUCK_URL", Service::Spark40, "is Spark 4.0")]
#[test_case("spark-cluster", "SPARK_REMOTE", Service::Spark40, "is one machine (local[")]
#[test_case("spark", "SPARK_REMOTE", Service::SparkCluster, "is a cluster (spark://")]
#[test_case("spark", "SPARK_REMOTE", Service::Thunderduck, "is no Spark")]
fn a_server_of_another_kind_is_refused_whatever_it_answers(engine: &str, variable: &str, there: Service, is: &str) {
    if served(engine, there).is_none() {
        return;
    }
    let first = there.ports()[0];
    let port = std::env::var(first.variable).unwrap_or_else(|_| first.default.to_string());
    let said = refusal_within(engine, &[(variable, format!("sc://127.0.0.1:{port}"))], 60).unwrap();
    assert!(said.contains(is) && said.contains(variable) && said.contains("services up"), "{said}");
}
