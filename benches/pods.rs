//! Pod usage: `cargo bench -- duckdb/pods-daily`. All logic is in [`querydyno::host::criterion`].

use std::process::ExitCode;

fn main() -> ExitCode {
    querydyno::host::criterion::main("pods")
}
