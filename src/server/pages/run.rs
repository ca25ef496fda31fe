//! A run that was started here, as it goes on: what it says, line by line, and what has come in of it.

use std::sync::Arc;

use maud::{Markup, html};
use serde_json::Value;

use super::figures::shown;
use super::layout::{href, layout, wide};
use crate::history::served::questions::{self, Parameter};
use crate::server::app::App;
use crate::server::ask::Ask;
use crate::server::problem::Problem;
use crate::server::runs::Run;

/// Results that are shown; all are in the matrix.
const SHOWN: usize = 500;

pub(super) fn page(app: &Arc<App>, ask: &Ask) -> Result<Markup, Problem> {
    let id = ask.get("run").ok_or_else(|| Problem::invalid("which run: /run?run=RUN, as /runs links it"))?;
    let none = || Problem::new("not-found", "no such run was started here: /runs has those that were, and all others");
    let run = app.runs.get(id).ok_or_else(none)?;
    let content = html! {
        p.note { code { "cargo xtask bench " (run.arguments.join(" ")) } ", started at " (run.started_at) }
        // All that becomes another, which the script asks for anew.
        div data-live="" { (state(&run)) (results(app, &run)?) }
        h2 { "What it says" }
        pre tabindex="0" data-run={ "/api/v1/runs/" (run.id) "/events" } aria-label="What the run says" {}
    };
    Ok(layout("/runs", &format!("Run {id}"), &content))
}

fn state(run: &Run) -> Markup {
    html! {
        @match (run.is_over(), run.code()) {
            (false, _) => p role="status" { strong { "In progress." } " " code { "DELETE /api/v1/runs/" (run.id) } " ends it, and keeps what was measured." },
            (true, Some(0)) => p role="status" { "It is over: all is well." },
            (true, Some(code)) => p.warn role="status" { "It ended with " (code) ": see what it says." },
            (true, None) => p.warn role="status" { "A signal ended it." },
        }
    }
}

/// What the history has of it.
fn results(app: &App, run: &Run) -> Result<Markup, Problem> {
    // A run is called after its start and its process, which is the one that was started here.
    let statement = format!(
        "SELECT record, cell, outcome, reason, verdict, comparable, provenance, time_ns FROM measurements
         WHERE run LIKE ? AND started_at >= ?::TIMESTAMP ORDER BY started_at DESC, record DESC LIMIT {SHOWN}"
    );
    let began = run.started_at.trim_end_matches('Z').to_owned();
    let values = [format!("%Z-{}-%", run.process_id()), began].map(Parameter::Text);
    let rows = questions::rows(&app.owner, &statement, &values).and_then(|rows| rows.objects());
    let rows = rows.map_err(|error| Problem::of(&error, "internal"))?;
    let text = |row: &Value, name: &str| row[name].as_str().unwrap_or_default().to_owned();
    Ok(html! {
        @if rows.is_empty() { p.note { "No result has come in yet." } }
        @else {
            (wide(&format!("{} results have come in, the newest first", rows.len()), &html! {
                thead { tr { th.left scope="col" { "cell" } th scope="col" { "time" } th.left scope="col" { "answer" } th.text scope="col" { "why" } } }
                tbody {
                    @for row in &rows {
                        tr {
                            th.left scope="row" { a href=(href("/result", &[("record", &text(row, "record"))])) { (text(row, "cell")) } }
                            td class=[(row["outcome"] == "failed").then_some("bad")] {
                                @match row["time_ns"].as_f64() { Some(time) => (shown(Some(time), "ns")), None => (text(row, "outcome")) }
                            }
                            td.left { (text(row, "verdict")) }
                            td.text { (text(row, "reason")) }
                        }
                    }
                }
            }))
        }
    })
}
