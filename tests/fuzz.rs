//! Bytes that are nearly right, for everything that reads what others wrote: replies of engine programs, their answers as Arrow
//! streams, SQL texts, records, footers of Parquet files. Nothing may panic, whatever they are.
//!
//! Each test tries some hundred cases, others each time. For longer, one target or all:
//!
//! ```text
//! TEST_FUZZ_SECONDS=1200 cargo test --test fuzz footers -- --nocapture
//! ```
//!
//! The seed is printed first. With `TEST_FUZZ_SEED` the same cases come again, in the same order, so a failure is repeated by
//! the seed that was printed; proptest prints the smallest case that fails.
#![cfg(feature = "harness")]

#[path = "fuzz/nearly.rs"]
mod nearly;

use std::cell::Cell;
use std::env;
use std::fs;
use std::io::Write;
use std::path::Path;
use std::time::{Duration, Instant, SystemTime};

use arrow::array::{ArrayRef, RecordBatch};
use nearly::{Change, change, fragments, spoil, spoiled};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use querydyno::host::data::generate::Store;
use querydyno::host::filter::Filter;
use querydyno::host::fuzzing;
use querydyno::host::paths::root;
use querydyno::host::record::{self, Record};
use querydyno::host::report::{Known, Marks, Report, Sources, csv, json, newest};
use querydyno::host::settings::Settings;
use querydyno::host::suite::{QuerySpec, Suite};
use querydyno::protocol::answer::summary::Buckets;
use querydyno::protocol::answer::{Answer, Column, Kind, Shown, Sink, Wanted};
use querydyno::protocol::id::Scale;
use querydyno::protocol::messages::{Reply, Request};
use tempfile::TempDir;

/// Cases between two looks at the clock.
const ROUND: u32 = 128;
/// Rounds where no time is asked for.
const ROUNDS: u64 = 2;

/// Runs a target over cases of a strategy, for as long as is asked.
fn fuzz<S: Strategy>(target: &str, strategy: &S, check: impl Fn(S::Value)) {
    let number = |name: &str| env::var(name).ok().map(|text| text.parse::<u64>().unwrap());
    let nanos = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_nanos();
    let seed = number("TEST_FUZZ_SEED").unwrap_or(u64::try_from(nanos % u128::from(u64::MAX)).unwrap());
    let limit = number("TEST_FUZZ_SECONDS").map(Duration::from_secs);
    // Past the capture of output: also where a crash leaves nothing else.
    let tell = |words: &str| drop(writeln!(std::io::stderr(), "fuzz {target}: TEST_FUZZ_SEED={seed} {words}"));
    tell("begins");
    let start = Instant::now();
    let cases = Cell::new(0_u64);
    let mut round = 0;
    while limit.map_or(round < ROUNDS, |limit| start.elapsed() < limit) {
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&seed.to_le_bytes());
        bytes[8..16].copy_from_slice(&round.to_le_bytes());
        let config = Config { cases: ROUND, failure_persistence: None, ..Config::default() };
        let mut runner = TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &bytes));
        let tried = runner.run(strategy, |case| {
            cases.set(cases.get() + 1);
            check(case);
            Ok(())
        });
        if let Err(error) = tried {
            panic!("{target}: TEST_FUZZ_SEED={seed}, round {round}: {error}");
        }
        round += 1;
    }
    tell(&format!("{} cases in {:.0} s", cases.get(), start.elapsed().as_secs_f64()));
}

/// One column of each kind, some values of it NULL.
fn answer() -> Answer {
    let columns = [
        ("n", Kind::Int, "7"),
        ("money", Kind::Decimal, "-12345678901234567890.1200"),
        ("x", Kind::Float, "1.5e-300"),
        ("y", Kind::Float32, "0.1"),
        ("t", Kind::Text, "Zürich"),
        ("d", Kind::Date, "+10000-01-01"),
        ("s", Kind::Timestamp, "1998-09-02 12:00:00.5"),
        ("b", Kind::Bool, "true"),
    ];
    let row = |row: usize| {
        let value = |(place, column): (usize, &(&str, Kind, &str))| (row % 9 != place).then(|| column.2.to_owned());
        columns.iter().enumerate().map(value).collect()
    };
    Answer {
        columns: columns.iter().map(|(name, kind, _)| Column { name: (*name).to_owned(), kind: *kind }).collect(),
        rows: (0..12).map(row).collect(),
    }
}

fn shown(wanted: Wanted) -> Shown {
    let mut sink = Sink::new(12, wanted);
    sink.answer(answer());
    sink.finish().unwrap()
}

fn sums() -> Shown {
    shown(Wanted { rows_up_to: Some(0), buckets: None })
}

/// Lines of a whole conversation.
fn lines() -> Vec<String> {
    let Shown::Summary(summary) = sums() else { panic!("no summary") };
    let of = |reply: &Reply| serde_json::to_string(reply).unwrap();
    let mut lines = vec![
        of(&Reply::Answer { answer: Some(answer()), summary: None, arrow: None }),
        of(&Reply::Answer { answer: None, summary: Some(summary), arrow: None }),
    ];
    lines.extend(
        [
            r#"{"did":"hello","protocol":2,"engine":"duckdb"}"#,
            r#"{"did":"open","info":{"version":"2.0.0","build":{"source":"wheel duckdb 2.0.0"},"settings":{"threads":"2"}}}"#,
            r#"{"did":"load","load_ns":81234,"rows":{"lineitem":60175}}"#,
            r#"{"did":"prepare"}"#,
            r#"{"did":"run","rows":4,"durations_ns":[9,8],"cpu_time_ns":912,"phases":{"plan_ns":9,"execute_ns":1}}"#,
            r#"{"did":"answer","arrow":{"path":"/tmp/x","rows":2000000}}"#,
            r#"{"did":"unsupported","reason":"no"}"#,
            r#"{"did":"fail","message":"an error\nof two lines"}"#,
        ]
        .map(str::to_owned),
    );
    lines
}

/// A query that declares the answer's columns, or nothing.
fn query(declared: bool) -> QuerySpec {
    let columns = "columns = ['n:int', 'money:decimal', 'x:float', 'y:float', 't:text', 'd:date', 's:timestamp', 'b:bool']\n\
                   order = ['n desc', 'x']\nlimit = 12";
    toml::from_str(&format!("name = 'q'\ntitle = ''\ntables = []\n{}", if declared { columns } else { "" })).unwrap()
}

/// One of these lines of JSON with other values in it, some of them with other bytes too.
fn nearly_json(lines: Vec<String>) -> BoxedStrategy<Vec<u8>> {
    let bytes = prop_oneof![3 => Just(Vec::new()), 1 => vec(any::<Change>(), 1..5)];
    (any::<Index>(), vec(spoiled(), 0..4), bytes)
        .prop_map(move |(line, parts, bytes)| {
            let line = parts.into_iter().fold(line.get(&lines).clone(), |line, part| spoil(&line, &part));
            bytes.into_iter().fold(line.into_bytes(), |line, bytes| change(line, &bytes))
        })
        .boxed()
}

#[test]
fn protocol_reader_takes_any_line() {
    let lines = lines();
    let honest = [shown(Wanted::default()), sums()];
    let queries = [query(true), query(false)];
    // Of the kinds of lines, answers have the most in them.
    let answers = lines[..2].iter().cycle().take(12).cloned().collect::<Vec<_>>();
    let line = nearly_json([lines, answers].concat());
    fuzz("protocol", &(line.clone(), line), |(one, other)| {
        for line in [&one, &other] {
            let _ = serde_json::from_slice::<Request>(line);
        }
        let told: Vec<Shown> = [&one, &other].into_iter().filter_map(|line| fuzzing::reply(line)).collect();
        for shown in &told {
            assert_eq!(shown.summary().columns, shown.columns());
        }
        for query in &queries {
            for honest in &honest {
                let of_single_precision = told.iter().map(|shown| shown.clone().of_single_precision());
                let all: Vec<Shown> =
                    [honest.clone()].into_iter().chain(told.clone()).chain(of_single_precision).collect();
                fuzzing::cross_check(&all, query);
            }
        }
    });
}

#[test]
fn arrow_reader_takes_any_stream() {
    let streams: Vec<Vec<u8>> = nearly::batches().iter().map(stream).collect();
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("answer.arrow");
    let bytes = (any::<Index>(), vec(any::<Change>(), 0..6))
        .prop_map(move |(stream, changes)| changes.iter().fold(stream.get(&streams).clone(), change));
    let buckets = Buckets { loose: vec![], of: 1, wanted: vec![0] };
    let wanted = prop_oneof![
        Just(Wanted::default()),
        Just(Wanted { rows_up_to: Some(0), buckets: None }),
        Just(Wanted { rows_up_to: Some(0), buckets: Some(buckets) })
    ];
    let rows = u64::try_from(nearly::ROWS).unwrap();
    fuzz("arrow", &(bytes, wanted), |(bytes, wanted)| {
        fs::write(&file, bytes).unwrap();
        if let Ok(shown) = fuzzing::arrow_file(&file, rows, wanted) {
            fuzzing::cross_check(&[shown.clone(), shown], &query(false));
        }
        assert!(!file.exists());
    });
}

fn stream(batch: &RecordBatch) -> Vec<u8> {
    let mut writer = arrow_ipc::writer::StreamWriter::try_new(Vec::new(), &batch.schema()).unwrap();
    writer.write(batch).unwrap();
    writer.into_inner().unwrap()
}

#[test]
fn tokenizer_rules_take_any_text() {
    let tables = ["/my/a.parquet".to_owned()];
    let own = |sql: &str| Suite::adhoc(&tables, sql, None, Path::new("/my"));
    fuzz("tokenizer", &fragments(), |sql| {
        let Ok(suite) = own(&sql) else { return };
        for dialect in ["canonical", "duckdb", "datafusion", "mysql", "starrocks"] {
            let _ = suite.text(&suite.queries[0], dialect, Scale::ONE);
        }
        // One query ends where we think that it ends.
        let two = own(&format!("{sql}\n; COPY (SELECT 1) TO '/x.csv'"));
        let error = two.map_or_else(|error| format!("{error:#}"), |_| panic!("two statements were taken: {sql:?}"));
        assert!(!error.is_empty());
        match own(&format!("{sql}\n;")) {
            Ok(ended) => assert_eq!(ended.queries[0].title, suite.queries[0].title),
            // Only the end of the line may show that two engines read it differently: `#--/**/`.
            Err(error) => assert!(format!("{error:#}").contains("may read the text differently"), "{sql:?}: {error:#}"),
        }
    });
}

#[test]
fn records_reader_takes_any_line() {
    let read = |path: &str| fs::read_to_string(root().join(path)).unwrap();
    let today: serde_json::Value = serde_json::from_str(&read("tests/records/measured.json")).unwrap();
    let mut lines = vec![today.to_string()];
    for version in ["v1", "v2", "v3"] {
        lines.extend(read(&format!("tests/records/{version}.jsonl")).lines().map(str::to_owned));
    }
    for schema in ["1", "2", "3", "4"] {
        assert!(lines.iter().any(|line| line.contains(&format!(r#""schema":{schema},"#))), "{schema}");
    }
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("20261121T180539Z-1.jsonl");
    let sources = Sources {
        records: vec![file.clone()],
        criterion: root().join("tests/recorded/criterion"),
        known: Known::read(&Settings::read().unwrap()).unwrap(),
        marks: Marks::default(),
        filter: Filter::new("", false).unwrap(),
        needs_times: true,
    };
    let line = nearly_json(lines);
    fuzz("records", &vec(line, 1..4), |lines| {
        fs::write(&file, lines.join(&b'\n')).unwrap();
        let _ = record::read(&file);
        for (_, record) in record::read_lines(&file).unwrap() {
            record.ok().iter().for_each(told);
        }
        let Ok(gathered) = newest(&sources) else { return };
        let report = Report::new(&gathered, &sources.known, &[]);
        let _ = (csv::render(&report), json::render(&report));
    });
}

/// All that is said of a record.
fn told(record: &Record) {
    let words = [
        record.label(),
        record.called(),
        record.dataset.read_in_words().unwrap_or_default(),
        record.dataset.files_in_words().join(" "),
        record.verdict.as_ref().map_or_else(String::new, |verdict| format!("{verdict} {}", verdict.short())),
        format!("{:?} {:?} {:?}", record.cores_used(), record.ranks(), record.is_bad()),
        querydyno::host::terminal::doubts(std::slice::from_ref(record)).join("\n"),
    ];
    assert!(words.iter().all(|text| text.len() < 1 << 20));
    let again = serde_json::to_string(record).unwrap();
    assert_eq!(serde_json::from_str::<Record>(&again).unwrap().id, record.id);
}

#[test]
fn footers_of_any_file_are_read() {
    let files: Vec<Vec<u8>> = nearly::batches().iter().map(parquet).collect();
    let whole = files.clone();
    let folder = TempDir::new().unwrap();
    let (changed, other) = (folder.path().join("a.parquet"), folder.path().join("b.parquet"));
    let settings = Settings::read().unwrap();
    let store = Store::new(folder.path().join("data"));
    let table = [folder.path().display().to_string()];
    let suite = Suite::adhoc(&table, "SELECT count(*) FROM {table}", None, folder.path()).unwrap();
    let names = suite.queries[0].tables.clone();
    let strategy = (any::<Index>(), vec(any::<Change>(), 0..6), any::<bool>());
    fuzz("footers", &strategy, |(place, changes, only_metadata)| {
        let file = place.get(&files).clone();
        let file = if only_metadata { in_footer(&file, &changes) } else { changes.iter().fold(file, change) };
        fs::write(&changed, file).unwrap();
        fs::write(&other, place.get(&whole)).unwrap();
        let _ = fuzzing::footer(&changed);
        let _ = querydyno::host::data::tables::make(&suite, &names, Scale::ONE, "parquet", &settings, &store);
    });
}

fn parquet(batch: &RecordBatch) -> Vec<u8> {
    let numbers = nearly::numbers();
    // Parquet has no type for some of them.
    let has_type = |array: &&ArrayRef| {
        let field = arrow::datatypes::Field::new("c", array.data_type().clone(), true);
        let schema = arrow::datatypes::Schema::new(vec![field]);
        parquet::arrow::ArrowSchemaConverter::new().convert(&schema).is_ok()
    };
    let arrays = batch.columns().iter().filter(has_type).chain([&numbers]);
    let named = arrays.enumerate().map(|(place, array)| (format!("c{place}"), array.clone(), true));
    let batch = RecordBatch::try_from_iter_with_nullable(named).unwrap();
    let mut writer = parquet::arrow::ArrowWriter::try_new(Vec::new(), batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.into_inner().unwrap()
}

/// Changes what a file says of itself, with the length that it has then.
fn in_footer(file: &[u8], changes: &[Change]) -> Vec<u8> {
    let end = file.len() - 8;
    let length = u32::from_le_bytes(file[end..end + 4].try_into().unwrap());
    let start = end - usize::try_from(length).unwrap();
    let metadata = changes.iter().fold(file[start..end].to_vec(), change);
    let length = u32::try_from(metadata.len()).unwrap().to_le_bytes();
    [&file[..start], &metadata, &length, b"PAR1"].concat()
}
