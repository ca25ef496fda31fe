//! TPC-H: `cargo bench -- duckdb/q1`. All logic is in [`querydyno::harness`].

use std::process::ExitCode;

fn main() -> ExitCode {
    querydyno::harness::main("tpch")
}
