//! What each engine does with each query, and what it can do at all.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use maud::{Markup, html};
use serde_json::Value;

use super::layout::{href, layout, plain, select, ticked, wide};
use crate::history::served::questions;
use crate::host::capabilities::cited;
use crate::host::report::natural;
use crate::server::app::App;
use crate::server::ask::Ask;
use crate::server::problem::Problem;

/// Reasons that are shown of an engine that does not answer.
const REASONS: usize = 60;

pub(super) fn page(app: &Arc<App>, ask: &Ask) -> Result<Markup, Problem> {
    let internal = |error: anyhow::Error| Problem::of(&error, "internal");
    let statement = "SELECT * REPLACE (since::DATE AS since) FROM compatibility ORDER BY suite, query, engine_name";
    let rows = questions::rows(&app.owner, statement, &[]).and_then(|rows| rows.objects()).map_err(internal)?;
    let suites: BTreeSet<&str> = rows.iter().filter_map(|row| row["suite"].as_str()).collect();
    let suite = ask.get("suite").or_else(|| suites.first().copied()).unwrap_or_default();
    let rows: Vec<&Value> = rows.iter().filter(|row| row["suite"] == suite).collect();
    let content = html! {
        form.choice method="get" action="/compatibility" {
            (select("suite", "Suite", &plain(suites.iter().map(|suite| (*suite).to_owned())), suite))
            noscript { button { "Show" } }
        }
        (queries(&rows))
        (reasons(&rows))
        h2 { "What engines can do" }
        (capabilities(app))
    };
    Ok(layout("/compatibility", "Compatibility", &content))
}

fn text<'a>(row: &'a Value, name: &str) -> &'a str {
    row[name].as_str().unwrap_or_default()
}

fn queries(rows: &[&Value]) -> Markup {
    let engines: BTreeSet<&str> = rows.iter().map(|row| text(row, "engine_name")).collect();
    let mut queries: Vec<&str> = rows.iter().map(|row| text(row, "query")).collect();
    queries.sort_by(|a, b| natural(a).cmp(&natural(b)));
    queries.dedup();
    let by_place: BTreeMap<(&str, &str), &Value> =
        rows.iter().map(|row| ((text(row, "query"), text(row, "engine_name")), *row)).collect();
    let works = |engine: &str| {
        rows.iter().filter(|row| text(row, "engine_name") == engine && text(row, "status") == "works").count()
    };
    html! {
        @if rows.is_empty() { p { "Nothing of this suite was run, or nothing of it was measured here." } }
        @else {
            (wide("By the newest result of each; simulated and imported ones do not count", &html! {
                thead { tr {
                    th.key scope="col" { "query" }
                    @for engine in &engines { th.left scope="col" { (engine) " " small { (works(engine)) " of " (queries.len()) } } }
                } }
                tbody {
                    @for query in &queries {
                        tr {
                            th.key scope="row" { a href=(href("/query", &[("suite", text(rows[0], "suite")), ("query", query)])) { (query) } }
                            @for engine in &engines {
                                @match by_place.get(&(*query, *engine)) {
                                    Some(row) => (status(row)),
                                    None => td.left.soft { "–" },
                                }
                            }
                        }
                    }
                }
            }))
        }
    }
}

fn status(row: &Value) -> Markup {
    let status = text(row, "status");
    let class = match status {
        "works" => "yes",
        "failed" | "wrong" | "disputed" => "no",
        _ => "soft",
    };
    let since = format!("since {} {}: {}", text(row, "since_version"), text(row, "since"), text(row, "reason"));
    html! { td class={ "left " (class) } title=(since) { (status) } }
}

fn reasons(rows: &[&Value]) -> Markup {
    let mut others: Vec<&&Value> = rows.iter().filter(|row| text(row, "status") != "works").collect();
    others.sort_by(|a, b| natural(text(a, "query")).cmp(&natural(text(b, "query"))));
    html! {
        @if !others.is_empty() {
            h2 { "Why not" }
            (wide("With what can be done about it, where somebody has said so", &html! {
                thead { tr { th.key scope="col" { "engine and query" } th.left scope="col" { "what" } th.left scope="col" { "since" } th.text scope="col" { "why" } th.text scope="col" { "workaround" } } }
                tbody {
                    @for row in others.iter().take(REASONS) {
                        tr {
                            th.key scope="row" { (text(row, "engine_name")) "/" (text(row, "query")) }
                            td.left { (text(row, "status")) }
                            td.left { (text(row, "since_version")) " " (text(row, "since")) }
                            td.text { (text(row, "reason").chars().take(300).collect::<String>()) }
                            td.text { (ticked(text(row, "workaround"))) }
                        }
                    }
                }
            }))
            @if others.len() > REASONS { p.note { "And " (others.len() - REASONS) " more: " a href="/api/v1/compatibility?limit=1000&format=csv" { "all of them" } } }
        }
    }
}

/// What is cited of each engine; what a probe shows is `cargo xtask capabilities`.
fn capabilities(app: &App) -> Markup {
    let all: Vec<_> =
        app.known.engines.keys().map(|name| (name, cited(name))).filter(|(_, cited)| !cited.is_empty()).collect();
    let Some((_, first)) = all.first() else { return html! { p { "Nothing is cited." } } };
    html! {
        (wide("As their makers' documentation says; src/docs/capabilities.md has the sources", &html! {
            thead { tr { th.key scope="col" { "engine" } @for capability in first { th.left scope="col" { (capability.name) } } } }
            tbody {
                @for (engine, capabilities) in &all {
                    tr {
                        th.key scope="row" { (engine) }
                        @for capability in capabilities {
                            @let class = match capability.can { Some(true) => "yes", Some(false) => "no", None => "" };
                            td class={ "text " (class) } title=(capability.proof) { (capability.shown) }
                        }
                    }
                }
            }
        }))
        p.note { "What each can do on this machine is probed by " code { "cargo xtask capabilities" } "." }
    }
}
