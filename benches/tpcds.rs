//! TPC-DS: `cargo bench -- duckdb/ds1`. All logic is in [`querydyno::host::criterion`].

use std::process::ExitCode;

fn main() -> ExitCode {
    querydyno::host::criterion::main("tpcds")
}
