//! What is said where a request is not answered: RFC 9457 problem documents, [`Problem`].

use std::fmt;

use axum::body::Body;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use crate::history::served::Unanswered;
use crate::history::{Error, Unmeant};

/// The kinds of problems: the name, by which programs tell them apart, the status, and the title.
const KINDS: [(&str, u16, &str); 18] = [
    ("invalid-request", 400, "The request means nothing"),
    ("invalid-sql", 400, "The SQL cannot be run"),
    ("no-token", 401, "A token is needed"),
    ("wrong-origin", 403, "Not from this page or host"),
    ("runs-not-allowed", 403, "Runs are not allowed here"),
    ("not-found", 404, "There is nothing of that name"),
    ("wrong-method", 405, "This can be read or written in another way only"),
    ("not-acceptable", 406, "Not in any of these forms"),
    ("too-slow", 408, "The request did not arrive in time"),
    ("run-in-progress", 409, "A run is in progress"),
    ("too-large", 413, "The body is too large"),
    ("wrong-media-type", 415, "The body is of another type"),
    ("key-used", 422, "The idempotency key stands for another body"),
    ("invalid-record", 422, "A record cannot be taken"),
    ("too-expensive", 422, "It takes too long"),
    ("too-many-requests", 429, "Too many requests"),
    ("internal", 500, "Something is wrong here"),
    ("unavailable", 503, "Not now"),
];

/// A request that is not answered, and why.
#[derive(Debug)]
pub(super) struct Problem {
    kind: &'static str,
    status: u16,
    title: &'static str,
    detail: String,
}

impl Problem {
    /// A problem of a kind, with what is wrong and what to do.
    pub(super) fn new(kind: &str, detail: impl Into<String>) -> Self {
        let known = KINDS.iter().find(|(name, ..)| *name == kind).unwrap_or(&KINDS[16]);
        let (kind, status, title) = *known;
        Self { kind, status, title, detail: detail.into() }
    }

    /// A request that means nothing.
    pub(super) fn invalid(detail: impl Into<String>) -> Self {
        Self::new("invalid-request", detail)
    }

    pub(super) fn status(&self) -> u16 {
        self.status
    }

    pub(super) fn title(&self) -> &'static str {
        self.title
    }

    pub(super) fn detail(&self) -> &str {
        &self.detail
    }

    /// What an error of the history is for who has asked. One that nobody foresaw is of kind `otherwise`.
    pub(super) fn of(error: &anyhow::Error, otherwise: &'static str) -> Self {
        let detail = format!("{error:#}");
        match (error.downcast_ref::<Error>(), error.downcast_ref::<Unanswered>()) {
            (_, Some(Unanswered::Lent)) | (Some(Error::Busy { .. }), _) => Self::new("unavailable", detail),
            (_, Some(Unanswered::TooLong(_))) => Self::new("too-expensive", detail),
            (Some(error), _) if error.is_out_of_memory() => {
                let is_theirs = otherwise == "invalid-sql";
                let why = "it takes more memory than this server gives its history: ask for less";
                Self::new(if is_theirs { "too-expensive" } else { "unavailable" }, why)
            }
            (Some(Error::Sql(said) | Error::ReadOnly(said) | Error::Unknown(said)), _)
                if otherwise == "invalid-sql" =>
            {
                Self::new(otherwise, said.clone())
            }
            (Some(_), _) => {
                // Paths of this machine are nobody else's business.
                log::error!("{detail}");
                Self::new("internal", "the history cannot be read or written: the server's log tells why")
            }
            _ if error.is::<Unmeant>() => Self::invalid(detail),
            _ => Self::new(otherwise, detail),
        }
    }

    /// The same of a name that means nothing in this history: it may in another.
    pub(super) fn of_name(error: &anyhow::Error) -> Self {
        match Self::of(error, "not-found") {
            Self { status: 400, detail, .. } => Self::new("not-found", detail),
            other => other,
        }
    }

    /// As a response for programs.
    pub(super) fn response(&self) -> Response {
        let document = json!({
            "type": format!("/api#problem-{}", self.kind),
            "title": self.title,
            "status": self.status,
            "detail": self.detail,
        });
        let mut response = Response::new(Body::from(document.to_string()));
        *response.status_mut() = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if self.status == 401 {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if self.status == 429 || self.status == 503 {
            headers.insert(RETRY_AFTER, HeaderValue::from_static("5"));
        }
        response
    }

    /// All kinds, for the page of the API.
    pub(super) fn kinds() -> impl Iterator<Item = (&'static str, u16, &'static str)> {
        KINDS.into_iter()
    }
}

impl std::error::Error for Problem {}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.detail)
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        self.response()
    }
}
