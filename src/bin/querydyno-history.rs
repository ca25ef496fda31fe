//! The program that owns the history of results, `cargo xtask history`. It measures nothing, so the allocator is the system's.

use std::process::ExitCode;

fn main() -> ExitCode {
    querydyno::history::main()
}
