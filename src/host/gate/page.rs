//! A gate's outcome as a page: for a terminal, or as Markdown for a pull request.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use super::judge::{Reading, Verdict};
use super::outcome::{Conclusion, GateOutcome, MetricOutcome, RowOutcome, name_of, word};
use crate::host::report::plans;
use crate::host::report::{Block, Document, Table, TableCell, Tone};
use crate::host::settings::Metric;
use crate::protocol::units::{Bytes, Nanos};

/// The first line of a gate's Markdown, by which the comment of an earlier push is found.
pub const MARKER: &str = "<!-- querydyno-gate -->";

/// The page of a gate, or of a comparison, which has no verdicts.
pub fn document(outcome: &GateOutcome, verdicts: bool) -> Document {
    let mut blocks = Vec::new();
    if outcome.base.is_empty() {
        // It did not begin, or did not end: there is nothing but the reason.
        return Document { title: title(outcome.conclusion), blocks: vec![Block::List(outcome.reasons.clone())] };
    }
    if verdicts {
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        outcome.rows.iter().for_each(|row| *counts.entry(word(row.verdict)).or_default() += 1);
        let counted: Vec<String> = counts.iter().map(|(word, count)| format!("{count} {word}")).collect();
        blocks.push(Block::Text(format!("Rows: {}, of which {}.", outcome.rows.len(), counted.join(", "))));
        if !outcome.reasons.is_empty() {
            blocks.push(Block::List(outcome.reasons.clone()));
        }
    }
    blocks.push(Block::Text(format!("base: {}; head: {}.", outcome.base, outcome.head)));
    let mut rows: Vec<(&RowOutcome, &MetricOutcome)> =
        outcome.rows.iter().flat_map(|row| row.metrics.iter().map(move |metric| (row, metric))).collect();
    // What needs a look comes first.
    rows.sort_by_key(|(_, metric)| Reverse(metric.verdict));
    let missing = outcome.rows.iter().filter(|row| row.metrics.is_empty());
    let shown = rows.iter().map(|(row, metric)| line(row, Some(metric), verdicts));
    let shown = shown.chain(missing.map(|row| line(row, None, verdicts))).collect();
    let mut header = vec!["row", "metric", "base", "head", "ratio", "detectable", "pairs"];
    if verdicts {
        header.push("verdict");
    }
    blocks.push(Block::Table(Table {
        caption: "Head by base, from pairs of fresh processes that took turns, with the 95 % interval; \"detectable\" is the smallest change that would have been found in 19 of 20 times".to_owned(),
        keys: 2,
        header: header.into_iter().map(str::to_owned).collect(),
        rows: shown,
    }));
    blocks.extend(plans::blocks(outcome.rows.iter().map(|row| (&row.id, row.plan.as_ref()))));
    blocks.push(Block::Table(controls(outcome)));
    if verdicts {
        blocks.push(Block::List(limits(outcome)));
    }
    let mut notes = outcome.cautions.clone();
    if verdicts && outcome.conclusion == Conclusion::Noisy {
        notes.push("against noise: fewer rows, more time (--budget), one thread (QUERYDYNO_THREADS=1); --instructions adds counts, which nothing moves".to_owned());
    }
    notes.push(format!(
        "{} pairs, {:.0} s of measuring; {}; {}",
        outcome.pairs,
        outcome.measuring_seconds,
        outcome.machine.line(),
        outcome.host.line()
    ));
    blocks.push(Block::List(notes));
    Document { title: if verdicts { title(outcome.conclusion) } else { "Base against head".to_owned() }, blocks }
}

fn title(conclusion: Conclusion) -> String {
    match conclusion {
        Conclusion::Pass => "Gate: passed, nothing became slower or hungrier",
        Conclusion::Regressed => "Gate: regressed, confirmed by new pairs",
        Conclusion::Noisy => "Gate: undecided, some rows are too noisy here",
        Conclusion::Undecided => "Gate: undecided",
    }
    .to_owned()
}

/// A metric of a row; none of one that was not measured.
fn line(row: &RowOutcome, metric: Option<&MetricOutcome>, verdicts: bool) -> Vec<TableCell> {
    let mut cells = vec![TableCell { aside: plans::aside(row.plan.as_ref()), ..TableCell::from(row.id.to_string()) }];
    cells.push(metric.map_or_else(TableCell::default, |metric| TableCell::from(name_of(metric.metric))));
    cells.extend(figures(metric.and_then(|metric| Some((metric.reading.as_ref()?, metric.metric)))));
    if verdicts {
        let verdict = metric.map_or(row.verdict, |metric| metric.verdict);
        let tone = match verdict {
            Verdict::Regressed | Verdict::Invalid => Tone::Bad,
            Verdict::Improved => Tone::Strong,
            Verdict::Equivalent => Tone::Soft,
            Verdict::Inconclusive => Tone::Plain,
        };
        let asides =
            [(metric.is_some_and(|metric| metric.underpowered), "underpowered"), (row.untouched, "same program")];
        let aside: Vec<&str> = asides.iter().filter(|(is, _)| *is).map(|(_, text)| *text).collect();
        cells.push(TableCell { text: word(verdict).to_owned(), aside: aside.join(", "), tone, ..TableCell::default() });
    }
    cells
}

fn figures(reading: Option<(&Reading, Metric)>) -> Vec<TableCell> {
    let Some((reading, metric)) = reading else { return vec![TableCell::default(); 5] };
    let value = |value: f64| match metric {
        Metric::Memory => Bytes::about(value).to_string(),
        Metric::Time => Nanos(value).to_string(),
        Metric::Instructions => format!("{value:.0}"),
    };
    let ratio = reading.ratio;
    vec![
        TableCell::from(value(reading.base)),
        TableCell::from(value(reading.head)),
        TableCell {
            aside: format!("{:.3} to {:.3}", ratio.low, ratio.high),
            ..TableCell::from(format!("{:.3}", ratio.estimate))
        },
        TableCell::from(format!("{:+.1} %", 100.0 * (reading.min_detectable_ratio - 1.0))),
        TableCell::from(reading.pairs.to_string()),
    ]
}

fn controls(outcome: &GateOutcome) -> Table {
    let header = ["control", "base", "head", "ratio", "detectable", "pairs", "drift", ""];
    let rows = outcome.controls.iter().map(|control| {
        let mut cells = vec![TableCell::from(control.name.as_str())];
        cells.extend(figures(control.reading.as_ref().map(|reading| (reading, Metric::Time))));
        cells.push(TableCell::from(control.drift.map_or_else(String::new, |drift| format!("{drift:.2}"))));
        let moved = control.moved.is_some();
        cells.push(TableCell {
            tone: if moved { Tone::Bad } else { Tone::Soft },
            ..TableCell::from(if moved { "moved" } else { "still" })
        });
        cells
    });
    Table {
        caption: "Controls, which no change of the code affects; \"drift\" is the time of the last launches by that of the first".to_owned(),
        keys: 1,
        header: header.into_iter().map(str::to_owned).collect(),
        rows: rows.collect(),
    }
}

fn limits(outcome: &GateOutcome) -> Vec<String> {
    let limits = &outcome.limits;
    let mut lines = vec![format!(
        "accepted: time up to {:.2}, peak memory up to {:.2} times the base's; a row is cleared when {:.2} and {:.2} are excluded",
        limits.time.accepts,
        limits.memory.accepts,
        limits.time.regression_threshold,
        limits.memory.regression_threshold
    )];
    lines.extend(limits.exceptions.iter().map(|exception| {
        let what = exception.max_ratio.map_or_else(|| "may be missing".to_owned(), |ratio| format!("up to {ratio:.2}"));
        let metric = exception.metric.map_or_else(String::new, |metric| format!(" in {}", name_of(metric)));
        format!("exception: {}{metric} {what} until {}: {}", exception.row, exception.expires, exception.reason)
    }));
    lines
}
