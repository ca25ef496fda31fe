//! The program of the engine `polars`: its allocator, which `MALLOC_CONF` in its entry tunes, and [`serve`].

use querydyno::engine::polars::Polars;
use querydyno::engine::{recipe, serve};

#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> std::process::ExitCode {
    serve::<Polars>("polars", recipe("jemalloc"))
}
