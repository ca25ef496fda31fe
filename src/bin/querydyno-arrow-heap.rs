//! The program of the engine `arrow` that counts allocations: dhat's allocator, and [`serve`]. Never timed.

use querydyno::engine::arrow::ArrowKernels;
use querydyno::engine::{recipe, serve};

#[global_allocator]
static ALLOCATOR: dhat::Alloc = dhat::Alloc;

fn main() -> std::process::ExitCode {
    serve::<ArrowKernels>("arrow", recipe("dhat"))
}
