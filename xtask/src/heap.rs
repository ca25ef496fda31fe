//! `cargo xtask heap`: the allocations of one run of a query.

use anyhow::Result;
use clap::Args;
use querydyno::host::inspect::{HeapFound, Tool, heap};
use querydyno::host::settings::Settings;
use querydyno::host::terminal::output;
use querydyno::protocol::id::Scale;
use querydyno::protocol::units::Bytes;
use serde_json::json;

use crate::json::Json;

/// Count the allocations of one run of a query, and name the places they come from
///
/// Engines in Rust have a further program with dhat's allocator, built on first use (a minute or two); DuckDB runs under
/// Valgrind's DHAT, which sees C++ too and is some 50 times slower: use a small scale. Threads and memory are those of a
/// bench. The profile opens in dhat's viewer; the totals stand in later records of the same cell.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  cargo xtask heap arrow/q6                 an engine in Rust, at scale 0.01
  cargo xtask heap duckdb/q6                by Valgrind
  cargo xtask heap polars/q1 --sites 30 --json

Exit codes: 0 counted, 1 a cell failed, 2 usage or an error, 130 interrupted.")]
pub(crate) struct Heap {
    /// The cells, as in a bench: `polars/q1`, `arrow`
    filter: String,
    /// The scale factor
    #[arg(long, default_value = "0.01")]
    scale: Scale,
    /// Use Valgrind's DHAT for engines in Rust too
    #[arg(long)]
    valgrind: bool,
    /// How many places of allocation to show
    #[arg(long, default_value_t = 10)]
    sites: usize,
    #[command(flatten)]
    json: Json,
}

impl Heap {
    pub(crate) fn run(self) -> Result<()> {
        self.json.check()?;
        let tool = if self.valgrind { Tool::Valgrind } else { Tool::Fitting };
        let mut settings = Settings::read()?;
        settings.scales = vec![self.scale];
        let found = heap(Some(&self.filter), tool, &settings)?;
        if self.json.is_wanted() {
            let cells: Vec<_> = found.iter().map(|cell| as_json(cell, self.sites)).collect();
            self.json.write(&serde_json::to_string_pretty(&json!({ "cells": cells }))?)?;
        } else {
            for cell in &found {
                show(cell, self.sites)?;
            }
        }
        let failed = found.iter().filter(|cell| cell.record.is_failed()).count();
        crate::ensure_well(failed == 0, || format!("{failed} of {} cells failed; their lines say why", found.len()))
    }
}

fn show(found: &HeapFound, sites: usize) -> Result<()> {
    let record = &found.record;
    let Some(told) = record.heap() else {
        output::line(format_args!("{}: {}", record.id, record.reason().unwrap_or("nothing was counted")))?;
        return Ok(());
    };
    let heap = &told.heap;
    output::line(format_args!(
        "{}: {} in {} blocks, peak {} in {} blocks ({})",
        record.id,
        Bytes(heap.total_bytes),
        heap.total_blocks,
        Bytes(heap.peak_bytes),
        heap.peak_blocks,
        told.tool
    ))?;
    let mut table = crate::table(["bytes", "share", "blocks", "allocated by"], 0..3);
    for site in found.sites.iter().take(sites) {
        #[expect(clippy::cast_precision_loss, reason = "shown in percent")]
        let share = 100.0 * site.total_bytes as f64 / heap.total_bytes.max(1) as f64;
        table.add_row([
            Bytes(site.total_bytes).to_string(),
            format!("{share:.1} %"),
            site.total_blocks.to_string(),
            site.function.chars().take(90).collect(),
        ]);
    }
    output::line(table)?;
    if let Some(profile) = &found.profile {
        output::line(format_args!("profile for dhat's viewer (dh_view.html): {}\n", profile.display()))?;
    }
    Ok(())
}

fn as_json(found: &HeapFound, sites: usize) -> serde_json::Value {
    let record = &found.record;
    json!({
        "id": record.id,
        "outcome": record.outcome.word(),
        "reason": record.reason(),
        "verdict": record.verdict,
        "heap": record.heap(),
        "profile": found.profile,
        "sites": &found.sites[..sites.min(found.sites.len())],
    })
}
