//! The engine `mysql`: a MariaDB or `MySQL` server that runs somewhere, and the tables loaded into it.
//!
//! `MYSQL_PORT=3306 cargo bench -- mysql/q1`

use std::collections::BTreeMap;

use anyhow::{bail, ensure};

use super::client::{Client, Limit};
use super::load;
use super::output::Output;
use super::plan;
use super::service::{Login, Service};
use super::sql::quoted;
use crate::engine::server::refuse_memory_limit;
use crate::engine::{Dataset, Engine, EngineInfo, EngineSettings, Phases, Result, Sink, Spans, Task, query};

static SERVICE: Service = Service {
    title: "MariaDB",
    prefix: "MYSQL",
    port: 3307,
    user: "querydyno",
    password: "querydyno",
    name: "mariadb",
};

/// Quotes and bars as in other engines' SQL, and no value changed in silence.
const SQL_MODE: &str = "ANSI_QUOTES,PIPES_AS_CONCAT,STRICT_TRANS_TABLES,NO_ENGINE_SUBSTITUTION";
/// Texts compared by code points as other engines do it, blanks at the end included: MariaDB's name, `MySQL`'s, and the
/// one that both have and that leaves such blanks out of account.
const COLLATIONS: [&str; 3] = ["utf8mb4_nopad_bin", "utf8mb4_0900_bin", "utf8mb4_bin"];
/// The result cache of MariaDB; `MySQL` has none since 8.0.
const CACHE: &str = "query_cache_type";
/// How long a query may take: MariaDB's setting, in seconds, and `MySQL`'s, in milliseconds.
static LIMITS: [Limit; 2] = [
    Limit { setting: "max_statement_time", second: 1, none: 0, most: 31_536_000 },
    Limit { setting: "max_execution_time", second: 1000, none: 0, most: 4_294_967 },
];
/// How the server was started, as far as it decides about its speed.
const TOLD_BY_SERVER: [&str; 6] = [
    "innodb_buffer_pool_size",
    "join_buffer_size",
    "max_heap_table_size",
    "query_cache_size",
    "sort_buffer_size",
    "tmp_table_size",
];

/// One connection, which is also one session of the server.
pub struct MySql {
    client: Client,
    collation: String,
    /// None where the server has no such setting.
    limit: Option<&'static Limit>,
    timeout_seconds: Option<u64>,
    info: EngineInfo,
}

impl Engine for MySql {
    type Prepared = String;
    type Output = Output;

    fn open(settings: &EngineSettings) -> Result<Self> {
        refuse(settings)?;
        let mut client = Client::connect(Login::read(&SERVICE)?)?;
        for (name, value) in &settings.options {
            client.set(name, value)?;
        }
        client.set("sql_mode", SQL_MODE)?;
        client.set("time_zone", "+00:00")?;
        let collation = collation(&mut client)?;
        client.execute(&format!("SET NAMES utf8mb4 COLLATE {collation}"))?;
        let mut told: BTreeMap<String, String> = settings.options.clone();
        told.insert(CACHE.to_owned(), without_cache(&mut client)?);
        for name in TOLD_BY_SERVER {
            told.extend(client.variable(name)?.map(|value| (name.to_owned(), value)));
        }
        told.insert("collation".to_owned(), collation.clone());
        told.insert("sql_mode".to_owned(), SQL_MODE.to_owned());
        // Not what was asked for: there is no such setting.
        told.insert("threads".to_owned(), "1 for each query, which the server decides".to_owned());
        // Not recorded: what the host would end anyway is no faster or slower for it.
        let limit = limit(&mut client)?;
        let version = client.value("SELECT VERSION()")?.unwrap_or_default();
        let info = client.info(version, told);
        Ok(Self { client, collation, limit, timeout_seconds: settings.timeout_seconds, info })
    }

    fn info(&self) -> EngineInfo {
        self.info.clone()
    }

    fn load(&mut self, dataset: &Dataset) -> Result<()> {
        // Building an index may take longer than a query may.
        self.client.limit(self.limit, None)?;
        load::load(&mut self.client, dataset, &self.collation)?;
        self.client.limit(self.limit, self.timeout_seconds)
    }

    fn count(&mut self, table: &str) -> Result<Option<u64>> {
        self.client.count(table)
    }

    fn prepare(&mut self, task: &Task) -> Result<String> {
        let sql = query(task)?.to_owned();
        // The loaded tables are kept for later runs: no query is to change them.
        self.client.execute("SET SESSION TRANSACTION READ ONLY")?;
        Ok(sql)
    }

    fn run(&mut self, sql: &String, _: &mut Spans) -> Result<Output> {
        self.client.run(sql)
    }

    fn run_in_phases(&mut self, sql: &String) -> Result<(Output, Option<Phases>)> {
        let (output, phases) = self.client.run_in_phases(sql)?;
        Ok((output, Some(phases)))
    }

    fn plan(&mut self, sql: &String) -> Result<Option<String>> {
        // The one form that MariaDB and MySQL share.
        let told = self.client.run(&format!("EXPLAIN FORMAT=TRADITIONAL {sql}"))?;
        let columns: Vec<String> = told.columns.iter().map(|column| column.name_str().into_owned()).collect();
        Ok(Some(plan::lines(&columns, &told.texts()?)))
    }

    fn rows(&self, output: &Output) -> u64 {
        output.rows()
    }

    fn answer(&mut self, output: Output, sink: &mut Sink) -> Result<()> {
        sink.answer(output.answer()?);
        Ok(())
    }
}

/// What cannot be had of a server that others started, and what is set here.
fn refuse(settings: &EngineSettings) -> Result<()> {
    refuse_memory_limit(settings)?;
    for name in ["sql_mode", "time_zone", CACHE].into_iter().chain(LIMITS.iter().map(|limit| limit.setting)) {
        ensure!(
            !settings.options.contains_key(name),
            "the option {name} is QueryDyno's to set; take it out of the entry"
        );
    }
    Ok(())
}

fn collation(client: &mut Client) -> Result<String> {
    let found = COLLATIONS.iter().find_map(|name| {
        let sql = "SELECT collation_name FROM information_schema.collations WHERE collation_name = ";
        client.value(&format!("{sql}{}", quoted(name))).transpose()
    });
    found.unwrap_or_else(|| bail!("the server has none of the collations {}", COLLATIONS.join(", ")))
}

/// The setting of this server for how long a query may take.
fn limit(client: &mut Client) -> Result<Option<&'static Limit>> {
    for limit in &LIMITS {
        if client.variable(limit.setting)?.is_some() {
            return Ok(Some(limit));
        }
    }
    Ok(None)
}

/// Turns the result cache off for this session, and looks whether it is.
fn without_cache(client: &mut Client) -> Result<String> {
    let Some(before) = client.variable(CACHE)? else {
        return Ok("the server has no query cache".to_owned());
    };
    if before != "OFF" {
        client.set(CACHE, "OFF")?;
    }
    let after = client.variable(CACHE)?.unwrap_or_default();
    ensure!(after == "OFF", "the server keeps its query cache on ({CACHE} is {after}): start it with {CACHE}=0");
    Ok(after)
}
