//! Every figure of every cell of a group, with the record that it is from.

use crate::host::record::{Record, metric};
use crate::host::report::document::{Block, Table, TableCell};
use crate::host::report::group::{self, Group};
use crate::host::report::show::{size, time};
use crate::protocol::units::Nanos;

/// A title, and what stands under it of a record.
pub(super) type Column = (&'static str, fn(&Record) -> Option<String>);

/// What is shown of a record beside its time; a column that no record fills is left out.
const COLUMNS: [Column; 11] = [
    ("answer", |record| record.verdict.as_ref().map(ToString::to_string)),
    ("peak memory", |record| size(record, metric::PEAK_MEMORY)),
    ("before the query", |record| size(record, metric::BASELINE_MEMORY)),
    ("cores used", |record| Some(format!("{:.2}", record.cores_used()?))),
    ("planning", |record| time(record, metric::PLAN_TIME)),
    ("executing", |record| time(record, metric::EXECUTE_TIME)),
    ("page faults", |record| Some(format!("{:.0}", record.metric(metric::MINOR_PAGE_FAULTS)?))),
    ("from disk", |record| from_disk(record)),
    ("peak heap", |record| size(record, metric::HEAP_PEAK)),
    ("blocks", |record| Some(record.heap()?.heap.total_blocks.to_string())),
    ("instructions (simulated)", |record| Some(record.instructions()?.instructions.to_string())),
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
            record.samples_ns().len().to_string(),
        ];
        let told = filled.iter().map(|(_, of)| of(record).unwrap_or_default());
        let record_id = [cell.found.record_id.clone()];
        fixed.into_iter().chain(told).chain(record_id).map(TableCell::from).collect()
    };
    let header = ["query", "engine", "time", "95 % interval", "samples"].into_iter();
    let header = header.chain(filled.iter().map(|(title, _)| *title)).chain(["record"]);
    let caption = "Medians of each cell's samples; cargo xtask show RECORD tells the whole story of one";
    Block::Table(Table::new(caption, 2, header, cells.iter().map(row)))
}

fn from_disk(record: &Record) -> Option<String> {
    size(record, metric::BYTES_READ_FROM_DISK).filter(|_| record.metric(metric::BYTES_READ_FROM_DISK) > Some(0.0))
}
