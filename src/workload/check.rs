//! Whether what a `workload.toml` says can be: names, tables, columns, texts. Errors say what to write instead.

use anyhow::{Context, Result, bail, ensure};

use super::own::is_own;
use super::source::bad_name;
use super::statement;
use super::{QuerySpec, TableSpec, Workload};
use crate::fixture::is_generated;
use crate::id::{Scale, check_name};

impl Workload {
    /// Of a workload that was just read.
    pub(super) fn check(&self) -> Result<()> {
        let name = &self.name;
        if check_name(name).is_err() {
            bail!("'{name}' cannot name a workload: use letters, digits, '-', '_' and '.'");
        }
        ensure!(
            !is_own(name),
            "'{name}' is what a query of TABLE_NAME and QUERY is called; name the workload otherwise"
        );
        for (place, table) in self.tables.iter().enumerate() {
            self.check_table(table)?;
            let twice = self.tables[..place].iter().any(|other| other.name == table.name);
            ensure!(!twice, "two tables are called '{}'", table.name);
        }
        for (place, query) in self.queries.iter().enumerate() {
            self.check_query(query)?;
            let twice = self.queries[..place].iter().any(|other| other.name == query.name);
            ensure!(!twice, "two queries are called '{}'", query.name);
        }
        Ok(())
    }

    fn check_table(&self, table: &TableSpec) -> Result<()> {
        let name = &table.name;
        if table.source.is_none() {
            ensure!(
                is_generated(&self.name),
                "the table '{name}' says not where it lies: add source = \"...\", Parquet files (data/*.parquet), the folder \
                 of an Iceberg table, or db.table in the Hive Metastore"
            );
            return Ok(());
        }
        if let Some(why) = bad_name(name) {
            bail!("'{name}' cannot name a table: {why}");
        }
        ensure!(
            table.partition.is_none(),
            "the table '{name}' lies somewhere already and is read as it is: take its partition out"
        );
        Ok(())
    }

    fn check_query(&self, query: &QuerySpec) -> Result<()> {
        let name = &query.name;
        if check_name(name).is_err() {
            bail!("'{name}' cannot name a query: use letters, digits, '-', '_' and '.'");
        }
        ensure!(!is_own(name), "'{name}' is what a query of TABLE_NAME and QUERY is called; name it otherwise");
        for table in &query.tables {
            let known: Vec<&str> = self.tables.iter().map(|known| known.name.as_str()).collect();
            ensure!(
                known.contains(&table.as_str()),
                "{name} reads '{table}', which is no table; there are: {}",
                known.join(", ")
            );
        }
        for key in &query.order {
            let known = query.columns.iter().any(|column| column.name == key.column);
            ensure!(
                known,
                "{name} is ordered by '{}', which is no column: declare the answer's columns, columns = [\"{}:int\", ...]",
                key.column,
                key.column
            );
        }
        if self.is_given() {
            // Ours are read by a test, and 22 files at every start would be 22 too many.
            let text = self.text(query, "canonical", Scale::ONE)?.sql;
            statement::check(&statement::bare(&text)).with_context(|| query.name.clone())?;
        }
        Ok(())
    }
}
