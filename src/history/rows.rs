//! A record as rows of the history's tables: [`Rows`]. Keys are hashes of what is in a row, so that equal rows have equal keys.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::Path;

use chrono::DateTime;
use duckdb::types::{OrderedMap, TimeUnit, Value};
use serde::Serialize;
use xxhash_rust::xxh3::xxh3_64;

use crate::host::record::{EngineRecord, Outcome, QueryRecord, Record, run_of};
use crate::host::session::FailureKind;
use crate::host::stats;
use crate::host::variant::Cache;
use crate::host::verify::Verdict;
use crate::measure::machine::Host;
use crate::protocol::id::Scale;
use crate::protocol::unknown::known;

/// The values of a row, in the order of the table's columns.
pub(super) type Row = Vec<Value>;

/// What one record is in the tables.
pub(super) struct Rows {
    /// The key in `results`.
    pub(super) key: u64,
    pub(super) run: RunRow,
    /// Rows of the tables that results point to, by the table's name; each once in the life of a [`Converter`].
    pub(super) dimensions: Vec<(&'static str, Row)>,
    pub(super) result: Row,
    pub(super) metrics: Vec<Row>,
}

/// What a record tells of its run.
pub(super) struct RunRow {
    pub(super) id: String,
    /// When the cell began, in microseconds since 1970, UTC.
    pub(super) at: Option<i64>,
    pub(super) command: String,
    pub(super) git_commit: Option<String>,
    pub(super) git_dirty: Option<bool>,
}

/// Makes rows of records, and knows which dimensions it has given.
#[derive(Default)]
pub(super) struct Converter {
    given: HashSet<u64>,
    /// The last of each with its key: the next record mostly has the same, and comparing is cheaper than hashing.
    host: Option<(Host, String)>,
    /// By name.
    engines: HashMap<String, (EngineRecord, String)>,
    /// By the query's name.
    queries: HashMap<String, (String, QueryRecord, String)>,
}

/// A row of anything that is a value.
macro_rules! row {
    ($($value:expr),* $(,)?) => { vec![$(Value::from($value)),*] };
}

impl Converter {
    /// The rows of a record that stands in this line of the file.
    pub(super) fn rows(&mut self, record: Record, file: &str, line: u64) -> Rows {
        let series = record.series();
        let mut dimensions = Vec::new();
        let host = &record.host;
        let machine = self.machine(&mut dimensions, host);
        // An entry with a version of its own is named so in ids alone.
        let engine = self.engine(&mut dimensions, &record.id.engine, &record.engine);
        let data = &record.dataset;
        let task = self.task(&mut dimensions, &data.suite, &record.query);
        let of_data = (&data.suite, data.scale, &data.format, &data.sha256, &data.layout);
        let dataset = self.dimension(&mut dimensions, "datasets", &of_data, || {
            let scale = Some(data.scale).filter(|scale| scale.is_known());
            let (scale, factor) = (scale.map(|scale| scale.to_string()), scale.map(Scale::factor));
            let format = known(&data.format).cloned();
            row![text(&data.suite), scale, factor, format, data.sha256.clone(), data.layout.clone()]
        });
        let plan = record
            .plan
            .as_ref()
            .map(|plan| self.dimension(&mut dimensions, "plans", plan, || row![text(&plan.sha256), text(&plan.text)]));
        let run = RunRow {
            id: record.run_id.clone().unwrap_or_else(|| stem(file).to_owned()),
            at: micros(&record.started_at),
            command: record.command.clone(),
            git_commit: record.git.as_ref().map(|git| git.commit.clone()),
            git_dirty: record.git.as_ref().map(|git| git.dirty),
        };
        let key = key(&record);
        let result = result(&record, key, [&run.id, &machine, &engine, &task, &dataset], (series, plan), (file, line));
        let metrics = record.metrics.into_iter().filter_map(|metric| {
            let median = stats::median(&metric.values)?;
            let several = metric.values.len() > 1;
            let samples = several.then(|| list(metric.values));
            let taken_at = time(metric.taken_at.as_deref().and_then(micros));
            Some(row![key, metric.name, metric.unit, median, samples, metric.source, taken_at])
        });
        Rows { key, run, dimensions, result, metrics: metrics.collect() }
    }

    fn machine(&mut self, kept: &mut Vec<(&'static str, Row)>, host: &Host) -> String {
        if let Some((_, key)) = self.host.as_ref().filter(|(last, _)| last == host) {
            return key.clone();
        }
        let key = self.dimension(kept, "machines", host, || {
            row![
                host.class(),
                host.cpu.clone(),
                known(&host.cores).copied(),
                host.memory_bytes,
                known(&host.kernel).cloned(),
                host.governor.clone(),
                host.virtualised,
                host.gpus.clone().map(list),
                host.name.clone(),
            ]
        });
        self.host = Some((host.clone(), key.clone()));
        key
    }

    fn engine(&mut self, kept: &mut Vec<(&'static str, Row)>, name: &str, told: &EngineRecord) -> String {
        if let Some((_, key)) = self.engines.get(name).filter(|(last, _)| last == told) {
            return key.clone();
        }
        let key = self.dimension(kept, "engines", &(name, told), || {
            let build = &told.build;
            let made = [&build.compiler, &build.flags, &build.allocator, &build.source].map(Clone::clone);
            let [compiler, flags, allocator, source] = made;
            row![
                text(name),
                told.version.clone(),
                text(&told.kind),
                compiler,
                flags,
                allocator,
                source,
                map(&told.settings),
                told.program.clone(),
                map(&told.options)
            ]
        });
        self.engines.insert(name.to_owned(), (told.clone(), key.clone()));
        key
    }

    fn task(&mut self, kept: &mut Vec<(&'static str, Row)>, suite: &str, query: &QueryRecord) -> String {
        let last = self.queries.get(&query.id);
        if let Some((_, _, key)) = last.filter(|(of, last, _)| of == suite && last == query) {
            return key.clone();
        }
        let key = self.dimension(kept, "tasks", &(suite, query), || {
            row![text(suite), text(&query.id), query.sha256.clone(), query.sql.clone()]
        });
        self.queries.insert(query.id.clone(), (suite.to_owned(), query.clone(), key.clone()));
        key
    }

    /// The key of a dimension; its row, led by the key, is kept the first time.
    fn dimension(
        &mut self,
        kept: &mut Vec<(&'static str, Row)>,
        table: &'static str,
        parts: &impl Serialize,
        row: impl FnOnce() -> Row,
    ) -> String {
        let hashed = hash(&(table, parts));
        let key = format!("{hashed:016x}");
        if self.given.insert(hashed) {
            kept.push((table, [vec![Value::Text(key.clone())], row()].concat()));
        }
        key
    }
}

/// The key of a record's result: over what no later version reads in another way. A cell spells its conditions. Records of older schemas
/// have their run from the name of the file, which may be a copy's, and imported ones keep that name.
pub(super) fn key(record: &Record) -> u64 {
    let own_run = record.run_id.as_deref().filter(|run| run_of(Path::new(run)).is_none());
    let cell = record.id.to_string();
    hash(&(own_run, &cell, &record.dataset.suite, &record.started_at, record.inspects, record.parallel))
}

/// The row in `results`, whose columns have this order.
fn result(
    record: &Record,
    key: u64,
    [run, machine, engine, task, dataset]: [&String; 5],
    (series, plan): (Option<String>, Option<String>),
    (file, line): (&str, u64),
) -> Row {
    let failure = record.failure();
    let stderr = failure.map(|failure| failure.stderr.join("\n")).filter(|lines| !lines.is_empty());
    let (iterations, warm_up) = match &record.outcome {
        Outcome::Measured(how) => (how.iterations.clone(), how.warm_up_ns.clone()),
        Outcome::Skipped(_) | Outcome::Failed(_) => Default::default(),
    };
    let input: u64 = record.dataset.tables.iter().map(|table| table.rows).sum();
    let verdict = record.verdict.as_ref();
    row![
        key,
        text(run),
        text(machine),
        text(engine),
        text(task),
        text(dataset),
        record.id.to_string(),
        series,
        time(micros(&record.started_at)),
        text(record.outcome.word()),
        record.reason().map(text),
        failure.map(|failure| kind(&failure.kind)),
        stderr,
        verdict.map(kind),
        verdict.map(detail),
        record.verified(),
        record.rows,
        record.answer_digest.clone(),
        plan,
        text(&record.id.variant),
        record.mode.clone(),
        if record.cache == Cache::Unknown { Value::Null } else { word(&record.cache) },
        known(&record.threads).copied(),
        record.memory_limit_bytes,
        known(&record.parallel).copied(),
        record.accept_majority,
        map(&record.environment),
        record.inspects.map(|inspects| word(&inspects)),
        Some(input).filter(|_| !record.dataset.tables.is_empty()),
        Some(iterations).filter(|all| !all.is_empty()).map(list),
        Some(warm_up).filter(|all| !all.is_empty()).map(list),
        word(&record.provenance),
        record.provenance_reason.clone(),
        text(file),
        line,
        Value::Null, // the checksum, which DuckDB writes
    ]
}

/// 64 bits over all parts, the same on every machine.
pub(super) fn hash(parts: &impl Serialize) -> u64 {
    xxh3_64(&serde_json::to_vec(parts).unwrap_or_default())
}

/// A journal's file without folder and ending: what reports call its records by.
fn stem(file: &str) -> &str {
    let name = file.rsplit('/').next().unwrap_or(file);
    name.strip_suffix(".jsonl").unwrap_or(name)
}

/// RFC 3339 as microseconds since 1970, UTC.
fn micros(time: &str) -> Option<i64> {
    DateTime::parse_from_rfc3339(time).ok().map(|time| time.timestamp_micros())
}

pub(super) fn time(micros: Option<i64>) -> Value {
    micros.map_or(Value::Null, |micros| Value::Timestamp(TimeUnit::Microsecond, micros))
}

fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}

fn list<T: Into<Value>>(values: Vec<T>) -> Value {
    Value::List(values.into_iter().map(Into::into).collect())
}

fn map(entries: &BTreeMap<String, String>) -> Value {
    if entries.is_empty() {
        return Value::Null;
    }
    let entries: Vec<(Value, Value)> = entries.iter().map(|(key, value)| (text(key), text(value))).collect();
    Value::Map(OrderedMap::from(entries))
}

/// The word that JSON has for it.
fn word(value: &impl Serialize) -> Value {
    json(value).as_str().map_or(Value::Null, text)
}

/// Which of its kinds it is, as JSON has it.
fn kind(value: &impl Kind) -> Value {
    json(value)["kind"].as_str().map_or(Value::Null, text)
}

fn json(value: &impl Serialize) -> serde_json::Value {
    serde_json::to_value(value).unwrap_or_default()
}

/// What JSON tells apart by `kind`.
trait Kind: Serialize {}

impl Kind for Verdict {}

impl Kind for FailureKind {}

/// What a verdict says beyond its kind.
fn detail(verdict: &Verdict) -> Option<String> {
    match verdict {
        Verdict::Official { equals_reference } => {
            let words = |equal| if equal { "equals the reference" } else { "not exact" };
            equals_reference.map(words).map(str::to_owned)
        }
        Verdict::Reference { components } | Verdict::Agreed { components, .. } => Some(components.join(", ")),
        Verdict::Disputed(dispute) => Some(dispute.lines().join("\n")),
        Verdict::Unchecked { reason } => Some(reason.clone()),
        Verdict::Wrong { difference } => Some(difference.clone()),
    }
}
