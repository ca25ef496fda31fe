//! DataFusion with its own defaults, thread count and memory limit apart.
//!
//! Every run goes from SQL text to collected batches, so planning is timed.

use std::sync::Arc;
use std::time::Instant;

use anyhow::Context;
use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::{DataType, Field, Schema};
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::TableReference;
use datafusion::datasource::file_format::options::ReadOptions;
use datafusion::datasource::listing::{ListingTable, ListingTableConfig, ListingTableUrl};
use datafusion::error::DataFusionError;
use datafusion::execution::context::SQLOptions;
use datafusion::execution::disk_manager::{DiskManagerBuilder, DiskManagerMode};
use datafusion::execution::memory_pool::FairSpillPool;
use datafusion::execution::runtime_env::RuntimeEnvBuilder;
use datafusion::physical_plan::{collect, displayable};
use datafusion::prelude::{Expr, ParquetReadOptions, SessionConfig, SessionContext, ident};
use tokio::runtime::Runtime;

use super::{
    Dataset, Engine, EngineInfo, EngineSettings, Phases, Result, Sink, Spans, Task, query, reached, refuse_unreadable,
};
use crate::protocol::location::Location;
use crate::protocol::s3::Access;

crate::protocol::answer::arrow::define_show!(datafusion::arrow);

/// One session context and the runtime that drives it.
pub struct DataFusion {
    runtime: Runtime,
    context: SessionContext,
    info: EngineInfo,
    /// What a store is reached by, where tables are on S3.
    s3: Option<Access>,
}

/// Collected batches and their schema, which an empty result has too.
pub struct Batches {
    schema: Arc<Schema>,
    batches: Vec<RecordBatch>,
}

impl Engine for DataFusion {
    const READS_FOLDERS: bool = true;

    type Prepared = String;
    type Output = Batches;

    fn open(settings: &EngineSettings) -> Result<Self> {
        settings.refuse(&["datafusion.execution.target_partitions", "datafusion.execution.time_zone"])?;
        let mut changed = settings.options.clone();
        changed.insert("datafusion.execution.target_partitions".to_owned(), settings.threads.to_string());
        changed.insert("datafusion.execution.time_zone".to_owned(), "UTC".to_owned());
        let mut config = SessionConfig::new();
        for (name, value) in &changed {
            config
                .options_mut()
                .set(name, value)
                .with_context(|| format!("DataFusion does not take the setting {name} = {value}"))?;
        }
        let disk =
            DiskManagerBuilder::default().with_mode(DiskManagerMode::Directories(vec![settings.scratch.clone()]));
        let mut environment = RuntimeEnvBuilder::new().with_disk_manager_builder(disk);
        if let Some(bytes) = settings.memory_limit_bytes {
            let bytes = usize::try_from(bytes)?;
            environment = environment.with_memory_pool(Arc::new(FairSpillPool::new(bytes)));
            changed.insert("memory_limit".to_owned(), bytes.to_string());
        }
        let mut runtime = tokio::runtime::Builder::new_multi_thread();
        runtime.worker_threads(settings.threads);
        // Only a store is asked over a network, with timeouts.
        if settings.s3.is_some() {
            runtime.enable_all();
        }
        let runtime = runtime.build()?;
        let context = SessionContext::new_with_config_rt(config, environment.build_arc()?);
        let version = datafusion::DATAFUSION_VERSION.to_owned();
        let info = EngineInfo { version, settings: changed, ..EngineInfo::default() };
        Ok(Self { runtime, context, info, s3: settings.s3.clone() })
    }

    fn info(&self) -> EngineInfo {
        self.info.clone()
    }

    fn load(&mut self, dataset: &Dataset) -> Result<()> {
        refuse_unreadable(dataset, true)?;
        for table in &dataset.tables {
            let state = self.context.state();
            // The files are given: they are read whatever their names end in.
            let options = ParquetReadOptions::default();
            // The files are given: they are read whatever their names end in. A column is taken from the names of folders
            // where the folder above them is given.
            let (options, places, end) = match &table.folders {
                None => (options.file_extension(""), table.files.as_slice(), ""),
                Some(folders) => {
                    let column = vec![(folders.column.clone(), DataType::Utf8)];
                    (options.table_partition_cols(column), std::slice::from_ref(&folders.root), "/")
                }
            };
            let options = options.to_listing_options(state.config(), state.default_table_options());
            let urls =
                places.iter().map(|place| Ok(ListingTableUrl::parse(url(place) + end)?)).collect::<Result<Vec<_>>>()?;
            for (place, url) in places.iter().zip(&urls) {
                self.reach(place, url)?;
            }
            let config = ListingTableConfig::new_with_multi_paths(urls).with_listing_options(options);
            let within = || format!("DataFusion cannot read table {}", table.name);
            let evolved = table.iceberg.as_ref().filter(|iceberg| iceberg.evolved);
            let config = if evolved.is_none() && table.files.len() == 1 {
                self.runtime.block_on(config.infer_schema(&state)).with_context(within)?
            } else {
                // Inferred from the first file alone, a column would have no NULLs where only later files have some.
                let schema = self.runtime.block_on(schema_of_all(&config, &state)).with_context(within)?;
                config.with_schema(Arc::new(schema))
            };
            let listing = Arc::new(ListingTable::try_new(config).with_context(within)?);
            let provider: Arc<dyn TableProvider> = match evolved {
                None => listing,
                Some(iceberg) => {
                    let columns: Vec<Expr> = iceberg.columns.iter().map(ident).collect();
                    self.context.read_table(listing)?.select(columns)?.into_view()
                }
            };
            self.context.register_table(TableReference::bare(table.name.as_str()), provider)?;
        }
        Ok(())
    }

    fn count(&mut self, table: &str) -> Result<Option<u64>> {
        let rows = self.runtime.block_on(async {
            let frame = self.context.table(TableReference::bare(table)).await?;
            frame.count().await
        })?;
        Ok(Some(rows.try_into()?))
    }

    fn prepare(&mut self, task: &Task) -> Result<String> {
        Ok(query(task)?.to_owned())
    }

    fn run(&mut self, sql: &String, _: &mut Spans) -> Result<Batches> {
        let context = self.context.clone();
        let sql = sql.clone();
        // Spawned, so that the query runs on the worker threads and not on this one beside them.
        let task = self.runtime.spawn(async move {
            let frame = context.sql_with_options(&sql, read_only()).await?;
            let schema = Arc::new(frame.schema().as_arrow().clone());
            let batches = frame.collect().await?;
            Ok::<_, DataFusionError>(Batches { schema, batches })
        });
        Ok(self.runtime.block_on(task)??)
    }

    fn run_in_phases(&mut self, sql: &String) -> Result<(Batches, Option<Phases>)> {
        let context = self.context.clone();
        let sql = sql.clone();
        let task = self.runtime.spawn(async move {
            let start = Instant::now();
            let frame = context.sql_with_options(&sql, read_only()).await?;
            let schema = Arc::new(frame.schema().as_arrow().clone());
            let state = frame.task_ctx();
            let plan = frame.create_physical_plan().await?;
            let planned = Instant::now();
            let batches = collect(plan, Arc::new(state)).await?;
            let phases = Phases::of(Some(planned - start), Some(planned.elapsed()), None);
            Ok::<_, DataFusionError>((Batches { schema, batches }, Some(phases)))
        });
        Ok(self.runtime.block_on(task)??)
    }

    fn plan(&mut self, sql: &String) -> Result<Option<String>> {
        let context = self.context.clone();
        let sql = sql.clone();
        let task = self.runtime.spawn(async move {
            let frame = context.sql_with_options(&sql, read_only()).await?;
            let plan = frame.create_physical_plan().await?;
            Ok::<_, DataFusionError>(displayable(plan.as_ref()).indent(false).to_string())
        });
        Ok(Some(self.runtime.block_on(task)??))
    }

    fn rows(&self, output: &Batches) -> u64 {
        output.batches.iter().map(|batch| batch.num_rows() as u64).sum()
    }

    fn answer(&mut self, output: Batches, sink: &mut Sink) -> Result<()> {
        // Not by the schema of the plan alone: what came out of it may be wider.
        let schema = output.batches.first().map_or_else(|| Arc::clone(&output.schema), RecordBatch::schema);
        sink.columns(columns_of(&schema)?);
        output.batches.iter().try_for_each(|batch| show(batch, sink))
    }
}

impl DataFusion {
    /// Makes the bucket of an object known, unless it is.
    fn reach(&self, file: &Location, url: &ListingTableUrl) -> Result<()> {
        let Location::S3 { bucket, .. } = file else { return Ok(()) };
        let place = url.object_store();
        if self.context.runtime_env().object_store(&place).is_ok() {
            return Ok(());
        }
        let access = reached(self.s3.as_ref())?;
        self.context.register_object_store(place.as_ref(), Arc::new(access.bucket(bucket).build()?));
        Ok(())
    }
}

/// Refuses whatever is no query: COPY, INSERT, CREATE, SET.
fn read_only() -> SQLOptions {
    SQLOptions::new().with_allow_ddl(false).with_allow_dml(false).with_allow_statements(false)
}

/// The columns of all files, each of which may lack some: NULL is what it then has.
async fn schema_of_all(config: &ListingTableConfig, state: &dyn Session) -> datafusion::error::Result<Schema> {
    let options = config.options.as_ref().ok_or_else(|| DataFusionError::Internal("no options".to_owned()))?;
    let mut all = Vec::new();
    for path in &config.table_paths {
        let schema = options.infer_schema(state, path).await?;
        let optional = schema.fields().iter().map(|field| Field::clone(field).with_nullable(true));
        all.push(Schema::new(optional.collect::<Vec<_>>()));
    }
    Ok(Schema::try_merge(all)?)
}

/// A file as a URL: in a plain path, `*`, `?` and `[` would be a pattern's.
fn url(file: &Location) -> String {
    let scheme = if file.is_on_s3() { "" } else { "file://" };
    format!("{scheme}{}", file.to_string().replace('%', "%25").replace('?', "%3F").replace('#', "%23"))
}
