//! A query: engines side by side, how their samples lie, their verdicts and plans, and the text.

use std::sync::Arc;

use maud::{Markup, PreEscaped, html};
use serde_json::Value;

use super::choice::Choice;
use super::figures::{Metric, figure, hatched, is_bad, state, swatch};
use super::layout::{href, layout, plain, select, wide};
use crate::history::served::questions::{self, Parameter};
use crate::history::served::snapshot::Newest;
use crate::host::paths;
use crate::host::report::picture::{self, Bar, Hue};
use crate::host::stats::{Interval, median_interval};
use crate::protocol::units::Nanos;
use crate::server::app::App;
use crate::server::ask::Ask;
use crate::server::problem::Problem;
use crate::server::standing::{Contestant, Standing, timed};

/// An engine with its newest result.
struct Row<'a> {
    engine: &'a Contestant,
    cell: &'a Newest,
    /// The median with its 95 % interval, where it may be compared.
    time: Option<Interval>,
}

pub(super) fn page(app: &Arc<App>, ask: &Ask) -> Result<Markup, Problem> {
    let standing = app.standing().map_err(|error| Problem::of(&error, "internal"))?;
    let choice = Choice::of(&standing, ask)?;
    let name = ask.get("query").or_else(|| choice.group.queries.first().map(String::as_str)).unwrap_or_default();
    let rows = rows(&standing, &choice, name)?;
    let of = &choice.group.conditions;
    let is_measured = of.is_measured();
    let hatch = (!is_measured).then_some("hatched");
    let content = html! {
        div data-follows="" {}
        form.choice method="get" action="/query" {
            (select("query", "Query", &plain(choice.group.queries.clone()), name))
            (choice.fields())
            noscript { button { "Show" } }
        }
        (choice.warning())
        div class="pictures large" {
            @for picture in pictures(name, &rows) { figure class=[hatch] { (PreEscaped(picture)) } }
        }
        (table(&rows))
        (text(app, of.suite.as_str(), name)?)
        (plans(app, &rows)?)
    };
    Ok(layout("/query", &format!("{name} of {} {}", of.suite, of.scale), &content))
}

/// The engines of the group, the fastest first.
fn rows<'a>(standing: &'a Standing, choice: &Choice<'a>, name: &str) -> Result<Vec<Row<'a>>, Problem> {
    let group = choice.group;
    let none = || Problem::new("not-found", "these results have no such query: the matrix names them");
    let query = group.queries.iter().position(|query| query == name).ok_or_else(none)?;
    let row = |engine: usize| {
        let cell = group.cell(standing, query, engine)?;
        let time = timed(cell).map(|timed| {
            let alone = Interval { estimate: timed.median_ns, low: timed.median_ns, high: timed.median_ns };
            median_interval(timed.samples_ns).unwrap_or(alone)
        });
        Some(Row { engine: &group.engines[engine], cell, time })
    };
    let mut rows: Vec<Row<'_>> = (0..group.engines.len()).filter_map(row).collect();
    let order = |row: &Row<'_>| row.time.as_ref().map_or(f64::INFINITY, |time| time.estimate);
    rows.sort_by(|a, b| order(a).total_cmp(&order(b)));
    Ok(rows)
}

/// The report's bars, and how samples lie around their median.
fn pictures(name: &str, rows: &[Row<'_>]) -> Vec<String> {
    let hue = |row: &Row<'_>| Hue { label: row.engine.label.clone(), color: row.engine.color.into() };
    let hues: Vec<Hue> = rows.iter().map(hue).collect();
    let (mut bars, mut missing) = (Vec::new(), Vec::new());
    for (row, hue) in rows.iter().zip(&hues) {
        match &row.time {
            Some(time) => bars.push(Bar {
                hue,
                median_ns: time.estimate,
                low_ns: time.low,
                high_ns: time.high,
                samples_ns: &row.cell.samples_ns,
            }),
            None => missing.push((hue, state(row.cell).to_owned())),
        }
    }
    let deviations: Vec<(&Hue, Vec<f64>)> = rows
        .iter()
        .zip(&hues)
        .filter_map(|(row, hue)| {
            let median = row.time.as_ref()?.estimate;
            Some((hue, row.cell.samples_ns.iter().map(|sample| sample / median - 1.0).collect()))
        })
        .collect();
    let spread: Vec<(&Hue, &[f64])> = deviations.iter().map(|(hue, values)| (*hue, values.as_slice())).collect();
    // Where nobody has a time there is no picture, and the table says why.
    let bars = picture::bars(&format!("query-{name}"), name, &bars, &missing);
    let spread = picture::spread(&format!("samples-{name}"), "Samples around their median", &spread);
    [bars, spread].into_iter().flatten().map(|picture| picture.inline().to_owned()).collect()
}

fn table(rows: &[Row<'_>]) -> Markup {
    let fastest = rows.iter().filter(|row| !row.engine.is_reference).find_map(|row| Some(row.time.as_ref()?.estimate));
    let ratio = |row: &Row<'_>| Some(row.time.as_ref()?.estimate / fastest?);
    let dash = || "–".to_owned();
    wide(
        "The newest result of each engine",
        &html! {
            thead { tr {
                th.key scope="col" { "engine" } th scope="col" { "time" } th scope="col" { "95 % interval" } th scope="col" { "to the fastest" }
                th scope="col" { "peak memory" } th scope="col" { "CPU time" } th.left scope="col" { "answer" } th.left scope="col" { "over time" }
                th.text scope="col" { "why" }
            } }
            tbody {
                @for row in rows {
                    @let hatch = hatched(row.cell);
                    tr {
                        th.key scope="row" { (swatch(row.engine.color)) (row.engine.label) }
                        @if let Some(time) = &row.time {
                            td class=[hatch] { (figure(row.cell, &Nanos(time.estimate).to_string())) }
                            td class=[hatch] { (Nanos(time.low)) " to " (Nanos(time.high)) }
                        } @else {
                            td class=(if is_bad(row.cell) { "bad" } else { "soft" }) { (figure(row.cell, state(row.cell))) }
                            td { (dash()) }
                        }
                        td class=[hatch] { (ratio(row).map_or_else(dash, |ratio| format!("{ratio:.2}×"))) }
                        td class=[hatch] { (Metric::Memory.value(row.cell).map_or_else(dash, |value| Metric::Memory.text(value))) }
                        td class=[hatch] { (Metric::Cpu.value(row.cell).map_or_else(dash, |value| Metric::Cpu.text(value))) }
                        td.left { (row.cell.verdict.as_deref().unwrap_or("–")) }
                        td.left { @if let Some(series) = &row.cell.series { a href=(href("/series", &[("key", series)])) { "series" } } }
                        td.text { (row.cell.reason.as_deref().or(row.cell.verdict_detail.as_deref()).unwrap_or_default()) }
                    }
                }
            }
        },
    )
}

/// The query's text: as the history has it, else as it lies in this checkout.
fn text(app: &App, suite: &str, name: &str) -> Result<Markup, Problem> {
    let statement = "SELECT sql FROM tasks WHERE suite = ? AND query = ? AND sql IS NOT NULL LIMIT 1";
    let kept = column(app, statement, &[suite, name])?.into_iter().next();
    // Names of suites and queries are the history's own, but the history may be somebody else's file.
    let is_plain = |name: &str| name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_');
    let in_checkout = || {
        let file = paths::suite(suite).join("queries").join(format!("{name}.sql"));
        std::fs::read_to_string(file).ok().filter(|_| is_plain(suite) && is_plain(name))
    };
    Ok(html! {
        @if let Some(text) = kept.or_else(in_checkout) {
            details open { summary { "The query" } pre tabindex="0" { (text.trim()) } }
        }
    })
}

/// How each engine would run it, where it tells.
fn plans(app: &App, rows: &[Row<'_>]) -> Result<Markup, Problem> {
    let mut plans = Vec::new();
    for row in rows {
        let Some(plan) = &row.cell.plan else { continue };
        let found = column(app, "SELECT text FROM plans WHERE plan = ?", &[plan])?;
        plans.extend(found.into_iter().next().map(|text| (row.engine.label.as_str(), text)));
    }
    Ok(html! {
        @for (engine, text) in plans {
            details { summary { "Plan of " (engine) } pre tabindex="0" { (text) } }
        }
    })
}

/// The texts of a statement's only column.
fn column(app: &App, statement: &str, values: &[&str]) -> Result<Vec<String>, Problem> {
    let internal = |error: anyhow::Error| Problem::of(&error, "internal");
    let values: Vec<Parameter> = values.iter().map(|value| Parameter::Text((*value).to_owned())).collect();
    let rows = questions::rows(&app.owner, statement, &values).and_then(|rows| rows.objects()).map_err(internal)?;
    let text = |row: &Value| row.as_object()?.values().next()?.as_str().map(str::to_owned);
    Ok(rows.iter().filter_map(text).collect())
}
