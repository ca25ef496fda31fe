//! The one table of keys: what each is called in `querydyno.toml` and in the environment, its default, and what it is.
//!
//! Errors, `cargo xtask bench --show-settings` and the reading itself take their names from here. What this is not: the
//! values, see [`Settings`](super::Settings).

use std::sync::LazyLock;

use super::key::{Key, of_a_run, one, several, several_of_a_run};
use super::published;
use crate::host::paths;

pub(super) const SCALE: Key = several("scales", "QUERYDYNO_SCALE", "1", "scale factors, 0.001 to 1000");
pub(super) const THREADS: Key = several("threads", "QUERYDYNO_THREADS", "all processors", "threads for every engine");
pub(super) const MEMORY: Key = several(
    "memory",
    "QUERYDYNO_MEMORY",
    "90 % of the machine's",
    "memory limit, enforced; engines are told four fifths of it",
);
pub(super) const CACHE: Key = several("cache", "QUERYDYNO_CACHE", "hot", "hot, cold or both");
pub(super) const FORMATS: Key = several(
    "formats",
    "QUERYDYNO_FORMATS",
    "parquet",
    "parquet, iceberg, iceberg-monthly, parquet-by-category, s3, iceberg-s3, or several of them",
);
pub(super) const METASTORE: Key = one(
    "metastore",
    "HIVE_METASTORE_URI",
    "none: Iceberg tables in plain folders",
    "the Hive Metastore, thrift://host:9083",
);
pub(super) const S3_BUCKET: Key = one(
    "s3_bucket",
    "QUERYDYNO_S3_BUCKET",
    "none",
    "where tables of the formats s3 and iceberg-s3 lie: a bucket, or s3://bucket/folder",
);
pub(super) const S3_PATH_STYLE: Key = one(
    "s3_path_style",
    "QUERYDYNO_S3_PATH_STYLE",
    "yes where AWS_ENDPOINT_URL names a server",
    "whether the bucket is in the path and not in the host's name",
);
pub(super) const NETWORK: Key = one(
    "network",
    "QUERYDYNO_NETWORK",
    "as it is",
    "what the way to S3 costs: rtt=2ms,first_byte=15ms,rate=100MB/s (of a connection),total_rate=1GB/s",
);
pub(super) const WORKLOADS: Key = several("workloads", "QUERYDYNO_WORKLOADS", "none", "folders of suites of your own");
pub(super) const TIMEOUT: Key =
    one("timeout", "QUERYDYNO_TIMEOUT", "5m; cargo xtask bench: 10m", "for one reply of an engine program");
pub(super) const QUERY_TIMEOUT: Key = one(
    "query_timeout",
    "QUERYDYNO_QUERY_TIMEOUT",
    "none: as long as for a reply",
    "for one run of a query: a slower one fails, and the next cell begins",
);
pub(super) const DATA: Key = one("data", "QUERYDYNO_DATA", "target/querydyno/data", "where generated tables lie");
pub(super) const PYTHON: Key = one("python", "QUERYDYNO_PYTHON", "python3", "makes script engines' environments");
pub(super) const DUCKDB: Key = one(
    "duckdb",
    "QUERYDYNO_DUCKDB",
    "its makers' library, else compiled",
    "where DuckDB comes from: wheel (its makers' library), source (compiled here)",
);
pub(super) const JAVA: Key = one(
    "java",
    "QUERYDYNO_JAVA",
    "JAVA_HOME, the PATH, /usr/lib/jvm: the first that fits",
    "the Java that runs servers: its folder or its program",
);
pub(super) const SERVICE_MEMORY: Key =
    one("service_memory", "QUERYDYNO_SERVICE_MEMORY", "4GiB", "memory of a server that is started here: Spark, Trino");
pub(super) const SPARK_EXECUTORS: Key =
    one("spark_executors", "QUERYDYNO_SPARK_EXECUTORS", "2", "workers of the service spark-cluster, of one core each");
pub(super) const SPARK_MASTER: Key = one(
    "spark_master",
    "QUERYDYNO_SPARK_MASTER",
    "none: a master and workers on this machine",
    "the master of a cluster elsewhere, spark://host:port: the service spark-cluster starts only the server that plans for it",
);
pub(super) const ACCEPT_MAJORITY: Key = one(
    "accept_majority",
    "QUERYDYNO_ACCEPT_MAJORITY",
    "no: where engines disagree, none is ranked",
    "yes: what most independent engines say stands",
);
/// Without our prefix, as the next one: the names that users of the tool before this one have in their scripts.
pub(super) const TABLE_NAME: Key = of_a_run(
    "TABLE_NAME",
    "none",
    "the table of your own query: Parquet files, an Iceberg folder, db.table[@snapshot]",
);
pub(super) const QUERY: Key = of_a_run("QUERY", "none", "your own query, with {table} for the table");
pub(super) const ONLY: Key = several_of_a_run(
    "QUERYDYNO_ONLY",
    "all cells",
    "only cells that are missing, outdated, failed or older=14d by the history; several mean any of them",
);
pub(super) const CONFIG: Key =
    of_a_run("QUERYDYNO_CONFIG", "querydyno.toml beside Cargo.toml, if it is there", "the file of settings");

pub(super) const HOME: Key = of_a_run(
    paths::HOME,
    ".querydyno beside Cargo.toml",
    "where records, audits, inspections, references made here and gates' launches are kept",
);

pub(super) const HISTORY: Key = of_a_run(
    paths::HISTORY[0],
    ".querydyno/history.duckdb",
    "the history of results, a DuckDB file; BENCHMARK_DB_PATH means the same",
);

/// Every key, in the order in which they are shown: ours, with those that suites declare among them.
pub static KEYS: LazyLock<Vec<Key>> = LazyLock::new(|| {
    let ours = [
        SCALE,
        THREADS,
        MEMORY,
        CACHE,
        FORMATS,
        METASTORE,
        S3_BUCKET,
        S3_PATH_STYLE,
        NETWORK,
        WORKLOADS,
        TIMEOUT,
        QUERY_TIMEOUT,
        DATA,
        PYTHON,
        DUCKDB,
        JAVA,
        SERVICE_MEMORY,
        SPARK_EXECUTORS,
        SPARK_MASTER,
    ];
    let theirs = published::declared().iter().map(|declared| declared.key);
    ours.into_iter().chain(theirs).chain([ACCEPT_MAJORITY, TABLE_NAME, QUERY, ONLY, CONFIG, HOME, HISTORY]).collect()
});

/// A variable that an engine program reads by itself: the host passes its environment on and looks at none of these.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EngineVariable {
    /// Its name.
    pub name: &'static str,
    /// What it is.
    pub what: &'static str,
    /// Whether its value must not be shown.
    pub secret: bool,
}

const fn plain(name: &'static str, what: &'static str) -> EngineVariable {
    EngineVariable { name, what, secret: false }
}

const fn secret(name: &'static str, what: &'static str) -> EngineVariable {
    EngineVariable { name, what, secret: true }
}

/// Where engines that are servers are found; what a store on S3 is reached by, which the host reads and tells programs itself; and what
/// the program that serves the history reads.
pub const ENGINE_VARIABLES: [EngineVariable; 20] = [
    plain("MYSQL_HOST", "the server of the engine mysql"),
    plain("MYSQL_PORT", "its port"),
    plain("MYSQL_USER", "who logs in"),
    secret("MYSQL_PASSWORD", "and with what"),
    plain("STARROCKS_HOST", "the frontend of the engine starrocks"),
    plain("STARROCKS_PORT", "its port for queries"),
    plain("STARROCKS_USER", "who logs in"),
    secret("STARROCKS_PASSWORD", "and with what"),
    secret("POSTGRES_URL", "the server that the engine pipeline writes into; may hold a password"),
    plain("POSTGRES_PORT", "or the port of our own service"),
    secret("POSTGRES_PASSWORD", "and with what its user logs in"),
    plain("STARROCKS_METASTORE_URI", "the Hive Metastore as that server reaches it"),
    plain("AWS_ENDPOINT_URL", "the server of tables on S3, http://host:port; none: Amazon's"),
    plain("AWS_ENDPOINT_URL_S3", "the same, and it wins"),
    plain("AWS_REGION", "its region"),
    plain("AWS_DEFAULT_REGION", "the same, where the other is not set"),
    secret("AWS_ACCESS_KEY_ID", "who asks"),
    secret("AWS_SECRET_ACCESS_KEY", "and with what"),
    secret("AWS_SESSION_TOKEN", "of credentials that are temporary"),
    secret(
        "QUERYDYNO_TOKEN",
        "what writes to `cargo xtask serve` need, where it listens on another address than this machine's own",
    ),
];
