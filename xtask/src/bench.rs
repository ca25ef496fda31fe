//! `cargo xtask bench`: a query of your own, a suite of your own, or ordinary cells, by counted runs. A thin caller of
//! [`querydyno::host::bench::Bench`].

mod again;
mod backfill;
mod bars;
mod table;
mod told;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use clap::Args;
use querydyno::host::backfill::Backfill;
use querydyno::host::bench::{Bench as Run, RUNS};
use querydyno::host::interrupt;
use querydyno::host::record::Record;
use querydyno::host::settings::Settings;
use querydyno::host::terminal::output::print;
use querydyno::measure::machine;

use crate::USAGE;
use crate::json::{Json, is_stdout};
use crate::report::tell;
use again::Again;
use bars::Bars;

/// With fewer runs there is no median with an interval, and a report leaves the cell out.
const REPORTED: usize = 10;

/// Measure your own query or suite, or ordinary cells, by counted runs; only what is missing
///
/// Each cell is opened, loaded, verified and warmed up, and then run a number of times. Engines take turns, or run at the same time
/// with --parallel. Answers to your own query are compared with each other: where two or more independent engines all agree, they are
/// ranked; where they differ, none is, and the first row that differs is shown. A failure costs one line, and the others run.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  cargo xtask bench --table '/my/prices/*.parquet' --sql 'SELECT count(*), avg(price) FROM {table}'
  cargo xtask bench --table warehouse.sales.transactions --sql 'SELECT max(amount) FROM {table}' \\
      --metastore thrift://localhost:9083 --engines duckdb,datafusion,daft --runs 20
  cargo xtask bench --table orders=/my/orders --table items=/my/lake/items@8213 \\
      --sql 'SELECT sum(price) FROM {orders} JOIN {items} USING (order_id)'
  cargo xtask bench --suite tests/workload           a folder with a suite.toml: the example of one
  cargo xtask bench '^(duckdb|polars)/q(1|6)/' --scale 0.1 --json results.json
  cargo xtask bench --missing --outdated '^(duckdb|polars)/'   only cells that the history has no result of, or none that still holds
  cargo xtask bench --missing --dry-run --output cells.csv   what would run, why, how long; then: --cells cells.csv
  cargo xtask bench --backfill v1.0.. duckdb/q1      the same cell at each commit since that has no result of it
  cargo xtask bench --show-settings --threads 1,2    every setting, and its source

cargo bench serves better where you want Criterion's statistics, plots and baselines (--save-baseline): cargo bench -- --help.

TABLE_NAME and QUERY in the environment do as --table and --sql. A table is Parquet files (a path, a folder, a pattern), the
folder of an Iceberg table, or db.table in the Hive Metastore; @snapshot behind an Iceberg one reads it as it was.
Exit codes: 0 measured, or skipped for the reason shown; 1 a cell failed, answered wrongly or is disputed, 2 usage, 130 interrupted.")]
pub(crate) struct Bench {
    /// Ordinary cells, as in a bench: `duckdb/q1`, `q6`, `tpch`
    filter: Option<String>,
    /// A query of your own, with {table} for its table, or {orders} for the one that --table orders=... names
    #[arg(long, value_name = "SQL", conflicts_with_all = ["filter", "suite"])]
    sql: Option<String>,
    /// Its table: Parquet files, the folder of an Iceberg table, or db.table; several times for several
    #[arg(long = "table", value_name = "[NAME=]TABLE", conflicts_with_all = ["filter", "suite"])]
    tables: Vec<String>,
    /// What your own query is called in ids and records: own-NAME-DIGITS, at most 20 characters; the digits depend on
    /// its text
    #[arg(long, conflicts_with_all = ["filter", "suite"])]
    name: Option<String>,
    /// The folder of a suite of your own; a filter makes its queries fewer
    #[arg(long, alias = "workload", value_name = "FOLDER")]
    suite: Option<PathBuf>,
    /// The engines, separated by commas; built or installed if need be [default: those that are there]
    #[arg(long, value_delimiter = ',')]
    engines: Vec<String>,
    /// Timed runs of each cell; a report needs 10
    #[arg(long, default_value_t = RUNS)]
    runs: usize,
    /// For one reply of an engine [default: `QUERYDYNO_TIMEOUT`, or 10m]
    #[arg(long, value_name = "TIME")]
    timeout: Option<String>,
    /// For one run of a query: a slower one fails, and the next cell begins [default: `QUERYDYNO_QUERY_TIMEOUT`]
    #[arg(long, value_name = "TIME")]
    query_timeout: Option<String>,
    /// How many engines run at the same time; such times are marked, and never ranked with those of engines that ran alone
    #[arg(long, value_name = "ENGINES", default_value_t = 1)]
    parallel: usize,
    /// Threads for every engine, as a list: 1,2 [default: `QUERYDYNO_THREADS`, or all processors]
    #[arg(long)]
    threads: Option<String>,
    /// Memory limit, as a list: none,2GiB [default: `QUERYDYNO_MEMORY`]
    #[arg(long)]
    memory: Option<String>,
    /// Scale factors of ordinary cells, as a list: 0.01,1 [default: `QUERYDYNO_SCALE`, or 1]
    #[arg(long)]
    scale: Option<String>,
    /// Formats of ordinary cells, as a list: parquet,iceberg,iceberg-monthly,parquet-by-category,s3,iceberg-s3 [default: `QUERYDYNO_FORMATS`, or parquet]
    #[arg(long)]
    formats: Option<String>,
    /// The Hive Metastore [default: `HIVE_METASTORE_URI`]
    #[arg(long, value_name = "URI")]
    metastore: Option<String>,
    /// Where engines disagree, take what most independent ones say instead of ranking none; the records say so
    #[arg(long)]
    accept_majority: bool,
    #[command(flatten)]
    json: Json,
    /// Print every setting and its source (flag, environment, file, default) and measure nothing
    #[arg(long)]
    show_settings: bool,
    #[command(flatten)]
    again: Again,
}

impl Bench {
    /// The exit codes are those of a bench.
    pub(crate) fn run(self) -> ExitCode {
        match self.measure() {
            Ok(code) => code,
            Err(_) if interrupt::requested() => ExitCode::from(interrupt::EXIT_CODE),
            Err(error) => {
                tell!("error: {error:#}");
                ExitCode::from(USAGE)
            }
        }
    }

    fn measure(&self) -> Result<ExitCode> {
        let settings = Settings::read_with(self.flags()?)?;
        if self.show_settings {
            print(&format!("{}\n", told::table(&settings)))?;
            return Ok(ExitCode::SUCCESS);
        }
        if let Some(after) = &self.again.backfill {
            let (after, filter) = (after.clone(), self.filter.clone());
            let backfill = Backfill { after, filter, runs: Some(self.runs) };
            return backfill::run(&backfill, &settings, self.again.dry_run);
        }
        if self.again.dry_run {
            self.again.show(self.planned(settings)?)?;
            return Ok(ExitCode::SUCCESS);
        }
        self.json.check()?;
        self.caution(&settings);
        let bars = Arc::new(Bars::default());
        let seen = Arc::clone(&bars);
        let records = self.planned(settings)?.observer(move |event| seen.tell(event)).run()?;
        bars.clear();
        let text = table::shown(&records);
        // Whoever reads JSON from stdout wants nothing else there.
        if self.json.file().is_some_and(is_stdout) {
            tell!("{text}");
        } else {
            print(&text)?;
        }
        if self.json.is_wanted() {
            self.json.write(&serde_json::to_string_pretty(&records)?)?;
        }
        if self.runs < REPORTED && records.iter().any(Record::is_measured) {
            tell!(
                "note: cargo xtask report leaves these cells out, {} runs are too few for it: --runs {REPORTED}",
                self.runs
            );
        }
        Ok(exit_code(&records))
    }

    /// What the command line says, by the names of the environment.
    ///
    /// # Errors
    /// A flag that says nothing.
    fn flags(&self) -> Result<Vec<(&'static str, String)>> {
        let sole = if let [table] = self.tables.as_slice() { Some(table.clone()) } else { None };
        let flags = [
            ("--threads", "QUERYDYNO_THREADS", &self.threads),
            ("--memory", "QUERYDYNO_MEMORY", &self.memory),
            ("--scale", "QUERYDYNO_SCALE", &self.scale),
            ("--formats", "QUERYDYNO_FORMATS", &self.formats),
            ("--metastore", "HIVE_METASTORE_URI", &self.metastore),
            ("--timeout", "QUERYDYNO_TIMEOUT", &self.timeout),
            ("--query-timeout", "QUERYDYNO_QUERY_TIMEOUT", &self.query_timeout),
            ("--sql", "QUERY", &self.sql),
            ("--table", "TABLE_NAME", &sole),
        ];
        let mut told = Vec::new();
        for (flag, name, value) in flags {
            let Some(value) = value else { continue };
            ensure!(!value.trim().is_empty(), "{flag} is empty: give it a value, or leave it out");
            told.push((name, value.clone()));
        }
        told.extend(self.again.only().map(|only| ("QUERYDYNO_ONLY", only)));
        if self.accept_majority {
            told.push(("QUERYDYNO_ACCEPT_MAJORITY", "yes".to_owned()));
        }
        Ok(told)
    }

    fn planned(&self, settings: Settings) -> Result<Run> {
        let mut run = Run::new().runs(self.runs).parallel(self.parallel).engines(self.engines.clone());
        // One table and its text are settings; several are more than those can say.
        if self.tables.len() > 1 {
            let sql = self
                .sql
                .clone()
                .context("several tables take --sql with a query that names them, as {orders} and {items}")?;
            run = self.tables.iter().fold(run.sql(sql), Run::table);
        }
        if let Some(name) = &self.name {
            run = run.name(name);
        }
        if let Some(folder) = &self.suite {
            run = run.suite(folder);
        }
        if let Some(filter) = &self.filter {
            run = run.filter(filter);
        }
        Ok(self.again.add_to(run)?.settings(settings))
    }

    fn caution(&self, settings: &Settings) {
        let most = settings.threads.iter().max().copied().unwrap_or_default();
        let wanted = most.saturating_mul(self.parallel);
        if wanted > machine::cores() {
            tell!("caution: {wanted} threads share {} processors: they wait for each other", machine::cores());
        }
    }
}

fn exit_code(records: &[Record]) -> ExitCode {
    if interrupt::requested() {
        return ExitCode::from(interrupt::EXIT_CODE);
    }
    ExitCode::from(u8::from(records.iter().any(Record::is_bad)))
}

/// Before anything is measured, which would be lost.
fn check_writable(file: &Path) -> Result<()> {
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    ensure!(
        folder.is_dir() && !file.is_dir(),
        "cannot write the records to {}: name a file in a folder that is there",
        file.display()
    );
    Ok(())
}
