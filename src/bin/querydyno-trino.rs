//! The program of the engine `trino`: [`serve`], and the system allocator, since the server does the work.

use querydyno::engine::trino::Trino;
use querydyno::engine::{recipe, serve};

fn main() -> std::process::ExitCode {
    serve::<Trino>("trino", recipe("system"))
}
