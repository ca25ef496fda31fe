//! The file that says what the columns of a CSV file are: [`Mapping`], in TOML.
//!
//! ```toml
//! separator = ";"                     # the comma without it
//! date_format = "%d.%m.%Y %H:%M"      # where dates are not written as 2026-11-27 12:00
//! [columns]                           # which column has it
//! query = "case"
//! time = "elapsed"
//! started_at = "at"
//! [constants]                         # what is the same in all rows
//! engine = "spark"
//! [units]
//! time = "ms"
//! [figures]                           # what else is to be kept
//! rows_per_second = { column = "rps", unit = "per_second" }
//! ```

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, bail, ensure};
use serde::Deserialize;

use super::{times, units};

/// What a column or a constant can be.
const FIELDS: [&str; 13] = [
    "engine",
    "query",
    "variant",
    "suite",
    "scale",
    "time",
    "peak_memory",
    "threads",
    "version",
    "machine",
    "started_at",
    "commit",
    "error",
];

/// What the columns of a file are.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Mapping {
    #[serde(default = "comma")]
    pub(super) separator: char,
    pub(super) date_format: Option<String>,
    pub(super) columns: BTreeMap<String, String>,
    #[serde(default)]
    pub(super) constants: BTreeMap<String, String>,
    #[serde(default)]
    units: BTreeMap<String, String>,
    #[serde(default)]
    pub(super) figures: BTreeMap<String, Figure>,
}

/// A column that is a figure of the file's own.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Figure {
    pub(super) column: String,
    #[serde(default = "untold")]
    pub(super) unit: String,
}

fn comma() -> char {
    ','
}

fn untold() -> String {
    "unknown".to_owned()
}

impl Mapping {
    /// Reads it.
    ///
    /// # Errors
    /// When it cannot be read, or could not give a result with an engine, a query and a time.
    pub(super) fn read(path: &Path) -> Result<Self> {
        let text = fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        let mapping: Self = toml::from_str(&text).with_context(|| format!("{} is no mapping", path.display()))?;
        mapping.check().with_context(|| format!("{} cannot be used", path.display()))?;
        Ok(mapping)
    }

    fn check(&self) -> Result<()> {
        let told = || self.columns.keys().chain(self.constants.keys());
        if let Some(other) = told().find(|field| !FIELDS.contains(&field.as_str())) {
            bail!("'{other}' is nothing that a result has; it can be {}", FIELDS.join(", "));
        }
        for needed in ["engine", "query", "time"] {
            ensure!(told().any(|field| field == needed), "nothing says the {needed}: add {needed} to [columns]");
        }
        ensure!(self.columns.contains_key("time"), "the time is of a row: name its column in [columns]");
        ensure!(self.separator.is_ascii(), "'{}' cannot separate columns: use one byte, such as ;", self.separator);
        if let Some(other) = self.units.keys().find(|field| !["time", "peak_memory"].contains(&field.as_str())) {
            bail!(
                "[units] has '{other}', and is for time and peak_memory: a figure's unit stands beside its column in [figures]"
            );
        }
        if let Some(format) = &self.date_format {
            ensure!(
                times::is_format(format),
                "date_format is '{format}', which is no format of a date: write it as in \"%d.%m.%Y %H:%M\""
            );
        }
        self.time_unit()?;
        self.memory_unit()?;
        Ok(())
    }

    /// Nanoseconds of one.
    pub(super) fn time_unit(&self) -> Result<f64> {
        let unit = self.units.get("time").context("the unit of the times is not told: add time = \"ms\" to [units]")?;
        units::time(unit).map_err(anyhow::Error::msg)
    }

    /// Bytes of one; none where no column is memory.
    pub(super) fn memory_unit(&self) -> Result<Option<f64>> {
        if !self.columns.contains_key("peak_memory") {
            return Ok(None);
        }
        let unit = self.units.get("peak_memory");
        let unit = unit.context("the unit of the memory is not told: add peak_memory = \"MiB\" to [units]")?;
        units::size(unit).map(Some).map_err(anyhow::Error::msg)
    }
}
