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

use self::aggregate::Aggregate;
use self::parse::Key;
use self::value::Value;

/// What is read from one table.
#[derive(Debug)]
pub struct Select {
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
