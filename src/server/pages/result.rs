//! One result: all that is known of it, where it comes from, and what was said of it.

use std::sync::Arc;

use maud::{Markup, html};
use serde_json::Value;

use super::figures::shown;
use super::layout::{href, layout, ticked, wide};
use crate::server::app::App;
use crate::server::ask::Ask;
use crate::server::facts::facts;
use crate::server::problem::Problem;

/// Facts that are texts of several lines.
const LONG: [&str; 4] = ["plan_text", "sql", "stderr", "verdict_detail"];

pub(super) fn page(app: &Arc<App>, ask: &Ask) -> Result<Markup, Problem> {
    let record = ask.get("record").ok_or_else(|| Problem::invalid("which result: /result?record=RECORD"))?;
    let rows = facts(&app.owner, record)?.objects().map_err(|error| Problem::of(&error, "internal"))?;
    let text = |row: &Value, name: &str| row[name].as_str().unwrap_or_default().to_owned();
    let of_kind = |kind: &str| rows.iter().filter(|row| row["kind"] == kind).collect::<Vec<_>>();
    let fact =
        |name: &str| rows.iter().find(|row| row["kind"] == "fact" && row["name"] == name).map(|row| text(row, "value"));
    let provenance = fact("provenance").unwrap_or_default();
    let hatch = (provenance != "measured").then_some("hatched");
    let (long, short): (Vec<&Value>, Vec<&Value>) = of_kind("fact")
        .into_iter()
        .partition(|row| LONG.contains(&text(row, "name").as_str()) && text(row, "value").contains('\n'));
    let content = html! {
        @if provenance != "measured" {
            p.warn { "This result is " strong { (provenance) } ", not measured" @if let Some(why) = fact("provenance_reason") { ": " (ticked(&why)) } "." }
        }
        (wide("Figures: the median of the samples, or the one value there is", &html! {
            thead { tr { th.key scope="col" { "figure" } th scope="col" { "value" } th.text scope="col" { "samples" } } }
            tbody {
                @for row in of_kind("figure") {
                    @let samples = row["samples"].as_array().map(Vec::as_slice).unwrap_or_default();
                    tr {
                        th.key scope="row" { (text(row, "name")) }
                        td class=[hatch] { (shown(text(row, "value").parse().ok(), &text(row, "unit"))) }
                        td.text {
                            @if !samples.is_empty() {
                                details { summary { (samples.len()) }
                                    (samples.iter().map(|sample| shown(sample.as_f64(), &text(row, "unit"))).collect::<Vec<_>>().join(", ")) }
                            }
                        }
                    }
                }
            }
        }))
        @for row in of_kind("note") { p { strong { (text(row, "name")) } ": " (text(row, "value")) } }
        h2 { "What is known of it" }
        dl.facts {
            @for row in short {
                @let (name, value) = (text(row, "name"), text(row, "value"));
                dt { (name) }
                dd {
                    @match name.as_str() {
                        "series" => a href=(href("/series", &[("key", &value)])) { (value) },
                        "query" => a href=(href("/query", &[("suite", &fact("suite").unwrap_or_default()), ("query", &value)])) { (value) },
                        "provenance_reason" => (ticked(&value)),
                        _ => (value),
                    }
                }
            }
        }
        @for row in long { details open { summary { (text(row, "name")) } pre tabindex="0" { (text(row, "value")) } } }
        p.note { "The record as it is in the journal: " code { "cargo xtask show " (record) " --json" } }
    };
    Ok(layout("/result", &format!("{} ({record})", fact("cell").unwrap_or_default()), &content))
}
