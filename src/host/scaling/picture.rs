//! Speed-up curves as SVG: a panel for each engine and scale, a thin line for each query, with its name where they are few, a thick
//! one for their mean, and the ideal.

use anyhow::{Context, Result, anyhow};
use plotters::element::DashedPathElement;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::{Curve, groups, mean};

const PANEL: (u32, u32) = (380, 320);
const COLUMNS: u32 = 3;
const QUERY: RGBColor = RGBColor(150, 165, 185);
const MEAN: RGBColor = RGBColor(20, 80, 160);
const IDEAL: RGBColor = RGBColor(90, 90, 90);
const DASH: i32 = 4;
/// So many queries have their names at their lines; more would be written over each other.
const NAMED: usize = 4;
/// The least distance between two names, in units of the picture's height.
const APART: f64 = 0.05;

/// Draws the curves over what is counted: `threads`, `executors`.
///
/// # Errors
/// Without a curve, or when plotters cannot draw.
pub fn draw(curves: &[Curve], counted: &str) -> Result<String> {
    let groups = groups(curves);
    let most = curves.iter().flat_map(|curve| &curve.points).map(|point| point.threads).max();
    let most = most
        .with_context(|| format!("there is no curve to draw: it takes verified cells with two numbers of {counted}"))?;
    let panels = u32::try_from(groups.len())?;
    let columns = panels.min(COLUMNS);
    let size = (columns * PANEL.0, panels.div_ceil(columns) * PANEL.1);
    let mut svg = String::new();
    {
        let root = SVGBackend::with_string(&mut svg, size).into_drawing_area();
        let failed = |error| anyhow!("cannot draw: {error}");
        root.fill(&WHITE).map_err(failed)?;
        let areas = root.split_evenly(((size.1 / PANEL.1) as usize, columns as usize));
        for (group, area) in groups.iter().zip(&areas) {
            panel(area, group, most, counted).map_err(failed)?;
        }
        root.present().map_err(failed)?;
    }
    Ok(svg)
}

type Drawn = std::result::Result<(), DrawingAreaErrorKind<std::io::Error>>;

/// The name of each query and the height at which it stands, at its last point or above the name below it.
fn names(curves: &[&Curve], most: usize, apart: f64) -> Vec<(f64, String)> {
    let at = |curve: &&Curve| {
        let last = curve.points.iter().find(|point| point.threads == most)?;
        Some((last.speedup, curve.query.clone()))
    };
    let mut names: Vec<(f64, String)> = curves.iter().filter_map(at).collect();
    names.sort_by(|a, b| a.0.total_cmp(&b.0));
    for place in 1..names.len() {
        names[place].0 = names[place].0.max(names[place - 1].0 + apart);
    }
    names
}

/// Draws curves of one engine at one scale.
#[expect(clippy::cast_precision_loss, reason = "a handful of threads")]
fn panel(
    area: &DrawingArea<SVGBackend<'_>, plotters::coord::Shift>,
    curves: &[&Curve],
    most: usize,
    counted: &str,
) -> Drawn {
    let (engine, scale) = (&curves[0].engine, curves[0].scale);
    let best = curves.iter().flat_map(|curve| &curve.points).map(|point| point.speedup).fold(most as f64, f64::max);
    let queries = if curves.len() == 1 { curves[0].query.clone() } else { format!("{} queries", curves.len()) };
    let mut chart = ChartBuilder::on(area)
        .caption(format!("{engine} at {scale}, {queries}"), ("sans-serif", 15))
        .margin(10)
        .x_label_area_size(36)
        .y_label_area_size(42)
        .build_cartesian_2d(1.0..most as f64, 0.0..best * 1.05)?;
    chart
        .configure_mesh()
        .x_labels(most.min(9))
        .x_label_formatter(&|threads| if threads.fract() == 0.0 { format!("{threads:.0}") } else { String::new() })
        .light_line_style(WHITE)
        .x_desc(counted)
        .y_desc("times as fast as with one")
        .draw()?;
    for curve in curves {
        let points = curve.points.iter().map(|point| (point.threads as f64, point.speedup));
        chart.draw_series(LineSeries::new(points, QUERY.stroke_width(1)))?;
    }
    if (2..=NAMED).contains(&curves.len()) {
        let style = ("sans-serif", 11).into_font().color(&IDEAL);
        let style = style.pos(Pos::new(HPos::Right, VPos::Bottom));
        let names = names(curves, most, best * APART).into_iter();
        chart.draw_series(names.map(|(speedup, name)| Text::new(name, (most as f64, speedup), style.clone())))?;
    }
    let ends = [(1.0, 1.0), (most as f64, most as f64)];
    chart
        .draw_series(DashedLineSeries::new(ends, DASH, DASH, IDEAL.stroke_width(1)))?
        .label("ideal")
        .legend(|(x, y)| DashedPathElement::new([(x, y), (x + 5 * DASH, y)], DASH, DASH, IDEAL.stroke_width(1)));
    if let Some(mean) = mean(curves) {
        let points: Vec<(f64, f64)> =
            mean.speedups.iter().map(|(threads, speedup)| (*threads as f64, *speedup)).collect();
        chart.draw_series(points.iter().map(|point| Circle::new(*point, 3, MEAN.filled())))?;
        let name =
            if curves.len() == 1 { "measured".to_owned() } else { format!("geometric mean of {}", mean.queries) };
        chart
            .draw_series(LineSeries::new(points, MEAN.stroke_width(2)))?
            .label(name)
            .legend(|(x, y)| PathElement::new([(x, y), (x + 5 * DASH, y)], MEAN.stroke_width(2)));
    }
    chart.configure_series_labels().position(SeriesLabelPosition::UpperLeft).background_style(WHITE.mix(0.8)).draw()
}
