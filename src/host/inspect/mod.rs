//! One run of a query under a magnifying glass: its allocations, its instructions. Too slow for timing, so never among samples.
//!
//! `cargo xtask heap polars/q1` and `cargo xtask instructions duckdb` verify the answer first, like a bench, then look at
//! one more run. What they find is kept, and every later record of the same cell, build and query text carries it.

mod cell;
mod heap;
mod instructions;
mod profile;

pub(crate) use cell::valgrind;
pub use heap::{HeapFound, Tool, heap};
pub use instructions::{Counted, Gate, instructions};
pub use profile::Site;
