//! What a difference between two engines looks like: [`causes`]. A hint for the reader; it decides nothing.

use bigdecimal::num_bigint::BigInt;
use bigdecimal::{BigDecimal, ToPrimitive, Zero};

use crate::protocol::answer::{Kind, Scalar};

/// A value of an answer.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Said<'a> {
    pub(crate) kind: Kind,
    pub(crate) text: Option<&'a str>,
}

/// Relative difference below which two numbers may be the same in single precision, after many additions.
const SINGLE: f64 = 1e-3;
/// Below it a sum is nothing but the rounding errors of its parts.
const NEARLY_ZERO: f64 = 1e-6;
/// Below it two sums of which one is less than half the other are.
const AROUND_ZERO: f64 = 1e-4;
const QUARTER_HOUR: i128 = 900_000_000_000;

/// What two values that should be equal look like.
pub(crate) fn causes(ours: Said<'_>, theirs: Said<'_>) -> Vec<String> {
    let mut found = Vec::new();
    let (Some(one), Some(other)) = (ours.text, theirs.text) else {
        let nan = [ours, theirs].iter().any(|said| said.text.is_some_and(|text| text.eq_ignore_ascii_case("nan")));
        found.extend(nan.then(|| "NULL against NaN: engines treat them, and sort them, in unlike ways".to_owned()));
        return found;
    };
    if let (Some(one), Some(other)) = (number(one), number(other)) {
        found.extend(overflow(&one, &other));
        found.extend(of_floats([ours.kind, theirs.kind], &one, &other));
        found.extend(cut([ours, theirs], &one, &other));
        let whole = |number: &BigDecimal| number.with_scale(0);
        if one.is_integer() != other.is_integer() && whole(&one) == whole(&other) {
            found.push("integer against decimal division: one engine drops the fraction".to_owned());
        }
    } else if let (Some(Scalar::Timestamp(one)), Some(Scalar::Timestamp(other))) =
        (Scalar::read(one, Kind::Timestamp), Scalar::read(other, Kind::Timestamp))
    {
        let apart = (one - other).abs();
        if apart % QUARTER_HOUR == 0 && apart <= 56 * QUARTER_HOUR {
            found.push("a time zone: the two are whole quarters of an hour apart".to_owned());
        }
    } else if one != other && one.to_lowercase() == other.to_lowercase() {
        found.push("case: the texts are the same but for it".to_owned());
    }
    found
}

/// Whether one is the other after an overflow.
fn overflow(one: &BigDecimal, other: &BigDecimal) -> Option<String> {
    // A float next to a large number has lost its last digits.
    let apart = (one - other).abs();
    let near = |bits: u32| {
        let period = BigDecimal::from(BigInt::from(2).pow(bits));
        let periods = (&apart / &period).round(0);
        let left = (&apart - &periods * &period).abs();
        !periods.is_zero() && (left.is_zero() || (bits == 64 && left * 1_000_000_000_i64 < apart))
    };
    let bits = [64, 32].into_iter().find(|bits| near(*bits))?;
    Some(format!("differs by a multiple of 2^{bits}: overflow"))
}

/// Whether a decimal was cut to so few digits that little is left of a small number.
fn cut(said: [Said<'_>; 2], one: &BigDecimal, other: &BigDecimal) -> Option<String> {
    let places = |said: &Said<'_>| {
        let fraction = said.text?.split_once('.').map_or(0, |(_, fraction)| fraction.len());
        (said.kind == Kind::Decimal).then(|| i64::try_from(fraction).ok()).flatten()
    };
    let fewest = said.iter().filter_map(places).min()?;
    let within = one != other && (one - other).abs() <= BigDecimal::new(1.into(), fewest);
    within.then(|| {
        format!("digits that are cut: one engine keeps {fewest} after the point, too few for so small a number")
    })
}

fn of_floats(kinds: [Kind; 2], one: &BigDecimal, other: &BigDecimal) -> Option<String> {
    let (one, other) = (one.to_f64()?, other.to_f64()?);
    let larger = one.abs().max(other.abs());
    let is_float = |kind: &Kind| matches!(kind, Kind::Float | Kind::Float32);
    if kinds.contains(&Kind::Float32) && (one - other).abs() <= SINGLE * larger {
        return Some("single precision: one engine computes with some seven digits".to_owned());
    }
    let small = larger < NEARLY_ZERO || (larger < AROUND_ZERO && (one - other).abs() > larger / 2.0);
    (kinds.iter().any(is_float) && small)
        .then(|| "a sum that cancels: what is left of it are rounding errors".to_owned())
}

fn number(text: &str) -> Option<BigDecimal> {
    // An exponent of a float has at most three digits.
    let exponent = text.split_once(['e', 'E']).map_or("", |(_, exponent)| exponent);
    (exponent.len() <= 4).then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cause(one: (Kind, Option<&str>), other: (Kind, Option<&str>)) -> String {
        let said = |(kind, text)| Said { kind, text };
        causes(said(one), said(other)).join("; ")
    }

    #[test]
    fn causes_see_overflows_of_both_widths() {
        use Kind::{Float, Int};
        let sum = "1790000000002046000000";
        let wrapped = (1_790_000_000_002_046_000_000_i128 - 97 * (1 << 64)).to_string();
        assert!(cause((Int, Some(sum)), (Int, Some(&wrapped))).contains("2^64"));
        assert!(cause((Float, Some("1.790000000002046e21")), (Int, Some(&wrapped))).contains("2^64"));
        assert!(cause((Int, Some("3050000000000")), (Int, Some("548123648"))).is_empty());
        let product = 3_050_499_500_i64;
        assert!(
            cause((Int, Some(&product.to_string())), (Int, Some(&(product - (1 << 32)).to_string()))).contains("2^32")
        );
        assert_eq!(cause((Int, Some("7")), (Int, Some("8"))), "");
    }

    #[test]
    fn causes_see_precision_division_and_cancelling() {
        use Kind::{Decimal, Float, Float32, Int};
        assert!(cause((Float32, Some("13700.699")), (Float, Some("13700.800012"))).contains("single precision"));
        assert!(cause((Int, Some("2")), (Decimal, Some("2.5"))).contains("integer against decimal division"));
        assert!(cause((Float, Some("1e-12")), (Float, Some("0"))).contains("cancels"));
        assert!(cause((Float, Some("2.19e-05")), (Float, Some("-3.3e-06"))).contains("cancels"));
        assert!(cause((Float, Some("1.64e-06")), (Float, Some("1.86e-09"))).contains("cancels"));
        assert_eq!(cause((Float, Some("2.1e-05")), (Float, Some("2.2e-05"))), "");
        assert_eq!(cause((Float, Some("1.5")), (Float, Some("1.6"))), "");
    }

    #[test]
    fn causes_see_zones_case_and_nan() {
        use Kind::{Float, Text, Timestamp};
        let hours = |hour| (Timestamp, Some(hour));
        assert!(cause(hours("2024-03-31 01:30:00"), hours("2024-03-30 20:30:00")).contains("time zone"));
        assert_eq!(cause(hours("2024-03-31 01:30:00"), hours("2024-03-30 20:31:00")), "");
        assert!(cause((Text, Some("Zürich")), (Text, Some("zürich"))).contains("case"));
        assert!(cause((Float, Some("NaN")), (Float, None)).contains("NULL against NaN"));
    }
}
