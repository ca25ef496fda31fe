//! Speed against memory: a point for each engine, both axes logarithmic.

use anyhow::Result;
use plotters::style::Color;

use crate::protocol::units::Nanos;

use super::canvas::{Canvas, Font, Picture, fit_ends, nothing, paint, width};
use super::place::{Patch, beside};
use super::scale::{Scale, Unit, bytes, label, sane};
use super::theme::{self, GRID, Hue, INK, PAPER, SOFT};

/// An engine's time and memory.
#[derive(Debug, Clone, Copy)]
pub struct Spot<'a> {
    /// The engine.
    pub hue: &'a Hue,
    /// For instance the geometric mean over queries, in nanoseconds.
    pub time_ns: f64,
    /// For instance the highest peak, in bytes.
    pub memory_bytes: f64,
}

const SIZE: (f64, f64) = (640.0, 420.0);
const PLOT: Patch = Patch { left: 78.0, top: 34.0, right: 624.0, bottom: 368.0 };
const TEXT: f64 = 12.0;
const DOT: f64 = 6.0;
/// Room for the word "better" in the lower left corner, which no point may cover.
const CORNER: (f64, f64) = (84.0, 40.0);

/// Draws time from left to right and memory from bottom to top, each engine's name beside its point.
///
/// # Errors
/// Without a spot whose time and memory are above zero.
pub fn scatter<'a>(name: &str, title: &str, spots: &[Spot<'a>]) -> Result<Picture> {
    let sound = |spot: Spot<'a>| Some((spot.hue, sane(spot.time_ns, true)?, sane(spot.memory_bytes, true)?));
    let spots: Vec<(&Hue, f64, f64)> = spots.iter().copied().filter_map(sound).collect();
    if spots.is_empty() {
        return Err(nothing(name, "an engine with a time and a memory peak above zero"));
    }
    let x = Scale::over(spots.iter().map(|(_, time, _)| *time), true, (PLOT.left, PLOT.right));
    let y = Scale::over(spots.iter().map(|(_, _, memory)| *memory), true, (PLOT.bottom, PLOT.top));
    let (x, y) = (x.padded(CORNER.0, 60.0), y.padded(CORNER.1, 24.0));
    let one =
        |(hue, time, memory): &(&Hue, f64, f64)| format!("{} {} with {}", hue.label, Nanos(*time), bytes(*memory));
    let all: Vec<String> = spots.iter().map(one).collect();
    let alt = format!("{title}, time against memory: {}.", all.join(", "));
    paint((name, title, alt), SIZE, |canvas| {
        axes(canvas, &x, &y)?;
        let points: Vec<_> = spots.iter().map(|(hue, time, memory)| (*hue, (x.at(*time), y.at(*memory)))).collect();
        let corner = Patch { left: PLOT.left, top: PLOT.bottom - 32.0, right: PLOT.left + 80.0, bottom: PLOT.bottom };
        let mut taken: Vec<Patch> = points.iter().map(|(_, point)| Patch::around(*point, DOT + 1.0)).collect();
        taken.push(corner);
        for (hue, point) in &points {
            // A rim keeps neighbours apart.
            canvas.dot(*point, DOT + 1.0, PAPER.mix(1.0))?;
            canvas.dot(*point, DOT, theme::color(hue.color).mix(1.0))?;
        }
        for (hue, point) in points {
            let text = fit_ends(&hue.label, TEXT, 160.0);
            let size = (width(&text, TEXT), TEXT + 3.0);
            // Only where hundreds of points leave no room at all does a name stay away.
            let Some(patch) = beside(point, size, &taken, &PLOT, 240.0) else { continue };
            let near = patch.nearest(point);
            if (near.0 - point.0).hypot(near.1 - point.1) > 2.0 * DOT + 2.0 {
                canvas.line(&[point, near], theme::color(hue.color).mix(0.7), 1.0)?;
            }
            canvas.rect((patch.left, patch.top), size, PAPER.mix(0.75))?;
            canvas.text(patch.start(), &text, Font::new(TEXT))?;
            taken.push(patch);
        }
        Ok(())
    })
}

fn axes(canvas: &Canvas, x: &Scale, y: &Scale) -> Result<()> {
    let font = Font::new(11.0).soft();
    for tick in x.ticks(7, Unit::Time) {
        canvas.hair((x.at(tick), PLOT.top), (x.at(tick), PLOT.bottom), GRID)?;
        canvas.text((x.at(tick), PLOT.bottom + 13.0), &label(tick, Unit::Time), font.centered())?;
    }
    for tick in y.ticks(8, Unit::Memory) {
        canvas.hair((PLOT.left, y.at(tick)), (PLOT.right, y.at(tick)), GRID)?;
        canvas.text((PLOT.left - 6.0, y.at(tick)), &label(tick, Unit::Memory), font.ending())?;
    }
    canvas.hair((PLOT.left, PLOT.bottom), (PLOT.right, PLOT.bottom), SOFT)?;
    canvas.hair((PLOT.left, PLOT.top), (PLOT.left, PLOT.bottom), SOFT)?;
    let middle = (f64::midpoint(PLOT.left, PLOT.right), f64::midpoint(PLOT.top, PLOT.bottom));
    canvas.text((middle.0, PLOT.bottom + 35.0), "time (logarithmic)", font.centered())?;
    canvas.text((14.0, middle.1), "peak memory (logarithmic)", font.centered().upwards())?;
    let tip = (PLOT.left + 9.0, PLOT.bottom - 9.0);
    canvas.line(&[(tip.0 + 14.0, tip.1 - 14.0), (tip.0 + 2.0, tip.1 - 2.0)], INK.mix(1.0), 1.5)?;
    canvas.polygon(&[tip, (tip.0 + 7.5, tip.1 - 1.5), (tip.0 + 1.5, tip.1 - 7.5)], INK.mix(1.0))?;
    canvas.text((tip.0 + 20.0, tip.1 - 14.0), "better", Font::new(11.0).bold())
}
