//! The program of the engine `null`: [`serve`] and nothing else.

use querydyno::engine::null::Null;
use querydyno::engine::{recipe, serve};

fn main() -> std::process::ExitCode {
    serve::<Null>("null", recipe("system"))
}
