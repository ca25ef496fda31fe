//! The record of one cell: everything that is needed to read its number years later. The main type is [`Record`].
//!
//! A run appends one JSON line a cell to `.querydyno/records/<start>-<pid>.jsonl`, flushed as it is taken and never rewritten.
//! Records of every older schema are read. In Rust:
//!
//! ```no_run
//! use querydyno::host::record;
//! for record in record::read(".querydyno/records/20261120T120000Z-4711.jsonl".as_ref())? {
//!     if record.ranks() {
//!         println!("{} {:?} ns", record.id, record.samples_ns());
//!     }
//! }
//! # Ok::<(), anyhow::Error>(())
//! ```
//!
//! A line, with most of it left out:
//!
//! ```json
//! {"series":"7f3a09c2d4e81b56","machine_class":"AMD EPYC, 2 cores, 24 GiB, virtualised","schema":4,
//!  "run_id":"20261120T120000Z-4711-5c1e09f3","id":"duckdb/q1/sf1/parquet","engine":{"name":"duckdb","version":"2.0.0"},
//!  "query":{"id":"q1","sha256":"16d6"},"dataset":{"workload":"tpch","scale":"sf1","format":"parquet","sha256":"73ca"},
//!  "outcome":"measured","iterations":[11,11],"warm_up_ns":[12449329,6034471],"verdict":{"kind":"official"},
//!  "metrics":[{"name":"time","unit":"ns","values":[5199465.8,5330196.5]},
//!             {"name":"peak_memory","unit":"bytes","values":[59711488.0],"source":"VmHWM of the engine program"}],
//!  "threads":2,"cache":"hot","provenance":"measured","started_at":"2026-11-20T12:00:01.234Z"}
//! ```
//!
//! A cell without samples has `reason` and `failure` in place of `iterations` and `warm_up_ns`. [`metric`] lists the names and
//! units; what could not be learned is absent or `null`, never 0. In DuckDB, the median time of every series:
//!
//! ```sql
//! SELECT series, any_value(id) AS cell, count(*) AS records, median(list_median(metric.values)) / 1e6 AS ms
//! FROM (SELECT series, id, unnest(metrics) AS metric FROM read_json('.querydyno/records/*.jsonl', union_by_name = true)
//!       WHERE schema = 4 AND outcome = 'measured')
//! WHERE metric.name = 'time' GROUP BY series ORDER BY ms;
//! ```

mod dataset;
mod error;
mod identity;
mod inspection;
mod journal;
pub mod metric;
mod network;
mod outcome;
mod plan;
mod upcast;

use std::collections::BTreeMap;
use std::path::Path;

use chrono::{SecondsFormat, Utc};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

use crate::host::checkout::git;
pub use crate::host::data::tables::Planning;
use crate::host::paths;
use crate::host::session::Failure;
use crate::host::stats;
use crate::host::variant::Cache;
use crate::host::verify::Verdict;
use crate::measure::machine::Host;
use crate::protocol::engine::Build;
use crate::protocol::id::BenchId;
use crate::protocol::unknown;
pub use dataset::{DatasetRecord, TableRead};
pub use error::{Error, LineError};
pub(crate) use identity::run_id;
pub use identity::{beyond, run_of};
pub use inspection::{HeapRecord, Inspects, InstructionsRecord};
pub use journal::{Line, Writer, file_of, parse, read, read_lines};
pub use metric::{Metric, Metrics};
pub use network::NetworkRecord;
pub use outcome::{Measurement, Outcome, Unmeasured, WarmUp, WarmUpEnd};
pub(crate) use plan::PlanNames;
pub use plan::{PlanChange, PlanRecord};

/// The version of this shape.
///
/// 1. The first, with samples, memory and verdict.
/// 2. Mode, inspections, and the cache and the provenance as what they are.
/// 3. Verdicts that tell a stored reference from what a run's engines agree on, and a dispute from either.
/// 4. The run's id, the series' key, outcomes that own their data, and figures as a list of metrics.
pub const SCHEMA: u32 = 4;

/// The setting by which an engine's program tells how many executors a cluster gives it.
const EXECUTORS: &str = "executors";

/// One cell of one run.
///
/// As JSON it also has its [`series`](Self::series()) and its [`machine_class`](Self::machine_class()).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct Record {
    /// [`SCHEMA`].
    pub schema: u32,
    /// The same for all records of one call. None: of an older schema, and in a file that is not named after its run.
    #[serde(default)]
    pub run_id: Option<String>,
    /// Which cell.
    pub id: BenchId,
    /// Which engine, exactly.
    pub engine: EngineRecord,
    /// Which text.
    pub query: QueryRecord,
    /// Which data.
    pub dataset: DatasetRecord,
    /// How it ended.
    #[serde(flatten)]
    pub outcome: Outcome,
    /// What is known of the answer; `None` when there was none.
    pub verdict: Option<Verdict>,
    /// Rows of the answer.
    pub rows: Option<u64>,
    /// A fingerprint of the answer: equal for equal answers of one engine.
    pub answer_digest: Option<String>,
    /// Every figure. What was known before a cell failed stays, such as the time to load; the samples and what was read
    /// with them are there of a measured cell only.
    pub metrics: Metrics,
    /// How the engine would run the query, where it tells; asked for once after the samples.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan: Option<PlanRecord>,
    /// Iceberg planning, from the tables' names to their files; outside the samples. None: nothing had to be planned.
    #[serde(default)]
    pub planning: Option<Planning>,
    /// The way to tables on S3. None: they were on this machine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub network: Option<NetworkRecord>,
    /// The engine's way to execute; none: its default.
    #[serde(default)]
    pub mode: Option<String>,
    /// What the cell was looked at for, where it was not timed.
    #[serde(default)]
    pub inspects: Option<Inspects>,
    /// Threads given to the engine. As `parallel` and `started_at` it is 0 or empty, and `null` in JSON, where an imported result
    /// does not tell it.
    #[serde(with = "unknown")]
    pub threads: usize,
    /// The memory limit that was asked for.
    #[serde(default)]
    pub memory_limit_bytes: Option<u64>,
    /// Whether the files were in the page cache when a run began.
    pub cache: Cache,
    /// Whether the user let the majority decide where engines disagree.
    #[serde(default)]
    pub accept_majority: bool,
    /// Variables of the environment that every program was given, `TZ=UTC`, and those of the shell that may change results or speed
    /// and were passed on.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub environment: BTreeMap<String, String>,
    /// Engines that ran at the same time, up to so many: a time of more than one ranks with none of one.
    #[serde(default = "alone", with = "unknown")]
    pub parallel: usize,
    /// Where the figures come from.
    pub provenance: Provenance,
    /// Why that is, for whatever was not measured.
    #[serde(default)]
    pub provenance_reason: Option<String>,
    /// On which machine.
    pub host: Host,
    /// From which source.
    pub git: Option<Git>,
    /// When the cell began, RFC 3339, UTC.
    #[serde(with = "unknown")]
    pub started_at: String,
    /// How the run was called.
    pub command: String,
}

impl Record {
    /// The engine with its version and its mode, as tables name it: `polars 0.55.2 eager`.
    pub fn label(&self) -> String {
        let engine = &self.id.engine;
        let version = self.engine.version.as_ref().filter(|version| !engine.ends_with(&format!("@{version}")));
        [Some(engine), version, self.mode.as_ref()].into_iter().flatten().cloned().collect::<Vec<_>>().join(" ")
    }

    /// The command that was typed. What xtask runs begins with the name of its own.
    pub fn called(&self) -> String {
        let by_xtask = self.inspects.is_some() || matches!(self.command.split(' ').next(), Some("bench" | "history"));
        format!("{} {}", if by_xtask { "cargo xtask" } else { "cargo bench --" }, self.command)
    }

    /// Whether its answer is verified.
    pub fn verified(&self) -> bool {
        self.verdict.as_ref().is_some_and(Verdict::verified)
    }

    /// Whether it ends a run with exit code 1: it failed, or engines disagree and no majority was to decide.
    pub fn is_bad(&self) -> bool {
        let disputed = matches!(self.verdict, Some(Verdict::Disputed(_))) && !self.accept_majority;
        self.is_failed() || disputed
    }

    /// Whether its time may be compared and ranked: samples by a clock, with a verified answer.
    pub fn ranks(&self) -> bool {
        let timed = self.is_measured() && self.provenance == Provenance::Measured;
        timed && !self.samples_ns().is_empty() && self.verified()
    }

    /// Processors kept busy on average, from CPU time over wall time of the samples. `None` for runs under 0.1 ms: CPU time is
    /// that of the whole process, so there it is mostly the loop around them.
    pub fn cores_used(&self) -> Option<f64> {
        self.median_ns().filter(|median| *median > 1e5)?;
        let cpu: f64 = self.metrics.get(metric::CPU_TIME)?.values.iter().sum();
        let wall: f64 = self.samples_ns().iter().sum();
        (wall > 0.0).then(|| cpu / wall)
    }

    /// The executors of the cluster that answered, where it was one and tells.
    pub fn executors(&self) -> Option<usize> {
        self.engine.settings.get(EXECUTORS)?.parse().ok()
    }

    /// Whether its samples were taken.
    pub fn is_measured(&self) -> bool {
        matches!(self.outcome, Outcome::Measured(_))
    }

    /// Whether it was not tried, or the engine cannot do it.
    pub fn is_skipped(&self) -> bool {
        matches!(self.outcome, Outcome::Skipped(_))
    }

    /// Whether it crashed, hung, erred or gave a wrong answer.
    pub fn is_failed(&self) -> bool {
        matches!(self.outcome, Outcome::Failed(_))
    }

    /// Why there are no samples, for a cell that was skipped or failed.
    pub fn reason(&self) -> Option<&str> {
        self.outcome.unmeasured().map(|why| why.reason.as_str())
    }

    /// The failure that ended it, where a program was at fault.
    pub fn failure(&self) -> Option<&Failure> {
        self.outcome.unmeasured()?.failure.as_ref()
    }

    /// How its samples were taken.
    pub fn measurement(&self) -> Option<&Measurement> {
        match &self.outcome {
            Outcome::Measured(measurement) => Some(measurement),
            Outcome::Skipped(_) | Outcome::Failed(_) => None,
        }
    }

    /// One mean time per iteration for each sample, in nanoseconds; none of a cell that was not timed.
    pub fn samples_ns(&self) -> &[f64] {
        self.metrics.values(metric::TIME)
    }

    /// The median of the samples.
    pub fn median_ns(&self) -> Option<f64> {
        stats::median(self.samples_ns())
    }

    /// A figure in its unit, the median where it has several values.
    pub fn metric(&self, kind: metric::Kind) -> Option<f64> {
        stats::median(self.metrics.values(kind))
    }

    /// What a run wrote, where that is so much that it spilled.
    pub fn spilled_bytes(&self) -> Option<u64> {
        self.metric(metric::BYTES_WRITTEN).and_then(metric::spilled)
    }

    /// The most physical memory held while the query ran.
    pub fn peak_memory_bytes(&self) -> Option<u64> {
        self.metric(metric::PEAK_MEMORY).map(metric::whole)
    }
}

// By hand, for the two keys that a reader of the JSON gets without computing them. `Self::serialize` is the derived one.
impl Serialize for Record {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Keyed<'a> {
            series: Option<String>,
            machine_class: String,
            #[serde(flatten, serialize_with = "Record::serialize")]
            record: &'a Record,
        }
        Keyed { series: self.series(), machine_class: self.machine_class(), record: self }.serialize(serializer)
    }
}

// By hand, so that whoever reads a record reads those of older schemas.
impl<'de> Deserialize<'de> for Record {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = upcast::to_today(Value::deserialize(deserializer)?).map_err(D::Error::custom)?;
        Self::deserialize(value).map_err(D::Error::custom)
    }
}

/// What a record says that is older than the question.
fn alone() -> usize {
    1
}

/// Where figures come from. What was not measured here is shown, marked, and never ranked with what was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Provenance {
    /// A clock, or the kernel's counters, on this machine.
    Measured,
    /// A simulated processor, or a model of other results: right for one engine over time, wrong for ranking engines.
    Simulated,
    /// Somebody else's measurement that was imported: its clock, data and answer are not ours.
    Imported,
    /// A figure that somebody estimated.
    Estimated,
}

impl Provenance {
    /// The word that records have for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Measured => "measured",
            Self::Simulated => "simulated",
            Self::Imported => "imported",
            Self::Estimated => "estimated",
        }
    }
}

/// An engine in a record; version, build and settings are unknown when the program did not open.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct EngineRecord {
    /// The name in ids.
    pub name: String,
    /// The engine's own version.
    pub version: Option<String>,
    /// `embedded`, `script` or `own`.
    pub kind: String,
    /// How its program was built.
    pub build: Build,
    /// Settings that are not the engine's defaults.
    pub settings: BTreeMap<String, String>,
    /// Checksum of the program that ran: its file, for a script engine its files and packages. Absent: of an older record, or no
    /// program was there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub program: Option<String>,
    /// Options that its entry gives it, by the engine's own names.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub options: BTreeMap<String, String>,
}

/// A query in a record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct QueryRecord {
    /// The name in ids.
    pub id: String,
    /// Checksum of the text as it was sent.
    pub sha256: Option<String>,
    /// The text as it was sent, where it stands in no file of ours.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sql: Option<String>,
}

/// The state of the source tree.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Git {
    /// The commit's full hash.
    pub commit: String,
    /// Whether tracked files differ from it.
    pub dirty: bool,
}

impl Git {
    /// Asks git about the package's folder; `None` when that is not the top of a checkout.
    pub fn read() -> Option<Self> {
        Self::read_in(paths::root())
    }

    /// The same of another folder.
    pub(crate) fn read_in(folder: &Path) -> Option<Self> {
        let told = |args: &[&str]| {
            let output = git(folder).args(args).output().ok()?;
            output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
        };
        // Unpacked below somebody else's checkout, it is in that one's repository, whose commit says nothing of it.
        let top = Path::new(&told(&["rev-parse", "--show-toplevel"])?).canonicalize().ok()?;
        if top != folder.canonicalize().ok()? {
            return None;
        }
        Some(Self {
            commit: told(&["rev-parse", "HEAD"])?,
            dirty: !told(&["status", "--porcelain", "--untracked-files=no"])?.is_empty(),
        })
    }
}

/// The time now, as records have it.
pub fn now() -> String {
    Utc::now().to_rfc3339_opts(SecondsFormat::Millis, true)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn read_in_tells_only_of_a_folder_that_is_the_top_of_its_checkout() {
        let outer = tempfile::tempdir().unwrap();
        let run = |args: &[&str]| {
            let who = ["-c", "user.name=n", "-c", "user.email=e@e.invalid", "-c", "commit.gpgsign=false"];
            let output = git(outer.path()).args(who).args(args).output().unwrap();
            assert!(output.status.success(), "{output:?}");
        };
        let inner = outer.path().join("unpacked");
        fs::create_dir(&inner).unwrap();
        fs::write(inner.join("file"), "1").unwrap();
        assert_eq!(Git::read_in(outer.path()), None);
        run(&["init", "--quiet"]);
        run(&["add", "."]);
        run(&["commit", "--quiet", "--message", "m"]);
        let git = Git::read_in(outer.path()).unwrap();
        assert_eq!((git.commit.len(), git.dirty), (40, false));
        assert_eq!(Git::read_in(&inner), None);
        let link = outer.path().join("link");
        std::os::unix::fs::symlink(outer.path(), &link).unwrap();
        fs::write(inner.join("file"), "2").unwrap();
        assert_eq!(Git::read_in(&link), Some(Git { dirty: true, ..git }));
    }
}
