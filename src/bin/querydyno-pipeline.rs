//! The program of the engine `pipeline`: its allocator, and [`serve`].

use querydyno::engine::pipeline::Pipeline;
use querydyno::engine::{recipe, serve};

#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> std::process::ExitCode {
    serve::<Pipeline>("pipeline", recipe("jemalloc"))
}
