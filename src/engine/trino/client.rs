//! A server's statements over HTTP: sent, asked for until the last row is here, cancelled when they take too long.

use std::time::{Duration, Instant};

use anyhow::{Context, anyhow, bail, ensure};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use ureq::Agent;
use ureq::http::Response;
use ureq::typestate::{WithBody, WithoutBody};
use ureq::{Body, RequestBuilder};

use super::address::{Address, URL};
use super::page::{Column, Data, Output, Page, Segment, percent, told};
use super::segments::{self, ENCODINGS};
use super::value::{Sent, Type};
use crate::engine::server::{broke, not_there, too_slow};
use crate::engine::{Result, incomparable};
use crate::protocol::messages::STILL_RUNS;

/// A connection that takes longer is none.
const CONNECT: Duration = Duration::from_secs(10);
/// How long a server may take to say that it cancels a statement.
const CANCEL: Duration = Duration::from_millis(700);
/// How long to wait before asking a server again that has no time now.
const BUSY: Duration = Duration::from_millis(50);
/// What this client can read, without which timestamps come rounded to milliseconds.
const CAPABILITIES: &str = "PARAMETRIC_DATETIME";
/// More than a page of rows has; a server sends some megabytes at most.
const LARGEST_PAGE: u64 = 1 << 30;

/// Statements one after the other. Not `Debug`, which would show the password.
pub(super) struct Client {
    agent: Agent,
    address: Address,
    authorization: Option<String>,
    /// The schema in which tables are looked for.
    pub(super) schema: Option<String>,
    /// Session properties, `name=value`.
    session: Vec<String>,
    /// What a statement may take.
    pub(super) deadline: Duration,
}

impl Client {
    /// Of a server; nothing is sent yet.
    pub(super) fn new(address: Address, deadline: Duration) -> Self {
        let config = Agent::config_builder().timeout_connect(Some(CONNECT)).http_status_as_error(false);
        let authorization = address.credentials().map(|both| format!("Basic {}", BASE64_STANDARD.encode(both)));
        let agent = config.user_agent(concat!("querydyno/", env!("CARGO_PKG_VERSION"))).build().into();
        Self { agent, address, authorization, schema: None, session: Vec::new(), deadline }
    }

    /// Where it is.
    pub(super) fn address(&self) -> &Address {
        &self.address
    }

    /// Sets a session property for all later statements.
    pub(super) fn set(&mut self, name: &str, value: &str) {
        self.session.push(format!("{name}={}", percent(value)));
    }

    /// The server's version, once it takes queries.
    pub(super) fn version(&self) -> Result<String> {
        #[derive(Deserialize)]
        struct Info {
            #[serde(rename = "nodeVersion")]
            version: Version,
            starting: bool,
        }
        #[derive(Deserialize)]
        struct Version {
            version: String,
        }
        let shown = self.address.shown();
        let reply = self.agent.get(self.address.url("/v1/info")).config().timeout_global(Some(self.deadline)).build();
        let reply = reply.call().map_err(|error| match &error {
            ureq::Error::Timeout(ureq::Timeout::Connect) | ureq::Error::Io(_) | ureq::Error::ConnectionFailed => {
                not_there(&shown, &format!(" ({error})"), "trino", URL)
            }
            ureq::Error::Timeout(_) => too_slow(&shown, self.deadline, "when asked about itself"),
            _ => anyhow!("what answers at {shown} is no Trino, or broke off: {error}; set {URL}"),
        })?;
        let (info, _): (Info, usize) =
            json(reply).with_context(|| format!("what answers at {shown} is no Trino; set {URL}"))?;
        ensure!(!info.starting, "the server at {shown} is still starting; try again in a moment");
        Ok(info.version.version)
    }

    /// Runs a statement up to the last row of its result, each read as what its type says.
    pub(super) fn run(&self, sql: &str) -> Result<Output> {
        let start = Instant::now();
        let mut output = Output::default();
        let mut types: Option<Vec<Type>> = None;
        let mut page: Page = self.post(sql, start)?;
        let (mut waited, mut refused) = (Duration::ZERO, Duration::ZERO);
        loop {
            waited += page.waited();
            refused += page.refused;
            if let Some(failure) = page.error {
                return Err(told(&failure));
            }
            if let Some(columns) = page.columns.filter(|_| types.is_none()) {
                let named = |column: &Column| {
                    Type::named(&column.type_name).ok_or_else(|| incomparable(&column.name, &column.type_name))
                };
                types = Some(columns.iter().map(named).collect::<Result<_>>().inspect_err(|_| {
                    self.cancel(page.next_uri.as_deref());
                })?);
                output.columns = columns;
            }
            if let Some(data) = page.data {
                // What cannot be read is not waited for: the server would keep the statement for minutes.
                self.take(data, types.as_deref(), &mut output, start).inspect_err(|_| {
                    self.cancel(page.next_uri.as_deref());
                })?;
            }
            let Some(next) = page.next_uri else {
                output.times = page.stats.times(start.elapsed(), waited, refused);
                return Ok(output);
            };
            page = self.next(&next, start, output.rows.len())?;
        }
    }

    /// Adds the rows of a page to the result, each read as what its type says.
    fn take(&self, data: Data, types: Option<&[Type]>, output: &mut Output, start: Instant) -> Result<()> {
        let types = types.unwrap_or_default();
        match data {
            Data::Rows(rows) => output.read(rows, types),
            Data::Segments(sent) => {
                for segment in sent.segments {
                    segment.metadata().follows(output.rows.len())?;
                    output.read(self.rows(segment, &sent.encoding, start)?, types)?;
                }
                output.encoding = Some(sent.encoding);
                Ok(())
            }
        }
    }

    /// The rows of a segment, fetched from where it is.
    fn rows(&self, segment: Segment, encoding: &str, start: Instant) -> Result<Vec<Vec<Sent>>> {
        match segment {
            Segment::Inline { data, metadata } => segments::rows(encoding, &segments::inline(&data)?, metadata),
            Segment::Spooled { uri, ack_uri, headers, metadata } => {
                let mut request = self.agent.get(&uri);
                for (name, value) in
                    headers.iter().flat_map(|(name, values)| values.iter().map(move |value| (name, value)))
                {
                    request = request.header(name, value);
                }
                // What follows the path is a signature.
                let place = uri.split('?').next().unwrap_or_default();
                let within = || {
                    format!(
                        "cannot fetch a part of the result from {place}, where the server at {} has put it",
                        self.address.shown()
                    )
                };
                let left = self.left(start, None)?;
                let mut reply = request.config().timeout_global(Some(left)).build().call().with_context(within)?;
                ensure!(reply.status().is_success(), "{}: status {}", within(), reply.status());
                let bytes = reply.body_mut().with_config().limit(LARGEST_PAGE).read_to_vec().with_context(within)?;
                if let Some(ack) = ack_uri {
                    // Without it, the server removes the segment after some hours.
                    let _ = self.named(self.agent.get(&ack), &ack).config().timeout_global(Some(CANCEL)).build().call();
                }
                segments::rows(encoding, &bytes, metadata)
            }
        }
    }

    /// The first value of the first row as text; `None` without a row, or when it is NULL.
    pub(super) fn value(&self, sql: &str) -> Result<Option<String>> {
        let output = self.run(sql)?;
        let (Some(column), Some(row)) = (output.columns.first(), output.rows.first()) else { return Ok(None) };
        let kind = Type::named(&column.type_name).context("a type without a form")?.kind;
        Ok(row.first().and_then(|cell| cell.scalar().text(kind)))
    }

    fn post(&self, sql: &str, start: Instant) -> Result<Page> {
        let url = self.address.url("/v1/statement");
        self.until_answered(None, start, 0, |left| {
            let mut request = self.named(self.agent.post(&url), &url);
            request = request.header("X-Trino-Query-Data-Encoding", ENCODINGS);
            request = request.header("X-Trino-Client-Capabilities", CAPABILITIES);
            request = request.header("X-Trino-Catalog", &self.address.catalog).header("X-Trino-Time-Zone", "UTC");
            if let Some(schema) = &self.schema {
                request = request.header("X-Trino-Schema", schema);
            }
            if !self.session.is_empty() {
                request = request.header("X-Trino-Session", self.session.join(","));
            }
            request.config().timeout_global(Some(left)).build().send(sql)
        })
    }

    fn next(&self, uri: &str, start: Instant, rows: usize) -> Result<Page> {
        ensure!(
            self.address.may_be_told(uri),
            "the server at {} has the rest of a result at {uri}, to which the password would go over the network as it is: behind a proxy, \
             a coordinator needs http-server.process-forwarded=true",
            self.address.shown()
        );
        self.until_answered(Some(uri), start, rows, |left| {
            self.named(self.agent.get(uri), uri).config().timeout_global(Some(left)).build().call()
        })
    }

    /// Asks until there is a page, of the statement itself or, after so many rows, of what is next.
    fn until_answered(
        &self,
        next: Option<&str>,
        start: Instant,
        rows: usize,
        ask: impl Fn(Duration) -> std::result::Result<Response<Body>, ureq::Error>,
    ) -> Result<Page> {
        let mut refused = Duration::ZERO;
        loop {
            let left = self.left(start, next)?;
            let asked = Instant::now();
            let reply = ask(left);
            let began_after = asked.elapsed();
            match self.page(reply, next, rows)? {
                Answered::Page(page) => return Ok(Page { began_after, refused, ..*page }),
                Answered::Busy(pause) => std::thread::sleep(pause.min(left)),
            }
            refused += asked.elapsed();
        }
    }

    /// What is left of the time that the statement may take.
    fn left(&self, start: Instant, next: Option<&str>) -> Result<Duration> {
        let left = self.deadline.saturating_sub(start.elapsed());
        if left.is_zero() { Err(self.late(next)) } else { Ok(left) }
    }

    fn late(&self, next: Option<&str>) -> anyhow::Error {
        too_slow(&self.address.shown(), self.deadline, &self.cancel(next))
    }

    /// Tells the server to cancel a statement, and says what became of that.
    fn cancel(&self, next: Option<&str>) -> String {
        let Some(next) = next else { return String::new() };
        let request = self.named(self.agent.delete(next), next).config().timeout_global(Some(CANCEL)).build();
        match request.call() {
            Ok(reply) if reply.status().is_success() => "and was told to cancel the query".to_owned(),
            Ok(_) => format!("and refused to cancel the query: {STILL_RUNS}"),
            Err(_) => format!("nor when it was told to cancel the query: {STILL_RUNS}"),
        }
    }

    /// A page, or for how long the server has no time for it.
    fn page(
        &self,
        reply: std::result::Result<Response<Body>, ureq::Error>,
        next: Option<&str>,
        rows: usize,
    ) -> Result<Answered> {
        let shown = self.address.shown();
        let when = if rows == 0 { String::new() } else { format!(" after {rows} rows of a result") };
        let reply = match reply {
            Ok(reply) => reply,
            Err(ureq::Error::Timeout(_)) => return Err(self.late(next)),
            Err(error) => return Err(broke(&shown, &when, &error.to_string())),
        };
        match reply.status().as_u16() {
            200 => match json::<Page>(reply) {
                Ok((page, bytes)) => Ok(Answered::Page(Box::new(Page { bytes, ..page }))),
                Err(error) if is_timeout(&error) => Err(self.late(next)),
                Err(error) => Err(broke(&shown, &when, &format!("{error:#}"))),
            },
            429 => Ok(Answered::Busy(put_off(&reply))),
            // Documented: ask again. What is next stays the same page, but a statement may run already, and would then run twice.
            502..=504 if next.is_some() => Ok(Answered::Busy(BUSY)),
            status @ 502..=504 => bail!(
                "the server at {shown}, or a gateway before it, answered with status {status} to a statement, which does not say whether \
                 it runs: it is not sent again, or two might be measured for one; look at the gateway's log, or set {URL} to the \
                 coordinator itself"
            ),
            401 | 403 => {
                bail!("the server at {shown} does not let {} in: set TRINO_USER and TRINO_PASSWORD", self.address.user)
            }
            other => bail!("the server at {shown} answered with status {other} to a statement"),
        }
    }

    fn named<B>(&self, request: RequestBuilder<B>, uri: &str) -> RequestBuilder<B>
    where
        RequestBuilder<B>: Sized,
        B: Any,
    {
        let request = request.header("X-Trino-User", &self.address.user).header("X-Trino-Source", "querydyno");
        match self.authorization.as_ref().filter(|_| self.address.may_be_told(uri)) {
            Some(authorization) => request.header("Authorization", authorization),
            None => request,
        }
    }
}

/// What came of asking.
enum Answered {
    Page(Box<Page>),
    /// The server has no time now, and is to be asked again after this.
    Busy(Duration),
}

/// How long a server wants to be left alone.
fn put_off(reply: &Response<Body>) -> Duration {
    let seconds = reply.headers().get("Retry-After").and_then(|value| value.to_str().ok()?.trim().parse().ok());
    seconds.map_or(BUSY, Duration::from_secs)
}

/// With a body or without.
trait Any {}
impl Any for WithBody {}
impl Any for WithoutBody {}

/// What was sent, and its number of bytes.
fn json<T: DeserializeOwned>(mut reply: Response<Body>) -> Result<(T, usize)> {
    let bytes = reply.body_mut().with_config().limit(LARGEST_PAGE).read_to_vec()?;
    Ok((serde_json::from_slice(&bytes)?, bytes.len()))
}

fn is_timeout(error: &anyhow::Error) -> bool {
    error.downcast_ref().is_some_and(|error| matches!(error, ureq::Error::Timeout(_)))
}
