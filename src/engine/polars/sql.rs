//! Queries as SQL, for suites without hand-written plans: what Polars' own SQL makes of the text.
//!
//! The text is parsed in every run, as a plan is built in every run.

use std::collections::BTreeMap;

use polars::prelude::{LazyFrame, PolarsError};
use polars::sql::SQLContext;

use super::files::Files;
use crate::engine::{Result, Unsupported};

/// The plan of a text over these tables.
///
/// # Errors
/// [`Unsupported`] for SQL that Polars does not have, a mistake in the text among it: its parser does not tell these apart.
pub(super) fn plan(sql: &str, tables: &BTreeMap<String, Files>) -> Result<LazyFrame> {
    let mut context = SQLContext::new();
    for (name, files) in tables {
        context.register(name, files.scan()?);
    }
    context.execute(sql).map_err(|error| match error {
        PolarsError::SQLInterface(why) | PolarsError::SQLSyntax(why) => {
            Unsupported(format!("Polars' SQL: {why}")).into()
        }
        other => other.into(),
    })
}
