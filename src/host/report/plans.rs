//! Plans that changed, as a part of a page: what two baselines, or the two sides of a gate, say of the same cells.

use super::document::Block;
use crate::host::record::PlanChange;
use crate::protocol::id::BenchId;

/// Cells whose difference is shown; the others are named.
const SHOWN: usize = 10;

/// What stands beside a cell whose plan changed; nothing beside any other.
pub(crate) fn aside(plan: Option<&PlanChange>) -> String {
    plan.map_or_else(String::new, |_| "plan changed".to_owned())
}

/// The differences, under a heading; nothing where no plan changed.
pub(crate) fn blocks<'a>(cells: impl IntoIterator<Item = (&'a BenchId, Option<&'a PlanChange>)>) -> Vec<Block> {
    let changed: Vec<(&BenchId, &PlanChange)> = cells.into_iter().filter_map(|(id, plan)| Some((id, plan?))).collect();
    if changed.is_empty() {
        return Vec::new();
    }
    let what = "Lines with - are the base's, those with + the head's. A changed plan can explain a difference in time; by itself it is not one.";
    let mut blocks = vec![Block::Heading(3, "Plans that changed".to_owned()), Block::Text(what.to_owned())];
    for (id, plan) in changed.iter().take(SHOWN) {
        blocks.push(Block::Text(format!("{id}:")));
        blocks.push(Block::Lines(plan.difference.clone()));
    }
    let more: Vec<String> = changed.iter().skip(SHOWN).map(|(id, _)| id.to_string()).collect();
    if !more.is_empty() {
        blocks.push(Block::Text(format!("The plans of these changed too: {}.", more.join(", "))));
    }
    blocks
}
