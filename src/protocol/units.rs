//! Times and sizes with their units in the type: [`Nanos`] and [`Bytes`]; and numbers that people read: [`Count`].

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// A span of time in nanoseconds; prints with three or four significant digits and a unit.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Nanos(pub f64);

impl From<Duration> for Nanos {
    fn from(duration: Duration) -> Self {
        Self(duration.as_secs_f64() * 1e9)
    }
}

impl fmt::Display for Nanos {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (value, unit) = match self.0 {
            ns if ns < 1e3 => (ns, "ns"),
            ns if ns < 1e6 => (ns / 1e3, "µs"),
            ns if ns < 1e9 => (ns / 1e6, "ms"),
            ns => (ns / 1e9, "s"),
        };
        let decimals = match value {
            v if v < 10.0 => 2,
            v if v < 100.0 => 1,
            _ => 0,
        };
        f.pad(&format!("{value:.decimals$} {unit}"))
    }
}

/// A number of bytes; prints in binary units, reads `2GiB`, `512MiB`, `100MB` or a plain number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Bytes(pub u64);

const BINARY: [(&str, u64); 4] = [("TiB", 1 << 40), ("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)];
const DECIMAL: [(&str, u64); 5] =
    [("TB", 1_000_000_000_000), ("GB", 1_000_000_000), ("MB", 1_000_000), ("kB", 1_000), ("B", 1)];

impl Bytes {
    /// Of a mean, to be shown.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "shown with three digits")]
    pub fn about(mean: f64) -> Self {
        Self(mean as u64)
    }

    /// The exact size without a space, for names: `2GiB`, `1500MiB`, `1234B`.
    pub fn compact(self) -> String {
        let whole = |(_, size): &&(&str, u64)| self.0 > 0 && self.0.is_multiple_of(*size);
        BINARY
            .iter()
            .find(whole)
            .map_or_else(|| format!("{}B", self.0), |(unit, size)| format!("{}{unit}", self.0 / size))
    }
}

impl fmt::Display for Bytes {
    #[expect(clippy::cast_precision_loss, reason = "shown with two digits")]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = BINARY.iter().find(|(_, size)| self.0 >= *size).map_or_else(
            || format!("{} B", self.0),
            |(unit, size)| {
                let value = self.0 as f64 / *size as f64;
                let decimals = if value < 10.0 { 2 } else { usize::from(value < 100.0) };
                format!("{value:.decimals$} {unit}")
            },
        );
        f.pad(&text)
    }
}

impl FromStr for Bytes {
    type Err = String;

    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "sizes are far below 2^53 and were checked to be positive"
    )]
    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("'{text}' is not a size: give bytes with a unit, such as 2GiB or 512MiB");
        let trimmed = text.trim();
        let (digits, factor) = BINARY
            .iter()
            .chain(&DECIMAL)
            .find_map(|(unit, size)| Some((trimmed.strip_suffix(unit)?, *size)))
            .unwrap_or((trimmed, 1));
        let value: f64 = digits.trim().parse().map_err(|_| wrong())?;
        if !(value > 0.0 && value.is_finite()) {
            return Err(wrong());
        }
        Ok(Self((value * factor as f64) as u64))
    }
}

/// A number of things; prints with commas: `8,661,245`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Count(pub u64);

impl fmt::Display for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = self.0.to_string();
        for (place, digit) in digits.chars().enumerate() {
            let comma = place > 0 && (digits.len() - place).is_multiple_of(3);
            write!(f, "{}{digit}", if comma { "," } else { "" })?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_carry_the_unit_that_fits() {
        for (ns, text) in [(42.0, "42.0 ns"), (1_500.0, "1.50 µs"), (2.5e8, "250 ms"), (1.23e9, "1.23 s")] {
            assert_eq!(Nanos(ns).to_string(), text);
        }
    }

    #[test]
    fn sizes_read_what_they_print() {
        assert_eq!("2GiB".parse(), Ok(Bytes(2 << 30)));
        assert_eq!("1.5 MiB".parse(), Ok(Bytes(3 << 19)));
        assert_eq!("100MB".parse(), Ok(Bytes(100_000_000)));
        assert_eq!("77".parse(), Ok(Bytes(77)));
        assert_eq!(Bytes(3 << 19).to_string(), "1.50 MiB");
        assert_eq!(Bytes(5).to_string(), "5 B");
        assert_eq!([7, 77, 1000, 8_661_245].map(|n| Count(n).to_string()), ["7", "77", "1,000", "8,661,245"]);
        for text in ["", "GiB", "-1MiB", "inf", "2 parsecs"] {
            assert!(text.parse::<Bytes>().is_err(), "{text}");
        }
    }
}
