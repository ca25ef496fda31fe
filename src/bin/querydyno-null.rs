//! The program of the engine `null`: [`serve`] and nothing else.

use std::process::ExitCode;

use querydyno::engine::null::Null;
use querydyno::engine::{recipe, serve};

fn main() -> ExitCode {
    serve::<Null>("null", recipe("system"))
}
