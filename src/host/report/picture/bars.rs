//! One query on all engines: a bar for each, with its interval and its samples.
//!
//! Narrow and quick to draw, because a report holds one for each query and scale, side by side.

use anyhow::Result;
use plotters::style::Color;

use crate::protocol::units::Nanos;

use super::canvas::{Canvas, Font, Picture, Point, count, fit, fit_ends, nothing, paint, width};
use super::scale::sane;
use super::theme::{self, GRID, Hue, INK};

/// The time of an engine, in nanoseconds.
#[derive(Debug, Clone, Copy)]
pub struct Bar<'a> {
    /// The engine.
    pub hue: &'a Hue,
    /// The bar's length and what is written at its end.
    pub median_ns: f64,
    /// Where the interval of the median begins; no whisker is drawn when it is not a number.
    pub low_ns: f64,
    /// Where the interval ends.
    pub high_ns: f64,
    /// Shown as dots under the bar; of many, only some in even ranks, the extremes among them.
    pub samples_ns: &'a [f64],
}

const WIDTH: f64 = 300.0;
const TOP: f64 = 30.0;
const ROW: f64 = 24.0;
const MARGIN: f64 = 10.0;
const BAR: f64 = 10.0;
const TEXT: f64 = 11.0;
/// Between a bar, its label and the engine's name.
const GAP: f64 = 6.0;
/// More dots than this melt into a line, and cost bytes.
const DOTS: usize = 24;
/// Samples may make the axis this many times longer than medians and intervals do; those beyond are rings at its end.
const STRETCH: f64 = 1.25;

/// Draws one query: a row for each bar, then one for each engine in `missing`, with the short reason for it.
///
/// # Errors
/// Without a row.
pub fn bars(name: &str, title: &str, bars: &[Bar], missing: &[(&Hue, String)]) -> Result<Picture> {
    if bars.is_empty() && missing.is_empty() {
        return Err(nothing(name, "at least one engine, measured or failed"));
    }
    let valid = |bar: &Bar| sane(bar.median_ns, false).is_some_and(|median| median >= 0.0);
    let (bars, broken): (Vec<Bar>, Vec<Bar>) = bars.iter().copied().partition(valid);
    let missing: Vec<(&Hue, &str)> = (broken.iter().map(|bar| (bar.hue, "no valid time")))
        .chain(missing.iter().map(|(hue, reason)| (*hue, reason.as_str())))
        .collect();
    let axis = Axis::new(&bars, missing.iter().map(|(hue, _)| *hue));
    let height = TOP + ROW * count(bars.len() + missing.len()) + GAP;
    paint((name, title, sentence(title, &bars, &missing)), (WIDTH, height), |canvas| {
        let middle = |row: usize| TOP + ROW * count(row) + BAR / 2.0 + 2.0;
        for (row, bar) in bars.iter().enumerate() {
            engine(canvas, &axis, middle(row), bar.hue)?;
            measured(canvas, &axis, middle(row), bar)?;
        }
        for (row, (hue, reason)) in missing.iter().enumerate() {
            let y = middle(bars.len() + row);
            engine(canvas, &axis, y, hue)?;
            let reason = fit(&format!("✕ {reason}"), TEXT, WIDTH - MARGIN - axis.left - GAP);
            canvas.text((axis.left + GAP, y), &reason, Font::new(TEXT).soft())?;
        }
        let end = middle(bars.len() + missing.len()) - ROW + BAR;
        canvas.hair((axis.left, TOP - 3.0), (axis.left, end), GRID)
    })
}

/// From nanoseconds to pixels, linear from zero: a bar twice as long is twice as slow.
struct Axis {
    left: f64,
    right: f64,
    most: f64,
}

impl Axis {
    fn new<'a>(bars: &[Bar<'a>], missing: impl Iterator<Item = &'a Hue>) -> Self {
        let names = bars.iter().map(|bar| bar.hue).chain(missing).map(|hue| width(&hue.label, TEXT));
        let labels = bars.iter().map(|bar| width(&Nanos(clamped(bar.median_ns)).to_string(), TEXT));
        let left = MARGIN + names.fold(0.0, f64::max).min(116.0) + GAP;
        let right = WIDTH - MARGIN - labels.fold(0.0, f64::max).min(80.0) - GAP;
        let high = |bar: &Bar| interval(bar).map_or(0.0, |(_, high)| high).max(clamped(bar.median_ns));
        let most = bars.iter().map(high).fold(0.0, f64::max);
        let sample = bars.iter().flat_map(|bar| bar.samples_ns).filter_map(|s| sane(*s, false)).fold(0.0, f64::max);
        let most = sample.clamp(most, most * STRETCH);
        Self { left, right, most: if most > 0.0 { most } else { 1.0 } }
    }

    /// The pixel, and whether the value lies beyond the axis.
    fn at(&self, ns: f64) -> (f64, bool) {
        let part = ns / self.most;
        (self.left + part.clamp(0.0, 1.0) * (self.right - self.left), part > 1.0)
    }
}

fn engine(canvas: &Canvas, axis: &Axis, y: f64, hue: &Hue) -> Result<()> {
    let label = fit_ends(&hue.label, TEXT, axis.left - GAP - MARGIN);
    canvas.text((axis.left - GAP, y), &label, Font::new(TEXT).ending())
}

fn measured(canvas: &Canvas, axis: &Axis, y: f64, bar: &Bar) -> Result<()> {
    let color = theme::color(bar.hue.color);
    let (mut end, _) = axis.at(bar.median_ns);
    // A bar of nothing is still seen.
    let size: Point = ((end - axis.left).max(1.0), BAR);
    canvas.rect((axis.left, y - BAR / 2.0), size, color.mix(1.0))?;
    if let Some((low, high)) = interval(bar) {
        let ((low, _), (high, _)) = (axis.at(low), axis.at(high));
        canvas.line(&[(low, y), (high, y)], INK.mix(1.0), 1.0)?;
        for x in [low, high] {
            canvas.line(&[(x, y - 3.0), (x, y + 3.0)], INK.mix(1.0), 1.0)?;
        }
        end = end.max(high);
    }
    let under = y + BAR / 2.0 + 4.0;
    let (inside, beyond): (Vec<_>, Vec<_>) = ranks(bar.samples_ns).map(|ns| axis.at(ns)).partition(|(_, out)| !out);
    let mut dots: Vec<f64> = inside.into_iter().map(|(x, _)| x).collect();
    // Dots on top of each other show nothing, and a report holds very many of them.
    dots.dedup_by(|next, kept| *next - *kept < 0.5);
    dots.into_iter().try_for_each(|x| canvas.dot((x, under), 1.5, color.mix(0.6)))?;
    if !beyond.is_empty() {
        canvas.ring((axis.right, under), 2.0, color.mix(1.0))?;
    }
    canvas.text((end + GAP, y), &Nanos(clamped(bar.median_ns)).to_string(), Font::new(TEXT))
}

/// The samples, or [`DOTS`] of them in even ranks.
fn ranks(samples: &[f64]) -> impl Iterator<Item = f64> + use<> {
    let mut samples: Vec<f64> = samples.iter().filter_map(|sample| sane(*sample, false)).collect();
    samples.sort_by(f64::total_cmp);
    let (number, dots) = (samples.len(), samples.len().min(DOTS));
    (0..dots).map(move |dot| samples[dot * (number - 1) / (dots - 1).max(1)])
}

fn interval(bar: &Bar) -> Option<(f64, f64)> {
    let (low, high) = (sane(bar.low_ns, false)?, sane(bar.high_ns, false)?);
    (low <= high).then_some((low, high))
}

fn clamped(ns: f64) -> f64 {
    sane(ns, false).unwrap_or(0.0)
}

fn sentence(title: &str, bars: &[Bar], missing: &[(&Hue, &str)]) -> String {
    let measured = bars.iter().map(|bar| format!("{} {}", bar.hue.label, Nanos(clamped(bar.median_ns))));
    let rest = missing.iter().map(|(hue, reason)| format!("{} {reason}", hue.label));
    format!("Median times of {title}: {}.", measured.chain(rest).collect::<Vec<_>>().join(", "))
}
