//! Commands that are programs of their own: [`program`] builds one, if need be, and becomes it.

use std::convert::Infallible;
use std::ffi::OsString;
use std::os::unix::process::CommandExt as _;
use std::process::Command;

use anyhow::{Context, Result};
use querydyno::host::catalog::Recipe;

/// Does not come back where it went well: the program, which `does` something, has our place then, with our stdin, stdout and exit code.
pub(crate) fn program(recipe: &Recipe, does: &str, arguments: Vec<OsString>) -> Result<Infallible> {
    if !recipe.program().path.is_file() {
        eprintln!("building the program {does}, once: about {} min", recipe.minutes());
    }
    let program = recipe.build()?.path;
    let error = Command::new(&program).args(arguments).exec();
    Err(error).with_context(|| format!("cannot start {}", program.display()))
}
