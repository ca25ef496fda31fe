//! `cargo xtask`: everything around a bench run. One file a command.

mod answers;
mod audit;
mod bench;
mod build;
mod data;
mod doctor;
mod engines;
mod heap;
mod instructions;
mod lint;
mod report;
mod scaling;
mod services;
mod show;

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use querydyno::interrupt;

/// `QueryDyno`'s commands around `cargo bench`.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Bench(bench::Bench),
    Data(data::Data),
    Build(build::Build),
    Engines(engines::Engines),
    Answers(answers::Answers),
    Audit(audit::Audit),
    Heap(heap::Heap),
    Instructions(instructions::Instructions),
    Report(report::Report),
    Show(show::Show),
    Scaling(scaling::Scaling),
    Services(services::Services),
    Doctor(doctor::Doctor),
    Lint(lint::Lint),
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let run = || -> anyhow::Result<ExitCode> {
        match cli.command {
            Command::Bench(command) => return Ok(command.run()),
            Command::Data(command) => command.run()?,
            Command::Build(command) => command.run()?,
            Command::Engines(command) => command.run()?,
            Command::Answers(command) => command.run()?,
            Command::Audit(command) => command.run()?,
            Command::Heap(command) => command.run()?,
            Command::Instructions(command) => command.run()?,
            Command::Report(command) => command.run()?,
            Command::Show(command) => command.run()?,
            Command::Scaling(command) => command.run()?,
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
            ExitCode::FAILURE
        }
    }
}
