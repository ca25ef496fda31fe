//! Trino over its REST protocol: Parquet files as tables of its Hive connector.
//!
//! No server is started here: `cargo xtask services up trino` does that, and `TRINO_URL`, `TRINO_USER`, `TRINO_PASSWORD` and
//! `TRINO_CATALOG` lead to another one, which has to see the files under the same paths. A run sends the text of the query and ends when
//! every row has reached this program and is read as what its type says. Rows come as JSON: the time that this takes is a span of its
//! own, `transfer`, beside the server's own times. A server with the spooling protocol, which takes object storage, gives large results as
//! segments of packed JSON, which are fetched from there; any other gives all rows by the direct protocol. The record names the one in use.
//!
//! `cargo bench -- trino/q1`

#[cfg(any(feature = "trino", all(test, feature = "harness")))]
mod address;
#[cfg(feature = "trino")]
mod client;
#[cfg(feature = "trino")]
mod engine;
#[cfg(any(feature = "trino", all(test, feature = "harness")))]
mod links;
#[cfg(any(feature = "trino", all(test, feature = "harness")))]
mod page;
#[cfg(any(feature = "trino", all(test, feature = "harness")))]
mod plan;
#[cfg(any(feature = "trino", all(test, feature = "harness")))]
mod schema;
#[cfg(feature = "trino")]
mod segments;
#[cfg(feature = "trino")]
mod tables;
#[cfg(any(feature = "trino", all(test, feature = "harness")))]
mod value;
#[cfg(feature = "trino")]
mod zone;

#[cfg(feature = "trino")]
pub use engine::Trino;
