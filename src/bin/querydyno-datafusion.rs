//! The program of the engine `datafusion`: its allocator, and [`serve`].

use std::process::ExitCode;

use querydyno::engine::datafusion::DataFusion;
use querydyno::session::{recipe, serve};

#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    serve::<DataFusion>("datafusion", recipe("jemalloc"))
}
