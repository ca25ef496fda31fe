//! The host's side of the conversation with `querydyno-s3`: what is in a bucket, and putting tables there.

use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};
use std::sync::LazyLock;

use anyhow::{Context, Result, bail};

use crate::host::catalog::{Recipe, command};
use crate::host::session::{Program, environment};
use crate::protocol::location::Location;
use crate::protocol::s3::{Access, Reply, Request};

/// Asks all of this, in order, of one program that is connected to a store; `sent` is told how many bytes went there.
///
/// # Errors
/// When the program cannot be built or ends early, or with the message of the first request that failed.
pub(crate) fn ask(access: &Access, requests: &[Request], mut sent: impl FnMut(u64)) -> Result<Vec<Reply>> {
    let program = program()?;
    let mut command = Command::new(&program.path);
    environment::prepare(&mut command, std::env::vars_os());
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::inherit());
    let mut replies = Vec::new();
    command::run(&mut command, |child| {
        let mut stdin = child.stdin.take().context("no pipe")?;
        let stdout = child.stdout.take().context("no pipe")?;
        let mut lines = BufReader::new(stdout).lines();
        let connect = Request::Connect { access: access.clone() };
        // One at a time, so that neither side ever waits for the other to empty a pipe.
        for request in std::iter::once(&connect).chain(requests) {
            let mut line = serde_json::to_vec(request)?;
            line.push(b'\n');
            // A program that is gone says so by its silence.
            let _ = stdin.write_all(&line);
            loop {
                let reply = lines.next().context("querydyno-s3 ended without a reply")??;
                match serde_json::from_str(&reply).with_context(|| format!("querydyno-s3 replied {reply}"))? {
                    Reply::Sent { bytes } => sent(bytes),
                    Reply::Fail { message } => bail!(message),
                    Reply::Connect {} => break,
                    reply => {
                        replies.push(reply);
                        break;
                    }
                }
            }
        }
        Ok(())
    })?;
    Ok(replies)
}

/// The bucket of a place on S3, and the key.
///
/// # Errors
/// When it is on this machine.
pub(crate) fn parts(place: &Location) -> Result<(String, String)> {
    match place {
        Location::S3 { bucket, key } => Ok((bucket.clone(), key.clone())),
        Location::Local(path) => bail!("{} is on this machine, not on S3", path.display()),
    }
}

/// Builds the program if need be, ahead of whatever is timed.
///
/// # Errors
/// When it does not compile.
pub(crate) fn ready() -> Result<()> {
    program().map(|_| ())
}

/// Built once in the life of this process, if it is missing or stale; that it could not be is remembered too.
///
/// # Errors
/// When it does not compile.
pub(crate) fn program() -> Result<Program> {
    static BUILT: LazyLock<Result<Program, String>> = LazyLock::new(|| build().map_err(|error| format!("{error:#}")));
    BUILT.clone().map_err(anyhow::Error::msg)
}

fn build() -> Result<Program> {
    let recipe = Recipe::s3();
    if !recipe.program().path.is_file() {
        log::info!("building the program for tables on S3, once: about {} min", recipe.minutes());
    }
    recipe.build().context("tables on S3 take a program of their own")
}
