//! The conditions under which an engine runs a query: format of the tables, mode of execution, cache, threads, memory, and how
//! many engines run beside it. Each is an axis of a cell.
//!
//! The last part of an id spells every axis that differs from its default: `parquet`, `parquet-eager-cold-1t-2GiB`.
//! What this is not: where the values come from, see [`crate::host::settings`].

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::measure::machine;
use crate::protocol::network::Network;
use crate::protocol::units::Bytes;

/// The format that is Parquet files and nothing else.
pub const PARQUET: &str = "parquet";
/// The format that is Iceberg tables over the same files.
pub const ICEBERG: &str = "iceberg";
/// The format that is Iceberg tables over the same rows, where tables that declare a column of dates are partitioned by its
/// months.
pub const ICEBERG_MONTHLY: &str = "iceberg-monthly";
/// The format that is Parquet files over the same rows, where tables that declare a column of categories have one folder for each of
/// its values, `category=tech`, and the column is nowhere else.
pub const PARQUET_BY_CATEGORY: &str = "parquet-by-category";
/// The format that is the same Parquet files on S3.
pub const S3: &str = "s3";
/// The format that is Iceberg tables over these: their metadata are on S3, too.
pub const ICEBERG_S3: &str = "iceberg-s3";
/// What tables can be stored as; a variant begins with one of them.
pub const FORMATS: [&str; 6] = [PARQUET, ICEBERG, ICEBERG_MONTHLY, PARQUET_BY_CATEGORY, S3, ICEBERG_S3];
/// Those of a suite that does not say which it has.
pub(crate) const USUAL_FORMATS: [&str; 5] = [PARQUET, ICEBERG, ICEBERG_MONTHLY, S3, ICEBERG_S3];

/// Whether tables of a format are on S3.
pub(crate) fn is_on_s3(format: &str) -> bool {
    [S3, ICEBERG_S3].contains(&format)
}

/// Whether tables of a format are Iceberg's.
pub(crate) fn is_iceberg(format: &str) -> bool {
    [ICEBERG, ICEBERG_MONTHLY, ICEBERG_S3].contains(&format)
}

/// One combination of conditions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Variant<'a> {
    /// How the tables are stored.
    pub format: &'a str,
    /// The engine's way to execute; none: its default.
    pub mode: Option<&'a str>,
    /// Whether the files are in the page cache when a run begins.
    pub cache: Cache,
    /// Threads given to the engine.
    pub threads: usize,
    /// The limit that was asked for: told to the engine and enforced.
    pub memory: Option<Bytes>,
    /// Engines that run at the same time, this one among them; 1 unless somebody asked for more.
    pub parallel: usize,
    /// Where its processors begin among those there are, the best first, so that engines at the same time have their own. None:
    /// there are too few for that. It is in no id.
    pub first_processor: Option<usize>,
    /// What the way to the tables costs, where their format [is on S3](is_on_s3); none: as it is.
    pub network: Option<&'a Network>,
}

/// Whether the data was read before a run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cache {
    /// One program for all runs; the files are in the page cache.
    #[default]
    Hot,
    /// A fresh program for every run, and none of the files in the page cache when it begins.
    Cold,
    /// Of a result that was imported and does not tell it.
    Unknown,
}

impl fmt::Display for Variant<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.format)?;
        if let Some(mode) = self.mode {
            write!(f, "-{mode}")?;
        }
        if self.cache == Cache::Cold {
            write!(f, "-{}", self.cache)?;
        }
        if self.threads != machine::online_cores() {
            write!(f, "-{}t", self.threads)?;
        }
        if let Some(memory) = self.memory {
            write!(f, "-{}", memory.compact())?;
        }
        if self.parallel > 1 {
            write!(f, "-parallel{}", self.parallel)?;
        }
        if let Some(network) = self.network.filter(|_| is_on_s3(self.format)) {
            write!(f, "-{}", network.compact())?;
        }
        Ok(())
    }
}

impl fmt::Display for Cache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Hot => "hot",
            Self::Cold => "cold",
            Self::Unknown => "unknown",
        })
    }
}

impl FromStr for Cache {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "hot" => Ok(Self::Hot),
            "cold" => Ok(Self::Cold),
            _ => Err(format!("'{text}' is no state of the cache: give hot or cold")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_variant_spells_what_differs_from_the_default() {
        let cores = machine::online_cores();
        let plain = Variant {
            format: "parquet",
            mode: None,
            cache: Cache::Hot,
            threads: cores,
            memory: None,
            parallel: 1,
            first_processor: Some(0),
            network: None,
        };
        assert_eq!(plain.to_string(), "parquet");
        let other = Variant {
            mode: Some("eager"),
            cache: Cache::Cold,
            threads: cores + 1,
            memory: Some(Bytes(2 << 30)),
            parallel: 4,
            ..plain
        };
        assert_eq!(other.to_string(), format!("parquet-eager-cold-{}t-2GiB-parallel4", cores + 1));
        let network = "rtt=2ms".parse().unwrap();
        let set = Variant { network: Some(&network), ..plain };
        assert_eq!(set.to_string(), "parquet");
        assert_eq!(Variant { format: S3, ..set }.to_string(), "s3-rtt2ms");
        assert_eq!(Variant { format: ICEBERG_S3, ..set }.to_string(), "iceberg-s3-rtt2ms");
    }
}
