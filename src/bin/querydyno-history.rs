//! The program that owns the history of results, `cargo xtask history`. One thread reads what another writes and frees, which takes the
//! system's allocator a sixth of the time.

use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    querydyno::history::main()
}
