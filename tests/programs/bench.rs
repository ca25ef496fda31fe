//! A bench target as a program that tests can start, stop and interrupt: `tpch`, or the one that `TEST_WORKLOAD` names.

use std::process::ExitCode;

fn main() -> ExitCode {
    querydyno::host::criterion::main(&std::env::var("TEST_WORKLOAD").unwrap_or_else(|_| "tpch".to_owned()))
}
