//! Hand-written plans over pages as the `parquet` crate decompresses them: what the hardware allows.
//!
//! No engine: no optimiser, no operators. A query of TPC-H is in `tpch/` when somebody wrote its plan, one file for each; of own
//! queries, what a single table gives without groups ([`select`]), by the crates' reader and kernels and not by such a plan.
//! Every run reads the column chunks from the files again and decodes them; kept from loading are paths and footers.
//! The plans are right for any data of TPC-H's schema, primary keys included, and an error where a column has a NULL
//! or a primary key is there twice. `cargo bench -- arrow/q1` measures one.

mod chunk;
mod keys;
mod names;
mod output;
mod parallel;
mod physical;
mod rows;
mod runs;
mod select;
mod table;
mod tpch;

use std::collections::BTreeMap;

use anyhow::{Context, bail, ensure};
use arrow::array::RecordBatch;

use self::select::Select;
use self::table::Table;
use super::{Dataset, Engine, EngineInfo, EngineSettings, Result, Sink, Spans, Task, query, refuse_unreadable};

crate::protocol::answer::arrow::define_show!(arrow);

/// A function that answers a query from tables with so many threads.
pub type Plan = fn(&Tables, usize) -> Result<RecordBatch>;

/// The tables that were loaded, by name.
#[derive(Debug, Default)]
pub struct Tables(BTreeMap<String, Table>);

impl Tables {
    /// The table.
    ///
    /// # Errors
    /// When it was not loaded.
    fn get(&self, name: &str) -> Result<&Table> {
        self.0.get(name).with_context(|| format!("table {name} was not loaded"))
    }
}

/// The tables' paths and footers, and how many threads a plan may use.
#[derive(Debug)]
pub struct ArrowKernels {
    threads: usize,
    tables: Tables,
}

/// How a query is answered.
#[derive(Debug)]
pub enum Prepared {
    /// By its own plan.
    Plan(Plan),
    /// As the text says.
    Text(String),
}

impl Engine for ArrowKernels {
    type Prepared = Prepared;
    /// At least one batch.
    type Output = Vec<RecordBatch>;

    fn open(settings: &EngineSettings) -> Result<Self> {
        if let Some(name) = settings.options.keys().next() {
            bail!("the arrow engine has no setting '{name}', nor any other of its own");
        }
        ensure!(settings.threads > 0, "the arrow engine needs at least 1 thread");
        Ok(Self { threads: settings.threads, tables: Tables::default() })
    }

    fn info(&self) -> EngineInfo {
        let settings = BTreeMap::from([("threads".to_owned(), self.threads.to_string())]);
        EngineInfo { version: arrow::ARROW_VERSION.to_owned(), settings, ..EngineInfo::default() }
    }

    fn load(&mut self, dataset: &Dataset) -> Result<()> {
        refuse_unreadable(dataset, false)?;
        for table in &dataset.tables {
            let opened = Table::open(&table.paths()?)
                .with_context(|| format!("the arrow engine cannot read table {}", table.name))?;
            self.tables.0.insert(table.name.clone(), opened);
        }
        Ok(())
    }

    fn count(&mut self, table: &str) -> Result<Option<u64>> {
        Ok(Some(self.tables.get(table)?.rows()))
    }

    fn prepare(&mut self, task: &Task) -> Result<Prepared> {
        let sql = query(task)?;
        if task.suite != tpch::SUITE {
            Select::read(sql, &self.tables)?;
            return Ok(Prepared::Text(sql.to_owned()));
        }
        Ok(Prepared::Plan(tpch::plan(&task.name)?))
    }

    fn run(&mut self, query: &Prepared, _: &mut Spans) -> Result<Vec<RecordBatch>> {
        match query {
            Prepared::Plan(plan) => Ok(vec![plan(&self.tables, self.threads)?]),
            Prepared::Text(sql) => Select::read(sql, &self.tables)?.run(&self.tables, self.threads),
        }
    }

    fn rows(&self, output: &Vec<RecordBatch>) -> u64 {
        output.iter().map(|batch| batch.num_rows() as u64).sum()
    }

    fn answer(&mut self, output: Vec<RecordBatch>, sink: &mut Sink) -> Result<()> {
        sink.columns(columns_of(&output[0].schema())?);
        output.iter().try_for_each(|batch| show(batch, sink))
    }
}
