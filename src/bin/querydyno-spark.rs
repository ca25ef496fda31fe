//! The program of every engine behind Spark Connect: [`serve`], and the system allocator, since the server does the work.

use querydyno::engine::spark::{Spark, name};
use querydyno::engine::{recipe, serve};

fn main() -> std::process::ExitCode {
    serve::<Spark>(name(), recipe("system"))
}
