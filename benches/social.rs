//! Posts of a social network: `cargo bench -- duckdb/social-a`. All logic is in [`querydyno::host::criterion`].

use std::process::ExitCode;

fn main() -> ExitCode {
    querydyno::host::criterion::main("social")
}
