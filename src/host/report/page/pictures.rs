//! The pictures of a report: which figures go into which.

use anyhow::Result;

use crate::host::record::Record;
use crate::host::report::Report;
use crate::host::report::contestant::Contestant;
use crate::host::report::crossover::Crossover;
use crate::host::report::document::Block;
use crate::host::report::group::Group;
use crate::host::report::picture::{self, Axes, Bar, Heat, Hue, Line, Picture, Spot};
use crate::host::report::ranking::Place;
use crate::host::report::view::MANY;
use crate::host::scaling::Mean;
use crate::host::stats::Interval;
use crate::protocol::id::Scale;

/// How to read the bars.
const BARS: &str = "Each query from zero: the bar is the median, the line across its end the 95 % interval, the dots below are the samples; a ring is a sample beyond the axis.";

pub(super) fn hue(contestant: &Contestant<'_>) -> Hue {
    Hue { label: contestant.label.clone(), color: contestant.color.into() }
}

/// How the names of this group's files begin; from the second group on with its number, since titles do not say everything.
pub(super) fn stem(group: &Group<'_>, index: usize) -> String {
    let title = group.conditions.title();
    let parts = title.split(|c: char| !c.is_ascii_alphanumeric() && c != '.').filter(|part| !part.is_empty());
    let stem = parts.collect::<Vec<_>>().join("-");
    if index == 0 { stem } else { format!("{stem}-{}", index + 1) }
}

/// The pictures of the group at this index: speed against memory, queries by engines, every query's bars, the samples.
pub(super) fn blocks(group: &Group<'_>, index: usize) -> Result<Vec<Block>> {
    let stem = stem(group, index);
    let hues: Vec<Hue> = group.contestants.iter().map(hue).collect();
    let spot = |place: &Place| {
        let memory_bytes = place.peak_memory_bytes?;
        Some(Spot { hue: &hues[place.contestant], time_ns: place.geomean_ns, memory_bytes })
    };
    let spots: Vec<Spot<'_>> = group.ranking.places.iter().filter_map(spot).collect();
    let (mut wide, mut alone) = (Vec::new(), Vec::new());
    if spots.len() > 1 {
        wide.push(picture::scatter(&format!("{stem}-speed-memory"), "Speed against memory", &spots)?);
    }
    let ranked: Vec<usize> = (0..group.contestants.len()).filter(|contestant| group.right(*contestant) > 0).collect();
    if ranked.len() > 1 && group.queries.len() > 1 {
        let heat = heat(&stem, group, &hues, &ranked)?;
        // In panels it is as wide as the page.
        if group.queries.len() > MANY { alone.extend(heat) } else { wide.extend(heat) }
    }
    wide.extend(spread(&stem, group, &hues, &ranked)?);
    let bars: Vec<Picture> = (0..group.queries.len())
        .filter_map(|query| bars(&stem, group, &hues, query).transpose())
        .collect::<Result<_>>()?;
    let mut blocks = Vec::new();
    if !wide.is_empty() {
        blocks.push(Block::Pictures(wide));
    }
    if !alone.is_empty() {
        blocks.push(Block::Pictures(alone));
    }
    if !bars.is_empty() {
        let bars = [Block::Text(BARS.to_owned()), Block::Pictures(bars)];
        if group.queries.len() > MANY {
            blocks.push(Block::More("The times of each query, as bars".to_owned(), bars.into()));
        } else {
            blocks.extend(bars);
        }
    }
    Ok(blocks)
}

/// `None` when nobody but the reference has a time: then there is no fastest engine to relate to.
fn heat(stem: &str, group: &Group<'_>, hues: &[Hue], ranked: &[usize]) -> Result<Option<Picture>> {
    let fastest: Vec<Option<f64>> = (0..group.queries.len()).map(|query| group.fastest(query)).collect();
    if fastest.iter().all(Option::is_none) {
        return Ok(None);
    }
    let engines: Vec<String> = ranked.iter().map(|contestant| hues[*contestant].label.clone()).collect();
    let queries: Vec<String> = group.queries.iter().map(|query| (*query).to_owned()).collect();
    let ratio = |query: usize, contestant: usize| {
        Some(group.cell(query, contestant)?.ranked_time()?.estimate / fastest[query]?)
    };
    let row = |query| ranked.iter().map(|contestant| ratio(query, *contestant)).collect();
    let ratios: Vec<Vec<Option<f64>>> = (0..group.queries.len()).map(row).collect();
    let references: Vec<usize> =
        (0..ranked.len()).filter(|column| group.contestants[ranked[*column]].reference).collect();
    let heat = Heat { engines: &engines, queries: &queries, ratios: &ratios, references: &references };
    picture::heat(&format!("{stem}-heat"), "Times the fastest engine", &heat).map(Some)
}

/// `None` when nobody has a time for the query.
fn bars(stem: &str, group: &Group<'_>, hues: &[Hue], query: usize) -> Result<Option<Picture>> {
    let mut bars = Vec::new();
    let mut missing = Vec::new();
    for (contestant, hue) in hues.iter().enumerate() {
        let Some(cell) = group.cell(query, contestant) else { continue };
        match cell.ranked_time() {
            Some(Interval { estimate: median_ns, low: low_ns, high: high_ns }) => {
                bars.push(Bar { hue, median_ns, low_ns, high_ns, samples_ns: cell.record().samples_ns() });
            }
            None => missing.push((hue, cell.state().to_owned())),
        }
    }
    if bars.is_empty() {
        return Ok(None);
    }
    let what = group.queries[query];
    picture::bars(&format!("{stem}-{what}"), what, &bars, &missing).map(Some)
}

/// How far samples lie from their cell's median; `None` when nobody has any.
fn spread(stem: &str, group: &Group<'_>, hues: &[Hue], ranked: &[usize]) -> Result<Option<Picture>> {
    let deviations = |contestant: &usize| {
        let cells = timed(group, *contestant);
        cells.flat_map(|(record, median)| record.samples_ns().iter().map(move |sample| sample / median - 1.0)).collect()
    };
    let deviations: Vec<Vec<f64>> = ranked.iter().map(deviations).collect();
    let rows: Vec<(&Hue, &[f64])> =
        ranked.iter().zip(&deviations).map(|(contestant, values)| (&hues[*contestant], values.as_slice())).collect();
    if rows.is_empty() {
        return Ok(None);
    }
    picture::spread(&format!("{stem}-samples"), "Samples around their cell's median", &rows).map(Some)
}

/// The records of a contestant that may be ranked, each with its median.
pub(super) fn timed<'a>(group: &Group<'a>, contestant: usize) -> impl Iterator<Item = (&'a Record, f64)> {
    group.of(contestant).filter_map(|cell| Some((cell.record(), cell.ranked_time()?.estimate)))
}

/// Time over scale, for the mean and each query of one family, the report's `family`th.
pub(super) fn crossovers(crossovers: &[Crossover], family: usize) -> Result<Vec<Picture>> {
    let draw = |found: &Crossover| {
        let query = found.query.as_deref().unwrap_or("geometric mean");
        let hues: Vec<Hue> =
            found.lines.iter().map(|line| Hue { label: line.label.clone(), color: line.color.into() }).collect();
        let points = |points: &[(Scale, f64)]| points.iter().map(|(scale, time)| (scale.factor(), *time)).collect();
        let lines = found.lines.iter().zip(&hues).map(|(line, hue)| Line { hue, points: points(&line.points) });
        let lines: Vec<Line<'_>> = lines.collect();
        let ticks = found.fastest.iter().map(|(scale, _)| scale.factor()).collect();
        let axes = Axes { x: "scale factor", y: "time", log_x: true, log_y: true, x_ticks: Some(ticks), y_time: true };
        picture::lines(&format!("scales-{}-{}", family + 1, query.replace(' ', "-")), query, &axes, &lines, None)
    };
    crossovers.iter().map(draw).collect()
}

/// Speed-up over threads, one picture for all engines, of at least one mean; `machines` are those of the means.
pub(super) fn scaling(report: &Report<'_>, means: &[Mean], machines: &[&str]) -> Result<Picture> {
    let color = |mean: &Mean| {
        let contestants = || report.groups.iter().flat_map(|group| &group.contestants);
        // A cold cell, say, has more in its name than a contestant.
        let name = mean.engine.split(' ').next();
        let same = contestants().find(|contestant| contestant.label == mean.engine);
        let found = same.or_else(|| contestants().find(|contestant| Some(contestant.engine) == name));
        found.map_or([119; 3], |found| found.color)
    };
    let one_scale = means.iter().all(|mean| mean.scale == means[0].scale);
    let label = |mean: &Mean| {
        let scale = Some(mean.scale.to_string()).filter(|_| !one_scale);
        // The whole line would not fit: the table says which machine has which number.
        let machine = machine_number(mean, machines).map(|number| format!("machine {number}"));
        [Some(mean.engine.clone()), scale, machine].into_iter().flatten().collect::<Vec<_>>().join(", ")
    };
    let hues: Vec<Hue> = means.iter().map(|mean| Hue { label: label(mean), color: color(mean).into() }).collect();
    let points = |points: &[(usize, f64)]| {
        points.iter().map(|(threads, speedup)| (picture::count(*threads), *speedup)).collect()
    };
    let lines: Vec<Line<'_>> =
        means.iter().zip(&hues).map(|(mean, hue)| Line { hue, points: points(&mean.speedups) }).collect();
    let mut ticks: Vec<f64> = lines.iter().flat_map(|line| &line.points).map(|(threads, _)| *threads).collect();
    ticks.sort_by(f64::total_cmp);
    ticks.dedup();
    let ideal: Vec<(f64, f64)> = ticks.iter().map(|threads| (*threads, *threads)).collect();
    let axes = Axes { x: "threads", y: "times as fast as with one", x_ticks: Some(ticks), ..Axes::default() };
    picture::lines("scaling", "Speed-up over threads", &axes, &lines, Some(&ideal))
}

/// Which of several machines a mean is of, from 1 on; `None` where there is but one.
pub(super) fn machine_number(mean: &Mean, machines: &[&str]) -> Option<usize> {
    let place = machines.iter().position(|machine| *machine == mean.machine)?;
    (machines.len() > 1).then_some(place + 1)
}
