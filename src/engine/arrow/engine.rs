//! The engine itself: [`ArrowKernels`], tables of files or of objects, and the plans over them.

use std::collections::BTreeMap;
use std::sync::Arc;

use anyhow::{Context, bail, ensure};
use arrow::array::RecordBatch;

use super::select::Select;
use super::table::Table;
use super::{Plan, Tables, plan};
use crate::engine::stored::{AHEAD, Source, Stored};
use crate::engine::{
    Dataset, Engine, EngineInfo, EngineSettings, Result, Sink, Spans, Task, query, reached, refuse_unreadable,
};
use crate::protocol;
use crate::protocol::location::Location;

crate::protocol::answer::arrow::define_show!(arrow);

/// The tables' paths and footers, and how many threads a plan may use.
#[derive(Debug)]
pub struct ArrowKernels {
    threads: usize,
    /// What tables on S3 are reached by.
    stored: Option<Stored>,
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
        let stored = settings.s3.clone().map(|access| Stored::new(access, true)).transpose()?;
        Ok(Self { threads: settings.threads, stored, tables: Tables::default() })
    }

    fn info(&self) -> EngineInfo {
        let mut settings = BTreeMap::from([("threads".to_owned(), self.threads.to_string())]);
        settings.extend(self.stored.as_ref().map(|_| ("row_groups_ahead".to_owned(), AHEAD.to_string())));
        EngineInfo { version: arrow::ARROW_VERSION.to_owned(), settings, ..EngineInfo::default() }
    }

    fn load(&mut self, dataset: &Dataset) -> Result<()> {
        refuse_unreadable(dataset, false)?;
        for table in &dataset.tables {
            let opened =
                self.table(table).with_context(|| format!("the arrow engine cannot read table {}", table.name))?;
            self.tables.0.insert(table.name.clone(), opened);
        }
        Ok(())
    }

    fn count(&mut self, table: &str) -> Result<Option<u64>> {
        Ok(Some(self.tables.get(table)?.rows()))
    }

    fn prepare(&mut self, task: &Task) -> Result<Prepared> {
        let sql = query(task)?;
        if let Some(plan) = plan(task)? {
            return Ok(Prepared::Plan(plan));
        }
        Select::read(sql, &self.tables)?;
        Ok(Prepared::Text(sql.to_owned()))
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

impl ArrowKernels {
    fn table(&self, table: &protocol::dataset::Table) -> Result<Table> {
        if !table.files.iter().any(Location::is_on_s3) {
            return Table::open(&table.paths()?);
        }
        let stored = reached(self.stored.as_ref())?;
        let open = |file: &Location| {
            let (object, footer) = stored.open(file)?;
            Ok((Box::new(object) as Box<dyn Source>, Arc::new(footer)))
        };
        Ok(Table::new(table.files.iter().map(open).collect::<Result<_>>()?, AHEAD))
    }
}
