//! What pages are shown with: a style, a script, and uPlot, which draws series. All of it is in the program.

use std::sync::LazyLock;

use axum::Router;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::routing::get;
use xxhash_rust::xxh3::xxh3_64;

use crate::host::report::{html, picture};

pub(super) const STYLE: &str = "/assets/style.css";
pub(super) const SCRIPT: &str = "/assets/page.js";
/// uPlot 1.6.32, MIT: `vendor/uPlot.LICENSE`.
pub(super) const PLOT: &str = "/assets/uplot.js";

const PLOT_TEXT: &str = include_str!("vendor/uPlot.iife.min.js");
const SCRIPT_TEXT: &str = include_str!("page.js");

static STYLE_TEXT: LazyLock<String> = LazyLock::new(|| {
    [picture::STYLE, html::STYLE, include_str!("style.css"), include_str!("vendor/uPlot.min.css")].join("\n")
});

/// Another with each change, so that browsers may keep what they have.
pub(super) static VERSION: LazyLock<String> = LazyLock::new(|| {
    format!("{:08x}", xxh3_64([STYLE_TEXT.as_str(), SCRIPT_TEXT, PLOT_TEXT].concat().as_bytes()) >> 32)
});

/// All of them: path, media type, text.
pub(in crate::server) fn files() -> [(&'static str, &'static str, &'static str); 3] {
    [
        (STYLE, "text/css", STYLE_TEXT.as_str()),
        (SCRIPT, "text/javascript", SCRIPT_TEXT),
        (PLOT, "text/javascript", PLOT_TEXT),
    ]
}

/// All of them, for a browser to keep.
pub(super) fn routes() -> Router {
    const KEPT: &str = "public, max-age=31536000, immutable";
    files().into_iter().fold(Router::new(), |router, (path, media, text)| {
        router.route(path, get(move || async move { ([(CONTENT_TYPE, media), (CACHE_CONTROL, KEPT)], text) }))
    })
}
