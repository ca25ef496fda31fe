//! Any two engines, machines, versions or runs, query by query, with how much each differs.

use std::collections::BTreeSet;
use std::sync::Arc;

use maud::{Markup, html};
use serde_json::Value;

use super::layout::{href, layout, plain, select, wide};
use crate::history::served::questions;
use crate::server::app::App;
use crate::server::ask::Ask;
use crate::server::problem::Problem;
use crate::server::standing::Standing;

/// What two sides may be, and how a class is called by its size: up to so many percent.
const SIDES: [&str; 4] = ["engines", "machines", "versions", "runs"];
const CLASSES: [(f64, &str); 4] = [(0.01, "tiny"), (0.05, "small"), (0.15, "medium"), (0.5, "large")];

pub(super) fn page(app: &Arc<App>, ask: &Ask) -> Result<Markup, Problem> {
    let standing = app.standing().map_err(|error| Problem::of(&error, "internal"))?;
    let side = ask.get("sides").filter(|side| SIDES.contains(side)).unwrap_or("engines");
    let names = names(app, &standing, side)?;
    let first = ask.get("first").unwrap_or_else(|| names.first().map_or("", String::as_str));
    let second = ask.get("second").unwrap_or_else(|| names.get(1).map_or("", String::as_str));
    // Where nothing was measured, as in a demo, there is something to see all the same.
    let measured = standing.cells.iter().any(|cell| cell.provenance == "measured");
    let provenance = ask.get("provenance").unwrap_or(if measured { "measured" } else { "simulated" });
    let filter = ask.get("filter").unwrap_or_default();
    let content = html! {
        form.choice method="get" action="/compare" {
            (select("sides", "Two", &plain(SIDES.map(str::to_owned)), side))
            (select("first", "The first", &plain(names.clone()), first))
            (select("second", "against it", &plain(names.clone()), second))
            (select("provenance", "Provenance", &plain(["measured", "simulated", "imported", "estimated"].map(str::to_owned)), provenance))
            label { "Cells " input type="text" name="filter" value=(filter) placeholder="all, or such as q1"; }
            button { "Compare" }
        }
        @if first.is_empty() || second.is_empty() { p { "There are no two " (side) " to compare." } }
        @else { (compared(app, (side, first, second), (filter, provenance))) }
    };
    Ok(layout("/compare", "Compare", &content))
}

/// What can be a side.
fn names(app: &App, standing: &Standing, side: &str) -> Result<Vec<String>, Problem> {
    let all: BTreeSet<String> = match side {
        "machines" => standing.cells.iter().map(|cell| cell.machine_class.clone()).collect(),
        "engines" => standing.cells.iter().map(|cell| cell.engine_name.clone()).collect(),
        _ => {
            let statement = if side == "runs" {
                "SELECT run AS name FROM runs ORDER BY started_at DESC LIMIT 200"
            } else {
                "SELECT DISTINCT string_split(name, '@')[1] || '@' || version AS name FROM engines WHERE version IS NOT NULL ORDER BY ALL"
            };
            let internal = |error: anyhow::Error| Problem::of(&error, "internal");
            let rows = questions::rows(&app.owner, statement, &[]).and_then(|rows| rows.objects()).map_err(internal)?;
            return Ok(rows.iter().filter_map(|row| row["name"].as_str().map(str::to_owned)).collect());
        }
    };
    Ok(all.into_iter().collect())
}

fn compared(app: &App, (side, first, second): (&str, &str, &str), (filter, provenance): (&str, &str)) -> Markup {
    let arguments = [
        "compare",
        "--format=json",
        &format!("--{side}={first}"),
        &format!("--{side}={second}"),
        &format!("--provenance={provenance}"),
        "--",
        filter,
    ];
    let kept = match questions::command(&app.owner, &arguments, "") {
        Ok(kept) => kept,
        Err(error) => {
            let problem = Problem::of(&error, "not-found");
            return html! { p.warn { (problem.detail().lines().next().unwrap_or_default()) }
            @for line in problem.detail().lines().skip(1).take(20) { p.note { (shown_line(line)) } } };
        }
    };
    let rows: Vec<Value> = serde_json::from_slice(&kept.stdout).unwrap_or_default();
    let notes = String::from_utf8_lossy(&kept.stderr).into_owned();
    let text = |row: &Value, name: &str| row[name].as_str().unwrap_or_default().to_owned();
    let hatch = (provenance != "measured").then_some("hatched");
    html! {
        @if hatch.is_some() { p.warn { "Both sides are " strong { (provenance) } ", not measured." } }
        (wide(&format!("{second} against {first}: above 1 it is slower"), &html! {
            thead { tr {
                th.key scope="col" { "query" } th.left scope="col" { "conditions" } th scope="col" { (first) } th scope="col" { (second) }
                th scope="col" { "ratio" } th scope="col" { "95 % interval" } th.left scope="col" { "so" } th.left scope="col" { "size" }
            } }
            tbody {
                @for row in &rows {
                    @let says = text(row, "second_is");
                    tr {
                        th.key scope="row" { (text(row, "query")) " " (text(row, "scale")) }
                        td.left { (text(row, "conditions")) }
                        @for (name, record) in [("first_ms", "first"), ("second_ms", "second")] {
                            td class=[hatch] {
                                @if let Some(ms) = row[name].as_f64() {
                                    a href=(href("/result", &[("record", &text(row, record))])) { (crate::protocol::units::Nanos(ms * 1e6)) }
                                }
                            }
                        }
                        td class=[says.starts_with("faster").then_some("strong")] { (row["ratio"].as_f64().map_or_else(String::new, |ratio| format!("{ratio:.3}"))) }
                        td { @if let (Some(low), Some(high)) = (row["low"].as_f64(), row["high"].as_f64()) { (format!("{low:.3} to {high:.3}")) } }
                        td class={ "left " (if says.starts_with("slower") { "slower" } else if says.starts_with("faster") { "faster" } else { "" }) } { (says) }
                        td.left { (row["ratio"].as_f64().map_or("", class)) }
                    }
                }
            }
        }))
        @if !notes.is_empty() { details { summary { "What was left out, and how to read it" } @for line in notes.lines() { p.note { (line) } } } }
    }
}

fn shown_line(line: &str) -> String {
    if line.chars().count() > 400 {
        format!("{} ...", line.chars().take(400).collect::<String>())
    } else {
        line.to_owned()
    }
}

/// How much a ratio is, in a word; the same for slower and faster.
fn class(ratio: f64) -> &'static str {
    let size = ratio.max(1.0 / ratio) - 1.0;
    CLASSES.iter().find(|(most, _)| size < *most).map_or("very large", |(_, name)| name)
}
