//! Servers that speak Spark Connect: Apache Spark 3.5 and 4.0, on one machine or a cluster, and Thunderduck, which is DuckDB behind
//! the same protocol.
//!
//! No server is started here: `cargo xtask services up spark-4.0` does that, and `SPARK_REMOTE` and `THUNDERDUCK_URL` lead to another
//! one, as `sc://host:port`. A run sends the text of the query, or a plan built of relations, and ends when every row has reached this
//! program and is decoded as Arrow; the server plans it anew each time. Iceberg tables are read by Iceberg's own reader for Spark,
//! which is among the server's jars; Thunderduck reads their files. Tables on S3 are read by Hadoop's client, likewise among the jars.
//!
//! `cargo bench -- spark/q1`

#[cfg(any(feature = "spark", all(test, feature = "harness")))]
mod address;
#[cfg(feature = "spark")]
mod client;
#[cfg(any(feature = "spark", all(test, feature = "harness")))]
mod conf;
#[cfg(feature = "spark")]
mod dataframes;
#[cfg(feature = "spark")]
mod engine;
#[cfg(any(feature = "spark", all(test, feature = "harness")))]
mod explain;
#[cfg(any(feature = "spark", all(test, feature = "harness")))]
mod iceberg;
#[cfg(any(feature = "spark", all(test, feature = "harness")))]
mod received;
#[cfg(feature = "spark")]
mod relation;
#[cfg(any(feature = "spark", all(test, feature = "harness")))]
mod s3;
#[cfg(feature = "spark")]
mod tables;
#[cfg(feature = "spark")]
mod tpcds;
#[cfg(feature = "spark")]
mod tpch;

#[cfg(feature = "spark")]
pub use engine::{Spark, name};

/// The plans of `DataFrame`s that there are of a suite.
#[cfg(feature = "spark")]
fn plans(suite: &str) -> &'static [dataframes::Plan] {
    let all = [tpch::PLANS, tpcds::PLANS];
    all.into_iter().find(|(name, _)| *name == suite).map(|(_, plans)| plans).unwrap_or_default()
}
