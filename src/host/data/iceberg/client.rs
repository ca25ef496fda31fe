//! The host's side of the conversation with `querydyno-iceberg`.

use std::sync::LazyLock;

use anyhow::{Result, bail};

use crate::host::catalog::Recipe;
use crate::host::data::conversation::{Built, build, built, converse};
use crate::protocol::iceberg::{Reply, Request};
use crate::protocol::s3::Access;

static PROGRAM: Built = LazyLock::new(|| build(&Recipe::iceberg(), "Iceberg tables"));

/// Asks all of this, in order, of one program, which reaches tables on S3 where `access` says how.
///
/// # Errors
/// When the program cannot be built or ends early, or with the message of the first request that failed.
pub(crate) fn ask(access: Option<&Access>, requests: &[Request]) -> Result<Vec<Reply>> {
    let connect = access.map(|access| Request::Connect { access: access.clone() });
    let mut replies = Vec::new();
    converse(&built(&PROGRAM)?, connect.iter().chain(requests), |reply| {
        match reply {
            Reply::Fail { message } => bail!(message),
            Reply::Connect {} => {}
            reply => replies.push(reply),
        }
        Ok(true)
    })?;
    Ok(replies)
}

/// Builds the program if need be, ahead of whatever is timed.
///
/// # Errors
/// When it does not compile.
pub(crate) fn ready() -> Result<()> {
    built(&PROGRAM).map(|_| ())
}
