//! Rows on their way in: appended to temporary tables of the same shape, then taken from there by [`insert`] in one transaction.

use std::collections::{BTreeMap, HashSet};

use duckdb::types::Value;
use duckdb::{Appender, appender_params_from_iter};

use super::rows::{Row, Rows, RunRow, time};
use super::store::Store;
use super::{Error, checksums};

/// The tables that records fill; those of dimensions come first.
pub(super) const TABLES: [&str; 8] =
    ["machines", "engines", "tasks", "datasets", "plans", "runs", "results", "metrics"];
/// How many of them results point to, `runs` aside.
const DIMENSIONS: usize = 5;

/// The statements that take what is staged into the tables.
pub(super) fn insert() -> String {
    let statements = include_str!("sql/insert.sql");
    statements.replace("{checksums}", &checksums::of("staged_")).replace("{totals}", &checksums::add("staged_results"))
}

/// Appends rows to the temporary tables `staged_machines`, `staged_engines` ..., which begin empty.
///
/// # Errors
/// What DuckDB says.
pub(super) fn stage<'a>(store: &Store, rows: impl IntoIterator<Item = &'a Rows>) -> Result<(), Error> {
    for table in TABLES {
        store.execute(&format!("CREATE OR REPLACE TEMP TABLE staged_{table} AS FROM {table} LIMIT 0"))?;
    }
    append(store, rows)
}

/// Appends rows to those that are staged already.
///
/// # Errors
/// What DuckDB says.
pub(super) fn append<'a>(store: &Store, rows: impl IntoIterator<Item = &'a Rows>) -> Result<(), Error> {
    append_all(store, rows).map_err(|error| store.error(error))
}

fn append_all<'a>(store: &Store, rows: impl IntoIterator<Item = &'a Rows>) -> duckdb::Result<()> {
    let appender = |table| store.connection.appender_to_catalog_and_db(&format!("staged_{table}"), "temp", "main");
    let mut appenders = TABLES.map(appender).into_iter().collect::<duckdb::Result<Vec<Appender<'_>>>>()?;
    let [dimensions @ .., runs, results, metrics] = appenders.as_mut_slice() else { return Ok(()) };
    let put = |appender: &mut Appender<'_>, row: &Row| appender.append_row(appender_params_from_iter(row));
    let (mut all_runs, mut staged) = (BTreeMap::<&str, (Option<i64>, Option<i64>, &RunRow)>::new(), HashSet::new());
    for row in rows {
        for (table, values) in &row.dimensions {
            let of = TABLES[..DIMENSIONS].iter().position(|name| name == table);
            of.map_or(Ok(()), |of| put(&mut dimensions[of], values))?;
        }
        let run = &row.run;
        let (first, last, _) = all_runs.entry(&run.id).or_insert((run.at, run.at, run));
        (*first, *last) = (run.at.into_iter().chain(*first).min(), run.at.max(*last));
        // A line that was written twice is one result.
        if staged.insert(row.key) {
            put(results, &row.result)?;
            row.metrics.iter().try_for_each(|values| put(metrics, values))?;
        }
    }
    for (id, (first, last, run)) in all_runs {
        let commit = Value::from(run.git_commit.clone());
        let row =
            [id.to_owned().into(), time(first), time(last), run.command.clone().into(), commit, run.git_dirty.into()];
        put(runs, &row.into())?;
    }
    appenders.iter_mut().try_for_each(Appender::flush)
}
