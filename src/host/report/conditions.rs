//! Under which conditions a cell was measured: only cells under the same ones are ranked with each other.

use serde::Serialize;

use crate::host::record::{Provenance, Record};
use crate::host::variant::Cache;
use crate::protocol::id::Scale;
use crate::protocol::units::Bytes;

/// Everything beside engine and query that moves a time.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
pub struct Conditions {
    /// The suite.
    #[serde(rename = "workload")]
    pub suite: String,
    /// The scale of the data.
    pub scale: Scale,
    /// How the tables are stored.
    pub format: String,
    /// Threads given to the engine.
    pub threads: usize,
    /// The memory limit that was asked for.
    pub memory_limit_bytes: Option<u64>,
    /// Whether the files were in the page cache.
    pub cache: Cache,
    /// Engines that ran at the same time; one that ran alone is never ranked with one that did not.
    #[serde(skip_serializing_if = "alone")]
    pub parallel: usize,
    /// What the way to tables on S3 was set to cost; none: it was as it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub network: Option<String>,
    /// Measured here, simulated, imported or estimated.
    pub provenance: Provenance,
    /// The class of the machine: processor, cores, memory, governor, and whether it is virtual.
    pub machine: String,
    /// Which of several data of the same scale: 0 for the newest cells' files, 1 for those used before, and so on.
    pub data: usize,
}

impl Conditions {
    /// Of a record alone: that its data are those of the others is not looked at.
    pub fn of(record: &Record) -> Self {
        let suite = &record.dataset.suite;
        Self {
            // Queries of one's own have nothing in common: each is ranked by itself.
            suite: if suite == "own" { record.id.query.clone() } else { suite.clone() },
            scale: record.dataset.scale,
            format: record.dataset.format.clone(),
            threads: record.threads,
            memory_limit_bytes: record.memory_limit_bytes,
            cache: record.cache,
            parallel: record.parallel,
            network: record.network.as_ref().and_then(|network| Some(network.conditions.as_ref()?.to_string())),
            provenance: record.provenance,
            machine: record.host.class(),
            data: 0,
        }
    }

    /// Each condition with its value, as people read them.
    pub fn parts(&self) -> [(&'static str, String); 11] {
        let limit = self.memory_limit_bytes.map_or_else(|| "none".to_owned(), |bytes| Bytes(bytes).to_string());
        let data = if self.data == 0 { "the newest files".to_owned() } else { format!("older files ({})", self.data) };
        [
            ("workload", self.suite.clone()),
            ("scale", self.scale.to_string()),
            ("format", self.format.clone()),
            ("threads", self.threads.to_string()),
            ("memory limit", limit),
            ("cache", self.cache.to_string()),
            ("engines at a time", self.parallel.to_string()),
            ("network", self.network.clone().unwrap_or_else(|| "as it is".to_owned())),
            ("figures", self.provenance.word().to_owned()),
            ("machine", self.machine.clone()),
            ("data", data),
        ]
    }

    /// One line: `tpch sf1, parquet, hot, 2 threads`.
    pub fn title(&self) -> String {
        self.title_of(&format!("{} {}", self.suite, self.scale))
    }

    /// The same with these words for suite and scale.
    pub(super) fn title_of(&self, what: &str) -> String {
        let parts = [
            Some(format!("{what}, {}, {}, {}", self.format, self.cache, counted(self.threads, "thread"))),
            self.memory_limit_bytes.map(|bytes| format!("memory limit {}", Bytes(bytes))),
            (self.parallel > 1).then(|| format!("up to {} engines at a time", self.parallel)),
            self.network.as_ref().map(|network| format!("network {network}")),
            (self.provenance != Provenance::Measured).then(|| self.provenance.word().to_owned()),
            (self.data > 0).then(|| format!("older files ({})", self.data)),
        ];
        parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
    }

    /// What is not as in `other`, in words; empty when all is.
    pub fn differs_from(&self, other: &Self) -> String {
        let pairs = self.parts().into_iter().zip(other.parts());
        let differing = pairs.filter(|((_, here), (_, there))| here != there);
        let told = differing.map(|((name, here), (_, there))| format!("{name}: {here}, not {there}"));
        told.collect::<Vec<_>>().join("; ")
    }

    /// The same but for the scale and what belongs to it.
    pub(super) fn at_any_scale(&self) -> Self {
        Self { scale: Scale::ONE, data: 0, ..self.clone() }
    }
}

/// `1 thread`, `2 threads`.
pub(super) fn counted(number: usize, what: &str) -> String {
    if number == 1 { format!("1 {what}") } else { format!("{number} {what}s") }
}

/// Whether nothing has to be said of it.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature that serde calls")]
fn alone(parallel: &usize) -> bool {
    *parallel == 1
}
