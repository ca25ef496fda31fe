//! Hand-written plans over pages as the `parquet` crate decompresses them: what the hardware allows.
//!
//! No engine: no optimiser, no operators. A query of TPC-H is in `tpch/` when somebody wrote its plan, one file for each; of own
//! queries, what a single table gives without groups ([`select`]), by the crates' reader and kernels and not by such a plan.
//! Every run reads the column chunks from the files again and decodes them; kept from loading are paths and footers. Of tables on S3
//! it fetches the columns that a plan reads, a row group at a time and some ahead.
//! The plans are right for any data of TPC-H's schema, primary keys included, and an error where a column has a NULL
//! or a primary key is there twice. `cargo bench -- arrow/q1` measures one.

mod chunk;
#[cfg(feature = "arrow")]
mod engine;
mod keys;
mod names;
mod output;
mod parallel;
mod physical;
mod rows;
mod runs;
mod select;
mod table;
mod tpch;

use std::collections::BTreeMap;

use anyhow::Context;
use arrow::array::RecordBatch;

#[cfg(feature = "arrow")]
pub use self::engine::{ArrowKernels, Prepared};
use self::table::Table;
use super::{Result, Task};

/// A function that answers a query from tables with so many threads.
pub type Plan = fn(&Tables, usize) -> Result<RecordBatch>;

/// The tables that were loaded, by name.
#[derive(Debug, Default)]
pub struct Tables(BTreeMap<String, Table>);

impl Tables {
    /// The table.
    ///
    /// # Errors
    /// When it was not loaded.
    fn get(&self, name: &str) -> Result<&Table> {
        self.0.get(name).with_context(|| format!("table {name} was not loaded"))
    }
}

/// The plan of a task; none where its suite has none, and it is taken by its text.
///
/// # Errors
/// [`Unsupported`](super::Unsupported) for a query of a suite with plans that nobody wrote one for.
fn plan(task: &Task) -> Result<Option<Plan>> {
    if task.suite == tpch::SUITE { tpch::plan(&task.name).map(Some) } else { Ok(None) }
}
