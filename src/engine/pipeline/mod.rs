//! Pipelines that are written by hand: Parquet files are read, aggregated and written into a sink, each a step with its own time.
//!
//! No engine: no optimiser, no SQL. What makes such a pipeline fast are [`Options`], each of which is an axis of the entry's modes, so that
//! each can be measured alone. A suite's plan is in the module of its name; reading, the order of the work, labels and the sink are not
//! its business. `cargo xtask ablation pods-daily` compares the options.

#[cfg(feature = "pipeline")]
mod engine;
mod input;
mod labels;
mod options;
mod pods;
#[cfg(feature = "pipeline")]
mod sink;
mod work;

use std::collections::BTreeMap;

use anyhow::Context;
use arrow::record_batch::RecordBatch;

use self::input::Table;
use super::{Result, Spans, Task, Unsupported};

#[cfg(feature = "pipeline")]
pub use self::engine::Pipeline;
pub use self::options::Options;

/// The step that reads files.
const READ: &str = "read";
/// The step that makes a result of what was read.
const AGGREGATE: &str = "aggregate";
/// The step that brings the result into the sink.
#[cfg(feature = "pipeline")]
const WRITE: &str = "write";

/// The tables that were loaded, by name.
#[derive(Debug, Default)]
pub struct Tables(BTreeMap<String, Table>);

impl Tables {
    fn get(&self, name: &str) -> Result<&Table> {
        self.0.get(name).with_context(|| format!("table {name} was not loaded"))
    }
}

/// Reads tables and aggregates them, with so many threads where the options say so; gives batches with the same columns.
type Plan = fn(&Tables, &Options, usize, &mut Spans) -> Result<Vec<RecordBatch>>;

/// The plan of a task.
///
/// # Errors
/// [`Unsupported`] where nobody wrote one.
fn plan(task: &Task) -> Result<Plan> {
    let found = if task.suite == pods::SUITE { pods::plan(&task.name) } else { None };
    Ok(found.ok_or_else(|| Unsupported(format!("nobody wrote a pipeline for {} of {}", task.name, task.suite)))?)
}
