//! What there is today: a result of an engine or a query that no longer exists is not shown as if it did.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;

use crate::host::catalog::{Catalog, Entry};
use crate::host::settings::Settings;
use crate::host::suite::{Suite, is_adhoc};
use crate::protocol::id::BenchId;

/// Colours for engines that have none of their own: apart in lightness as well as in hue.
const SPARE: [[u8; 3]; 4] = [[34, 136, 51], [136, 100, 60], [120, 94, 240], [190, 60, 90]];

/// Engines and queries that there are.
#[derive(Debug, Clone, Default)]
pub struct Known {
    /// By name.
    pub engines: BTreeMap<String, KnownEngine>,
    /// Of all suites.
    pub queries: BTreeSet<String>,
}

/// An engine as people know it.
#[derive(Debug, Clone, Default)]
pub struct KnownEngine {
    /// Its colour in every picture.
    pub color: Option<[u8; 3]>,
    /// The suite whose hand-written plans it is, which others are held against.
    pub reference: Option<String>,
}

impl Known {
    /// From the catalog and the suites of this checkout.
    ///
    /// # Errors
    /// When one of them cannot be read.
    pub fn read(settings: &Settings) -> Result<Self> {
        let catalog = Catalog::read(settings)?;
        let engine = |entry: &Entry| KnownEngine { color: entry.color, reference: entry.reference.clone() };
        let queries = Suite::all(settings)?.into_iter().flat_map(|suite| suite.queries);
        Ok(Self {
            engines: catalog.entries().iter().map(|entry| (entry.name.clone(), engine(entry))).collect(),
            queries: queries.map(|query| query.name).collect(),
        })
    }

    /// The engine of an id, whatever its version: `polars-wheel@2.0.0` is `polars-wheel`.
    pub fn engine(&self, name: &str) -> Option<&KnownEngine> {
        self.engines.get(name.split('@').next().unwrap_or(name))
    }

    /// The colour of an engine in every picture: its own, or one of a few.
    pub fn color(&self, name: &str) -> [u8; 3] {
        let spare = SPARE[name.bytes().map(usize::from).sum::<usize>() % SPARE.len()];
        self.engine(name).and_then(|entry| entry.color).unwrap_or(spare)
    }

    /// Why there is no such cell here.
    pub(super) fn gone(&self, BenchId { engine, query, .. }: &BenchId) -> Option<String> {
        if self.engine(engine).is_none() {
            return Some(format!("there is no engine {engine} here"));
        }
        // Somebody's own query is asked once and gone from the settings; its records still say what it was.
        let known = self.queries.contains(query) || is_adhoc(query);
        (!known).then(|| {
            format!("there is no query {query} here; QUERYDYNO_WORKLOADS names the folders of suites of your own")
        })
    }
}
