//! TPC-H: `cargo bench -- duckdb/q1`. All logic is in [`querydyno::host::criterion`].

use std::process::ExitCode;

fn main() -> ExitCode {
    querydyno::host::criterion::main("tpch")
}
