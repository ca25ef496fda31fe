//! The bench target `tpch` as a program that tests can start, stop and interrupt.

use std::process::ExitCode;

fn main() -> ExitCode {
    querydyno::harness::main("tpch")
}
