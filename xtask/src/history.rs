//! `cargo xtask history`: builds the program that owns the history, if need be, and becomes it.

use std::convert::Infallible;
use std::ffi::OsString;

use anyhow::Result;
use clap::Args;
use querydyno::host::catalog::Recipe;
use querydyno::host::settings::Settings;

use crate::becoming;

/// Query and maintain the history of all results: `cargo xtask history --help`
#[derive(Debug, Args)]
#[command(disable_help_flag = true)]
pub(crate) struct History {
    /// A command with its arguments: sql, list, show, stats, compare, trend, changes, import, simulated, validate and more
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    arguments: Vec<OsString>,
}

impl History {
    /// Does not come back where it went well.
    pub(crate) fn run(self) -> Result<Infallible> {
        becoming::program(&Recipe::history(&Settings::read()?)?, "of the history", self.arguments)
    }
}
