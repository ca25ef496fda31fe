//! The audit: an engine as it is built here against the same engine as its makers ship it.
//!
//! A build of our own can be slower than the official one by its compiler, its allocator or its flags, and then slanders
//! the engine. So both run the same queries on the same files, in fresh processes that take turns. `cargo xtask
//! audit` measures and stores; every report shows what was found beside the engine's name.

mod compare;

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use crate::host::files::write_whole;
use crate::host::paths;
use crate::host::record::Record;
use crate::host::stats::geometric_mean;
use crate::measure::machine::Host;
use crate::protocol::engine::Build;
use crate::protocol::id::{BenchId, Scale};

pub use compare::{ComparisonPlan, audit};

/// What was found for one engine.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Audit {
    /// The engine's entry.
    pub engine: String,
    /// Its version.
    pub version: String,
    /// How its program was built: what is found holds for this build only.
    pub build: Build,
    /// The suite whose queries were run.
    #[serde(rename = "workload")]
    pub suite: String,
    /// The scale of the data.
    pub scale: Scale,
    /// The variant of the cells it speaks for: the default mode, threads and memory as they were set.
    pub variant: String,
    /// Threads given to both sides.
    pub threads: usize,
    /// Fresh processes of each side, for each query.
    pub rounds: usize,
    /// On which machine.
    pub host: Host,
    /// When, RFC 3339, UTC.
    pub taken_at: String,
    /// Against each official distribution, the nearest version first.
    pub comparisons: Vec<DistributionRatio>,
}

/// One engine built here against one official distribution of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DistributionRatio {
    /// The entry of the official one, with its version: `duckdb-wheel@2.0.0`.
    pub against: String,
    /// Its version as it says itself.
    pub version: String,
    /// Our time by theirs, over all queries that both ran: above 1, ours is slower.
    pub geomean_ratio: f64,
    /// Query by query.
    pub queries: Vec<QueryRatio>,
    /// Queries that one side did not answer, and why.
    pub left_out: Vec<LeftOut>,
}

/// One query: our time by theirs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct QueryRatio {
    /// The query.
    pub query: String,
    /// The Hodges-Lehmann estimate over the rounds.
    pub ratio: f64,
    /// The lower end of its 95 % interval.
    pub low: f64,
    /// The upper end.
    pub high: f64,
    /// The median of our processes' medians, in nanoseconds.
    pub ours_ns: f64,
    /// The median of theirs.
    pub theirs_ns: f64,
}

/// A query that could not be compared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeftOut {
    /// The query.
    pub query: String,
    /// Why.
    pub reason: String,
}

/// What a ratio is made of; over the queries that all have in common, the parts multiply to it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Parts {
    /// Our build against the nearest official version.
    pub build: f64,
    /// That nearest version against the one compared with: both official, so nothing of ours is in it.
    pub version: f64,
    /// Whether the nearest version is ours; if not, `build` holds the step between the two as well.
    pub same_version: bool,
}

impl DistributionRatio {
    /// From the queries that both sides ran; `None` without any.
    fn new(against: String, version: String, queries: Vec<QueryRatio>, left_out: Vec<LeftOut>) -> Option<Self> {
        let ratios: Vec<f64> = queries.iter().map(|query| query.ratio).collect();
        let geomean_ratio = geometric_mean(&ratios)?;
        Some(Self { against, version, geomean_ratio, queries, left_out })
    }

    /// Our time by theirs in one query.
    pub fn ratio(&self, query: &str) -> Option<f64> {
        self.queries.iter().find(|ratio| ratio.query == query).map(|ratio| ratio.ratio)
    }
}

impl Audit {
    /// Tells build and version apart in a comparison, over the queries that it shares with the nearest one.
    pub fn parts(&self, comparison: &DistributionRatio) -> Option<Parts> {
        let nearest = self.comparisons.first()?;
        let shared = |other: &DistributionRatio| {
            let common = nearest.queries.iter().filter(|query| comparison.ratio(&query.query).is_some());
            let ratios: Vec<f64> = common.filter_map(|query| other.ratio(&query.query)).collect();
            geometric_mean(&ratios)
        };
        let build = shared(nearest)?;
        let version = shared(comparison)? / build;
        Some(Parts { build, version, same_version: nearest.version == self.version })
    }
}

/// Keeps an audit in place of the last one of this engine, scale and variant.
///
/// # Errors
/// When the file cannot be written.
pub fn keep(audit: &Audit) -> Result<PathBuf> {
    let path = paths::home().join(file(&audit.engine, audit.scale, &audit.variant));
    let text = serde_json::to_string_pretty(audit)?;
    write_whole(&path, text.as_bytes()).with_context(|| format!("cannot write {}", path.display()))?;
    Ok(path)
}

/// The last audits that may speak for these cells; an audit that another version of this program wrote is none.
pub fn kept<'a>(ids: impl IntoIterator<Item = &'a BenchId>) -> Vec<Audit> {
    let files: BTreeSet<PathBuf> = ids.into_iter().map(|id| file(&id.engine, id.scale, &id.variant)).collect();
    let read = |file: &PathBuf| paths::homes(&paths::home()).find_map(|home| fs::read(home.join(file)).ok());
    files.iter().filter_map(|file| serde_json::from_slice(&read(file)?).ok()).collect()
}

/// Below the home: `audits/duckdb-sf1-parquet.json`.
fn file(engine: &str, scale: Scale, variant: &str) -> PathBuf {
    PathBuf::from("audits").join(format!("{engine}-{scale}-{variant}.json"))
}

/// The nearest official distribution in the audit of such a cell; `None` when that was of another build or machine.
pub fn nearest_official<'a>(record: &Record, audits: &'a [Audit]) -> Option<&'a DistributionRatio> {
    let id = &record.id;
    let cell = |audit: &&Audit| (&audit.engine, audit.scale, &audit.variant) == (&id.engine, id.scale, &id.variant);
    let audit = audits.iter().find(cell)?;
    let same = audit.build == record.engine.build && audit.host.cpu == record.host.cpu;
    audit.comparisons.first().filter(|_| same)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn comparison(version: &str, ratios: &[(&str, f64)]) -> DistributionRatio {
        let queries = ratios.iter().map(|(query, ratio)| QueryRatio {
            query: (*query).to_owned(),
            ratio: *ratio,
            low: *ratio,
            high: *ratio,
            ours_ns: 1.0,
            theirs_ns: 1.0,
        });
        DistributionRatio::new(format!("x@{version}"), version.to_owned(), queries.collect(), Vec::new()).unwrap()
    }

    #[test]
    fn build_and_version_multiply_to_the_ratio() {
        let audit = Audit {
            engine: "x".to_owned(),
            version: "0.5".to_owned(),
            build: Build::default(),
            suite: "tpch".to_owned(),
            scale: Scale::ONE,
            variant: "parquet".to_owned(),
            threads: 2,
            rounds: 7,
            host: Host::default(),
            taken_at: String::new(),
            comparisons: vec![
                comparison("1.0", &[("q1", 1.2), ("q2", 0.8), ("q3", 4.0)]),
                comparison("2.0", &[("q1", 2.4), ("q2", 1.6)]),
            ],
        };
        let parts = audit.parts(&audit.comparisons[1]).unwrap();
        assert!((parts.version - 2.0).abs() < 1e-12 && !parts.same_version);
        assert!((parts.build * parts.version - audit.comparisons[1].geomean_ratio).abs() < 1e-12);
        assert!((audit.parts(&audit.comparisons[0]).unwrap().version - 1.0).abs() < 1e-12);
    }

    #[test]
    fn an_audit_of_another_build_says_nothing() {
        let mut record: Record = serde_json::from_str(include_str!("../../../tests/records/measured.json")).unwrap();
        record.id = "duckdb/q1/sf1/parquet".parse().unwrap();
        let comparison =
            r#"{"against":"duckdb-wheel@2.0.0","version":"2.0.0","geomean_ratio":1.01,"queries":[],"left_out":[]}"#;
        let audit = Audit {
            engine: "duckdb".to_owned(),
            version: "2.0.0".to_owned(),
            build: record.engine.build.clone(),
            suite: "tpch".to_owned(),
            scale: Scale::ONE,
            variant: "parquet".to_owned(),
            threads: 2,
            rounds: 8,
            host: record.host.clone(),
            taken_at: String::new(),
            comparisons: vec![serde_json::from_str(comparison).unwrap()],
        };
        let mut other = audit.clone();
        other.build.compiler = Some("gcc 4".to_owned());
        let elsewhere = Audit { variant: "parquet-1t".to_owned(), ..audit.clone() };
        assert_eq!(nearest_official(&record, &[audit]).map(|found| found.geomean_ratio), Some(1.01));
        assert_eq!(nearest_official(&record, &[other]), None);
        assert_eq!(nearest_official(&record, &[elsewhere]), None);
    }
}
