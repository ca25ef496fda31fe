//! The program of the engine `datafusion`: [`serve`], and the system allocator, which was measured faster for it than jemalloc.

use querydyno::engine::datafusion::DataFusion;
use querydyno::engine::{recipe, serve};

fn main() -> std::process::ExitCode {
    serve::<DataFusion>("datafusion", recipe("system"))
}
