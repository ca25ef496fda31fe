//! Servers that speak the `MySQL` protocol: what they share, and the engine `mysql`, which is MariaDB or `MySQL`.
//!
//! No server is started here: `cargo xtask services up mariadb` does that, and `MYSQL_HOST`, `MYSQL_PORT`, `MYSQL_USER`
//! and `MYSQL_PASSWORD` lead to another one. A run sends the text of the query and ends when every row has reached this
//! program; the server plans it anew each time. StarRocks, in the module of that name, is driven by the same `client`.
//!
//! `cargo bench -- mysql/q1`

#[cfg(any(feature = "mysql", feature = "starrocks"))]
pub mod client;
#[cfg(feature = "mysql")]
mod engine;
#[cfg(any(feature = "mysql", all(test, feature = "harness")))]
mod keys;
#[cfg(any(feature = "mysql", all(test, feature = "harness")))]
mod lines;
#[cfg(feature = "mysql")]
mod load;
#[cfg(any(feature = "mysql", feature = "starrocks"))]
pub mod loaded;
#[cfg(any(feature = "mysql", feature = "starrocks"))]
pub mod output;
#[cfg(any(feature = "mysql", all(test, feature = "harness")))]
mod plan;
#[cfg(any(feature = "mysql", all(test, feature = "harness")))]
mod schema;
#[cfg(any(feature = "mysql", feature = "starrocks"))]
pub mod service;
pub mod sql;

#[cfg(feature = "mysql")]
pub use engine::MySql;
