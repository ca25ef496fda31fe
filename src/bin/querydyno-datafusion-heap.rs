//! The program of the engine `datafusion` that counts allocations: dhat's allocator, and [`serve`]. Never timed.

use querydyno::engine::datafusion::DataFusion;
use querydyno::engine::{recipe, serve};

#[global_allocator]
static ALLOCATOR: dhat::Alloc = dhat::Alloc;

fn main() -> std::process::ExitCode {
    serve::<DataFusion>("datafusion", recipe("dhat"))
}
