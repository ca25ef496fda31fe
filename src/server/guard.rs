//! What every request has to pass: how many there may be, from where, and what its answer says to a browser. And the token of writes.

use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::{Context as _, Result, ensure};
use axum::extract::{Request, State};
use axum::http::header::{AUTHORIZATION, HOST, ORIGIN};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use governor::clock::DefaultClock;
use governor::state::keyed::HashMapStateStore;
use governor::{Quota, RateLimiter};

use super::app::App;
use super::listen::Peer;
use super::problem::Problem;
use crate::history::served::is_same;

/// How often addresses that came long ago are forgotten, in requests.
const FORGETS: u64 = 10_000;

/// What answers tell browsers: nothing but what this server gives may run, nothing may frame it.
const HEADERS: [(HeaderName, HeaderValue); 4] = [
    (
        HeaderName::from_static("content-security-policy"),
        HeaderValue::from_static(
            "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
        ),
    ),
    (HeaderName::from_static("x-content-type-options"), HeaderValue::from_static("nosniff")),
    (HeaderName::from_static("referrer-policy"), HeaderValue::from_static("no-referrer")),
    (HeaderName::from_static("cross-origin-resource-policy"), HeaderValue::from_static("same-origin")),
];

/// What is counted and compared for every request.
pub(super) struct Guard {
    app: Arc<App>,
    rate: RateLimiter<IpAddr, HashMapStateStore<IpAddr>, DefaultClock>,
    origins: Vec<HeaderValue>,
    asked: AtomicU64,
}

impl Guard {
    /// # Errors
    /// When an origin of `--cors` is none.
    pub(super) fn new(app: &Arc<App>) -> Result<Self> {
        let rate = NonZeroU32::new(app.options.rate).context("--rate is 0")?;
        let quota = Quota::per_second(rate).allow_burst(rate.saturating_mul(NonZeroU32::MIN.saturating_add(1)));
        let origin = |origin: &String| {
            let is_one =
                origin.split_once("://").is_some_and(|(_, host)| !host.is_empty() && !host.contains(['/', '*', ' ']));
            ensure!(
                is_one,
                "--cors {origin} is no origin: give scheme, host and port alone, such as https://dash.example.org"
            );
            HeaderValue::from_str(origin).with_context(|| format!("--cors {origin} is no origin"))
        };
        let origins = app.options.cors.iter().map(origin).collect::<Result<_>>()?;
        Ok(Self { rate: RateLimiter::hashmap(quota), app: Arc::clone(app), origins, asked: AtomicU64::new(0) })
    }

    pub(super) fn origins(&self) -> &[HeaderValue] {
        &self.origins
    }

    fn passes(&self, request: &Request) -> Result<(), Problem> {
        if let Some(Peer(peer)) = request.extensions().get::<Peer>() {
            if self.asked.fetch_add(1, Ordering::Relaxed).is_multiple_of(FORGETS) {
                self.rate.retain_recent();
            }
            let rate = self.app.options.rate;
            let too_many =
                |_| Problem::new("too-many-requests", format!("one address has {rate} requests a second here"));
            self.rate.check_key(&peer.ip()).map_err(too_many)?;
        }
        // A page of somebody's whose name leads to this machine would come with that name.
        let host = text(request.headers(), &HOST).unwrap_or_default();
        // One behind a proxy comes with the proxy's name, which is that of an origin whose pages may ask.
        let is_of = |origin: &HeaderValue| origin.to_str().is_ok_and(|origin| origin.ends_with(&format!("://{host}")));
        if self.app.options.is_local() && !is_this_machine(host) && !self.origins.iter().any(is_of) {
            return Err(Problem::new(
                "wrong-origin",
                "this server is for its own machine, http://127.0.0.1 or http://localhost; the name of a proxy before it is given by --cors",
            ));
        }
        let changes = ![Method::GET, Method::HEAD, Method::OPTIONS].contains(request.method());
        if let (true, Some(origin)) = (changes, text(request.headers(), &ORIGIN)) {
            let is_own = origin.split_once("://").is_some_and(|(_, own)| own == host);
            let is_listed = self.origins.iter().any(|listed| listed.as_bytes() == origin.as_bytes());
            if !is_own && !is_listed {
                return Err(Problem::new("wrong-origin", "pages of this origin may change nothing here: see --cors"));
            }
        }
        Ok(())
    }
}

/// What a header says, where it is there and is text.
fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

/// Whether a `Host` is a name of the machine itself.
fn is_this_machine(host: &str) -> bool {
    let name = host.rsplit_once(':').map_or(host, |(name, port)| if port.ends_with(']') { host } else { name });
    let address = name.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    name.eq_ignore_ascii_case("localhost") || address.is_ok_and(|address| address.is_loopback())
}

/// Lets a request pass, or says why not.
pub(super) async fn guard(State(guard): State<Arc<Guard>>, request: Request, next: Next) -> Response {
    let mut response = match guard.passes(&request) {
        Ok(()) => next.run(request).await,
        Err(problem) => {
            guard.app.counters.request("refused", problem.status(), std::time::Duration::ZERO);
            problem.into_response()
        }
    };
    for (name, value) in HEADERS {
        response.headers_mut().insert(name, value);
    }
    response
}

/// Whether a request with these headers may change something.
///
/// # Errors
/// When it has not the token that there is, or came through a proxy to a server without one.
pub(super) fn may_write(token: Option<&str>, headers: &HeaderMap) -> Result<(), Problem> {
    let Some(token) = token else {
        let why = "this server has no token, so only its own machine may write: set QUERYDYNO_TOKEN when you start it";
        let is_here = is_this_machine(text(headers, &HOST).unwrap_or_default());
        return is_here.then_some(()).ok_or_else(|| Problem::new("no-token", why));
    };
    let given = text(headers, &AUTHORIZATION)
        .and_then(|value| value.split_once(' '))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
    match given {
        Some((_, given)) if is_same(given.trim().as_bytes(), token.as_bytes()) => Ok(()),
        Some(_) => Err(Problem::new("no-token", "this is not the token of the server")),
        None => Err(Problem::new("no-token", "writes need the server's token: Authorization: Bearer TOKEN")),
    }
}
