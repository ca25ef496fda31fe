//! `cargo xtask ablation`: what each option of an engine brings.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use clap::Args;
use comfy_table::Table;
use querydyno::host::ablation::{Ablation as Found, Effect, FOLDER, Figures, Outcome, Plan, ablate, write};
use querydyno::host::catalog::Catalog;
use querydyno::host::paths;
use querydyno::host::settings::Settings;
use querydyno::host::stats::Interval;
use querydyno::host::suite::{Suite, in_ranges};
use querydyno::host::terminal::output;
use querydyno::protocol::units::{Bytes, Nanos};
use serde_json::json;

use crate::json::Json;

/// Measure what each option of an engine brings: added to none, and removed from all
///
/// The options are those of an engine with axes, such as `pipeline` (streaming, columnar, parallel, label-cache, how rows are written, and,
/// of tables on S3 (`QUERYDYNO_FORMATS=s3`), prefetch and pool),
/// or what `options` sets for an engine of yours in querydyno.toml. Fresh processes of all variants take turns, every answer is checked, and
/// a factor comes with its 95 % interval: 2.0 is twice as fast with the option as without it. One whose interval holds 1 shows nothing.
///
/// `cargo xtask services up postgresql` starts what `pipeline` writes into; then `cargo xtask ablation pods-daily --scale 10k,500k`
/// prints a table and draws the steps of each variant, for each scale.
///
/// Answers are verified by the stored reference; where there is none, all variants have to give the same. For other scales, references
/// are made by `cargo xtask answers pods --scale 0.5 --queries pods-daily`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  cargo xtask services up postgresql && cargo xtask ablation PIPELINE --scale 10k,500k
  QUERYDYNO_FORMATS=s3 cargo xtask ablation PIPELINE        with the options that read ahead from S3
PIPELINE is a query that a suite declares a pipeline of.

In querydyno.toml, for any other engine:
  [engine.duckdb-tuned]
  like = \"duckdb\"
  options = { preserve_insertion_order = \"false\", parquet_metadata_cache = \"true\" }
and then
  cargo xtask ablation q1 --engine duckdb-tuned")]
pub(crate) struct Ablation {
    /// The query
    query: String,
    /// The engine whose options are compared [default: the one whose options are axes]
    #[arg(long)]
    engine: Option<String>,
    /// Scale factors, separated by commas, or rows of the suite's largest table, such as 10k or 5m
    #[arg(long, alias = "scales", value_delimiter = ',', default_value = "1")]
    scale: Vec<String>,
    /// Fresh processes of each variant; at least 6
    #[arg(long, default_value_t = 6)]
    rounds: usize,
    /// The folder for the pictures, and what they show as JSON, which `cargo xtask serve` has a page of [default:
    /// target/querydyno/ablation]
    #[arg(long, value_name = "FOLDER")]
    output: Option<PathBuf>,
    #[command(flatten)]
    json: Json,
}

impl Ablation {
    pub(crate) fn run(self) -> Result<()> {
        self.json.check()?;
        ensure!(self.rounds >= 6, "--rounds {}: a 95 % interval takes at least 6 rounds", self.rounds);
        let settings = Settings::read()?;
        let catalog = Catalog::read(&settings)?;
        let suites = Suite::all(&settings)?;
        let known = || in_ranges(suites.iter().flat_map(|suite| &suite.queries).map(|query| query.name.as_str()));
        let found = suites.iter().find_map(|suite| Some((suite, suite.query(&self.query).ok()?)));
        let (suite, query) =
            found.with_context(|| format!("there is no query '{}'; there are: {}", self.query, known()))?;
        let engine = if let Some(name) = &self.engine {
            catalog.entry(name)?
        } else {
            let with_axes = catalog.entries().iter().find(|entry| !entry.axes.is_empty());
            with_axes.context("no engine has axes; name one with --engine")?.clone()
        };
        let scales = self.scale.iter().map(|text| suite.scale_of(text)).collect::<Result<Vec<_>>>()?;
        let folder = self.output.clone().unwrap_or_else(|| paths::own(FOLDER));
        if self.output.is_none() {
            fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
        }
        ensure!(folder.is_dir(), "there is no folder for the pictures {}; make it first", folder.display());
        let mut all = Vec::new();
        for scale in scales {
            let found = ablate(Plan { engine: &engine, suite, query, scale, rounds: self.rounds }, &settings)?;
            let picture = write(&found, &folder)?;
            if !self.json.is_wanted() {
                output::line(shown(&found))?;
            }
            eprintln!("picture: {}", picture.display());
            all.push(found);
        }
        if self.json.is_wanted() {
            self.json.write(&serde_json::to_string_pretty(&json!({ "ablations": all }))?)?;
        }
        Ok(())
    }
}

fn shown(found: &Found) -> String {
    let Found { engine, version, query, scale, rows, variant, rounds, verified, .. } = found;
    format!(
        "\n{engine} {version}, {query} at {scale} ({rows} rows), {variant}, {rounds} rounds of fresh processes; answers: {verified}\n\n{}\n\n{}",
        variants(found),
        effects(&found.effects)
    )
}

fn variants(found: &Found) -> Table {
    let steps = found.variants.iter().find_map(|one| one.figures()).map(|figures| figures.steps_ns.clone());
    let steps: Vec<String> = steps.into_iter().flatten().map(|(step, _)| step).collect();
    let mut header = vec!["variant".to_owned(), "time".to_owned(), "times as fast".to_owned()];
    header.extend(steps.clone());
    header.extend(["cores", "sink's", "peak memory", "log bytes"].map(str::to_owned));
    let on_s3 = found.variants.iter().filter_map(|one| one.figures()).any(|figures| figures.requests.is_some());
    if on_s3 {
        header.extend(["requests", "connections", "received"].map(str::to_owned));
    }
    let figures = 1..header.len();
    let mut table = output::plain_table(header, figures);
    let baseline = found.variants.first().and_then(|one| one.figures()).map(|figures| figures.time_ns);
    for one in &found.variants {
        match &one.outcome {
            Outcome::Figures(figures) => {
                let mut row = row(&one.name, figures, baseline, &steps);
                if on_s3 {
                    row.extend(traffic(figures));
                }
                table.add_row(row);
            }
            Outcome::Failed(why) => {
                table.add_row([one.name.clone(), format!("failed: {why}")]);
            }
        }
    }
    table
}

fn row(name: &str, figures: &Figures, baseline: Option<f64>, steps: &[String]) -> Vec<String> {
    let step = |name: &String| {
        let found = figures.steps_ns.iter().find(|(step, _)| step == name);
        found.map_or_else(unknown, |(_, ns)| Nanos(*ns).to_string())
    };
    let cores = |used: Option<f64>| used.map_or_else(unknown, |used| format!("{used:.2}"));
    let mut row = vec![name.to_owned(), Nanos(figures.time_ns).to_string()];
    row.push(baseline.map_or_else(unknown, |baseline| format!("{:.2}", baseline / figures.time_ns)));
    row.extend(steps.iter().map(step));
    row.extend([cores(figures.cores_used), cores(figures.sink_cores_used)]);
    row.extend([bytes(figures.peak_memory_bytes), bytes(figures.sink_log_bytes)]);
    row
}

/// Of a run: requests to the store, connections opened, bytes received.
fn traffic(figures: &Figures) -> [String; 3] {
    let number = |number: Option<f64>| number.map_or_else(unknown, |number| format!("{number:.1}"));
    [number(figures.requests), number(figures.connections), bytes(figures.bytes_received)]
}

fn bytes(bytes: Option<f64>) -> String {
    bytes.map_or_else(unknown, |bytes| Bytes::about(bytes).to_string())
}

fn unknown() -> String {
    "-".to_owned()
}

fn effects(effects: &[Effect]) -> Table {
    let header = ["option", "added to the baseline", "from", "to", "within all others", "from", "to"];
    let mut table = crate::table(header, 1..7);
    for effect in effects {
        let mut row = vec![effect.option.clone()];
        row.extend(interval(effect.alone));
        row.extend(interval(effect.in_full));
        table.add_row(row);
    }
    table
}

fn interval(of: Option<Interval>) -> [String; 3] {
    match of {
        Some(Interval { estimate, low, high }) => [estimate, low, high].map(|factor| format!("{factor:.2}")),
        None => ["-".to_owned(), String::new(), String::new()],
    }
}
