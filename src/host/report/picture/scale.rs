//! Axes: from values to pixels, and the values that are written beside them.

use crate::protocol::units::{Bytes, Nanos};

use super::canvas::count;

/// Larger values (31 years in nanoseconds) are drawn as this one.
const MOST: f64 = 1e18;
/// On a logarithmic axis, smaller values are drawn as this one.
const LEAST: f64 = 1e-9;

/// A number that can be drawn, or nothing; on a logarithmic axis it must be above zero.
pub(super) fn sane(value: f64, log: bool) -> Option<f64> {
    match value {
        v if !v.is_finite() || (log && v <= 0.0) => None,
        v if log => Some(v.clamp(LEAST, MOST)),
        v => Some(v.clamp(-MOST, MOST)),
    }
}

/// What a value means, which decides about ticks and their labels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unit {
    Number,
    Time,
    Memory,
}

/// An axis between two values.
#[derive(Debug, Clone, Copy)]
pub(super) struct Scale {
    low: f64,
    high: f64,
    log: bool,
    from: f64,
    to: f64,
}

impl Scale {
    /// From the least value (at the pixel `from`) to the greatest (at the pixel `to`), all of them sane. Equal values get
    /// some room on both sides; without a value the axis goes from 1 to 2.
    pub(super) fn over(values: impl Iterator<Item = f64>, log: bool, (from, to): (f64, f64)) -> Self {
        let (low, high) = values.fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), v| (l.min(v), h.max(v)));
        let (low, high) = if low > high { (1.0, 2.0) } else { (low, high) };
        let (low, high) = match (log, high - low) {
            (true, _) if high / low < 1.0 + 1e-6 => (low / 1.5, high * 1.5),
            (false, span) if span <= 1e-9 * high.abs().max(low.abs()) => {
                let half = if high == 0.0 { 1.0 } else { high.abs() / 2.0 };
                (low - half, high + half)
            }
            _ => (low, high),
        };
        Self { low, high, log, from, to }
    }

    /// The same axis with room beside the values, in pixels at its beginning and its end.
    pub(super) fn padded(self, begin: f64, end: f64) -> Self {
        let sign = (self.to - self.from).signum();
        let inner = Self { from: self.from + sign * begin, to: self.to - sign * end, ..self };
        Self { low: inner.value(self.from), high: inner.value(self.to), ..self }
    }

    /// The pixel of a value.
    pub(super) fn at(&self, value: f64) -> f64 {
        let (low, high, value) = (self.bend(self.low), self.bend(self.high), self.bend(value));
        self.from + (value - low) / (high - low) * (self.to - self.from)
    }

    /// True for a value on the axis.
    pub(super) fn holds(&self, value: f64) -> bool {
        let slack = 1e-6 * (self.to - self.from).abs();
        let (least, most) = (self.from.min(self.to) - slack, self.from.max(self.to) + slack);
        (least..=most).contains(&self.at(value))
    }

    /// About `wanted` values worth a grid line; round ones in their unit.
    pub(super) fn ticks(&self, wanted: usize, unit: Unit) -> Vec<f64> {
        if !self.log {
            return self.even(wanted, unit);
        }
        let base: f64 = if unit == Unit::Memory { 2.0 } else { 10.0 };
        let (first, last) = (self.low.log(base).floor(), self.high.log(base).ceil());
        let powers = || std::iter::successors(Some(first), |p| Some(p + 1.0)).take_while(move |p| *p <= last);
        let steps: &[f64] = if unit == Unit::Memory { &[1.0] } else { &[1.0, 2.0, 5.0] };
        // Fewer and fewer until they fit: 1-2-5, then each power, then every second, third ...
        for every in 0..=200_u32 {
            let (steps, every) = if every == 0 { (steps, 1.0) } else { (&[1.0][..], f64::from(every)) };
            let ticks: Vec<f64> = powers()
                .filter(|power| power.rem_euclid(every) == 0.0)
                .flat_map(|power| steps.iter().map(move |step| step * base.powf(power)))
                .filter(|tick| self.holds(*tick))
                .collect();
            if ticks.len() <= wanted {
                return if ticks.len() < 2 { self.even(wanted, unit) } else { ticks };
            }
        }
        Vec::new()
    }

    fn even(&self, wanted: usize, unit: Unit) -> Vec<f64> {
        let rough = (self.high - self.low) / count(wanted.max(1));
        let unit = if unit == Unit::Memory { 1024_f64.powf(self.high.log(1024.0).floor().max(0.0)) } else { 1.0 };
        let power = 10_f64.powf((rough / unit).log10().floor()) * unit;
        let step = [1.0, 2.0, 5.0].into_iter().map(|m| m * power).find(|s| *s >= rough).unwrap_or(10.0 * power);
        let first = (self.low / step).ceil();
        (0..=wanted).map(|n| (first + count(n)) * step).filter(|tick| self.holds(*tick)).collect()
    }

    fn value(&self, pixel: f64) -> f64 {
        let (low, high) = (self.bend(self.low), self.bend(self.high));
        let bent = low + (pixel - self.from) / (self.to - self.from) * (high - low);
        if self.log { bent.exp() } else { bent }
    }

    fn bend(&self, value: f64) -> f64 {
        if self.log { value.max(LEAST * LEAST).ln() } else { value }
    }
}

/// A tick's label: without zeros that say nothing.
pub(super) fn label(value: f64, unit: Unit) -> String {
    let text = match unit {
        // Zero has no unit; `0 ns` beside `50 ms` distracts.
        _ if value == 0.0 => return "0".to_owned(),
        Unit::Number => number(value),
        Unit::Time => Nanos(value).to_string(),
        Unit::Memory => bytes(value).to_string(),
    };
    let (digits, unit) = text.split_once(' ').unwrap_or((&text, ""));
    let digits = if digits.contains('.') { digits.trim_end_matches('0').trim_end_matches('.') } else { digits };
    format!("{digits} {unit}").trim_end().to_owned()
}

/// A number of bytes that may have a fraction.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "`as` saturates")]
pub(super) fn bytes(value: f64) -> Bytes {
    Bytes(value.round() as u64)
}

/// A number with four significant digits at most.
fn number(value: f64) -> String {
    let decimals = match value.abs() {
        v if !(1e-4..1e6).contains(&v) => return format!("{value:.0e}"),
        v if v >= 1e3 => 0,
        v if v >= 100.0 => 1,
        v if v >= 10.0 => 2,
        v if v >= 1.0 => 3,
        _ => 6,
    };
    format!("{value:.decimals$}")
}
