//! `cargo xtask instructions`: the instructions of one run of a query, and whether they have become more.

use std::collections::BTreeSet;

use anyhow::Result;
use clap::Args;
use comfy_table::Table;
use querydyno::host::checkout::Checkout;
use querydyno::host::inspect::{Counted, Gate, instructions};
use querydyno::host::settings::Settings;
use querydyno::host::terminal::output;
use querydyno::protocol::id::Scale;
use serde_json::json;

use crate::json::Json;

/// Count the instructions of one run of a query, and compare them with the last time
///
/// Callgrind runs each engine's program on a simulated processor, with one thread; start-up, loading and a first run are
/// not counted. Such counts gauge one engine over time and rank no engines. Takes Valgrind, and installs gungraun's runner
/// on first use.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  cargo xtask instructions duckdb/q6
  cargo xtask instructions arrow --save-baseline main           on one commit ...
  cargo xtask instructions arrow --baseline main --limit 1      ... and on another: fails from 1 % more on

Exit codes: 0 counted, 1 a cell failed or passed the limit, 2 usage or an error, 130 interrupted.")]
pub(crate) struct Instructions {
    /// The cells, as in a bench: `duckdb/q1`, `arrow` [default: all engines that are not scripts]
    filter: Option<String>,
    /// The scale factor
    #[arg(long, default_value = "0.01")]
    scale: Scale,
    /// Fail when a cell's instructions rise by more than this many percent over the baseline
    #[arg(long, value_name = "PERCENT", requires = "baseline", value_parser = percent, allow_negative_numbers = true)]
    limit: Option<f64>,
    /// Compare with what was saved under this name instead of with the last time
    #[arg(long, value_name = "NAME", conflicts_with = "save_baseline", value_parser = named)]
    baseline: Option<String>,
    /// Save the counts under this name
    #[arg(long, value_name = "NAME", value_parser = named)]
    save_baseline: Option<String>,
    #[command(flatten)]
    json: Json,
}

impl Instructions {
    pub(crate) fn run(self) -> Result<()> {
        self.json.check()?;
        let mut settings = Settings::read()?;
        settings.scales = vec![self.scale];
        let gate = Gate { baseline: self.baseline, save_baseline: self.save_baseline, limit_percent: self.limit };
        let counted = instructions(&Checkout::here(), self.filter.as_deref(), &gate, &settings)?;
        if self.json.is_wanted() {
            let cells: Vec<_> = counted.iter().map(as_json).collect();
            self.json.write(&serde_json::to_string_pretty(&json!({ "cells": cells }))?)?;
        } else {
            output::line(table(&counted))?;
            let skipped = counted.iter().filter(|cell| cell.record.is_skipped());
            for reason in skipped.filter_map(|cell| cell.record.reason()).collect::<BTreeSet<_>>() {
                output::line(format_args!("skipped: {reason}"))?;
            }
        }
        let failed: Vec<String> = counted
            .iter()
            .filter(|cell| cell.record.is_failed())
            .map(|cell| format!("{}: {}", cell.record.id, cell.record.reason().unwrap_or_default()))
            .collect();
        crate::ensure_well(failed.is_empty(), || {
            format!("{} of {} cells failed\n{}", failed.len(), counted.len(), failed.join("\n"))
        })
    }
}

/// Narrower than Criterion's: gungraun makes it part of files' names.
fn named(name: &str) -> Result<String, String> {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
    if name.is_empty() || name.len() > 64 || !name.chars().all(plain) {
        return Err(format!("'{name}' cannot name a baseline: use up to 64 letters, digits and '_'"));
    }
    Ok(name.to_owned())
}

fn percent(text: &str) -> Result<f64, String> {
    let number = text.parse().ok().filter(|percent: &f64| percent.is_finite() && *percent >= 0.0);
    number.ok_or_else(|| "give a percentage from 0 on, such as 0.5".to_owned())
}

fn table(counted: &[Counted]) -> Table {
    let header = ["cell", "instructions, mean of 16 runs", "before", "change", "outcome"];
    let mut table = crate::table(header, 1..4);
    for cell in counted {
        let record = &cell.record;
        let now = record.instructions().map(|found| found.instructions);
        let number = |count: Option<u64>| count.map(|count| count.to_string()).unwrap_or_default();
        let change = cell.change_percent().map(|percent| format!("{percent:+.3} %")).unwrap_or_default();
        let outcome = record.outcome.word().to_owned();
        table.add_row([record.id.to_string(), number(now), number(cell.before), change, outcome]);
    }
    table
}

fn as_json(cell: &Counted) -> serde_json::Value {
    let record = &cell.record;
    let found = record.instructions();
    json!({
        "id": record.id,
        "instructions": found.as_ref().map(|found| found.instructions),
        "before": cell.before,
        "change_percent": cell.change_percent(),
        "outcome": record.outcome.word(),
        "reason": record.reason(),
        "verdict": record.verdict,
        "provenance": record.provenance,
        "provenance_reason": record.provenance_reason,
        "tool": found.map(|found| found.tool),
    })
}
