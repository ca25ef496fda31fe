//! The host's side of a conversation with a program of ours that is no engine: JSON, one request a line on its stdin, replies on its stdout.

use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};
use std::sync::LazyLock;

use anyhow::{Context, Result};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::host::catalog::{Recipe, command};
use crate::host::session::{Program, environment};

/// A program, or why it could not be built, which is remembered too: it is tried once in the life of this process.
pub(super) type Built = LazyLock<Result<Program, String>>;

/// Builds the program for these tables if it is missing or stale.
pub(super) fn build(recipe: &Recipe, tables: &str) -> Result<Program, String> {
    if !recipe.program().path.is_file() {
        log::info!("building the program for {tables}, once: about {} min", recipe.minutes());
    }
    recipe
        .build()
        .with_context(|| format!("{tables} take a program of their own"))
        .map_err(|error| format!("{error:#}"))
}

/// The program that was built.
///
/// # Errors
/// When it does not compile.
pub(super) fn built(program: &Built) -> Result<Program> {
    Result::clone(program).map_err(anyhow::Error::msg)
}

/// Says all of this to one run of the program, in order; `take` is given each reply, and says whether it was the request's last.
///
/// # Errors
/// When the program ends early, or with the error of `take`.
pub(super) fn converse<Q: Serialize, R: DeserializeOwned>(
    program: &Program,
    requests: impl IntoIterator<Item = Q>,
    mut take: impl FnMut(R) -> Result<bool>,
) -> Result<()> {
    let name = program.path.file_name().unwrap_or_default().to_string_lossy();
    let mut command = Command::new(&program.path);
    environment::prepare(&mut command, std::env::vars_os());
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::inherit());
    command::run(&mut command, |child| {
        let mut stdin = child.stdin.take().context("no pipe")?;
        let stdout = child.stdout.take().context("no pipe")?;
        let mut lines = BufReader::new(stdout).lines();
        // One at a time, so that neither side ever waits for the other to empty a pipe.
        for request in requests {
            let mut line = serde_json::to_vec(&request)?;
            line.push(b'\n');
            // A program that is gone says so by its silence.
            let _ = stdin.write_all(&line);
            loop {
                let reply = lines.next().with_context(|| format!("{name} ended without a reply"))??;
                if take(serde_json::from_str(&reply).with_context(|| format!("{name} replied {reply}"))?)? {
                    break;
                }
            }
        }
        Ok(())
    })?;
    Ok(())
}
