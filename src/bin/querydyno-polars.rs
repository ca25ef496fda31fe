//! The program of the engine `polars`: its allocator, and [`serve`].

use std::process::ExitCode;

use querydyno::engine::polars::Polars;
use querydyno::session::{recipe, serve};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    serve::<Polars>("polars", recipe("mimalloc"))
}
