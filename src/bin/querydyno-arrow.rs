//! The program of the engine `arrow`: its allocator, and [`serve`].

use querydyno::engine::arrow::ArrowKernels;
use querydyno::engine::{recipe, serve};

#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> std::process::ExitCode {
    serve::<ArrowKernels>("arrow", recipe("jemalloc"))
}
