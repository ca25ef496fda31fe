//! The program of the engine `polars` that counts allocations: dhat's allocator, and [`serve`]. Never timed.

use querydyno::engine::polars::Polars;
use querydyno::engine::{recipe, serve};

#[global_allocator]
static ALLOCATOR: dhat::Alloc = dhat::Alloc;

fn main() -> std::process::ExitCode {
    serve::<Polars>("polars", recipe("dhat"))
}
