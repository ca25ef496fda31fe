//! DuckDB through the crate `duckdb`: linked with its makers' shared library, or its C++ compiled into the program (feature
//! `duckdb-source`).
//!
//! Tables are views over `read_parquet`; every run prepares the text anew, so planning is timed.

use std::time::Instant;

use anyhow::{Context, bail};
use duckdb::arrow;
use duckdb::{Config, Connection, Statement};

use super::{
    Dataset, Engine, EngineInfo, EngineSettings, Phases, Result, Sink, Spans, Task, Unsupported, plan_tree, query,
    reached, refuse_unreadable,
};
use crate::protocol::location::Location;
use crate::protocol::s3::Access;

crate::protocol::answer::arrow::define_show!(duckdb::arrow);

/// One connection to an in-memory database.
#[derive(Debug)]
pub struct DuckDb {
    connection: &'static Connection,
    info: EngineInfo,
    /// What a store is reached by, where tables are on S3.
    s3: Option<Access>,
}

impl Engine for DuckDb {
    const READS_FOLDERS: bool = true;

    type Prepared = String;
    /// A statement that holds DuckDB's own materialised result.
    type Output = Statement<'static>;

    fn open(settings: &EngineSettings) -> Result<Self> {
        settings.refuse(&["threads", "memory_limit", "temp_directory"])?;
        let mut wanted = settings.options.clone();
        wanted.insert("threads".to_owned(), settings.threads.to_string());
        if let Some(bytes) = settings.memory_limit_bytes {
            wanted.insert("memory_limit".to_owned(), format!("{bytes}B"));
        }
        // Its makers' library would fetch an extension that a query asks for, and nobody would hear of it.
        wanted.entry("autoinstall_known_extensions".to_owned()).or_insert_with(|| "false".to_owned());
        let mut config = Config::default();
        for (name, value) in &wanted {
            config = config
                .with(name, value)
                .with_context(|| format!("DuckDB does not take the setting {name} = {value}"))?;
        }
        config = config.with("temp_directory", settings.scratch.to_string_lossy())?;
        // An output borrows its connection, and both live as long as the program: leaking says just that.
        let connection: &'static Connection = Box::leak(Box::new(Connection::open_in_memory_with_flags(config)?));
        // A build without ICU has no such setting; then the process is in UTC, as every engine's.
        if connection.execute_batch("SET TimeZone = 'UTC'").is_ok() {
            wanted.insert("TimeZone".to_owned(), "UTC".to_owned());
        }
        let version = connection.version()?.trim_start_matches('v').to_owned();
        let info = EngineInfo { version, settings: wanted, ..EngineInfo::default() };
        Ok(Self { connection, info, s3: settings.s3.clone() })
    }

    fn info(&self) -> EngineInfo {
        self.info.clone()
    }

    fn load(&mut self, dataset: &Dataset) -> Result<()> {
        refuse_unreadable(dataset, true)?;
        if dataset.tables.iter().flat_map(|table| &table.files).any(Location::is_on_s3) {
            self.reach_s3()?;
        }
        for table in &dataset.tables {
            let files: Vec<String> = table.files.iter().map(|file| quoted(&file.to_string())).collect();
            // Columns are those of the files: no other engine takes more from their paths, and Iceberg has them in the files too.
            // Looking at every file's columns takes time while planning: only where they differ.
            let evolved = table.iceberg.as_ref().filter(|iceberg| iceberg.evolved);
            let (columns, by_name) = match evolved {
                None => ("*".to_owned(), ""),
                Some(iceberg) => {
                    let quoted: Vec<String> =
                        iceberg.columns.iter().map(|name| format!("\"{}\"", name.replace('"', "\"\""))).collect();
                    (quoted.join(", "), ", union_by_name = true")
                }
            };
            let hive = table.folders.as_ref().map_or_else(
                || "hive_partitioning = false".to_owned(),
                // A text, whatever it looks like.
                |folders| format!("hive_partitioning = true, hive_types = {{'{}': VARCHAR}}", folders.column),
            );
            let view = format!(
                "CREATE OR REPLACE VIEW \"{}\" AS SELECT {columns} FROM read_parquet([{}], {hive}{by_name})",
                table.name,
                files.join(", ")
            );
            self.connection.execute_batch(&view).with_context(|| format!("DuckDB cannot read table {}", table.name))?;
        }
        self.lock(dataset)
    }

    fn count(&mut self, table: &str) -> Result<Option<u64>> {
        let sql = format!("SELECT count(*) FROM \"{}\"", table.replace('"', "\"\""));
        Ok(Some(self.connection.query_row(&sql, [], |row| row.get(0))?))
    }

    fn prepare(&mut self, task: &Task) -> Result<String> {
        Ok(query(task)?.to_owned())
    }

    fn run(&mut self, sql: &String, _: &mut Spans) -> Result<Statement<'static>> {
        let mut statement = self.connection.prepare(sql)?;
        statement.raw_execute()?;
        Ok(statement)
    }

    fn run_in_phases(&mut self, sql: &String) -> Result<(Statement<'static>, Option<Phases>)> {
        let start = Instant::now();
        let mut statement = self.connection.prepare(sql)?;
        let planned = Instant::now();
        statement.raw_execute()?;
        // The result is materialised by executing: there is nothing left to fetch.
        let execute = planned.elapsed();
        let phases = Phases::of(Some(planned - start), Some(execute), None);
        Ok((statement, Some(phases)))
    }

    fn plan(&mut self, sql: &String) -> Result<Option<String>> {
        // What is executed, and not what the text says: `explain_output` is at its default, the physical plan.
        let explain = format!("EXPLAIN (FORMAT json) {sql}");
        let told: String = self.connection.query_row(&explain, [], |row| row.get(1))?;
        plan_tree::lines(&told).map(Some)
    }

    fn rows(&self, output: &Statement<'static>) -> u64 {
        output.row_count() as u64
    }

    fn answer(&mut self, output: Statement<'static>, sink: &mut Sink) -> Result<()> {
        sink.columns(columns_of(&output.schema())?);
        while let Some(rows) = output.step()? {
            show(&arrow::array::RecordBatch::from(&rows), sink)?;
        }
        Ok(())
    }
}

impl DuckDb {
    /// Loads DuckDB's client of S3, and tells it the store. It fetches no extension: what is not there is not there.
    fn reach_s3(&self) -> Result<()> {
        let access = reached(self.s3.as_ref())?;
        if let Err(error) = self.connection.execute_batch("LOAD httpfs") {
            let why = error.to_string();
            bail!(Unsupported(format!(
                "DuckDB reads S3 by its extension httpfs, which is not among what it is built with and cannot be loaded here: {}",
                why.lines().next().unwrap_or_default()
            )));
        }
        let endpoint = access.endpoint.as_deref().unwrap_or("https://");
        let (scheme, host) = endpoint.split_once("://").unwrap_or(("https", endpoint));
        let mut parts = vec![
            format!("KEY_ID {}", text(access.access_key_id.reveal())),
            format!("SECRET {}", text(access.secret_access_key.reveal())),
            format!("REGION {}", text(&access.region)),
            format!("URL_STYLE '{}'", if access.path_style { "path" } else { "vhost" }),
            format!("USE_SSL {}", scheme != "http"),
        ];
        parts.extend(access.session_token.as_ref().map(|token| format!("SESSION_TOKEN {}", text(token.reveal()))));
        parts.extend((!host.is_empty()).then(|| format!("ENDPOINT {}", text(host))));
        let secret = format!("CREATE OR REPLACE SECRET (TYPE s3, {})", parts.join(", "));
        // Not with the error's own text, which may quote the statement.
        self.connection
            .execute_batch(&secret)
            .map_err(|_| anyhow::anyhow!("DuckDB does not take what S3 is reached by"))
    }

    /// Has DuckDB read nothing but the tables' files from now on, and write and set nothing: a query only reads.
    fn lock(&self, dataset: &Dataset) -> Result<()> {
        // Both forms of a name: the one that the view has, and the one that DuckDB then finds.
        let files = dataset.tables.iter().flat_map(|table| &table.files).map(ToString::to_string);
        let allowed: Vec<String> = files.flat_map(|file| [text(&file), quoted(&file)]).collect();
        let settings = format!(
            "SET allowed_paths = [{}]; SET enable_external_access = false; SET lock_configuration = true",
            allowed.join(", ")
        );
        self.connection.execute_batch(&settings).context("DuckDB cannot be told to only read")
    }
}

/// A text as SQL has it.
fn text(value: &str) -> String {
    format!("'{}'", value.replace('\'', "''"))
}

/// A file's name as text: `read_parquet` takes `*`, `?` and `[` for a pattern's.
fn quoted(file: &str) -> String {
    let plain = |c: char| match c {
        '*' | '?' | '[' => format!("[{c}]"),
        '\'' => "''".to_owned(),
        other => other.to_string(),
    };
    format!("'{}'", file.chars().map(plain).collect::<String>())
}
