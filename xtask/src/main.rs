//! `cargo xtask`: everything around a bench run. One file a command.

mod ablation;
mod answers;
mod audit;
mod becoming;
mod bench;
mod boundary;
mod build;
mod capabilities;
mod comment;
mod compare;
mod criteria;
mod data;
mod doctor;
mod engines;
mod gate;
mod heap;
mod history;
mod instructions;
mod lint;
mod report;
mod scaling;
mod serve;
mod services;
mod show;

use std::ops::Range;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use comfy_table::{CellAlignment, Table, presets};
use querydyno::host::interrupt;

/// `QueryDyno`'s commands around `cargo bench`.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
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
    Doctor(doctor::Doctor),
    Lint(lint::Lint),
}

fn main() -> ExitCode {
    querydyno::host::terminal::show_notes();
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return told(&error),
    };
    let run = || -> anyhow::Result<ExitCode> {
        match cli.command {
            Command::Bench(command) => return Ok(command.run()),
            Command::Gate(command) => return Ok(command.run()),
            Command::Compare(command) => return Ok(command.run()),
            Command::Boundary(command) => return finding(command.run()),
            Command::Criteria(command) => return finding(command.run()),
            Command::History(command) => match command.run()? {},
            Command::Serve(command) => match command.run()? {},
            Command::Comment(command) => command.run()?,
            Command::Data(command) => command.run()?,
            Command::Build(command) => command.run()?,
            Command::Engines(command) => command.run()?,
            Command::Answers(command) => command.run()?,
            Command::Audit(command) => command.run()?,
            Command::Ablation(command) => command.run()?,
            Command::Heap(command) => command.run()?,
            Command::Instructions(command) => command.run()?,
            Command::Report(command) => command.run()?,
            Command::Show(command) => command.run()?,
            Command::Scaling(command) => command.run()?,
            Command::Capabilities(command) => command.run()?,
            Command::Services(command) => command.run()?,
            Command::Doctor(command) => command.run()?,
            Command::Lint(command) => command.run()?,
        }
        Ok(ExitCode::SUCCESS)
    };
    match interrupt::install().and_then(|()| run()) {
        Ok(code) => code,
        Err(_) if interrupt::requested() => ExitCode::from(interrupt::EXIT_CODE),
        Err(error) => {
            eprintln!("error: {error:#}");
            if gates() { ExitCode::from(gate::UNDECIDED) } else { ExitCode::FAILURE }
        }
    }
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

/// The exit code of a command whose 1 is something that it found: 2 for what kept it from finding anything.
fn finding(found: anyhow::Result<ExitCode>) -> anyhow::Result<ExitCode> {
    found.or_else(|error| {
        if interrupt::requested() {
            return Err(error);
        }
        eprintln!("error: {error:#}");
        Ok(ExitCode::from(2))
    })
}

/// Whether the command is one whose exit code 1 means something else than that it failed.
fn gates() -> bool {
    std::env::args().nth(1).is_some_and(|command| command == "gate" || command == "compare")
}

/// What clap has to say, and how a process ends that could not be meant: 2, or in a gate, where 2 means something else, 3.
fn told(error: &clap::Error) -> ExitCode {
    let _ = error.print();
    if !error.use_stderr() {
        return ExitCode::SUCCESS;
    }
    ExitCode::from(if gates() { gate::USAGE } else { 2 })
}
