//! What lies across groups: thread scaling, crossover over scales, warm-up.

use std::collections::BTreeSet;

use anyhow::Result;

use super::{pictures, warm_up};
use crate::host::report::Report;
use crate::host::report::conditions::counted;
use crate::host::report::crossover::{Crossing, Crossover};
use crate::host::report::document::{Block, Table, TableCell};
use crate::host::scaling::{Mean, means};
use crate::protocol::units::Nanos;

/// The sections for which there are data.
pub(super) fn blocks(report: &Report<'_>, draw: bool) -> Result<Vec<Block>> {
    let mut blocks = Vec::new();
    if !report.crossovers.is_empty() {
        blocks.push(Block::Heading(2, "Over scales".to_owned()));
    }
    let families = report.crossovers.chunk_by(|a, b| a.conditions == b.conditions);
    for (index, family) in families.enumerate() {
        blocks.push(Block::Heading(3, family[0].title.clone()));
        blocks.push(Block::Table(crossovers(family)));
        if draw {
            blocks.push(Block::Pictures(pictures::crossovers(family, index)?));
        }
    }
    let means = means(&report.scaling);
    if !means.is_empty() {
        let machines = machines(&means);
        blocks.push(Block::Heading(2, "Over threads".to_owned()));
        blocks.push(Block::Table(scaling(&means, &machines)));
        if draw {
            blocks.push(Block::Pictures(vec![pictures::scaling(report, &means, &machines)?]));
        }
    }
    if let Some(group) = report.groups.first().filter(|_| draw) {
        blocks.extend(warm_up::blocks(group)?);
    }
    Ok(blocks)
}

/// Every machine of the means, in order of appearance.
fn machines(means: &[Mean]) -> Vec<&str> {
    let mut seen = BTreeSet::new();
    means.iter().map(|mean| mean.machine.as_str()).filter(|machine| seen.insert(*machine)).collect()
}

/// Of one family.
fn crossovers(crossovers: &[Crossover]) -> Table {
    let scales: BTreeSet<_> = crossovers.iter().flat_map(|found| &found.fastest).map(|(scale, _)| *scale).collect();
    let row = |found: &Crossover| {
        let query = found.query.as_deref().unwrap_or("geometric mean");
        let fastest = scales.iter().map(|scale| {
            let at = found.fastest.iter().find(|(other, _)| other == scale);
            let time = at.and_then(|(_, label)| {
                let line = found.lines.iter().find(|line| line.label == *label)?;
                Some(line.points.iter().find(|(other, _)| other == scale)?.1)
            });
            TableCell {
                aside: time.map_or_else(String::new, |time| Nanos(time).to_string()),
                ..TableCell::from(at.map_or("", |(_, label)| label))
            }
        });
        let crossing = |it: &Crossing| format!("{} from about sf{} on", it.above, two_digits(it.at));
        let crossings = found.crossings.iter().map(crossing).collect::<Vec<_>>().join("; ");
        [TableCell::from(query)].into_iter().chain(fastest).chain([TableCell::from(crossings)]).collect()
    };
    let scale_titles = scales.iter().map(ToString::to_string);
    let header = ["query".to_owned()].into_iter().chain(scale_titles).chain(["crossover".to_owned()]);
    let caption = "The lowest median at each scale, told apart or not, and where that changes (interpolated on logarithmic axes), among the engines with a time at every scale at which the query has any; without the hand-written plans";
    Table::new(caption, 1, header, crossovers.iter().map(row))
}

fn scaling(means: &[Mean], machines: &[&str]) -> Table {
    let counts: BTreeSet<usize> = means.iter().flat_map(|mean| &mean.speedups).map(|(threads, _)| *threads).collect();
    let rows = means.iter().map(|mean| {
        let speedups = counts.iter().map(|count| {
            let found = mean.speedups.iter().find(|(threads, _)| threads == count);
            TableCell::from(found.map_or_else(String::new, |(_, speedup)| format!("{speedup:.2}")))
        });
        let machine = pictures::machine_number(mean, machines).map(|number| format!("{number}: {}", mean.machine));
        let what = [mean.engine.clone(), mean.scale.to_string()].into_iter().chain(machine);
        what.chain([mean.queries.to_string()]).map(TableCell::from).chain(speedups).collect()
    });
    let several = machines.len() > 1;
    let what = ["engine", "scale"].into_iter().chain(several.then_some("machine")).chain(["queries"]);
    let header = what.map(str::to_owned).chain(counts.iter().map(|count| counted(*count, "thread")));
    let caption = "Times as fast as with one thread, geometric mean over the queries with every count";
    Table::new(caption, if several { 3 } else { 2 }, header, rows)
}

/// With two significant digits: a scale that is interpolated is no better known.
fn two_digits(scale: f64) -> String {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a few digits")]
    let decimals = (1.0 - scale.log10().floor()).clamp(0.0, 9.0) as usize;
    format!("{scale:.decimals$}")
}
