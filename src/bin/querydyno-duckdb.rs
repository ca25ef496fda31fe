//! The program of the engine `duckdb`: its allocator, and [`serve`].

use std::process::ExitCode;

use querydyno::engine::duckdb::DuckDb;
use querydyno::session::{recipe, serve};

#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    serve::<DuckDb>("duckdb", recipe("jemalloc"))
}
