//! A query of your own, and suites of your own: `TABLE_NAME=prices.parquet QUERY='SELECT count(*) FROM {table}' cargo bench
//! -- own`. All logic is in [`querydyno::host::criterion`].

use std::process::ExitCode;

fn main() -> ExitCode {
    querydyno::host::criterion::main("own")
}
