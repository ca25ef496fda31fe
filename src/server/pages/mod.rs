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
    for (path, make) in PAGES {
        let app = Arc::clone(app);
        router = router.route(path, get(move |request: Request| answered(Arc::clone(&app), path, make, request)));
    }
    router
}

async fn answered(app: Arc<App>, path: &'static str, make: Make, request: Request) -> Response {
    let began = Instant::now();
    let (mut parts, _) = request.into_parts();
    let limit = app.options.time();
    let server = Arc::clone(&app);
    let work = async move {
        let ask = ask(&mut parts).await?;
        if ask.target.len() > LONGEST || ask.query.values().any(|value| value.contains('\0')) {
            return Err(Problem::invalid("the address is too long, or has a zero byte"));
        }
        let headers = ask.headers.clone();
        let answer = tokio::task::spawn_blocking(move || kept(&server, make, &ask)).await;
        let page = answer.map_err(|error| Problem::new("internal", error.to_string()))??;
        Ok(page.response(&headers, StatusCode::OK))
    };
    let late = |_| Err(Problem::new("too-slow", "the page takes too long: ask for less"));
    let response = match tokio::time::timeout(limit, work).await.unwrap_or_else(late) {
        Ok(response) => response,
        Err(problem) => wrong(&problem),
    };
    app.counters.request(path, response.status().as_u16(), began.elapsed());
    response
}

/// The page as it was made for this version of the history, today.
fn kept(app: &Arc<App>, make: Make, ask: &Ask) -> Result<Arc<Page>, Problem> {
    let version = app.owner.version();
    let key = format!("{} {}", chrono::Utc::now().format("%Y-%m-%d"), ask.target);
    let (server, ask) = (Arc::clone(app), ask.clone());
    let page = app.pages.get(&key, version, move || Page::new(make(&server, &ask)?.into_string()));
    page.map_err(|error| match error.downcast::<Problem>() {
        Ok(problem) => problem,
        Err(error) => Problem::of(&error, "internal"),
    })
}

/// What is said where there is no such page.
fn wrong(problem: &Problem) -> Response {
    let status = StatusCode::from_u16(problem.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let page = layout::layout(
        "",
        problem.title(),
        &maud::html! {
            p { (problem.detail()) }
            p { a href="/" { "To the overview" } }
        },
    );
    (status, [("content-type", "text/html; charset=utf-8"), ("cache-control", "no-store")], page.into_string())
        .into_response()
}
