//! The engine `trino`: a server that runs somewhere, its settings for this session, and its own word on its times.

use std::path::PathBuf;

use anyhow::ensure;

use super::address::{Address, URL};
use super::client::Client;
use super::page::{Output, Times};
use super::value::Type;
use super::{plan, tables};
use crate::engine::server::{self, Asked};
use crate::engine::{
    Dataset, Engine, EngineInfo, EngineSettings, Phases, Result, Sink, Spans, Task, incomparable, query,
};
use crate::protocol::answer::{Column, Scalar};
use crate::protocol::task::SERVER_PARTS;

/// How many writers and joins a task has at once, the threads of a query.
const CONCURRENCY: &str = "task_concurrency";
/// What the catalog is asked for, whatever it is set to: every digit of a second, and columns by their names, not by their places in the
/// first file.
const OF_CATALOG: [(&str, &str); 2] = [("timestamp_precision", "NANOSECONDS"), ("parquet_use_column_names", "true")];

/// One user of a server.
pub struct Trino {
    client: Client,
    scratch: PathBuf,
    info: EngineInfo,
}

impl Engine for Trino {
    const READS_FOLDERS: bool = true;

    type Prepared = String;
    type Output = Output;

    fn open(settings: &EngineSettings) -> Result<Self> {
        server::refuse_memory_limit(settings)?;
        settings.refuse(&[CONCURRENCY])?;
        let asked = Asked::read();
        let address = Address::read()?;
        let (shown, given, server) = (address.shown(), address.given, address.server(&asked));
        let mut client = Client::new(address, server::deadline(settings.timeout_seconds));
        let mut info =
            EngineInfo { version: client.version()?, settings: settings.options.clone(), ..EngineInfo::default() };
        asked.check("Trino", &info.version, &shown, URL, given)?;
        info.settings.insert(CONCURRENCY.to_owned(), concurrency(settings.threads).to_string());
        for (name, value) in OF_CATALOG {
            let name = format!("{}.{name}", client.address().catalog);
            ensure!(!info.settings.contains_key(&name), "the option {name} is QueryDyno's to set; take it out");
            info.settings.insert(name, value.to_owned());
        }
        for (name, value) in &info.settings {
            client.set(name, value);
        }
        let machine = if server.local { "this machine" } else { "another machine" };
        let protocol = match client.run("SELECT 1 AS asked")?.encoding {
            Some(encoding) => format!("spooling, {encoding}, {machine}"),
            None => format!("direct, JSON, {machine}"),
        };
        info.settings.insert("protocol".to_owned(), protocol);
        info.server = Some(server);
        Ok(Self { client, scratch: settings.scratch.clone(), info })
    }

    fn info(&self) -> EngineInfo {
        self.info.clone()
    }

    fn load(&mut self, dataset: &Dataset) -> Result<()> {
        tables::load(&mut self.client, dataset, &self.scratch)
    }

    fn count(&mut self, table: &str) -> Result<Option<u64>> {
        let count = self.client.value(&format!("SELECT count(*) FROM {}", super::schema::named(table)))?;
        Ok(count.and_then(|count| count.parse().ok()))
    }

    fn prepare(&mut self, task: &Task) -> Result<String> {
        Ok(query(task)?.to_owned())
    }

    fn run(&mut self, sql: &String, spans: &mut Spans) -> Result<Output> {
        let output = self.client.run(sql)?;
        // They come with the last page anyway.
        let Times { queued, planning, execution, transfer } = output.times;
        for (part, took) in SERVER_PARTS.iter().zip([queued, planning, execution, transfer]) {
            spans.add(part, took);
        }
        Ok(output)
    }

    fn run_in_phases(&mut self, sql: &String) -> Result<(Output, Option<Phases>)> {
        let output = self.client.run(sql)?;
        let Times { queued, planning, execution, transfer } = output.times;
        let phases = Phases::of(Some(queued + planning), Some(execution), Some(transfer));
        Ok((output, Some(phases)))
    }

    fn plan(&mut self, sql: &String) -> Result<Option<String>> {
        let told = self.client.value(&format!("EXPLAIN (TYPE DISTRIBUTED) {sql}"))?;
        Ok(told.map(|text| plan::stable(&text)))
    }

    fn rows(&self, output: &Output) -> u64 {
        output.rows.len() as u64
    }

    fn answer(&mut self, output: Output, sink: &mut Sink) -> Result<()> {
        let column = |column: &super::page::Column| {
            let kind =
                Type::named(&column.type_name).ok_or_else(|| incomparable(&column.name, &column.type_name))?.kind;
            Ok(Column { name: column.name.clone(), kind })
        };
        sink.columns(output.columns.iter().map(column).collect::<Result<_>>()?);
        for row in &output.rows {
            sink.row(&row.iter().map(super::value::Cell::scalar).collect::<Vec<Scalar<'_>>>());
        }
        Ok(())
    }
}

/// The server takes powers of two: the next one that is no less, and 32 at most, as `cargo xtask services up` starts it with.
fn concurrency(threads: usize) -> usize {
    threads.next_power_of_two().min(32)
}
