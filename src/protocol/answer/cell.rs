//! One value of a result, as its type has it: [`Scalar`], with the text that stands for it in an answer and the bytes that stand
//! for it in a summary.
//!
//! Every engine of ours turns its own types into cells, so there is one place for the text of a decimal or of a day in the
//! year 10000. What equals what is the business of `compare`.

use super::Kind;

const NANOS_PER_SECOND: i128 = 1_000_000_000;
const NANOS_PER_DAY: i128 = 86_400 * NANOS_PER_SECOND;

/// A value with its type.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Scalar<'a> {
    /// NULL.
    Null,
    /// A whole number.
    Int(i128),
    /// So many units of the last of `scale` digits after the point.
    Decimal {
        /// The number without its point.
        units: i128,
        /// Digits after the point; none when it is negative.
        scale: i32,
    },
    /// A number in plain digits that the two above have no room for.
    Digits(&'a str),
    /// A binary number; one of single precision as the double of the same value.
    Float(f64),
    /// Text.
    Text(&'a str),
    /// A day, counted from 1970-01-01.
    Date(i64),
    /// An instant, in nanoseconds from 1970-01-01 in UTC.
    Timestamp(i128),
    /// True or false.
    Bool(bool),
}

impl<'a> Scalar<'a> {
    /// Reads the text of an answer; `None` when it does not have the form of its kind.
    pub fn read(text: &'a str, kind: Kind) -> Option<Self> {
        Some(match kind {
            Kind::Int | Kind::Decimal => number(text)?,
            Kind::Float => Self::Float(text.parse().ok()?),
            Kind::Float32 => Self::Float(single(text)?),
            Kind::Text | Kind::List => Self::Text(text),
            Kind::Date => {
                let nanos = instant(text)?;
                let midnight = nanos.rem_euclid(NANOS_PER_DAY) == 0;
                Self::Date(i64::try_from(nanos.div_euclid(NANOS_PER_DAY)).ok().filter(|_| midnight)?)
            }
            Kind::Timestamp => Self::Timestamp(instant(text)?),
            Kind::Bool => Self::Bool(match text {
                "true" => true,
                "false" => false,
                _ => return None,
            }),
        })
    }

    /// The text in an answer; `None` for NULL.
    pub fn text(&self, kind: Kind) -> Option<String> {
        Some(match *self {
            Self::Null => return None,
            Self::Int(number) => number.to_string(),
            Self::Decimal { units, scale } => decimal(units, scale),
            Self::Digits(words) | Self::Text(words) => words.to_owned(),
            // The fewest digits that make it again, in the precision that it has.
            #[expect(clippy::cast_possible_truncation, reason = "it was widened from this type")]
            Self::Float(number) if kind == Kind::Float32 => (number as f32).to_string(),
            Self::Float(number) => number.to_string(),
            Self::Date(days) => date(days),
            Self::Timestamp(nanos) => timestamp(nanos),
            Self::Bool(value) => value.to_string(),
        })
    }

    /// Bytes that are the same for values that are the same whatever their type: 7 and 7.00, a day and its midnight.
    pub(super) fn canonical<'b>(&'b self, buffer: &'b mut [u8; 24]) -> (u8, &'b [u8]) {
        match self {
            Self::Null => (tag::NULL, &[]),
            Self::Int(number) => (tag::NUMBER, number_bytes(*number, 0, buffer)),
            Self::Decimal { units, scale } => {
                let (units, scale) = normalized(*units, *scale);
                (tag::NUMBER, number_bytes(units, scale, buffer))
            }
            Self::Digits(text) => (tag::NUMBER, text.as_bytes()),
            Self::Float(number) if number.is_finite() => {
                // Adding zero makes one of the two zeros.
                buffer[..8].copy_from_slice(&(number + 0.0).to_bits().to_le_bytes());
                (tag::FLOAT, &buffer[..8])
            }
            Self::Float(number) => (class(*number), &[]),
            Self::Text(text) => (tag::TEXT, text.as_bytes()),
            Self::Date(days) => {
                buffer[..16].copy_from_slice(&(i128::from(*days) * NANOS_PER_DAY).to_le_bytes());
                (tag::INSTANT, &buffer[..16])
            }
            Self::Timestamp(nanos) => {
                buffer[..16].copy_from_slice(&nanos.to_le_bytes());
                (tag::INSTANT, &buffer[..16])
            }
            Self::Bool(value) => {
                buffer[0] = u8::from(*value);
                (tag::BOOL, &buffer[..1])
            }
        }
    }

    /// The number as a double, where it is one.
    #[expect(clippy::cast_precision_loss, reason = "it is compared within a tolerance of doubles")]
    pub(super) fn number(&self) -> Option<f64> {
        match self {
            Self::Int(number) => Some(*number as f64),
            Self::Decimal { units, scale } => Some(*units as f64 / 10_f64.powi(*scale)),
            Self::Digits(text) => text.parse().ok(),
            Self::Float(number) => Some(*number),
            _ => None,
        }
    }
}

/// The text of a list of such values, as [`Kind::List`] has it.
pub fn list_text<'a>(elements: impl Iterator<Item = Scalar<'a>>) -> String {
    let mut text = String::from("[");
    for (place, element) in elements.enumerate() {
        if place > 0 {
            text.push(',');
        }
        match element {
            Scalar::Text(words) => text += &serde_json::Value::from(words).to_string(),
            Scalar::Null => text += "null",
            other => text += &other.text(Kind::Int).unwrap_or_default(),
        }
    }
    text + "]"
}

/// What stands before the bytes of a value, so that no two types have the same.
pub(super) mod tag {
    pub(in crate::protocol::answer) const NULL: u8 = 0;
    pub(in crate::protocol::answer) const NUMBER: u8 = 1;
    pub(in crate::protocol::answer) const FLOAT: u8 = 2;
    pub(in crate::protocol::answer) const NAN: u8 = 3;
    pub(in crate::protocol::answer) const INFINITE: u8 = 4;
    pub(in crate::protocol::answer) const NEGATIVE_INFINITE: u8 = 5;
    pub(in crate::protocol::answer) const TEXT: u8 = 6;
    pub(in crate::protocol::answer) const BOOL: u8 = 7;
    pub(in crate::protocol::answer) const INSTANT: u8 = 8;
    /// Any finite number, where numbers are compared by their sums.
    pub(in crate::protocol::answer) const FINITE: u8 = 9;
}

/// Which kind of number it is, whatever its value.
pub(super) fn class(number: f64) -> u8 {
    if number.is_nan() {
        tag::NAN
    } else if number.is_finite() {
        tag::FINITE
    } else if number > 0.0 {
        tag::INFINITE
    } else {
        tag::NEGATIVE_INFINITE
    }
}

fn number_bytes(units: i128, scale: i32, buffer: &mut [u8; 24]) -> &[u8] {
    buffer[..16].copy_from_slice(&units.to_le_bytes());
    buffer[16..20].copy_from_slice(&scale.to_le_bytes());
    &buffer[..20]
}

/// Without zeros at the end of its fraction.
fn normalized(mut units: i128, mut scale: i32) -> (i128, i32) {
    if units == 0 {
        return (0, 0);
    }
    while scale > 0 && units % 10 == 0 {
        units /= 10;
        scale -= 1;
    }
    (units, scale)
}

/// 1 or -1, and what is behind the sign.
fn signed(text: &str) -> (i8, &str) {
    text.strip_prefix('-').map_or_else(|| (1, text.strip_prefix('+').unwrap_or(text)), |digits| (-1, digits))
}

/// Reads plain digits with at most one point.
fn number(text: &str) -> Option<Scalar<'_>> {
    let (sign, digits) = signed(text);
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let plain = |digits: &str| digits.bytes().all(|digit| digit.is_ascii_digit());
    if whole.len() + fraction.len() == 0 || !plain(whole) || !plain(fraction) {
        return None;
    }
    // With the zeros at its end, which say how exact it is; without them where they leave no room.
    let read = [fraction, fraction.trim_end_matches('0')].into_iter().find_map(|fraction| {
        let units = [whole, fraction].concat().parse::<i128>().ok()?;
        Some((i128::from(sign) * units, i32::try_from(fraction.len()).ok()?))
    });
    Some(match read {
        Some((units, 0)) => Scalar::Int(units),
        Some((units, scale)) => Scalar::Decimal { units, scale },
        None => Scalar::Digits(text),
    })
}

/// The number that stands for the text of one of single precision, as the engine has it: `0.1` is not the double of that name.
/// What has more digits was made by an engine that computed with doubles.
fn single(text: &str) -> Option<f64> {
    let double: f64 = text.parse().ok()?;
    let single: f32 = text.parse().ok()?;
    let fewest: f64 = single.to_string().parse().ok()?;
    Some(if fewest.to_bits() == double.to_bits() { f64::from(single) } else { double })
}

fn decimal(units: i128, scale: i32) -> String {
    let places = scale.unsigned_abs() as usize;
    if scale <= 0 {
        return format!("{units}{}", "0".repeat(if units == 0 { 0 } else { places }));
    }
    let sign = if units < 0 { "-" } else { "" };
    let digits = format!("{:0width$}", units.unsigned_abs(), width = places + 1);
    let (whole, fraction) = digits.split_at(digits.len() - places);
    format!("{sign}{whole}.{fraction}")
}

/// `1998-09-02`; years of more than four digits have a sign, and the year before 1 is 0000.
fn date(days: i64) -> String {
    let (year, month, day) = civil(days);
    let year = if (0..=9999).contains(&year) { format!("{year:04}") } else { format!("{year:+05}") };
    format!("{year}-{month:02}-{day:02}")
}

/// `1998-09-02 12:00:00.5`.
fn timestamp(nanos: i128) -> String {
    let day = date(i64::try_from(nanos.div_euclid(NANOS_PER_DAY)).unwrap_or(i64::MAX));
    let within = nanos.rem_euclid(NANOS_PER_DAY);
    let (seconds, fraction) = (within / NANOS_PER_SECOND, within % NANOS_PER_SECOND);
    let fraction = if fraction > 0 { format!(".{fraction:09}") } else { String::new() };
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    format!("{day} {hours:02}:{minutes:02}:{seconds:02}{}", fraction.trim_end_matches('0'))
}

/// Reads a day or a time: nanoseconds from 1970-01-01. A zone is UTC's or none.
pub(super) fn instant(text: &str) -> Option<i128> {
    let (sign, unsigned) = signed(text);
    let (day, time) = unsigned.split_once([' ', 'T']).unwrap_or((unsigned, ""));
    let mut parts = day.split('-');
    let (year, month, date) =
        (digits(parts.next()?, 4..=9)?, digits(parts.next()?, 2..=2)?, digits(parts.next()?, 2..=2)?);
    let year = i64::from(sign) * year;
    if parts.next().is_some() || !(1..=12).contains(&month) || !(1..=days_in(year, month)).contains(&date) {
        return None;
    }
    let days = days(year, month, date);
    let midnight = i128::from(days) * NANOS_PER_DAY;
    if time.is_empty() { Some(midnight) } else { Some(midnight + clock(time)?) }
}

/// `12:00:00.500Z` in nanoseconds.
fn clock(text: &str) -> Option<i128> {
    // Engines differ in whether they write the zone of a time that is kept in UTC.
    let text = ["Z", "+00:00", "+00"].iter().find_map(|zone| text.strip_suffix(zone)).unwrap_or(text);
    let (clock, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let mut parts = clock.split(':');
    let mut part = |most: i64| digits(parts.next()?, 2..=2).filter(|part| *part <= most);
    let (hours, minutes, seconds) = (part(23)?, part(59)?, part(59)?);
    if parts.next().is_some() {
        return None;
    }
    let nanos = digits(&format!("{fraction:0<9}"), 9..=9)?;
    Some(i128::from(hours * 3600 + minutes * 60 + seconds) * NANOS_PER_SECOND + i128::from(nanos))
}

fn digits(text: &str, length: std::ops::RangeInclusive<usize>) -> Option<i64> {
    let plain = length.contains(&text.len()) && text.bytes().all(|digit| digit.is_ascii_digit());
    plain.then(|| text.parse().ok()).flatten()
}

fn days_in(year: i64, month: i64) -> i64 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days from 1970-01-01 in the Gregorian calendar, also before it was made. A year here begins in March, so that the day that
/// some years have more is their last.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let (era, of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

/// Year, month and day: [`days`] the other way round.
fn civil(days: i64) -> (i64, i64, i64) {
    let days = days.saturating_add(719_468);
    let (era, of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let part = (5 * of_year + 2) / 153;
    let (day, month) = (of_year - (153 * part + 2) / 5 + 1, if part < 10 { part + 3 } else { part - 9 });
    (year + era * 400 + i64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn list_text_is_json() {
        let text = |elements: &[Scalar<'_>]| list_text(elements.iter().copied());
        assert_eq!(text(&[]), "[]");
        assert_eq!(text(&[Scalar::Int(-7), Scalar::Null, Scalar::Int(8)]), "[-7,null,8]");
        assert_eq!(text(&[Scalar::Text("a \"b\""), Scalar::Text("\n\u{1f}é")]), r#"["a \"b\"","\n\u001fé"]"#);
    }

    #[test]
    fn cell_text_reads_the_same() {
        for (text, kind) in [
            ("7", Kind::Int),
            ("-18446744073709551615", Kind::Int),
            ("-0.05", Kind::Decimal),
            ("1193053.2253", Kind::Decimal),
            ("540.000000", Kind::Decimal),
            ("0.30000000000000004", Kind::Float),
            ("0.1", Kind::Float32),
            ("NaN", Kind::Float),
            ("a;b", Kind::Text),
            ("1998-09-02", Kind::Date),
            ("+10000-01-01", Kind::Date),
            ("0000-02-29", Kind::Date),
            ("-0001-12-31", Kind::Date),
            ("9999-12-31 23:59:59", Kind::Timestamp),
            ("1200-03-01 00:00:00", Kind::Timestamp),
            ("2024-06-01 12:00:00.000000001", Kind::Timestamp),
            ("true", Kind::Bool),
        ] {
            assert_eq!(Scalar::read(text, kind).unwrap().text(kind).as_deref(), Some(text));
        }
    }

    #[test]
    fn cell_read_of_single_precision_is_what_the_engine_has() {
        for (text, number) in [
            ("0.1", f64::from(0.1_f32)),
            ("1e-45", f64::from(f32::from_bits(1))),
            ("16777216", 16_777_216.0),
            ("0.10000000000000002", 0.100_000_000_000_000_02),
            ("1e300", 1e300),
            ("1e-50", 1e-50),
            ("inf", f64::INFINITY),
        ] {
            assert_eq!(Scalar::read(text, Kind::Float32), Some(Scalar::Float(number)), "{text}");
        }
    }

    #[test]
    fn cell_read_refuses_what_has_another_form() {
        for (text, kind) in [
            ("", Kind::Int),
            ("1e5", Kind::Decimal),
            ("1.2.3", Kind::Decimal),
            ("-", Kind::Int),
            ("2023-02-29", Kind::Date),
            ("1998-9-2", Kind::Date),
            ("1998-09-02 12:00:00", Kind::Date),
            ("1998-09-02 24:00:00", Kind::Timestamp),
            ("1998-09-02 12:00", Kind::Timestamp),
            ("1998-09-02 12:00:00+02", Kind::Timestamp),
            ("yes", Kind::Bool),
        ] {
            assert_eq!(Scalar::read(text, kind), None, "{text}");
        }
    }

    #[test]
    fn days_and_civil_agree_over_many_centuries() {
        let mut day = days(-4000, 1, 1);
        assert_eq!(days(1970, 1, 1), 0);
        while day < days(12_000, 1, 1) {
            let (year, month, date) = civil(day);
            assert_eq!(days(year, month, date), day);
            assert!((1..=days_in(year, month)).contains(&date), "{year} {month} {date}");
            day += 97;
        }
    }

    #[test]
    fn canonical_bytes_are_the_same_for_the_same_value() {
        let bytes = |cell: Scalar<'_>| {
            let mut buffer = [0; 24];
            let (tag, bytes) = cell.canonical(&mut buffer);
            (tag, bytes.to_vec())
        };
        let seven = bytes(Scalar::Int(7));
        assert_eq!(seven, bytes(Scalar::Decimal { units: 700, scale: 2 }));
        for zeros in [3, 37, 38, 60] {
            assert_eq!(seven, bytes(Scalar::read(&format!("7.{}", "0".repeat(zeros)), Kind::Decimal).unwrap()));
        }
        assert_ne!(seven, bytes(Scalar::Int(70)));
        assert_eq!(bytes(Scalar::Float(0.0)), bytes(Scalar::Float(-0.0)));
        assert_eq!(bytes(Scalar::Date(1)), bytes(Scalar::Timestamp(NANOS_PER_DAY)));
        assert_ne!(bytes(Scalar::Null), bytes(Scalar::Text("")));
    }
}
