//! The engine `starrocks`: a server that runs somewhere, its settings for one session, and its own word on its times.

use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{bail, ensure};

use super::profile::Times;
use super::snapshots::{self, Snapshot};
use super::{iceberg, native};
use crate::engine::mysql::client::{Client, Limit};
use crate::engine::mysql::output::Output;
use crate::engine::mysql::service::{Login, Service};
use crate::engine::mysql::sql::quoted;
use crate::engine::{
    Dataset, Engine, EngineInfo, EngineSettings, Phases, Result, Sink, Spans, Task, Unsupported, query,
};

static SERVICE: Service =
    Service { title: "StarRocks", prefix: "STARROCKS", port: 9030, user: "root", password: "", name: "starrocks" };

/// The cache of parts of results.
const CACHE: &str = "enable_query_cache";
/// How long a query may take, in seconds: five minutes where nothing is said, three days at most.
static LIMIT: Limit = Limit { setting: "query_timeout", second: 1, none: 259_200, most: 259_200 };
/// How long a profile may take to be there, after its query.
const PROFILE: Duration = Duration::from_secs(3);

/// One connection, which is also one session of the server.
pub struct StarRocks {
    client: Client,
    /// Tables that a query has to be told of.
    tables: Vec<Snapshot>,
    timeout_seconds: Option<u64>,
    info: EngineInfo,
}

impl Engine for StarRocks {
    type Prepared = String;
    type Output = Output;

    fn open(settings: &EngineSettings) -> Result<Self> {
        settings.refuse(&["pipeline_dop", "query_mem_limit"])?;
        for name in [CACHE, LIMIT.setting] {
            ensure!(!settings.options.contains_key(name), "the option {name} is QueryDyno's to set; take it out");
        }
        let mut client = Client::connect(Login::read(&SERVICE)?)?;
        let mut told = settings.options.clone();
        told.insert("pipeline_dop".to_owned(), settings.threads.to_string());
        told.insert(CACHE.to_owned(), "false".to_owned());
        if let Some(bytes) = settings.memory_limit_bytes {
            told.insert("query_mem_limit".to_owned(), bytes.to_string());
        }
        for (name, value) in &told {
            client.set(name, value)?;
        }
        let cache = client.variable(CACHE)?.unwrap_or_default();
        ensure!(cache.eq_ignore_ascii_case("false"), "the server keeps its query cache on ({CACHE} is '{cache}')");
        // VERSION() is that of the MySQL whose protocol it speaks.
        let version = client.value("SELECT CURRENT_VERSION()")?.unwrap_or_default().replace(' ', "-");
        let info = client.info(version, told);
        // The timeout is not recorded: what the host would end anyway is no faster or slower for it.
        Ok(Self { client, tables: Vec::new(), timeout_seconds: settings.timeout_seconds, info })
    }

    fn info(&self) -> EngineInfo {
        self.info.clone()
    }

    fn load(&mut self, dataset: &Dataset) -> Result<()> {
        // Filling a table may take longer than a query may.
        self.client.limit(Some(&LIMIT), None)?;
        self.tables = match dataset.format.as_str() {
            "parquet" => native::load(&mut self.client, dataset).map(|()| Vec::new())?,
            "iceberg" | "iceberg-monthly" => iceberg::load(&mut self.client, dataset)?,
            other => bail!(Unsupported(format!("StarRocks is given no {other} files"))),
        };
        self.client.limit(Some(&LIMIT), self.timeout_seconds)
    }

    fn count(&mut self, table: &str) -> Result<Option<u64>> {
        self.client.count(table)
    }

    fn prepare(&mut self, task: &Task) -> Result<String> {
        Ok(snapshots::with(&self.tables, query(task)?))
    }

    fn run(&mut self, sql: &String, _: &mut Spans) -> Result<Output> {
        self.client.run(sql)
    }

    fn run_in_phases(&mut self, sql: &String) -> Result<(Output, Option<Phases>)> {
        self.client.set("enable_profile", "true")?;
        let start = Instant::now();
        let run = self.client.run_in_phases(sql);
        let whole = start.elapsed();
        let times = run.is_ok().then(|| self.profile()).transpose();
        self.client.set("enable_profile", "false")?;
        let (output, seen_here) = run?;
        let Times { total: Some(total), plan } = times?.unwrap_or_default() else {
            return Ok((output, Some(seen_here)));
        };
        // What the server took, in its own words, and beside it what passed until every row was here.
        let execute = total.saturating_sub(plan.unwrap_or_default());
        Ok((output, Some(Phases::of(plan, Some(execute), Some(whole.saturating_sub(total))))))
    }

    fn rows(&self, output: &Output) -> u64 {
        output.rows()
    }

    fn answer(&mut self, output: Output, sink: &mut Sink) -> Result<()> {
        sink.answer(output.answer()?);
        Ok(())
    }
}

impl StarRocks {
    /// The server's times for the last query, once it has put its profile together; unknown when it does not.
    fn profile(&mut self) -> Result<Times> {
        let Some(id) = self.client.value("SELECT LAST_QUERY_ID()")? else {
            return Ok(Times::default());
        };
        let deadline = Instant::now() + PROFILE;
        loop {
            let profile = self.client.value(&format!("SELECT GET_QUERY_PROFILE({})", quoted(&id)))?;
            let times = profile.as_deref().map(Times::of).unwrap_or_default();
            if times.total.is_some() || Instant::now() > deadline {
                return Ok(times);
            }
            sleep(PROFILE / 60);
        }
    }
}
