//! Data: [`Store::ensure`] gives a [`Dataset`](crate::protocol::dataset::Dataset) that is complete and checked, and makes what is missing of it.
//!
//! One file per generator. Generation is idempotent and atomic: a table appears under its name only when
//! every part of it is written, and a manifest beside the parts says what they must look like. Nothing here
//! reads the values back, that is the engines' work, but for the days and categories by which rows are dealt out to other
//! files. `cargo xtask data` makes data ahead of a run.

mod check;
mod columns;
mod dealt;
mod generator;
mod manifest;
mod month;
mod parquet;
mod pods;
mod progress;
mod social;
mod staging;
mod store;
mod stored;
mod tpcds;
mod tpch;
mod workers;

use anyhow::Context as _;

use crate::host::suite::{GENERATORS, Suite};
use crate::protocol::id::Scale;
use crate::protocol::units::Bytes;
pub use columns::column_bytes;
use generator::Generator;
pub(crate) use month::of_file as month_of_file;
pub use store::Store;
pub use stored::Uploaded;

/// One for each of the names in [`GENERATORS`], in that order.
static ALL: [&dyn Generator; GENERATORS.len()] = [&tpch::Tpch, &tpcds::Tpcds, &social::Social, &pods::Pods];

/// About how many rows the generator of a suite makes of a table, and how many bytes its files take.
///
/// # Errors
/// When it makes none of that name, or not at that scale.
pub(crate) fn expected_size(suite: &Suite, table: &str, scale: Scale) -> anyhow::Result<(u64, Bytes)> {
    let parts = generator_of(suite)?.parts(table, scale)?;
    Ok((parts.iter().map(|part| part.rows).sum(), Bytes(parts.iter().map(|part| part.bytes).sum())))
}

/// The generator that a suite names.
fn generator_of(suite: &Suite) -> anyhow::Result<&'static dyn Generator> {
    let wanted = suite.generator.as_deref();
    let found = GENERATORS.iter().zip(ALL).find(|(name, _)| Some(**name) == wanted);
    found.map(|(_, generator)| generator).with_context(|| {
        let by = wanted.map_or_else(String::new, |name| format!(" by a generator '{name}'"));
        format!("no data can be generated for the suite '{}'{by}: there is {}", suite.name, GENERATORS.join(", "))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_generator_is_an_error() {
        let mut suite = Suite::read("tpch").unwrap();
        assert!(generator_of(&suite).is_ok());
        suite.generator = Some("tpcc".to_owned());
        assert!(generator_of(&suite).err().unwrap().to_string().contains("'tpcc': there is tpch"));
    }
}
