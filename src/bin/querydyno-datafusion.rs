//! The program of the engine `datafusion`: [`serve`], and the system allocator, which was measured faster for it than jemalloc.

use std::process::ExitCode;

use querydyno::engine::datafusion::DataFusion;
use querydyno::engine::{recipe, serve};

fn main() -> ExitCode {
    serve::<DataFusion>("datafusion", recipe("system"))
}
