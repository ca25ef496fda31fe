//! `cargo xtask boundary`: one query over sizes of the data under one memory limit, and where each engine's boundary is.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result, bail, ensure};
use clap::Args;
use comfy_table::Table;
use querydyno::host::bench::{Bench, Event};
use querydyno::host::boundary::{Boundary, End, Point, boundaries, picture};
use querydyno::host::catalog::Catalog;
use querydyno::host::interrupt;
use querydyno::host::paths;
use querydyno::host::record::Record;
use querydyno::host::session::FailureKind;
use querydyno::host::settings::Settings;
use querydyno::host::terminal::output::{self, plain_table};
use querydyno::protocol::id::Scale;
use querydyno::protocol::units::{Bytes, Nanos};
use serde_json::json;

use crate::json::Json;

/// Run a query over sizes under a memory limit: who wins from which size on, spills or fails
///
/// Every engine gets the query at every scale, smallest first, with the same memory limit. An engine that runs out of memory or
/// time at a scale is a result, not an error; it is asked again at the next scale. Prints a table and a sentence, draws two
/// pictures. An engine that writes more than 4 MiB in a run spills. The fastest is the one with the smallest median. Where some runs of
/// another were as fast as some of its own, both are named as too close to tell.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  cargo xtask boundary q18 --scale 1,2,5,10 --memory 2GiB
  cargo xtask boundary '^(duckdb|polars-wheel|pandas)/q18/' --scale 0.1,1,3 --memory 1GiB --runs 5 --query-timeout 60s
  cargo xtask boundary q1 --scale 1,10 --engines duckdb,spark,spark-cluster   one machine against a cluster

Of a server the limit is set where it is started: give no --memory beside one.
Exit codes: 0 measured, 1 some engine failed otherwise than by size, 2 usage or an error, 130 interrupted.")]
pub(crate) struct Boundaries {
    /// The query or cells, as in a bench, without scale and variant: `social-a`, `^(duckdb|pandas)/q1/`
    filter: String,
    /// Scale factors, separated by commas
    #[arg(long, alias = "scales", value_delimiter = ',', default_value = "1,2,5,10")]
    scale: Vec<Scale>,
    /// The memory limit of every engine: 2GiB [default: none but the machine's own]
    #[arg(long)]
    memory: Option<Bytes>,
    /// The engines, separated by commas; built or installed if need be [default: those that are there]
    #[arg(long, value_delimiter = ',')]
    engines: Vec<String>,
    /// Timed runs of each cell
    #[arg(long, default_value_t = 3)]
    runs: usize,
    /// For one run of the query: a slower one fails at that size [default: `QUERYDYNO_QUERY_TIMEOUT`]
    #[arg(long, value_name = "TIME")]
    query_timeout: Option<String>,
    /// How tables are stored [default: `QUERYDYNO_FORMATS`, or parquet]
    #[arg(long)]
    formats: Option<String>,
    /// The folder for the pictures [default: target/querydyno]
    #[arg(long, value_name = "FOLDER")]
    output: Option<PathBuf>,
    #[command(flatten)]
    json: Json,
}

impl Boundaries {
    pub(crate) fn run(self) -> Result<ExitCode> {
        self.json.check()?;
        ensure!(self.runs > 0, "0 runs measure nothing: give at least 1");
        let folder = self.output.clone().unwrap_or_else(|| paths::own(""));
        fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
        let settings = Settings::read_with(self.flags())?;
        let catalog = Catalog::read(&settings)?;
        let records = self.measure(settings, &catalog)?;
        if records.is_empty() {
            bail!("no cell was run: name a query of a suite whose tables are made, such as q1");
        }
        let colors: BTreeMap<&str, (u8, u8, u8)> = catalog
            .entries()
            .iter()
            .filter_map(|entry| entry.color.map(|[red, green, blue]| (entry.name.as_str(), (red, green, blue))))
            .collect();
        let ended: Vec<Record> = records.into_iter().filter(|record| !is_cut_short(record)).collect();
        let found = boundaries(&ended);
        if self.json.is_wanted() {
            self.json.write(&serde_json::to_string_pretty(&json!({ "boundaries": found }))?)?;
        }
        for boundary in &found {
            if !self.json.is_wanted() {
                output::line(format_args!("{}\n{}\n", table(boundary), boundary.sentence()))?;
            }
            match picture::draw(boundary, |name| colors.get(name).copied().unwrap_or((110, 110, 110))) {
                Ok(pictures) => {
                    for picture in pictures {
                        let path = folder.join(format!("{}.svg", picture.name));
                        fs::write(&path, picture.standalone())
                            .with_context(|| format!("cannot write {}", path.display()))?;
                        eprintln!("picture: {}", path.display());
                    }
                }
                Err(error) => eprintln!("no picture of {}: {error:#}", boundary.query),
            }
        }
        if interrupt::requested() {
            return Ok(ExitCode::from(interrupt::EXIT_CODE));
        }
        let points = found.iter().flat_map(|boundary| &boundary.lines).flat_map(|line| &line.points);
        let failed = points.filter(|point| matches!(point.end, End::Failed { .. })).count();
        Ok(ExitCode::from(u8::from(failed > 0)))
    }

    /// What the command line says, by the names of the environment.
    fn flags(&self) -> Vec<(&'static str, String)> {
        let scales: Vec<String> = self.scale.iter().map(|scale| scale.factor().to_string()).collect();
        let told = [
            ("QUERYDYNO_SCALE", Some(scales.join(","))),
            ("QUERYDYNO_MEMORY", Some(self.memory.map_or_else(|| "none".to_owned(), Bytes::compact))),
            ("QUERYDYNO_QUERY_TIMEOUT", self.query_timeout.clone()),
            ("QUERYDYNO_FORMATS", self.formats.clone()),
        ];
        told.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
    }

    fn measure(&self, settings: Settings, catalog: &Catalog) -> Result<Vec<Record>> {
        let engines = catalog.named_or_there(&self.engines)?;
        let observer = |event: &Event<'_>| {
            let Event::Judged { records } = event else { return };
            for record in *records {
                let end = if is_cut_short(record) { "interrupted".to_owned() } else { short(&End::from(record)) };
                eprintln!("{}: {end}", record.id);
            }
        };
        let bench = Bench::new().filter(&self.filter).engines(engines).runs(self.runs).settings(settings);
        Ok(bench.observer(observer).run()?)
    }
}

/// Whether an interrupt came before it had ended or was verified: that is no result of its engine.
fn is_cut_short(record: &Record) -> bool {
    let ended = record.failure().is_some_and(|failure| failure.kind == FailureKind::Interrupted);
    interrupt::requested() && (ended || record.is_measured() && !record.ranks())
}

/// A row for each engine, a column for each scale.
fn table(boundary: &Boundary) -> Table {
    let scales = boundary.scales.iter().map(|scale| format!("{scale}: time, peak"));
    let header: Vec<String> = std::iter::once(boundary.title()).chain(scales).collect();
    let columns = 1..header.len();
    let mut table = plain_table(header, columns);
    for line in &boundary.lines {
        let cell = |scale: &Scale| line.at(*scale).map_or_else(String::new, shown);
        let mut row = vec![line.engine.clone()];
        row.extend(boundary.scales.iter().map(cell));
        table.add_row(row);
    }
    table
}

/// Time and peak, and whether it spilled; or what became of it.
fn shown(point: &Point) -> String {
    let peak = point.peak_memory_bytes.map_or_else(|| "?".to_owned(), |bytes| Bytes(bytes).to_string());
    match &point.end {
        End::Measured { .. } => format!("{}  {peak}", short(&point.end)),
        other => short(other),
    }
}

fn short(end: &End) -> String {
    match end {
        End::Measured { median_ns, spilled_bytes: None, .. } => Nanos(*median_ns).to_string(),
        End::Measured { median_ns, spilled_bytes: Some(bytes), .. } => {
            format!("{} (spills {})", Nanos(*median_ns), Bytes(*bytes))
        }
        End::OutOfMemory => "out of memory".to_owned(),
        End::TimedOut => "took too long".to_owned(),
        End::Failed { reason } => format!("failed: {}", first(reason)),
        End::Unsupported { reason } => format!("unsupported: {}", first(reason)),
    }
}

/// The beginning of a reason: the record has all of it.
fn first(reason: &str) -> String {
    reason.chars().take(60).collect()
}
