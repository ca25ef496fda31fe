//! `cargo xtask serve`: builds the program that serves the history, if need be, and becomes it.

use std::convert::Infallible;
use std::ffi::OsString;
use std::os::unix::process::CommandExt as _;
use std::process::Command;

use anyhow::{Context, Result};
use clap::Args;
use querydyno::host::catalog::Recipe;
use querydyno::host::settings::Settings;

/// Serve the history as pages and as an API, on this machine unless told (`cargo xtask serve --help` has the options)
#[derive(Debug, Args)]
#[command(disable_help_flag = true)]
pub(crate) struct Serve {
    /// --host, --port, --allow-runs, --cors, --database and more
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    arguments: Vec<OsString>,
}

impl Serve {
    /// Does not come back where it went well: the program has our place then, with our stdin, stdout and exit code.
    pub(crate) fn run(self) -> Result<Infallible> {
        let recipe = Recipe::server(&Settings::read()?)?;
        if !recipe.program().path.is_file() {
            eprintln!("building the program that serves the history, once: about {} min", recipe.minutes());
        }
        let program = recipe.build()?.path;
        let error = Command::new(&program).args(self.arguments).exec();
        Err(error).with_context(|| format!("cannot start {}", program.display()))
    }
}
