//! Iceberg tables: made over Parquet files that are there, registered in a Hive Metastore, and planned from a snapshot.
//!
//! The crate `iceberg` and the metastore's Thrift client live in a program of their own, `querydyno-iceberg`, for the reason
//! that engines do: its dependencies are nobody else's, and who asks for Parquet compiles none of them. [`protocol::iceberg`](crate::protocol::iceberg) is what
//! the host and it say to each other; the module `iceberg` is its side, `client` the host's. It deals in metadata only: data files are
//! looked into on the host's side, which has a Parquet reader, and rows are read by the engines themselves.
//! Which tables a cell loads is [`crate::host::data::tables`]' business.

pub(crate) mod client;
pub(crate) mod shape;
