//! Base against head.

use std::collections::BTreeMap;

use crate::host::report::document::{Block, Table, TableCell, Tone};
use crate::host::report::left_out::told;
use crate::host::report::plans;
use crate::host::report::{Change, Changes};
use crate::host::stats::geometric_mean;
use crate::protocol::units::Nanos;

/// The table of changes, the largest slow-down first.
pub(super) fn blocks(changes: &Changes) -> Vec<Block> {
    let mut blocks = vec![Block::Heading(2, format!("{} against {}", changes.head, changes.base))];
    if changes.cells.is_empty() {
        blocks.push(Block::Text("No cell is in both under the same conditions.".to_owned()));
    } else {
        blocks.extend(compared(changes));
        blocks.extend(plans::blocks(changes.cells.iter().map(|cell| (&cell.id, cell.plan.as_ref()))));
    }
    let not_compared = told(&changes.not_compared);
    if !not_compared.is_empty() {
        blocks.push(Block::List(not_compared.iter().map(|line| format!("not compared: {line}")).collect()));
    }
    blocks
}

fn compared(changes: &Changes) -> [Block; 3] {
    let caution = "Above 1, the head is slower. Two runs on one machine differ by more than the samples of either tell: this names what to look at, and is no verdict.";
    let mut by_engine: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
    for change in &changes.cells {
        by_engine.entry(&change.id.engine).or_default().push(change.ratio.estimate);
    }
    let mean = |(engine, ratios): (&str, Vec<f64>)| {
        let (ratio, cells) = (geometric_mean(&ratios)?, ratios.len());
        Some(format!("{engine}: {ratio:.3}, the geometric mean over {cells} cells"))
    };
    let mut cells: Vec<_> = changes.cells.iter().collect();
    cells.sort_by(|a, b| b.ratio.estimate.total_cmp(&a.ratio.estimate));
    let time = |ns: f64, id: &str| TableCell { note: format!("record {id}"), ..TableCell::from(Nanos(ns).to_string()) };
    let times = |ratio: Option<f64>| TableCell::from(ratio.map_or_else(String::new, |ratio| format!("{ratio:.3}")));
    let row = |change: &&Change| {
        let verdict = change.verdict();
        let tone = match verdict {
            "slower" => Tone::Bad,
            "faster" => Tone::Strong,
            _ => Tone::Soft,
        };
        vec![
            TableCell::from(change.id.to_string()),
            time(change.base_ns, &change.base),
            time(change.head_ns, &change.head),
            TableCell::from(format!("{:.3}", change.ratio.estimate)),
            TableCell::from(format!("{:.3} to {:.3}", change.ratio.low, change.ratio.high)),
            TableCell { tone, aside: plans::aside(change.plan.as_ref()), ..TableCell::from(verdict) },
            times(change.memory_ratio),
            times(change.instructions_ratio),
        ]
    };
    let header = ["cell", &changes.base, &changes.head, "ratio", "95 % interval", "says", "memory", "instructions"];
    [
        Block::Text(caution.to_owned()),
        Block::List(by_engine.into_iter().filter_map(mean).collect()),
        Block::Table(Table::new("Median times, and head by base", 1, header, cells.iter().map(row))),
    ]
}
