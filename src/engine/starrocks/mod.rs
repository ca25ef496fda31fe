//! StarRocks over the `MySQL` protocol: tables of its own loaded from Parquet, or Iceberg tables in a Hive Metastore.
//!
//! No server is started here: `cargo xtask services up starrocks` does that where Docker is, and `STARROCKS_HOST`,
//! `STARROCKS_PORT`, `STARROCKS_USER` and `STARROCKS_PASSWORD` lead to another one. A run sends the text and ends when
//! every row has reached this program, as in the module `mysql`, whose client this is.
//!
//! `cargo bench -- starrocks/q1`

#[cfg(feature = "starrocks")]
mod engine;
#[cfg(feature = "starrocks")]
mod iceberg;
#[cfg(feature = "starrocks")]
mod native;
mod profile;
mod snapshots;
mod unfinished;

#[cfg(feature = "starrocks")]
pub use engine::StarRocks;
