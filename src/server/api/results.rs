//! Results: asked for by what they are of, and handed over.

use std::sync::Arc;

use arrow::array::{Array as _, AsArray as _};
use axum::http::Method;
use serde_json::{Value as Json, json};
use sha2::{Digest as _, Sha256};

use super::asked::{ENGINE, FILTER, LIMIT, MACHINE, PROVENANCE, QUERY, SCALE, SUITE, Where, link, rows, shown, text};
use super::record;
use crate::history::served::keep::{Kept, keep};
use crate::history::served::questions;
use crate::host::checksum::hex;
use crate::host::record::Record;
use crate::server::app::App;
use crate::server::ask::{Ask, Endpoint, Gives, Kind, Parameter, Reply, Rows, Upload, cursor};
use crate::server::facts::facts;
use crate::server::keys::Known;
use crate::server::problem::Problem;

const RECORD: Parameter = Parameter {
    name: "record",
    about: "Its name, as `/api/v1/results` tells it: `20261120T120000Z-4711:3`",
    kind: Kind::Path,
};
const ONE: Upload = Upload {
    about: "A record as the journal has it, of any schema: a line of `.querydyno/records/*.jsonl`, or what `cargo xtask show RECORD --json` prints",
    example: include_str!("../../../tests/records/measured.json"),
    schema: "Record",
    is_keyed: true,
};
const MANY: Upload =
    Upload { about: "A list of records: all are kept, or none", example: "[]", schema: "Records", is_keyed: true };
/// Records of one request.
const MOST: usize = 10_000;
/// A key of a request that may be sent again.
const LONGEST_KEY: usize = 200;
/// What results are shown with.
const COLUMNS: &str = "m.record, m.run, m.started_at, m.cell, m.engine_name, m.engine_version, m.suite, m.query, m.scale, m.format, m.mode,
    m.cache, m.threads, m.memory_limit_bytes, m.parallel, m.inspects, m.outcome, m.reason, m.failure, m.verdict, m.verdict_detail,
    m.verified, m.comparable, m.provenance, m.provenance_reason, m.machine_class, m.series, m.time_ns, m.cpu_time_ns,
    m.peak_memory_bytes, m.git_commit, m.git_dirty";

const RUN: Parameter = text("run", "The id of a run");
const SERIES: Parameter = text("series", "The key of a series");
const VERSION: Parameter = text("version", "The engine's version");
const COMMIT: Parameter = text("commit", "How the commit begins");
const AFTER: Parameter =
    Parameter { name: "after", about: "Behind which result: what `next` says", kind: Kind::Cursor };

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        rows(
            ("/api/v1/results", "results"),
            (
                "Results, the newest first",
                "Rows of the view `measurements`. `next` leads to those behind them, and stays right while new ones come in.",
            ),
            &[
                FILTER,
                SUITE,
                ENGINE,
                QUERY,
                SCALE,
                MACHINE,
                PROVENANCE,
                RUN,
                SERIES,
                VERSION,
                COMMIT,
                Parameter {
                    name: "outcome",
                    about: "How it ended",
                    kind: Kind::One(&["measured", "skipped", "failed"]),
                },
                Parameter { name: "since", about: "Begun on this day or later, UTC", kind: Kind::Day },
                Parameter { name: "until", about: "Begun before this day, UTC", kind: Kind::Day },
                LIMIT,
                AFTER,
            ],
            list,
        ),
        rows(
            ("/api/v1/results/{record}", "result"),
            ("One result", "All that is known of it, a row for each thing, with its figures and what was said of it."),
            &[RECORD],
            one,
        ),
        upload(("/api/v1/results", "store"), ("Hand over a result", ONE), store),
        upload(("/api/v1/results/batch", "store_batch"), ("Hand over several results", MANY), store_batch),
    ]
}

fn upload(
    (path, name): (&'static str, &'static str),
    (summary, body): (&'static str, Upload),
    run: fn(&Arc<App>, &Ask) -> Result<Reply, Problem>,
) -> Endpoint {
    Endpoint {
        method: Method::POST,
        path,
        name,
        summary,
        detail: "It is written to the journal, then taken in; when the answer comes it is on the disk. What is there already is not kept twice, so a request can be sent again; with the header `Idempotency-Key` its answer is the same then, and the key is refused for another body.",
        parameters: &[],
        body: Some(body),
        gives: Gives::Object(201, "Stored"),
        problems: &[422],
        writes: true,
        run,
    }
}

fn list(app: &Arc<App>, ask: &Ask) -> Result<Reply, Problem> {
    let mut meant = Where::common(ask, &["suite", "engine", "query", "scale", "machine", "provenance"]);
    meant.cells(app, ask)?;
    meant.text(ask, "run", "m.run = ?");
    meant.text(ask, "series", "m.series = ?");
    meant.text(ask, "version", "m.engine_version = ?");
    meant.text(ask, "commit", "starts_with(m.git_commit, ?)");
    meant.text(ask, "outcome", "m.outcome = ?");
    meant.text(ask, "since", "m.started_at >= ?::TIMESTAMP");
    meant.text(ask, "until", "m.started_at < ?::TIMESTAMP");
    if let Some(after) = ask.get("after") {
        let (at, result) = cursor(after).ok_or_else(|| Problem::invalid("'after' is not what `next` says"))?;
        meant.and(
            &format!("(coalesce(epoch_us(m.started_at), 0), m.result) < (?::BIGINT, {result}::UBIGINT)"),
            &at.to_string(),
        );
    }
    let limit = ask.whole("limit", 100);
    let statement = format!(
        "SELECT {COLUMNS}, coalesce(epoch_us(m.started_at), 0) || '.' || m.result AS place FROM measurements m {}
         ORDER BY coalesce(epoch_us(m.started_at), 0) DESC, m.result DESC LIMIT {}",
        meant.sql(),
        limit + 1
    );
    let internal = |error: anyhow::Error| Problem::of(&error, "internal");
    let mut found = questions::rows(&app.owner, &statement, &meant.values).map_err(internal)?;
    let has_more = found.cut(limit as usize);
    let last = found.batches.last().and_then(|batch| {
        let places = batch.column_by_name("place")?.as_string_opt::<i32>()?;
        Some(places.value(places.len().checked_sub(1)?).to_owned())
    });
    let kept: Vec<usize> = (0..found.schema.fields().len() - 1).collect();
    let batches = found.batches.iter().map(|batch| batch.project(&kept)).collect::<Result<Vec<_>, _>>();
    let rows = questions::Rows {
        schema: Arc::new(found.schema.project(&kept).map_err(|error| internal(error.into()))?),
        batches: batches.map_err(|error| internal(error.into()))?,
    };
    let next = last.filter(|_| has_more).map(|last| link(ask, "after", &last));
    Ok(Reply::Rows(Rows { shown: shown(&rows, ask.format)?, next, ..Rows::default() }))
}

fn one(app: &Arc<App>, ask: &Ask) -> Result<Reply, Problem> {
    Ok(Reply::from(shown(&facts(&app.owner, ask.named("record"))?, ask.format)?))
}

fn store(app: &Arc<App>, ask: &Ask) -> Result<Reply, Problem> {
    answered(app, ask, || {
        let record = record::read(&ask.body, "the record")?;
        kept(app, &[record])
    })
}

fn store_batch(app: &Arc<App>, ask: &Ask) -> Result<Reply, Problem> {
    answered(app, ask, || {
        let all = record::elements(&ask.body)?;
        if all.is_empty() || all.len() > MOST {
            return Err(Problem::new("invalid-record", format!("{} records: give 1 to {MOST}", all.len())));
        }
        let read = |(place, text): (usize, &&[u8])| {
            record::read(text, &format!("record {place} of the list, the first being 0"))
        };
        let records: Vec<Record> = all.iter().enumerate().map(read).collect::<Result<_, _>>()?;
        kept(app, &records)
    })
}

fn kept(app: &App, records: &[Record]) -> Result<Json, Problem> {
    let kept = keep(&app.owner, records).map_err(|error| Problem::of(&error, "unavailable"))?;
    let count = |is: fn(&Kept) -> bool| kept.iter().filter(|kept| is(kept)).count();
    let one = |(record, kept): (&Record, &Kept)| {
        let state = match kept {
            Kept { record: None, .. } => "deleted",
            Kept { is_new: true, .. } => "stored",
            Kept { .. } => "known",
        };
        json!({ "record": kept.record, "cell": record.id.to_string(), "state": state })
    };
    let results: Vec<Json> = records.iter().zip(&kept).map(one).collect();
    Ok(
        json!({ "stored": count(|kept| kept.is_new && kept.record.is_some()), "known": count(|kept| !kept.is_new), "results": results }),
    )
}

/// The answer to a request that may come again: by its key the one that was given before.
fn answered(app: &App, ask: &Ask, answer: impl FnOnce() -> Result<Json, Problem>) -> Result<Reply, Problem> {
    let Some(key) = ask.headers.get("idempotency-key") else { return Ok(Reply::Object(201, answer()?)) };
    let is_plain =
        |key: &&str| (1..=LONGEST_KEY).contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_graphic());
    let key = key.to_str().ok().map(str::trim).filter(is_plain);
    let key = key.ok_or_else(|| {
        Problem::invalid(format!("Idempotency-Key is a text of 1 to {LONGEST_KEY} ASCII characters without spaces"))
    })?;
    let path = ask.target.split('?').next().unwrap_or_default();
    let checksum = Sha256::new().chain_update(path).chain_update(b"\0").chain_update(&ask.body).finalize();
    let checksum = hex(&checksum);
    match app.keys.get(key, &checksum) {
        Known::Answered(answer) => return Ok(Reply::Object(201, answer)),
        Known::Other => {
            return Err(Problem::new("key-used", "this Idempotency-Key came with another body before: take a new one"));
        }
        Known::New => {}
    }
    let answer = answer()?;
    app.keys.keep(key, &checksum, &answer).map_err(|error| Problem::of(&error, "internal"))?;
    Ok(Reply::Object(201, answer))
}
