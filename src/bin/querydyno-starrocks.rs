//! The program of the engine `starrocks`: [`serve`], and the system allocator, since the server does the work.

use querydyno::engine::starrocks::StarRocks;
use querydyno::engine::{recipe, serve};

fn main() -> std::process::ExitCode {
    serve::<StarRocks>("starrocks", recipe("system"))
}
