//! The host's side of the conversation with `querydyno-s3`: what is in a bucket, and putting tables there.

use std::sync::LazyLock;

use anyhow::{Result, bail};

use super::conversation::{Built, build, built, converse};
use crate::host::catalog::Recipe;
use crate::host::session::Program;
use crate::protocol::location::Location;
use crate::protocol::s3::{Access, Reply, Request};

static PROGRAM: Built = LazyLock::new(|| build(&Recipe::s3(), "tables on S3"));

/// Asks all of this, in order, of one program that is connected to a store; `sent` is told how many bytes went there.
///
/// # Errors
/// When the program cannot be built or ends early, or with the message of the first request that failed.
pub(crate) fn ask(access: &Access, requests: &[Request], mut sent: impl FnMut(u64)) -> Result<Vec<Reply>> {
    let connect = Request::Connect { access: access.clone() };
    let mut replies = Vec::new();
    converse(&program()?, std::iter::once(&connect).chain(requests), |reply| {
        match reply {
            Reply::Sent { bytes } => {
                sent(bytes);
                return Ok(false);
            }
            Reply::Fail { message } => bail!(message),
            Reply::Connect {} => {}
            reply => replies.push(reply),
        }
        Ok(true)
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

/// The program, built if need be.
///
/// # Errors
/// When it does not compile.
pub(crate) fn program() -> Result<Program> {
    built(&PROGRAM)
}
