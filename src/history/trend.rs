//! `history trend`: the points of a series in their order, as a small picture and as rows, with levels and changes.

use std::sync::Arc;

use anyhow::Result;
use chrono::DateTime;
use clap::Args;
use duckdb::arrow::array::{ArrayRef, BooleanArray, Float64Array, RecordBatch, TimestampMicrosecondArray};

use super::analysis::{Analysis, analyse, percent, readable};
use super::changes::{Of, batch, kind, number, text, words};
use super::chart::chart;
use super::form::Form;
use super::format::Format;
use super::points::{Facts, Order, Point};
use super::query;
use super::store::Store;
use crate::host::stats::changes::{Kind, SHORTEST};

/// Show results of a cell over time: each point, the levels, where they changed and what else changed there
///
/// Formats other than `table` have a row for every point of every series.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  history trend duckdb/q1                           the newest points of each of its series, with a picture
  history trend duckdb/q1 --machine epyc            on one class of machines
  history trend duckdb/q1 --metric peak_memory -n 0 only the pictures, of another figure
  history trend q1 --format csv --output q1.csv     all points")]
pub(super) struct Trend {
    /// The cells, as in a bench: `duckdb/q1`, `q6`, `^(duckdb|polars)/`
    #[arg(required_unless_present = "series")]
    filter: Option<String>,
    #[command(flatten)]
    of: Of,
    /// How many rows of each series a table shows, the newest; changes are always shown
    #[arg(long, short = 'n', default_value_t = 12)]
    limit: usize,
    #[command(flatten)]
    form: Form,
}

/// A point with everything that is shown of it.
struct Row<'a> {
    analysis: &'a Analysis,
    point: &'a Point,
    level: Option<f64>,
    is_spike: bool,
    version: Option<&'a str>,
    /// What begins here, and what is another than at the point before.
    note: String,
}

impl Trend {
    /// Before anything is opened: whether it can be shown so.
    pub(super) fn check(&self) -> Result<()> {
        self.form.check()
    }

    /// Shows each series that is meant.
    ///
    /// # Errors
    /// When no cell is meant, or the history cannot be read.
    pub(super) fn run(&self, store: &Store) -> Result<()> {
        let of = &self.of;
        let (all, facts) =
            (analyse(store, of.read(store, self.filter.as_deref().unwrap_or_default())?)?, Facts::read(store)?);
        let output = self.form.output.as_deref();
        if self.form.format != Format::Table {
            let rows: Vec<Row<'_>> = all.iter().flat_map(|analysis| self.rows(analysis, &facts)).collect();
            let batch = batch_of(&rows)?;
            return query::show_rows(&batch.schema(), &[batch], self.form.format, output);
        }
        let mut shown = Vec::new();
        for analysis in &all {
            shown.extend(self.picture(analysis, &facts)?);
            shown.push(b'\n');
        }
        query::put(&shown, output)
    }

    fn rows<'a>(&self, analysis: &'a Analysis, facts: &'a Facts) -> Vec<Row<'a>> {
        let points = &analysis.series.points;
        let row = |(place, point): (usize, &'a Point)| {
            let mut notes = Vec::new();
            for change in analysis.found.changes.iter().filter(|change| change.at == place) {
                let (kind, ratio) = (kind(change), percent(change.ratio.estimate));
                notes.push(format!("{kind} {ratio}, {}", words(change, &self.of.metric)));
            }
            if let Some((_, text)) = analysis.accepted.as_ref().filter(|(start, _)| *start == place) {
                notes.push(format!("level accepted: {text}"));
            }
            let is_spike = analysis.found.spikes.contains(&place);
            if is_spike {
                notes.push("spike".to_owned());
            }
            if let Some(before) = place.checked_sub(1) {
                notes.extend(facts.differences(&points[before], point).into_iter().map(|(_, words)| words));
            }
            let version = facts.version(point);
            Row { analysis, point, level: analysis.level(place), is_spike, version, note: notes.join("; ") }
        };
        points.iter().enumerate().map(row).collect()
    }

    /// A series for people: what it is, its picture, its changes and newest points.
    fn picture(&self, analysis: &Analysis, facts: &Facts) -> Result<Vec<u8>> {
        let series = &analysis.series;
        let (by, unit) = readable(&series.unit);
        let rows = self.rows(analysis, facts);
        let mut shown = format!("{}  {} in {unit}, {} points", series.cell, self.of.metric, rows.len());
        shown += &match &series.order {
            Order::Git => ", in git's first-parent order".to_owned(),
            Order::Time(reason) => format!(", in the order of time: {reason}"),
        };
        shown += &format!("\non {}, {}, series {}\n", series.machine_class, series.provenance, series.key);
        let mut found = analysis.found.clone();
        found.levels.iter_mut().for_each(|level| level.values = level.values.map(|value| value / by));
        let values: Vec<f64> = series.points.iter().map(|point| point.value / by).collect();
        for line in chart(&values, &found.levels, &found.changes, &found.spikes) {
            shown += &format!("{line}\n");
        }
        for change in &found.changes {
            let [before, after] = [change.before, change.after].map(|level| level.estimate / by);
            let (kind, words, ratio) = (kind(change), words(change, &self.of.metric), change.ratio);
            let [estimate, low, high] = [ratio.estimate, ratio.low, ratio.high].map(percent);
            let from = &series.points[change.at].record;
            let along = analysis.along(change, facts);
            let along = if along.is_empty() { String::new() } else { format!("; along with {}", along.join("; ")) };
            let place = match change.kind {
                Kind::Step => format!("from {from} on"),
                Kind::Drift => format!("from {from} to {}", series.points[change.latest].record),
            };
            shown += &format!(
                "{kind}: {estimate}, {words} ({low} to {high}), {before:.3} -> {after:.3} {unit}, {place}, p {:.0e}{along}\n",
                change.p_over_all
            );
        }
        if found.p.is_none() {
            shown += &format!("fewer than {SHORTEST} points from which changes could be told\n");
        }
        let newest = &rows[rows.len().saturating_sub(self.limit)..];
        if newest.is_empty() {
            return Ok(shown.into_bytes());
        }
        let rows = short_rows(newest, by, unit)?;
        Ok([shown.into_bytes(), super::format::render(Format::Table, &rows.schema(), &[rows])?].concat())
    }
}

fn short_rows(rows: &[Row<'_>], by: f64, unit: &str) -> Result<RecordBatch> {
    let at = |row: &Row<'_>| Some(DateTime::from_timestamp_micros(row.point.at?)?.format("%Y-%m-%d %H:%M").to_string());
    let rounded = |value: f64| (value / by * 1e3).round() / 1e3;
    let levels: Float64Array = rows.iter().map(|row| row.level.map(rounded)).collect();
    batch(vec![
        ("record", text(rows, |row| Some(row.point.record.clone()))),
        ("started_at", text(rows, at)),
        (unit, number(rows, |row| rounded(row.point.value))),
        ("level", Arc::new(levels)),
        ("version", text(rows, |row| row.version.map(str::to_owned))),
        ("commit", text(rows, |row| row.point.commit_words())),
        ("", text(rows, |row| Some(row.note.clone()))),
    ])
}

fn batch_of(rows: &[Row<'_>]) -> Result<RecordBatch> {
    let times: TimestampMicrosecondArray = rows.iter().map(|row| row.point.at).collect();
    let levels: Float64Array = rows.iter().map(|row| row.level).collect();
    let flags = |value: fn(&Row<'_>) -> bool| -> ArrayRef {
        Arc::new(rows.iter().map(|row| Some(value(row))).collect::<BooleanArray>())
    };
    batch(vec![
        ("cell", text(rows, |row| Some(row.analysis.series.cell.clone()))),
        ("series", text(rows, |row| Some(row.analysis.series.key.clone()))),
        ("machine_class", text(rows, |row| Some(row.analysis.series.machine_class.clone()))),
        ("provenance", text(rows, |row| Some(row.analysis.series.provenance.clone()))),
        ("ordered_by", text(rows, |row| Some(row.analysis.series.order.word().to_owned()))),
        ("record", text(rows, |row| Some(row.point.record.clone()))),
        ("started_at", Arc::new(times)),
        ("unit", text(rows, |row| Some(row.analysis.series.unit.clone()))),
        ("value", number(rows, |row| row.point.value)),
        ("level", Arc::new(levels)),
        ("is_spike", flags(|row| row.is_spike)),
        ("engine_version", text(rows, |row| row.version.map(str::to_owned))),
        ("git_commit", text(rows, |row| row.point.commit.clone())),
        ("git_dirty", flags(|row| row.point.is_dirty)),
        ("note", text(rows, |row| Some(row.note.clone()))),
    ])
}
