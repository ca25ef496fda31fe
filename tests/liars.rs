//! Engines that lie, each beside honest ones: every lie is a dispute, and none ever outvotes who is right. The liar is
//! `tests/programs/liar.py`, DuckDB for Python with spoiled results.

mod common;

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::Duration;

use common::{catalog, one_thread};
use querydyno::host::bench::Bench;
use querydyno::host::data::generate::Store;
use querydyno::host::data::tables;
use querydyno::host::paths::root;
use querydyno::host::record::Record;
use querydyno::host::session::{Limits, Program, Session};
use querydyno::host::settings::{OwnEngine, Settings};
use querydyno::host::suite::Suite;
use querydyno::host::verify::Verdict;
use querydyno::host::verify::{Testimony, judge};
use querydyno::protocol::answer::Shown;
use querydyno::protocol::dataset::Dataset;
use querydyno::protocol::id::Scale;
use tempfile::TempDir;

const HONEST: [&str; 4] = ["duckdb-wheel", "polars-wheel", "datafusion-wheel", "daft"];
const LIES: [&str; 8] = [
    "off_by_one",
    "off_by_a_cent",
    "float_off_by_one",
    "wrong_sums",
    "swapped_columns",
    "swapped_values",
    "truncated",
    "repeated",
];
const ROWS: u64 = 1_000_000;
const ALL_ROWS: &str = "SELECT id, a, b, amount, price FROM {t}";
const GROUPS: &str =
    "SELECT g, count(*) AS n, sum(a) AS a, sum(b) AS b, sum(amount) AS s, avg(price) AS p FROM {t} GROUP BY g";

/// Writes the table: whole numbers, money, doubles; no two rows are alike.
const TABLE: &str = "
import sys, pyarrow as pa, pyarrow.compute as pc, pyarrow.parquet as pq
rows = int(sys.argv[2])
ids = pa.array(range(rows), pa.int64())
money = pa.array([row * 7919 % 1_000_003 for row in range(rows)], pa.int64())
cents = pc.multiply(money.cast(pa.decimal128(19, 0)), pa.scalar(__import__('decimal').Decimal('0.01'), pa.decimal128(3, 2)))
columns = {
    'id': ids,
    'g': pa.array([row % 20 for row in range(rows)], pa.int32()),
    'a': pa.array([row * 31 % 1009 for row in range(rows)], pa.int64()),
    'b': pa.array([row * 17 % 2003 for row in range(rows)], pa.int64()),
    'amount': cents.cast(pa.decimal128(15, 2)),
    'price': pc.divide(money.cast(pa.float64()), 7.0),
}
pq.write_table(pa.table(columns), sys.argv[1])
";

/// The honest engines and the liars' Python, or a line that says what is left out.
fn honest() -> Option<BTreeMap<&'static str, Program>> {
    let find = |name| Some((name, catalog().entry(name).unwrap().find()?));
    let found: BTreeMap<&str, Program> = HONEST.into_iter().filter_map(find).collect();
    if found.len() == HONEST.len() {
        return Some(found);
    }
    // Past the capture of a passing test's output: this is for everybody to see.
    let _ = writeln!(std::io::stderr(), "LEFT OUT: engines that lie; cargo xtask build {}", HONEST.join(" "));
    None
}

fn components(engine: &str) -> Vec<String> {
    catalog().entry(engine).unwrap().components
}

fn liar(honest: &BTreeMap<&str, Program>, lie: &str) -> Program {
    let mut program = honest["duckdb-wheel"].clone();
    let engine = program.args.pop().unwrap();
    program.args.push(root().join("tests/programs/liar.py").display().to_string());
    program.env.extend([("LIAR".to_owned(), engine), ("LIE".to_owned(), lie.to_owned())]);
    program
}

/// A table of so many rows.
fn table(honest: &BTreeMap<&str, Program>, folder: &Path, rows: u64) -> PathBuf {
    let file = folder.join("t.parquet");
    let mut python = Command::new(&honest["polars-wheel"].path);
    let made = python.args(["-c", TABLE]).arg(&file).arg(rows.to_string()).status().unwrap();
    assert!(made.success());
    file
}

fn own(file: &Path, sql: &str) -> (Suite, Dataset) {
    let suite = Suite::adhoc(&[format!("t={}", file.display())], sql, None, Path::new("/")).unwrap();
    let settings = Settings::read().unwrap();
    let store = Store::new(settings.data.clone());
    let dataset = tables::make(&suite, &["t".to_owned()], Scale::ONE, "parquet", &settings, &store).unwrap();
    (suite, dataset)
}

fn answer(program: &Program, (suite, dataset): &(Suite, Dataset), scratch: &Path) -> Shown {
    let timeout = Duration::from_mins(2);
    let limits =
        Limits { timeout, query_timeout: None, memory: None, told_memory: None, threads: 1, first_processor: None };
    let mut session = Session::spawn(program, limits, scratch).unwrap();
    session.open(&one_thread()).unwrap();
    session.load(dataset, false).unwrap();
    session.prepare(&suite.text(&suite.queries[0], "canonical", Scale::ONE).unwrap()).unwrap();
    session.run(1).unwrap();
    session.answer().unwrap()
}

/// Everybody's answers to one query.
struct Answers {
    of: BTreeMap<String, Shown>,
    suite: Suite,
}

impl Answers {
    fn of(honest: &BTreeMap<&str, Program>, file: &Path, sql: &str) -> Self {
        let scratch = TempDir::new().unwrap();
        let own = own(file, sql);
        let liars = LIES.map(|lie| (lie.to_owned(), liar(honest, lie)));
        let honest = honest.iter().map(|(name, program)| ((*name).to_owned(), program.clone()));
        let programs: Vec<(String, Program)> = honest.chain(liars).collect();
        let half = programs.len().div_ceil(2);
        let of = thread::scope(|scope| {
            let work = programs.chunks(half).map(|programs| {
                let (own, scratch) = (&own, scratch.path());
                let answered = move |(name, program): &(String, Program)| (name.clone(), answer(program, own, scratch));
                scope.spawn(move || programs.iter().map(answered).collect::<Vec<_>>())
            });
            let work: Vec<_> = work.collect();
            work.into_iter().flat_map(|part| part.join().unwrap()).collect()
        });
        Self { of, suite: own.0 }
    }

    /// The verdicts on engines that are built on these components.
    fn judged(&self, said: &[(&str, &[&str])], accepts_majority: bool) -> Vec<Verdict> {
        let built_on: Vec<Vec<String>> =
            said.iter().map(|(_, components)| components.iter().map(|name| (*name).to_owned()).collect()).collect();
        let said = said.iter().map(|(engine, _)| *engine).zip(&built_on);
        let testimonies: Vec<Testimony<'_>> = said
            .map(|(engine, components)| Testimony {
                engine,
                components,
                answer: &self.of[engine],
                changed: None,
                cautions: &[],
            })
            .collect();
        judge(&self.suite.queries[0], "", &testimonies, accepts_majority)
    }

    /// Every lie beside every honest engine, and in every company that might make it the majority.
    fn assert_no_lie_stands(&self) {
        let all = HONEST.map(components);
        let built_on: Vec<Vec<&str>> = all.iter().map(|names| names.iter().map(String::as_str).collect()).collect();
        let honest: Vec<(&str, &[&str])> = HONEST.into_iter().zip(built_on.iter().map(Vec::as_slice)).collect();
        assert!(self.judged(&honest, false).iter().all(Verdict::verified), "{:?}", self.judged(&honest, false));
        for lie in LIES {
            let alone: (&str, &[&str]) = (lie, &["liar"]);
            for one in &honest {
                for with in [alone, (lie, one.1)] {
                    for said in [[*one, with], [with, *one]] {
                        let judged = self.judged(&said, true);
                        assert!(judged.iter().all(is_disputed), "{said:?}: {judged:?}");
                    }
                }
                for other in honest.iter().filter(|other| other.1 != one.1) {
                    // Three that lie alike on one component, which may be an honest engine's own, against two.
                    for component in [alone.1, one.1] {
                        let said = [(lie, component), (lie, component), (lie, component), *one, *other];
                        assert!(self.judged(&said, false).iter().all(is_disputed), "{said:?}");
                        let judged = self.judged(&said, true);
                        let (liars, honest) = judged.split_at(3);
                        assert!(liars.iter().all(is_disputed), "{said:?}: {judged:?}");
                        let accepted = |verdict: &Verdict| matches!(verdict, Verdict::Agreed { dissent, .. } if dissent == &[lie; 3]);
                        assert!(honest.iter().all(accepted), "{said:?}: {judged:?}");
                    }
                }
            }
        }
    }
}

fn is_disputed(verdict: &Verdict) -> bool {
    matches!(verdict, Verdict::Disputed(_)) && !verdict.verified()
}

#[test]
fn judge_finds_every_lie_in_a_million_rows() {
    let Some(honest) = honest() else { return };
    let folder = TempDir::new().unwrap();
    let answers = Answers::of(&honest, &table(&honest, folder.path(), ROWS), ALL_ROWS);
    assert!(answers.of.values().all(|shown| matches!(shown, Shown::Summary(_))));
    answers.assert_no_lie_stands();
}

#[test]
fn judge_finds_every_lie_in_a_few_rows() {
    let Some(honest) = honest() else { return };
    let folder = TempDir::new().unwrap();
    let answers = Answers::of(&honest, &table(&honest, folder.path(), 1000), GROUPS);
    assert!(answers.of.values().all(|shown| matches!(shown, Shown::Rows(_))));
    answers.assert_no_lie_stands();
}

/// Runs the bench over honest engines and liars, which are votes of their own unless a component is given.
fn run(
    honest: &BTreeMap<&str, Program>,
    named: &[&str],
    lies: &[(&str, Option<&str>)],
    (file, sql): (&Path, &str),
    accepts_majority: bool,
) -> Vec<Record> {
    let folder = tempfile::tempdir_in(querydyno::host::paths::target()).unwrap();
    let mut settings = Settings::read().unwrap();
    settings.home = folder.path().join(".querydyno");
    settings.target = folder.path().join("target");
    settings.metastore = None;
    settings.accept_majority = accepts_majority;
    for (lie, component) in lies {
        let Program { path, args, env, .. } = liar(honest, lie);
        let components = Some(vec![component.unwrap_or(lie).to_owned()]);
        let own = OwnEngine { program: Some(path), args, env, components, ..OwnEngine::default() };
        settings.engines.insert(lie.replace('_', "-"), own);
    }
    let engines = named.iter().map(|name| (*name).to_owned()).chain(lies.iter().map(|(lie, _)| lie.replace('_', "-")));
    let table = format!("t={}", file.display());
    Bench::new().sql(sql).table(table).engines(engines).runs(1).settings(settings).run().unwrap()
}

fn verdict<'a>(records: &'a [Record], engine: &str) -> &'a Verdict {
    let record = records.iter().find(|record| record.id.engine == engine).unwrap();
    record.verdict.as_ref().unwrap_or_else(|| panic!("{}: {:?}", record.id, record.reason()))
}

#[test]
fn bench_disputes_all_where_one_lies_and_shows_who_says_what() {
    let Some(honest) = honest() else { return };
    let folder = TempDir::new().unwrap();
    let file = table(&honest, folder.path(), 1000);
    let lies = LIES.map(|lie| (lie, None));
    let records = run(&honest, &HONEST, &lies, (&file, GROUPS), false);
    assert_eq!(records.len(), HONEST.len() + LIES.len());
    for record in &records {
        let Some(Verdict::Disputed(dispute)) = &record.verdict else { panic!("{:?}", record.verdict) };
        assert!(!record.verified());
        // Four on three components come first; no liar is among them.
        let first: BTreeSet<&str> = dispute.groups[0].iter().map(String::as_str).collect();
        assert_eq!(first, HONEST.into(), "{:?}", dispute.groups);
    }
    let records = run(&honest, &HONEST, &lies, (&file, GROUPS), true);
    for engine in HONEST {
        let Verdict::Agreed { dissent, .. } = verdict(&records, engine) else { panic!("{engine}") };
        assert_eq!(dissent.len(), LIES.len());
    }
    assert!(LIES.iter().all(|lie| is_disputed(verdict(&records, &lie.replace('_', "-")))));
}

#[test]
fn bench_disputes_one_wrong_row_of_a_million_and_shows_it() {
    let Some(honest) = honest() else { return };
    let folder = TempDir::new().unwrap();
    let file = table(&honest, folder.path(), ROWS);
    // On the component of the honest engine that it goes by.
    let lies = [("off_by_a_cent", Some("duckdb"))];
    let records = run(&honest, &["duckdb-wheel", "polars-wheel"], &lies, (&file, ALL_ROWS), true);
    for engine in ["duckdb-wheel", "polars-wheel"] {
        let Verdict::Agreed { dissent, .. } = verdict(&records, engine) else { panic!("{engine}") };
        assert_eq!(dissent, &["off-by-a-cent"]);
    }
    let Verdict::Disputed(dispute) = verdict(&records, "off-by-a-cent") else { panic!("no dispute") };
    // Row 333,333: 333333 * 7919 % 1000003 cents.
    assert!(dispute.difference.contains("amount") && dispute.difference.contains("333333"), "{}", dispute.difference);
}
