//! The changes of each series, from the level on that somebody has accepted.

use std::collections::HashMap;

use anyhow::Result;

use super::points::{Facts, Point, Series};
use super::store::Store;
use crate::host::stats::changes::{Change, Found, Kind, Level, Rules, find_all};

/// Changes sooner after an accepted level are that level: where it begins is known to a few points only.
const SETTLING: usize = 8;

/// A series with what was found in it; places are those of its points.
pub(super) struct Analysis {
    pub(super) series: Series,
    /// Where the newest accepted level begins, and why it was accepted.
    pub(super) accepted: Option<(usize, String)>,
    pub(super) found: Found,
}

/// Looks at each series; what is told holds over all of them.
///
/// # Errors
/// When the history cannot be read.
pub(super) fn analyse(store: &Store, series: Vec<Series>) -> Result<Vec<Analysis>> {
    let select = "SELECT target, text FROM annotations WHERE of = 'result' AND kind = 'level' ORDER BY written_at";
    let levels = store.rows(select, [], |row| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?)))?;
    let levels: HashMap<String, String> = levels.into_iter().collect();
    let accepted = |series: &Series| {
        let place = series.points.iter().rposition(|point| levels.contains_key(&point.record))?;
        Some((place, levels[&series.points[place].record].clone()))
    };
    let accepted: Vec<Option<(usize, String)>> = series.iter().map(accepted).collect();
    let start = |accepted: Option<&(usize, String)>| accepted.map_or(0, |(place, _)| *place);
    let values: Vec<Vec<f64>> = series
        .iter()
        .zip(&accepted)
        .map(|(series, accepted)| series.points[start(accepted.as_ref())..].iter().map(|point| point.value).collect())
        .collect();
    let found = find_all(&values, &Rules::default());
    let all = series.into_iter().zip(accepted).zip(found).map(|((series, accepted), found)| {
        let found = shifted(found, start(accepted.as_ref()));
        Analysis { series, accepted, found }
    });
    Ok(all.collect())
}

/// What was found in the points from `start` on, by the places of all.
fn shifted(mut found: Found, start: usize) -> Found {
    if start > 0 {
        found.changes.retain(|change| change.kind == Kind::Drift || change.at >= SETTLING);
    }
    for change in &mut found.changes {
        for place in [&mut change.at, &mut change.earliest, &mut change.latest] {
            *place += start;
        }
    }
    for level in &mut found.levels {
        (level.from, level.to) = (level.from + start, level.to + start);
    }
    found.spikes.iter_mut().for_each(|place| *place += start);
    found
}

impl Analysis {
    /// What else changed where this may be: the machine, the engine's version, how it was built, what was not committed.
    pub(super) fn along(&self, change: &Change, facts: &Facts) -> Vec<String> {
        let points = &self.series.points[change.earliest.saturating_sub(1)..=change.latest];
        let mut along = facts.along(points);
        if change.kind == Kind::Step && self.series.points[change.at].is_dirty {
            along.push("uncommitted changes".to_owned());
        }
        along
    }

    /// The level at a point; none before the accepted one.
    pub(super) fn level(&self, place: usize) -> Option<f64> {
        self.found.levels.iter().find(|level| (level.from..level.to).contains(&place)).map(|level| value(level, place))
    }

    /// The point at which a change begins.
    pub(super) fn point(&self, change: &Change) -> &Point {
        &self.series.points[change.at]
    }
}

/// The level at a place of it, on a line between its ends.
#[expect(clippy::cast_precision_loss, reason = "a number of points")]
pub(super) fn value(level: &Level, place: usize) -> f64 {
    let [first, last] = level.values;
    let share = (place - level.from) as f64 / (level.to - level.from - 1).max(1) as f64;
    first + (last - first) * share
}

/// A figure as people read it: nanoseconds as milliseconds, bytes as MiB.
pub(super) fn readable(unit: &str) -> (f64, &str) {
    match unit {
        "ns" => (1e6, "ms"),
        "bytes" => (1_048_576.0, "MiB"),
        other => (1.0, other),
    }
}

/// A ratio as a percentage with its sign.
pub(super) fn percent(ratio: f64) -> String {
    format!("{:+.1} %", (ratio - 1.0) * 100.0)
}
