//! The pages: HTML made here, with the report's pictures and a little script. Every choice is in the address, so that a link shows the same.

mod assets;
mod choice;
mod compare;
mod figures;
mod layout;
mod matrix;
mod overview;
mod query;
mod reference;
mod result;
mod runs;
mod series;
mod support;

use std::sync::Arc;
use std::time::Instant;

use axum::Router;
use axum::extract::Request;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use maud::Markup;

use super::app::App;
use super::ask::Ask;
use super::cached::Stamp;
use super::page::Page;
use super::problem::Problem;
use super::request::ask;

type Make = fn(&Arc<App>, &Ask) -> Result<Markup, Problem>;

/// Every page, by its path.
const PAGES: [(&str, Make); 9] = [
    ("/", overview::page),
    ("/matrix", matrix::page),
    ("/query", query::page),
    ("/series", series::page),
    ("/result", result::page),
    ("/compare", compare::page),
    ("/compatibility", support::page),
    ("/runs", runs::page),
    ("/api", reference::page),
];
/// The longest query of an address that means anything.
const LONGEST: usize = 4000;

/// All pages, and what they are shown with.
pub(super) fn routes(app: &Arc<App>) -> Router {
    let mut router = assets::routes();
    for (path, _) in PAGES {
        let app = Arc::clone(app);
        router = router.route(path, get(move |request: Request| answered(Arc::clone(&app), path, request)));
    }
    router
}

async fn answered(app: Arc<App>, path: &'static str, request: Request) -> Response {
    let began = Instant::now();
    let (mut parts, _) = request.into_parts();
    let limit = app.options.time();
    let server = Arc::clone(&app);
    let work = async move {
        let mut ask = ask(&mut parts).await?;
        if ask.target.len() > LONGEST || ask.query.values().any(|value| value.contains('\0')) {
            return Err(Problem::invalid("the address is too long, or has a zero byte"));
        }
        // A page is the same for all.
        let headers = std::mem::take(&mut ask.headers);
        Ok(kept(&server, path, ask).await?.response(&headers, StatusCode::OK))
    };
    let late = |_| Err(Problem::new("too-slow", "the page takes too long: ask for less"));
    let response = match tokio::time::timeout(limit, work).await.unwrap_or_else(late) {
        Ok(response) => response,
        Err(problem) => wrong(&problem),
    };
    app.counters.request(path, response.status().as_u16(), began.elapsed());
    response
}

/// By what a page is kept: some are of a day.
fn key(ask: &Ask) -> String {
    format!("{} {}", chrono::Utc::now().format("%Y-%m-%d"), ask.target)
}

/// The page as it was made last, or made now. Who asks for one that is being made waits for that.
async fn kept(app: &Arc<App>, path: &'static str, ask: Ask) -> Result<Arc<Page>, Problem> {
    let key = key(&ask);
    let find = || app.pages.get(&key).filter(|_| !app.is_too_old(path));
    if let Some(page) = find() {
        return Ok(page);
    }
    let turn = app.turns.of(&key);
    let _turn = turn.lock().await;
    if let Some(page) = find() {
        return Ok(page);
    }
    let server = Arc::clone(app);
    let make = move || made(&server, path, &ask).map(|made| server.pages.keep(key, (path, ask), made));
    let made = tokio::task::spawn_blocking(make).await;
    made.map_err(|error| Problem::new("internal", error.to_string()))?
}

/// A page, and of what it is made.
fn made(app: &Arc<App>, path: &str, ask: &Ask) -> Result<(Stamp, Page, usize), Problem> {
    let none = || Problem::new("not-found", "there is no such page");
    let (_, make) = PAGES.iter().find(|(known, _)| *known == path).ok_or_else(none)?;
    if app.is_too_old(path) {
        app.standing().map_err(|error| Problem::of(&error, "internal"))?;
    }
    // Before it is made: what comes in meanwhile may be in it or not.
    let stamp = app.stamp(path);
    let text = layout::dated(make(app, ask)?.into_string(), stamp.0);
    let page = Page::new(&text).map_err(|error| Problem::of(&error, "internal"))?;
    let bytes = page.bytes() + ask.target.len();
    Ok((stamp, page, bytes))
}

/// Makes the pages that have a link on each, for those who come first.
pub(super) fn prepare(app: &Arc<App>) {
    for (path, _) in PAGES.iter().filter(|(path, _)| layout::is_linked(path)) {
        let ask = Ask::of_path(path);
        renew(app, key(&ask), *path, ask);
    }
}

/// Makes a page anew.
pub(super) fn renew(app: &Arc<App>, key: String, path: &'static str, ask: Ask) {
    match made(app, path, &ask) {
        Ok(made) => drop(app.pages.keep(key, (path, ask), made)),
        // What it showed is there no more: the next who asks is told.
        Err(problem) if problem.status() == 404 => app.pages.forget(&key),
        Err(problem) => log::warn!("{} is not made anew, which is tried again: {problem}", ask.target),
    }
}

/// What is said where there is no such page.
fn wrong(problem: &Problem) -> Response {
    let status = StatusCode::from_u16(problem.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let page = layout::layout(
        "",
        problem.title(),
        &maud::html! {
            p { (sentence(problem.detail())) }
            p { a href="/" { "To the overview" } }
        },
    );
    (status, [("content-type", "text/html; charset=utf-8"), ("cache-control", "no-store")], page.into_string())
        .into_response()
}

/// What is wrong, as people read it.
fn sentence(detail: &str) -> String {
    let mut letters = detail.chars();
    letters.next().map_or_else(String::new, |first| format!("{}{}.", first.to_uppercase(), letters.as_str()))
}
