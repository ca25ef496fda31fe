//! What the host asks `querydyno-iceberg`, and what it replies: JSON, one request a line on stdin, one reply a line on stdout.
//!
//! The program ends when its stdin closes. Nothing here is timed for a record but [`Planned`]'s own durations.

use serde::{Deserialize, Serialize};

use crate::protocol::location::{Location, TableRef};
use crate::protocol::s3::Access;

/// What is asked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case")]
pub enum Request {
    /// Talk to this store from here on, about tables on S3.
    Connect {
        /// Where it is, and who asks.
        access: Access,
    },
    /// Write the metadata of a table with one snapshot, which consists of files that are there.
    Make {
        /// The table's location: an absolute path, made if need be, or a place on S3.
        location: Location,
        /// Its columns, in order; a column's place is its field id, from 1.
        columns: Vec<Column>,
        /// The column of dates by whose months it is partitioned.
        partition_by_month: Option<String>,
        /// Its files.
        files: Vec<DataFile>,
    },
    /// Make the table known in a Hive Metastore, in place of whatever has its name there.
    Register {
        /// `thrift://host:port`.
        metastore: String,
        /// The database, made if need be.
        database: String,
        /// The table.
        table: String,
        /// Its metadata file.
        metadata: Location,
    },
    /// Which files a snapshot consists of.
    Plan {
        /// The table.
        table: TableRef,
        /// The snapshot; none: the current one.
        snapshot_id: Option<i64>,
    },
}

/// A column of a table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Column {
    /// Its field id.
    pub id: i32,
    /// Its name.
    pub name: String,
    /// Its type as the specification writes it: `long`, `decimal(15, 2)`, `struct<...>`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Whether it holds no NULL.
    pub required: bool,
    /// Whether rows that were written before it was added have another value than NULL in it.
    #[serde(default)]
    pub has_default: bool,
}

/// A data file of a table that is made.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DataFile {
    /// Where it is: an absolute path, or an object on S3.
    pub path: Location,
    /// Its rows.
    pub rows: u64,
    /// Its size.
    pub bytes: u64,
    /// The month since 1970-01 that its rows are of, in a table that is partitioned so.
    pub month: Option<i32>,
    /// What its footer tells of its columns.
    pub columns: Vec<ColumnMetrics>,
}

/// What a file's footer tells of a column.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ColumnMetrics {
    /// The field id.
    pub id: i32,
    /// Bytes of it in the file.
    pub bytes: u64,
    /// Values, NULLs included.
    pub values: u64,
    /// NULLs.
    pub nulls: Option<u64>,
    /// The smallest and the largest value.
    pub bounds: Option<(Bound, Bound)>,
}

/// A value at the end of a column's range; of a decimal without its point, of a date the days since 1970.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Bound {
    /// Of whole numbers, dates and decimals.
    Int(i64),
    /// Of texts.
    Text(String),
}

/// What is replied.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "did", rename_all = "snake_case")]
pub enum Reply {
    /// Whether the store answers shows when it is asked for something.
    Connect {},
    /// The table is made.
    Make {
        /// Its metadata file.
        metadata: Location,
    },
    /// The table is known.
    Register {},
    /// The files.
    Plan(Planned),
    /// It went wrong.
    Fail {
        /// What, and what to do about it.
        message: String,
    },
}

/// A snapshot, planned.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Planned {
    /// The metadata file.
    pub metadata: Location,
    /// What the table is called for good.
    pub uuid: String,
    /// The snapshot.
    pub snapshot_id: i64,
    /// The columns of its schema, in order.
    pub columns: Vec<Column>,
    /// How many schemas the table has had: with more than one, what is within a nested column may have changed.
    pub schemas: usize,
    /// Columns, by field id, whose values may stand in a file's partition and not in the file: those of identity partitions, of
    /// whatever time.
    #[serde(default)]
    pub constants: Vec<i32>,
    /// Its files, in the order of their paths.
    pub files: Vec<PlannedFile>,
    /// Finding the table and reading its metadata file, in nanoseconds: from the catalog, where there is one.
    pub catalog_ns: u64,
    /// From the metadata to the list of files, in nanoseconds: reading manifest list and manifests.
    pub planning_ns: u64,
}

/// A file of a snapshot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedFile {
    /// Where it is: an absolute path, or an object on S3.
    pub path: Location,
    /// Its rows, as the manifest has them.
    pub rows: u64,
    /// Its size, likewise.
    pub bytes: u64,
    /// `parquet`, `avro` or `orc`.
    pub format: String,
    /// Files that delete rows of it.
    pub deletes: usize,
}
