//! `cargo xtask audit`: engines as they are built here against their makers' own distributions.

use anyhow::{Result, ensure};
use clap::Args;
use comfy_table::Table;
use querydyno::host::audit::{Audit as Found, ComparisonPlan, DistributionRatio, QueryRatio, audit, keep};
use querydyno::host::catalog::{Catalog, Entry};
use querydyno::host::interrupt;
use querydyno::host::settings::Settings;
use querydyno::host::suite::{self, Suite};
use querydyno::host::terminal::output;
use querydyno::protocol::id::Scale;
use querydyno::protocol::units::Nanos;
use serde_json::{Value, json};

use crate::json::Json;

/// A ratio from here on is worth an explanation.
const NOTABLE: f64 = 1.05;

/// Compare engines as they are built here with their makers' own distributions
///
/// For each query, fresh processes of both take turns; the ratio is our time by theirs, so above 1 ours is slower. A
/// result over all queries is kept, and reports on cells of the same scale, threads and build show it beside the
/// engine's name.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  cargo xtask audit                                   all engines that have an official distribution, 30 minutes
  cargo xtask audit duckdb --queries q1,q6            some queries
  cargo xtask audit polars --against polars-wheel@2.0.0,polars-wheel@2.1.0

Exit codes: 0 compared, 1 an engine could not be audited, 2 usage or an error, 130 interrupted.")]
pub(crate) struct Audit {
    /// The engines [default: all that have an official distribution]
    engines: Vec<String>,
    /// Compare with these instead, separated by commas: `polars-wheel@2.0.0,polars-wheel@2.1.0`; nearest version first
    #[arg(long, value_delimiter = ',')]
    against: Vec<String>,
    /// Queries, separated by commas [default: all]
    #[arg(long, value_delimiter = ',')]
    queries: Vec<String>,
    /// The scale factor
    #[arg(long, default_value = "1")]
    scale: Scale,
    /// Fresh processes of each side, for each query; at least 6
    #[arg(long, default_value_t = 8)]
    rounds: usize,
    #[command(flatten)]
    json: Json,
}

impl Audit {
    pub(crate) fn run(self) -> Result<()> {
        self.json.check()?;
        ensure!(self.rounds >= 6, "--rounds {}: a 95 % interval takes at least 6 rounds", self.rounds);
        let settings = Settings::read()?;
        let catalog = Catalog::read(&settings)?;
        let suite = Suite::read(suite::DEFAULT)?;
        let queries = if self.queries.is_empty() {
            suite.queries.iter().collect()
        } else {
            self.queries.iter().map(|name| suite.query(name)).collect::<Result<Vec<_>>>()?
        };
        let course = ComparisonPlan { suite: &suite, queries: &queries, scale: self.scale, rounds: self.rounds };
        let (mut found, mut failed) = (Vec::new(), Vec::new());
        for engine in self.engines(&catalog)? {
            let against = if self.against.is_empty() { &engine.official } else { &self.against };
            let official = against.iter().map(|name| catalog.entry(name)).collect::<Result<Vec<_>>>()?;
            ensure!(
                !official.is_empty(),
                "{} has no official distribution in fixtures/engines.toml; name one with --against",
                engine.name
            );
            eprintln!("auditing {} against {}", engine.name, against.join(", "));
            let audit = match audit(&engine, &official, course, &settings) {
                Ok(audit) => audit,
                Err(error) => {
                    interrupt::check()?;
                    eprintln!("{}: {error:#}", engine.name);
                    failed.push(engine.name);
                    continue;
                }
            };
            // What was compared by hand or in part says nothing of the engine as a whole.
            if self.against.is_empty() && self.queries.is_empty() {
                eprintln!("kept: {}", keep(&audit)?.display());
            } else {
                eprintln!("not kept for reports: only part of the queries, or other opponents than those of the table");
            }
            if !self.json.is_wanted() {
                output::line(shown(&audit))?;
            }
            found.push(audit);
        }
        if self.json.is_wanted() {
            let engines: Vec<Value> = found.iter().map(as_json).collect();
            self.json.write(&serde_json::to_string_pretty(&json!({ "engines": engines }))?)?;
        }
        crate::ensure_well(failed.is_empty(), || format!("not audited: {}; the lines above say why", failed.join(", ")))
    }

    fn engines(&self, catalog: &Catalog) -> Result<Vec<Entry>> {
        if self.engines.is_empty() {
            return Ok(catalog.entries().iter().filter(|entry| !entry.official.is_empty()).cloned().collect());
        }
        self.engines.iter().map(|name| catalog.entry(name)).collect()
    }
}

fn shown(audit: &Found) -> String {
    let mut text = format!(
        "\n{} {} at {}, {} threads, {} rounds of fresh processes; ratio = our time / theirs, with its 95 % interval\n",
        audit.engine, audit.version, audit.scale, audit.threads, audit.rounds
    );
    for comparison in &audit.comparisons {
        text += &format!("\nagainst {}:\n{}\n", comparison.against, table(audit, comparison));
        text += &format!("geometric mean {:.3}: {}\n", comparison.geomean_ratio, cause(audit, comparison));
        for left in &comparison.left_out {
            text += &format!("left out: {}: {}\n", left.query, left.reason);
        }
    }
    text
}

fn table(audit: &Found, comparison: &DistributionRatio) -> Table {
    let mut table = crate::table(["query", "ours", "theirs", "ratio", "from", "to", ""], 1..6);
    for query in &comparison.queries {
        // Not by chance: the whole interval lies above 1.
        let slower = query.ratio > NOTABLE && query.low > 1.0;
        let why = if slower { why(audit, query) } else { String::new() };
        table.add_row([
            query.query.clone(),
            Nanos(query.ours_ns).to_string(),
            Nanos(query.theirs_ns).to_string(),
            format!("{:.3}", query.ratio),
            format!("{:.3}", query.low),
            format!("{:.3}", query.high),
            why,
        ]);
    }
    table
}

/// A slower query's ratio told apart as the whole's is: our build against the nearest official version, and the rest.
fn why(audit: &Found, query: &QueryRatio) -> String {
    let nearest = audit.comparisons.first().and_then(|nearest| nearest.ratio(&query.query));
    nearest.map_or_else(String::new, |build| format!("slower: {build:.2} build x {:.2} version", query.ratio / build))
}

/// Why the ratio is what it is, told apart into build and version.
fn cause(audit: &Found, comparison: &DistributionRatio) -> String {
    let Some(parts) = audit.parts(comparison) else { return String::new() };
    let nearest = &audit.comparisons[0];
    let level = match comparison.geomean_ratio {
        ratio if ratio > NOTABLE => "slower",
        ratio if ratio < 1.0 / NOTABLE => "faster",
        _ => "level within 5 %",
    };
    if comparison.version == audit.version {
        return format!("the same version, so all of it is the build: {level}");
    }
    if comparison.against == nearest.against {
        return format!("build, and whatever {} to {} changed: {level}", nearest.version, audit.version);
    }
    let build = if parts.same_version { "build" } else { "build, against the nearest version" };
    format!(
        "{:.3} ({build} {}) x {:.3} (version: the official {} against the official {})",
        parts.build, nearest.version, parts.version, nearest.version, comparison.version
    )
}

fn as_json(audit: &Found) -> Value {
    let one = |comparison: &DistributionRatio| {
        let parts = audit.parts(comparison);
        json!({
            "against": comparison.against,
            "against_version": comparison.version,
            "geomean_ratio": comparison.geomean_ratio,
            "build_ratio": parts.map(|parts| parts.build),
            "version_ratio": parts.map(|parts| parts.version),
            "cause": cause(audit, comparison),
            "queries": comparison.queries,
            "left_out": comparison.left_out,
        })
    };
    // The nearest version's numbers are the engine's own; the others follow.
    let mut engine = audit.comparisons.first().map_or_else(|| json!({}), one);
    engine["workload"] = json!(audit.suite);
    engine["rounds"] = json!(audit.rounds);
    engine["host"] = json!(audit.host);
    engine["taken_at"] = json!(audit.taken_at);
    engine["engine"] = json!(audit.engine);
    engine["version"] = json!(audit.version);
    engine["build"] = json!(audit.build);
    engine["scale"] = json!(audit.scale);
    engine["threads"] = json!(audit.threads);
    engine["others"] = audit.comparisons.iter().skip(1).map(one).collect();
    engine
}
