//! Any two engines, machines, versions or runs, query by query: how much each differs, whether that is more than its noise, and what became
//! of its plan.

use std::collections::BTreeSet;
use std::sync::Arc;

use maud::{Markup, html};
use serde_json::Value;

use super::layout::{href, layout, plain, select, wide};
use crate::history::served::questions::{self, Parameter};
use crate::host::record::{PlanChange, PlanRecord};
use crate::protocol::units::Nanos;
use crate::server::app::App;
use crate::server::ask::Ask;
use crate::server::problem::Problem;
use crate::server::standing::Standing;

/// What two sides may be.
const SIDES: [&str; 4] = ["engines", "machines", "versions", "runs"];
/// Changes of plans that are shown.
const PLANS: usize = 60;

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
    let found = questions::command(&app.owner, &arguments, "").and_then(|kept| Ok((kept.rows()?, kept.stderr)));
    let (rows, notes) = match found {
        Ok(found) => found,
        Err(error) => {
            let problem = Problem::of(&error, "not-found");
            return html! { p.warn { (problem.detail().lines().next().unwrap_or_default()) }
            @for line in problem.detail().lines().skip(1).take(20) { p.note { (shown_line(line)) } } };
        }
    };
    let notes = String::from_utf8_lossy(&notes).into_owned();
    let hatch = (provenance != "measured").then_some("hatched");
    html! {
        @if hatch.is_some() { p.warn { "Both sides are " strong { (provenance) } ", not measured." } }
        p { (summary(&rows)) }
        (wide(&format!("{second} against {first}: above 1 it is slower"), &html! {
            thead { tr {
                th.key scope="col" { "query" } th.left scope="col" { "conditions" } th scope="col" { (first) } th scope="col" { (second) }
                th scope="col" { "ratio" } th scope="col" { "95 % interval" } th.left scope="col" { "so" } th.left scope="col" { "size" }
                th.left scope="col" title="What is no news in the series of both: from the changes from each earlier result to the next" { "noise" }
                th.left scope="col" { "plan" }
            } }
            tbody { @for (place, row) in rows.iter().enumerate() { (line(place, row, hatch)) } }
        }))
        (plans(app, &rows))
        p.note {
            "The interval is from the samples of both. The noise is from what lies before: the changes from each result of the series to the next, their third quartile and three times the quartiles' distance. Two runs differ by that on their own."
        }
        @if !notes.is_empty() { details { summary { "What was left out, and how to read it" } @for line in notes.lines() { p.note { (line) } } } }
    }
}

fn text<'a>(row: &'a Value, name: &str) -> &'a str {
    row[name].as_str().unwrap_or_default()
}

/// How many are what; means of several are no rows of their own.
fn summary(rows: &[Value]) -> String {
    let queries: Vec<&Value> = rows.iter().filter(|row| !text(row, "first").is_empty()).collect();
    let count = |is: &dyn Fn(&Value) -> bool| queries.iter().filter(|row| is(row)).count();
    let says = |says: &'static str| move |row: &Value| text(row, "second_is") == says;
    let beyond =
        |row: &Value| text(row, "second_is") != "no difference shown" && text(row, "against_noise") == "beyond";
    let (slower, faster) = (count(&says("slower")), count(&says("faster")));
    let changed = count(&|row| text(row, "plan") == "changed");
    let plans = if changed > 0 { format!("; {changed} with another plan") } else { String::new() };
    format!(
        "{} compared: {slower} slower, {faster} faster, {} of these by more than their noise{plans}.",
        queries.len(),
        count(&beyond)
    )
}

fn line(place: usize, row: &Value, hatch: Option<&str>) -> Markup {
    let says = text(row, "second_is");
    let is_noise = text(row, "against_noise") == "within";
    let class = match says {
        "slower" | "faster" if !is_noise => says,
        _ => "",
    };
    html! {
        tr {
            th.key scope="row" { (text(row, "query")) " " (text(row, "scale")) }
            td.left { (text(row, "conditions")) }
            @for (name, record) in [("first_ms", "first"), ("second_ms", "second")] {
                td class=[hatch] {
                    @if let Some(ms) = row[name].as_f64() {
                        a href=(href("/result", &[("record", text(row, record))])) { (Nanos(ms * 1e6)) }
                    }
                }
            }
            td class=[(class == "faster").then_some("strong")] { (row["ratio"].as_f64().map_or_else(String::new, |ratio| format!("{ratio:.3}"))) }
            td { @if let (Some(low), Some(high)) = (row["low"].as_f64(), row["high"].as_f64()) { (format!("{low:.3} to {high:.3}")) } }
            td class={ "left " (class) } { (says) }
            td.left { (text(row, "size")) }
            td.left {
                @match row["noise"].as_f64() {
                    Some(noise) => { (text(row, "against_noise")) " " (format!("{:.1} %", (noise - 1.0) * 100.0)) },
                    None if text(row, "first").is_empty() => {},
                    None => span.soft { "too few earlier results" },
                }
            }
            td.left { @if text(row, "plan") == "changed" { a href={ "#plan-" (place) } { "changed" } } @else { (text(row, "plan")) } }
        }
    }
}

/// What became of each plan that is another one.
fn plans(app: &App, rows: &[Value]) -> Markup {
    let changed: Vec<(usize, &Value)> =
        rows.iter().enumerate().filter(|(_, row)| text(row, "plan") == "changed").collect();
    let (shown, more) = changed.split_at(changed.len().min(PLANS));
    let keys: Vec<&str> =
        shown.iter().flat_map(|(_, row)| ["first_plan", "second_plan"].map(|name| text(row, name))).collect();
    let statement = "SELECT plan, sha256, text FROM plans WHERE plan IN (SELECT unnest(string_split(?, chr(10))))";
    let found =
        questions::rows(&app.owner, statement, &[Parameter::Text(keys.join("\n"))]).and_then(|rows| rows.objects());
    let found = match found {
        Ok(found) => found,
        Err(error) => return html! { p.warn { (Problem::of(&error, "internal").detail()) } },
    };
    let plan = |key: &str| {
        let row = found.iter().find(|row| text(row, "plan") == key)?;
        Some(PlanRecord { sha256: text(row, "sha256").to_owned(), text: text(row, "text").to_owned() })
    };
    html! {
        @if !shown.is_empty() { h2 { "Plans that changed" } }
        @for (place, row) in shown {
            @let change = PlanChange::between(plan(text(row, "first_plan")).as_ref(), plan(text(row, "second_plan")).as_ref());
            @if let Some(change) = change {
                details open[shown.len() == 1] id={ "plan-" (place) } {
                    summary { (text(row, "query")) " " (text(row, "scale")) }
                    pre tabindex="0" { (change.difference.join("\n")) }
                }
            }
        }
        @for (place, row) in more { p.note id={ "plan-" (place) } { (text(row, "query")) " " (text(row, "scale")) ": its two results have their plans" } }
    }
}

fn shown_line(line: &str) -> String {
    if line.chars().count() > 400 {
        format!("{} ...", line.chars().take(400).collect::<String>())
    } else {
        line.to_owned()
    }
}
