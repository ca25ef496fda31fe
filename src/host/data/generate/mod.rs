//! Data: [`Store::ensure`] gives a [`Dataset`](crate::protocol::dataset::Dataset) that is complete and checked, and makes what is missing of it.
//!
//! One file per generator. Generation is idempotent and atomic: a table appears under its name only when
//! every part of it is written, and a manifest beside the parts says what they must look like. Nothing here
//! reads the values back, that is the engines' work, but for the days by which [`Store::ensure_monthly`] deals rows out to
//! other files. `cargo xtask data` makes data ahead of a run.

mod check;
mod columns;
mod generator;
mod generators;
mod manifest;
mod month;
mod monthly;
mod parquet;
mod progress;
mod staging;
mod store;
mod tpch;
mod workers;

pub use columns::column_bytes;
use generator::Generator;
pub(crate) use month::of_file as month_of_file;
pub use store::Store;

/// The generators, each with the name that suites call it by.
static GENERATORS: [(&str, &dyn Generator); 1] = [(tpch::NAME, &tpch::Tpch)];
