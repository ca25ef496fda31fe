//! The program of the engine `mysql`: [`serve`], and the system allocator, since the server does the work.

use std::process::ExitCode;

use querydyno::engine::mysql::MySql;
use querydyno::engine::{recipe, serve};

fn main() -> ExitCode {
    serve::<MySql>("mysql", recipe("system"))
}
