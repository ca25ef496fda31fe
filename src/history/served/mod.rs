//! The history where a server owns it: [`Owner`], on whose connections everything is asked, and how `cargo xtask history` finds the
//! server and has it run a command.
//!
//! A server writes `history.duckdb.server.json` beside the file: its process, an address of this machine, and a secret that only the file's
//! owner can read. A command sends a line of JSON there, [`Asked`](messages::Asked), and gets a line back, [`Answer`](messages::Answer), and what the command has printed.
//! Commands that need the file itself, such as `optimize`, are told so: the server closes it, and opens it again when the connection ends,
//! which it does however the command ends.

mod answer;
pub(super) mod ask;
mod guard;
pub mod keep;
mod messages;
mod owner;
pub mod questions;
pub mod snapshot;

pub use answer::{Beside, is_same, listen};
pub use ask::at_work;
pub use owner::{Owner, Unanswered};
