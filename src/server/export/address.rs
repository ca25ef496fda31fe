//! What is asked for, as a name of a file: [`Address`].

use std::collections::BTreeMap;

use axum::body::Bytes;
use axum::http::HeaderMap;
use xxhash_rust::xxh3::xxh3_64;

use crate::history::Format;
use crate::server::ask::Ask;

/// What means the same when it is left out.
const DEFAULTS: [(&str, &str); 3] = [("metric", "time"), ("sides", "engines"), ("format", "json")];
/// The endpoints whose rows become files, as the API writes their paths.
const KINDS: [&str; 4] = ["/api/v1/series/{series}", "/api/v1/compatibility", "/api/v1/latest", "/api/v1/ranking"];

/// Of the values in an address, so many characters are in the name of its file, for people.
const SHOWN: usize = 60;

/// A path with its parameters, in one order.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Address {
    path: String,
    query: BTreeMap<String, String>,
}

impl Address {
    /// Of what a link says.
    pub(super) fn of(link: &str) -> Self {
        let (path, query) = link.split_once('?').unwrap_or((link, ""));
        let pairs = form_urlencoded::parse(query.as_bytes()).into_owned();
        Self::new(path, pairs)
    }

    /// Of a path and parameters; those that say nothing are left out.
    pub(super) fn new(path: &str, pairs: impl IntoIterator<Item = (String, String)>) -> Self {
        let says = |(name, value): &(String, String)| {
            !value.is_empty() && !DEFAULTS.contains(&(name.as_str(), value.as_str()))
        };
        Self { path: path.to_owned(), query: pairs.into_iter().filter(says).collect() }
    }

    pub(super) fn path(&self) -> &str {
        &self.path
    }

    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.query.get(name).map(String::as_str)
    }

    /// As it would be asked.
    pub(super) fn text(&self) -> String {
        if self.query.is_empty() {
            return self.path.clone();
        }
        let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(&self.query).finish();
        format!("{}?{query}", self.path)
    }

    /// As a handler sees it.
    pub(super) fn ask(&self, format: Format) -> Ask {
        Ask {
            path: BTreeMap::new(),
            query: self.query.clone(),
            headers: HeaderMap::new(),
            body: Bytes::new(),
            target: self.text(),
            format,
        }
    }

    /// Its file: words of it for people, and a checksum, since no two may have one file.
    pub(super) fn file(&self) -> String {
        let path = self.path.trim_matches('/');
        let is_rows = kind(&self.path).is_some();
        if !is_rows && self.query.is_empty() {
            return if path.is_empty() { "index.html".to_owned() } else { format!("{path}/index.html") };
        }
        let ending = match self.get("format") {
            _ if !is_rows => "html",
            Some("csv") => "csv",
            _ => "json",
        };
        let values: Vec<&str> = self.query.values().map(String::as_str).collect();
        let words = slug(&values.join("-"));
        let sum = xxh3_64(self.text().as_bytes()) >> 32;
        let between = if words.is_empty() { "" } else { "-" };
        let folder = if path.is_empty() { "index" } else { path };
        format!("{folder}/{words}{between}{sum:08x}.{ending}")
    }

    /// How this one's file names another.
    pub(super) fn relative(&self, file: &str) -> String {
        "../".repeat(self.file().matches('/').count()) + file
    }
}

/// The kind of rows under this path, if it has some.
pub(super) fn kind(path: &str) -> Option<&'static str> {
    KINDS.into_iter().find(|kind| value(kind, path).is_some())
}

/// What stands in a path where its kind has a name in braces; nothing where it has none.
pub(super) fn value<'a>(kind: &str, path: &'a str) -> Option<&'a str> {
    let Some((before, _)) = kind.split_once('{') else { return (kind == path).then_some("") };
    let rest = path.strip_prefix(before)?;
    (!rest.is_empty() && !rest.contains('/')).then_some(rest)
}

/// Letters, digits and dashes: what every web server and file system takes.
fn slug(text: &str) -> String {
    let mut words = String::new();
    for c in text.chars().map(|c| if c.is_ascii_alphanumeric() || c == '.' { c.to_ascii_lowercase() } else { '-' }) {
        if !(c == '-' && words.ends_with('-')) {
            words.push(c);
        }
    }
    words.truncate(SHOWN);
    words.trim_matches(['-', '.']).to_owned()
}
