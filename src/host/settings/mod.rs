//! Everything a user can set, in one typed place: flags first, then the environment, then `querydyno.toml`, then defaults.
//!
//! A key that is not known is an error, wherever it stands. The file lies beside `Cargo.toml`, or where `QUERYDYNO_CONFIG`
//! says; `cargo xtask bench --show-settings` prints every setting and its source:
//!
//! ```toml
//! scales = [0.01, 1]          # QUERYDYNO_SCALE=0.01,1
//! threads = 2                 # QUERYDYNO_THREADS=1,2,4 or [1, 2, 4] here; default: all processors
//! memory = "8GiB"             # QUERYDYNO_MEMORY=none,8GiB or a list here; default: the engines' own, killed at 90 % of the machine's
//! cache = ["hot", "cold"]     # QUERYDYNO_CACHE=hot,cold; default: hot, and cold where a filter names it
//! formats = ["parquet", "iceberg"] # QUERYDYNO_FORMATS=parquet,iceberg,iceberg-monthly,parquet-by-category,s3,iceberg-s3; default: parquet
//! metastore = "thrift://localhost:9083" # HIVE_METASTORE_URI; default: Iceberg tables in plain folders
//! s3_bucket = "s3://bench/tables" # QUERYDYNO_S3_BUCKET: of tables in the format s3; a bucket, or a folder in one
//! s3_path_style = "yes"       # QUERYDYNO_S3_PATH_STYLE; default: where AWS_ENDPOINT_URL names a server
//! network = "rtt=2ms,first_byte=15ms,rate=100MB/s" # QUERYDYNO_NETWORK: what the way to S3 costs; default: nothing
//! workloads = ["/my/shop"]    # QUERYDYNO_WORKLOADS: folders with a suite.toml of your own
//! timeout = "5m"              # QUERYDYNO_TIMEOUT: for one reply of an engine program
//! query_timeout = "30s"       # QUERYDYNO_QUERY_TIMEOUT: for one run of a query; a slower one fails, and the next cell begins
//! data = "/fast/disk"         # QUERYDYNO_DATA; default: target/querydyno/data
//! duckdb = "source"           # QUERYDYNO_DUCKDB; default: its makers' library, else compiled; or "wheel": never compiled
//! python = "python3.12"       # QUERYDYNO_PYTHON; default: python3; makes the environments of script engines
//! java = "/usr/lib/jvm/java-17" # QUERYDYNO_JAVA; default: the first that fits of JAVA_HOME, the PATH, /usr/lib/jvm; runs servers
//! service_memory = "8GiB"     # QUERYDYNO_SERVICE_MEMORY; default: 4GiB; of a server that `cargo xtask services` starts
//! spark_executors = 2         # QUERYDYNO_SPARK_EXECUTORS; default: 2; workers of the service spark-cluster
//! spark_master = "spark://head:7077" # QUERYDYNO_SPARK_MASTER; default: none; the cluster that spark-cluster plans for
//! tpch_answers = "/dbgen/answers" # QUERYDYNO_TPCH_ANSWERS: TPC's published q1.out to q22.out
//! accept_majority = "no"      # QUERYDYNO_ACCEPT_MAJORITY=yes, --accept-majority: where engines disagree, what most say stands
//!
//! [engine.duckdb-small]       # a further engine: another configuration of one that is there ...
//! like = "duckdb"
//! options = { preserve_insertion_order = "false" }
//!
//! [engine.polars-before]      # ... another version of one that comes as a package ...
//! like = "polars-wheel@1.43.2"
//!
//! [engine.polars-sql]         # ... a Python file that speaks the protocol, in an environment of its own ...
//! script = "/home/me/polars-sql.py"
//! requirements = ["polars==2.1.0"]
//!
//! [engine.mine]               # ... or any executable that does
//! program = "/opt/mine/querydyno-mine"
//! args = ["--fast"]
//! dialect = "duckdb"
//! components = ["arrow-rs"]   # what it is built on: engines that share a component are one vote; default: undeclared, and all such are one vote
//!
//! [gate]                      # what cargo xtask gate lets pass, head by base; these are the defaults
//! time = { accepts = 1.02, must_see = 1.05 }   # red: confirmed slower, and by the first or more; cleared: the second is excluded
//! memory = { accepts = 1.05, must_see = 1.10 }
//! instructions = 1.005
//!
//! [[gate.exception]]          # until a day, some rows may cost more ...
//! row = "duckdb/q18"
//! metric = "time"             # time, memory, instructions; all where it says none
//! max_ratio = 1.2
//! reason = "the new plan is slower and right"
//! expires = "2027-01-31"
//!
//! [[gate.exception]]          # ... or, without a ratio, be missing
//! row = "duckdb/q5"
//! reason = "renamed to q5a"
//! expires = "2027-01-31"
//!
//! [priority]                  # what cargo xtask bench --priority measures first: the highest number of those whose pattern means a cell,
//! "duckdb/q1" = 10            # and 0 for all others
//! "^polars/" = -5
//! ```
//!
//! `QUERYDYNO_ONLY=missing,outdated,failed,older=14d`, or some of these, leaves out the cells that need no run by the
//! [history](crate::host::incremental); like your own query it is of one run and has no key in the file.
//!
//! Your own query is of one run, so it has no key in the file: `TABLE_NAME` and `QUERY`, which `cargo bench -- own` runs.

mod file;
mod gate;
mod key;
mod keys;
mod only;
mod priority;
mod published;
mod read;
mod resolved;
mod s3;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Result, bail};
use serde::Deserialize;

use crate::host::variant::{Cache, Variant, is_on_s3};
use crate::protocol::id::Scale;
use crate::protocol::units::Bytes;
pub use gate::{Exception, GateSettings, Limit, Metric};
pub use key::Key;
pub use keys::{ENGINE_VARIABLES, EngineVariable, KEYS};
use keys::{FORMATS, MEMORY, QUERY, TABLE_NAME, THREADS};
pub use only::Only;
pub use priority::Priority;
pub(crate) use read::called_in;
pub use read::duration;
pub use resolved::{ResolvedSetting, SettingSource};
pub use s3::{S3Settings, bucket};

const DEFAULT_TIMEOUT: Duration = Duration::from_mins(5);

/// Every setting with its value.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The scales to run at.
    pub scales: Vec<Scale>,
    /// Threads given to every engine; several make an axis.
    pub threads: Vec<usize>,
    /// Memory limits that were asked for, passed to the engines and enforced; several make an axis, `None` is no limit.
    pub memory: Vec<Option<Bytes>>,
    /// How tables are stored: `parquet`, `iceberg`, `iceberg-monthly`, `parquet-by-category`, `s3`; several make an axis.
    pub formats: Vec<String>,
    /// The Hive Metastore where Iceberg tables are registered and looked up, `thrift://localhost:9083`; none: plain folders.
    pub metastore: Option<String>,
    /// Where tables on S3 are, and what the way there costs.
    pub s3: S3Settings,
    /// Folders of suites of the user's own.
    pub suites: Vec<PathBuf>,
    /// The user's own query, where table and text are both said.
    pub adhoc: Option<AdhocQuery>,
    /// States of the page cache that run without being named in a filter.
    pub caches: Vec<Cache>,
    /// Time for one reply of an engine program, where somebody said one; see [`timeout()`](Self::timeout()).
    pub timeout: Option<Duration>,
    /// Time for one run of a query, where somebody said one: it costs the cell that takes longer, and no other.
    pub query_timeout: Option<Duration>,
    /// Where records, audits, inspections and gates' launches are kept: [`paths::home()`](crate::host::paths::home()).
    pub home: PathBuf,
    /// Cargo's target folder, with Criterion's folder and what can be made again.
    pub target: PathBuf,
    /// Where data lies.
    pub data: PathBuf,
    /// The Python that script engines' environments are made with.
    pub python: String,
    /// How servers are started.
    pub services: ServiceSettings,
    /// Where the engine DuckDB comes from, where somebody said so: then from there and nowhere else.
    pub duckdb: Option<DuckDbFrom>,
    /// Folders of published answers, by what a suite's [`Published`](crate::host::suite::Published) calls the setting: `tpch_answers`.
    pub answers: BTreeMap<String, PathBuf>,
    /// Whether what most independent engines say stands where engines disagree.
    pub accept_majority: bool,
    /// The user's own engines by name.
    pub engines: BTreeMap<String, OwnEngine>,
    /// What a change may cost, for `cargo xtask gate`.
    pub gate: GateSettings,
    /// Why a cell is run, by the history; none: every cell that is meant is.
    pub only: Vec<Only>,
    /// Which cells come first, where that is asked for.
    pub priority: Priority,
    /// Every setting as it was told; see [`told()`](Self::told()).
    pub(crate) told: Vec<ResolvedSetting>,
}

/// How servers are started here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceSettings {
    /// The Java that runs them, where somebody said so: then this one and no other.
    pub java: Option<String>,
    /// What one server may have in all.
    pub memory: Bytes,
    /// Workers of a cluster, of one core each.
    pub executors: usize,
    /// The master of a cluster that somebody else runs, `spark://host:port`; none: a cluster of this machine is started.
    pub master: Option<String>,
}

/// Where the engine DuckDB comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DuckDbFrom {
    /// The library in its makers' Python package.
    Wheel,
    /// Compiled here.
    Source,
}

/// A query of the user's own, over one table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AdhocQuery {
    /// Where the table lies, as it was written.
    pub table: String,
    /// The text, with `{table}` for the table.
    pub sql: String,
}

/// An engine that the user added.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OwnEngine {
    /// The engine of the table whose program and dialect it takes.
    pub like: Option<String>,
    /// The executable; relative to the package.
    pub program: Option<PathBuf>,
    /// A Python file that speaks the protocol; relative to the package.
    pub script: Option<PathBuf>,
    /// The packages it runs with, each with its version: `polars==2.1.0`.
    #[serde(default)]
    pub requirements: Vec<String>,
    /// Its arguments.
    #[serde(default)]
    pub args: Vec<String>,
    /// Variables added to its environment.
    #[serde(default)]
    pub env: BTreeMap<String, String>,
    /// Whose query texts it takes where they differ.
    pub dialect: Option<String>,
    /// What it is built on, `arrow-rs`, `polars`: engines that share a component are one vote.
    pub components: Option<Vec<String>>,
    /// Settings by the engine's own names.
    #[serde(default)]
    pub options: BTreeMap<String, String>,
}

impl Settings {
    /// Every setting with its value and its source, in the order in which people read them; of passwords only whether they
    /// are set.
    pub fn told(&self) -> Vec<ResolvedSetting> {
        self.told.clone()
    }

    /// The user's own query.
    ///
    /// # Errors
    /// What to set, where one of its two parts is missing.
    pub fn adhoc_query(&self) -> Result<&AdhocQuery> {
        if let Some(own) = &self.adhoc {
            return Ok(own);
        }
        let said = |key: Key| self.told_by(key) != SettingSource::Default;
        let missing = match (said(TABLE_NAME), said(QUERY)) {
            (true, false) => "there is a table (--table or TABLE_NAME) and no query (--sql or QUERY)",
            (false, true) => "there is a query (--sql or QUERY) and no table (--table or TABLE_NAME)",
            _ => "there is no query of your own",
        };
        bail!(
            "{missing}: set both, TABLE_NAME='/my/prices/*.parquet' (or an Iceberg folder, or db.table) and \
             QUERY='SELECT count(*) FROM {{table}}'; or: cargo xtask bench --table ... --sql ..."
        );
    }

    /// Time for one reply of an engine program: what somebody said, or five minutes.
    pub fn timeout(&self) -> Duration {
        self.timeout.unwrap_or(DEFAULT_TIMEOUT)
    }

    fn told_by(&self, key: Key) -> SettingSource {
        let told = self.told.iter().find(|told| told.variable == key.variable);
        told.map_or(SettingSource::Default, |told| told.from.clone())
    }

    /// Every combination of threads and memory, hot and in the default mode.
    pub fn variants<'a>(&'a self, format: &'a str) -> Vec<Variant<'a>> {
        let plain = |threads, memory| Variant {
            format,
            mode: None,
            cache: Cache::Hot,
            threads,
            memory,
            parallel: 1,
            first_processor: Some(0),
            network: Some(&self.s3.network).filter(|network| is_on_s3(format) && !network.is_plain()),
        };
        self.threads.iter().flat_map(|n| self.memory.iter().map(move |limit| plain(*n, *limit))).collect()
    }

    /// The one format, for what has no axes.
    ///
    /// # Errors
    /// When there are several.
    pub fn sole_format(&self) -> Result<&str> {
        match self.formats.as_slice() {
            [one] => Ok(one),
            _ => bail!("this takes one format: set {} to one value", FORMATS.variable),
        }
    }

    /// The one combination of threads and memory, for what has no axes.
    ///
    /// # Errors
    /// When there are several.
    pub fn sole_variant<'a>(&'a self, format: &'a str) -> Result<Variant<'a>> {
        match self.variants(format).as_slice() {
            [one] => Ok(*one),
            _ => bail!(
                "this takes one number of threads and one memory limit: set {} and {} to one value",
                THREADS.variable,
                MEMORY.variable
            ),
        }
    }
}
