//! All queries on all engines: a tile for each, coloured by how many times as slow as the fastest engine it is.

use anyhow::Result;
use plotters::style::{Color, RGBColor};

use super::canvas::{Canvas, Font, Picture, Point, count, fit_ends, nothing, paint, width};
use super::scale::sane;
use super::theme::GRID;

/// A table of times relative to the fastest engine of each query.
#[derive(Debug, Clone, Copy)]
pub struct Heat<'a> {
    /// The columns.
    pub engines: &'a [String],
    /// The rows.
    pub queries: &'a [String],
    /// By query, then by engine: 1 is the fastest, 2 takes twice as long, nothing is a dash.
    pub ratios: &'a [Vec<Option<f64>>],
    /// The columns of the reference: shown beside the others, and never called the fastest.
    pub references: &'a [usize],
}

/// `YlGnBu` of `ColorBrewer`: the same order for the colour-blind and in grey, the fastest lightest.
const COLORS: [(u8, u8, u8); 9] = [
    (255, 255, 217),
    (237, 248, 177),
    (199, 233, 180),
    (127, 205, 187),
    (65, 182, 196),
    (29, 145, 192),
    (34, 94, 168),
    (37, 52, 148),
    (8, 29, 88),
];
const MARGIN: f64 = 10.0;
const TEXT: f64 = 11.0;
const TILE: f64 = 20.0;
/// A column is as wide as the longest part of a name, between these.
const COLUMN: (f64, f64) = (54.0, 86.0);
const LINE: f64 = 13.0;
const LEGEND: (f64, f64) = (180.0, 10.0);
/// More rows than these stand in panels beside each other, as far as the width takes them.
const ROWS: usize = 40;
const WIDEST: f64 = 1200.0;
const GUTTER: f64 = 18.0;
/// A greater ratio has the colour of this one.
const MOST: f64 = 100.0;

/// Draws queries as rows and engines as columns, the ratio in each tile, the fastest in bold; the reference never is.
///
/// # Errors
/// Without an engine, a query or a ratio.
pub fn heat(name: &str, title: &str, heat: &Heat) -> Result<Picture> {
    let most = cells(heat).flatten().fold(0.0, f64::max);
    if heat.engines.is_empty() || heat.queries.is_empty() || most == 0.0 {
        return Err(nothing(name, "an engine, a query and a ratio above zero"));
    }
    let widest = heat.engines.iter().flat_map(|engine| parts(engine)).map(|part| width(part, TEXT)).fold(0.0, f64::max);
    let tile_size = ((widest + 6.0).clamp(COLUMN.0, COLUMN.1).ceil(), TILE);
    let names: Vec<Vec<String>> = heat.engines.iter().map(|engine| wrapped(engine, tile_size.0 - 4.0)).collect();
    let lines = names.iter().map(Vec::len).max().unwrap_or(1);
    let left = MARGIN + heat.queries.iter().map(|query| width(query, TEXT)).fold(24.0, f64::max).min(150.0) + 6.0;
    let top = 34.0 + LINE * count(lines);
    let right = left + tile_size.0 * count(heat.engines.len());
    let step = right + GUTTER - MARGIN;
    let rows = rows_of_a_panel(heat.queries.len(), step);
    let panels = heat.queries.len().div_ceil(rows);
    let bottom = top + TILE * count(rows);
    let width = right + step * count(panels - 1);
    let size = (width.max(MARGIN + LEGEND.0 + 40.0) + MARGIN, bottom + 52.0);
    let top_color = most.clamp(3.0, MOST);
    paint((name, title, sentence(title, heat)), size, |canvas| {
        for (panel, (column, lines)) in
            (0..panels).flat_map(|panel| names.iter().enumerate().map(move |it| (panel, it)))
        {
            let x = step * count(panel) + left + tile_size.0 * (count(column) + 0.5);
            for (row, line) in lines.iter().rev().enumerate() {
                canvas.text((x, top - 9.0 - LINE * count(row)), line, Font::new(TEXT).centered())?;
            }
        }
        let place = |row: usize| (step * count(row / rows) + left, top + TILE * count(row % rows));
        for (row, query) in heat.queries.iter().enumerate() {
            let (x, y) = place(row);
            let query = fit_ends(query, TEXT, left - MARGIN - 6.0);
            canvas.text((x - 6.0, y + TILE * 0.5), &query, Font::new(TEXT).ending())?;
        }
        for (index, ratio) in cells(heat).enumerate() {
            let (row, column) = (index / heat.engines.len(), index % heat.engines.len());
            let (x, y) = place(row);
            let corner = (x + tile_size.0 * count(column), y);
            let first = fastest(heat, column, ratio);
            tile(canvas, (corner, tile_size), (ratio, first), top_color)?;
        }
        legend(canvas, (MARGIN, bottom + 16.0), top_color, most > MOST)
    })
}

/// How many rows stand below each other: all up to forty, else as many as fill so many panels of this width as there is room for.
fn rows_of_a_panel(rows: usize, width: f64) -> usize {
    let fits = (1..=rows.div_ceil(ROWS)).take_while(|panels| *panels == 1 || count(*panels) * width <= WIDEST);
    rows.div_ceil(fits.last().unwrap_or(1))
}

/// The ratios, row by row, exactly one for each engine whatever the rows hold.
fn cells<'a>(heat: &Heat<'a>) -> impl Iterator<Item = Option<f64>> + use<'a> {
    let Heat { engines, queries, ratios, .. } = *heat;
    let cell = move |row: usize, column: usize| *ratios.get(row)?.get(column)?;
    (0..queries.len())
        .flat_map(move |row| (0..engines.len()).map(move |column| cell(row, column)))
        .map(|ratio: Option<f64>| sane(ratio?, true))
}

/// Whether this ratio makes its column the fastest of the row.
fn fastest(heat: &Heat, column: usize, ratio: Option<f64>) -> bool {
    !heat.references.contains(&column) && ratio.is_some_and(|ratio| ratio < 1.005)
}

fn tile(
    canvas: &Canvas,
    ((x, y), (width, height)): (Point, Point),
    (ratio, fastest): (Option<f64>, bool),
    most: f64,
) -> Result<()> {
    let (corner, size) = ((x + 1.0, y + 1.0), (width - 2.0, height - 2.0));
    let middle = (x + width / 2.0, y + height / 2.0);
    let font = Font::new(TEXT).centered();
    let Some(ratio) = ratio else {
        canvas.rect(corner, size, GRID.mix(0.4))?;
        return canvas.text(middle, "–", font.soft());
    };
    let color = shade(ratio, most);
    canvas.rect(corner, size, color.mix(1.0))?;
    let font = font.color(contrast(color));
    canvas.text(middle, &short(ratio), if fastest { font.bold() } else { font })
}

fn legend(canvas: &Canvas, (x, y): Point, most: f64, beyond: bool) -> Result<()> {
    const STEPS: usize = 36;
    let step = LEGEND.0 / count(STEPS);
    for part in 0..STEPS {
        let ratio = most.powf((count(part) + 0.5) / count(STEPS));
        canvas.rect((x + step * count(part), y), (step, LEGEND.1), shade(ratio, most).mix(1.0))?;
    }
    let font = Font::new(10.0).soft();
    for ratio in [1.0, 2.0, 5.0, 10.0, 30.0, 100.0].into_iter().filter(|ratio| *ratio <= most) {
        let at = x + LEGEND.0 * ratio.ln() / most.ln();
        let more = if beyond && ratio >= most { "≥ " } else { "" };
        let font = if ratio > 1.0 { font.centered() } else { font };
        canvas.text((at, y + LEGEND.1 + 9.0), &format!("{more}{ratio}×"), font)?;
    }
    canvas.text((x, y - 8.0), "time relative to the fastest", font)
}

/// The colour of a ratio, on a logarithmic scale from 1 to `most`.
fn shade(ratio: f64, most: f64) -> RGBColor {
    let last = COLORS.len() - 1;
    let place = (ratio.max(1.0).ln() / most.ln()).min(1.0) * count(last);
    let index = (0..last).rev().find(|index| count(*index) <= place).unwrap_or(0);
    let part = place - count(index);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "between two bytes, and `as` saturates"
    )]
    let mix = |from: u8, to: u8| (f64::from(from) + part * (f64::from(to) - f64::from(from))).round() as u8;
    let (from, to) = (COLORS[index], COLORS[index + 1]);
    RGBColor(mix(from.0, to.0), mix(from.1, to.1), mix(from.2, to.2))
}

/// Black or white, whichever is read more easily on the colour (WCAG's contrast).
fn contrast(color: RGBColor) -> RGBColor {
    let linear = |byte: u8| (f64::from(byte) / 255.0).powf(2.2);
    let luminance = 0.2126 * linear(color.0) + 0.7152 * linear(color.1) + 0.0722 * linear(color.2);
    if luminance > 0.18 { RGBColor(0, 0, 0) } else { RGBColor(255, 255, 255) }
}

fn short(ratio: f64) -> String {
    match ratio {
        r if r < 9.995 => format!("{r:.2}"),
        r if r < 99.95 => format!("{r:.1}"),
        r if r < 99_999.5 => format!("{r:.0}"),
        r => format!("{r:.0e}"),
    }
}

/// A name in the parts it may be broken into: after `-`, `_` and spaces, and before a version.
fn parts(name: &str) -> impl Iterator<Item = &str> {
    let (name, version) = name.split_at(name.find('@').unwrap_or(name.len()));
    name.split_inclusive(['-', '_', ' ']).chain(Some(version).filter(|version| !version.is_empty()))
}

/// A name in at most three lines that fit a column.
fn wrapped(name: &str, room: f64) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for part in parts(name) {
        match lines.last_mut() {
            Some(line) if width(&format!("{line}{part}"), TEXT) <= room => line.push_str(part),
            _ => lines.push(part.to_owned()),
        }
    }
    if lines.len() > 3 {
        let rest = lines.split_off(2);
        lines.push(rest.concat());
    }
    lines.iter().map(|line| fit_ends(line, TEXT, room)).collect()
}

fn sentence(title: &str, heat: &Heat) -> String {
    let column = |column: usize| cells(heat).skip(column).step_by(heat.engines.len());
    let wins = |index: usize| column(index).filter(|ratio| fastest(heat, index, *ratio)).count();
    let compared = heat.engines.iter().enumerate().filter(|(index, _)| !heat.references.contains(index));
    let wins: Vec<String> = compared.map(|(index, engine)| format!("{engine} {}", wins(index))).collect();
    let queries = heat.queries.len();
    format!("{title}: times relative to the fastest; of {queries} queries, fastest on: {}.", wins.join(", "))
}

#[cfg(test)]
mod tests {
    use super::rows_of_a_panel;

    #[test]
    fn panels_hold_all_rows_and_fit_the_width() {
        assert_eq!(rows_of_a_panel(22, 300.0), 22);
        assert_eq!(rows_of_a_panel(40, 300.0), 40);
        assert_eq!(rows_of_a_panel(41, 300.0), 21);
        assert_eq!(rows_of_a_panel(103, 300.0), 35);
        assert_eq!(rows_of_a_panel(103, 500.0), 52);
        assert_eq!(rows_of_a_panel(103, 900.0), 103);
    }
}
