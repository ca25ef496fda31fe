//! Changes that were alerted, so that each is alerted once, wherever later results put it.

use std::collections::HashMap;

use anyhow::Result;

use super::analysis::Analysis;
use super::decisions::decide;
use super::rows::time;
use super::store::Store;
use crate::host::stats::Interval;
use crate::host::stats::changes::{Change, Kind};

/// The same change is put at most so many points from where it was, or where both may be.
const WINDOW: usize = 8;

/// What was alerted of a series.
struct Alert {
    is_drift: bool,
    /// The first point of the new level, the first and the last that it may be: each result, and when its cell began.
    places: [(u64, Option<i64>); 3],
    ratio: Interval,
}

/// All alerts of a metric, by series.
pub(super) struct Alerts {
    of_series: HashMap<String, Vec<Alert>>,
    metric: String,
}

impl Alerts {
    /// Those that the history remembers.
    ///
    /// # Errors
    /// When it cannot be read.
    pub(super) fn read(store: &Store, metric: &str) -> Result<Self> {
        let select =
            "SELECT series, kind = 'drift', result, epoch_us(started_at), earliest, epoch_us(earliest_at), latest,
                             epoch_us(latest_at), ratio, ratio_low, ratio_high
                      FROM alerts WHERE metric = ? ORDER BY alerted_at";
        let rows = store.rows(select, [metric], |row| {
            let alert = Alert {
                is_drift: row.get(1)?,
                places: [(row.get(2)?, row.get(3)?), (row.get(4)?, row.get(5)?), (row.get(6)?, row.get(7)?)],
                ratio: Interval { estimate: row.get(8)?, low: row.get(9)?, high: row.get(10)? },
            };
            Ok((row.get::<_, String>(0)?, alert))
        })?;
        let mut of_series = HashMap::<String, Vec<Alert>>::new();
        for (series, alert) in rows {
            of_series.entry(series).or_default().push(alert);
        }
        Ok(Self { of_series, metric: metric.to_owned() })
    }

    /// Which changes of a series were alerted before, in their order.
    pub(super) fn known(&self, analysis: &Analysis) -> Vec<bool> {
        let alerts = self.of_series.get(&analysis.series.key).map(Vec::as_slice).unwrap_or_default();
        let points = &analysis.series.points;
        let places: HashMap<u64, usize> =
            points.iter().enumerate().map(|(place, point)| (point.result, place)).collect();
        // Of a result that was deleted: before the first one that is later.
        let place = |(result, at): &(u64, Option<i64>)| {
            let later = || points.iter().position(|point| point.at > *at).unwrap_or(points.len());
            places.get(result).copied().unwrap_or_else(later)
        };
        let located: Vec<(&Alert, [usize; 3])> =
            alerts.iter().map(|alert| (alert, alert.places.each_ref().map(place))).collect();
        let mut known: Vec<(&Change, bool)> = Vec::new();
        for change in &analysis.found.changes {
            let near: Vec<&Alert> = located
                .iter()
                .filter(|(alert, places)| is_near(alert, places, change))
                .map(|(alert, _)| *alert)
                .collect();
            let is_known = !near.is_empty() && {
                let is_line = change.kind == Kind::Drift || near.iter().any(|alert| alert.is_drift);
                // Together with what those alerts were for already, it must not be more than was alerted.
                let allowed: f64 = near.iter().map(|alert| size(change, &alert.ratio).1).sum();
                let beside = known.iter().filter(|(other, known)| *known && change.at.abs_diff(other.at) <= WINDOW);
                let used: f64 = beside.map(|(other, _)| size(change, &other.ratio).0).sum();
                is_line || used.max(0.0) + least(change) <= allowed
            };
            known.push((change, is_known));
        }
        known.into_iter().map(|(_, known)| known).collect()
    }

    /// Remembers changes, all or none.
    ///
    /// # Errors
    /// When the history cannot be written.
    pub(super) fn remember(&self, store: &Store, new: &[(&Analysis, &Change)]) -> Result<()> {
        let insert =
            "INSERT INTO alerts VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, current_timestamp AT TIME ZONE 'UTC')";
        decide(store, |transaction| {
            for (analysis, change) in new {
                let [at, earliest, latest] =
                    [change.at, change.earliest, change.latest].map(|place| &analysis.series.points[place]);
                let kind = if change.kind == Kind::Drift { "drift" } else { "step" };
                let Interval { estimate, low, high } = change.ratio;
                let times = [at, earliest, latest].map(|point| time(point.at));
                let values = duckdb::params![
                    analysis.series.key,
                    self.metric,
                    kind,
                    at.result,
                    times[0],
                    earliest.result,
                    times[1],
                    latest.result,
                    times[2],
                    estimate,
                    low,
                    high
                ];
                transaction.execute(insert, values)?;
            }
            Ok(())
        })
    }
}

/// Whether an alert may be of this change: in the same direction, and near.
fn is_near(alert: &Alert, [at, earliest, latest]: &[usize; 3], change: &Change) -> bool {
    let same_way = (alert.ratio.estimate > 1.0) == (change.ratio.estimate > 1.0);
    let overlap = change.earliest <= *latest && *earliest <= change.latest;
    let is_step = !alert.is_drift && change.kind == Kind::Step;
    same_way && (overlap || (is_step && at.abs_diff(change.at) <= WINDOW))
}

/// How far a ratio goes the way of a change, in logarithms: by its estimate, and at most.
fn size(change: &Change, ratio: &Interval) -> (f64, f64) {
    if change.ratio.estimate > 1.0 {
        (ratio.estimate.ln(), ratio.high.ln())
    } else {
        (-ratio.estimate.ln(), -ratio.low.ln())
    }
}

/// How far a change goes at least.
fn least(change: &Change) -> f64 {
    if change.ratio.estimate > 1.0 { change.ratio.low.ln() } else { -change.ratio.high.ln() }
}
