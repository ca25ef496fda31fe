//! Odd tables, and queries over them on the engines that are there, beside one that knows what is right.

use std::collections::BTreeMap;
use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

use querydyno::host::bench::Bench;
use querydyno::host::paths;
use querydyno::host::record::Record;
use querydyno::host::settings::{OwnEngine, Settings};
use querydyno::host::suite::ColumnSpec;
use querydyno::host::verify::{Dispute, Verdict};
use querydyno::protocol::answer::{Answer, Column};
use tempfile::TempDir;

use super::{Bench as Started, catalog, entry, told};

/// Those that read Parquet by themselves; the last three with the same library.
pub const ENGINES: [&str; 5] = ["duckdb-wheel", "polars-wheel", "datafusion-wheel", "daft", "arrow"];
/// What `arrow` does not do.
const NOT_BY_ARROW: [&str; 2] = [" JOIN ", " GROUP BY "];
/// What the one is called that knows.
pub const TRUTH: &str = "truth";

/// The engines that are there.
pub fn installed() -> Vec<&'static str> {
    static FOUND: LazyLock<Vec<&str>> = LazyLock::new(|| {
        let catalog = catalog();
        let (found, absent): (Vec<&str>, Vec<&str>) =
            ENGINES.into_iter().partition(|name| catalog.entry(name).unwrap().find().is_some());
        if !absent.is_empty() {
            let absent = absent.join(" ");
            // Past the capture of a passing test's output: this is for everybody to see.
            let _ = writeln!(std::io::stderr(), "LEFT OUT: odd tables on {absent}; cargo xtask build {absent}");
        }
        found
    });
    FOUND.clone()
}

/// The engines that are there and can be asked this; whoever is asked has to answer.
pub fn able(sql: &str) -> Vec<&'static str> {
    let beyond = NOT_BY_ARROW.iter().any(|part| sql.contains(part));
    installed().into_iter().filter(|name| !beyond || *name != "arrow").collect()
}

/// The folder of all tables, written once for each version of their program; none without pyarrow, or with one engine.
pub fn tables() -> Option<&'static Path> {
    static FOLDER: LazyLock<Option<PathBuf>> = LazyLock::new(|| {
        let python = catalog().entry("polars-wheel").unwrap().find();
        let Some(python) = python.filter(|_| installed().len() >= 2) else {
            let _ = writeln!(std::io::stderr(), "LEFT OUT: odd tables; cargo xtask build {}", ENGINES.join(" "));
            return None;
        };
        Some(write(&python.path))
    });
    FOLDER.as_deref()
}

fn write(python: &Path) -> PathBuf {
    let program = paths::root().join("tests/programs/odd_tables.py");
    let mut hash = DefaultHasher::new();
    (fs::read(&program).unwrap(), python).hash(&mut hash);
    let folder = paths::own("odd-tables").join(format!("{:016x}", hash.finish()));
    if !folder.exists() {
        fs::create_dir_all(folder.parent().unwrap()).unwrap();
        let part = tempfile::tempdir_in(folder.parent().unwrap()).unwrap();
        let written = Command::new(python).args(["-I", "-B"]).arg(&program).arg(part.path()).output().unwrap();
        assert!(written.status.success(), "{}", String::from_utf8_lossy(&written.stderr));
        // Another process may have been faster.
        if fs::rename(part.path(), &folder).is_ok() {
            drop(part.keep());
        }
    }
    folder
}

/// An answer with columns of these types and rows such as `1|a`; `NULL` is one.
pub fn answer<R: AsRef<str>>(kinds: &str, rows: impl IntoIterator<Item = R>) -> Answer {
    let column = |(place, kind): (usize, &str)| {
        let spec = ColumnSpec::try_from(format!("c{place}:{kind}")).unwrap();
        Column { name: spec.name, kind: spec.kind }
    };
    let value = |text: &str| (text != "NULL").then(|| text.to_owned());
    Answer {
        columns: kinds.split(' ').enumerate().map(column).collect(),
        rows: rows.into_iter().map(|row| row.as_ref().split('|').map(value).collect()).collect(),
    }
}

/// The one number that a query gives.
pub fn number(value: u64) -> Answer {
    answer("int", [value.to_string()])
}

/// What each engine that is there says of a query over a table of that name or path.
pub fn ask(table: &str, sql: &str) -> Option<Vec<Record>> {
    run(able(sql), table, sql, None)
}

/// What these engines say of it.
pub fn ask_of(engines: &[&'static str], table: &str, sql: &str) -> Option<Vec<Record>> {
    run(engines.to_vec(), table, sql, None)
}

/// Asserts that all engines that are there agree with one that says this. Gives the records of the others.
#[track_caller]
pub fn assert_right(table: &str, sql: &str, truth: &Answer) -> Option<Vec<Record>> {
    let records = run(able(sql), table, sql, Some(truth))?;
    for record in &records {
        assert_agreed_with_truth(record);
    }
    Some(records.into_iter().filter(|record| record.id.engine != TRUTH).collect())
}

#[track_caller]
pub fn assert_agreed_with_truth(record: &Record) {
    let Some(Verdict::Agreed { components, dissent }) = &record.verdict else {
        panic!("{}: {:?} {:?}", record.id, record.verdict, record.reason());
    };
    assert!(components.iter().any(|name| name == TRUTH) && dissent.is_empty(), "{components:?} {dissent:?}");
}

/// What the engines are in dispute about; the same for each that answered.
#[track_caller]
pub fn dispute(records: &[Record]) -> Dispute {
    let mut disputes = records.iter().filter_map(|record| match &record.verdict {
        Some(Verdict::Disputed(dispute)) => Some(dispute.clone()),
        None => None,
        other => panic!("{}: {other:?}", record.id),
    });
    let first = disputes.next().unwrap_or_else(|| panic!("nobody answered: {:?}", reasons(records)));
    assert!(disputes.all(|other| other == first));
    assert!(records.iter().all(|record| !record.ranks()));
    first
}

pub fn reasons(records: &[Record]) -> Vec<String> {
    records.iter().map(|record| record.reason().unwrap_or_default().to_owned()).collect()
}

fn run(mut engines: Vec<&str>, table: &str, sql: &str, truth: Option<&Answer>) -> Option<Vec<Record>> {
    let table = tables()?.join(table);
    let folder = tempfile::tempdir_in(paths::target()).unwrap();
    let mut settings = Settings::read().unwrap();
    settings.home = folder.path().join(".querydyno");
    settings.target = folder.path().join("target");
    settings.metastore = None;
    if let Some(truth) = truth {
        let program = told::answering(&folder.path().join("truth.sh"), truth);
        let knows =
            OwnEngine { program: Some(program), components: Some(vec![TRUTH.to_owned()]), ..OwnEngine::default() };
        settings.engines.insert(TRUTH.to_owned(), knows);
        engines.push(TRUTH);
    }
    let bench = Bench::new().sql(sql).table(table.display().to_string()).engines(engines).runs(1);
    Some(bench.settings(settings).run().unwrap())
}

/// The same query in the bench as a program, for what its environment does; the engines are called `duckdb-wheel-test` and
/// so on. The folder has the one that knows, and goes when it is dropped.
pub fn start(
    table: &str,
    sql: &str,
    truth: Option<&Answer>,
    environment: &BTreeMap<&str, &str>,
) -> Option<(Started, TempDir)> {
    let table = tables()?.join(table);
    let catalog = catalog();
    let mut config = String::new();
    for name in able(sql) {
        let program = catalog.entry(name).unwrap().find().unwrap();
        config += &format!("{}like = '{name}'\n", entry(&format!("{name}-test"), &program));
    }
    let scripts = tempfile::tempdir().unwrap();
    if let Some(truth) = truth {
        let program = told::answering(&scripts.path().join("truth.sh"), truth);
        config += &format!("[engine.{TRUTH}]\nprogram = '{}'\ncomponents = ['{TRUTH}']\n", program.display());
    }
    let samples = ["--measurement-time", "0.01", "--warm-up-time", "0.01", "--noplot", "--nresamples", "1001"];
    let mut bench = Started::new(&config)
        .args(&[&format!("^({}-test|{TRUTH})/own-", able(sql).join("-test|"))])
        .args(&samples)
        .env("TEST_WORKLOAD", "own")
        .env("TABLE_NAME", &table.display().to_string())
        .env("QUERY", sql);
    for (name, value) in environment {
        bench = bench.env(name, value);
    }
    Some((bench, scripts))
}
