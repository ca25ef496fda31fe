//! `history changes`: the steps and drifts of every series, and which of them nobody has been told of.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context as _, Result, ensure};
use chrono::{NaiveDate, NaiveTime};
use clap::Args;
use duckdb::arrow::array::{ArrayRef, Float64Array, RecordBatch, StringArray, TimestampMicrosecondArray, UInt64Array};

use super::Unmeant;
use super::alerts::Alerts;
use super::analysis::{Analysis, analyse, percent, readable};
use super::caller::from_here;
use super::form::Form;
use super::format::Format;
use super::points::{Facts, Meant, Order, Series, filtered, read};
use super::query;
use super::store::Store;
use crate::host::checkout::git;
use crate::host::paths;
use crate::host::record::metric;
use crate::host::stats::Interval;
use crate::host::stats::changes::{Change, Kind, SHORTEST};

/// Show where results changed: steps and drifts of each series, with what else changed there
///
/// A series is everything that may be compared over time: one engine, query, data, conditions and class of machines. Its points are in
/// the order of the checkout's first-parent line where every commit is on it, else in the order of time. One in a hundred looks at a
/// series without a change is a false alarm, and at most one in a hundred changes that are shown is a false alarm. A single bad run is no step. The
/// method and its measured power are in src/host/stats/changes/mod.rs.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  history changes                                   everything that changed
  history changes duckdb --since 2026-03-01         what became slower or faster since a date
  history changes --metric peak_memory              another figure
  history changes --alert --format markdown         in CI: exit code 1 once for each new change
  history annotate 20261120T120000Z-4711:3 \"a better answer costs this\" --level
                                                    accept a change: the baseline starts anew at that result")]
pub(super) struct Changes {
    /// The cells, as in a bench: `duckdb/q1`, `q6`, `^(duckdb|polars)/`
    #[arg(default_value = "")]
    filter: String,
    #[command(flatten)]
    of: Of,
    /// Only changes from this day on: 2026-03-01
    #[arg(long, value_name = "DATE", value_parser = day)]
    since: Option<NaiveDate>,
    /// Show only measured changes that were not alerted before, remember them, and exit with 1 if there are any
    #[arg(long)]
    pub(super) alert: bool,
    #[command(flatten)]
    form: Form,
}

// Which points. No doc comment: clap would take it for what the command does.
#[derive(Debug, Args)]
pub(super) struct Of {
    /// Only machines whose class has this in its name
    #[arg(long, value_name = "NAME")]
    pub(super) machine: Option<String>,
    /// The figure
    #[arg(long, default_value = metric::TIME.name)]
    pub(super) metric: String,
    /// Only the series of this key, as `series` and `trend` print it
    #[arg(long, value_name = "KEY")]
    series: Option<String>,
    /// The checkout whose commits give the order [default: this one]
    #[arg(long, value_name = "FOLDER")]
    checkout: Option<PathBuf>,
}

impl Of {
    /// The series that are meant, of the cells that a filter means.
    ///
    /// # Errors
    /// When none is meant, or the history cannot be read.
    pub(super) fn read(&self, store: &Store, filter: &str) -> Result<Vec<Series>> {
        let (metric, checkout) = (self.metric.as_str(), self.checkout()?);
        let Some(key) = &self.series else {
            return filtered(store, filter, self.machine.as_deref(), metric, &checkout);
        };
        let condition = ("m.series = ?", key.as_str());
        let found = read(store, &Meant { condition, machine: self.machine.as_deref(), metric, checkout: &checkout })?;
        let none = || Unmeant(format!("no comparable result of the series '{key}' has the figure '{metric}'"));
        ensure!(!found.is_empty(), none());
        Ok(found)
    }

    /// Whose commits are asked.
    ///
    /// # Errors
    /// When one is named that git does not know.
    fn checkout(&self) -> Result<PathBuf> {
        let Some(named) = self.checkout.as_deref() else { return Ok(paths::root().to_owned()) };
        let named = from_here(named);
        let head = git(&named).args(["rev-parse", "--verify", "--quiet", "HEAD"]).output();
        let is_one = head.as_ref().is_ok_and(|head| head.status.success());
        let none =
            || Unmeant(format!("--checkout {} is no git checkout with a commit: name its folder", named.display()));
        ensure!(is_one, none());
        Ok(named)
    }
}

/// A change with everything that is shown of it.
struct Told<'a> {
    analysis: &'a Analysis,
    change: &'a Change,
    along: String,
    version: Option<&'a str>,
}

fn day(text: &str) -> Result<NaiveDate, String> {
    text.parse().map_err(|_| "it is no date: write one as 2026-03-01".to_owned())
}

impl Changes {
    /// Before anything is opened: whether it can be shown so.
    pub(super) fn check(&self) -> Result<()> {
        self.form.check()
    }

    /// Shows what changed; with `--alert` what is new, which is then remembered.
    ///
    /// # Errors
    /// When no cell is meant, or the history cannot be read, or written for `--alert`.
    pub(super) fn run(&self, store: &Store) -> Result<ExitCode> {
        let metric = self.of.metric.as_str();
        let series = self.of.read(store, &self.filter)?;
        let all = analyse(store, series)?;
        note(&all);
        let alerts = Alerts::read(store, metric)?;
        let since = self.since.map(|day| day.and_time(NaiveTime::MIN).and_utc().timestamp_micros());
        let mut meant: Vec<(&Analysis, &Change)> = Vec::new();
        for analysis in &all {
            let known = if self.alert { alerts.known(analysis) } else { Vec::new() };
            for (place, change) in analysis.found.changes.iter().enumerate() {
                let is_told = self.alert && (known[place] || analysis.series.provenance != "measured");
                let last = &analysis.series.points[change.latest];
                if !is_told && since.is_none_or(|since| last.at.is_none_or(|at| at >= since)) {
                    meant.push((analysis, change));
                }
            }
        }
        let facts = Facts::read(store)?;
        let told: Vec<Told<'_>> = meant
            .iter()
            .map(|(analysis, change)| Told {
                analysis,
                change,
                along: analysis.along(change, &facts).join("; "),
                version: facts.version(analysis.point(change)),
            })
            .collect();
        self.show(&told, all.len())?;
        if self.alert && !meant.is_empty() {
            alerts.remember(store, &meant)?;
            return Ok(ExitCode::FAILURE);
        }
        Ok(ExitCode::SUCCESS)
    }

    fn show(&self, told: &[Told<'_>], series: usize) -> Result<()> {
        let new = if self.alert { "new " } else { "" };
        log::info!("{} {new}changes in {series} series", told.len());
        let is_read = matches!(self.form.format, Format::Table | Format::Markdown);
        if is_read && told.is_empty() {
            return query::put(format!("no {new}change in {series} series\n").as_bytes(), self.form.output.as_deref());
        }
        let batch = if is_read { short_rows(told)? } else { rows(told)? };
        query::show_rows(&batch.schema(), &[batch], self.form.format, self.form.output.as_deref())
    }
}

/// Says which series are too short, and which are not in git's order.
fn note(all: &[Analysis]) {
    let few = all.iter().filter(|analysis| analysis.found.p.is_none()).count();
    if few > 0 {
        log::info!(
            "{few} of {} series have fewer than {SHORTEST} points, in which nothing can be told from noise",
            all.len()
        );
    }
    let by_time = all.iter().filter_map(|analysis| match &analysis.series.order {
        Order::Time(reason) => Some(reason),
        Order::Git => None,
    });
    let by_time: Vec<&String> = by_time.collect();
    if let Some(reason) = by_time.first() {
        log::info!("{} of {} series are in the order of time, not git's: {reason}", by_time.len(), all.len());
    }
}

/// What a change is called.
pub(super) fn words(change: &Change, metric: &str) -> &'static str {
    match (metric == metric::TIME.name || metric == metric::CPU_TIME.name, change.ratio.estimate > 1.0) {
        (true, true) => "slower",
        (true, false) => "faster",
        (false, true) => "more",
        (false, false) => "less",
    }
}

/// The word for how.
pub(super) fn kind(change: &Change) -> &'static str {
    match change.kind {
        Kind::Step => "step",
        Kind::Drift => "drift",
    }
}

/// A column of text.
pub(super) fn text<T>(rows: &[T], value: impl Fn(&T) -> Option<String>) -> ArrayRef {
    Arc::new(rows.iter().map(value).collect::<StringArray>())
}

/// A column of numbers.
pub(super) fn number<T>(rows: &[T], value: impl Fn(&T) -> f64) -> ArrayRef {
    Arc::new(rows.iter().map(|row| Some(value(row))).collect::<Float64Array>())
}

fn count<T>(rows: &[T], value: impl Fn(&T) -> usize) -> ArrayRef {
    Arc::new(rows.iter().map(|row| Some(value(row) as u64)).collect::<UInt64Array>())
}

/// Columns with their names as rows.
///
/// # Errors
/// When they are not of one length.
pub(super) fn batch(columns: Vec<(&str, ArrayRef)>) -> Result<RecordBatch> {
    let columns = columns.into_iter().map(|(name, column)| (name, column, true));
    RecordBatch::try_from_iter_with_nullable(columns).context("rows of several lengths")
}

/// What people read: figures with their units, rounded.
fn short_rows(told: &[Told<'_>]) -> Result<RecordBatch> {
    let level = |told: &Told<'_>, level: Interval| {
        let (by, unit) = readable(&told.analysis.series.unit);
        Some(format!("{:.3} {unit}", level.estimate / by))
    };
    let interval = |told: &Told<'_>| {
        let Interval { low, high, .. } = told.change.ratio;
        Some(format!("{} to {}", percent(low), percent(high)))
    };
    let day = |told: &Told<'_>| {
        let at = chrono::DateTime::from_timestamp_micros(told.analysis.point(told.change).at?)?;
        Some(at.format("%Y-%m-%d").to_string())
    };
    batch(vec![
        ("cell", text(told, |told| Some(told.analysis.series.cell.clone()))),
        ("change", text(told, |told| Some(format!("{} {}", kind(told.change), percent(told.change.ratio.estimate))))),
        ("95 % interval", text(told, interval)),
        ("before", text(told, |told| level(told, told.change.before))),
        ("after", text(told, |told| level(told, told.change.after))),
        ("since", text(told, day)),
        ("record", text(told, |told| Some(told.analysis.point(told.change).record.clone()))),
        ("machine", text(told, |told| Some(told.analysis.series.machine_class.clone()))),
        ("commit", text(told, |told| told.analysis.point(told.change).commit_words())),
        ("version", text(told, |told| told.version.map(str::to_owned))),
        ("p", text(told, |told| Some(format!("{:.0e}", told.change.p_over_all)))),
        ("along with", text(told, |told| Some(told.along.clone()))),
    ])
}

/// What programs read: every figure, levels in the unit that the column `unit` names.
fn rows(told: &[Told<'_>]) -> Result<RecordBatch> {
    let times = told.iter().map(|told| told.analysis.point(told.change).at);
    let at: ArrayRef = Arc::new(times.collect::<TimestampMicrosecondArray>());
    let of_series = |value: fn(&Analysis) -> &String| text(told, move |told| Some(value(told.analysis).clone()));
    let of_change = |value: fn(&Change) -> f64| number(told, move |told| value(told.change));
    let record = |told: &Told<'_>, place: usize| Some(told.analysis.series.points[place].record.clone());
    batch(vec![
        ("cell", of_series(|analysis| &analysis.series.cell)),
        ("series", of_series(|analysis| &analysis.series.key)),
        ("machine_class", of_series(|analysis| &analysis.series.machine_class)),
        ("provenance", of_series(|analysis| &analysis.series.provenance)),
        ("ordered_by", text(told, |told| Some(told.analysis.series.order.word().to_owned()))),
        ("kind", text(told, |told| Some(kind(told.change).to_owned()))),
        ("record", text(told, |told| record(told, told.change.at))),
        ("started_at", at),
        ("git_commit", text(told, |told| told.analysis.point(told.change).commit.clone())),
        ("engine_version", text(told, |told| told.version.map(str::to_owned))),
        ("earliest_record", text(told, |told| record(told, told.change.earliest))),
        ("latest_record", text(told, |told| record(told, told.change.latest))),
        ("unit", of_series(|analysis| &analysis.series.unit)),
        ("before", of_change(|change| change.before.estimate)),
        ("before_low", of_change(|change| change.before.low)),
        ("before_high", of_change(|change| change.before.high)),
        ("after", of_change(|change| change.after.estimate)),
        ("after_low", of_change(|change| change.after.low)),
        ("after_high", of_change(|change| change.after.high)),
        ("ratio", of_change(|change| change.ratio.estimate)),
        ("ratio_low", of_change(|change| change.ratio.low)),
        ("ratio_high", of_change(|change| change.ratio.high)),
        ("points_before", count(told, |told| told.change.points_before)),
        ("points_after", count(told, |told| told.change.points_after)),
        ("p", of_change(|change| change.p)),
        ("p_over_all", of_change(|change| change.p_over_all)),
        ("along_with", text(told, |told| Some(told.along.clone()))),
    ])
}
