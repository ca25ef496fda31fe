//! `cargo xtask report`: everything that was measured, on one page.

use std::fs;
use std::io::{IsTerminal, stdout};
use std::path::{Component, Path, PathBuf};

use anyhow::{Context, Result, ensure};
use clap::{Args, ValueEnum};
use querydyno::host::audit;
use querydyno::host::criterion::baseline::named;
use querydyno::host::filter::Filter;
use querydyno::host::paths;
use querydyno::host::report::{
    Document, Known, Marks, Report as Page, Sort, Sources, View, baseline, csv, html, json, markdown, newest, terminal,
    told,
};
use querydyno::host::settings::Settings;
use querydyno::host::terminal::output::print;

use crate::json::{Json, is_stdout};

/// As `eprintln!`, for a reader of stderr that may have seen enough, such as `head`.
macro_rules! tell {
    ($($text:tt)*) => {{
        let _ = std::io::Write::write_fmt(&mut std::io::stderr(), format_args!("{}\n", format_args!($($text)*)));
    }};
}
pub(crate) use tell;

/// Put everything that was measured on one page, ranked where conditions are alike
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  cargo xtask report                                  all there is, in the terminal
  cargo xtask report q1                               the cells of q1, as a bench's filter means them
  cargo xtask report --format html --output r.html    one file with pictures
  cargo xtask report --baseline main                  what Criterion's baseline `main` says against the newest
  cargo xtask report --baseline main --head mine      one baseline against another
  cargo xtask report --top 30 --sort ratio            the queries in which the engines differ most
  cargo xtask report --support --format markdown      which engine answers which query, and why the others do not
  cargo xtask report --records a.jsonl b/records      records of other machines or runs")]
pub(crate) struct Report {
    /// The cells, as in a bench: `duckdb/q1`, `q6`, `^(duckdb|polars)/`
    #[arg(default_value = "")]
    filter: String,
    /// How to show it
    #[arg(long, value_enum, default_value = "terminal", conflicts_with = "json")]
    format: Format,
    #[command(flatten)]
    json: Json,
    /// The file to write [default: stdout]
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    /// A folder for the pictures as SVG files, which Markdown then links to
    #[arg(long, value_name = "FOLDER")]
    pictures: Option<PathBuf>,
    /// Compare with what `cargo bench -- --save-baseline NAME` kept
    #[arg(long, value_name = "NAME", value_parser = named)]
    baseline: Option<String>,
    /// What to compare with it [default: the newest record of each cell]
    #[arg(long, value_name = "NAME", requires = "baseline", value_parser = named)]
    head: Option<String>,
    /// How many queries of each group to show, those in which the engines differ most [default: all up to 40, else 20]
    #[arg(long, value_name = "QUERIES")]
    top: Option<usize>,
    /// The order of the queries [default: their own, or by ratio where not all are shown]
    #[arg(long, value_enum)]
    sort: Option<Order>,
    /// Which engine answers which query, and why the others do not, in place of times
    #[arg(long, conflicts_with_all = ["baseline", "pictures", "top", "sort", "json"])]
    support: bool,
    #[command(flatten)]
    places: Places,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Order {
    /// Their own: q2 before q10
    Query,
    /// By the slowest engine's time divided by the fastest's
    Ratio,
}

// Where results lie. No doc comment: clap would take it for what the command does.
#[derive(Debug, Args)]
pub(crate) struct Places {
    /// Files of records, or folders of them [default: .querydyno/records, and target/querydyno/records of earlier versions]
    #[arg(long, value_name = "PATH", num_args = 1..)]
    records: Vec<PathBuf>,
    /// Criterion's folder [default: target/criterion, for the records that are there by default]
    #[arg(long, value_name = "FOLDER")]
    criterion: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// Text of at most 100 columns, in colours on a terminal (`NO_COLOR` turns them off)
    Terminal,
    /// For a pull request, or `>> "$GITHUB_STEP_SUMMARY"`
    Markdown,
    /// One self-contained file with pictures
    Html,
    /// For programs; src/host/report/json.rs documents it
    Json,
    /// One row per cell and metric; src/host/report/csv.rs documents it
    Csv,
}

impl Report {
    pub(crate) fn run(self) -> Result<()> {
        let format = if self.json.is_wanted() { Format::Json } else { self.format };
        let json = self.json.file().filter(|file| !is_stdout(file));
        ensure!(json.is_none() || self.output.is_none(), "--json and --output both name a file: give one of them");
        let output = self.output.as_deref().or(json);
        let sources = Sources { needs_times: !self.support, ..self.places.sources(&self.filter)? };
        let head = self.head.as_ref().map_or_else(|| newest(&sources), |name| baseline(&sources, name))?;
        let audits = audit::kept(head.found.iter().map(|found| &found.record.id));
        let mut page = Page::new(&head, &sources.known, &audits);
        let base = self.baseline.as_deref().map(|name| baseline(&sources, name)).transpose()?;
        if let (Some(name), Some(base)) = (&self.baseline, &base) {
            page = page.against((name, base), (self.head.as_deref().unwrap_or("the newest"), &head));
        }
        ensure!(self.top != Some(0), "--top 0 shows no query: give at least 1");
        let sort = self.sort.map(|order| match order {
            Order::Query => Sort::Query,
            Order::Ratio => Sort::Ratio,
        });
        let pictures = format == Format::Html || self.pictures.is_some();
        ensure!(!self.support || !matches!(format, Format::Json | Format::Csv), "{SUPPORT_IS_A_PAGE}");
        let document =
            if self.support { page.support() } else { page.document_as(View { pictures, top: self.top, sort })? };
        if let Some(folder) = &self.pictures {
            write_pictures(&document, folder)?;
        }
        let text = match format {
            Format::Terminal => terminal::render(&document, output.is_none() && colors()),
            Format::Markdown => {
                let folder = self.pictures.as_deref().map(|folder| link(folder, output)).transpose()?;
                markdown::render(&document, folder.as_deref())
            }
            Format::Html => html::render(&document),
            Format::Json => json::render(&page)?,
            Format::Csv => csv::render(&page)?,
        };
        if format == Format::Csv {
            // The other formats say it themselves; in a table of figures it has no place.
            for line in told(&page.left_out) {
                tell!("left out: {line}");
            }
            for line in page.changes.iter().flat_map(|changes| told(&changes.not_compared)) {
                tell!("not compared: {line}");
            }
        }
        if let Some(file) = output {
            fs::write(file, text).with_context(|| format!("cannot write {}", file.display()))?;
            tell!("written: {}", file.display());
            return Ok(());
        }
        print(&text)?;
        if format == Format::Terminal {
            tell!(
                "\nwith pictures, every cell and where it is from: cargo xtask report --format html --output report.html\none cell's story: cargo xtask show duckdb/q1/sf1/parquet"
            );
        }
        Ok(())
    }
}

const SUPPORT_IS_A_PAGE: &str = "--support is a page for people: give --format terminal, markdown or html (outcome and reason of each cell are columns of --format csv without it)";

/// Where records are kept, and were by earlier versions.
fn kept() -> Vec<PathBuf> {
    let home = paths::home();
    let now = home.join("records");
    let before = paths::former(&home).map(|home| home.join("records")).filter(|folder| folder.is_dir());
    let now = Some(now).filter(|folder| before.is_none() || folder.is_dir());
    now.into_iter().chain(before).collect()
}

impl Places {
    /// Where results lie, and which are meant.
    pub(crate) fn sources(&self, filter: &str) -> Result<Sources> {
        if let Some(folder) = &self.criterion {
            ensure!(
                folder.is_dir(),
                "{} is no folder: name one of Criterion's, such as target/criterion",
                folder.display()
            );
        }
        // Records from elsewhere have nothing to do with what Criterion keeps here.
        let (records, criterion) = if self.records.is_empty() {
            (kept(), paths::criterion())
        } else {
            (self.records.clone(), PathBuf::from("no folder of Criterion's: name it with --criterion"))
        };
        Ok(Sources {
            records,
            criterion: self.criterion.clone().unwrap_or(criterion),
            known: Known::read(&Settings::read()?)?,
            marks: Marks::read(&paths::history())?,
            filter: Filter::new(filter, false)?,
            needs_times: true,
        })
    }
}

pub(crate) fn colors() -> bool {
    stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

fn write_pictures(document: &Document, folder: &Path) -> Result<()> {
    fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    for picture in document.pictures() {
        let file = folder.join(format!("{}.svg", picture.name));
        fs::write(&file, picture.standalone()).with_context(|| format!("cannot write {}", file.display()))?;
    }
    Ok(())
}

/// The pictures' folder as a link in the output names it: seen from the folder that the output is in.
fn link(pictures: &Path, output: Option<&Path>) -> Result<String> {
    let Some(output) = output else { return Ok(pictures.display().to_string()) };
    let folder = output.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    // Not made absolute by their text alone: `..` behind a symbolic link leads elsewhere.
    let real = |path: &Path| path.canonicalize().with_context(|| format!("no folder {}", path.display()));
    Ok(relative(&real(folder)?, &real(pictures)?).display().to_string())
}

/// The way between two absolute folders.
fn relative(from: &Path, to: &Path) -> PathBuf {
    let shared = from.components().zip(to.components()).take_while(|(a, b)| a == b).count();
    let up = from.components().skip(shared).map(|_| Component::ParentDir);
    let way: PathBuf = up.chain(to.components().skip(shared)).collect();
    if way.as_os_str().is_empty() { PathBuf::from(".") } else { way }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_leads_from_the_outputs_folder_to_the_pictures() {
        for (from, to, way) in [("/a/docs", "/a/docs/p", "p"), ("/a/docs", "/a/p", "../p"), ("/a", "/a", ".")] {
            assert_eq!(relative(Path::new(from), Path::new(to)).to_str(), Some(way));
        }
    }
}
