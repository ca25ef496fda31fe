//! Query by query, the engines side by side; and why there is no time where there is none.

use std::collections::BTreeMap;

use crate::host::record::{Outcome, Provenance, Record};
use crate::host::report::document::{Block, Table, TableCell, Tone};
use crate::host::report::group::{self, Group};
use crate::host::report::view::{MANY, View};
use crate::host::stats::Interval;
use crate::host::verify::Verdict;
use crate::protocol::units::Nanos;

/// A query's times are at most so many times the fastest's, in this column of the table of many queries.
const BOUNDS: [f64; 4] = [1.1, 2.0, 5.0, 20.0];

/// The table, and what is not in it. Of many queries those in which engines differ most, before them how all are spread, and behind
/// them the whole table.
pub(super) fn blocks(group: &Group<'_>, view: View) -> Vec<Block> {
    let (queries, all) = (view.queries(group), group.queries.len());
    let mut blocks = Vec::new();
    if all > MANY {
        blocks.push(Block::Table(spread(group)));
    }
    blocks.push(Block::Table(table(group, &queries)));
    let shown = queries.len();
    if shown < all {
        blocks.push(Block::Text(format!(
            "These are {shown} of {all} queries, those in which the engines differ most; --top {all} shows all of them, and --sort query in their own order."
        )));
        let whole = Block::Table(table(group, &(0..all).collect::<Vec<_>>()));
        blocks.push(Block::More(format!("All {all} queries"), vec![whole]));
    }
    let missing = missing(group);
    if !missing.is_empty() {
        blocks.extend([Block::Heading(3, "Without a time that counts".to_owned()), Block::List(missing)]);
    }
    blocks
}

/// How many queries of each engine are how far from the fastest.
fn spread(group: &Group<'_>) -> Table {
    let row = |contestant: usize| {
        let ratios: Vec<f64> =
            (0..group.queries.len()).filter_map(|query| group.to_fastest(query, contestant)).collect();
        let mut counts = [0_usize; BOUNDS.len() + 1];
        for ratio in &ratios {
            counts[BOUNDS.iter().position(|bound| ratio <= bound).unwrap_or(BOUNDS.len())] += 1;
        }
        let none = group.queries.len() - ratios.len();
        let label = TableCell::from(group.contestants[contestant].label.as_str());
        let counts = counts.into_iter().chain([none]);
        let cells = counts.map(|count| TableCell::from(if count == 0 { String::new() } else { count.to_string() }));
        [label].into_iter().chain(cells).collect()
    };
    let bounds = BOUNDS.iter().map(|bound| format!("up to {bound}"));
    let header = ["engine".to_owned()].into_iter().chain(bounds);
    let header = header.chain([format!("above {}", BOUNDS[BOUNDS.len() - 1]), "no time".to_owned()]);
    let contestants = (0..group.contestants.len()).filter(|contestant| !group.contestants[*contestant].reference);
    Table::new("How many queries take how many times the fastest engine's time", 1, header, contestants.map(row))
}

fn table(group: &Group<'_>, queries: &[usize]) -> Table {
    let row = |query: usize| {
        let fastest = group.fastest(query);
        let not_run = || TableCell { tone: Tone::Soft, ..TableCell::from("not run") };
        let cells = (0..group.contestants.len())
            .map(|contestant| group.cell(query, contestant).map_or_else(not_run, |cell| shown(cell, fastest)));
        [TableCell::from(group.queries[query])].into_iter().chain(cells).collect()
    };
    let header = ["query"].into_iter().chain(group.contestants.iter().map(|contestant| contestant.label.as_str()));
    let caption =
        "Median time of each query (± the larger half of its 95 % interval), and how many times the lowest it is";
    Table::new(caption, 1, header, queries.iter().copied().map(row))
}

fn shown(cell: &group::Cell<'_>, fastest: Option<f64>) -> TableCell {
    let record = cell.record();
    let note = |what: &str| format!("{what}; record {}", cell.found.record_id);
    let Some(time) = cell.ranked_time() else {
        let why = reason(record).map_or("", |(_, why)| why);
        let text = match cell.time.filter(|_| record.is_measured()) {
            Some(time) => format!("{} {}", Nanos(time.estimate), cell.state()),
            None => cell.state().to_owned(),
        };
        let tone = if record.is_failed() { Tone::Bad } else { Tone::Soft };
        return TableCell { text, aside: String::new(), tone, note: note(why) };
    };
    let (low, high, samples) = (Nanos(time.low), Nanos(time.high), record.samples_ns().len());
    TableCell {
        text: format!("{} {}", Nanos(time.estimate), within(time)),
        aside: fastest.map_or_else(String::new, |fastest| format!("{:.2}", time.estimate / fastest)),
        tone: if fastest == Some(time.estimate) { Tone::Strong } else { Tone::Plain },
        note: note(&format!("95 % interval {low} to {high} from {samples} samples")),
    }
}

/// How far the interval reaches to its farther side: `±3 %`.
fn within(time: Interval) -> String {
    let reach = (time.high - time.estimate).max(time.estimate - time.low) / time.estimate;
    format!("±{:.0} %", (100.0 * reach).max(1.0))
}

/// What came out of a cell that is not ranked, and why.
fn reason(record: &Record) -> Option<(&'static str, &str)> {
    let why: &str = match (&record.outcome, &record.verdict) {
        (Outcome::Measured(_), _) if record.provenance != Provenance::Measured => {
            record.provenance_reason.as_deref().unwrap_or_default()
        }
        (Outcome::Measured(_), Some(Verdict::Unchecked { reason })) => reason,
        (Outcome::Measured(_), Some(Verdict::Disputed(dispute))) => &dispute.difference,
        (Outcome::Measured(_), _) if record.ranks() => return None,
        _ => record.reason().unwrap_or_default(),
    };
    let state = group::state(record);
    Some((state, why.strip_prefix(&format!("{state}: ")).unwrap_or(why)))
}

/// One line for each engine and reason.
fn missing(group: &Group<'_>) -> Vec<String> {
    let mut told: BTreeMap<(usize, &str, &str), Vec<&str>> = BTreeMap::new();
    for cell in group.cells() {
        if let Some((state, why)) = reason(cell.record()) {
            told.entry((cell.contestant, state, why)).or_default().push(group.queries[cell.query]);
        }
    }
    told.into_iter()
        .map(|((contestant, state, why), queries)| {
            format!("{} {}, {state}: {why}", group.contestants[contestant].label, queries.join(", "))
        })
        .collect()
}
