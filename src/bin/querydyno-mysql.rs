//! The program of the engine `mysql`: [`serve`], and the system allocator, since the server does the work.

use querydyno::engine::mysql::MySql;
use querydyno::engine::{recipe, serve};

fn main() -> std::process::ExitCode {
    serve::<MySql>("mysql", recipe("system"))
}
