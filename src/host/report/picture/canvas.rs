//! The sheet that a picture is drawn on: plotters' shapes in CSS pixels, and text whose width is estimated.
//!
//! plotters rounds to whole pixels, so that the sheet is [`FINE`] times as large inside as it is shown.

use anyhow::{Result, anyhow};
use plotters::coord::Shift;
use plotters::element::DashedPathElement;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::theme::{self, INK, PAPER, SOFT};

/// A drawn picture: an SVG element without a style of its own.
#[derive(Debug, Clone)]
pub struct Picture {
    /// The file's name without `.svg`.
    pub name: String,
    /// One sentence for those who do not see it; the element's `aria-label`.
    pub alt: String,
    /// In CSS pixels.
    pub width: u32,
    svg: String,
}

impl Picture {
    /// The element for an HTML page that has [`theme::STYLE`] in its head; its colours are CSS variables.
    pub fn inline(&self) -> &str {
        &self.svg
    }

    /// The contents of an SVG file: with [`theme::STYLE`] inside, and plain light colours for what knows no CSS variables.
    pub fn standalone(&self) -> String {
        theme::standalone(&self.svg)
    }
}

/// A point in CSS pixels from the upper left corner.
pub(super) type Point = (f64, f64);

const FINE: f64 = 4.0;
/// plotters divides a font's size by this number.
const PLOTTERS_EM: f64 = 1.24;

/// Where shapes go.
pub(super) struct Canvas<'a> {
    area: DrawingArea<SVGBackend<'a>, Shift>,
}

/// How text looks and which of its corners or sides lies at the given point.
#[derive(Clone, Copy)]
pub(super) struct Font {
    pub size: f64,
    color: RGBColor,
    bold: bool,
    turned: bool,
    side: HPos,
}

/// Draws a picture of `size` CSS pixels: background and title first, then what `draw` adds.
pub(super) fn paint(
    (name, title, alt): (&str, &str, String),
    (width, height): Point,
    draw: impl FnOnce(&Canvas) -> Result<()>,
) -> Result<Picture> {
    let fine = (whole(width * FINE).unsigned_abs(), whole(height * FINE).unsigned_abs());
    let mut raw = String::with_capacity(16_384);
    {
        let area = SVGBackend::with_string(&mut raw, fine).into_drawing_area();
        let canvas = Canvas { area };
        canvas.rect((0.0, 0.0), (width, height), PAPER.mix(1.0))?;
        let font = Font::new(12.5).bold();
        canvas.text((10.0, 15.0), &fit(title, font.size * 1.08, width - 20.0), font)?;
        draw(&canvas)?;
        canvas.area.present()?;
    }
    let size = (whole(width).unsigned_abs(), whole(height).unsigned_abs());
    let svg = theme::finish(&raw, size, fine, &alt);
    Ok(Picture { name: name.to_owned(), alt, width: size.0, svg })
}

/// The error of a picture that has nothing to show.
pub(super) fn nothing(name: &str, wanted: &str) -> anyhow::Error {
    anyhow!("there is nothing to draw in the picture '{name}': it takes {wanted}")
}

impl Canvas<'_> {
    pub(super) fn rect(&self, (x, y): Point, (width, height): Point, color: RGBAColor) -> Result<()> {
        Ok(self.area.draw(&Rectangle::new([fine((x, y)), fine((x + width, y + height))], color.filled()))?)
    }

    pub(super) fn dot(&self, center: Point, radius: f64, color: RGBAColor) -> Result<()> {
        Ok(self.area.draw(&Circle::new(fine(center), whole(radius * FINE), color.filled()))?)
    }

    pub(super) fn ring(&self, center: Point, radius: f64, color: RGBAColor) -> Result<()> {
        Ok(self.area.draw(&Circle::new(fine(center), whole(radius * FINE), stroke(color, 1.0)))?)
    }

    pub(super) fn polygon(&self, corners: &[Point], color: RGBAColor) -> Result<()> {
        let corners: Vec<_> = corners.iter().copied().map(fine).collect();
        Ok(self.area.draw(&Polygon::new(corners, color.filled()))?)
    }

    pub(super) fn line(&self, points: &[Point], color: RGBAColor, width: f64) -> Result<()> {
        let points: Vec<_> = points.iter().copied().map(fine).collect();
        Ok(self.area.draw(&PathElement::new(points, stroke(color, width)))?)
    }

    pub(super) fn dashed(&self, points: &[Point], color: RGBAColor, width: f64) -> Result<()> {
        let points: Vec<_> = points.iter().copied().map(fine).collect();
        let (dash, gap) = (whole(5.0 * FINE), whole(4.0 * FINE));
        Ok(self.area.draw(&DashedPathElement::new(points, dash, gap, stroke(color, width)))?)
    }

    /// A line one pixel wide between two points of the same x or y, on a pixel's middle so that it is not blurred.
    pub(super) fn hair(&self, from: Point, to: Point, color: RGBColor) -> Result<()> {
        let snap = |(x, y): Point| (x.floor() + 0.5, y.floor() + 0.5);
        self.line(&[snap(from), snap(to)], color.mix(1.0), 1.0)
    }

    /// One line of text, its middle at the height of the point.
    pub(super) fn text(&self, at: Point, text: &str, font: Font) -> Result<()> {
        let style = if font.bold { FontStyle::Bold } else { FontStyle::Normal };
        let desc = FontDesc::new(FontFamily::SansSerif, font.size * PLOTTERS_EM * FINE, style);
        let desc = if font.turned { desc.transform(FontTransform::Rotate270) } else { desc };
        let style = TextStyle::from(desc).color(&font.color).pos(Pos::new(font.side, VPos::Center));
        Ok(self.area.draw(&Text::new(theme::clean(text), fine(at), style))?)
    }
}

impl Font {
    pub(super) fn new(size: f64) -> Self {
        Self { size, color: INK, bold: false, turned: false, side: HPos::Left }
    }

    pub(super) fn soft(self) -> Self {
        Self { color: SOFT, ..self }
    }

    pub(super) fn color(self, color: RGBColor) -> Self {
        Self { color, ..self }
    }

    pub(super) fn bold(self) -> Self {
        Self { bold: true, ..self }
    }

    /// The text ends at the point.
    pub(super) fn ending(self) -> Self {
        Self { side: HPos::Right, ..self }
    }

    /// The text's middle is at the point.
    pub(super) fn centered(self) -> Self {
        Self { side: HPos::Center, ..self }
    }

    /// The text runs upwards.
    pub(super) fn upwards(self) -> Self {
        Self { turned: true, ..self }
    }
}

/// The width of a text in pixels, rather too large than too small: fonts differ, and that of the reader is not known.
pub(super) fn width(text: &str, size: f64) -> f64 {
    let em = |c: char| match c {
        'i' | 'j' | 'l' | '.' | ',' | ':' | ';' | '\'' | '|' | '!' | ' ' | '(' | ')' => 0.36,
        'f' | 'r' | 't' | '-' | '/' => 0.42,
        'm' | 'w' | 'M' | 'W' | '@' | '%' | '&' => 0.95,
        'A'..='Z' => 0.7,
        c if c.is_ascii() || matches!(c, '×' | 'µ' | '–' | '±') => 0.62,
        _ => 1.0,
    };
    text.chars().map(em).sum::<f64>() * size
}

/// The text, or its beginning and `…` when it is too wide.
pub(super) fn fit(text: &str, size: f64, room: f64) -> String {
    cut(text, size, room, 0)
}

/// The text, or its beginning, `…` and its end when it is too wide: two versions of an engine differ at the end.
pub(super) fn fit_ends(text: &str, size: f64, room: f64) -> String {
    cut(text, size, room, 6)
}

fn cut(text: &str, size: f64, room: f64, tail: usize) -> String {
    if width(text, size) <= room {
        return text.to_owned();
    }
    let letters: Vec<char> = text.chars().collect();
    let tail: String = letters[letters.len() - tail.min(letters.len() / 2)..].iter().collect();
    let room = room - width(&tail, size) - size;
    let mut used = 0.0;
    let fits = |c: &&char| {
        used += width(c.encode_utf8(&mut [0; 4]), size);
        used <= room
    };
    let head: String = letters.iter().take_while(fits).collect();
    format!("{}…{tail}", head.trim_end())
}

/// A number of things as a coordinate or a divisor.
#[expect(clippy::cast_precision_loss, reason = "numbers of things to draw are far below 2^53")]
pub fn count(number: usize) -> f64 {
    number as f64
}

fn stroke(color: RGBAColor, width: f64) -> ShapeStyle {
    color.stroke_width(whole(width * FINE).unsigned_abs())
}

fn fine((x, y): Point) -> (i32, i32) {
    (whole(x * FINE), whole(y * FINE))
}

#[expect(clippy::cast_possible_truncation, reason = "coordinates are far below 2^31, and `as` saturates")]
fn whole(value: f64) -> i32 {
    value.round() as i32
}
