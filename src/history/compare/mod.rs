//! Two sides of the history, query by query: engines, machines, versions or runs. The main type is [`Compare`].
//!
//! Only verified answers of one provenance are compared, and only where text, data and conditions are alike; the rest is left out with
//! the reason. This is not the gate: results of two runs differ by more than their samples tell, so it names what to look at.
//!
//! `cargo xtask history compare --engines duckdb,polars`

mod candidate;
mod noise;
mod pair;
mod sides;

use std::sync::Arc;

use anyhow::{Result, bail};
use clap::{ArgGroup, Args, ValueEnum};
use duckdb::arrow::array::{ArrayRef, Float64Array, RecordBatch, StringArray};

use super::form::Form;
use super::place::Place;
use super::query;
use crate::host::report::told;
use noise::Noise;
use pair::{Compared, Pairs, Row, pairs};
use sides::Sides;

// What to compare. No doc comment: the command's help is at its variant.
#[derive(Debug, Args)]
#[command(
    group(ArgGroup::new("sides").required(true)),
    after_help = "Examples:
  history compare --engines duckdb,polars                 the same queries on the same data and machine
  history compare --versions duckdb@1.4.0,duckdb@1.5.0 q1
  history compare --machines EPYC,Xeon                    a part of a machine's name does; so does naming the option twice
  history compare --runs 20261120T120000Z,20261121T120000Z --format csv
The first is what the second is compared with: a ratio above 1 says that the second is slower. The newest result of each side counts.
The interval is 95 %, from the samples of both; it takes six on each side. The geometric mean's is Student's, over its queries.
The noise is what is no news in the series of both: the third quartile of the changes from each result to the next, and three times the
quartiles' distance beyond it; it takes seven results. The plan is told of two sides of one engine."
)]
pub(super) struct Compare {
    /// The cells, as in a bench: `q1`, `sf1`, `^(duckdb|polars)/q[12]/`
    #[arg(default_value = "")]
    filter: String,
    /// Two engines, in their default modes
    #[arg(long, value_name = "A,B", group = "sides")]
    engines: Vec<String>,
    /// Two classes of machines; each with the threads that its variants mean there
    #[arg(long, value_name = "M1,M2", group = "sides")]
    machines: Vec<String>,
    /// Two versions of an engine
    #[arg(long, value_name = "E@V1,E@V2", group = "sides")]
    versions: Vec<String>,
    /// Two runs, by their ids
    #[arg(long, value_name = "R1,R2", group = "sides")]
    runs: Vec<String>,
    /// The provenance of both sides
    #[arg(long, value_enum, default_value = "measured")]
    provenance: Which,
    #[command(flatten)]
    form: Form,
}

/// A provenance, as the history has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Which {
    /// By a clock, here
    Measured,
    /// By a model or a simulator
    Simulated,
    /// By somebody else
    Imported,
    /// By somebody's judgement
    Estimated,
}

impl Which {
    fn word(self) -> &'static str {
        match self {
            Self::Measured => "measured",
            Self::Simulated => "simulated",
            Self::Imported => "imported",
            Self::Estimated => "estimated",
        }
    }
}

impl Compare {
    /// Shows the rows; on stderr what they mean and what was left out.
    ///
    /// # Errors
    /// When a side means nothing, or no query is on both.
    pub(super) fn run(&self, place: &Place) -> Result<()> {
        self.form.check()?;
        let store = place.reading()?;
        // Only one of them is given.
        let sides = match (self.engines.as_slice(), self.machines.as_slice(), self.versions.as_slice()) {
            ([], [], []) => Sides::runs(&store, &self.runs)?,
            ([], [], versions) => Sides::versions(&store, versions)?,
            ([], machines, _) => Sides::machines(&store, machines)?,
            (engines, ..) => Sides::engines(&store, engines)?,
        };
        let cells = query::cells(&store, &self.filter)?;
        let candidates = candidate::read(&store, &sides, &cells, self.provenance.word())?;
        let series = candidates.iter().filter_map(|candidate| candidate.series.as_deref());
        let noise = Noise::read(&store, series, self.provenance.word())?;
        let Pairs { rows, left_out } = pairs(&sides, candidates, &noise);
        let left_out = told(&left_out);
        let [first, second] = &sides.names;
        if rows.is_empty() {
            let why =
                if left_out.is_empty() { "none has a result of these cells".to_owned() } else { left_out.join("\n  ") };
            bail!("no query has a verified, {} result of both {first} and {second}:\n  {why}", self.provenance.word());
        }
        log::info!("first: {first}; second: {second}; a ratio above 1: the second is slower");
        let batch = batch(&rows)?;
        query::show_rows(&batch.schema(), &[batch], self.form.format, self.form.output.as_deref())?;
        for line in &left_out {
            log::info!("left out: {line}");
        }
        log::info!(
            "two runs on one machine differ by more than the samples of either tell: this names what to look at"
        );
        Ok(())
    }
}

/// Rows as columns with their types.
fn batch(rows: &[Row]) -> Result<RecordBatch> {
    let texts = |of: fn(&Row) -> Option<&str>| -> ArrayRef { Arc::new(rows.iter().map(of).collect::<StringArray>()) };
    // Nanoseconds of a millisecond, and four digits of a ratio: what is behind says nothing.
    let figures = |of: fn(&Compared) -> Option<f64>, digits: i32| -> ArrayRef {
        let unit = 10_f64.powi(digits);
        let rounded = |row: &Row| of(&row.compared).map(|value| (value * unit).round() / unit);
        Arc::new(rows.iter().map(rounded).collect::<Float64Array>())
    };
    Ok(RecordBatch::try_from_iter_with_nullable([
        ("query", texts(|row| Some(&row.query)), true),
        ("scale", texts(|row| Some(&row.scale)), true),
        ("conditions", texts(|row| Some(&row.conditions)), true),
        ("machine", texts(|row| row.machine.as_deref()), true),
        ("first_ms", figures(|compared| Some(compared.first_ns? / 1e6), 6), true),
        ("second_ms", figures(|compared| Some(compared.second_ns? / 1e6), 6), true),
        ("ratio", figures(|compared| Some(compared.ratio), 4), true),
        ("low", figures(|compared| Some(compared.interval?.low), 4), true),
        ("high", figures(|compared| Some(compared.interval?.high), 4), true),
        ("second_is", texts(|row| Some(row.compared.says())), true),
        ("first", texts(|row| row.records.as_ref().map(|[first, _]| first.as_str())), true),
        ("second", texts(|row| row.records.as_ref().map(|[_, second]| second.as_str())), true),
        ("size", texts(|row| Some(row.compared.size())), true),
        ("noise", figures(|compared| compared.noise, 4), true),
        ("against_noise", texts(|row| row.compared.against_noise()), true),
        ("plan", texts(pair::Row::plan), true),
        ("first_plan", texts(|row| row.plans.as_ref().map(|[first, _]| first.as_str())), true),
        ("second_plan", texts(|row| row.plans.as_ref().map(|[_, second]| second.as_str())), true),
    ])?)
}
