//! The program of the engine `duckdb`: its allocator, and [`serve`].
//!
//! DuckDB's shared library brings its own allocator, and takes the rest from the system's as it does in its makers'
//! packages. Only DuckDB's C++ compiled into the program is served by our jemalloc, which `MALLOC_CONF` tunes.

use querydyno::engine::duckdb::DuckDb;
use querydyno::engine::{recipe, serve};

#[cfg(feature = "duckdb-source")]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> std::process::ExitCode {
    serve::<DuckDb>("duckdb", recipe(if cfg!(feature = "duckdb-source") { "jemalloc" } else { "system" }))
}
