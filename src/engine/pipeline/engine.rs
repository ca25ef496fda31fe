//! The engine itself: [`Pipeline`], which takes tasks that end in PostgreSQL.

use std::collections::BTreeMap;
use std::sync::Arc;

use anyhow::{Context, ensure};
use arrow::record_batch::RecordBatch;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions};

use super::input::Table;
use super::options::SinkMethod;
use super::sink::{Address, Connection, Usage};
use super::{Options, Plan, Tables, WRITE, plan};
use crate::engine::stored::{Source, Stored};
use crate::engine::{
    Dataset, Engine, EngineInfo, EngineSettings, Result, Sink, Spans, Task, Unsupported, reached, refuse_unreadable,
};
use crate::protocol;
use crate::protocol::location::Location;
use crate::protocol::task::SinkUse;

crate::protocol::answer::arrow::define_show!(arrow);

/// The sink that is written.
const SINK: &str = "postgresql";

/// Tables, options, and the connection to the sink where there is one.
pub struct Pipeline {
    options: Options,
    threads: usize,
    /// What tables on S3 are reached by.
    stored: Option<Stored>,
    tables: Tables,
    sink: Option<Connection>,
    info: EngineInfo,
    /// What the sink had done before the runs that are asked about next.
    before: Option<Usage>,
}

/// A task that was taken.
pub struct Prepared {
    plan: Plan,
    reset: Vec<String>,
    target: String,
    check: String,
}

/// What a run gave.
pub enum Output {
    /// The rows, which went nowhere.
    Rows(Vec<RecordBatch>),
    /// So many rows, which are in the sink; and the statement that reads them.
    Written(u64, String),
}

impl Engine for Pipeline {
    type Prepared = Prepared;
    type Output = Output;

    fn open(settings: &EngineSettings) -> Result<Self> {
        ensure!(settings.threads > 0, "a pipeline needs at least 1 thread");
        let options = Options::read(settings)?;
        let workers = if options.parallel { settings.threads } else { 1 };
        let mut told = BTreeMap::from([("workers".to_owned(), workers.to_string())]);
        told.extend(options.label_cache.map(|entries| ("label_cache_entries".to_owned(), entries.to_string())));
        if options.ahead > 0 {
            told.insert("row_groups_ahead".to_owned(), options.ahead.to_string());
        }
        let stored = settings.s3.clone().map(|access| Stored::new(access, options.pool)).transpose()?;
        let mut sink = match options.sink {
            SinkMethod::None => None,
            _ => Some(Connection::open(Address::read()?)?),
        };
        if let Some(sink) = &mut sink {
            told.extend(sink.settings()?);
        }
        let info =
            EngineInfo { version: env!("CARGO_PKG_VERSION").to_owned(), settings: told, ..EngineInfo::default() };
        Ok(Self { options, threads: settings.threads, stored, tables: Tables::default(), sink, info, before: None })
    }

    fn info(&self) -> EngineInfo {
        self.info.clone()
    }

    fn load(&mut self, dataset: &Dataset) -> Result<()> {
        refuse_unreadable(dataset, true)?;
        for table in &dataset.tables {
            let opened = self.table(table).with_context(|| format!("a pipeline cannot read table {}", table.name))?;
            self.tables.0.insert(table.name.clone(), opened);
        }
        Ok(())
    }

    fn count(&mut self, table: &str) -> Result<Option<u64>> {
        Ok(Some(self.tables.get(table)?.rows()))
    }

    fn prepare(&mut self, task: &Task) -> Result<Prepared> {
        let plan = plan(task)?;
        let (Some(SINK), Some(target), Some(check)) = (task.sink.as_deref(), &task.target, &task.check) else {
            let why = format!("{} writes nothing into {SINK}, and this engine's program runs nothing else", task.name);
            return Err(Unsupported(why).into());
        };
        if let Some(sink) = &mut self.sink {
            sink.execute(&task.setup)?;
            self.before = Some(sink.usage()?);
        }
        Ok(Prepared { plan, reset: task.reset.clone(), target: target.clone(), check: check.clone() })
    }

    fn reset(&mut self, task: &Prepared) -> Result<()> {
        if let Some(sink) = &mut self.sink {
            sink.execute(&task.reset)?;
            self.before = Some(sink.usage()?);
        }
        Ok(())
    }

    fn run(&mut self, task: &Prepared, spans: &mut Spans) -> Result<Output> {
        let batches = (task.plan)(&self.tables, &self.options, self.threads, spans)?;
        let Some(sink) = &mut self.sink else { return Ok(Output::Rows(batches)) };
        spans.time(WRITE, || sink.replace(&task.target, &batches, self.options.sink))?;
        Ok(Output::Written(rows_of(&batches), task.check.clone()))
    }

    fn sink_use(&mut self) -> Result<Option<SinkUse>> {
        let Some(sink) = &mut self.sink else { return Ok(None) };
        let now = sink.usage()?;
        let before = self.before.replace(now);
        Ok(before.map(|before| now.since(before)))
    }

    fn rows(&self, output: &Output) -> u64 {
        match output {
            Output::Rows(batches) => rows_of(batches),
            Output::Written(rows, _) => *rows,
        }
    }

    fn answer(&mut self, output: Output, sink: &mut Sink) -> Result<()> {
        match output {
            Output::Rows(batches) => {
                sink.columns(columns_of(&batches[0].schema())?);
                batches.iter().try_for_each(|batch| show(batch, sink))
            }
            Output::Written(_, check) => self.sink.as_mut().context("there is no sink")?.show(&check, sink),
        }
    }
}

impl Pipeline {
    fn table(&self, table: &protocol::dataset::Table) -> Result<Table> {
        if table.files.iter().any(Location::is_on_s3) {
            let stored = reached(self.stored.as_ref())?;
            let open = |file: &Location| {
                let (object, footer) = stored.open(file)?;
                let footer = ArrowReaderMetadata::try_new(Arc::new(footer), ArrowReaderOptions::new())?;
                Ok((Box::new(object) as Box<dyn Source>, footer))
            };
            return Ok(Table::new(table.files.iter().map(open).collect::<Result<_>>()?));
        }
        if self.options.ahead > 0 || self.options.pool {
            let why =
                "prefetch and pool are for tables on S3 (QUERYDYNO_FORMATS=s3), and these are files of this machine";
            return Err(Unsupported(why.to_owned()).into());
        }
        Table::open(&table.paths()?)
    }
}

fn rows_of(batches: &[RecordBatch]) -> u64 {
    batches.iter().map(|batch| batch.num_rows() as u64).sum()
}
