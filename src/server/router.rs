//! From a request to its answer: the table of endpoints as routes, and what holds for every one of them.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;
use std::time::Instant;

use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::http::header::{ACCEPT, ALLOW, CACHE_CONTROL, CONTENT_TYPE, LINK};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{MethodFilter, MethodRouter, get, on};
use axum::{Router, middleware};
use futures::StreamExt as _;
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use serde_json::json;
use tower_http::compression::CompressionLayer;
use tower_http::cors::CorsLayer;

use super::api;
use super::api::openapi;
use super::app::App;
use super::ask::{Ask, Endpoint, Gives, Reply, Rows};
use super::guard::{self, Guard};
use super::pages;
use super::problem::Problem;
use super::request::ask;
use crate::history::Format;

/// The forms of rows: the word for it, the media type, and the form.
const FORMS: [(&str, &str, Format); 3] = [
    ("json", "application/json", Format::Json),
    ("csv", "text/csv", Format::Csv),
    ("arrow", "application/vnd.apache.arrow.stream", Format::Arrow),
];

/// Everything that is served.
///
/// # Errors
/// When an origin is none.
pub(super) fn router(app: &Arc<App>) -> anyhow::Result<Router> {
    let endpoints = api::endpoints();
    let document: Bytes = openapi::document(&endpoints).to_string().into();
    let mut by_path: BTreeMap<&'static str, (MethodRouter, Vec<Method>)> = BTreeMap::new();
    for endpoint in endpoints {
        let (path, method) = (endpoint.path, endpoint.method.clone());
        let (route, methods) = by_path.entry(path).or_default();
        *route = std::mem::take(route).merge(route_of(app, endpoint));
        methods.push(method);
    }
    let mut router = Router::new();
    for (path, (route, methods)) in by_path {
        router = router.route(path, route.fallback(move || std::future::ready(wrong_method(&methods))));
    }
    let metrics = Arc::clone(app);
    let health = Arc::clone(app);
    router = router
        .route("/openapi.json", get(move || async move { ([(CONTENT_TYPE, "application/json")], document) }))
        .route("/health", get(move || is_well(health)))
        .route(
            "/metrics",
            get(move || async move {
                ([(CONTENT_TYPE, "text/plain; version=0.0.4")], metrics.counters.text(metrics.owner.version()))
            }),
        )
        .merge(pages::routes(app))
        .fallback(|| async { Problem::new("not-found", "nothing is served under this path; /api tells what is") });
    let guard = Arc::new(Guard::new(app)?);
    let cors = CorsLayer::new()
        .allow_origin(guard.origins().to_vec())
        .allow_methods([Method::GET, Method::POST, Method::DELETE])
        .allow_headers([
            axum::http::header::AUTHORIZATION,
            CONTENT_TYPE,
            ACCEPT,
            axum::http::HeaderName::from_static("idempotency-key"),
            axum::http::HeaderName::from_static("last-event-id"),
        ])
        .expose_headers([LINK]);
    Ok(router.layer(CompressionLayer::new()).layer(cors).layer(middleware::from_fn_with_state(guard, guard::guard)))
}

/// Whether the history can be asked.
async fn is_well(app: Arc<App>) -> Response {
    let asked = tokio::task::spawn_blocking(move || app.owner.read(|_| Ok(()))).await;
    match asked {
        Ok(Ok(())) => json_of(StatusCode::OK, &json!({ "status": "ok" })),
        Ok(Err(error)) => Problem::of(&error, "unavailable").into_response(),
        Err(error) => Problem::new("internal", error.to_string()).into_response(),
    }
}

fn wrong_method(methods: &[Method]) -> Response {
    let mut allowed: Vec<&str> = methods.iter().map(Method::as_str).collect();
    if allowed.contains(&"GET") {
        allowed.push("HEAD");
    }
    let allowed = allowed.join(", ");
    let mut response = Problem::new("wrong-method", format!("this path takes {allowed}")).into_response();
    if let Ok(value) = HeaderValue::from_str(&allowed) {
        response.headers_mut().insert(ALLOW, value);
    }
    response
}

fn route_of(app: &Arc<App>, endpoint: Endpoint) -> MethodRouter {
    let filter = MethodFilter::try_from(endpoint.method.clone()).unwrap_or(MethodFilter::GET);
    let (app, endpoint) = (Arc::clone(app), Arc::new(endpoint));
    on(filter, move |request: Request| {
        let (app, endpoint) = (Arc::clone(&app), Arc::clone(&endpoint));
        async move {
            let began = Instant::now();
            let response = match answered(&app, &endpoint, request).await {
                Ok(response) => response,
                Err(problem) => problem.into_response(),
            };
            app.counters.request(endpoint.path, response.status().as_u16(), began.elapsed());
            response
        }
    })
}

async fn answered(app: &Arc<App>, endpoint: &Arc<Endpoint>, request: Request) -> Result<Response, Problem> {
    let late = || {
        Problem::new("too-slow", format!("a request has {} s, from its first byte to its answer", app.options.max_time))
    };
    let work = async {
        let ask = read(app, endpoint, request).await?;
        let format = ask.format;
        let (app, endpoint) = (Arc::clone(app), Arc::clone(endpoint));
        let ran = tokio::task::spawn_blocking(move || (endpoint.run)(&app, &ask)).await;
        let reply = ran.map_err(|error| {
            log::error!("a handler ended early: {error}");
            Problem::new("internal", "the server's log tells why")
        })??;
        Ok(response(reply, format))
    };
    tokio::time::timeout(app.options.time(), work).await.map_err(|_| late())?
}

/// The request as its handler sees it, once all of it is there and means something.
async fn read(app: &App, endpoint: &Endpoint, request: Request) -> Result<Ask, Problem> {
    let (mut parts, body) = request.into_parts();
    if endpoint.writes {
        guard::may_write(app.token.as_deref(), &parts.headers)?;
    }
    let mut ask = ask(&mut parts).await?;
    ask.format = form(&mut ask, endpoint)?;
    ask.check(endpoint.parameters)?;
    if endpoint.body.is_some() {
        let of_type = parts.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        if !of_type.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case("application/json") {
            return Err(Problem::new("wrong-media-type", "the body is JSON: Content-Type: application/json"));
        }
        ask.body = whole(body, app.options.body_bytes()).await?;
    }
    Ok(ask)
}

async fn whole(body: Body, most: usize) -> Result<Bytes, Problem> {
    match Limited::new(body, most).collect().await {
        Ok(body) => Ok(body.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => {
            Err(Problem::new("too-large", format!("a body has at most {most} bytes here: send less at a time")))
        }
        Err(error) => Err(Problem::invalid(format!("the body broke off: {error}"))),
    }
}

/// The form that is asked for: by `format`, else by `Accept`.
fn form(ask: &mut Ask, endpoint: &Endpoint) -> Result<Format, Problem> {
    let media: &[(&str, &str, Format)] = match endpoint.gives {
        Gives::Rows => &FORMS,
        Gives::Object(..) => &FORMS[..1],
        Gives::Events => &[("events", "text/event-stream", Format::Json)],
    };
    if endpoint.gives == Gives::Rows
        && let Some(word) = ask.query.remove("format")
    {
        let known = FORMS.iter().find(|(name, ..)| *name == word);
        return known
            .map(|(.., format)| *format)
            .ok_or_else(|| Problem::invalid("'format' is no one of json, csv, arrow"));
    }
    let none = || {
        let names: Vec<&str> = media.iter().map(|(_, media, _)| *media).collect();
        Problem::new("not-acceptable", format!("Accept names none of {}", names.join(", ")))
    };
    accepted(&ask.headers, media).ok_or_else(none)
}

/// The form that `Accept` likes best; of those that it likes as much, the first.
fn accepted(headers: &HeaderMap, forms: &[(&str, &str, Format)]) -> Option<Format> {
    let text: Vec<&str> = headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok()).collect();
    let text = text.join(",");
    if text.trim().is_empty() {
        return forms.first().map(|(.., format)| *format);
    }
    let liking = |media: &str| {
        let family = media.split('/').next().unwrap_or_default();
        let of_range = |range: &str| -> Option<(u8, f32)> {
            let mut parts = range.split(';').map(str::trim);
            let name = parts.next()?.to_ascii_lowercase();
            let exact = if name == media {
                2
            } else if name == format!("{family}/*") {
                1
            } else if name == "*/*" {
                0
            } else {
                return None;
            };
            let quality = parts.find_map(|part| part.strip_prefix("q=")).map_or(Some(1.0), |q| q.parse().ok())?;
            Some((exact, quality))
        };
        let best = text.split(',').filter_map(of_range).max_by(|a, b| a.0.cmp(&b.0).then(a.1.total_cmp(&b.1)));
        best.map_or(0.0, |(_, quality)| quality)
    };
    let mut best: Option<(f32, Format)> = None;
    for (_, media, format) in forms {
        let likes = liking(media);
        if likes > best.map_or(0.0, |(likes, _)| likes) {
            best = Some((likes, *format));
        }
    }
    best.map(|(_, format)| format)
}

fn json_of(status: StatusCode, object: &serde_json::Value) -> Response {
    (status, [(CONTENT_TYPE, "application/json"), (CACHE_CONTROL, "no-store")], object.to_string()).into_response()
}

fn response(reply: Reply, format: Format) -> Response {
    match reply {
        Reply::Object(status, object) => {
            let status = StatusCode::from_u16(status).unwrap_or(StatusCode::OK);
            json_of(status, &object)
        }
        Reply::Events(events) => {
            let body = Body::from_stream(events.map(|event| event.map_err(|error: io::Error| error)));
            ([(CONTENT_TYPE, "text/event-stream"), (CACHE_CONTROL, "no-store")], body).into_response()
        }
        Reply::Rows(Rows { shown, next, is_cut, notes }) => {
            let media = FORMS.iter().find(|(.., known)| *known == format).map_or(FORMS[0].1, |(_, media, _)| media);
            let body = if format == Format::Json { envelope(&shown, next.as_deref(), is_cut, &notes) } else { shown };
            let mut response = ([(CONTENT_TYPE, media), (CACHE_CONTROL, "no-cache")], body).into_response();
            let link = next.and_then(|next| HeaderValue::from_str(&format!("<{next}>; rel=\"next\"")).ok());
            link.map(|link| response.headers_mut().insert(LINK, link));
            response
        }
    }
}

/// Rows that are JSON already, with what belongs to them.
pub(super) fn envelope(rows: &[u8], next: Option<&str>, is_cut: bool, notes: &[String]) -> Vec<u8> {
    let rest = json!({ "next": next, "cut": is_cut, "notes": notes }).to_string();
    let rows = if rows.trim_ascii().is_empty() { b"[]" } else { rows.trim_ascii() };
    [b"{\"rows\":", rows, b",", &rest.as_bytes()[1..]].concat()
}
