//! Base against head.

use std::collections::BTreeMap;

use crate::host::report::Changes;
use crate::host::report::document::{Block, Cell, Table, Tone};
use crate::host::report::left_out::told;
use crate::host::stats::geometric_mean;
use crate::protocol::units::Nanos;

/// The table of changes, the largest slow-down first.
pub(super) fn blocks(changes: &Changes) -> Vec<Block> {
    let mut blocks = vec![Block::Heading(2, format!("{} against {}", changes.head, changes.base))];
    if changes.cells.is_empty() {
        blocks.push(Block::Text("No cell is in both under the same conditions.".to_owned()));
        blocks.extend(not_compared(changes));
        return blocks;
    }
    blocks.push(Block::Text(
        "Above 1, the head is slower. Two runs on one machine differ by more than the samples of either tell: this names what to look at, and is no verdict.".to_owned(),
    ));
    let mut by_engine: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
    for change in &changes.cells {
        by_engine.entry(&change.id.engine).or_default().push(change.ratio.estimate);
    }
    blocks.push(Block::List(
        by_engine
            .iter()
            .filter_map(|(engine, ratios)| Some((engine, geometric_mean(ratios)?, ratios.len())))
            .map(|(engine, ratio, cells)| format!("{engine}: {ratio:.3}, the geometric mean over {cells} cells"))
            .collect(),
    ));
    let mut cells: Vec<_> = changes.cells.iter().collect();
    cells.sort_by(|a, b| b.ratio.estimate.total_cmp(&a.ratio.estimate));
    let times = |ratio: Option<f64>| Cell::from(ratio.map_or_else(String::new, |ratio| format!("{ratio:.3}")));
    let row = |change: &&crate::host::report::Change| {
        let verdict = change.verdict();
        let tone = match verdict {
            "slower" => Tone::Bad,
            "faster" => Tone::Strong,
            _ => Tone::Soft,
        };
        vec![
            Cell::from(change.id.to_string()),
            Cell { note: format!("record {}", change.base), ..Cell::from(Nanos(change.base_ns).to_string()) },
            Cell { note: format!("record {}", change.head), ..Cell::from(Nanos(change.head_ns).to_string()) },
            Cell::from(format!("{:.3}", change.ratio.estimate)),
            Cell::from(format!("{:.3} to {:.3}", change.ratio.low, change.ratio.high)),
            Cell { tone, ..Cell::from(verdict) },
            times(change.memory_ratio),
            times(change.instructions_ratio),
        ]
    };
    let header = ["cell", &changes.base, &changes.head, "ratio", "95 % interval", "says", "memory", "instructions"];
    blocks.push(Block::Table(Table {
        caption: "Median times, and head by base".to_owned(),
        keys: 1,
        header: header.into_iter().map(str::to_owned).collect(),
        rows: cells.iter().map(row).collect(),
    }));
    blocks.extend(not_compared(changes));
    blocks
}

fn not_compared(changes: &Changes) -> Option<Block> {
    let lines = told(&changes.not_compared).into_iter().map(|line| format!("not compared: {line}")).collect::<Vec<_>>();
    (!lines.is_empty()).then_some(Block::List(lines))
}
