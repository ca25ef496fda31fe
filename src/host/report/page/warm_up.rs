//! How the engines of a group warm up: the first runs of all by the clock, and every run of those that take many by their CPU time.

use std::collections::BTreeMap;

use anyhow::Result;

use super::pictures::{hue, stem, timed};
use crate::host::record::{Record, WarmUp, WarmUpEnd, metric};
use crate::host::report::document::{Block, Table, TableCell};
use crate::host::report::group::Group;
use crate::host::report::picture::{self, Axes, Hue, Line, Picture};
use crate::host::stats::{geometric_mean, median};

/// Runs by the clock that are drawn.
const FIRST: usize = 20;
/// Runs at the end of a warm-up whose median is its level.
const LEVEL: usize = 20;

/// The section, if an engine has two runs before its samples.
pub(super) fn blocks(group: &Group<'_>) -> Result<Vec<Block>> {
    let hues: Vec<Hue> = group.contestants.iter().map(hue).collect();
    let by_time = curves(group, &hues, FIRST, time);
    let mut blocks = Vec::new();
    if !by_time.is_empty() {
        let without: Vec<&str> = hues
            .iter()
            .filter(|hue| !by_time.iter().any(|line| line.hue == *hue))
            .map(|hue| hue.label.as_str())
            .collect();
        let mut text = format!(
            "How long each run before the samples took, from the program's first on, in {}: the geometric mean over an engine's queries of that run's time by the median of the samples. A line ends where a query of that engine has no further run.",
            group.conditions.title()
        );
        if !without.is_empty() {
            text += &format!(" Without two such runs of every query, so without a line: {}.", without.join("; "));
        }
        let picture = draw(group, "warm-up", "times the median of the samples", &by_time)?;
        blocks.extend([Block::Text(text), Block::Pictures(vec![picture])]);
    }
    let by_cpu = curves(group, &hues, usize::MAX, cpu_time);
    if !by_cpu.is_empty() {
        let text = "Engines that become faster for many runs are run until their CPU time is steady. Each run's CPU time by the median of the last 20 of its cell, geometric mean over the queries; a line ends with the query that was steady first.";
        let picture = draw(group, "warm-up-cpu", "times the CPU time at the end", &by_cpu)?;
        blocks.extend([Block::Text(text.to_owned()), Block::Pictures(vec![picture]), Block::Table(ends(group, &hues))]);
    }
    if !blocks.is_empty() {
        blocks.insert(0, Block::Heading(2, "Warming up".to_owned()));
    }
    Ok(blocks)
}

fn draw(group: &Group<'_>, name: &str, y: &str, lines: &[Line<'_>]) -> Result<Picture> {
    let axes = Axes { x: "run", y, log_y: true, ..Axes::default() };
    let title = format!("Warming up: {}", group.conditions.title());
    picture::lines(&format!("{}-{name}", stem(group, 0)), &title, &axes, lines, None)
}

/// The curves of two points or more, of so many runs at most.
fn curves<'a>(
    group: &Group<'_>,
    hues: &'a [Hue],
    most: usize,
    of: impl Fn(&Record, f64, usize) -> Option<f64>,
) -> Vec<Line<'a>> {
    let line = |(contestant, hue): (usize, &'a Hue)| {
        let points: Vec<(f64, f64)> = (0..most)
            .map_while(|run| {
                let ratios: Option<Vec<f64>> =
                    timed(group, contestant).map(|(record, median)| of(record, median, run)).collect();
                Some((picture::count(run + 1), geometric_mean(&ratios?)?))
            })
            .collect();
        (points.len() > 1).then_some(Line { hue, points })
    };
    hues.iter().enumerate().filter_map(line).collect()
}

/// A run's time by the median of the samples.
fn time(record: &Record, median_ns: f64, run: usize) -> Option<f64> {
    Some(metric::value(*record.measurement()?.warm_up_ns.get(run)?) / median_ns)
}

/// A run's CPU time by the one at the end of the warm-up.
fn cpu_time(record: &Record, _: f64, run: usize) -> Option<f64> {
    let all = &record.measurement()?.warm_up.as_ref()?.cpu_time_ns;
    let one = metric::value(*all.get(run)?);
    let last: Vec<f64> = all.iter().rev().take(LEVEL).map(|ns| metric::value(*ns)).collect();
    Some(one / median(&last)?).filter(|ratio| ratio.is_finite() && *ratio > 0.0)
}

/// How many runs it took, and why there were no more.
fn ends(group: &Group<'_>, hues: &[Hue]) -> Table {
    let row = |(contestant, hue): (usize, &Hue)| {
        let found: Vec<&WarmUp> =
            timed(group, contestant).filter_map(|(record, _)| record.measurement()?.warm_up.as_ref()).collect();
        let runs = |pick: fn(u64, u64) -> u64| found.iter().map(|found| found.runs).reduce(pick);
        let (least, most) = (runs(u64::min)?, runs(u64::max)?);
        let mut ended: BTreeMap<&str, usize> = BTreeMap::new();
        for warm_up in &found {
            *ended.entry(word(warm_up.ended)).or_default() += 1;
        }
        let ended: Vec<String> = ended.iter().map(|(word, count)| format!("{count} {word}")).collect();
        let runs = if least == most { least.to_string() } else { format!("{least} to {most}") };
        Some([hue.label.clone(), found.len().to_string(), runs, ended.join(", ")].map(TableCell::from).into())
    };
    let caption = "Runs of a query until its samples were taken, and why there were no more";
    Table::new(caption, 1, ["engine", "queries", "runs", "ended"], hues.iter().enumerate().filter_map(row))
}

fn word(end: WarmUpEnd) -> &'static str {
    match end {
        WarmUpEnd::Steady => "steady",
        WarmUpEnd::MostRuns => "at the limit of runs",
        WarmUpEnd::MostTime => "at the limit of time",
    }
}
