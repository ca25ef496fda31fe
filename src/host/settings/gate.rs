//! The table `[gate]` of `querydyno.toml`: what a change may cost, and exceptions with a reason and an end.

use std::collections::BTreeSet;

use anyhow::{Context, Result, bail, ensure};
use chrono::{NaiveDate, Utc};
use serde::{Deserialize, Serialize};

use crate::host::filter::Filter;
use crate::protocol::id::BenchId;

/// Head by base: the ratio that is accepted, and the one that has to be detected.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limit {
    /// The ratio of a row that nothing happened to; more than 1 only where an exception says so.
    #[serde(default = "one")]
    pub unchanged: f64,
    /// A ratio up to this is accepted: red is what is confirmed to be more than unchanged, and estimated to be more than this.
    pub accepts: f64,
    /// A ratio from here on must be detected: a row is cleared when its interval lies below, and underpowered when it could not.
    #[serde(rename = "must_see")]
    pub regression_threshold: f64,
}

fn one() -> f64 {
    1.0
}

impl Limit {
    /// Of a row without an exception.
    pub const fn new(accepts: f64, regression_threshold: f64) -> Self {
        Self { unchanged: 1.0, accepts, regression_threshold }
    }

    /// With a greater ratio accepted; what counts as unchanged and what must be detected are as far from it as before.
    #[must_use]
    pub(crate) fn accepting(self, accepts: f64) -> Self {
        // An exception allows, and never tightens.
        let factor = (accepts / self.accepts).max(1.0);
        Self {
            unchanged: self.unchanged * factor,
            accepts: self.accepts * factor,
            regression_threshold: self.regression_threshold * factor,
        }
    }
}

/// What `[gate]` says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct GateSettings {
    /// Times: head by base.
    pub time: Limit,
    /// Peak memory.
    pub memory: Limit,
    /// Instructions, which are counted and not estimated: any ratio above this is red.
    pub instructions: f64,
    /// What some rows may cost more.
    #[serde(rename = "exception")]
    pub exceptions: Vec<Exception>,
}

impl Default for GateSettings {
    fn default() -> Self {
        Self {
            time: Limit::new(1.02, 1.05),
            memory: Limit::new(1.05, 1.10),
            instructions: 1.005,
            exceptions: Vec::new(),
        }
    }
}

/// Rows that may cost more than others, until a day.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Exception {
    /// Which rows, as in a bench: `duckdb/q18`.
    pub row: String,
    /// Of which metric; of all where it says none.
    #[serde(default)]
    pub metric: Option<Metric>,
    /// The ratio that is accepted; none: the row may be missing.
    #[serde(default)]
    pub max_ratio: Option<f64>,
    /// Why.
    pub reason: String,
    /// The last day on which it holds, `2027-01-31`.
    pub expires: String,
}

/// What of a row is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Metric {
    /// The timed run's.
    Time,
    /// The most memory held during it.
    Memory,
    /// Counted on a simulated processor.
    Instructions,
}

impl GateSettings {
    /// Of the table as it is written.
    pub(super) fn read(mut value: toml::Value) -> Result<Self> {
        let exceptions = value.get_mut("exception").and_then(toml::Value::as_array_mut);
        for day in exceptions.into_iter().flatten().filter_map(|exception| exception.get_mut("expires")) {
            // A day with or without quotes.
            if let toml::Value::Datetime(told) = day {
                *day = toml::Value::String(told.to_string());
            }
        }
        let read: Self = value.try_into().context("[gate]")?;
        for (name, limit) in [("time", read.time), ("memory", read.memory)] {
            ensure!(
                limit == Limit::new(limit.accepts, limit.regression_threshold),
                "[gate] {name} has accepts and must_see, and no unchanged"
            );
            ensure!(
                1.0 <= limit.accepts
                    && limit.accepts < limit.regression_threshold
                    && limit.regression_threshold.is_finite(),
                "[gate] {name}: accepts is a ratio from 1 on, and must_see a greater one: {{ accepts = 1.02, must_see = 1.05 }}"
            );
        }
        ensure!(
            read.instructions >= 1.0 && read.instructions.is_finite(),
            "[gate] instructions is a ratio from 1 on, such as 1.005"
        );
        for exception in &read.exceptions {
            exception.check().with_context(|| format!("[[gate.exception]] for {}", exception.row))?;
        }
        Ok(read)
    }

    /// Refuses exceptions whose day is over.
    ///
    /// # Errors
    /// Names them.
    pub fn check_expiry(&self) -> Result<()> {
        let today = Utc::now().date_naive();
        let expired: Vec<String> = self
            .exceptions
            .iter()
            .filter(|exception| exception.day().is_none_or(|day| day < today))
            .map(|exception| format!("{} ({}), on {}", exception.row, exception.reason, exception.expires))
            .collect();
        if !expired.is_empty() {
            bail!(
                "exceptions in [gate] have expired: {}; mend the row and take the exception out, or give it another day",
                expired.join("; ")
            );
        }
        Ok(())
    }

    /// What a row may cost of a metric, and the exceptions that say so.
    pub(crate) fn limit(&self, id: &BenchId, metric: Metric) -> Limit {
        let without = match metric {
            Metric::Time => self.time,
            Metric::Memory => self.memory,
            Metric::Instructions => Limit::new(self.instructions, self.instructions),
        };
        let of_metric = |exception: &&Exception| exception.metric.is_none_or(|own| own == metric);
        let ratios = self.of(id).filter(of_metric).filter_map(|exception| exception.max_ratio);
        ratios.reduce(f64::max).map_or(without, |accepts| without.accepting(accepts))
    }

    /// Whether a row may be missing.
    pub(crate) fn may_miss(&self, id: &BenchId) -> bool {
        self.of(id).any(|exception| exception.max_ratio.is_none())
    }

    /// Exceptions that none of these rows is meant by.
    pub(crate) fn without_row(&self, ids: &[BenchId]) -> BTreeSet<&str> {
        let unused = |exception: &&Exception| !ids.iter().any(|id| exception.means(id));
        self.exceptions.iter().filter(unused).map(|exception| exception.row.as_str()).collect()
    }

    fn of<'a>(&'a self, id: &'a BenchId) -> impl Iterator<Item = &'a Exception> {
        self.exceptions.iter().filter(move |exception| exception.means(id))
    }
}

impl Exception {
    fn check(&self) -> Result<()> {
        Filter::new(&self.row, false)?;
        ensure!(!self.row.trim().is_empty(), "row is empty, which means every row: name some, such as duckdb/q18");
        ensure!(self.day().is_some(), "expires is a day such as '2027-01-31', not '{}'", self.expires);
        ensure!(!self.reason.trim().is_empty(), "it takes a reason");
        match self.max_ratio {
            Some(ratio) => ensure!(ratio > 1.0 && ratio.is_finite(), "max_ratio is a ratio above 1, such as 1.2"),
            None => ensure!(self.metric.is_none(), "without max_ratio the row may be missing, whatever the metric"),
        }
        Ok(())
    }

    fn day(&self) -> Option<NaiveDate> {
        self.expires.parse().ok()
    }

    fn means(&self, id: &BenchId) -> bool {
        Filter::new(&self.row, false).is_ok_and(|filter| filter.means(id))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<GateSettings> {
        GateSettings::read(toml::Value::Table(text.parse()?))
    }

    fn with(exception: &str) -> Result<GateSettings> {
        read(&format!("[[exception]]\nrow = 'duckdb/q1'\nreason = 'new plan'\nexpires = '2999-01-31'\n{exception}"))
    }

    #[test]
    fn an_exception_moves_both_limits_of_its_row() {
        let settings = with("metric = 'time'\nmax_ratio = 1.53").unwrap();
        let id = |text: &str| text.parse().unwrap();
        let limit = settings.limit(&id("duckdb/q1/sf1/parquet"), Metric::Time);
        assert!((limit.accepts - 1.53).abs() < 1e-9 && (limit.regression_threshold - 1.575).abs() < 1e-9, "{limit:?}");
        assert_eq!(settings.limit(&id("duckdb/q1/sf1/parquet"), Metric::Memory), settings.memory);
        assert_eq!(settings.limit(&id("duckdb/q10/sf1/parquet"), Metric::Time), settings.time);
        // One that allows less than is allowed anyhow changes nothing.
        let less = with("max_ratio = 1.04").unwrap();
        assert_eq!(less.limit(&id("duckdb/q1/sf1/parquet"), Metric::Memory), less.memory);
        assert_eq!(settings.without_row(&[id("duckdb/q2/sf1/parquet")]).len(), 1);
        assert!(settings.check_expiry().is_ok() && !settings.may_miss(&id("duckdb/q1/sf1/parquet")));
        assert!(read("[[exception]]\nrow = 'q1'\nreason = 'x'\nexpires = 2999-01-31\nmax_ratio = 2.0").is_ok());
        assert!(with("").unwrap().may_miss(&id("duckdb/q1/sf1/parquet")));
    }

    #[test]
    fn an_expired_exception_fails() {
        let mut settings = with("max_ratio = 1.5").unwrap();
        // The day itself may pass while this runs, so not today.
        let today = Utc::now().date_naive();
        settings.exceptions[0].expires = today.succ_opt().unwrap().to_string();
        settings.check_expiry().unwrap();
        settings.exceptions[0].expires = today.pred_opt().unwrap().to_string();
        let error = settings.check_expiry().unwrap_err().to_string();
        assert!(error.contains("duckdb/q1 (new plan)"), "{error}");
    }

    #[test]
    fn what_cannot_be_meant_is_an_error_that_names_it() {
        for (text, told) in [
            ("time = { accepts = 1.1, must_see = 1.05 }", "[gate] time"),
            ("memory = { accepts = 0.9, must_see = 1.05 }", "[gate] memory"),
            ("instructions = 0.5", "instructions"),
            ("thresholds = 1", "[gate]"),
            ("time = { unchanged = 0.5, accepts = 1.02, must_see = 1.05 }", "no unchanged"),
        ] {
            let error = format!("{:#}", read(text).unwrap_err());
            assert!(error.contains(told), "{error}");
        }
        for (text, told) in
            [("max_ratio = 0.9", "above 1"), ("metric = 'time'", "whatever the metric"), ("max = 1", "unknown field")]
        {
            let error = format!("{:#}", with(text).unwrap_err());
            assert!(error.contains(told), "{error}");
        }
        assert!(read("[[exception]]\nrow = 'q1'\nreason = ' '\nexpires = '2999-01-31'\nmax_ratio = 2.0").is_err());
        assert!(read("[[exception]]\nrow = 'q1'\nreason = 'x'\nexpires = '31 January'\nmax_ratio = 2.0").is_err());
    }
}
