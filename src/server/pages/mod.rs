//! The pages: HTML made here, with the report's pictures and a little script. Every choice is in the address, so that a link shows the same.

mod ablation;
pub(super) mod assets;
mod boundary;
mod choice;
mod compare;
mod figures;
mod layout;
mod matrix;
mod overview;
mod query;
mod reference;
mod result;
mod run;
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

pub(super) use figures::day;
pub(super) use layout::layout as laid_out;

use super::app::App;
use super::ask::Ask;
use super::cached::Stamp;
use super::page::Page;
use super::problem::Problem;
use super::request::ask;

type Make = fn(&Arc<App>, &Ask) -> Result<Markup, Problem>;

/// Every page, by its path.
const PAGES: [(&str, Make); 12] = [
    ("/", overview::page),
    ("/matrix", matrix::page),
    ("/query", query::page),
    ("/series", series::page),
    ("/result", result::page),
    ("/compare", compare::page),
    ("/boundary", boundary::page),
    (ABLATION, ablation::page),
    ("/compatibility", support::page),
    ("/runs", runs::page),
    (RUN, run::page),
    ("/api", reference::page),
];
/// The page of what a command has written, which may write more.
const ABLATION: &str = "/ablation";
/// The page that is another at any moment.
const RUN: &str = "/run";
/// The longest query of an address that means anything.
const LONGEST: usize = 4000;

/// The pages that all others name.
pub(super) fn ways() -> impl Iterator<Item = &'static str> {
    layout::WAYS.iter().map(|(path, _)| *path)
}

/// The path of a page, if one has it.
pub(super) fn path(asked: &str) -> Option<&'static str> {
    PAGES.iter().map(|(path, _)| *path).find(|path| *path == asked)
}

/// The page under a path, made now; none where no page has it.
pub(super) fn rendered(app: &Arc<App>, path: &str, ask: &Ask) -> Option<Result<Markup, Problem>> {
    PAGES.iter().find(|(known, _)| *known == path).map(|(_, make)| make(app, ask))
}

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

/// By what a page is kept: some are of a day, and one shows files beside the history.
fn key(app: &App, path: &str, ask: &Ask) -> String {
    let beside = if path == ABLATION { ablation::stamp(app) } else { String::new() };
    format!("{} {} {beside}", chrono::Utc::now().format("%Y-%m-%d"), ask.target)
}

/// The page as it was made last, or made now. Who asks for one that is being made waits for that.
async fn kept(app: &Arc<App>, path: &'static str, ask: Ask) -> Result<Arc<Page>, Problem> {
    if path == RUN {
        let server = Arc::clone(app);
        let page =
            tokio::task::spawn_blocking(move || made(&server, path, &ask).map(|(_, page, _)| Arc::new(page))).await;
        return page.map_err(|error| Problem::new("internal", error.to_string()))?;
    }
    let key = key(app, path, &ask);
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
    let keep = move || made(&server, path, &ask).map(|made| server.pages.keep(key, (path, ask), made));
    let kept = tokio::task::spawn_blocking(keep).await;
    kept.map_err(|error| Problem::new("internal", error.to_string()))?
}

/// A page, and of what it is made.
fn made(app: &Arc<App>, path: &str, ask: &Ask) -> Result<(Stamp, Page, usize), Problem> {
    let none = || Problem::new("not-found", "there is no such page");
    if app.is_too_old(path) {
        app.standing().map_err(|error| Problem::of(&error, "internal"))?;
    }
    // Before it is made: what comes in meanwhile may be in it or not.
    let stamp = app.stamp(path);
    let text = layout::dated(rendered(app, path, ask).ok_or_else(none)??.into_string(), stamp.0);
    let page = Page::new(&text).map_err(|error| Problem::of(&error, "internal"))?;
    let bytes = page.bytes() + ask.target.len();
    Ok((stamp, page, bytes))
}

/// Makes the pages that have a link on each, for those who come first.
pub(super) fn prepare(app: &Arc<App>) {
    for (path, _) in PAGES.iter().filter(|(path, _)| layout::is_linked(path)) {
        let ask = Ask::of_path(path);
        renew(app, key(app, path, &ask), path, ask);
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

/// The page that says why there is none.
pub(super) fn said(problem: &Problem) -> Markup {
    layout::layout(
        "",
        problem.title(),
        &maud::html! {
            p { (sentence(problem.detail())) }
            p { a href="/" { "To the overview" } }
        },
    )
}

fn wrong(problem: &Problem) -> Response {
    let status = StatusCode::from_u16(problem.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = [("content-type", "text/html; charset=utf-8"), ("cache-control", "no-store")];
    (status, headers, said(problem).into_string()).into_response()
}

/// What is wrong, as people read it.
fn sentence(detail: &str) -> String {
    let mut letters = detail.chars();
    letters.next().map_or_else(String::new, |first| format!("{}{}.", first.to_uppercase(), letters.as_str()))
}
