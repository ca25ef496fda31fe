//! Tables that another client wrote, pyiceberg: every engine reads each of them right, or refuses it and says why.
//!
//! The writer has a Python environment of its own, which only `TEST_INSTALLS=1 cargo test --test iceberg` makes. Where
//! `HIVE_METASTORE_URI` is set, the same goes through that metastore: `eval "$(cargo xtask services up hive)"`.

mod common;

use std::fs;
use std::io::Write;
use std::process::Command;
use std::sync::OnceLock;

use common::{slow, text};
use querydyno::host::bench::Bench;
use querydyno::host::catalog::{Catalog, Recipe};
use querydyno::host::paths::root;
use querydyno::host::record::Record;
use querydyno::host::services::Service;
use querydyno::host::settings::{OwnEngine, Settings};
use querydyno::host::suite::Suite;
use querydyno::host::verify::referee;
use querydyno::protocol::answer::{Answer, Column, Kind};
use serde::Deserialize;
use tempfile::TempDir;

/// A table that the writer made, and the rows that it has.
#[derive(Debug, Clone, Deserialize)]
struct Written {
    table: String,
    metadata: String,
    #[serde(flatten)]
    now: Content,
    before: Content,
}

#[derive(Debug, Clone, Deserialize)]
struct Content {
    /// None: the current one.
    snapshot: Option<i64>,
    columns: Vec<String>,
    #[serde(default)]
    kinds: Vec<Option<Kind>>,
    rows: Vec<Vec<Option<String>>>,
}

/// What only a reader of Iceberg gets right: engines that read files refuse it, with a word of the reason.
const REFUSED: [(&str, &str); 9] = [
    ("renamed", "renamed"),
    ("swapped", "renamed"),
    ("promoted", "is long now and int in"),
    ("readded", "which was dropped"),
    ("position_deletes", "delete files"),
    ("shared_deletes", "delete files"),
    ("equality_deletes", "delete files"),
    ("imported_renamed", "no field ids"),
    ("emptied", "no data files"),
];
/// Engines that read the files, and those with a reader of Iceberg.
const BY_FILES: [&str; 3] = ["duckdb", "datafusion", "polars"];
const BY_READER: [&str; 2] = ["daft", "polars-wheel"];
/// Servers with a reader of Iceberg, where one listens.
const BY_SERVER: [(&str, Service); 2] = [("spark@4.0.1", Service::Spark40), ("spark@3.5.7", Service::Spark35)];

fn left_out(why: &str) {
    let _ = writeln!(std::io::stderr(), "LEFT OUT: {why}");
}

/// The tables, written once for all tests; nothing where the writer's environment is not there.
fn written(metastore: Option<&str>) -> Option<(Vec<Written>, TempDir)> {
    let mut settings = Settings::read().unwrap();
    let writer = OwnEngine {
        script: Some("tests/programs/iceberg_tables.py".into()),
        requirements: vec!["pyiceberg[sql-sqlite,hive,pyarrow,pyiceberg-core]==0.12.0".to_owned()],
        ..OwnEngine::default()
    };
    settings.engines.insert("iceberg-writer".to_owned(), writer);
    let entry = Catalog::read(&settings).unwrap().entry("iceberg-writer").unwrap();
    let program =
        if std::env::var_os("TEST_INSTALLS").is_some() { Some(entry.program().unwrap()) } else { entry.find() };
    let Some(program) = program else {
        left_out("the writer of Iceberg tables is not installed; TEST_INSTALLS=1 cargo test --release --test iceberg");
        return None;
    };
    let folder = TempDir::new().unwrap();
    let output = Command::new(program.path)
        .args(program.args)
        .arg(folder.path())
        .args(metastore)
        .envs(program.env)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", text(&output));
    let lines = String::from_utf8(output.stdout).unwrap();
    Some((lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect(), folder))
}

/// A suite whose queries read these tables whole, with the right answers beside them.
fn suite(tables: &[(String, String, Content)]) -> TempDir {
    let folder = TempDir::new().unwrap();
    fs::create_dir(folder.path().join("queries")).unwrap();
    let mut toml = "name = 'lab'\ntitle = 'by another client'\n".to_owned();
    for (name, source, content) in tables {
        let columns: Vec<String> =
            columns(content).iter().map(|column| format!("'{}:{}'", column.name, word(column.kind))).collect();
        toml += &format!("[[table]]\nname = 't_{name}'\nsource = '{source}'\n");
        toml += &format!(
            "[[query]]\nname = 'lab-{name}'\ntitle = ''\ntables = ['t_{name}']\ncolumns = [{}]\n",
            columns.join(", ")
        );
        let sql = format!("SELECT {} FROM t_{name}", content.columns.join(", "));
        fs::write(folder.path().join(format!("queries/lab-{name}.sql")), sql).unwrap();
    }
    fs::write(folder.path().join("suite.toml"), toml).unwrap();
    let read = Suite::read_from(folder.path()).unwrap();
    for ((_, _, content), query) in tables.iter().zip(&read.queries) {
        let answer = Answer { columns: columns(content), rows: content.rows.clone() };
        let answers = folder.path().join("answers/sf1");
        // Known without any engine; a reference takes three who say so.
        let sources = ["python 3", "by hand", "the writer"].map(str::to_owned).to_vec();
        referee::keep(&answers, &read, query, &answer, sources, None).unwrap();
    }
    folder
}

fn columns(content: &Content) -> Vec<Column> {
    let columns = content.columns.iter().zip(&content.kinds);
    columns.map(|(name, kind)| Column { name: name.clone(), kind: kind.unwrap() }).collect()
}

fn word(kind: Kind) -> String {
    serde_json::to_value(kind).unwrap().as_str().unwrap().to_owned()
}

fn built(names: &[&'static str]) -> Vec<&'static str> {
    let catalog = common::catalog();
    let (there, gone): (Vec<_>, Vec<_>) = names.iter().partition(|name| catalog.entry(name).unwrap().find().is_some());
    if !gone.is_empty() {
        left_out(&format!("{} are not built: cargo xtask build {}", gone.join(", "), gone.join(" ")));
    }
    there
}

fn run(folder: &TempDir, metastore: Option<&str>) -> Vec<Record> {
    static OWN: OnceLock<TempDir> = OnceLock::new();
    let own = OWN.get_or_init(|| tempfile::tempdir_in(querydyno::host::paths::target()).unwrap());
    let mut settings = Settings::read().unwrap();
    settings.home = own.path().join("querydyno");
    settings.target = own.path().join("target");
    settings.metastore = metastore.map(str::to_owned);
    let (served, silent): (Vec<_>, Vec<_>) = BY_SERVER.into_iter().partition(|(_, service)| common::listens(*service));
    for (engine, service) in silent {
        left_out(&format!("{engine}: no server listens; cargo xtask services up {service}"));
    }
    let served = built(&served.into_iter().map(|(engine, _)| engine).collect::<Vec<_>>());
    let engines: Vec<_> = built(&BY_FILES).into_iter().chain(built(&BY_READER)).chain(served).collect();
    if engines.is_empty() {
        return Vec::new();
    }
    Bench::new().suite(folder.path()).engines(engines).runs(1).settings(settings).run().unwrap()
}

/// Every cell is right, or refused for a reason; by files exactly those that have to be, and by Spark none.
fn judge(records: &[Record]) {
    for record in records {
        let (engine, name) =
            (record.id.engine.as_str(), record.id.query.trim_start_matches("lab-").trim_end_matches("-before"));
        let reason = record.reason().unwrap_or_default();
        let refused = REFUSED.iter().find(|(table, _)| *table == name && !record.id.query.ends_with("-before"));
        match (BY_FILES.contains(&engine), refused) {
            (true, Some((_, why))) => {
                assert_eq!(record.outcome.word(), "skipped", "{}: {reason}", record.id);
                assert!(reason.starts_with("unsupported") && reason.contains(why), "{}: {reason}", record.id);
            }
            (true, None) => {
                assert_eq!(record.outcome.word(), "measured", "{}: {reason}", record.id);
                assert!(record.verified(), "{}: {:?}", record.id, record.verdict);
                assert!(record.planning.as_ref().is_some_and(|planning| planning.planning_ns > 0));
            }
            (false, _) if record.is_measured() || engine.starts_with("spark") => {
                assert!(record.verified(), "{}: {:?}, {reason}", record.id, record.verdict);
            }
            (false, _) => assert!(reason.starts_with("unsupported"), "{}: {reason}", record.id),
        }
    }
}

#[test]
fn tables_of_another_client_are_read_right_or_refused() {
    let Some((written, _data)) = written(None) else { return };
    let comparable = written.iter().filter(|table| table.now.kinds.iter().all(Option::is_some));
    let tables: Vec<_> = comparable
        .map(|table| (table.table.trim_start_matches("lab.").to_owned(), table.metadata.clone(), table.now.clone()))
        .collect();
    assert!(REFUSED.iter().all(|(name, _)| tables.iter().any(|(table, _, _)| table == name)));
    let records = run(&suite(&tables), None);
    judge(&records);
    let right = records.iter().filter(|record| record.is_measured()).count();
    assert!(records.is_empty() || right * 2 > records.len(), "{right} of {}", records.len());
}

#[test]
fn a_metastore_gives_the_same_tables_and_what_they_were_before() {
    let Ok(metastore) = std::env::var("HIVE_METASTORE_URI") else {
        return left_out("HIVE_METASTORE_URI is not set; eval \"$(cargo xtask services up hive)\"");
    };
    let Some((written, _data)) = written(Some(&metastore)) else { return };
    let mut tables = Vec::new();
    for table in written.iter().filter(|table| table.now.kinds.iter().all(Option::is_some)) {
        let name = table.table.trim_start_matches("lab.");
        if ["added", "dropped", "deleted", "renamed", "position_deletes"].contains(&name) {
            // What it was before has columns of its own; their kinds are known where they are still there.
            let kinds = table.before.columns.iter().map(|column| {
                let place = table.now.columns.iter().position(|now| now == column);
                place.map_or(Some(Kind::Text), |place| table.now.kinds[place])
            });
            let before = Content { kinds: kinds.collect(), ..table.before.clone() };
            tables.push((name.to_owned(), table.table.clone(), table.now.clone()));
            tables.push((
                format!("{name}-before").replace('-', "_"),
                format!("{}@{}", table.table, table.before.snapshot.unwrap()),
                before,
            ));
        }
    }
    let records = run(&suite(&tables), Some(&metastore));
    for record in &records {
        assert!(record.planning.as_ref().is_none_or(|planning| planning.catalog == metastore));
    }
    let now: Vec<Record> = records.iter().filter(|record| !record.id.query.ends_with("_before")).cloned().collect();
    judge(&now);
    for record in records.iter().filter(|record| record.id.query.ends_with("_before")) {
        let right = record.is_measured() && record.verified();
        let refused = record.reason().is_some_and(|reason| reason.starts_with("unsupported"));
        assert!(
            right || (refused && !BY_FILES.contains(&record.id.engine.as_str())),
            "{}: {:?}",
            record.id,
            record.reason()
        );
    }
}

#[test]
fn a_metastore_that_is_not_there_costs_each_engine_one_line() {
    if !Recipe::iceberg().program().path.is_file() && !slow::wanted("Iceberg tables, whose program is not built") {
        return;
    }
    let engine = common::faulty("one");
    let folder = tempfile::tempdir_in(querydyno::host::paths::target()).unwrap();
    let mut settings = Settings::read().unwrap();
    settings.home = folder.path().join("querydyno");
    settings.target = folder.path().join("target");
    // Port 1 is nobody's.
    settings.metastore = Some("thrift://127.0.0.1:1".to_owned());
    let own = OwnEngine { program: Some(engine.path), args: engine.args, ..OwnEngine::default() };
    settings.engines.insert("one".to_owned(), own);
    let bench = Bench::new().sql("SELECT count(*) FROM {table}").table("sales.transactions");
    let records = bench.engines(["one"]).runs(1).settings(settings).run().unwrap();
    let reason = records[0].reason().unwrap();
    assert_eq!(records[0].outcome.word(), "failed");
    assert!(reason.contains("no Hive Metastore answers") && reason.contains("services up hive"), "{reason}");
    assert!(!reason.contains('\n') && root().is_dir());
}
