//! Allocations and instructions of the cells that were looked at for them.

use crate::host::record::Record;
use crate::host::report::document::{Block, Table, TableCell};
use crate::host::report::gather::Found;
use crate::host::scaling::grouped;
use crate::protocol::engine::Build;
use crate::protocol::units::Bytes;

/// The section; none without inspections.
pub(super) fn blocks(inspected: &[Found]) -> Vec<Block> {
    if inspected.is_empty() {
        return Vec::new();
    }
    let mut blocks = vec![
        Block::Heading(2, "Allocations and instructions".to_owned()),
        Block::Text("Of one run, by tools that slow it down, so beside no time. Instructions are counted on a simulated processor, with one thread: they gauge one engine over time and rank no engines. The two heap tools see different things: dhat Rust's allocations, Valgrind's DHAT those of C++ too.".to_owned()),
        Block::Table(table(inspected)),
    ];
    let why = |found: &Found| Some(format!("{}: {}", found.record.id, found.record.reason()?));
    let failed: Vec<String> = inspected.iter().filter_map(why).collect();
    if !failed.is_empty() {
        blocks.push(Block::List(failed));
    }
    blocks
}

/// A row for each cell, engine, build and processor; what failed is no source of it.
fn table(inspected: &[Found]) -> Table {
    let measured = inspected.iter().filter(|found| found.record.is_measured());
    let rows = grouped(measured.map(|found| {
        let Record { id, engine, host, .. } = &found.record;
        // A program that watches the heap has an allocator of its own.
        let build = Build { allocator: None, ..engine.build.clone() };
        ((id, found.record.label(), build, &host.cpu), found)
    }));
    let keys = ["query", "scale", "engine", "variant"].into_iter();
    let header = keys.chain(["allocated", "blocks", "peak heap", "heap by", "instructions (simulated)", "record"]);
    let caption = "What one run allocates, and the instructions that it takes";
    Table::new(caption, 4, header, rows.iter().map(|(_, found)| row(found)))
}

/// Of one record or more.
fn row(found: &[&Found]) -> Vec<TableCell> {
    let first = &found[0].record;
    let heap = found.iter().rev().find_map(|found| found.record.heap());
    let instructions = found.iter().rev().find_map(|found| found.record.instructions());
    let or_empty = |text: Option<String>| TableCell::from(text.unwrap_or_default());
    let records: Vec<&str> = found.iter().map(|found| found.record_id.as_str()).collect();
    let build = &first.engine.build;
    let parts = [&build.source, &build.compiler, &build.flags, &first.host.cpu];
    let origin: Vec<&str> = parts.into_iter().filter_map(Option::as_deref).collect();
    vec![
        first.id.query.as_str().into(),
        first.id.scale.to_string().into(),
        // Rows that differ in nothing else differ in this.
        TableCell { note: origin.join(", "), ..first.label().into() },
        first.id.variant.as_str().into(),
        or_empty(heap.as_ref().map(|found| Bytes(found.heap.total_bytes).to_string())),
        or_empty(heap.as_ref().map(|found| found.heap.total_blocks.to_string())),
        or_empty(heap.as_ref().map(|found| Bytes(found.heap.peak_bytes).to_string())),
        or_empty(heap.map(|found| found.tool.split(';').next().unwrap_or_default().to_owned())),
        or_empty(instructions.map(|found| found.instructions.to_string())),
        records.join(", ").into(),
    ]
}
