//! `cargo xtask`: everything around a bench run. One file a command.

mod ablation;
mod answers;
mod audit;
mod becoming;
mod bench;
mod boundary;
mod build;
mod capabilities;
mod cloud;
mod comment;
mod compare;
mod completions;
mod criteria;
mod data;
mod docs;
mod doctor;
mod engines;
mod gate;
mod groups;
mod heap;
mod history;
mod instructions;
mod json;
mod lint;
mod report;
mod scaling;
mod serve;
mod services;
mod show;
mod start;

use std::ops::Range;
use std::process::ExitCode;

use clap::{FromArgMatches as _, Parser, Subcommand};
use comfy_table::{CellAlignment, Table, presets};
use querydyno::host::interrupt;

/// QueryDyno's commands around `cargo bench`, which measures: `cargo bench -- duckdb/q1`
#[derive(Debug, Parser)]
#[command(
    name = "cargo xtask",
    bin_name = "cargo xtask",
    version,
    disable_help_subcommand = true,
    after_help = "Without a command: what is built and measured here, and what to do next.
Examples of a command: cargo xtask COMMAND --help

Exit codes: 0 done; 1 something failed that was measured or checked; 2 usage or an error;
3 undecided (gate, compare, criteria); 130 interrupted."
)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    Bench(Box<bench::Bench>),
    Data(data::Data),
    Build(build::Build),
    Engines(engines::Engines),
    Answers(answers::Answers),
    Audit(audit::Audit),
    Ablation(ablation::Ablation),
    Gate(gate::Gate),
    Compare(compare::Compare),
    Comment(comment::Comment),
    Heap(heap::Heap),
    Instructions(instructions::Instructions),
    Report(report::Report),
    History(history::History),
    Serve(serve::Serve),
    Show(show::Show),
    Scaling(scaling::Scaling),
    Boundary(boundary::Boundaries),
    Capabilities(capabilities::Capabilities),
    Criteria(criteria::Criteria),
    Services(services::Services),
    Cloud(cloud::Cloud),
    Doctor(doctor::Doctor),
    Docs(docs::Docs),
    Completions(completions::Completions),
    Lint(lint::Lint),
}

/// The exit code for an invalid command line or setting, and for errors that keep a command from its work.
pub(crate) const USAGE: u8 = 2;

/// Something that was measured or checked failed: the exit code is 1, and not that of an error.
#[derive(Debug)]
struct Finding(String);

impl std::fmt::Display for Finding {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl std::error::Error for Finding {}

/// Ends a command with what it found where that is not well.
fn ensure_well(is_well: bool, found: impl FnOnce() -> String) -> anyhow::Result<()> {
    if is_well { Ok(()) } else { Err(Finding(found()).into()) }
}

fn main() -> ExitCode {
    querydyno::host::terminal::show_notes();
    let parsed = groups::command().try_get_matches().and_then(|found| Cli::from_arg_matches(&found));
    let cli = match parsed {
        Ok(cli) => cli,
        Err(error) => return told(&error),
    };
    match interrupt::install().and_then(|()| run(cli.command)) {
        Ok(code) => code,
        Err(_) if interrupt::requested() => ExitCode::from(interrupt::EXIT_CODE),
        Err(error) => {
            eprintln!("error: {error:#}");
            if error.is::<Finding>() { ExitCode::FAILURE } else { ExitCode::from(USAGE) }
        }
    }
}

fn run(command: Option<Command>) -> anyhow::Result<ExitCode> {
    match command {
        None => start::run()?,
        Some(Command::Bench(command)) => return Ok(command.run()),
        Some(Command::Gate(command)) => return Ok(command.run()),
        Some(Command::Compare(command)) => return Ok(command.run()),
        Some(Command::Boundary(command)) => return command.run(),
        Some(Command::Criteria(command)) => return command.run(),
        Some(Command::History(command)) => match command.run()? {},
        Some(Command::Serve(command)) => match command.run()? {},
        Some(Command::Comment(command)) => command.run()?,
        Some(Command::Data(command)) => command.run()?,
        Some(Command::Build(command)) => command.run()?,
        Some(Command::Engines(command)) => command.run()?,
        Some(Command::Answers(command)) => command.run()?,
        Some(Command::Audit(command)) => command.run()?,
        Some(Command::Ablation(command)) => command.run()?,
        Some(Command::Heap(command)) => command.run()?,
        Some(Command::Instructions(command)) => command.run()?,
        Some(Command::Report(command)) => command.run()?,
        Some(Command::Show(command)) => command.run()?,
        Some(Command::Scaling(command)) => command.run()?,
        Some(Command::Capabilities(command)) => command.run()?,
        Some(Command::Services(command)) => command.run()?,
        Some(Command::Cloud(command)) => command.run()?,
        Some(Command::Doctor(command)) => command.run()?,
        Some(Command::Docs(command)) => command.run()?,
        Some(Command::Completions(command)) => command.run(groups::command())?,
        Some(Command::Lint(command)) => command.run()?,
    }
    Ok(ExitCode::SUCCESS)
}

/// A table without lines; the figures of these columns stand below each other.
fn table<const N: usize>(header: [&str; N], figures: Range<usize>) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header(header);
    for column in table.column_iter_mut().take(figures.end).skip(figures.start) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}

/// What clap has to say, and the exit code of an invalid command line.
fn told(error: &clap::Error) -> ExitCode {
    let _ = error.print();
    ExitCode::from(if error.use_stderr() { USAGE } else { 0 })
}
