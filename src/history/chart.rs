//! A series as a small picture of text: its points, its levels and where it changed.

use crate::host::stats::changes::{Change, Level};

use super::analysis::value;

/// Lines of the picture.
const HEIGHT: usize = 8;
/// Its columns at most; of more points several share a column.
const WIDTH: usize = 72;
const POINT: char = '•';
const LEVEL: char = '─';
const CHANGE: char = '┊';
/// Where it would take other points their room.
const BEYOND: [char; 2] = ['▲', '▼'];

/// The picture, a line each, with the highest and the lowest value at its left. Spikes are at its edge.
pub(super) fn chart(values: &[f64], levels: &[Level], changes: &[Change], spikes: &[usize]) -> Vec<String> {
    let drawn = || values.iter().enumerate().filter(|(place, _)| !spikes.contains(place)).map(|(_, value)| *value);
    let (low, high) = (drawn().fold(f64::INFINITY, f64::min), drawn().fold(f64::NEG_INFINITY, f64::max));
    if low > high {
        return Vec::new();
    }
    let width = values.len().min(WIDTH);
    let column = |place: usize| place * width / values.len();
    let row = |value: f64| row(value, low, high);
    let mut cells = vec![vec![' '; width]; HEIGHT];
    for change in changes {
        for line in &mut cells {
            line[column(change.at)] = CHANGE;
        }
    }
    for level in levels {
        for place in level.from..level.to {
            cells[row(value(level, place))][column(place)] = LEVEL;
        }
    }
    for (place, value) in values.iter().enumerate() {
        let is_beyond = !(low..=high).contains(value);
        cells[row(*value)][column(place)] = if is_beyond { BEYOND[usize::from(*value < low)] } else { POINT };
    }
    let labels: Vec<String> = [high, low].iter().map(|value| format!("{value:.3}")).collect();
    let room = labels.iter().map(String::len).max().unwrap_or_default();
    let line = |(number, line): (usize, &Vec<char>)| {
        let label = match number {
            0 => labels[0].as_str(),
            _ if number + 1 == HEIGHT => labels[1].as_str(),
            _ => "",
        };
        format!("{label:>room$} {}", line.iter().collect::<String>()).trim_end().to_owned()
    };
    cells.iter().enumerate().map(line).collect()
}

/// The line of a value, from the highest on; what is beyond is at the edge.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "a line of a small picture"
)]
fn row(value: f64, low: f64, high: f64) -> usize {
    let share = if high > low { (high - value) / (high - low) } else { 0.5 };
    (share.clamp(0.0, 1.0) * (HEIGHT - 1) as f64).round() as usize
}
