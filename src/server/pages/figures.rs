//! Figures as people read them, each with where it comes from.

use maud::{Markup, html};

use super::layout::href;
use crate::history::served::snapshot::Newest;
use crate::host::report::Place;
use crate::protocol::units::{Bytes, Nanos};

/// What is shown of a cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Metric {
    Time,
    Memory,
    Cpu,
}

impl Metric {
    pub(super) const ALL: [(Self, &'static str, &'static str); 3] = [
        (Self::Time, "time", "Time"),
        (Self::Memory, "peak_memory", "Peak memory"),
        (Self::Cpu, "cpu_time", "CPU time"),
    ];

    /// By its name in the address; the time where nobody says it.
    pub(super) fn of(name: Option<&str>) -> Self {
        Self::ALL.iter().find(|(_, known, _)| Some(*known) == name).map_or(Self::Time, |(metric, ..)| *metric)
    }

    pub(super) fn name(self) -> &'static str {
        Self::ALL.iter().find(|(metric, ..)| *metric == self).map_or("time", |(_, name, _)| name)
    }

    /// What may be compared of a cell: only of one whose answer is verified.
    pub(super) fn value(self, cell: &Newest) -> Option<f64> {
        let value = match self {
            Self::Time => cell.time_ns,
            Self::Memory => cell.peak_memory_bytes,
            Self::Cpu => cell.cpu_time_ns,
        };
        value.filter(|value| cell.comparable && *value > 0.0)
    }

    pub(super) fn text(self, value: f64) -> String {
        match self {
            Self::Memory => Bytes::about(value).to_string(),
            Self::Time | Self::Cpu => Nanos(value).to_string(),
        }
    }
}

/// A figure of any unit.
pub(super) fn shown(value: Option<f64>, unit: &str) -> String {
    match (value, unit) {
        (None, _) => "–".to_owned(),
        (Some(value), "ns") => Nanos(value).to_string(),
        (Some(value), "bytes") => Bytes::about(value).to_string(),
        (Some(value), unit) => format!("{value} {unit}"),
    }
}

/// In a word how a cell ended that has no figure.
pub(super) fn state(cell: &Newest) -> &str {
    match (cell.outcome.as_str(), cell.verdict.as_deref(), cell.failure.as_deref()) {
        (_, Some("wrong"), _) => "wrong",
        (_, Some("disputed"), _) => "disputed",
        ("measured", ..) if cell.comparable => "measured",
        ("measured", ..) => "unchecked",
        ("skipped", _, Some("unsupported")) => "unsupported",
        ("skipped", ..) => "skipped",
        (_, _, Some(failure)) => failure,
        (outcome, ..) => outcome,
    }
}

/// Whether it is bad news.
pub(super) fn is_bad(cell: &Newest) -> bool {
    cell.outcome == "failed" || matches!(cell.verdict.as_deref(), Some("wrong" | "disputed"))
}

/// When, where and how: what stands behind a figure.
pub(super) fn origin(cell: &Newest) -> String {
    let parts = [
        Some(cell.record.clone()),
        cell.started_at_ms.map(day),
        Some(cell.machine_class.clone()),
        cell.verdict.as_ref().map(|verdict| format!("answer {verdict}")),
        Some(cell.provenance.clone()).filter(|provenance| provenance != "measured"),
        cell.git_commit.as_ref().map(|commit| format!("commit {}", commit.chars().take(12).collect::<String>())),
        cell.reason.clone(),
    ];
    parts.into_iter().flatten().collect::<Vec<_>>().join("; ")
}

/// The day, UTC.
pub(in crate::server) fn day(milliseconds: i64) -> String {
    let at = chrono::DateTime::from_timestamp_millis(milliseconds);
    at.map_or_else(String::new, |at| at.format("%Y-%m-%d").to_string())
}

/// A figure that leads to its result.
pub(super) fn figure(cell: &Newest, text: &str) -> Markup {
    html! { a href=(href("/result", &[("record", &cell.record)])) title=(origin(cell)) { (text) } }
}

/// What is not measured is hatched.
pub(super) fn hatched(cell: &Newest) -> Option<&'static str> {
    (cell.provenance != "measured").then_some("hatched")
}

/// The ratio to the fastest with its interval, where that says more.
pub(super) fn to_fastest(place: &Place) -> String {
    let ratio = &place.to_fastest;
    let has_interval = ratio.high - ratio.low > 0.005;
    let interval = if has_interval { format!(" ({:.2} to {:.2})", ratio.low, ratio.high) } else { String::new() };
    format!("{:.2}×{interval}", ratio.estimate)
}

/// The colour of an engine beside its name, in the same line as that begins in.
pub(super) fn swatch([red, green, blue]: [u8; 3]) -> Markup {
    html! { span.swatch style={ "background:rgb(" (red) "," (green) "," (blue) ")" } aria-hidden="true" {} "\u{2060}" }
}
