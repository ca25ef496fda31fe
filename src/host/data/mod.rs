//! The data of a cell: generated or given tables, in Parquet files or as Iceberg tables over them.

mod conversation;
pub mod generate;
pub(crate) mod iceberg;
pub(crate) mod s3;
pub mod tables;
