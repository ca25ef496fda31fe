//! An answer too large to be sent row by row: a [`Summary`] of all its rows that does not depend on their order.
//!
//! A program makes it while it walks through its result, so that neither side holds the rows as text. Two summaries are compared by
//! the host. This is no fingerprint for people (the host makes those).
//!
//! # What it holds
//!
//! Engines differ in types: an average is a decimal in one and a double in the next. So there are up to four views of the
//! rows. In the first every value counts bit by bit. In the next ones the columns that are `loose` (floats; floats and
//! decimals; all numbers) count by their sums, and all others exactly. Two summaries can be compared by a view whose loose
//! columns are the same.
//!
//! The rows of a view are dealt out to buckets by a hash of their exact values. Of each bucket the sum of these hashes is
//! kept, and of each loose column the sum of its numbers, each multiplied by a weight between 1 and 2 that depends on the
//! hash too. So one wrong number among a million shows in a bucket of some hundred rows, and two numbers that changed places
//! show by their weights. The same sum is kept of the numbers' logarithms: there a small number that is wrong shows beside any
//! large one. Where one side has decimals and the other floats, or decimals of another scale, only the plain sums are compared:
//! beside a number of a billion, one that is off by less than 1 does not show in its bucket. Rows that are alike in all else have the same weight; the squares of such rows' sums over the loose columns tell
//! whether they have changed numbers with each other.

mod make;

use serde::{Deserialize, Serialize};

use super::Column;
pub use make::{Buckets, Summarizer};
#[cfg(feature = "harness")]
pub(crate) use make::{FIXED, SQUARED};

/// All rows of an answer, without their order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// The columns, left to right.
    pub columns: Vec<Column>,
    /// How many rows there are.
    pub rows: u64,
    /// What each column holds, whatever the other columns of its rows.
    pub contents: Vec<Contents>,
    /// The rows in several views, the exact one first.
    pub views: Vec<View>,
}

impl Summary {
    /// Whether all its parts are there, each as long as the others ask for: what a program sends need not be.
    pub fn is_whole(&self) -> bool {
        let width = self.columns.len();
        let view = |view: &View| {
            let buckets = view.counts.len();
            let sums = view.sums.iter().chain(&view.magnitudes).map(Vec::len).chain(view.logs.iter().map(Vec::len));
            let mut lengths = sums.chain([view.hashes.len(), view.squares.len(), view.reach.len()]);
            buckets.is_power_of_two()
                && lengths.all(|length| length == buckets)
                && [view.sums.len(), view.magnitudes.len(), view.logs.len()] == [view.loose.len(); 3]
                && view.loose.is_sorted_by(|a, b| a < b)
                && view.loose.last().is_none_or(|last| *last < width)
        };
        self.contents.len() == width
            && self.views.first().is_some_and(|first| first.loose.is_empty())
            && self.views.iter().all(view)
    }
}

/// The values of one column as a multiset.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contents {
    /// How many are NULL.
    pub nulls: u64,
    /// The sum of the values' hashes.
    pub hash: u64,
    /// Digits after the point, of the value with the most.
    pub places: u32,
}

/// The rows, with some columns counted by their sums.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct View {
    /// The columns that are counted by their sums, ascending.
    pub loose: Vec<usize>,
    /// For each bucket the sum of its rows' hashes.
    pub hashes: Vec<u64>,
    /// For each bucket how many rows it has.
    pub counts: Vec<u32>,
    /// For each loose column, and in it for each bucket, the weighted sum of its numbers.
    pub sums: Vec<Vec<f64>>,
    /// The same of their absolute values.
    pub magnitudes: Vec<Vec<f64>>,
    /// The weighted sum of their logarithms, in units of 2^-44, modulo 2^64: exact, whatever the order of the rows.
    pub logs: Vec<Vec<i64>>,
    /// For each bucket the weighted sum of the squares of its rows' sizes, in units of 2^-24, modulo 2^64. A row's size is a sum of
    /// its loose numbers' logarithms, each with a factor of its own.
    pub squares: Vec<i64>,
    /// For each bucket the largest of these sizes, up or down.
    pub reach: Vec<f64>,
}
