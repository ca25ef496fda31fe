//! The host's side of the conversation with `querydyno-iceberg`.

use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};
use std::sync::LazyLock;

use anyhow::{Context, Result, bail};

use crate::host::catalog::{Recipe, command};
use crate::host::session::{Program, environment};
use crate::protocol::iceberg::{Reply, Request};

/// Asks all of this, in order, of one program.
///
/// # Errors
/// When the program cannot be built or ends early, or with the message of the first request that failed.
pub(crate) fn ask(requests: &[Request]) -> Result<Vec<Reply>> {
    let program = program()?;
    let mut command = Command::new(&program.path);
    environment::prepare(&mut command, std::env::vars_os());
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::inherit());
    let mut replies = Vec::new();
    command::run(&mut command, |child| {
        let mut stdin = child.stdin.take().context("no pipe")?;
        let stdout = child.stdout.take().context("no pipe")?;
        let mut lines = BufReader::new(stdout).lines();
        // One at a time, so that neither side ever waits for the other to empty a pipe.
        for request in requests {
            let mut line = serde_json::to_vec(request)?;
            line.push(b'\n');
            // A program that is gone says so by its silence.
            let _ = stdin.write_all(&line);
            let reply = lines.next().context("querydyno-iceberg ended without a reply")??;
            match serde_json::from_str(&reply).with_context(|| format!("querydyno-iceberg replied {reply}"))? {
                Reply::Fail { message } => bail!(message),
                reply => replies.push(reply),
            }
        }
        Ok(())
    })?;
    Ok(replies)
}

/// Builds the program if need be, ahead of whatever is timed.
///
/// # Errors
/// When it does not compile.
pub(crate) fn ready() -> Result<()> {
    program().map(|_| ())
}

/// Built once in the life of this process, if it is missing or stale; that it could not be is remembered too.
fn program() -> Result<Program> {
    static BUILT: LazyLock<Result<Program, String>> = LazyLock::new(|| build().map_err(|error| format!("{error:#}")));
    BUILT.clone().map_err(anyhow::Error::msg)
}

fn build() -> Result<Program> {
    let recipe = Recipe::iceberg();
    if !recipe.program().path.is_file() {
        log::info!("building the program for Iceberg tables, once: about {} min", recipe.minutes());
    }
    recipe.build().context("Iceberg tables take a program of their own")
}
