//! Hand-written plans over arrow-rs kernels and the `parquet` crate's reader: what the hardware allows.
//!
//! No engine: no SQL, no optimiser, no operators. A query is here when somebody wrote its plan, one file for each.
//! Every run reads the column chunks from the files again and decodes them; kept from loading are paths and footers.
//! `cargo bench -- arrow/q1` measures one.

mod columns;
mod q1;
mod q6;
mod row_group;
mod scan;

use std::collections::BTreeMap;

use anyhow::{Context, bail, ensure};
use arrow::array::RecordBatch;

use self::scan::Table;
use super::{Engine, EngineInfo, EngineSettings, Result, Unsupported};
use crate::answer::Answer;
use crate::fixture::Dataset;
use crate::workload::Query;

super::arrow_answer::define_answer_of!(arrow);

/// The plans, the tables' paths and footers, and how many threads a plan may use.
#[derive(Debug)]
pub struct ArrowKernels {
    threads: usize,
    tables: BTreeMap<String, Table>,
}

/// A query's table and the function that answers it from there with so many threads.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    table: &'static str,
    run: fn(&Table, usize) -> Result<RecordBatch>,
}

impl Engine for ArrowKernels {
    type Prepared = Plan;
    type Output = RecordBatch;

    fn open(settings: &EngineSettings) -> Result<Self> {
        if let Some(name) = settings.options.keys().next() {
            bail!("the arrow engine has no setting '{name}', nor any other of its own");
        }
        ensure!(settings.threads > 0, "the arrow engine needs at least 1 thread");
        Ok(Self { threads: settings.threads, tables: BTreeMap::new() })
    }

    fn info(&self) -> EngineInfo {
        EngineInfo {
            version: arrow::ARROW_VERSION.to_owned(),
            settings: BTreeMap::from([("threads".to_owned(), self.threads.to_string())]),
            ..EngineInfo::default()
        }
    }

    fn load(&mut self, dataset: &Dataset) -> Result<()> {
        if dataset.format != "parquet" {
            bail!(Unsupported(format!("the arrow engine reads parquet only, not {}", dataset.format)));
        }
        for table in &dataset.tables {
            let opened = Table::open(&table.files)
                .with_context(|| format!("the arrow engine cannot read table {}", table.name))?;
            self.tables.insert(table.name.clone(), opened);
        }
        Ok(())
    }

    fn prepare(&mut self, query: &Query) -> Result<Plan> {
        match (query.workload.as_str(), query.name.as_str()) {
            ("tpch", "q1") => Ok(q1::PLAN),
            ("tpch", "q6") => Ok(q6::PLAN),
            _ => bail!(Unsupported("the arrow engine has hand-written plans for q1 and q6 only".to_owned())),
        }
    }

    fn run(&mut self, plan: &Plan) -> Result<RecordBatch> {
        let table = self.tables.get(plan.table).with_context(|| format!("table {} was not loaded", plan.table))?;
        (plan.run)(table, self.threads)
    }

    fn rows(&self, output: &RecordBatch) -> u64 {
        output.num_rows() as u64
    }

    fn answer(&mut self, output: RecordBatch) -> Result<Answer> {
        answer_of(&output.schema(), &[output])
    }
}
