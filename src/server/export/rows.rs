//! Rows as files: which lists of the API have some, and what they say.

use std::sync::Arc;

use axum::http::Method;

use super::address::{Address, kind, value};
use crate::history::Format;
use crate::server::api;
use crate::server::app::App;
use crate::server::ask::{Endpoint, Gives, Reply, Rows};
use crate::server::problem::Problem;
use crate::server::router::envelope;

/// Those that are there whatever the pages link, with what they are.
pub(super) const LISTED: [(&str, &str); 3] = [
    ("/api/v1/ranking", "Who is ahead under each set of conditions"),
    ("/api/v1/latest?limit=1000", "The newest result of each cell, which the matrix shows"),
    ("/api/v1/compatibility?limit=1000", "What each engine does with each query"),
];

/// The same rows as CSV, where all of them are in one file.
pub(super) fn as_csv(address: &str) -> Option<String> {
    // Lists that go on in further files say so in JSON only.
    (!address.contains("limit=")).then(|| format!("{address}?format=csv"))
}

fn format(address: &Address) -> Format {
    if address.get("format") == Some("csv") { Format::Csv } else { Format::Json }
}

/// Asks as the API would.
///
/// # Errors
/// What the API would say.
pub(super) fn asked(app: &Arc<App>, address: &Address) -> Result<Rows, Problem> {
    let none = || Problem::new("not-found", "no rows of this kind become a file");
    let kind = kind(address.path()).ok_or_else(none)?;
    let is_it =
        |endpoint: &Endpoint| endpoint.path == kind && endpoint.method == Method::GET && endpoint.gives == Gives::Rows;
    let endpoint = api::endpoints().into_iter().find(is_it).ok_or_else(none)?;
    let mut ask = address.ask(format(address));
    ask.query.remove("format");
    if let Some(name) = kind.split(['{', '}']).nth(1) {
        ask.path.insert(name.to_owned(), value(kind, address.path()).unwrap_or_default().to_owned());
    }
    ask.check(endpoint.parameters)?;
    match (endpoint.run)(app, &ask)? {
        Reply::Rows(rows) => Ok(rows),
        Reply::Object(..) | Reply::Events(_) => Err(none()),
    }
}

/// The file; `next` is the one with the rows behind these.
pub(super) fn whole(rows: Rows, next: Option<&str>, address: &Address) -> Vec<u8> {
    match format(address) {
        Format::Json => envelope(&rows.shown, next, rows.is_cut, &rows.notes),
        _ => rows.shown,
    }
}
