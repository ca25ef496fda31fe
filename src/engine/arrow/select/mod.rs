//! A SELECT over one table, by the crates' own Parquet reader and compute kernels: columns and sums of rows that pass a filter,
//! sorted if need be. No joins, no groups.
//!
//! sqlparser reads the text. What is not understood is refused and never left out: the parts that were understood, written
//! again, have to be the whole statement.

mod aggregate;
mod parse;
mod run;
#[cfg(test)]
mod tests;
mod value;

use arrow::array::RecordBatch;

use self::aggregate::Aggregate;
use self::parse::Key;
use self::value::Value;
use super::Tables;
use crate::engine::Result;

/// What is read from one table.
#[derive(Debug)]
struct Select {
    table: String,
    items: Items,
    filter: Option<Value>,
    order: Vec<Key>,
    limit: Option<usize>,
}

/// The columns of the answer, with their names.
#[derive(Debug)]
enum Items {
    /// One row for each that passes.
    Rows(Vec<(String, Value)>),
    /// One row over all that pass.
    Totals(Vec<(String, Aggregate)>),
}

/// Refuses a text that is more than this engine does.
///
/// # Errors
/// [`Unsupported`](crate::engine::Unsupported), with what it is that is not done; an error when there is no such column.
pub fn check(sql: &str, tables: &Tables) -> Result<()> {
    Select::read(sql, tables).map(drop)
}

/// Answers a text with so many threads; at least one batch.
///
/// # Errors
/// As [`check`], and when a file cannot be read or a number does not fit.
pub fn run(sql: &str, tables: &Tables, threads: usize) -> Result<Vec<RecordBatch>> {
    Select::read(sql, tables)?.run(tables, threads)
}
