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
mod stacked;
mod theme;

#[cfg(test)]
mod tests;

pub use bars::{Bar, bars};
pub use canvas::{Picture, count};
pub use heat::{Heat, heat};
pub use lines::{Axes, Line, lines};
pub use scatter::{Spot, scatter};
pub use spread::spread;
pub use stacked::{Stack, stacked};
pub use theme::{Hue, STYLE};
