//! Random queries over random tables: engines are called agreed only if their answers are the same by a comparison that shares no code
//! with ours, written in Python with exact decimals (`tests/programs/exact_compare.py`).
//!
//! ```text
//! cargo test --test properties                          # 500 cases, the seed is printed
//! TEST_SEED=17 cargo test --test properties        # the same cases again
//! TEST_CASES=50000 cargo test --test properties    # many more
//! ```

mod common;

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::{Duration, SystemTime};

use common::spoil::{Dice, spoil};
use common::{catalog, one_thread};
use querydyno::host::data::generate::Store;
use querydyno::host::data::tables;
use querydyno::host::paths::root;
use querydyno::host::session::{Failure, FailureKind, Limits, Program, Session};
use querydyno::host::settings::Settings;
use querydyno::host::suite::{QuerySpec, Suite};
use querydyno::host::verify::Verdict;
use querydyno::host::verify::compare::{Difference, Precision, compare_shown};
use querydyno::host::verify::{Testimony, judge};
use querydyno::protocol::answer::{Answer, Shown};
use querydyno::protocol::dataset::Dataset;
use querydyno::protocol::id::Scale;
use querydyno::protocol::task::Task;
use serde::Deserialize;
use serde_json::json;

const ENGINES: [&str; 4] = ["duckdb-wheel", "polars-wheel", "datafusion-wheel", "daft"];
/// Cases over the same tables and sessions.
const BATCH: u64 = 500;
const TABLES: u64 = 12;
/// For one reply: an engine that takes longer over 2,000 rows hangs.
const TIMEOUT: Duration = Duration::from_secs(20);

struct Engine {
    name: &'static str,
    components: Vec<String>,
    program: Program,
}

/// A line of `queries.jsonl`.
#[derive(Debug, Clone, Deserialize)]
struct Case {
    table: String,
    folder: String,
    sql: String,
    /// Rows that are sent as text; more are summed up.
    bound: Option<u64>,
    /// Whether only some of the engines sum up.
    mixed: bool,
    #[serde(flatten)]
    rest: BTreeMap<String, serde_json::Value>,
}

/// A case that can be asked: with its table, and with its text as engines get it.
struct Asked {
    case: Case,
    spec: QuerySpec,
    query: Task,
    single_precision: bool,
}

/// What an engine said of a case.
struct Answered {
    rows: Answer,
    judged: Shown,
}

#[test]
fn judge_finds_agreement_only_where_exact_decimals_do() {
    let engines = engines();
    let Some(python) = engines.iter().find(|engine| engine.name == "polars-wheel").map(|engine| &engine.program.path)
    else {
        return;
    };
    if engines.len() < 2 {
        return;
    }
    let number = |name: &str| std::env::var(name).ok().map(|text| text.parse::<u64>().unwrap());
    let clock = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
    let seed = number("TEST_SEED").unwrap_or(clock.as_secs());
    let cases = number("TEST_CASES").unwrap_or(BATCH);
    tell(&format!("TEST_SEED={seed} TEST_CASES={cases}"));
    let mut counts: BTreeMap<String, u64> = BTreeMap::new();
    let mut failed = Vec::new();
    for batch in 0..cases.div_ceil(BATCH) {
        let (good, shown) = run(python, &engines, seed + batch, BATCH.min(cases - batch * BATCH));
        let found: BTreeMap<String, u64> =
            shown.lines().last().and_then(|line| serde_json::from_str(line).ok()).unwrap_or_else(|| panic!("{shown}"));
        for (name, count) in found {
            *counts.entry(name).or_default() += count;
        }
        if !good || cases > BATCH {
            tell(&format!("seed {}: {shown}", seed + batch));
        }
        failed.extend((!good).then_some(seed + batch));
    }
    tell(&format!("TEST_SEED={seed}: {counts:?}"));
    assert!(failed.is_empty(), "see above; to repeat: TEST_SEED={} cargo test --test properties", failed[0]);
}

/// Past the capture of a test's output: this is for everybody to see.
fn tell(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}

/// Those that are there; tests install nothing.
fn engines() -> Vec<Engine> {
    let found = ENGINES.into_iter().filter_map(|name| {
        let entry = catalog().entry(name).unwrap();
        let program = entry.find();
        if program.is_none() {
            tell(&format!("LEFT OUT: random cases on {name}, which is not installed; cargo xtask build {name}"));
        }
        Some(Engine { name, components: entry.components, program: program? })
    });
    found.collect()
}

/// One batch: whether all was right, and what the check printed.
fn run(python: &Path, engines: &[Engine], seed: u64, cases: u64) -> (bool, String) {
    let folder = tempfile::tempdir().unwrap();
    let made = folder.path().join("made");
    let numbers = [seed, TABLES, cases].map(|number| number.to_string());
    let (good, shown) = script(python, "make", &numbers, &made);
    assert!(good, "{shown}");
    let text = fs::read_to_string(made.join("queries.jsonl")).unwrap();
    let cases: Vec<Case> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let tables: BTreeMap<String, Dataset> = cases
        .iter()
        .map(|case| (case.table.clone(), case.folder.clone()))
        .map(|(name, at)| (name.clone(), dataset(&name, &at)))
        .collect();
    let asked: Vec<Result<Asked, String>> = cases.into_iter().map(|case| asked(case, &tables)).collect();
    let tables: Vec<&Dataset> = tables.values().collect();
    let answered: Vec<Vec<Result<Answered, String>>> = thread::scope(|scope| {
        let scratch = folder.path();
        let (asked, tables) = (&asked, &tables);
        let work = engines.iter().enumerate().map(|(place, engine)| {
            scope.spawn(move || {
                Asker { engine, place, tables, scratch, open: None, refused: BTreeMap::new() }.all(asked)
            })
        });
        let work: Vec<_> = work.collect();
        work.into_iter().map(|engine| engine.join().unwrap()).collect()
    });
    let judged = |number: usize| {
        let Ok(asked) = &asked[number] else { return Vec::new() };
        let said: Vec<&Result<Answered, String>> = answered.iter().map(|engine| &engine[number]).collect();
        // Of the case alone, so that it is the same whoever judges it.
        lines(asked, engines, &said, &mut Dice(seed.rotate_left(32) ^ number as u64))
    };
    let workers = thread::available_parallelism().map_or(1, usize::from);
    let told: Vec<serde_json::Value> = thread::scope(|scope| {
        let (asked, judged) = (&asked, &judged);
        let work =
            |worker| scope.spawn(move || (worker..asked.len()).step_by(workers).flat_map(judged).collect::<Vec<_>>());
        let work: Vec<_> = (0..workers).map(work).collect();
        work.into_iter().flat_map(|part| part.join().unwrap()).collect()
    });
    let answers = folder.path().join("answers.jsonl");
    let told: Vec<String> = told.iter().map(serde_json::Value::to_string).collect();
    fs::write(&answers, told.join("\n")).unwrap();
    let refused: Vec<&String> = asked.iter().filter_map(|asked| asked.as_ref().err()).collect();
    assert!(refused.is_empty(), "seed {seed}: a text was refused: {}", refused[0]);
    script(python, "check", &[], &answers)
}

fn script(python: &Path, what: &str, numbers: &[String], path: &Path) -> (bool, String) {
    let script = root().join("tests/programs/random_cases.py");
    let mut command = Command::new(python);
    command.arg("-B").arg(script).arg(what).args(numbers).arg(path).env("PYTHONUTF8", "1");
    let output = command.output().unwrap();
    (output.status.success(), common::text(&output).trim_end().to_owned())
}

fn own(table: &str, folder: &str, sql: &str) -> Result<Suite, String> {
    Suite::adhoc(&[format!("{table}={folder}")], sql, None, Path::new("/")).map_err(|error| format!("{sql}: {error:#}"))
}

fn dataset(table: &str, folder: &str) -> Dataset {
    let suite = own(table, folder, &format!("SELECT 1 FROM {{{table}}}")).unwrap();
    let settings = Settings::read().unwrap();
    let store = Store::new(settings.data.clone());
    tables::make(&suite, &[table.to_owned()], Scale::ONE, "parquet", &settings, &store).unwrap()
}

fn asked(case: Case, tables: &BTreeMap<String, Dataset>) -> Result<Asked, String> {
    let suite = own(&case.table, &case.folder, &case.sql)?;
    let spec = suite.queries[0].clone();
    let query = suite.text(&spec, "canonical", Scale::ONE).map_err(|error| format!("{}: {error:#}", case.sql))?;
    let single_precision = tables::reads_single_precision(&tables[&case.table].tables[0], &query.text());
    Ok(Asked { case, spec, query, single_precision })
}

/// Asks one engine, in a session that is opened anew when it dies.
struct Asker<'a> {
    engine: &'a Engine,
    place: usize,
    tables: &'a [&'a Dataset],
    scratch: &'a Path,
    open: Option<Session>,
    /// Tables that the engine does not take, and why.
    refused: BTreeMap<String, String>,
}

impl Asker<'_> {
    fn all(mut self, asked: &[Result<Asked, String>]) -> Vec<Result<Answered, String>> {
        let ask = |asked: &Result<Asked, String>| self.ask(asked.as_ref().map_err(Clone::clone)?);
        asked.iter().map(ask).collect()
    }

    fn ask(&mut self, asked: &Asked) -> Result<Answered, String> {
        let mut session = match self.open.take() {
            Some(session) => session,
            None => self.opened().map_err(|failure| format!("cannot be opened: {failure}"))?,
        };
        if let Some(why) = self.refused.get(&asked.case.table) {
            self.open = Some(session);
            return Err(why.clone());
        }
        let sums = asked.case.bound.filter(|_| !asked.case.mixed || self.place.is_multiple_of(2));
        let answered = answered(&mut session, asked, sums);
        let is_over = |failure: &Failure| {
            !matches!(
                failure.kind,
                FailureKind::Engine { .. } | FailureKind::Unsupported { .. } | FailureKind::GaveUp { .. }
            )
        };
        if !answered.as_ref().is_err_and(is_over) {
            self.open = Some(session);
        }
        let answered = answered.map_err(|failure| failure.to_string())?;
        match differs_from_itself(&answered, asked) {
            None => Ok(answered),
            // The check fails by these words.
            Some(difference) => Err(format!("CONTRADICTS ITSELF, as rows and as sums: {difference}")),
        }
    }

    fn opened(&mut self) -> Result<Session, Failure> {
        let limits = Limits {
            timeout: TIMEOUT,
            query_timeout: None,
            memory: None,
            told_memory: None,
            threads: 1,
            first_processor: None,
        };
        let mut session = Session::spawn(&self.engine.program, limits, self.scratch)?;
        session.open(&one_thread())?;
        for dataset in self.tables {
            let table = &dataset.tables[0];
            let told = match session.load(dataset, true) {
                Ok((_, rows)) => rows.and_then(|rows| rows.get(&table.name).copied()),
                Err(failure) => {
                    self.refused.insert(table.name.clone(), failure.to_string());
                    continue;
                }
            };
            if let Some(rows) = told.filter(|rows| *rows != table.rows) {
                self.refused.insert(table.name.clone(), format!("it reads {rows} rows of {}", table.rows));
            }
        }
        Ok(session)
    }
}

fn answered(session: &mut Session, asked: &Asked, sums: Option<u64>) -> Result<Answered, Failure> {
    let precise = |shown: Shown| if asked.single_precision { shown.of_single_precision() } else { shown };
    session.prepare(&asked.query)?;
    let run = session.run(1)?;
    let shown = precise(session.answer()?);
    assert_eq!(run.rows, shown.rows(), "{:?}", asked.case);
    let Shown::Rows(rows) = shown.clone() else { panic!("too many rows: {:?}", asked.case) };
    let judged = match sums {
        Some(bound) => {
            session.run(1)?;
            precise(session.answer_up_to(bound)?)
        }
        None => shown,
    };
    Ok(Answered { rows, judged })
}

fn differs_from_itself(answered: &Answered, asked: &Asked) -> Option<String> {
    if matches!(answered.judged, Shown::Rows(_)) {
        return None;
    }
    let rows = Shown::Rows(answered.rows.clone());
    let found = compare_shown(&rows, &answered.judged, &asked.spec, Precision::Full).err()?;
    // Of single precision, rows have fewer digits than what is summed up, and not every sum tells them apart.
    (!matches!(found, Difference::Incomparable(_))).then(|| found.to_string())
}

/// An engine that answered, and what it said.
struct Vote<'a> {
    name: &'a str,
    components: &'a [String],
    rows: &'a Answer,
    judged: &'a Shown,
}

/// The lines for the check: the case as it was, and with one more engine that says what one of them says, but for a fault.
fn lines(
    asked: &Asked,
    engines: &[Engine],
    said: &[&Result<Answered, String>],
    dice: &mut Dice,
) -> Vec<serde_json::Value> {
    let there = engines.iter().zip(said).filter_map(|(engine, answered)| Some((engine, answered.as_ref().ok()?)));
    let mut votes: Vec<Vote<'_>> = there
        .map(|(engine, answered)| Vote {
            name: engine.name,
            components: &engine.components,
            rows: &answered.rows,
            judged: &answered.judged,
        })
        .collect();
    let errors =
        engines.iter().zip(said).filter_map(|(engine, answered)| Some((engine.name, answered.as_ref().err()?)));
    let errors: BTreeMap<&str, &String> = errors.collect();
    let mut lines = vec![line(asked, &votes, &errors, None)];
    if !votes.is_empty() {
        let honest = &votes[dice.roll(votes.len())];
        let mut rows = honest.rows.clone();
        let fault = spoil(&mut rows, dice);
        let judged = Shown::Rows(rows.clone());
        // Whoever speaks to somebody who sends sums may send rows, or sums too.
        let sums = matches!(honest.judged, Shown::Summary(_)) && dice.roll(4) > 0;
        let judged = if sums { Shown::Summary(Box::new(judged.summary().into_owned())) } else { judged };
        // Like an engine of ours, or a vote of its own; before all others, or after them.
        let components = if dice.roll(2) == 0 { honest.components.to_vec() } else { vec!["liar".to_owned()] };
        let place = dice.roll(2) * votes.len();
        votes.insert(place, Vote { name: "liar", components: &components, rows: &rows, judged: &judged });
        lines.push(line(asked, &votes, &errors, Some(&fault)));
    }
    lines
}

fn line(asked: &Asked, votes: &[Vote<'_>], errors: &BTreeMap<&str, &String>, fault: Option<&str>) -> serde_json::Value {
    let testimonies: Vec<Testimony<'_>> = votes
        .iter()
        .map(|vote| Testimony {
            engine: vote.name,
            components: vote.components,
            answer: vote.judged,
            changed: None,
            cautions: &[],
        })
        .collect();
    let judged = |accepts_majority| judge(&asked.spec, &asked.query.text(), &testimonies, accepts_majority);
    let verdicts = judged(false);
    let disputed = verdicts.iter().any(|verdict| matches!(verdict, Verdict::Disputed(_)));
    let by_majority = if disputed { judged(true) } else { verdicts.clone() };
    let told = votes.iter().zip(verdicts.iter().zip(by_majority)).map(|(vote, (verdict, by_majority))| {
        let told = json!({
            "components": vote.components,
            "answer": vote.rows,
            "summed": matches!(vote.judged, Shown::Summary(_)),
            "verdict": verdict,
            "by_majority": by_majority,
        });
        (vote.name.to_owned(), told)
    });
    let failed = errors.iter().map(|(name, error)| ((*name).to_owned(), json!({ "error": error })));
    let told: serde_json::Map<String, serde_json::Value> = told.chain(failed).collect();
    let Case { table, sql, bound, rest, .. } = &asked.case;
    let mut line = json!({ "table": table, "sql": sql, "bound": bound, "fault": fault, "engines": told });
    line.as_object_mut().unwrap().extend(rest.clone());
    line
}
