//! Queries and suites of one's own, by the library and by the bench: who agrees, who does not, what one failure costs the
//! others. Engines whose programs are not there are left out and named.

mod common;

use std::collections::BTreeSet;
use std::io::Write;

use common::{Bench as Started, catalog, data, entry, faulty, real, text};
use querydyno::host::bench::Bench;
use querydyno::host::data::generate::Store;
use querydyno::host::paths::root;
use querydyno::host::record::{self, Record};
use querydyno::host::report::Conditions;
use querydyno::host::session::Program;
use querydyno::host::settings::{OwnEngine, SettingSource, Settings};
use querydyno::host::suite::Suite;
use querydyno::host::verify::Verdict;
use tempfile::TempDir;

const COUNT: &str = "SELECT count(*) FROM {table}";

/// Parquet files that are there.
fn nations() -> String {
    let tpch = Suite::read("tpch").unwrap();
    let dataset =
        Store::new(data()).ensure(&tpch, "0.001".parse().unwrap(), "parquet", &["nation".to_owned()]).unwrap();
    dataset.tables[0].paths().unwrap()[0].with_file_name("*.parquet").display().to_string()
}

/// Settings with these engines beside those of the table, and a home of their own.
fn settings(engines: &[(&str, Program)]) -> (Settings, TempDir) {
    let folder = tempfile::tempdir_in(querydyno::host::paths::target()).unwrap();
    let mut settings = Settings::read().unwrap();
    settings.home = folder.path().join(".querydyno");
    settings.target = folder.path().join("target");
    settings.metastore = None;
    for (name, program) in engines {
        let own = OwnEngine {
            program: Some(program.path.clone()),
            args: program.args.clone(),
            env: program.env.clone(),
            components: Some(vec![(*name).to_owned()]),
            ..OwnEngine::default()
        };
        settings.engines.insert((*name).to_owned(), own);
    }
    (settings, folder)
}

/// A bench over engines that go wrong in the ways they are called, which are as many independent engines.
fn bench(faults: &[&str]) -> (Bench, TempDir) {
    let engines: Vec<_> = faults.iter().map(|fault| (*fault, faulty(fault))).collect();
    let (settings, folder) = settings(&engines);
    (Bench::new().engines(faults.iter().copied()).settings(settings).runs(3), folder)
}

fn of<'a>(records: &'a [Record], engine: &str) -> &'a Record {
    records.iter().find(|record| record.id.engine == engine).unwrap_or_else(|| panic!("no record of {engine}"))
}

fn agreed(record: &Record) -> bool {
    matches!(&record.verdict, Some(Verdict::Agreed { components, .. }) if components.len() == 2)
}

fn reason(record: &Record) -> &str {
    record.reason().unwrap_or_default()
}

#[test]
fn engines_that_agree_on_an_own_query_vouch_for_each_other() {
    let (bench, folder) = bench(&["one", "two"]);
    let records = bench.sql(COUNT).table(nations()).run().unwrap();
    assert_eq!(records.len(), 2);
    for record in &records {
        assert!(agreed(record), "{}: {:?}", reason(record), record.verdict);
        assert_eq!((record.samples_ns().len(), record.parallel), (3, 1));
        // The verifying run, and then some.
        assert!(record.measurement().unwrap().warm_up_ns.len() >= 2, "{:?}", record.measurement());
        assert!(
            record.id.query.starts_with("own-") && record.id.to_string().ends_with("/sf1/parquet"),
            "{}",
            record.id
        );
        assert_eq!((record.dataset.suite.as_str(), record.rows), ("own", Some(1)));
        assert_eq!(record.dataset.sha256.as_ref().map(String::len), Some(64));
    }
    let files = std::fs::read_dir(folder.path().join(".querydyno/records")).unwrap().flatten();
    let kept: Vec<Record> = files.flat_map(|file| record::read(&file.path()).unwrap()).collect();
    let told = |records: &[Record]| -> Vec<_> {
        records.iter().map(|record| (record.id.clone(), record.verdict.clone(), record.samples_ns().to_vec())).collect()
    };
    assert_eq!(told(&kept), told(&records));
    assert!(kept.iter().all(|record| record.run_id.is_some() && record.run_id == records[0].run_id));
    // Three samples are none for Criterion.
    assert!(!folder.path().join("target/criterion").exists());
}

#[test]
fn ten_runs_are_kept_by_criterion_too() {
    let (bench, folder) = bench(&["one", "two"]);
    let records = bench.sql(COUNT).table(nations()).name("count").runs(10).run().unwrap();
    let query = &records[0].id.query;
    assert!(query.starts_with("own-count-") && query.len() == "own-count-".len() + 8, "{query}");
    let kept = folder.path().join(format!("target/criterion/one_{query}_sf1/parquet/new/sample.json"));
    let sample: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(kept).unwrap()).unwrap();
    let times: Vec<f64> = serde_json::from_value(sample["times"].clone()).unwrap();
    assert_eq!(times, records[0].samples_ns());
}

#[test]
fn one_that_says_another_thing_is_a_dispute_and_the_row_is_shown() {
    let (bench, _folder) = bench(&["one", "loop", "two"]);
    let records = bench.sql(COUNT).table(nations()).run().unwrap();
    for record in &records {
        let Some(Verdict::Disputed(dispute)) = &record.verdict else { panic!("{:?}", record.verdict) };
        assert_eq!(dispute.groups, [vec!["one".to_owned(), "two".to_owned()], vec!["loop".to_owned()]]);
        assert!(dispute.difference.contains("row 1, n: one says 7, loop says 1000000"), "{}", dispute.difference);
        // Nobody is wrong, and nobody is ranked.
        assert!(record.is_measured() && !record.ranks() && record.is_bad());
    }
}

#[test]
fn one_that_contradicts_itself_is_a_dispute_and_never_in_an_accepted_majority() {
    let engines = ["one", "two", "liar"];
    let ask = |accept: bool| {
        let engines: Vec<_> = engines.iter().map(|fault| (*fault, faulty(fault))).collect();
        let (mut settings, folder) = settings(&engines);
        settings.accept_majority = accept;
        let names = engines.iter().map(|(name, _)| *name);
        let bench = Bench::new().sql(COUNT).table(nations()).engines(names).settings(settings).runs(3);
        (bench.run().unwrap(), folder)
    };
    // Right at first, and wrong in its samples.
    let (records, _folder) = ask(false);
    assert!(records.iter().all(|record| matches!(record.verdict, Some(Verdict::Disputed(_)))));
    let (records, _folder) = ask(true);
    let Some(Verdict::Agreed { components, dissent }) = &of(&records, "one").verdict else { panic!("{records:?}") };
    assert!(components.len() >= 2 && dissent.iter().all(|engine| engine == "liar"), "{components:?} {dissent:?}");
    let liar = of(&records, "liar");
    assert!(matches!(liar.verdict, Some(Verdict::Disputed(_))) && liar.accept_majority && !liar.is_bad());
}

#[test]
fn without_a_majority_nobody_is_verified() {
    let (two, _folder) = bench(&["one", "loop"]);
    for record in two.sql(format!("{COUNT} LIMIT 1")).table(nations()).run().unwrap() {
        let Some(Verdict::Disputed(dispute)) = &record.verdict else { panic!("{:?}", record.verdict) };
        assert!(dispute.difference.contains("says 1000000"), "{}", dispute.difference);
        assert!(dispute.causes.iter().any(|cause| cause.contains("make the ORDER BY unique")), "{:?}", dispute.causes);
        assert_eq!(record.samples_ns().len(), 3);
    }
    let (alone, _folder) = bench(&["one"]);
    let records = alone.sql(COUNT).table(nations()).run().unwrap();
    let Some(Verdict::Unchecked { reason }) = &records[0].verdict else { panic!("{:?}", records[0].verdict) };
    assert!(reason.contains("independent of one answered"), "{reason}");
}

#[test]
fn what_goes_wrong_costs_one_record_each() {
    let mut engines: Vec<_> = ["one", "error", "two", "crash"].map(|fault| (fault, faulty(fault))).into();
    engines.push(("gone", Program { path: "/nowhere/gone".into(), ..Program::default() }));
    let (settings, _folder) = settings(&engines);
    let names = engines.iter().map(|(name, _)| *name);
    let records = Bench::new().sql(COUNT).table(nations()).engines(names).runs(1).settings(settings).run().unwrap();
    assert_eq!(records.len(), 5);
    assert!(agreed(of(&records, "two")));
    assert!(reason(of(&records, "error")).contains("the engine's own error"));
    assert!(reason(of(&records, "crash")).contains("signal 6"));
    let gone = of(&records, "gone");
    assert!(gone.is_skipped() && reason(gone).contains("/nowhere/gone"), "{}", reason(gone));
}

#[test]
fn a_table_that_is_not_there_says_what_to_do_for_each_engine() {
    for (table, told) in [("/nowhere/*.parquet", "there are no Parquet files"), ("sales.prices", "HIVE_METASTORE_URI")]
    {
        let (bench, _folder) = bench(&["one", "two"]);
        let records = bench.sql(COUNT).table(table).run().unwrap();
        assert_eq!(records.len(), 2);
        for record in records {
            assert_eq!(record.outcome.word(), "failed");
            assert!(reason(&record).contains(told) && reason(&record).contains(table), "{}", reason(&record));
        }
    }
}

#[test]
fn what_cannot_be_meant_is_an_error_before_anything_runs() {
    let failed = |bench: Bench| format!("{:#}", bench.run().unwrap_err());
    let (asked, _folder) = bench(&["one"]);
    assert!(failed(asked.sql("SELECT 1").table(nations())).contains("FROM {table}"));
    let (asked, _folder) = bench(&["one"]);
    assert!(failed(asked.runs(0)).contains("at least 1"));
    let (asked, _folder) = bench(&["one"]);
    assert!(failed(asked.engines(["duckbd"]).sql(COUNT).table(nations())).contains("no engine 'duckbd'"));
    let (asked, _folder) = bench(&["one"]);
    assert!(failed(asked.suite("/nowhere")).contains("/nowhere is no folder"));
    let (asked, _folder) = bench(&["one"]);
    assert!(failed(asked.filter("q99")).contains("q1 to q22"));
}

#[test]
fn engines_at_the_same_time_are_marked_and_are_other_cells() {
    let ask = |engines: usize| {
        let (bench, _folder) = bench(&["one", "two"]);
        bench.sql(COUNT).table(nations()).name("x").parallel(engines).run().unwrap()
    };
    let (alone, together) = (ask(1), ask(4));
    for record in &together {
        // There are two, so no four can run at a time.
        assert!(record.parallel == 2 && record.id.variant.ends_with("-parallel2"), "{}", record.id);
        assert!(agreed(record), "{:?}", record.verdict);
    }
    let (alone, together) = (Conditions::of(&alone[0]), Conditions::of(&together[0]));
    assert_ne!(alone, together);
    assert_eq!(together.differs_from(&alone), "engines at a time: 2, not 1");
}

#[test]
fn a_filter_means_ordinary_cells_and_their_references() {
    let (mut settings, _folder) = settings(&[("kernels", real())]);
    settings.scales = vec!["0.01".parse().unwrap()];
    let records = Bench::new().filter("kernels/q6").runs(2).settings(settings).run().unwrap();
    assert_eq!(records.len(), 1);
    assert!(records[0].verified() && records[0].samples_ns().len() == 2, "{}", reason(&records[0]));
}

#[test]
fn the_example_of_a_suite_is_run() {
    let folder = root().join("tests/workload");
    let (asked, _folder) = bench(&["one", "two"]);
    let records = asked.suite(&folder).run().unwrap();
    assert_eq!(records.len(), 3 * 2);
    for record in &records {
        assert_eq!(record.dataset.suite, "shop");
        if record.id.query == "shop-rating" {
            // These engines answer 7 to everything: right, where nothing is declared.
            assert!(agreed(record), "{}: {:?}", reason(record), record.verdict);
        } else {
            assert_eq!(record.outcome.word(), "failed");
            assert!(reason(record).contains("expected 3 columns, the answer has 1"), "{}", reason(record));
        }
    }
}

#[test]
fn the_example_of_a_suite_is_verified_by_the_engines_that_are_there() {
    let names = ["duckdb", "datafusion", "duckdb-wheel", "datafusion-wheel"];
    let (there, absent): (Vec<&str>, Vec<&str>) =
        names.into_iter().partition(|name| catalog().entry(name).unwrap().find().is_some());
    // A wheel is no second voice of its engine.
    let families: BTreeSet<&str> = there.iter().filter_map(|name| name.split('-').next()).collect();
    if families.len() < 2 {
        let absent = absent.join(", ");
        // Past the capture of a passing test's output: this is for everybody to see.
        let _ = writeln!(
            std::io::stderr(),
            "LEFT OUT: the example suite on two engines; of {absent}: cargo xtask build duckdb datafusion"
        );
        return;
    }
    // Under other names, so that nothing is built.
    let own: Vec<(String, Program)> =
        there.iter().map(|name| (format!("{name}-test"), catalog().entry(name).unwrap().find().unwrap())).collect();
    let engines: Vec<(&str, Program)> = own.iter().map(|(name, program)| (name.as_str(), program.clone())).collect();
    let (mut settings, _folder) = settings(&engines);
    for (name, like) in own.iter().map(|(name, _)| name).zip(&there) {
        settings.engines.get_mut(name).unwrap().like = Some((*like).to_owned());
    }
    let names = own.iter().map(|(name, _)| name.clone());
    let records =
        Bench::new().suite(root().join("tests/workload")).engines(names).runs(1).settings(settings).run().unwrap();
    assert_eq!(records.len(), 3 * there.len());
    for record in &records {
        assert!(record.verified(), "{}: {:?} {}", record.id, record.verdict, reason(record));
    }
}

/// The bench target of own queries, over engines that go wrong in the ways they are called.
fn started(faults: &[&str]) -> Started {
    let config: String =
        faults.iter().map(|fault| entry(fault, &faulty(fault)) + &format!("components = ['{fault}']\n")).collect();
    let samples = ["--measurement-time", "0.01", "--warm-up-time", "0.01", "--noplot", "--nresamples", "1001"];
    Started::new(&config).env("TEST_WORKLOAD", "own").args(&samples)
}

#[test]
fn cargo_bench_own_asks_the_query_of_the_environment() {
    let mut bench = started(&["one", "two", "liar"])
        .args(&["^(one|two|liar)/own-"])
        .env("TABLE_NAME", &nations())
        .env("QUERY", COUNT);
    let output = bench.run();
    assert_eq!(output.status.code(), Some(1), "{}", text(&output));
    for engine in ["one", "two", "liar"] {
        assert!(matches!(bench.record(engine).verdict, Some(Verdict::Disputed(_))), "{}", text(&output));
    }
    assert!(
        text(&output).contains("DISPUTED: own-") && text(&output).contains("--accept-majority"),
        "{}",
        text(&output)
    );
    bench.assert_clean();
    let mut bench = started(&["one", "two", "loop"])
        .args(&["^(one|two|loop)/own-", "--accept-majority"])
        .env("TABLE_NAME", &nations())
        .env("QUERY", COUNT);
    let output = bench.run();
    assert!(output.status.success() && agreed(&bench.record("two")), "{}", text(&output));
    assert!(!bench.record("loop").ranks() && bench.record("loop").accept_majority);
}

#[test]
fn own_query_without_its_text_is_an_error_only_for_those_who_run_it() {
    let output = started(&["one"]).args(&["own"]).env("TABLE_NAME", "prices.parquet").run();
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output).contains("there is a table (--table or TABLE_NAME) and no query"), "{}", text(&output));
    let stray = ["TABLE_NAME", "QUERY"].into_iter();
    let listed = stray
        .fold(started(&["one"]), |bench, name| bench.env(name, "something else"))
        .env("TEST_WORKLOAD", "tpch")
        .args(&["one/tpch", "--list"])
        .run();
    assert!(listed.status.success(), "{}", text(&listed));
    assert_eq!(String::from_utf8_lossy(&listed.stdout).lines().count(), 22);
}

#[test]
fn a_relative_table_is_where_the_command_was_typed() {
    // As a shell has it there; cargo has moved this test to the package's folder, as it does with a bench.
    let folder = tempfile::tempdir().unwrap();
    let typed = folder.path().display().to_string();
    let asked = started(&["one"]).args(&["^one/own-"]).env("TABLE_NAME", "prices.parquet").env("QUERY", COUNT);
    let mut bench = asked.env("PWD", &typed);
    let output = bench.run();
    let record = bench.record("one");
    assert!(reason(&record).contains(&format!("{typed}/prices.parquet")), "{}", text(&output));
}

#[test]
fn a_folder_of_ones_own_is_part_of_the_bench() {
    let folder = root().join("tests/workload").display().to_string();
    let output = started(&["one"]).args(&["one/shop", "--list"]).env("QUERYDYNO_WORKLOADS", &folder).run();
    let listed = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(listed.lines().next(), Some("one/shop-city/sf1/parquet: benchmark"), "{}", text(&output));
    assert_eq!(listed.lines().count(), 3);
}

#[test]
fn a_flag_wins_and_every_setting_says_who_said_it() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("mine.toml");
    std::fs::write(&file, "threads = 3\nscales = [0.01, 1]\n").unwrap();
    let path = file.display().to_string();
    let flags = [("QUERYDYNO_CONFIG", path.as_str()), ("QUERYDYNO_THREADS", "1"), ("QUERY", "SELECT 1")];
    let settings = Settings::read_with(flags).unwrap();
    let from = |key: &str| settings.told().into_iter().find(|told| told.key == key).unwrap().from;
    assert_eq!((settings.threads.as_slice(), from("threads")), ([1].as_slice(), SettingSource::Flag));
    assert_eq!(from("QUERY"), SettingSource::Flag);
    assert_eq!((settings.scales.len(), from("scales")), (2, SettingSource::File(file)));
    assert!(Settings::read_with([("QUERYDYNO_SCALES", "1")]).is_err());
    assert!(
        Settings::read_with([("QUERY", "")]).unwrap_err().to_string().starts_with("QUERY is given as an empty text")
    );
}
