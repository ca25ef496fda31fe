//! What a request says in its first line and its headers.

use std::collections::BTreeMap;

use axum::body::Bytes;
use axum::extract::{FromRequestParts as _, RawPathParams};
use axum::http::request::Parts;

use super::ask::Ask;
use super::problem::Problem;
use crate::history::Format;

/// What the first line and the headers of a request say.
pub(super) async fn ask(parts: &mut Parts) -> Result<Ask, Problem> {
    let path = RawPathParams::from_request_parts(parts, &()).await;
    let path = path.map_err(|_| Problem::new("not-found", "the path is no UTF-8"))?;
    let path: BTreeMap<String, String> = path.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    let text = parts.uri.query().unwrap_or_default();
    let mut query = BTreeMap::new();
    for (name, value) in form_urlencoded::parse(text.as_bytes()) {
        let twice = query.insert(name.into_owned(), value.into_owned()).is_some();
        if twice {
            return Err(Problem::invalid("a parameter is given twice"));
        }
    }
    let target = parts.uri.path_and_query().map_or_else(|| parts.uri.path().to_owned(), ToString::to_string);
    Ok(Ask { path, query, headers: parts.headers.clone(), body: Bytes::new(), target, format: Format::Json })
}
