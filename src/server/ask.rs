//! A request as a handler sees it, [`Ask`], and what it gives back, [`Reply`]; and the table that says what there is to ask, [`Endpoint`].

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::body::Bytes;
use axum::http::{HeaderMap, Method};
use futures::stream::BoxStream;

use super::app::App;
use super::problem::Problem;
use crate::history::Format;

/// What can be asked: one row of the table of which both the router and the OpenAPI document are made.
pub(super) struct Endpoint {
    pub(super) method: Method,
    /// As axum and OpenAPI write it: `/api/v1/results/{record}`.
    pub(super) path: &'static str,
    /// Its name for programs that are made of the document.
    pub(super) name: &'static str,
    pub(super) summary: &'static str,
    pub(super) detail: &'static str,
    pub(super) parameters: &'static [Parameter],
    pub(super) body: Option<Upload>,
    pub(super) gives: Gives,
    /// The statuses that it may end with, beside those of every endpoint.
    pub(super) problems: &'static [u16],
    /// Whether it changes something, which needs the token.
    pub(super) writes: bool,
    pub(super) run: fn(&Arc<App>, &Ask) -> Result<Reply, Problem>,
}

/// The body of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Upload {
    pub(super) about: &'static str,
    /// An example, in JSON.
    pub(super) example: &'static str,
    pub(super) schema: &'static str,
    /// Whether the body is what the key of the header `Idempotency-Key` stands for.
    pub(super) is_keyed: bool,
}

/// What an endpoint gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Gives {
    /// Rows, in the form that is asked for.
    Rows,
    /// A JSON object, by the name of its schema, with this status.
    Object(u16, &'static str),
    /// Server-sent events.
    Events,
}

/// A parameter in the path or the query.
#[derive(Debug, Clone, Copy)]
pub(super) struct Parameter {
    pub(super) name: &'static str,
    pub(super) about: &'static str,
    pub(super) kind: Kind,
}

/// What a parameter may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// In the path.
    Path,
    /// Any text.
    Text,
    /// Text without which the request means nothing.
    Needed,
    /// A day, 2026-03-01.
    Day,
    /// A number between these, and what it is where nobody says it.
    Whole(u32, u32, u32),
    /// One of these.
    One(&'static [&'static str]),
    /// Behind which row: what `next` says, as [`CURSOR`] has it.
    Cursor,
}

/// A time in microseconds since 1970, and the key of a result.
pub(super) const CURSOR: &str = "^-?[0-9]{1,19}\\.[0-9]{1,20}$";

/// What a cursor says; none where it is none. What is beyond all times and keys is behind all of them.
pub(super) fn cursor(text: &str) -> Option<(i64, u64)> {
    let (at, result) = text.split_once('.')?;
    let number = at.strip_prefix('-').unwrap_or(at);
    let is_plain =
        |text: &str, most| (1..=most).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    let beyond = if number == at { i64::MAX } else { i64::MIN };
    (is_plain(number, 19) && is_plain(result, 20))
        .then(|| (at.parse().unwrap_or(beyond), result.parse().unwrap_or(u64::MAX)))
}

/// Characters of a text in the path or the query.
pub(super) const LONGEST: usize = 500;

/// A request.
#[derive(Debug, Clone)]
pub(super) struct Ask {
    pub(super) path: BTreeMap<String, String>,
    pub(super) query: BTreeMap<String, String>,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
    /// The path with its query, as it was asked.
    pub(super) target: String,
    pub(super) format: Format,
}

impl Ask {
    /// A request for a path, with nothing else.
    pub(super) fn of_path(path: &str) -> Self {
        let (headers, body) = (HeaderMap::new(), Bytes::new());
        Self {
            path: BTreeMap::new(),
            query: BTreeMap::new(),
            headers,
            body,
            target: path.to_owned(),
            format: Format::Json,
        }
    }

    /// A parameter of the query, if it says anything.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.query.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// A parameter of the path.
    pub(super) fn named(&self, name: &str) -> &str {
        self.path.get(name).map_or("", String::as_str)
    }

    /// A number, of which it was checked that it is one.
    pub(super) fn whole(&self, name: &str, default: u32) -> u32 {
        self.get(name).and_then(|value| value.parse().ok()).unwrap_or(default)
    }

    /// Whether all parameters are what they may be, and no other is there.
    ///
    /// # Errors
    /// What is wrong with one of them.
    pub(super) fn check(&self, parameters: &[Parameter]) -> Result<(), Problem> {
        let of_query = || parameters.iter().filter(|parameter| parameter.kind != Kind::Path);
        for (name, value) in &self.query {
            let Some(known) = of_query().find(|parameter| parameter.name == name) else {
                let names: Vec<&str> = of_query().map(|parameter| parameter.name).collect();
                let known = if names.is_empty() { "it takes none".to_owned() } else { names.join(", ") };
                return Err(Problem::invalid(format!("no parameter is called '{}': {known}", shown(name))));
            };
            known.check(value)?;
        }
        for (name, value) in &self.path {
            if is_too_long(value, LONGEST) || value.contains('\0') {
                return Err(Problem::new("not-found", format!("no {name} is called so")));
            }
        }
        match of_query().find(|parameter| parameter.kind == Kind::Needed && self.get(parameter.name).is_none()) {
            Some(missing) => {
                Err(Problem::invalid(format!("the parameter '{}' is missing: {}", missing.name, missing.about)))
            }
            None => Ok(()),
        }
    }
}

/// Whether a text has more characters than these.
pub(super) fn is_too_long(text: &str, most: usize) -> bool {
    text.len() > most && text.chars().count() > most
}

/// A text of somebody's as an error repeats it.
pub(super) fn shown(text: &str) -> String {
    text.chars().take(60).map(|c| if c.is_control() { '?' } else { c }).collect()
}

impl Parameter {
    fn check(&self, value: &str) -> Result<(), Problem> {
        let name = self.name;
        if is_too_long(value, LONGEST) || value.contains('\0') {
            return Err(Problem::invalid(format!("'{name}' is longer than {LONGEST} characters, or has a zero byte")));
        }
        let wrong = |wanted: String| Err(Problem::invalid(format!("'{name}' is no {wanted}: '{}'", shown(value))));
        match self.kind {
            Kind::Day if value.len() != 10 || value.parse::<chrono::NaiveDate>().is_err() => {
                wrong("day such as 2026-03-01".to_owned())
            }
            Kind::Whole(low, high, _) => {
                let is_plain = value.bytes().all(|byte| byte.is_ascii_digit());
                let number = value.parse::<u32>().ok().filter(|number| is_plain && (low..=high).contains(number));
                if number.is_some() { Ok(()) } else { wrong(format!("whole number from {low} to {high}")) }
            }
            Kind::Cursor if cursor(value).is_none() => wrong("place that `next` names".to_owned()),
            Kind::One(words) if !words.contains(&value) => wrong(format!("one of {}", words.join(", "))),
            Kind::Needed if value.is_empty() => wrong("text".to_owned()),
            _ => Ok(()),
        }
    }
}

/// Rows in a form.
#[derive(Debug, Default)]
pub(super) struct Rows {
    /// In JSON a list.
    pub(super) shown: Vec<u8>,
    /// Where those behind them are.
    pub(super) next: Option<String>,
    /// Whether there are more that nobody can ask for.
    pub(super) is_cut: bool,
    /// What is to be known with them.
    pub(super) notes: Vec<String>,
}

impl From<Vec<u8>> for Reply {
    fn from(shown: Vec<u8>) -> Self {
        Self::Rows(Rows { shown, ..Rows::default() })
    }
}

/// What a handler gives back.
pub(super) enum Reply {
    /// Rows in the form that was asked for, and a link to those behind them.
    Rows(Rows),
    /// An object.
    Object(u16, serde_json::Value),
    /// Events, one after the other.
    Events(BoxStream<'static, Result<Bytes, std::io::Error>>),
}
