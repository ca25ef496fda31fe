//! `cargo xtask serve`: builds the program that serves the history, if need be, and becomes it.

use std::convert::Infallible;
use std::ffi::OsString;

use anyhow::Result;
use clap::Args;
use querydyno::host::catalog::Recipe;
use querydyno::host::settings::Settings;

use crate::becoming;

/// Serve the history as pages and as an API: `cargo xtask serve --help`
#[derive(Debug, Args)]
#[command(disable_help_flag = true)]
pub(crate) struct Serve {
    /// --host, --port, --allow-runs, --cors, --database and more
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    arguments: Vec<OsString>,
}

impl Serve {
    /// Does not come back where it went well.
    pub(crate) fn run(self) -> Result<Infallible> {
        becoming::program(&Recipe::server(&Settings::read()?)?, "that serves the history", self.arguments)
    }
}
