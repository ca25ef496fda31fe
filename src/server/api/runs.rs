//! Runs: those that the history has, and those that are started here.

use std::sync::Arc;

use axum::body::Bytes;
use axum::http::Method;
use futures::stream::{self, StreamExt as _};
use serde::Deserialize;
use serde_json::{Value as Json, json};

use super::asked::{LIMIT, OFFSET, Where, page, rows};
use crate::host::filter::Filter;
use crate::server::app::App;
use crate::server::ask::{Ask, Endpoint, Gives, Kind, LONGEST, Parameter, Reply, Upload, is_too_long, shown as told};
use crate::server::problem::Problem;
use crate::server::runs::{Event, Run};

const RUN: Parameter = Parameter { name: "run", about: "The id that starting it gave", kind: Kind::Path };

/// What is to be run.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    filter: String,
    #[serde(default)]
    only: Vec<String>,
    runs: Option<u32>,
}

pub(super) fn endpoints() -> Vec<Endpoint> {
    let started = |method, path, name, summary, detail, gives, problems, writes, run| Endpoint {
        method,
        path,
        name,
        summary,
        detail,
        parameters: &[RUN],
        body: None,
        gives,
        problems,
        writes,
        run,
    };
    vec![
        rows(
            ("/api/v1/runs", "runs"),
            ("The runs that the history has", "The newest first, with how many cells each has."),
            &[LIMIT, OFFSET],
            |app, ask| {
                let select = "FROM (SELECT u.run, u.started_at, u.last_cell_at, u.command, u.git_commit, u.git_dirty, count(*) AS cells,
                                     count(*) FILTER (outcome = 'failed') AS failed
                              FROM runs u JOIN results r USING (run) GROUP BY ALL)";
                page(app, ask, (select, "started_at DESC, run"), &Where::default())
            },
        ),
        Endpoint {
            parameters: &[],
            body: Some(Upload {
                about: "Which cells; `only` leaves out what needs no run: missing, outdated, failed",
                example: r#"{"filter": "duckdb/q1", "only": ["missing", "outdated"], "runs": 10}"#,
                schema: "Wanted",
                is_keyed: false,
            }),
            ..started(
                Method::POST,
                "/api/v1/runs",
                "start_run",
                "Start a run on this machine",
                "`cargo xtask bench` of these cells; only where the server was started with --allow-runs, and one at a time. What it says is at `events`.",
                Gives::Object(202, "Started"),
                &[409],
                true,
                start,
            )
        },
        started(
            Method::GET,
            "/api/v1/runs/{run}",
            "run",
            "A run that was started here",
            "Whether it is over, and how it ended.",
            Gives::Object(200, "Started"),
            &[404],
            false,
            |app, ask| Ok(Reply::Object(200, about(&*found(app, ask)?))),
        ),
        started(
            Method::DELETE,
            "/api/v1/runs/{run}",
            "end_run",
            "End a run that was started here",
            "As Ctrl-C does: what was measured is kept.",
            Gives::Object(202, "Started"),
            &[404],
            true,
            |app, ask| {
                let run = found(app, ask)?;
                run.interrupt();
                Ok(Reply::Object(202, about(&run)))
            },
        ),
        started(
            Method::GET,
            "/api/v1/runs/{run}/events",
            "run_events",
            "Follow a run that was started here",
            "Each line that it says from its beginning on, as `{\"event\": \"line\", \"stream\": ..., \"text\": ...}`, and at its end `{\"event\": \"ended\", \"code\": ...}`. The id of an event is its place: `Last-Event-ID` goes on behind it.",
            Gives::Events,
            &[404],
            false,
            |app, ask| {
                let after = ask.headers.get("last-event-id").and_then(|id| id.to_str().ok()?.parse::<usize>().ok());
                Ok(Reply::Events(follow(found(app, ask)?, after.map_or(0, |place| place.saturating_add(1))).boxed()))
            },
        ),
    ]
}

fn found(app: &App, ask: &Ask) -> Result<Arc<Run>, Problem> {
    let id = ask.named("run");
    let none = || Problem::new("not-found", format!("no run '{}' was started here", told(id)));
    app.runs.get(id).ok_or_else(none)
}

fn about(run: &Run) -> Json {
    json!({
        "run": run.id,
        "arguments": run.arguments,
        "started_at": run.started_at,
        "is_over": run.is_over(),
        "code": run.code(),
        "events": format!("/api/v1/runs/{}/events", run.id),
    })
}

fn start(app: &Arc<App>, ask: &Ask) -> Result<Reply, Problem> {
    if !app.options.allow_runs {
        return Err(Problem::new("runs-not-allowed", "this server starts no runs: start it with --allow-runs"));
    }
    let wanted: Wanted =
        serde_json::from_slice(&ask.body).map_err(|error| Problem::invalid(format!("no run: {error}")))?;
    if wanted.filter.is_empty() || wanted.filter.contains('\0') || is_too_long(&wanted.filter, LONGEST) {
        return Err(Problem::invalid("'filter' says which cells, such as duckdb/q1"));
    }
    Filter::new(&wanted.filter, false).map_err(|error| Problem::invalid(format!("'filter': {error:#}")))?;
    let mut arguments = Vec::new();
    for only in &wanted.only {
        if !["missing", "outdated", "failed"].contains(&only.as_str()) {
            return Err(Problem::invalid("'only' has others than missing, outdated, failed"));
        }
        arguments.push(format!("--{only}"));
    }
    if let Some(runs) = wanted.runs {
        if !(1..=1000).contains(&runs) {
            return Err(Problem::invalid("'runs' is no number from 1 to 1000"));
        }
        arguments.push(format!("--runs={runs}"));
    }
    arguments.extend(["--".to_owned(), wanted.filter]);
    match app.runs.start(arguments).map_err(|error| Problem::of(&error, "internal"))? {
        Some(run) => Ok(Reply::Object(202, about(&run))),
        None => Err(Problem::new(
            "run-in-progress",
            "one run at a time, since two would disturb each other: wait for its end, or end it by DELETE",
        )),
    }
}

/// Its events from this place on, until it is over.
fn follow(run: Arc<Run>, place: usize) -> impl futures::Stream<Item = Result<Bytes, std::io::Error>> + Send {
    let count = run.watch();
    stream::unfold(Some((run, place, count)), |state| async move {
        let (run, place, mut count) = state?;
        loop {
            if let Some(event) = run.event(place) {
                let text = serde_json::to_string(&event).unwrap_or_default();
                let shown = Bytes::from(format!("id: {place}\ndata: {text}\n\n"));
                let is_end = matches!(event, Event::Ended { .. });
                return Some((Ok(shown), (!is_end).then_some((run, place + 1, count))));
            }
            // Behind its end there is nothing.
            if run.is_over() || count.changed().await.is_err() {
                return None;
            }
        }
    })
}
