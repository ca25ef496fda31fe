//! `cargo xtask lint`: formatting and clippy, for the host and for each engine program that is built.
//!
//! An engine that was never built is left out and named: clippy would compile all of it.

use std::process::Command;

use anyhow::{Context, Result, bail};
use clap::Args;
use querydyno::catalog::Catalog;
use querydyno::settings::Settings;

/// Check formatting and clippy on the host and on every engine program that is built
#[derive(Debug, Args)]
pub(crate) struct Lint {}

impl Lint {
    #[expect(clippy::unused_self, reason = "every command has the same shape")]
    pub(crate) fn run(self) -> Result<()> {
        check(Command::new("cargo").args(["fmt", "--all", "--check"]))?;
        let host = ["clippy", "--release", "--workspace", "--all-targets", "--", "-D", "warnings"];
        check(Command::new("cargo").args(host))?;
        for engine in Catalog::read(&Settings::read()?)?.entries() {
            let Some(recipe) = engine.recipe() else { continue };
            if engine.find().is_none() {
                println!("left out: {}, its program is not built (cargo xtask build {})", engine.name, engine.name);
                continue;
            }
            check(recipe.cargo("clippy").args(["--", "-D", "warnings"]))?;
        }
        Ok(())
    }
}

fn check(command: &mut Command) -> Result<()> {
    let shown = format!("{command:?}");
    let status = command.status().with_context(|| format!("cannot start {shown}"))?;
    if !status.success() {
        bail!("not clean: {shown}");
    }
    Ok(())
}
