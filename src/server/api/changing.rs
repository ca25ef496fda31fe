//! Saying something of results.

use std::sync::Arc;

use axum::http::Method;
use serde::Deserialize;
use serde_json::json;

use crate::history::served::questions;
use crate::server::app::App;
use crate::server::ask::{Ask, Endpoint, Gives, Reply, Upload, is_too_long};
use crate::server::problem::Problem;

/// What somebody says.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Note {
    target: String,
    text: String,
    kind: Option<String>,
    author: Option<String>,
}

/// Characters of a text.
pub(super) const LONGEST: usize = 1000;

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![Endpoint {
        method: Method::POST,
        path: "/api/v1/annotations",
        name: "annotate",
        summary: "Say something of a result, cell, series, run, class of machines, or engine and query",
        detail: "As `history annotate`: the same note twice is one. `workaround` is for an engine and query, `level` accepts a change.",
        parameters: &[],
        body: Some(Upload {
            about: "What is said of what",
            example: r#"{"target": "20261120T120000Z-4711:3", "text": "a cold machine", "kind": "note", "author": "ci"}"#,
            schema: "Note",
            is_keyed: false,
        }),
        gives: Gives::Object(201, "Said"),
        problems: &[404],
        writes: true,
        run: annotate,
    }]
}

fn annotate(app: &Arc<App>, ask: &Ask) -> Result<Reply, Problem> {
    let note: Note =
        serde_json::from_slice(&ask.body).map_err(|error| Problem::invalid(format!("no note: {error}")))?;
    let kind = note.kind.as_deref().unwrap_or("note");
    let blank = |c: char| c.is_whitespace() || (c.is_control() && c != '\0');
    let author = note.author.as_deref().map(|author| author.trim_matches(blank)).filter(|author| !author.is_empty());
    let author = author.unwrap_or("api");
    if !["note", "workaround", "level"].contains(&kind) {
        return Err(Problem::invalid("'kind' is no one of note, workaround, level"));
    }
    let texts = [note.target.as_str(), note.text.as_str(), author];
    let says_nothing = |text: &str| text.chars().all(|c| c.is_whitespace() || c.is_control());
    if texts.iter().any(|text| says_nothing(text) || is_too_long(text, LONGEST) || text.contains('\0')) {
        return Err(Problem::invalid(format!(
            "'target' and 'text' are texts of 1 to {LONGEST} characters that say something, without a zero byte"
        )));
    }
    let kind = format!("--kind={kind}");
    let arguments = ["annotate", &kind, "--", &note.target, &note.text];
    let kept = questions::command(&app.owner, &arguments, author).map_err(|error| Problem::of(&error, "not-found"))?;
    Ok(Reply::Object(201, json!({ "said": String::from_utf8_lossy(&kept.stdout).trim() })))
}
