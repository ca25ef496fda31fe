//! The program that makes, registers and plans Iceberg tables for the host.

fn main() -> std::process::ExitCode {
    querydyno::iceberg::main()
}
