//! The pictures of the report: bars, scatter, heat, lines and spread, as SVG that is legible in light, dark and print.
//!
//! Pure functions from numbers to [`Picture`]s. What is shown, in which order and which colours is the caller's choice;
//! numbers that cannot be drawn (NaN, infinite, a time of zero on a logarithmic axis) are left out and never panic.

mod bars;
mod canvas;
mod curve;
mod heat;
mod lines;
mod place;
mod scale;
mod scatter;
mod spread;
mod theme;

#[cfg(test)]
mod tests;

pub use bars::{Bar, bars};
pub use heat::{Heat, heat};
pub use lines::{Axes, Line, lines};
pub use scatter::{Spot, scatter};
pub use spread::spread;
pub use theme::STYLE;

/// A drawn picture: an SVG element without a style of its own.
#[derive(Debug, Clone)]
pub struct Picture {
    /// The file's name without `.svg`.
    pub name: String,
    /// What is drawn at the top.
    pub title: String,
    /// One sentence for those who do not see it; the element's `aria-label`.
    pub alt: String,
    /// In CSS pixels.
    pub width: u32,
    svg: String,
}

impl Picture {
    /// The element for an HTML page that has [`STYLE`] in its head; its colours are CSS variables.
    pub fn inline(&self) -> &str {
        &self.svg
    }

    /// The contents of an SVG file: with [`STYLE`] inside, and plain light colours for what knows no CSS variables.
    pub fn standalone(&self) -> String {
        theme::standalone(&self.svg)
    }
}

/// An engine's name and colour, the same in every picture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hue {
    /// The engine, with its version where two of them are compared.
    pub label: String,
    /// Red, green and blue; of middle luminance, so that it is seen on white and on black.
    pub color: (u8, u8, u8),
}
