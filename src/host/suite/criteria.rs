//! What a suite asks of an engine: [`CriterionSpec`], the table `[[criterion]]` of a `suite.toml`. Whether it is met is
//! [`crate::host::criteria`]'s business.
//!
//! ```toml
//! [[criterion]]
//! name = "interactive"
//! engines = ["duckdb", "polars-wheel"]
//! queries = ["q1", "q6"]              # default: all of the suite
//! scale = "sf1"
//! requires = { time = { at_most = "500ms" } }
//! ```
//!
//! An engine is asked in its default mode; `modes = { polars-wheel = "eager" }` names another one, of the engine that it is compared with
//! too.
//!
//! Other requirements: `{ memory = { at_most = "1GiB" } }`, `{ speed = { against = "pandas", at_least = 2.0 } }` (times as fast),
//! `{ memory_share = { of = "pandas", at_most = 0.5 } }`, `{ success = { rate = 0.99, confidence = 0.95 } }` and `"equal_answers"`.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Result, bail, ensure};
use serde::{Deserialize, Deserializer, Serialize};

use super::Suite;
use crate::protocol::id::{Scale, check_name};
use crate::protocol::units::Bytes;

/// Something that a suite asks of engines.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CriterionSpec {
    /// What it is called.
    pub name: String,
    /// The engines that are asked.
    pub engines: Vec<String>,
    /// The queries; empty for all.
    #[serde(default)]
    pub queries: Vec<String>,
    /// The ways to execute, by engine; of those that are not here the default.
    #[serde(default)]
    pub modes: BTreeMap<String, String>,
    /// The scale of the data.
    pub scale: Scale,
    /// What is asked.
    pub requires: Requirement,
}

/// What is asked of an engine and a query.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Requirement {
    /// To be so many times as fast as another engine.
    Speed {
        /// The other engine.
        against: String,
        /// 2.0 is half of its time.
        at_least: f64,
    },
    /// To take no more than a share of another engine's memory.
    MemoryShare {
        /// The other engine.
        of: String,
        /// 0.5 is half.
        at_most: f64,
    },
    /// To give the reference's answer, or that of all others.
    EqualAnswers,
    /// To succeed, with a confidence, in at least this share of runs.
    Success {
        /// 0.999 takes some 3,000 runs without a failure at a confidence of 0.95.
        rate: f64,
        /// How sure that has to be.
        confidence: f64,
    },
    /// To hold no more than this.
    Memory {
        /// `1GiB`.
        #[serde(deserialize_with = "bytes")]
        at_most: Bytes,
    },
    /// To take no longer than this.
    Time {
        /// `500ms`.
        #[serde(deserialize_with = "duration")]
        at_most: Duration,
    },
}

impl Requirement {
    /// The other engine that it compares with.
    pub fn other(&self) -> Option<&str> {
        match self {
            Self::Speed { against: other, .. } | Self::MemoryShare { of: other, .. } => Some(other),
            _ => None,
        }
    }
}

impl CriterionSpec {
    /// The engines whose runs it takes, each once, with its mode: those that are asked, and the one that they are compared with.
    pub fn asked(&self) -> impl Iterator<Item = (&str, Option<&str>)> {
        let engines = self.engines.iter().map(String::as_str).chain(self.requires.other());
        engines.map(|engine| (engine, self.mode_of(engine)))
    }

    /// The mode in which an engine is asked; none: its default.
    pub fn mode_of(&self, engine: &str) -> Option<&str> {
        self.modes.get(engine).map(String::as_str)
    }

    /// Whether it can be meant in this suite.
    pub(super) fn check(&self, suite: &Suite) -> Result<()> {
        let name = &self.name;
        ensure!(check_name(name).is_ok(), "'{name}' cannot name a criterion: use letters, digits, '-', '_' and '.'");
        ensure!(!self.engines.is_empty(), "the criterion '{name}' asks no engine: engines = [\"duckdb\"]");
        for query in &self.queries {
            suite.query(query)?;
        }
        if let Some(engine) = self.modes.keys().find(|engine| self.asked().all(|(name, _)| name != engine.as_str())) {
            bail!("the criterion '{name}' names a mode of {engine}, which it does not ask");
        }
        match &self.requires {
            Requirement::Speed { at_least: number, .. } | Requirement::MemoryShare { at_most: number, .. } => {
                ensure!(
                    number.is_finite() && *number > 0.0,
                    "the criterion '{name}' asks for {number}: give a number above 0"
                );
            }
            Requirement::Success { rate, confidence } => {
                for (what, share) in [("rate", rate), ("confidence", confidence)] {
                    ensure!(
                        *share > 0.0 && *share < 1.0,
                        "the {what} of the criterion '{name}' is {share}: give a number between 0 and 1, which no number of runs shows"
                    );
                }
            }
            Requirement::Memory { .. } | Requirement::Time { .. } | Requirement::EqualAnswers => {}
        }
        if let Some(other) = self.requires.other().filter(|other| self.engines.iter().any(|engine| engine == other)) {
            bail!("the criterion '{name}' compares {other} with itself: take it out of `engines`");
        }
        Ok(())
    }
}

fn bytes<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Bytes, D::Error> {
    String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
}

fn duration<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    humantime::parse_duration(&String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(requires: &str) -> Result<CriterionSpec> {
        let text = format!("name = 'c'\nengines = ['duckdb']\nscale = 'sf1'\nrequires = {requires}");
        let spec: CriterionSpec = toml::from_str(&text)?;
        spec.check(&Suite::default())?;
        Ok(spec)
    }

    #[test]
    fn check_takes_every_requirement() {
        let time = read("{ time = { at_most = '500ms' } }").unwrap().requires;
        assert_eq!(time, Requirement::Time { at_most: Duration::from_millis(500) });
        let memory = read("{ memory = { at_most = '1GiB' } }").unwrap().requires;
        assert_eq!(memory, Requirement::Memory { at_most: Bytes(1 << 30) });
        assert_eq!(read("'equal_answers'").unwrap().requires, Requirement::EqualAnswers);
        assert_eq!(
            read("{ speed = { against = 'pandas', at_least = 2.0 } }").unwrap().requires.other(),
            Some("pandas")
        );
        assert!(read("{ success = { rate = 0.99, confidence = 0.95 } }").is_ok());
        assert!(read("{ memory_share = { of = 'pandas', at_most = 0.5 } }").is_ok());
    }

    #[test]
    fn modes_are_of_engines_that_are_asked() {
        let with =
            |modes: &str| read(&format!("{{ speed = {{ against = 'pandas', at_least = 2.0 }} }}\nmodes = {modes}"));
        let spec = with("{ pandas = 'slow' }").unwrap();
        assert_eq!(spec.asked().collect::<Vec<_>>(), [("duckdb", None), ("pandas", Some("slow"))]);
        let error = with("{ polars = 'eager' }").unwrap_err().to_string();
        assert!(error.contains("names a mode of polars, which it does not ask"), "{error}");
    }

    #[test]
    fn check_refuses_what_cannot_be_shown() {
        for (requires, told) in [
            ("{ success = { rate = 1.0, confidence = 0.95 } }", "no number of runs shows"),
            ("{ speed = { against = 'duckdb', at_least = 2.0 } }", "with itself"),
            ("{ speed = { against = 'pandas', at_least = 0.0 } }", "above 0"),
            ("{ time = { at_most = 'soon' } }", "requires"),
            ("{ memory = { at_most = 1024 } }", "requires"),
            ("'fast'", "requires"),
        ] {
            let error = format!("{:#}", read(requires).unwrap_err());
            assert!(error.contains(told), "{requires}: {error}");
        }
    }
}
