//! The program that makes, registers and plans Iceberg tables for the host.

use std::process::ExitCode;

fn main() -> ExitCode {
    querydyno::iceberg::main()
}
