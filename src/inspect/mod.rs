//! One run of a query under a magnifying glass: its allocations, its instructions. Too slow for timing, so never among samples.
//!
//! `cargo xtask heap polars/q1` and `cargo xtask instructions duckdb` verify the answer first, like a bench, then look at
//! one more run. What they find is kept, and every later record of the same cell, build and query text carries it.

#[cfg(feature = "harness")]
mod cell;
#[cfg(feature = "instructions")]
mod group;
#[cfg(feature = "harness")]
mod heap;
#[cfg(feature = "harness")]
mod instructions;
#[cfg(feature = "harness")]
mod profile;
mod task;

#[cfg(feature = "harness")]
pub(crate) use cell::valgrind;
#[cfg(feature = "instructions")]
pub use group::add;
#[cfg(feature = "harness")]
pub use heap::{HeapFound, Tool, heap};
#[cfg(feature = "harness")]
pub(crate) use instructions::instructions_in;
#[cfg(feature = "harness")]
pub use instructions::{Counted, Gate, instructions};
#[cfg(feature = "harness")]
pub use profile::Site;
