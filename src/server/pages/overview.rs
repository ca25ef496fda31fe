//! The first page: who is ahead, what changed this week, what is stale, what failed.

use std::collections::BTreeMap;
use std::sync::Arc;

use maud::{Markup, html};
use serde_json::Value;

use super::figures::{day, figure, is_bad, state, swatch, to_fastest};
use super::layout::{href, layout, wide};
use crate::history::served::snapshot::Newest;
use crate::protocol::units::{Bytes, Nanos};
use crate::server::app::App;
use crate::server::ask::Ask;
use crate::server::problem::Problem;
use crate::server::standing::{Group, Standing};

/// Results that are older are stale.
const STALE_DAYS: i64 = 14;
/// Rows of what is not all shown.
const SHOWN: usize = 15;
/// Groups whose leader is told.
const GROUPS: usize = 12;

pub(super) fn page(app: &Arc<App>, _: &Ask) -> Result<Markup, Problem> {
    let standing = app.standing().map_err(|error| Problem::of(&error, "internal"))?;
    let content = html! {
        div data-follows="" {}
        (summary(&standing))
        @if let Some(group) = standing.groups.first() { (ranking(group)) }
        (others(&standing))
        section { h2 { "Changed in the last seven days" } (changed(app)) }
        div.columns {
            section { h2 { "Failed" } (failed(&standing)) }
            section { h2 { "Stale" } (stale(&standing)) }
        }
    };
    Ok(layout("/", "Overview", &content))
}

fn summary(standing: &Standing) -> Markup {
    let cells = &standing.cells;
    if cells.is_empty() {
        return html! { p { "There are no results yet: " code { "cargo bench -- duckdb/q1" } " measures some, and they appear here by themselves." } };
    }
    let distinct = |of: fn(&Newest) -> &str| cells.iter().map(of).collect::<std::collections::BTreeSet<_>>().len();
    let last = cells.iter().filter_map(|cell| cell.started_at_ms).max();
    html! {
        p.note {
            (cells.len()) " cells of " (distinct(|cell| &cell.engine_name)) " engines on " (distinct(|cell| &cell.machine_class))
            " classes of machines; the newest result is of " (last.map_or_else(String::new, day)) "."
        }
    }
}

fn link_to(group: &Group) -> String {
    let of = &group.conditions;
    href("/matrix", &[("suite", &of.suite), ("scale", &of.scale), ("machine", &of.machine), ("on", &of.words())])
}

fn ranking(group: &Group) -> Markup {
    let of = &group.conditions;
    let hatch = (!of.is_measured()).then_some("hatched");
    let caption = format!("{} {} on {}; {}", of.suite, of.scale, of.machine, of.words());
    let over = group.ranking.queries.len();
    html! {
        section {
            h2 { "Ranking" }
            @if group.ranking.places.is_empty() {
                p { "No engine has answered enough queries to be ranked: " a href=(link_to(group)) { "the matrix" } " shows each." }
            } @else {
                (wide(&caption, &html! {
                    thead { tr {
                        th.key scope="col" { "rank" } th.left scope="col" { "engine" } th scope="col" { "mean time" }
                        th scope="col" { "to the fastest" } th scope="col" { "mean peak memory" }
                    } }
                    tbody {
                        @for place in &group.ranking.places {
                            @let engine = &group.engines[place.contestant];
                            tr {
                                td.key { (place.rank) }
                                th.left scope="row" { (swatch(engine.color)) (engine.label) }
                                td class=[hatch] { (Nanos(place.geomean_ns)) }
                                td class=[hatch] { (to_fastest(place)) }
                                td class=[hatch] { (place.peak_memory_bytes.map_or_else(|| "–".to_owned(), |bytes| Bytes::about(bytes).to_string())) }
                            }
                        }
                    }
                }))
                p.note {
                    "Geometric means over the " (over) " queries that all of these answered right. Engines of one rank cannot be told apart (bootstrap of queries and samples). "
                    a href=(link_to(group)) { "Query by query" }
                }
            }
        }
    }
}

/// What else was measured, and who leads there.
fn others(standing: &Standing) -> Markup {
    let others: Vec<&Group> = standing.groups.iter().skip(1).take(GROUPS).collect();
    let more = standing.groups.len().saturating_sub(GROUPS + 1);
    html! {
        @if !others.is_empty() {
            section {
                h2 { "Under other conditions" }
                (wide("Each is ranked by itself", &html! {
                    thead { tr { th.left scope="col" { "suite and scale" } th.left scope="col" { "fastest" } th.left scope="col" { "conditions" } th.left scope="col" { "machine" } } }
                    tbody {
                        @for group in &others {
                            tr {
                                th.left scope="row" { a href=(link_to(group)) { (group.conditions.suite) " " (group.conditions.scale) } }
                                td.left { (leader(group)) }
                                td.left class=[(!group.conditions.is_measured()).then_some("hatched")] { (group.conditions.words()) }
                                td.left { (group.conditions.machine) }
                            }
                        }
                    }
                }))
                @if more > 0 { p.note { "And " (more) " more: " a href="/matrix" { "choose them in the matrix" } } }
            }
        }
    }
}

fn leader(group: &Group) -> String {
    let first = group.ranking.places.iter().filter(|place| place.rank == 1);
    let names: Vec<&str> = first.map(|place| group.engines[place.contestant].label.as_str()).collect();
    if names.is_empty() { "–".to_owned() } else { names.join(", ") }
}

/// Steps and drifts, by the history's own command.
fn changed(app: &Arc<App>) -> Markup {
    let rows = match app.changes() {
        Ok(Some(rows)) => rows,
        Ok(None) => {
            return html! { p.note { "Every point of every series is being looked at: they are here in a minute." } };
        }
        Err(error) => return html! { p.note { (format!("{error:#}")) } },
    };
    let text = |row: &Value, name: &str| row[name].as_str().unwrap_or_default().to_owned();
    html! {
        @if rows.is_empty() { p.note { "Nothing that can be told from noise." } }
        @else {
            (wide("Each with what else changed there", &html! {
                thead { tr { th.left scope="col" { "cell" } th scope="col" { "change" } th scope="col" { "95 % interval" } th.left scope="col" { "since" } th.text scope="col" { "along with" } } }
                tbody {
                    @for row in rows.iter().take(SHOWN) {
                        @let ratio = row["ratio"].as_f64().unwrap_or(1.0);
                        tr {
                            th.left scope="row" { a href=(href("/series", &[("key", &text(row, "series"))])) { (text(row, "cell")) } }
                            td class=(if ratio > 1.0 { "slower" } else { "faster" }) {
                                (text(row, "kind")) " " (percent(ratio)) (if ratio > 1.0 { " slower" } else { " faster" })
                            }
                            td { (percent(row["ratio_low"].as_f64().unwrap_or(1.0))) " to " (percent(row["ratio_high"].as_f64().unwrap_or(1.0))) }
                            td.left { (text(row, "started_at").chars().take(10).collect::<String>()) }
                            td.text { (text(row, "along_with")) }
                        }
                    }
                }
            }))
            @if rows.len() > SHOWN { p.note { "And " (rows.len() - SHOWN) " more: " code { "cargo xtask history changes" } } }
        }
    }
}

fn percent(ratio: f64) -> String {
    format!("{:+.1} %", (ratio - 1.0) * 100.0)
}

fn failed(standing: &Standing) -> Markup {
    let mut cells: Vec<&Newest> = standing.cells.iter().filter(|cell| is_bad(cell)).collect();
    cells.sort_by_key(|cell| std::cmp::Reverse(cell.started_at_ms));
    html! {
        @if cells.is_empty() { p.note { "The newest result of each cell is all right." } }
        @else {
            (wide("Cells whose newest result is not right", &html! {
                thead { tr { th.left scope="col" { "cell" } th.left scope="col" { "how" } th.left scope="col" { "day" } } }
                tbody {
                    @for cell in cells.iter().take(SHOWN) {
                        tr {
                            th.left scope="row" { (figure(cell, &cell.cell)) }
                            td.left.bad { (state(cell)) }
                            td.left { (cell.started_at_ms.map_or_else(String::new, day)) }
                        }
                    }
                }
            }))
            @if cells.len() > SHOWN { p.note { "And " (cells.len() - SHOWN) " more: " a href="/compatibility" { "compatibility" } } }
        }
    }
}

/// Measured long ago, engine by engine.
fn stale(standing: &Standing) -> Markup {
    let limit = (chrono::Utc::now() - chrono::TimeDelta::days(STALE_DAYS)).timestamp_millis();
    let old = standing.cells.iter().filter(|cell| cell.started_at_ms.is_some_and(|at| at < limit));
    let mut engines: BTreeMap<String, (usize, i64)> = BTreeMap::new();
    for cell in old {
        let entry = engines.entry(cell.label()).or_insert((0, i64::MAX));
        *entry = (entry.0 + 1, entry.1.min(cell.started_at_ms.unwrap_or(i64::MAX)));
    }
    html! {
        @if engines.is_empty() { p.note { "No cell is older than " (STALE_DAYS) " days." } }
        @else {
            (wide(&format!("Cells whose newest result is older than {STALE_DAYS} days"), &html! {
                thead { tr { th.left scope="col" { "engine" } th scope="col" { "cells" } th.left scope="col" { "the oldest" } } }
                tbody {
                    @for (engine, (count, oldest)) in engines.iter().take(SHOWN) {
                        tr { th.left scope="row" { (engine) } td { (count) } td.left { (day(*oldest)) } }
                    }
                }
            }))
            p.note { "Run again what needs it: " code { "cargo xtask bench --older-than " (STALE_DAYS) "d" } }
        }
    }
}
