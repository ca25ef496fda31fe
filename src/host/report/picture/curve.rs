//! A curve in pixels: its line, its markers, and its name at its end.

use anyhow::Result;
use plotters::style::{Color, RGBColor};

use super::canvas::{Canvas, Font, Point, width};
use super::place::{Patch, beside, stack};

/// A curve whose points lie from left to right.
pub(super) struct Curve {
    pub label: String,
    pub color: RGBColor,
    /// The number of its shape, so that curves differ by more than colour; nothing for a dashed curve without markers.
    pub marker: Option<usize>,
    pub points: Vec<Point>,
}

/// On long curves only some points are marked.
const MARKERS: usize = 40;
const REACH: f64 = 4.0;
/// A curve that ends this near the plot's right side has its name outside.
const EDGE: f64 = 14.0;
/// A name this near its curve's end needs no line to it.
const NEAR: f64 = 12.0;
/// A name farther from its curve's end than this is no longer read as its name.
const FAR: f64 = 60.0;

impl Curve {
    pub(super) fn draw(&self, canvas: &Canvas) -> Result<()> {
        self.path(canvas)?;
        let every = self.points.len().div_ceil(MARKERS).max(1);
        // From the end, so that the last one is marked in any case.
        self.points.iter().rev().step_by(every).try_for_each(|point| self.mark(canvas, *point))
    }

    /// As in a legend: one marker in the middle of three points.
    pub(super) fn swatch(&self, canvas: &Canvas) -> Result<()> {
        self.path(canvas)?;
        self.points.get(1).map_or(Ok(()), |point| self.mark(canvas, *point))
    }

    /// The same look elsewhere.
    pub(super) fn at(&self, points: Vec<Point>) -> Self {
        Self { label: self.label.clone(), points, ..*self }
    }

    /// Writes the name, with a thin line from the curve's end where it lies apart.
    pub(super) fn name(&self, canvas: &Canvas, patch: &Patch, text: f64) -> Result<()> {
        let Some(end) = self.points.last() else { return Ok(()) };
        let (x, y) = patch.nearest(*end);
        let (_, middle) = patch.start();
        let level = (middle - end.1).abs() <= 5.0;
        if patch.left > end.0 + NEAR && !level {
            canvas.line(&[(end.0 + REACH, end.1), (x - 2.0, middle)], self.color.mix(0.6), 1.0)?;
        } else if (x - end.0).hypot(y - end.1) > if level { 1.5 * NEAR } else { 0.75 * NEAR } {
            canvas.line(&[*end, (x, y)], self.color.mix(0.6), 1.0)?;
        }
        canvas.text(patch.start(), &self.label, Font::new(text))
    }

    fn path(&self, canvas: &Canvas) -> Result<()> {
        let draw = if self.marker.is_none() { Canvas::dashed } else { Canvas::line };
        draw(canvas, &self.points, self.color.mix(1.0), 1.75)
    }

    fn mark(&self, canvas: &Canvas, (x, y): Point) -> Result<()> {
        let Some(marker) = self.marker else { return Ok(()) };
        let color = self.color.mix(1.0);
        let corners = |corners: &[Point]| corners.iter().map(|(dx, dy)| (x + dx, y + dy)).collect::<Vec<_>>();
        match marker % 5 {
            0 => canvas.dot((x, y), REACH - 0.5, color),
            1 => canvas.rect((x - 3.25, y - 3.25), (6.5, 6.5), color),
            2 => canvas.polygon(&corners(&[(0.0, -4.75), (4.75, 0.0), (0.0, 4.75), (-4.75, 0.0)]), color),
            3 => canvas.polygon(&corners(&[(0.0, -4.5), (4.5, 3.5), (-4.5, 3.5)]), color),
            _ => canvas.polygon(&corners(&[(0.0, 4.5), (4.5, -3.5), (-4.5, -3.5)]), color),
        }
    }
}

/// Where each curve's name goes: right of the plot for those that end there, beside its end for the others. Nothing where
/// one of them finds no room; then it takes a legend.
pub(super) fn labels(curves: &[Curve], area: &Patch, text: f64) -> Option<Vec<Patch>> {
    let ends: Vec<Point> = curves.iter().map(|curve| curve.points.last().copied()).collect::<Option<_>>()?;
    let reaches = |end: &Point| end.0 > area.right - EDGE;
    let wanted: Vec<f64> = ends.iter().filter(|end| reaches(end)).map(|end| end.1).collect();
    let heights = stack(&wanted, text + 3.0, area.top, area.bottom)?;
    if wanted.iter().zip(&heights).any(|(wanted, height)| (wanted - height).abs() > FAR) {
        return None;
    }
    let mut heights = heights.into_iter();
    let mut taken: Vec<Patch> = curves.iter().flat_map(|curve| &curve.points).map(|p| Patch::around(*p, 5.0)).collect();
    taken.extend(curves.iter().flat_map(|curve| curve.points.windows(2)).flat_map(along));
    let label = |(curve, end): (&Curve, &Point)| {
        let size = (width(&curve.label, text), text + 3.0);
        if reaches(end) {
            let (left, middle) = (area.right + 6.0, heights.next()?);
            let (top, bottom) = (middle - size.1 / 2.0, middle + size.1 / 2.0);
            return Some(Patch { left, top, right: left + size.0, bottom });
        }
        let patch = beside(*end, size, &taken, area, 40.0)?;
        taken.push(patch);
        Some(patch)
    };
    curves.iter().zip(&ends).map(label).collect()
}

/// The part of a curve between two heights, from its first point in there.
pub(super) fn clipped(points: &[Point], (top, bottom): Point) -> Vec<Point> {
    let inside = |point: &Point| point.1 >= top - 0.5 && point.1 <= bottom + 0.5;
    let Some(first) = points.iter().position(inside) else { return Vec::new() };
    let mut kept = vec![points[first]];
    for pair in points[first..].windows(2) {
        let (from, to) = (pair[0], pair[1]);
        if inside(&to) {
            kept.push(to);
            continue;
        }
        let limit = to.1.clamp(top, bottom);
        let part = (limit - from.1) / (to.1 - from.1);
        kept.push((from.0 + part * (to.0 - from.0), limit));
        break;
    }
    kept
}

/// Patches along a piece of a curve, which names must not cover.
fn along(pair: &[Point]) -> Vec<Patch> {
    let (from, to) = (pair[0], pair[1]);
    let steps = ((to.0 - from.0).hypot(to.1 - from.1) / 6.0).clamp(1.0, 200.0);
    let at = |step: f64| (from.0 + (to.0 - from.0) * step / steps, from.1 + (to.1 - from.1) * step / steps);
    std::iter::successors(Some(0.0), |step| Some(step + 1.0))
        .take_while(|step| *step <= steps)
        .map(|step| Patch::around(at(step), 2.0))
        .collect()
}
