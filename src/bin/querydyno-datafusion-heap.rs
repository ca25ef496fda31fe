//! The program of the engine `datafusion` that counts allocations: dhat's allocator, and [`serve`]. Never timed.

use std::process::ExitCode;

use querydyno::engine::datafusion::DataFusion;
use querydyno::engine::{recipe, serve};

#[global_allocator]
static ALLOCATOR: dhat::Alloc = dhat::Alloc;

fn main() -> ExitCode {
    serve::<DataFusion>("datafusion", recipe("dhat"))
}
