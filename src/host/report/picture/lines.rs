//! Curves: speed-up over threads, times over scale factors, times over a process's first runs.

use anyhow::Result;

use super::canvas::{Canvas, Font, Picture, Point, count, fit, fit_ends, nothing, paint, width};
use super::curve::{self, Curve};
use super::place::Patch;
use super::scale::{Scale, Unit, label, sane};
use super::theme::{self, GRID, Hue, SOFT};

/// One curve.
#[derive(Debug, Clone)]
pub struct Line<'a> {
    /// The engine.
    pub hue: &'a Hue,
    /// In any order of x.
    pub points: Vec<(f64, f64)>,
}

/// What the axes mean.
#[derive(Debug, Clone, Default)]
pub struct Axes<'a> {
    /// The title of the x axis.
    pub x: &'a str,
    /// The title of the y axis.
    pub y: &'a str,
    /// Equal distances mean equal factors; values up to zero are left out.
    pub log_x: bool,
    /// The same for y; an axis that is not logarithmic begins at zero.
    pub log_y: bool,
    /// Exactly these values are marked on the x axis, as far as they lie on it.
    pub x_ticks: Option<Vec<f64>>,
    /// True where y is in nanoseconds, false for a plain number.
    pub y_time: bool,
}

const SIZE: Point = (640.0, 400.0);
const TOP: f64 = 36.0;
const BOTTOM: f64 = 350.0;
const RIGHT: f64 = 16.0;
const TEXT: f64 = 11.0;
const LABEL: f64 = 140.0;
const LEGEND_ROW: f64 = 18.0;

/// Draws curves, each with its name at its end, or with a legend where names would overlap; `ideal` is dashed.
///
/// # Errors
/// Without a point that the axes can show.
pub fn lines(name: &str, title: &str, axes: &Axes, lines: &[Line], ideal: Option<&[(f64, f64)]>) -> Result<Picture> {
    let sound_lines = lines.iter().map(|line| (line.hue, sound(&line.points, axes)));
    let curve = |(index, (hue, points)): (usize, (&Hue, Vec<Point>))| {
        let (label, color) = (fit_ends(&hue.label, TEXT, LABEL), theme::color(hue.color));
        Curve { label, color, marker: Some(index), points }
    };
    let named: Vec<Curve> = sound_lines.filter(|(_, points)| !points.is_empty()).enumerate().map(curve).collect();
    if named.is_empty() {
        let wanted = "a curve with a point whose numbers are finite, and above zero on a logarithmic axis";
        return Err(nothing(name, wanted));
    }
    let ideal = sound(ideal.unwrap_or_default(), axes);
    let widest = named.iter().map(|line| width(&line.label, TEXT)).fold(0.0, f64::max);
    let plot = Plot::new(axes, &named, &ideal, (TOP, SIZE.0 - RIGHT - widest - 6.0));
    let curves = plot.curves(&named, &ideal);
    let labels = curve::labels(&curves, &plot.area, TEXT);
    let (plot, curves) = if labels.is_some() {
        (plot, curves)
    } else {
        let rows = legend(None, &curves)?;
        let plot = Plot::new(axes, &named, &ideal, (TOP + LEGEND_ROW * rows, SIZE.0 - RIGHT));
        let curves = plot.curves(&named, &ideal);
        (plot, curves)
    };
    paint((name, title, sentence(title, axes, &named)), SIZE, |canvas| {
        plot.draw(canvas, axes)?;
        for curve in curves.iter().rev() {
            curve.draw(canvas)?;
        }
        match labels {
            Some(labels) => curves.iter().zip(labels).try_for_each(|(curve, patch)| curve.name(canvas, &patch, TEXT)),
            None => legend(Some(canvas), &curves).map(drop),
        }
    })
}

/// The points that can be drawn, from left to right.
fn sound(points: &[Point], axes: &Axes) -> Vec<Point> {
    let point = |(x, y): &Point| Some((sane(*x, axes.log_x)?, sane(*y, axes.log_y)?));
    let mut points: Vec<Point> = points.iter().filter_map(point).collect();
    points.sort_by(|a, b| a.0.total_cmp(&b.0));
    points
}

/// The axes and where they lie.
struct Plot {
    area: Patch,
    x: Scale,
    y: Scale,
}

impl Plot {
    fn new(axes: &Axes, lines: &[Curve], ideal: &[Point], (top, right): Point) -> Self {
        let points = || lines.iter().flat_map(|line| &line.points);
        let fold = |points: &mut dyn Iterator<Item = f64>| {
            points.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), y| (low.min(y), high.max(y)))
        };
        let (low, high) = fold(&mut points().map(|point| point.1));
        let (ideal_low, ideal_high) = fold(&mut ideal.iter().map(|point| point.1));
        // An ideal far from what was measured would press the curves flat: it leaves the plot instead.
        let factor = if axes.log_y { 4.0 } else { 1.6 };
        let low = if ideal_low * factor >= low { low.min(ideal_low) } else { low };
        let high = if ideal_high <= high * factor { high.max(ideal_high) } else { high * 1.15 };
        let zero = (!axes.log_y).then_some(0.0);
        let y = Scale::over([low, high].into_iter().chain(zero), axes.log_y, (BOTTOM, top));
        let y = y.padded(if axes.log_y || low < 0.0 { 12.0 } else { 0.0 }, 10.0);
        let unit = unit(axes);
        let widest = y.ticks(7, unit).iter().map(|tick| width(&label(*tick, unit), TEXT)).fold(0.0, f64::max);
        let area = Patch { left: 34.0 + widest.min(90.0), top, right, bottom: BOTTOM };
        let x = Scale::over(points().map(|point| point.0), axes.log_x, (area.left, area.right)).padded(12.0, 10.0);
        Self { area, x, y }
    }

    /// Lines in pixels.
    fn curves(&self, lines: &[Curve], ideal: &[Point]) -> Vec<Curve> {
        let pixels = |points: &[Point]| points.iter().map(|(x, y)| (self.x.at(*x), self.y.at(*y))).collect::<Vec<_>>();
        let ideal: Vec<Point> = ideal.iter().copied().filter(|(x, _)| self.x.holds(*x)).collect();
        let ideal = curve::clipped(&pixels(&ideal), (self.area.top, self.area.bottom));
        let ideal = Curve { label: "ideal".to_owned(), color: SOFT, marker: None, points: ideal };
        let ideal = Some(ideal).filter(|ideal| ideal.points.len() > 1);
        lines.iter().map(|line| line.at(pixels(&line.points))).chain(ideal).collect()
    }

    fn draw(&self, canvas: &Canvas, axes: &Axes) -> Result<()> {
        let Self { area, x, y } = self;
        let font = Font::new(TEXT).soft();
        let unit = unit(axes);
        for tick in y.ticks(7, unit) {
            canvas.hair((area.left, y.at(tick)), (area.right, y.at(tick)), GRID)?;
            let text = fit(&label(tick, unit), TEXT, 90.0);
            canvas.text((area.left - 6.0, y.at(tick)), &text, font.ending())?;
        }
        let ticks = axes.x_ticks.clone().unwrap_or_else(|| x.ticks(8, Unit::Number));
        let mut written = 0.0;
        for tick in ticks.into_iter().filter_map(|tick| sane(tick, axes.log_x)).filter(|tick| x.holds(*tick)) {
            let (at, text) = (x.at(tick), label(tick, Unit::Number));
            canvas.hair((at, area.top), (at, area.bottom), GRID)?;
            let half = width(&text, TEXT) / 2.0;
            if at - half >= written {
                canvas.text((at, area.bottom + 13.0), &text, font.centered())?;
                written = at + half + 4.0;
            }
        }
        canvas.hair((area.left, area.bottom), (area.right, area.bottom), SOFT)?;
        let log = |title: &str, log| if log { format!("{title} (logarithmic)") } else { title.to_owned() };
        let middle = (f64::midpoint(area.left, area.right), f64::midpoint(area.top, area.bottom));
        let titles = (log(axes.x, axes.log_x), log(axes.y, axes.log_y));
        canvas.text((middle.0, area.bottom + 34.0), &fit(&titles.0, TEXT, area.right - area.left), font.centered())?;
        let up = fit(&titles.1, TEXT, area.bottom - area.top);
        canvas.text((14.0, middle.1), &up, font.centered().upwards())
    }
}

/// Draws the legend under the title, or with no canvas only tells how many rows it takes.
fn legend(canvas: Option<&Canvas>, curves: &[Curve]) -> Result<f64> {
    const SWATCH: f64 = 26.0;
    let (mut x, mut row) = (34.0, 0_usize);
    for curve in curves {
        let room = SWATCH + 6.0 + width(&curve.label, TEXT) + 14.0;
        if x > 34.0 && x + room > SIZE.0 - RIGHT {
            (x, row) = (34.0, row + 1);
        }
        if let Some(canvas) = canvas {
            let y = TOP + LEGEND_ROW * count(row);
            curve.at(vec![(x, y), (x + SWATCH / 2.0, y), (x + SWATCH, y)]).swatch(canvas)?;
            canvas.text((x + SWATCH + 6.0, y), &curve.label, Font::new(TEXT))?;
        }
        x += room;
    }
    Ok(count(row + 1))
}

fn unit(axes: &Axes) -> Unit {
    if axes.y_time { Unit::Time } else { Unit::Number }
}

fn sentence(title: &str, axes: &Axes, lines: &[Curve]) -> String {
    let end = |line: &Curve| {
        let (x, y) = line.points.last()?;
        Some(format!("{} reaches {} at {}", line.label, label(*y, unit(axes)), label(*x, Unit::Number)))
    };
    let ends: Vec<String> = lines.iter().filter_map(end).collect();
    format!("{title}, {} against {}: {}.", axes.y, axes.x, ends.join(", "))
}
