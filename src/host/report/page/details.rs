//! Every figure of every cell of a group, with the record that it is from.

use std::time::Duration;

use crate::host::record::Record;
use crate::host::report::document::{Block, Cell, Table};
use crate::host::report::group::{self, Group};
use crate::protocol::units::{Bytes, Nanos};

type Column = (&'static str, fn(&Record) -> Option<String>);

/// What is shown of a record beside its time; a column that no record fills is left out.
const COLUMNS: [Column; 11] = [
    ("answer", |record| record.verdict.as_ref().map(ToString::to_string)),
    ("peak memory", |record| bytes(record.peak_memory_bytes)),
    ("before the query", |record| bytes(record.baseline_memory_bytes)),
    ("cores used", |record| Some(format!("{:.2}", record.cores_used()?))),
    ("planning", |record| time(record.phases.plan_ns)),
    ("executing", |record| time(record.phases.execute_ns)),
    ("page faults", |record| Some(format!("{:.0}", record.counts.minor_page_faults?))),
    ("from disk", |record| mean(record.counts.disk_read_bytes.filter(|read| *read > 0.0))),
    ("peak heap", |record| bytes(record.heap.as_ref().map(|found| found.heap.peak_bytes))),
    ("blocks", |record| Some(record.heap.as_ref()?.heap.total_blocks.to_string())),
    ("instructions (simulated)", |record| Some(record.instructions.as_ref()?.instructions.to_string())),
];

/// The table of all cells.
pub(super) fn table(group: &Group<'_>) -> Block {
    let mut cells: Vec<&group::Cell<'_>> = group.cells().iter().collect();
    cells.sort_by_key(|cell| (cell.query, cell.contestant));
    let filled: Vec<&Column> =
        COLUMNS.iter().filter(|(_, of)| cells.iter().any(|cell| of(cell.record()).is_some())).collect();
    let row = |cell: &&group::Cell<'_>| {
        let record = cell.record();
        let interval = cell.time.map(|time| format!("{} to {}", Nanos(time.low), Nanos(time.high)));
        let fixed = [
            group.queries[cell.query].to_owned(),
            group.contestants[cell.contestant].label.clone(),
            cell.time.map_or_else(|| cell.state().to_owned(), |time| Nanos(time.estimate).to_string()),
            interval.unwrap_or_default(),
            record.samples_ns.len().to_string(),
        ];
        let told = filled.iter().map(|(_, of)| of(record).unwrap_or_default());
        let record_id = [cell.found.record_id.clone()];
        fixed.into_iter().chain(told).chain(record_id).map(Cell::from).collect()
    };
    let header = ["query", "engine", "time", "95 % interval", "samples"].into_iter();
    let header = header.chain(filled.iter().map(|(title, _)| *title)).chain(["record"]);
    Block::Table(Table {
        caption: "Medians of each cell's samples; cargo xtask show RECORD tells the whole story of one".to_owned(),
        keys: 2,
        header: header.map(str::to_owned).collect(),
        rows: cells.iter().map(row).collect(),
    })
}

fn bytes(bytes: Option<u64>) -> Option<String> {
    Some(Bytes(bytes?).to_string())
}

fn mean(bytes: Option<f64>) -> Option<String> {
    Some(Bytes::about(bytes?).to_string())
}

fn time(ns: Option<u64>) -> Option<String> {
    Some(Nanos::from(Duration::from_nanos(ns?)).to_string())
}
