//! A series over time: its points, levels and changes, and what else changed there.

use std::sync::Arc;

use maud::{Markup, html};
use serde_json::Value;

use super::assets::{PLOT, VERSION};
use super::figures::shown;
use super::layout::{href, layout, select, wide};
use crate::history::served::questions::{self, Parameter};
use crate::server::app::App;
use crate::server::ask::Ask;
use crate::server::problem::Problem;

/// Points that the table has without a note.
const SHOWN: usize = 30;

pub(super) fn page(app: &Arc<App>, ask: &Ask) -> Result<Markup, Problem> {
    let key = ask
        .get("key")
        .ok_or_else(|| Problem::invalid("which series: /series?key=KEY, as the page of a query links it"))?;
    let metric = ask.get("metric").unwrap_or("time");
    let arguments = ["trend", "--format=json", &format!("--series={key}"), &format!("--metric={metric}")];
    let kept = questions::command(&app.owner, &arguments, "").map_err(|error| Problem::of_name(&error))?;
    let mut rows = kept.rows().map_err(|error| Problem::of(&error, "internal"))?;
    // What is marked is a series of its own.
    let text = |row: &Value, name: &str| row[name].as_str().unwrap_or_default().to_owned();
    let provenance = rows.first().map(|row| text(row, "provenance")).unwrap_or_default();
    rows.retain(|row| text(row, "provenance") == provenance);
    let last = rows.last().ok_or_else(|| Problem::new("not-found", "this series has no points"))?;
    let (cell, machine, unit) = (text(last, "cell"), text(last, "machine_class"), text(last, "unit"));
    let metrics: Vec<(String, String)> = metrics(app, key)?.into_iter().map(|name| (name.clone(), name)).collect();
    let source = href(&format!("/api/v1/series/{key}"), &[("metric", metric)]);
    let newest = rows.len().saturating_sub(SHOWN);
    let is_shown = |(place, row): &(usize, &Value)| *place >= newest || !text(row, "note").is_empty();
    let content = html! {
        div data-follows="" {}
        form.choice method="get" action="/series" {
            input type="hidden" name="key" value=(key);
            (select("metric", "Figure", &metrics, metric))
            noscript { button { "Show" } }
        }
        @if provenance != "measured" { p.warn { "This series is " strong { (provenance) } ", not measured." } }
        p.note {
            (rows.len()) " results on " (machine) ", " (if text(last, "ordered_by") == "git" { "in the order of git's first parents" } else { "in the order of time" })
            ". Dashed lines are changes, new versions and machines; a point leads to its result."
        }
        div.chart data-series=(source) data-metric=(metric) data-provenance=(provenance) role="img" aria-label={ "The points of " (cell) " over time; the table below has them" } {
            noscript { "The picture is drawn by a script; the table below has its figures." }
        }
        script src={ (PLOT) "?" (*VERSION) } defer {}
        (wide("The newest results, and all at which something changed", &html! {
            thead { tr {
                th.key scope="col" { "result" } th.left scope="col" { "begun (UTC)" } th scope="col" { (metric) } th scope="col" { "level" }
                th.left scope="col" { "version" } th.left scope="col" { "commit" } th.text scope="col" { "what changed" }
            } }
            tbody {
                @for (_, row) in rows.iter().enumerate().filter(is_shown).collect::<Vec<_>>().into_iter().rev() {
                    tr {
                        th.key scope="row" { a href=(href("/result", &[("record", &text(row, "record"))])) { (text(row, "record")) } }
                        td.left { (text(row, "started_at").replace('T', " ")) }
                        td class=[(provenance != "measured").then_some("hatched")] { (shown(row["value"].as_f64(), &unit)) }
                        td { (shown(row["level"].as_f64(), &unit)) }
                        td.left { (text(row, "engine_version")) }
                        td.left { (text(row, "git_commit").chars().take(12).collect::<String>()) @if row["git_dirty"] == true { "+" } }
                        td.text { (text(row, "note")) }
                    }
                }
            }
        }))
        p.note {
            "As rows: " a href=(source) { "JSON" } ", " a href={ (source) "&format=csv" } { "CSV" } ". A change is accepted by "
            code { "cargo xtask history annotate RESULT \"why\" --level" }
        }
    };
    Ok(layout("/series", &cell, &content))
}

/// The figures that a series has.
fn metrics(app: &App, key: &str) -> Result<Vec<String>, Problem> {
    let internal = |error: anyhow::Error| Problem::of(&error, "internal");
    let statement =
        "SELECT DISTINCT name FROM metrics SEMI JOIN (FROM results WHERE series = ?) USING (result) ORDER BY name";
    let rows = questions::rows(&app.owner, statement, &[Parameter::Text(key.to_owned())]);
    let rows = rows.and_then(|rows| rows.objects()).map_err(internal)?;
    Ok(rows.iter().filter_map(|row| row["name"].as_str().map(str::to_owned)).collect())
}
