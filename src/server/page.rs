//! A page as it is sent: [`Page`].

use std::io::{Read as _, Write as _};

use anyhow::Result;
use axum::body::{Body, Bytes};
use axum::http::header::{ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, ETAG, IF_NONE_MATCH, VARY};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::Response;
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use xxhash_rust::xxh3::xxh3_64;

/// HTML, compressed once for all who ask for it, and kept so alone: many are kept.
#[derive(Debug)]
pub(super) struct Page {
    compressed: Bytes,
    etag: HeaderValue,
}

impl Page {
    /// # Errors
    /// When it cannot be compressed.
    pub(super) fn new(text: &str) -> Result<Self> {
        let mut gzip = GzEncoder::new(Vec::new(), Compression::new(5));
        gzip.write_all(text.as_bytes())?;
        let etag = HeaderValue::from_str(&format!("\"{:016x}\"", xxh3_64(text.as_bytes())))?;
        Ok(Self { compressed: gzip.finish()?.into(), etag })
    }

    /// How much of the memory it takes.
    pub(super) fn bytes(&self) -> usize {
        self.compressed.len()
    }

    /// For who cannot read it compressed, which is nobody who has a browser.
    fn plain(&self) -> Body {
        let mut text = Vec::new();
        match GzDecoder::new(&*self.compressed).read_to_end(&mut text) {
            Ok(_) => Body::from(text),
            Err(error) => Body::from(error.to_string()),
        }
    }

    /// The response for who has these headers: nothing new, or the page as they can read it.
    pub(super) fn response(&self, asked: &HeaderMap, status: StatusCode) -> Response {
        let has = |name, part: &str| {
            asked.get_all(name).iter().any(|value| value.to_str().is_ok_and(|value| value.contains(part)))
        };
        let is_known = status == StatusCode::OK && self.etag.to_str().is_ok_and(|etag| has(IF_NONE_MATCH, etag));
        let takes_gzip = has(ACCEPT_ENCODING, "gzip");
        let mut response = Response::new(match (is_known, takes_gzip) {
            (true, _) => Body::empty(),
            (false, true) => Body::from(self.compressed.clone()),
            (false, false) => self.plain(),
        });
        *response.status_mut() = if is_known { StatusCode::NOT_MODIFIED } else { status };
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
        headers.insert(ETAG, self.etag.clone());
        headers.insert(VARY, HeaderValue::from_static("accept-encoding"));
        // Asked for again each time, and mostly not sent.
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
        if takes_gzip && !is_known {
            headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        }
        response
    }
}
