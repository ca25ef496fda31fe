//! The host's hold on a running engine program: a [`Session`].
//!
//! A program is spawned in its own process group, watched for time and memory, killed with all its children when it
//! misbehaves, and killed by the kernel when its parent dies. What is said over the pipe is
//! [`protocol::messages`](crate::protocol::messages); any executable can take part.

mod arrow_file;
mod client;
pub(crate) mod environment;
mod failure;
mod proxy;
mod runs;
mod spawn;
mod trouble;
mod watch;

pub(crate) use arrow_file::read as read_arrow;
pub use client::Session;
pub(crate) use client::shown;
pub use failure::{Failure, FailureKind};
pub(crate) use proxy::Proxy;
pub use runs::Runs;
pub(crate) use runs::Worker;
pub use spawn::{Limits, Program};
pub(crate) use trouble::{LINES, ServerWatch, cause_in, last_lines};
pub use trouble::{ServerTrouble, TroubleKind};
pub(crate) use watch::{ended_or, ended_within};
