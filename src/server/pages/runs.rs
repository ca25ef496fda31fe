//! The runs that the history has, and those that were started here.

use std::sync::Arc;

use maud::{Markup, html};
use serde_json::Value;

use super::layout::{href, layout, wide};
use crate::history::served::questions;
use crate::server::app::App;
use crate::server::ask::Ask;
use crate::server::problem::Problem;

pub(super) fn page(app: &Arc<App>, _: &Ask) -> Result<Markup, Problem> {
    let internal = |error: anyhow::Error| Problem::of(&error, "internal");
    let statement = "
        SELECT u.run, u.started_at, u.last_cell_at, u.command, left(u.git_commit, 12) AS git_commit, u.git_dirty, count(*) AS cells,
               count(*) FILTER (outcome = 'failed') AS failed, count(*) FILTER (verified) AS verified
        FROM runs u JOIN results r USING (run) GROUP BY ALL ORDER BY u.started_at DESC, u.run LIMIT 51";
    let rows = questions::rows(&app.owner, statement, &[]).and_then(|rows| rows.objects()).map_err(internal)?;
    let text = |row: &Value, name: &str| row[name].as_str().unwrap_or_default().to_owned();
    let content = html! {
        div data-follows="" {}
        (started(app))
        (wide("The newest fifty; a run in progress grows as its cells come in", &html! {
            thead { tr {
                th.key scope="col" { "run" } th.left scope="col" { "begun (UTC)" } th.left scope="col" { "last cell" } th scope="col" { "cells" }
                th scope="col" { "verified" } th scope="col" { "failed" } th.left scope="col" { "commit" } th.text scope="col" { "command" } th.left scope="col" { "against the one before" }
            } }
            tbody {
                @for (place, row) in rows.iter().take(50).enumerate() {
                    @let run = text(row, "run");
                    tr {
                        th.key scope="row" { a href=(href("/api/v1/results", &[("run", &run)])) { (run) } }
                        td.left { (text(row, "started_at").replace('T', " ").chars().take(16).collect::<String>()) }
                        td.left { (text(row, "last_cell_at").replace('T', " ").chars().skip(11).take(8).collect::<String>()) }
                        td { (row["cells"]) } td { (row["verified"]) }
                        td class=[(row["failed"] != 0).then_some("bad")] { (row["failed"]) }
                        td.left { (text(row, "git_commit")) @if row["git_dirty"] == true { "+" } }
                        td.text { (text(row, "command")) }
                        td.left {
                            @if let Some(before) = rows.get(place + 1) {
                                a href=(href("/compare", &[("sides", "runs"), ("first", &text(before, "run")), ("second", &run)])) { "compare" }
                            }
                        }
                    }
                }
            }
        }))
    };
    Ok(layout("/runs", "Runs", &content))
}

/// Those that were started here.
fn started(app: &App) -> Markup {
    let runs = app.runs.all();
    html! {
        @if !runs.is_empty() {
            h2 { "Started here" }
            ul {
                @for run in &runs {
                    li {
                        a href=(href("/run", &[("run", &run.id)])) { (run.started_at) } ": " code { "cargo xtask bench " (run.arguments.join(" ")) }
                        @if !run.is_over() { ", " strong { "in progress" } }
                    }
                }
            }
            h2 { "All of the history" }
        }
    }
}
