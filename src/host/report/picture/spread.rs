//! How steady the samples are: for each engine all relative deviations from their cell's median.

use anyhow::Result;
use plotters::style::Color;

use super::canvas::{Canvas, Font, Picture, count, fit_ends, nothing, paint, width};
use super::scale::{Scale, Unit, label, sane};
use super::theme::{self, GRID, Hue, INK, SOFT};

const WIDTH: f64 = 640.0;
const MARGIN: f64 = 12.0;
const TOP: f64 = 34.0;
const ROW: f64 = 38.0;
const STRIP: f64 = 24.0;
const TEXT: f64 = 11.0;
/// More dots than this show no more, and cost bytes.
const DOTS: usize = 500;
/// Deviations beyond this quantile of all are not drawn, but told.
const KEPT: f64 = 0.99;

/// Draws a strip of dots and a box of quartiles for each engine; 0.03 is a sample 3 % slower than its cell's median.
///
/// # Errors
/// Without a finite deviation.
pub fn spread(name: &str, title: &str, rows: &[(&Hue, &[f64])]) -> Result<Picture> {
    let rows: Vec<Row> = rows.iter().map(|(hue, deviations)| Row::new(hue, deviations)).collect();
    let mut sizes: Vec<f64> = rows.iter().flat_map(|row| &row.percent).map(|percent| percent.abs()).collect();
    sizes.sort_by(f64::total_cmp);
    let Some(limit) = quantile(&sizes, KEPT) else {
        return Err(nothing(name, "an engine with at least one sample"));
    };
    let inside = |percent: &&f64| percent.abs() <= limit;
    let kept = rows.iter().flat_map(|row| &row.percent).filter(inside).copied();
    let left = MARGIN + rows.iter().map(|row| width(&row.hue.label, TEXT)).fold(0.0, f64::max).min(150.0) + 8.0;
    // Half a percent on both sides at least: a perfectly steady engine is not drawn as a scattered one.
    let axis = Scale::over(kept.chain([-0.5, 0.5]), false, (left, WIDTH - MARGIN)).padded(10.0, 10.0);
    let bottom = TOP + ROW * count(rows.len());
    let alt = sentence(title, &rows);
    paint((name, title, alt), (WIDTH, bottom + 72.0), |canvas| {
        grid(canvas, &axis, (left, bottom))?;
        for (index, row) in rows.iter().enumerate() {
            let y = TOP + ROW * (count(index) + 0.5);
            let engine = fit_ends(&row.hue.label, TEXT, left - MARGIN - 8.0);
            canvas.text((left - 8.0, y), &engine, Font::new(TEXT).ending())?;
            row.draw(canvas, &axis, y, limit)?;
        }
        let [first, second] = notes(&rows, limit);
        canvas.text((MARGIN, bottom + 48.0), &first, Font::new(10.0).soft())?;
        canvas.text((MARGIN, bottom + 61.0), &second, Font::new(10.0).soft())
    })
}

struct Row<'a> {
    hue: &'a Hue,
    /// In percent, as they came: their order places the dots.
    percent: Vec<f64>,
    quartiles: Option<[f64; 3]>,
}

impl<'a> Row<'a> {
    fn new(hue: &'a Hue, deviations: &[f64]) -> Self {
        let percent: Vec<f64> = deviations.iter().filter_map(|part| Some(sane(*part, false)? * 100.0)).collect();
        let mut sorted = percent.clone();
        sorted.sort_by(f64::total_cmp);
        let at = |part| quantile(&sorted, part);
        let quartiles = at(0.25).zip(at(0.5)).zip(at(0.75)).map(|((q1, q2), q3)| [q1, q2, q3]);
        Self { hue, percent, quartiles }
    }

    fn draw(&self, canvas: &Canvas, axis: &Scale, y: f64, limit: f64) -> Result<()> {
        let Some(quartiles) = self.quartiles else {
            return canvas.text((axis.at(0.0) + 8.0, y), "no samples", Font::new(TEXT).soft());
        };
        let color = theme::color(self.hue.color).mix(0.5);
        let inside = self.percent.iter().filter(|percent| percent.abs() <= limit);
        for (index, percent) in inside.step_by(self.percent.len().div_ceil(DOTS)).enumerate() {
            // Multiples of the golden ratio fill the strip evenly, and the same way each time.
            let jitter = (count(index) * 0.618_033_988_75).fract() - 0.5;
            canvas.dot((axis.at(*percent), y + jitter * STRIP), 1.75, color)?;
        }
        let [q1, q2, q3] = quartiles.map(|q| axis.at(q.clamp(-limit, limit)));
        let half = STRIP / 2.0 + 3.0;
        let outline = [(q1, y - half), (q3, y - half), (q3, y + half), (q1, y + half), (q1, y - half)];
        canvas.line(&outline, INK.mix(1.0), 1.0)?;
        canvas.line(&[(q2, y - half), (q2, y + half)], INK.mix(1.0), 2.0)
    }
}

fn grid(canvas: &Canvas, axis: &Scale, (left, bottom): (f64, f64)) -> Result<()> {
    let font = Font::new(TEXT).soft();
    for tick in axis.ticks(9, Unit::Number) {
        let color = if tick == 0.0 { SOFT } else { GRID };
        canvas.hair((axis.at(tick), TOP), (axis.at(tick), bottom), color)?;
        let sign = if tick > 0.0 { "+" } else { "" };
        let text = format!("{sign}{} %", label(tick, Unit::Number)).replace('-', "−");
        canvas.text((axis.at(tick), bottom + 12.0), &text, font.centered())?;
    }
    let middle = f64::midpoint(left, WIDTH - MARGIN);
    canvas.text((middle, bottom + 30.0), "← faster than the cell's median · slower →", font.centered())
}

fn notes(rows: &[Row], limit: f64) -> [String; 2] {
    let all = rows.iter().map(|row| row.percent.len()).sum::<usize>();
    let outside = rows.iter().flat_map(|row| &row.percent).filter(|percent| percent.abs() > limit).count();
    let thinned = rows.iter().any(|row| row.percent.len() > DOTS);
    let thinned = if thinned { format!(", at most {DOTS} for each engine") } else { String::new() };
    let outside = match outside {
        0 => format!("All {all} samples lie on the axis."),
        _ => format!("{outside} of {all} samples lie outside ±{limit:.1} % and are not drawn."),
    };
    [format!("Box: quartiles and median. Dots: samples{thinned}."), outside]
}

/// The quantile of sorted values, between neighbours in proportion.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "an index into the values")]
fn quantile(sorted: &[f64], part: f64) -> Option<f64> {
    let place = part * count(sorted.len().checked_sub(1)?);
    let (low, high) = (sorted[place.floor() as usize], sorted[place.ceil() as usize]);
    Some(low + (high - low) * place.fract())
}

fn sentence(title: &str, rows: &[Row]) -> String {
    let half = |row: &Row| {
        let [q1, _, q3] = row.quartiles?;
        Some(format!("{} {q1:+.1} % to {q3:+.1} %", row.hue.label))
    };
    let halves: Vec<String> = rows.iter().filter_map(half).collect();
    format!("{title}: the middle half of each engine's samples lies at {} of the median.", halves.join(", "))
}
