//! The page of the API, made of the same table as the API.

use std::sync::Arc;

use maud::{Markup, html};

use super::layout::{layout, ticked};
use crate::server::api;
use crate::server::app::App;
use crate::server::ask::{Ask, Endpoint, Gives, Kind};
use crate::server::problem::Problem;

/// Ten lines that ask for rows and hand over a record.
const PYTHON: &str = include_str!("example.py");

#[expect(clippy::unnecessary_wraps, reason = "as every page")]
pub(super) fn page(app: &Arc<App>, _: &Ask) -> Result<Markup, Problem> {
    let content = html! {
        p {
            "Everything that the pages show, for programs: " a href="/openapi.json" { "OpenAPI document" } ". Rows come as JSON, CSV or an Arrow stream, by "
            code { "Accept" } " or " code { "?format=json|csv|arrow" } "."
            @if app.token.is_some() { " Writes need " code { "Authorization: Bearer" } " with the server's token." }
        }
        details { summary { "In Python" } pre tabindex="0" { (PYTHON) } }
        @for endpoint in api::endpoints() { (about(&endpoint)) }
        h2 #problems { "Problems" }
        p { "What cannot be answered comes as " code { "application/problem+json" } " (RFC 9457); " code { "type" } " tells them apart." }
        dl.facts {
            @for (name, status, title) in Problem::kinds() { dt id={ "problem-" (name) } { (name) } dd { (status) ": " (title) } }
        }
    };
    Ok(layout("/api", "API", &content))
}

fn about(endpoint: &Endpoint) -> Markup {
    html! {
        section {
            h2 id=(endpoint.name) { code { (endpoint.method) " " (endpoint.path) } }
            p { strong { (endpoint.summary) } ". " (ticked(endpoint.detail)) @if endpoint.writes { " It changes something." } }
            @if !endpoint.parameters.is_empty() {
                dl.facts {
                    @for parameter in endpoint.parameters { dt { code { (parameter.name) } } dd { (ticked(parameter.about)) (kind(parameter.kind)) } }
                }
            }
            pre tabindex="0" { (curl(endpoint)) }
        }
    }
}

fn kind(kind: Kind) -> String {
    match kind {
        Kind::Whole(low, high, default) => format!(" ({low} to {high}, {default} by itself)"),
        Kind::One(words) => format!(" ({})", words.join(", ")),
        Kind::Needed => " (needed)".to_owned(),
        Kind::Path | Kind::Text | Kind::Day | Kind::Cursor => String::new(),
    }
}

/// A command that asks it.
fn curl(endpoint: &Endpoint) -> String {
    let path = format!("http://127.0.0.1:8000{}", endpoint.path);
    let method = if endpoint.method == "GET" { String::new() } else { format!(" -X {}", endpoint.method) };
    let body = match endpoint.body {
        Some(body) if body.example.len() < 300 => format!(" -H 'Content-Type: application/json' -d '{}'", body.example),
        Some(_) => " -H 'Content-Type: application/json' -d @record.json".to_owned(),
        None => String::new(),
    };
    let token = if endpoint.writes { " -H \"Authorization: Bearer $QUERYDYNO_TOKEN\"" } else { "" };
    let stays = if endpoint.gives == Gives::Events { " -N" } else { "" };
    format!("curl{stays}{method} '{path}'{token}{body}")
}
