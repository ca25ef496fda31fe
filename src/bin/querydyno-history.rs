//! The program that owns the history of results, `cargo xtask history`. It measures nothing, so the allocator is the
//! system's: jemalloc takes in results a tenth faster, but the history's C code is compiled as the host's and an engine's by its recipe, so
//! that both would compile it again in turn.

use std::process::ExitCode;

fn main() -> ExitCode {
    querydyno::history::main()
}
