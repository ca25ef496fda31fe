//! A network that somebody set, [`Network`], and what was counted on the way, [`Traffic`].
//!
//! `rtt=2ms,first_byte=15ms,rate=100MB/s`. Who charges it is the proxy of `querydyno-s3`; nothing here does any I/O.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::protocol::units::Bytes;

/// What a way to a server costs, in addition to what it takes by itself.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Network {
    /// Of a new connection, once.
    pub rtt: Duration,
    /// Of each request, before the first byte of its answer.
    pub first_byte: Duration,
    /// Bytes a second of one connection.
    pub rate: Option<Bytes>,
    /// Bytes a second of all connections together.
    pub total_rate: Option<Bytes>,
    /// Of so many requests (the second), how many (the first, from the beginning) are told that the server is too busy.
    pub unavailable: Option<(u32, u32)>,
    /// Bytes of an answer after which its connection is cut.
    pub cut: Option<Bytes>,
}

/// What a network may be made of, for messages.
const KEYS: &str = "rtt=2ms, first_byte=15ms, rate=100MB/s, total_rate=1GB/s; unavailable=2/3 and cut=64KiB \
                    test what engines do about faults";

impl Network {
    /// Whether it is as it is.
    pub fn is_plain(&self) -> bool {
        *self == Self::default()
    }

    /// As ids have it: `rtt2ms-first15ms-rate100MB`.
    pub fn compact(&self) -> String {
        let size = |bytes: Option<Bytes>| bytes.map(short);
        let time = |time: Duration| (!time.is_zero()).then(|| span(time));
        let busy = self.unavailable.map(|(busy, of)| format!("{busy}of{of}"));
        let values =
            [time(self.rtt), time(self.first_byte), size(self.rate), size(self.total_rate), busy, size(self.cut)];
        let parts = COMPACT.iter().zip(values).filter_map(|(name, value)| Some(format!("{name}{}", value?)));
        parts.collect::<Vec<_>>().join("-")
    }

    /// The network that a variant's end tells, as [`compact`](Self::compact) has written it there: `rtt2ms` of `s3-2t-rtt2ms`. For results
    /// of which nothing else is known.
    pub fn in_variant(variant: &str) -> Option<&str> {
        let is_part = |part: &str| {
            let value = COMPACT.iter().find_map(|name| part.strip_prefix(name));
            value.is_some_and(|value| value.starts_with(|first: char| first.is_ascii_digit()))
        };
        let mut ends = variant.match_indices('-').map(|(place, _)| &variant[place + 1..]);
        ends.find(|end| end.split('-').all(is_part))
    }
}

/// What each part is called in ids, in the order in which they are there.
const COMPACT: [&str; 6] = ["rtt", "first", "rate", "total", "busy", "cut"];

/// A size in the largest decimal unit that has it exactly.
fn short(Bytes(bytes): Bytes) -> String {
    let units = [("GB", 1_000_000_000), ("MB", 1_000_000), ("kB", 1000)];
    let found = units.into_iter().find(|(_, size)| bytes.is_multiple_of(*size));
    found.map_or_else(|| format!("{bytes}B"), |(unit, size)| format!("{}{unit}", bytes / size))
}

fn span(time: Duration) -> String {
    let us = time.as_micros();
    if us.is_multiple_of(1000) { format!("{}ms", us / 1000) } else { format!("{us}us") }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut parts = Vec::new();
        for (name, time) in [("rtt", self.rtt), ("first_byte", self.first_byte)] {
            if !time.is_zero() {
                parts.push(format!("{name}={}", span(time)));
            }
        }
        for (name, rate) in [("rate", self.rate), ("total_rate", self.total_rate)] {
            parts.extend(rate.map(|rate| format!("{name}={}/s", short(rate))));
        }
        parts.extend(self.unavailable.map(|(busy, of)| format!("unavailable={busy}/{of}")));
        parts.extend(self.cut.map(|bytes| format!("cut={}", short(bytes))));
        f.write_str(&parts.join(","))
    }
}

impl FromStr for Network {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut network = Self::default();
        for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
            let wrong = || format!("'{part}' says nothing of a network: give {KEYS}");
            let (name, value) = part.split_once('=').ok_or_else(wrong)?;
            let size = || value.trim_end_matches("/s").parse::<Bytes>().map_err(|why| format!("{name}: {why}"));
            match name.trim() {
                "rtt" => network.rtt = time(value).ok_or_else(wrong)?,
                "first_byte" => network.first_byte = time(value).ok_or_else(wrong)?,
                "rate" => network.rate = Some(size()?),
                "total_rate" => network.total_rate = Some(size()?),
                "unavailable" => {
                    let (busy, of) = value.split_once('/').ok_or_else(wrong)?;
                    let (busy, of) = (busy.parse().map_err(|_| wrong())?, of.parse().map_err(|_| wrong())?);
                    network.unavailable = Some((busy, of)).filter(|_| of > 0 && busy <= of);
                    network.unavailable.ok_or_else(wrong)?;
                }
                "cut" => network.cut = Some(size()?),
                _ => return Err(wrong()),
            }
        }
        Ok(network)
    }
}

/// `15ms`, `0.5ms`, `500us`, `1s`; up to a minute.
fn time(text: &str) -> Option<Duration> {
    let units = [("us", 1e-6), ("ms", 1e-3), ("s", 1.0)];
    let (digits, unit) = units.into_iter().find_map(|(name, unit)| Some((text.trim().strip_suffix(name)?, unit)))?;
    let seconds = digits.trim().parse::<f64>().ok()? * unit;
    (0.0..=60.0).contains(&seconds).then(|| Duration::from_secs_f64(seconds))
}

impl From<Network> for String {
    fn from(network: Network) -> Self {
        network.to_string()
    }
}

impl TryFrom<String> for Network {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

/// What went between an engine and a server, as the proxy between them counts it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Traffic {
    /// Requests, whatever became of them.
    pub requests: u64,
    /// Connections that were opened.
    pub connections: u64,
    /// Bytes of answers, without their heads.
    pub bytes_received: u64,
    /// Bytes of requests, without their heads.
    pub bytes_sent: u64,
    /// Requests that the server answered with an error.
    pub errors: u64,
    /// Requests for which the server could not be reached, or went away in the middle.
    pub unreachable: u64,
    /// Requests that the network was set to spoil.
    pub spoiled: u64,
}

impl Traffic {
    /// These and others, by this operation.
    #[must_use]
    pub fn with(self, other: Self, operation: fn(u64, u64) -> u64) -> Self {
        Self {
            requests: operation(self.requests, other.requests),
            connections: operation(self.connections, other.connections),
            bytes_received: operation(self.bytes_received, other.bytes_received),
            bytes_sent: operation(self.bytes_sent, other.bytes_sent),
            errors: operation(self.errors, other.errors),
            unreachable: operation(self.unreachable, other.unreachable),
            spoiled: operation(self.spoiled, other.spoiled),
        }
    }

    /// What went wrong on the way, in words; none where nothing did.
    pub fn troubles(&self) -> Option<String> {
        let told = [
            (self.unreachable, "the server was not to be reached for"),
            (self.errors, "the server refused"),
            (self.spoiled, "QUERYDYNO_NETWORK spoiled"),
        ];
        let told: Vec<String> =
            told.iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{what} {count}")).collect();
        (!told.is_empty()).then(|| format!("of {} requests {}", self.requests, told.join(", ")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn network_reads_what_it_prints() {
        let text = "rtt=2ms,first_byte=15ms,rate=100MB/s,total_rate=1GB/s,unavailable=2/3,cut=64kB";
        let network: Network = text.parse().unwrap();
        assert_eq!(network.to_string(), text);
        assert_eq!(network.compact(), "rtt2ms-first15ms-rate100MB-total1GB-busy2of3-cut64kB");
        let half: Network = "rtt=0.5ms, rate=1MiB/s".parse().unwrap();
        assert_eq!(
            (half.to_string(), half.compact()),
            ("rtt=500us,rate=1048576B/s".into(), "rtt500us-rate1048576B".into())
        );
        assert_eq!(half.to_string().parse(), Ok(half));
        assert!("".parse::<Network>().unwrap().is_plain());
    }

    #[test]
    fn in_variant_finds_what_compact_has_written() {
        for text in ["rtt=2ms", "first_byte=500us,total_rate=1GB/s", "rate=1MiB/s,unavailable=2/3,cut=64kB"] {
            let compact = text.parse::<Network>().unwrap().compact();
            for before in ["s3", "iceberg-s3", "s3-first-in-memory-2t-2GiB"] {
                assert_eq!(Network::in_variant(&format!("{before}-{compact}")), Some(compact.as_str()));
            }
        }
        for none in ["s3", "parquet-eager-cold-1t-2GiB", "s3-rate", "s3-first1-eager"] {
            assert_eq!(Network::in_variant(none), None, "{none}");
        }
    }

    #[test]
    fn network_names_what_it_does_not_know() {
        for wrong in
            ["rtt", "rtt=2", "latency=2ms", "rate=fast", "rtt=-1ms", "rtt=2h", "unavailable=3/2", "unavailable=0/0"]
        {
            assert!(wrong.parse::<Network>().is_err(), "{wrong}");
        }
        assert!("latency=2ms".parse::<Network>().unwrap_err().contains("give rtt=2ms"));
    }

    #[test]
    fn troubles_are_told_only_where_there_are_some() {
        let traffic = Traffic { requests: 9, unreachable: 2, spoiled: 1, ..Traffic::default() };
        let told = "of 9 requests the server was not to be reached for 2, QUERYDYNO_NETWORK spoiled 1";
        assert_eq!(traffic.troubles().as_deref(), Some(told));
        assert_eq!(Traffic { requests: 9, ..Traffic::default() }.troubles(), None);
    }
}
