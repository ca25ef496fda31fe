//! Pod usage: sums by day, namespace, node and merged labels, row by row or by Arrow's kernels.

mod columnar;
mod dimension;
mod groups;
mod rows;
#[cfg(test)]
mod tests;

use arrow::record_batch::RecordBatch;

use self::columnar::Columnar;
use self::dimension::Dimension;
use self::groups::Groups;
use self::rows::RowByRow;
use super::work::aggregated;
use super::{AGGREGATE, Options, Plan, READ, Tables};
use crate::engine::{Result, Spans};

/// The suite that these are plans of.
pub(super) const SUITE: &str = "pods";

/// What is summed, in the order of the answer's columns behind the number of line items.
const SUMMED: [&str; 4] = ["cpu_usage_ms", "cpu_request_ms", "memory_usage_kib", "memory_request_kib"];
/// What is read of line items.
const READ_COLUMNS: [&str; 8] =
    ["interval_start", "namespace", "node", "pod_labels", SUMMED[0], SUMMED[1], SUMMED[2], SUMMED[3]];

/// What is read of the two other tables: day, name and labels.
const NODES: [&str; 3] = ["usage_date", "node", "node_labels"];
const NAMESPACES: [&str; 3] = ["usage_date", "namespace", "namespace_labels"];

/// The plan of a query, if there is one.
pub(super) fn plan(query: &str) -> Option<Plan> {
    (query == "pods-daily").then_some(daily as Plan)
}

fn daily(tables: &Tables, options: &Options, threads: usize, spans: &mut Spans) -> Result<Vec<RecordBatch>> {
    // All three begin before the first is waited for.
    let reading = |table: &str, columns| tables.get(table)?.reading(columns, options.ahead);
    let (nodes, namespaces) = (reading("node_labels", &NODES)?, reading("namespace_labels", &NAMESPACES)?);
    let usage = reading("pod_usage", &READ_COLUMNS)?;
    let nodes = spans.time(READ, || Dimension::read(&nodes, NODES))?;
    let namespaces = spans.time(READ, || Dimension::read(&namespaces, NAMESPACES))?;
    let parts: Vec<Groups> = if options.columnar {
        aggregated(&usage, options, threads, spans, || Columnar::new(&nodes, &namespaces, options.label_cache))?
    } else {
        let (nodes, namespaces) = spans.time(AGGREGATE, || Result::Ok((nodes.parsed()?, namespaces.parsed()?)))?;
        aggregated(&usage, options, threads, spans, || RowByRow::new(&nodes, &namespaces, options.label_cache))?
    };
    spans.time(AGGREGATE, || Groups::together(parts)?.into_batches())
}
