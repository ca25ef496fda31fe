//! The engine behind Spark Connect: a session of a server that runs somewhere, its settings, and the tables as views of files.

use anyhow::{Context, bail, ensure};

use super::address::{Address, Kind, Service};
use super::client::{Client, Output};
use super::{conf, dataframes, explain, relation, s3, tables};
use crate::engine::server::{self, Asked};
use crate::engine::{
    Dataset, Engine, EngineInfo, EngineSettings, Phases, Result, Sink, Spans, Task, Unsupported, incomparable, query,
};
use crate::protocol::answer::{Shown, Wanted};

crate::protocol::answer::arrow::define_show!(arrow);

/// Keeps the plans of a session's relations, since Spark 4.0.
const PLAN_CACHE: &str = "spark.connect.session.planCache.enabled";
const TIME_ZONE: &str = "spark.sql.session.timeZone";
/// The mode whose plans are built of relations instead of SQL.
const DATAFRAME: &str = "dataframe";

/// A session with its tables.
pub struct Spark {
    client: Client,
    service: &'static Service,
    dataframe: bool,
    /// Whether other machines than this one may read the files.
    spreads: bool,
    info: EngineInfo,
}

/// What is sent for each run: the server parses and plans it anew.
pub struct Prepared(relation::Frame);

/// The name of the engine whose server was asked for.
pub fn name() -> &'static str {
    match Service::of(&Asked::read()).map(|service| service.engine) {
        Ok(Kind::Thunderduck) => "thunderduck",
        _ => "spark",
    }
}

impl Engine for Spark {
    const READS_FOLDERS: bool = true;

    type Prepared = Prepared;
    type Output = Output;

    fn open(settings: &EngineSettings) -> Result<Self> {
        server::refuse_memory_limit(settings)?;
        for name in [PLAN_CACHE, TIME_ZONE] {
            ensure!(!settings.options.contains_key(name), "the option {name} is QueryDyno's to set; take it out");
        }
        let asked = Asked::read();
        let service = Service::of(&asked)?;
        let address = Address::read(service)?;
        let deadline = server::deadline(settings.timeout_seconds);
        let mut client = Client::connect(address, service, deadline)?;
        let version = match service.engine {
            Kind::Spark => {
                client.version()?.with_context(|| not_meant(&client, "no Spark: it does not tell Spark's version"))?
            }
            Kind::Thunderduck => match client.version()? {
                Some(spark) => bail!(not_meant(&client, &format!("Spark {spark}, and no Thunderduck"))),
                None => duckdb(&mut client)?,
            },
        };
        let mut info = EngineInfo { version, ..EngineInfo::default() };
        match service.engine {
            Kind::Spark => open_spark(&mut client, settings, &asked, &mut info)?,
            Kind::Thunderduck => {
                ensure!(settings.options.is_empty(), "Thunderduck takes its settings where it is started");
                info.settings.insert("threads".to_owned(), "as the server was started".to_owned());
            }
        }
        let address = client.address();
        let server = address.server(service);
        let machine = if server.local { "this machine" } else { "another machine" };
        info.settings.insert("protocol".to_owned(), format!("Spark Connect, Arrow, {machine}"));
        let on_cluster = info.settings.get("spark.master").is_some_and(|master| !master.starts_with("local"));
        let spreads = on_cluster || !server.local;
        if let (Some(access), Kind::Spark) = (&settings.s3, service.engine) {
            s3::refuse_unreached(access, server.local, info.settings.get("spark.master").map(String::as_str))?;
            let (settings, given) = (s3::settings(access, client.session()), &settings.options);
            for (name, value) in settings.iter().filter(|(name, _)| !given.contains_key(name)) {
                client.set(name, value)?;
            }
            s3::secrets(access).iter().try_for_each(|(name, value)| client.set_secret(name, value))?;
        }
        info.server = Some(server);
        let dataframe = match settings.mode.as_deref() {
            None | Some("sql") => false,
            Some(DATAFRAME) => true,
            Some(other) => bail!("there is no mode {other}"),
        };
        Ok(Self { client, service, dataframe, spreads, info })
    }

    fn info(&self) -> EngineInfo {
        self.info.clone()
    }

    fn load(&mut self, dataset: &Dataset) -> Result<()> {
        tables::load(&mut self.client, self.service, self.spreads, dataset)
    }

    fn count(&mut self, table: &str) -> Result<Option<u64>> {
        let counted = relation::table(table).group_by(&[], &["count(1) as rows"]);
        Ok(value(&mut self.client, counted)?.and_then(|count| count.parse().ok()))
    }

    fn prepare(&mut self, task: &Task) -> Result<Prepared> {
        let sql = query(task)?;
        let frame = if self.dataframe {
            dataframes::of(&task.suite, &task.name).ok_or_else(|| {
                let plans = dataframes::names(&task.suite).join(", ");
                Unsupported(format!("there is no plan of DataFrames for {}: there are {plans}", task.name))
            })?
        } else {
            relation::sql(sql)
        };
        // Nothing of this plan is left for a run, which is planned anew.
        self.client.refuse_cached("a part of the query", frame.clone().plan())?;
        Ok(Prepared(frame))
    }

    fn run(&mut self, Prepared(frame): &Prepared, _: &mut Spans) -> Result<Output> {
        self.client.run(frame.clone().plan())
    }

    fn run_in_phases(&mut self, Prepared(frame): &Prepared) -> Result<(Output, Option<Phases>)> {
        let (output, phases) = self.client.run_in_phases(frame.clone().plan())?;
        Ok((output, Some(phases)))
    }

    fn plan(&mut self, Prepared(frame): &Prepared) -> Result<Option<String>> {
        Ok(self.client.explain(frame.clone().plan())?.as_deref().map(explain::stable))
    }

    fn rows(&self, output: &Output) -> u64 {
        output.rows()
    }

    fn answer(&mut self, output: Output, sink: &mut Sink) -> Result<()> {
        show_all(&output, sink)
    }
}

/// A server that another engine's name is for.
fn not_meant(client: &Client, what: &str) -> String {
    let (shown, service) = (client.address().shown(), client.service());
    format!(
        "the server at {shown} is {what}: set {} to another, or unset it for the one that cargo xtask services up {} starts",
        service.engine.variable(),
        service.name
    )
}

/// What a session of Apache Spark is set to, and what the record says of the server.
fn open_spark(client: &mut Client, settings: &EngineSettings, asked: &Asked, info: &mut EngineInfo) -> Result<()> {
    let (shown, given) = (client.address().shown(), client.address().given);
    let stands_in = asked.check(Kind::Spark.title(), &info.version, &shown, Kind::Spark.variable(), given)?;
    for (name, value) in &settings.options {
        client.set(name, value)?;
    }
    client.set(TIME_ZONE, "UTC")?;
    client.set(PLAN_CACHE, "false")?;
    let cache = client.setting(PLAN_CACHE)?;
    ensure!(cache.as_deref() == Some("false"), "the server keeps its plan cache on ({PLAN_CACHE} is {cache:?})");
    info.settings = conf::recorded(client.settings()?);
    if let Some(other) = conf::other_kind(&info.settings, client.service().cluster) {
        bail!(not_meant(client, &other));
    }
    info.settings.insert(PLAN_CACHE.to_owned(), "false".to_owned());
    info.settings.extend(stands_in.map(|words| ("version_asked_for".to_owned(), words)));
    let executors = conf::executors(&info.settings);
    info.settings.extend(executors.map(|executors| ("executors".to_owned(), executors.to_string())));
    // How many cores a cluster elsewhere has is its own business; one that is started here has as many as are asked for.
    let on_cluster = || info.settings.get("spark.cores.max").filter(|_| !given && executors.is_some())?.parse().ok();
    let on_machine = info.settings.get("spark.master").and_then(|master| conf::threads(master));
    if let Some(threads) = on_machine.or_else(on_cluster) {
        ensure!(
            threads == settings.threads,
            "the server at {shown} has {threads} threads for queries, and {} are asked for: ask with QUERYDYNO_THREADS={threads}, or stop \
             it and start it anew with {}={}",
            settings.threads,
            if executors.is_some() { "QUERYDYNO_SPARK_EXECUTORS" } else { "QUERYDYNO_THREADS" },
            settings.threads
        );
    }
    Ok(())
}

/// Thunderduck tells nobody its own version, but that of the DuckDB in it: `DuckDB-1.4.4`.
fn duckdb(client: &mut Client) -> Result<String> {
    let version = value(client, relation::sql("SELECT version() AS version"))?;
    let version = version.context("the server does not tell the version of its DuckDB")?;
    Ok(format!("DuckDB-{}", version.trim_start_matches('v')))
}

/// The first value of a result, as text.
fn value(client: &mut Client, frame: relation::Frame) -> Result<Option<String>> {
    let output = client.run(frame.plan())?;
    let mut sink = Sink::new(output.rows(), Wanted::default());
    show_all(&output, &mut sink)?;
    let Some(Shown::Rows(answer)) = sink.finish() else { return Ok(None) };
    Ok(answer.rows.into_iter().next().and_then(|row| row.into_iter().next().flatten()))
}

impl Output {
    /// How many rows there are.
    fn rows(&self) -> u64 {
        self.batches.iter().map(|batch| batch.num_rows() as u64).sum()
    }
}

fn show_all(output: &Output, sink: &mut Sink) -> Result<()> {
    let first = output.batches.first().ok_or_else(|| incomparable("", "that has no batch"))?;
    sink.columns(columns_of(&first.schema())?);
    output.batches.iter().try_for_each(|batch| show(batch, sink))
}
