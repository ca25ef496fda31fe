//! A server's values, which come as JSON with the names of their types, and what they are here: [`Type`] and [`Cell`].

use std::fmt;

use anyhow::{Context, bail};
use serde::de::{Deserialize, Deserializer, Visitor};

use crate::engine::Result;
use crate::protocol::answer::{Kind, Scalar, list_text};

/// A value as it was sent: text, a number, or nothing.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Sent {
    Null,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(String),
    /// An array.
    List(Vec<Sent>),
    /// A map, which has no form here.
    Nested,
}

/// A value as it is kept: what its type says, and no text that is yet to be read.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Cell {
    Null,
    Bool(bool),
    Int(i64),
    Float(f64),
    Decimal { units: i128, scale: i32 },
    Text(String),
    Date(i64),
    Timestamp(i128),
}

/// How the values of a column are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Type {
    pub(super) kind: Kind,
}

impl Type {
    /// By the name that the server gives: `decimal(15,2)`, `timestamp(3) with time zone`. `None` where values have no form here.
    pub(super) fn named(name: &str) -> Option<Self> {
        if let Some(element) = name.strip_prefix("array(").and_then(|rest| rest.strip_suffix(')')) {
            let is_plain = matches!(Self::named(element)?.kind, Kind::Text | Kind::Int);
            return is_plain.then_some(Self { kind: Kind::List });
        }
        let base = name.split('(').next().unwrap_or(name);
        let zoned = name.ends_with(" with time zone");
        let kind = match base {
            "boolean" => Kind::Bool,
            "tinyint" | "smallint" | "integer" | "bigint" => Kind::Int,
            "real" => Kind::Float32,
            "double" => Kind::Float,
            "decimal" => Kind::Decimal,
            "date" => Kind::Date,
            "timestamp" | "timestamp with time zone" => Kind::Timestamp,
            // A column of nothing but NULLs has no type, and any kind can hold them.
            "varchar" | "char" | "unknown" if !zoned => Kind::Text,
            _ => return None,
        };
        Some(Self { kind })
    }

    /// Reads a value of this type.
    pub(super) fn read(self, sent: Sent) -> Result<Cell> {
        Ok(match (self.kind, sent) {
            (_, Sent::Null) => Cell::Null,
            (Kind::Bool, Sent::Bool(value)) => Cell::Bool(value),
            (Kind::Int, Sent::Int(value)) => Cell::Int(value),
            (Kind::Float | Kind::Float32, Sent::Float(value)) => Cell::Float(value),
            #[expect(clippy::cast_precision_loss, reason = "a number without a fraction is sent as what it is")]
            (Kind::Float | Kind::Float32, Sent::Int(value)) => Cell::Float(value as f64),
            (Kind::Float | Kind::Float32, Sent::Text(text)) => {
                Cell::Float(text.parse().with_context(|| format!("'{text}' is no number"))?)
            }
            (Kind::Text, Sent::Text(text)) => Cell::Text(text),
            (Kind::List, Sent::List(elements)) => {
                let elements = elements.iter().map(Sent::element).collect::<Result<Vec<_>>>()?;
                Cell::Text(list_text(elements.into_iter()))
            }
            (Kind::Timestamp, Sent::Text(text)) => Cell::Timestamp(instant(&text)?),
            (kind, Sent::Text(text)) => match Scalar::read(&text, kind) {
                Some(Scalar::Decimal { units, scale }) => Cell::Decimal { units, scale },
                Some(Scalar::Int(value)) => Cell::Decimal { units: value, scale: 0 },
                Some(Scalar::Date(days)) => Cell::Date(days),
                _ => bail!("'{text}' has not the form of a {kind:?}"),
            },
            (kind, other) => bail!("the server sent {other:?} where a {kind:?} belongs"),
        })
    }
}

/// Nanoseconds from 1970-01-01 in UTC: of `2024-03-31 01:30:00.000 UTC`, or with another zone, or none. A server has up to twelve digits
/// of a second, of which an answer holds nine.
fn instant(text: &str) -> Result<i128> {
    let zone = text.rsplit_once(' ').filter(|(_, zone)| !zone.starts_with(|letter: char| letter.is_ascii_digit()));
    let (local, ahead) = match zone {
        None => (text, 0),
        Some((local, "UTC")) => (local, 0),
        Some((local, zone)) => (
            local,
            minutes_ahead(zone).with_context(|| {
                format!("'{text}' is in a zone that this client does not know: write AT TIME ZONE 'UTC' behind the expression")
            })?,
        ),
    };
    let whole =
        local.split_once('.').filter(|(_, fraction)| fraction.len() > 9).map_or(local, |_| local.trim_end_matches('0'));
    match Scalar::read(whole, Kind::Timestamp) {
        Some(Scalar::Timestamp(nanos)) => Ok(nanos - i128::from(ahead) * 60_000_000_000),
        _ => bail!("'{text}' has not the form of a timestamp of nanoseconds at most"),
    }
}

/// How far a zone such as `+05:30` is ahead of UTC.
fn minutes_ahead(zone: &str) -> Option<i64> {
    let (hours, minutes) = zone.strip_prefix(['+', '-'])?.split_once(':')?;
    let ahead = i64::from(hours.parse::<u8>().ok()?) * 60 + i64::from(minutes.parse::<u8>().ok()?);
    Some(if zone.starts_with('-') { -ahead } else { ahead })
}

impl Sent {
    /// As an element of a list.
    fn element(&self) -> Result<Scalar<'_>> {
        Ok(match self {
            Self::Null => Scalar::Null,
            Self::Int(number) => Scalar::Int((*number).into()),
            Self::Text(text) => Scalar::Text(text),
            other => bail!("the server sent {other:?} in a list of texts or whole numbers"),
        })
    }
}

impl Cell {
    /// For an answer.
    pub(super) fn scalar(&self) -> Scalar<'_> {
        match self {
            Self::Null => Scalar::Null,
            Self::Bool(value) => Scalar::Bool(*value),
            Self::Int(value) => Scalar::Int(i128::from(*value)),
            Self::Float(value) => Scalar::Float(*value),
            Self::Decimal { units, scale } => Scalar::Decimal { units: *units, scale: *scale },
            Self::Text(text) => Scalar::Text(text),
            Self::Date(days) => Scalar::Date(*days),
            Self::Timestamp(nanos) => Scalar::Timestamp(*nanos),
        }
    }
}

impl<'de> Deserialize<'de> for Sent {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        deserializer.deserialize_any(Visit)
    }
}

struct Visit;

impl<'de> Visitor<'de> for Visit {
    type Value = Sent;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value of a row")
    }

    fn visit_unit<E>(self) -> std::result::Result<Sent, E> {
        Ok(Sent::Null)
    }

    fn visit_bool<E>(self, value: bool) -> std::result::Result<Sent, E> {
        Ok(Sent::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> std::result::Result<Sent, E> {
        Ok(Sent::Int(value))
    }

    fn visit_u64<E: serde::de::Error>(self, value: u64) -> std::result::Result<Sent, E> {
        i64::try_from(value).map(Sent::Int).map_err(E::custom)
    }

    fn visit_f64<E>(self, value: f64) -> std::result::Result<Sent, E> {
        Ok(Sent::Float(value))
    }

    fn visit_str<E>(self, text: &str) -> std::result::Result<Sent, E> {
        Ok(Sent::Text(text.to_owned()))
    }

    fn visit_string<E>(self, text: String) -> std::result::Result<Sent, E> {
        Ok(Sent::Text(text))
    }

    fn visit_seq<A: serde::de::SeqAccess<'de>>(self, mut values: A) -> std::result::Result<Sent, A::Error> {
        let mut elements = Vec::new();
        while let Some(element) = values.next_element()? {
            elements.push(element);
        }
        Ok(Sent::List(elements))
    }

    fn visit_map<A: serde::de::MapAccess<'de>>(self, mut values: A) -> std::result::Result<Sent, A::Error> {
        while values.next_entry::<serde::de::IgnoredAny, serde::de::IgnoredAny>()?.is_some() {}
        Ok(Sent::Nested)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(name: &str, json: &str) -> Result<Cell> {
        Type::named(name).unwrap().read(serde_json::from_str(json)?)
    }

    #[test]
    fn type_read_knows_what_the_server_sends() {
        let decimal = |units, scale| Cell::Decimal { units, scale };
        for (name, json, cell) in [
            ("bigint", "9223372036854775807", Cell::Int(i64::MAX)),
            ("integer", "null", Cell::Null),
            ("decimal(15,2)", "\"-0.05\"", decimal(-5, 2)),
            ("decimal(38,0)", "\"12\"", decimal(12, 0)),
            ("double", "0.1", Cell::Float(0.1)),
            ("double", "7", Cell::Float(7.0)),
            ("double", "\"Infinity\"", Cell::Float(f64::INFINITY)),
            ("varchar(25)", "\"1998-09-02\"", Cell::Text("1998-09-02".to_owned())),
            ("char(1)", "\"A\"", Cell::Text("A".to_owned())),
            ("date", "\"1970-01-02\"", Cell::Date(1)),
            ("timestamp(3)", "\"1970-01-01 00:00:01.500\"", Cell::Timestamp(1_500_000_000)),
            ("timestamp(3) with time zone", "\"1970-01-01 00:00:01.000 UTC\"", Cell::Timestamp(1_000_000_000)),
            ("timestamp(6)", "\"2024-03-31 01:30:00.123456\"", Cell::Timestamp(1_711_848_600_123_456_000)),
            ("timestamp(9)", "\"1969-12-31 23:59:59.999999999\"", Cell::Timestamp(-1)),
            ("timestamp(12)", "\"1970-01-01 00:00:00.000000001000\"", Cell::Timestamp(1)),
            ("timestamp(0)", "\"+10000-01-01 00:00:00\"", Cell::Timestamp(253_402_300_800_000_000_000)),
            ("timestamp(3) with time zone", "\"1970-01-01 05:30:01.000 +05:30\"", Cell::Timestamp(1_000_000_000)),
            ("timestamp(0) with time zone", "\"1969-12-31 23:00:00 -01:00\"", Cell::Timestamp(0)),
            ("boolean", "true", Cell::Bool(true)),
            ("unknown", "null", Cell::Null),
            ("array(varchar)", r#"["a","\"b"]"#, Cell::Text(r#"["a","\"b"]"#.to_owned())),
            ("array(bigint)", "[1,null]", Cell::Text("[1,null]".to_owned())),
        ] {
            assert_eq!(read(name, json).unwrap(), cell, "{name} {json}");
        }
    }

    #[test]
    fn type_refuses_what_has_no_form() {
        for name in
            ["array(double)", "array(row(a bigint))", "row(a bigint)", "varbinary", "time(3)", "interval day to second"]
        {
            assert_eq!(Type::named(name), None, "{name}");
        }
        let berlin = read("timestamp(3) with time zone", "\"2024-07-01 12:00:00.000 Europe/Berlin\"").unwrap_err();
        assert!(berlin.to_string().contains("AT TIME ZONE 'UTC'"), "{berlin}");
        assert!(read("timestamp(12)", "\"1970-01-01 00:00:00.000000000001\"").is_err());
        for (name, json) in [("bigint", "\"x\""), ("date", "\"soon\""), ("varchar", "[1]"), ("boolean", "1")] {
            assert!(read(name, json).is_err(), "{name} {json}");
        }
    }
}
