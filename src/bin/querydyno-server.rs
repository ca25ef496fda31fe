//! The program that serves the history, `cargo xtask serve`. Its allocator is the system's, as that of `querydyno-history`.

use std::process::ExitCode;

fn main() -> ExitCode {
    querydyno::server::main()
}
