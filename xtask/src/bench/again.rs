//! The flags of a run that leaves out what needs none, takes a list of cells, or only says what it would do.

use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::Args;
use querydyno::host::bench::Bench as Run;
use querydyno::host::files::write_whole;
use querydyno::host::incremental::{CellList, Plan};
use querydyno::host::settings::Only;
use querydyno::host::terminal::output::{plain_table, print};

use super::check_writable;
use crate::report::tell;

// No doc comment: clap would take it for what the command does.
#[derive(Debug, Args)]
#[command(next_help_heading = "Only what needs a run, by the history; several mean cells with any of these reasons")]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
pub(super) struct Again {
    /// Cells without a verified result on this class of machine; an interrupted run goes on with it
    #[arg(long)]
    missing: bool,
    /// Cells whose program, version, text, data, settings or conditions are others than those of their newest result
    #[arg(long)]
    outdated: bool,
    /// Cells whose newest result failed, was wrong or is disputed
    #[arg(long)]
    failed: bool,
    /// Cells whose newest result is older, such as 14d or 12h
    #[arg(long, value_name = "TIME", value_parser = age)]
    older_than: Option<String>,
    /// Take first what `[priority]` in querydyno.toml gives the highest numbers, query by query
    #[arg(long)]
    priority: bool,
    /// The cells of this file: CSV with the columns engine, query, scale and variant; others are ignored
    #[arg(long, value_name = "FILE", conflicts_with_all = ["sql", "tables", "name", "suite"])]
    cells: Option<PathBuf>,
    /// Measure what the commits after this one lack, each built in a worktree: cells of engines that are compiled here
    #[arg(
        long,
        value_name = "COMMIT..",
        conflicts_with_all = ["missing", "outdated", "failed", "older_than", "priority", "cells", "output", "sql", "tables", "name", "suite", "engines", "json"]
    )]
    pub(super) backfill: Option<String>,
    /// Measure and build nothing: list what would run, why, and about how long it takes
    #[arg(long)]
    pub(super) dry_run: bool,
    /// Write that list to this file, which --cells takes
    #[arg(long, value_name = "FILE", requires = "dry_run")]
    output: Option<PathBuf>,
}

/// A time that results may be old, as it was written.
fn age(text: &str) -> Result<String, String> {
    match format!("older={text}").parse::<Only>() {
        Ok(_) => Ok(text.to_owned()),
        Err(error) => Err(format!("{error:#}")),
    }
}

impl Again {
    /// What they say, as `QUERYDYNO_ONLY` has it.
    pub(super) fn only(&self) -> Option<String> {
        let words = [(self.missing, "missing"), (self.outdated, "outdated"), (self.failed, "failed")];
        let words = words.into_iter().filter(|(is_wanted, _)| *is_wanted).map(|(_, word)| word.to_owned());
        let all: Vec<String> = words.chain(self.older_than.as_ref().map(|age| format!("older={age}"))).collect();
        (!all.is_empty()).then(|| all.join(","))
    }

    /// The run with its list and its order.
    pub(super) fn add_to(&self, run: Run) -> Result<Run> {
        let run = match &self.cells {
            Some(file) => run.cells_of(CellList::read(file)?),
            None => run,
        };
        Ok(if self.priority { run.by_priority() } else { run })
    }

    /// Shows what a run would do, and writes it where that is wanted.
    pub(super) fn show(&self, run: Run) -> Result<()> {
        if let Some(file) = &self.output {
            check_writable(file)?;
        }
        let plan = run.plan()?;
        if !plan.cells.is_empty() {
            print(&format!("{}\n", table(&plan)))?;
        }
        tell!("{}", plan.summary());
        if let Some(line) = &plan.left_out {
            tell!("{line}");
        }
        if let Some(file) = &self.output {
            write_whole(file, &plan.csv()?).with_context(|| format!("cannot write {}", file.display()))?;
            tell!("written: {}", file.display());
        }
        Ok(())
    }
}

fn table(plan: &Plan) -> comfy_table::Table {
    let mut table = plain_table(["cell", "takes", "why"], 1..2);
    for cell in &plan.cells {
        let takes = cell.takes.map_or_else(|| "unknown".to_owned(), |takes| format!("{:.1} s", takes.as_secs_f64()));
        table.add_row([cell.id.to_string(), takes, cell.why.clone()]);
    }
    table
}
