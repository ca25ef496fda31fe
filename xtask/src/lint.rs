//! `cargo xtask lint`: formatting and clippy, for the host, the bench of instructions and each engine program that is
//! built.
//!
//! A program that was never built is left out and named: clippy would compile all of its engine.

use std::process::Command;

use anyhow::{Context, Result};
use clap::Args;
use querydyno::host::catalog::{Catalog, Recipe};
use querydyno::host::settings::Settings;
use querydyno::host::terminal::output;

/// Check formatting and clippy on the host, its benches and every engine program that is built
///
/// A program that was never built is left out and named, because clippy would compile all of its engine.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  cargo xtask lint

Exit codes: 0 clean, 1 not clean, 2 an error.")]
pub(crate) struct Lint {}

impl Lint {
    #[expect(clippy::unused_self, reason = "every command has the same shape")]
    pub(crate) fn run(self) -> Result<()> {
        check(Command::new("cargo").args(["fmt", "--all", "--check"]))?;
        let host = ["clippy", "--release", "--workspace", "--all-targets", "--", "-D", "warnings"];
        check(Command::new("cargo").args(host))?;
        // It is built without the host, as `cargo xtask instructions` does.
        let bench = ["--no-default-features", "--features", "instructions", "--bench", "instructions"];
        check(Command::new("cargo").args(["clippy", "--release"]).args(bench).args(["--", "-D", "warnings"]))?;
        let report = ["--features", "report-speed", "--bench", "report"];
        check(Command::new("cargo").args(["clippy", "--release"]).args(report).args(["--", "-D", "warnings"]))?;
        let settings = Settings::read()?;
        for engine in Catalog::read(&settings)?.entries() {
            let Some(recipe) = engine.recipe() else { continue };
            program(recipe, &format!("cargo xtask build {}", engine.name))?;
            if let Some(heap) = recipe.heap() {
                program(&heap, &format!("cargo xtask heap {}/q1", engine.name))?;
            }
        }
        program(&Recipe::iceberg(), "cargo xtask build iceberg")?;
        program(&Recipe::s3(), "cargo xtask build s3")?;
        program(&Recipe::history(&settings)?, "cargo xtask build history")?;
        program(&Recipe::server(&settings)?, "cargo xtask build server")
    }
}

/// Checks an engine's program if it is there; `built_by` is the command that builds it.
fn program(recipe: &Recipe, built_by: &str) -> Result<()> {
    let program = recipe.program().path;
    if program.is_file() {
        return check(recipe.cargo("clippy")?.args(["--", "-D", "warnings"]));
    }
    output::line(format_args!("left out: {}, which is not built ({built_by})", program.display()))?;
    Ok(())
}

fn check(command: &mut Command) -> Result<()> {
    let shown = format!("{command:?}");
    let status = command.status().with_context(|| format!("cannot start {shown}"))?;
    crate::ensure_well(status.success(), || format!("not clean: {shown}"))
}
