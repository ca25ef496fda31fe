//! Up to which size of the data each engine can, and who wins from which size on: `cargo xtask boundary`'s pictures, of the newest results
//! of a query at each of its scales. What that command has run is in the history as everything else.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use maud::{Markup, PreEscaped, html};

use super::figures::swatch;
use super::layout::{href, layout, plain, select, wide};
use crate::history::served::questions::{self, Parameter};
use crate::history::served::snapshot::Newest;
use crate::host::boundary::{Boundary, Cell, End, Line, Point, of_cells, picture};
use crate::host::record::{beyond, metric};
use crate::host::report::natural;
use crate::protocol::id::{BenchId, Scale};
use crate::protocol::units::{Bytes, Nanos};
use crate::server::app::App;
use crate::server::ask::Ask;
use crate::server::problem::Problem;

/// Without a limit, in an address.
const NONE: &str = "none";

pub(super) fn page(app: &Arc<App>, ask: &Ask) -> Result<Markup, Problem> {
    let standing = app.standing().map_err(|error| Problem::of(&error, "internal"))?;
    let groups = groups(&standing.cells);
    let suites: BTreeSet<String> = groups.keys().map(|(suite, _)| suite.clone()).collect();
    let suite = ask.get("suite").map(str::to_owned).or_else(|| first(&groups, None).map(|(suite, _)| suite.clone()));
    let Some(suite) = suite else { return Ok(nothing()) };
    let none = || Problem::new("not-found", "there are no such results at two scales: /boundary tells what there is");
    // A machine that has not measured this suite is left open.
    let machine = ask.get("machine").filter(|machine| groups.contains_key(&(suite.clone(), (*machine).to_owned())));
    let machine =
        machine.map(str::to_owned).or_else(|| first(&groups, Some(&suite)).map(|(_, machine)| machine.clone()));
    let machine = machine.ok_or_else(none)?;
    let machines: BTreeSet<String> =
        groups.keys().filter(|(of, _)| *of == suite).map(|(_, machine)| machine.clone()).collect();
    let cells = groups.get(&(suite.clone(), machine.clone())).ok_or_else(none)?;
    let spilled = spilled(app, &suite)?;
    let mut found = of_cells(cells.iter().filter_map(|cell| of(cell, &spilled)));
    found.retain(has_sizes);
    found.sort_by(|a, b| (natural(&a.query), a.memory_limit_bytes).cmp(&(natural(&b.query), b.memory_limit_bytes)));
    let is_it = |boundary: &&Boundary| {
        ask.get("query").is_none_or(|query| query == boundary.query)
            && ask.get("memory").is_none_or(|memory| memory == limit(boundary))
    };
    let shown = found.iter().find(is_it).ok_or_else(none)?;
    let content = html! {
        div data-follows="" {}
        form.choice method="get" action="/boundary" {
            (select("suite", "Suite", &plain(suites), &suite))
            (select("machine", "Machine", &plain(machines), &machine))
            noscript { button { "Show" } }
        }
        p { strong { (shown.sentence()) } }
        (pictures(app, shown))
        (table(app, shown))
        p.note {
            "The newest measured result of each engine at each scale; an engine that writes more than 4 MiB in a run spills. The fastest is the one with the smallest median. "
            code { "cargo xtask boundary " (shown.query) " --scales 1,2,5,10 --memory 2GiB" } " measures more of it."
        }
        h2 { "All of this suite" }
        ul { @for one in &found { li { a href=(link(&suite, &machine, one)) { (one.title()) } ": " (said(one)) } } }
    };
    Ok(layout("/boundary", &format!("{}: boundaries by size", shown.title()), &content))
}

/// Where nothing was measured at two scales.
fn nothing() -> Markup {
    let content = html! {
        p { "No query has measured results at two scales: " code { "cargo xtask boundary q1 --scales 1,2,5 --memory 2GiB" } }
    };
    layout("/boundary", "Boundaries by size", &content)
}

type Groups<'a> = BTreeMap<(String, String), Vec<&'a Newest>>;

/// What was measured, one engine at a time, by suite and machine; only those with a query at two scales.
fn groups(cells: &[Newest]) -> Groups<'_> {
    let mut groups = Groups::new();
    for cell in
        cells.iter().filter(|cell| cell.provenance == "measured" && cell.parallel.is_none_or(|at_once| at_once < 2))
    {
        groups.entry((cell.suite.clone(), cell.machine_class.clone())).or_default().push(cell);
    }
    groups.retain(|_, cells| {
        let mut scales: HashMap<(&str, Option<u64>), BTreeSet<Option<&str>>> = HashMap::new();
        for cell in cells.iter() {
            scales.entry((cell.query.as_str(), cell.memory_limit_bytes)).or_default().insert(cell.scale.as_deref());
        }
        cells.iter().any(|cell| cell.comparable) && scales.values().any(|scales| scales.len() > 1)
    });
    groups
}

/// The largest group, of a suite where one is given.
fn first<'a>(groups: &'a Groups<'_>, suite: Option<&str>) -> Option<&'a (String, String)> {
    let meant = groups.iter().filter(|((of, _), _)| suite.is_none_or(|suite| of == suite));
    meant.max_by_key(|(_, cells)| cells.len()).map(|(key, _)| key)
}

/// How many bytes a run of these results wrote, of those that spilled, by their names.
fn spilled(app: &App, suite: &str) -> Result<HashMap<String, u64>, Problem> {
    let statement =
        "SELECT l.record, x.value FROM latest l JOIN metrics x ON x.result = l.result AND x.name = ? WHERE l.suite = ?";
    let values = [metric::BYTES_WRITTEN.name, suite].map(|value| Parameter::Text(value.to_owned()));
    let rows = questions::rows(&app.owner, statement, &values).and_then(|rows| rows.objects());
    let rows = rows.map_err(|error| Problem::of(&error, "internal"))?;
    let spilled = rows
        .iter()
        .filter_map(|row| Some((row["record"].as_str()?.to_owned(), metric::spilled(row["value"].as_f64()?)?)));
    Ok(spilled.collect())
}

/// A result as boundaries take it; none of one whose name is another tool's.
fn of(cell: &Newest, spilled: &HashMap<String, u64>) -> Option<Cell> {
    let id: BenchId = cell.cell.parse().ok()?;
    let limit = cell.memory_limit_bytes.map(|bytes| Bytes(bytes).compact());
    let format = cell.format.as_deref().unwrap_or_default();
    let extra = beyond(&id.variant, format, cell.mode.as_deref(), limit.as_deref());
    Some(Cell {
        query: cell.query.clone(),
        memory_limit_bytes: cell.memory_limit_bytes,
        name: cell.engine_name.clone(),
        mode: cell.mode.clone(),
        extra,
        label: cell.label(),
        has_opened: cell.engine_version.is_some(),
        scale: id.scale,
        end: end(cell, spilled),
        peak_memory_bytes: cell.peak_memory_bytes.map(metric::whole),
    })
}

/// What became of it, by the words that the history has for failures.
fn end(cell: &Newest, spilled: &HashMap<String, u64>) -> End {
    if let Some(median_ns) = cell.time_ns.filter(|_| cell.comparable) {
        return End::measured(median_ns, &cell.samples_ns, spilled.get(&cell.record).copied());
    }
    let reason = cell.reason.clone().unwrap_or_else(|| "its answer is not verified".to_owned());
    match cell.failure.as_deref() {
        Some("out_of_memory" | "gave_up") => End::OutOfMemory,
        Some("timed_out" | "server_timed_out") => End::TimedOut,
        _ if cell.outcome == "skipped" => End::Unsupported { reason },
        _ => End::Failed { reason },
    }
}

/// Whether somebody has a time, and there are two scales.
fn has_sizes(boundary: &Boundary) -> bool {
    boundary.scales.len() > 1 && !boundary.fastest.is_empty()
}

fn limit(boundary: &Boundary) -> String {
    boundary.memory_limit_bytes.map_or_else(|| NONE.to_owned(), |bytes| Bytes(bytes).compact())
}

fn link(suite: &str, machine: &str, boundary: &Boundary) -> String {
    let memory = limit(boundary);
    href("/boundary", &[("suite", suite), ("machine", machine), ("query", &boundary.query), ("memory", &memory)])
}

/// The sentence without what it is of.
fn said(boundary: &Boundary) -> String {
    let sentence = boundary.sentence();
    sentence.strip_prefix(&format!("{}: ", boundary.title())).unwrap_or(&sentence).to_owned()
}

fn pictures(app: &App, boundary: &Boundary) -> Markup {
    let color = |name: &str| -> (u8, u8, u8) { app.known.color(name).into() };
    html! {
        @match picture::draw(boundary, color) {
            Ok(pictures) => div.pictures.large { @for picture in pictures { figure { (PreEscaped(picture.inline().to_owned())) } } },
            Err(error) => p.note { "No picture: " (error) },
        }
    }
}

fn table(app: &App, boundary: &Boundary) -> Markup {
    wide(
        &format!("{}: time and peak memory", boundary.title()),
        &html! {
            thead { tr { th.key scope="col" { "engine" } @for scale in &boundary.scales { th scope="col" { (scale) } } } }
            tbody {
                @for line in &boundary.lines {
                    tr {
                        th.key scope="row" { (swatch(app.known.color(&line.name))) (line.engine) }
                        @for scale in &boundary.scales { (cell(boundary, line, *scale)) }
                    }
                }
            }
        },
    )
}

fn cell(boundary: &Boundary, line: &Line, scale: Scale) -> Markup {
    let Some(Point { end, peak_memory_bytes, .. }) = line.at(scale) else { return html! { td.soft { "–" } } };
    let is_best = boundary.fastest.iter().any(|(at, engine)| *at == scale && *engine == line.engine);
    html! {
        @match end {
            End::Measured { median_ns, spilled_bytes, .. } => td class=[is_best.then_some("strong")] {
                (Nanos(*median_ns))
                @if let Some(bytes) = peak_memory_bytes { " " small { (Bytes(*bytes)) } }
                @if let Some(bytes) = spilled_bytes { " " small { "spills " (Bytes(*bytes)) } }
            },
            End::OutOfMemory => td.bad { "out of memory" },
            End::TimedOut => td.bad { "took too long" },
            End::Failed { reason } => td.bad title=(reason) { "failed" },
            End::Unsupported { reason } => td.soft title=(reason) { "unsupported" },
        }
    }
}
