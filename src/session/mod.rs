//! A running engine program, seen from both ends of the pipe.
//!
//! [`protocol`] is what is said, one JSON object a line; [`serve`] is the loop inside an engine program;
//! `Session` (feature `harness`) is the host's hold on one: spawned in its own process group, watched for time
//! and memory, killed with all its children when it misbehaves, and killed by the kernel when its parent dies.
//!
//! Any executable can take part: see [`protocol`] for the whole conversation.

#[cfg(feature = "harness")]
mod arrow_file;
#[cfg(feature = "harness")]
mod client;
#[cfg(feature = "harness")]
pub(crate) mod environment;
#[cfg(feature = "harness")]
mod failure;
#[cfg(feature = "heap")]
mod heap;
mod observe;
#[cfg(feature = "harness")]
mod program;
pub mod protocol;
#[cfg(feature = "harness")]
mod runs;
mod serve;
#[cfg(feature = "harness")]
mod spawn;
#[cfg(feature = "harness")]
mod watch;

#[cfg(feature = "harness")]
pub(crate) use arrow_file::read as read_arrow;
#[cfg(feature = "harness")]
pub use client::Session;
#[cfg(feature = "harness")]
pub(crate) use client::shown;
#[cfg(feature = "harness")]
pub use failure::{Failure, FailureKind};
pub use observe::{Heap, Observe, Observed};
#[cfg(feature = "harness")]
pub use program::{Limits, Program};
#[cfg(feature = "harness")]
pub(crate) use protocol::Request;
#[cfg(feature = "harness")]
pub use runs::Runs;
#[cfg(feature = "harness")]
pub(crate) use runs::Worker;
pub use serve::{recipe, serve};
