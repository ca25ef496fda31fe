//! The pages as files, for a place that serves nothing but files: `cargo xtask serve --export DIR`. The main function is [`export`].
//!
//! From the overview on, every page and every list of rows that a link leads to is made in this process, by the code that serves it. Then
//! links become relative ones to files, and choices become lists of links (`document`). What has no file is told plainly: it is no link.
//! There are bounds, since any two of everything could be compared; what is nearest to the overview comes first.

mod address;
mod document;
mod folder;
mod rows;

use std::collections::{BTreeMap, HashSet, VecDeque};
use std::io::{Read as _, Write as _};
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, Result, bail};
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use maud::html;
use serde_json::json;

use super::app::App;
use super::pages::{self, assets};
use super::problem::Problem;
use crate::history::Format;
use crate::host::interrupt;
use crate::host::progress::{Unit, Work};
use address::{Address, kind};
use document::{Leads, links, rewritten};
use folder::Staged;

/// The page that tells what the API has; here it tells which rows there are as files.
const API: &str = "/api";
/// Comparisons are made of any two, so there are this many times fewer of them.
const COMPARISONS: usize = 10;
/// A page that links rows links them as JSON and CSV.
const FORMS: usize = 2;

/// What was written.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) struct Written {
    pub(super) pages: usize,
    /// Files of rows.
    pub(super) rows: usize,
    pub(super) bytes: u64,
    /// Pages and rows that a link led to and that were beyond a bound.
    pub(super) left_out: usize,
}

/// Something that was made: a page as it is served, or rows.
enum Made {
    /// HTML, compressed: a large history has some hundred MB of it.
    Page(Vec<u8>),
    Rows(Vec<u8>),
}

/// All that becomes a file.
struct Site<'a> {
    app: &'a Arc<App>,
    /// Pages of each kind at most.
    most: usize,
    queue: VecDeque<Address>,
    found: BTreeMap<Address, Option<Made>>,
    counts: BTreeMap<&'static str, usize>,
    beyond: HashSet<Address>,
}

/// Writes the site into a folder, which is the old one or the new one at any time and nothing between.
///
/// # Errors
/// When the folder is another's, the history cannot be read, or after an interrupt.
pub(super) fn export(app: &Arc<App>, folder: &Path, most: usize) -> Result<Written> {
    let staged = Staged::begin(folder)?;
    let mut site = Site {
        app,
        most,
        queue: VecDeque::new(),
        found: BTreeMap::new(),
        counts: BTreeMap::new(),
        beyond: HashSet::new(),
    };
    site.gather()?;
    let written = site.write(&staged)?;
    staged.finish(&json!({
        "written_by": "cargo xtask serve --export",
        "version": env!("CARGO_PKG_VERSION"),
        "pages": written.pages,
        "rows": written.rows,
    }))?;
    Ok(written)
}

impl Site<'_> {
    /// Makes all that can be reached, the nearest first.
    fn gather(&mut self) -> Result<()> {
        let work = Work::begin(Unit::Pages, 0, "");
        pages::ways().for_each(|path| self.admit(&Address::of(path)));
        let mut expected = 0;
        while let Some(address) = self.queue.pop_front() {
            interrupt::check()?;
            work.now(address.path());
            let made = if address.path() == API {
                self.page(&about_rows())?
            } else if pages::path(address.path()).is_some() {
                self.page(&self.shown(&address)?)?
            } else {
                self.rows(&address)?
            };
            self.found.insert(address, Some(made));
            work.done(1);
            work.expect((self.found.len() - expected) as u64);
            expected = self.found.len();
        }
        Ok(())
    }

    /// Has an address made, where it is one of a page or of rows and within the bounds.
    fn admit(&mut self, address: &Address) {
        if self.found.contains_key(address) || self.beyond.contains(address) {
            return;
        }
        let (page, rows) = (pages::path(address.path()), kind(address.path()));
        let (of, bound) = match (page, rows) {
            (Some("/compare"), _) => ("/compare", self.most.div_ceil(COMPARISONS)),
            (Some(page), _) => (page, self.most),
            (None, Some(rows)) => (rows, self.most * FORMS),
            (None, None) => return,
        };
        let count = self.counts.entry(of).or_default();
        if *count >= bound {
            self.beyond.insert(address.clone());
            return;
        }
        *count += 1;
        self.found.insert(address.clone(), None);
        self.queue.push_back(address.clone());
    }

    /// A page as it would be served; of one that is not there what is said instead.
    fn shown(&self, address: &Address) -> Result<String> {
        let made = pages::rendered(self.app, address.path(), &address.ask(Format::Json));
        let said = made.context("no page has this path")?;
        match said {
            Ok(markup) => Ok(markup.into_string()),
            Err(problem) if problem.status() < 500 => Ok(pages::said(&problem).into_string()),
            Err(problem) => bail!("{}: {problem}", address.text()),
        }
    }

    fn page(&mut self, html: &str) -> Result<Made> {
        for link in links(html) {
            self.admit(&link);
        }
        let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
        gzip.write_all(html.as_bytes())?;
        Ok(Made::Page(gzip.finish()?))
    }

    fn rows(&mut self, address: &Address) -> Result<Made> {
        let reply = match rows::asked(self.app, address) {
            Ok(reply) => reply,
            Err(problem) if problem.status() < 500 => return Ok(Made::Rows(said(&problem))),
            Err(problem) => bail!("{}: {problem}", address.text()),
        };
        if let Some(next) = &reply.next {
            self.admit(&Address::of(next));
        }
        let next = reply.next.as_ref().and_then(|next| self.leads(address, &Address::of(next)));
        Ok(Made::Rows(rows::whole(reply, next.as_deref(), address)))
    }

    /// How the file of one address names that of another; none of one that has no file.
    fn leads(&self, from: &Address, to: &Address) -> Option<String> {
        self.found.contains_key(to).then(|| from.relative(&to.file()))
    }

    fn write(&self, staged: &Staged) -> Result<Written> {
        let mut written = Written { left_out: self.beyond.len(), ..Written::default() };
        let day = self.app.standing()?.cells.iter().filter_map(|cell| cell.started_at_ms).max();
        for (address, made) in &self.found {
            interrupt::check()?;
            let bytes = match made.as_ref().context("not made")? {
                Made::Rows(bytes) => {
                    written.rows += 1;
                    bytes.clone()
                }
                Made::Page(gzip) => {
                    written.pages += 1;
                    let mut html = String::new();
                    GzDecoder::new(gzip.as_slice()).read_to_string(&mut html)?;
                    let to = |to: &Address| self.leads(address, to);
                    let asset = |path: &str| address.relative(path.trim_start_matches('/'));
                    rewritten(&html, &Leads { to: &to, asset: &asset, newest: day }).into_bytes()
                }
            };
            written.bytes += bytes.len() as u64;
            staged.write(&address.file(), &bytes)?;
        }
        for (path, _, text) in assets::files() {
            staged.write(path.trim_start_matches('/'), text.as_bytes())?;
            written.bytes += text.len() as u64;
        }
        Ok(written)
    }
}

/// What a file says in place of rows that are not there.
fn said(problem: &Problem) -> Vec<u8> {
    json!({ "rows": [], "detail": problem.detail() }).to_string().into_bytes()
}

/// Which rows there are as files, in place of the API's own page.
fn about_rows() -> String {
    let content = html! {
        p {
            "These pages are a copy that was made without a server. The API, with SQL and any question, is where the history is: "
            code { "cargo xtask serve" } ". These rows are here as files:"
        }
        ul {
            @for (address, about) in rows::LISTED {
                li { a href=(address) { (about) } ", as JSON" @if let Some(csv) = rows::as_csv(address) { " or " a href=(csv) { "CSV" } } }
            }
            li { "The points of each series, linked on its page" }
        }
    };
    pages::laid_out(API, "Rows as files", &content).into_string()
}
