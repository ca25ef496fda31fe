//! `cargo xtask capabilities`: what each engine can do, each entry proven by a probe or cited.

use anyhow::Result;
use clap::Args;
use comfy_table::Table;
use querydyno::host::bench::{Bench, Event};
use querydyno::host::capabilities::{Capability, cited, half_of_peak, larger_than_memory, optimiser, parallel};
use querydyno::host::catalog::Catalog;
use querydyno::host::interrupt;
use querydyno::host::record::Record;
use querydyno::host::settings::Settings;
use querydyno::host::terminal::output::{self, plain_table};
use querydyno::protocol::id::Scale;
use querydyno::protocol::units::Bytes;
use serde_json::json;

use crate::json::Json;

/// Print what each engine can do, proven by a probe here or cited from its makers
///
/// Three probes are run: the processors that a query keeps busy; the same query under half of the memory that it took, where an
/// engine that runs it can handle data larger than memory; and the plan of a query with a filter, which an optimiser has at the scan.
/// An engine that fails under half of less than 1 GiB has shown nothing: take a larger --scale. What no probe can show
/// (distributed, Arrow-backed, APIs, GPU) is cited from src/docs/capabilities.md. "?" means not shown.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  cargo xtask capabilities --engines duckdb,polars-wheel,pandas
  cargo xtask capabilities --scale 10                 large enough to show what does not run in half of its memory
  cargo xtask capabilities --scale 0.1 --query q9 --json")]
pub(crate) struct Capabilities {
    /// The engines, separated by commas; built or installed if need be [default: those that are there]
    #[arg(long, value_delimiter = ',')]
    engines: Vec<String>,
    /// The scale factor of the probes
    #[arg(long, default_value = "1")]
    scale: Scale,
    /// The query that is run with all memory and with half of what it took: one with large joins or groups
    #[arg(long, default_value = "q18")]
    query: String,
    /// The query whose plan is looked at: over one table, with a filter
    #[arg(long, default_value = "q6")]
    plan_query: String,
    /// A constant of that filter, as plans write it
    #[arg(long, default_value = "1994-01-01")]
    constant: String,
    #[command(flatten)]
    json: Json,
}

impl Capabilities {
    pub(crate) fn run(self) -> Result<()> {
        self.json.check()?;
        let catalog = Catalog::read(&Settings::read()?)?;
        let engines = catalog.named_or_there(&self.engines)?;
        let probes = self.bench(&self.query, &engines, None, 3)?;
        let plans = self.bench(&self.plan_query, &engines, None, 1)?;
        let mut found = Vec::new();
        for engine in &engines {
            interrupt::check()?;
            let of = |records: &[Record]| records.iter().find(|record| record.id.engine == *engine).cloned();
            let mut shown = Vec::new();
            shown.extend(of(&plans).map(|record| optimiser(&record, &self.constant)));
            if let Some(probe) = of(&probes) {
                let limited = match half_of_peak(&probe) {
                    Some(limit) => of(&self.bench(&self.query, std::slice::from_ref(engine), Some(limit), 1)?),
                    None => None,
                };
                shown.extend([larger_than_memory(&probe, limited.as_ref()), parallel(&probe)]);
            }
            shown.extend(cited(engine));
            found.push((engine, shown));
        }
        if self.json.is_wanted() {
            let listed = found.iter().map(|(engine, shown)| json!({ "engine": engine, "capabilities": shown }));
            return self.json.write(&serde_json::to_string_pretty(&listed.collect::<Vec<_>>())?);
        }
        output::line(table(&found))?;
        for (engine, shown) in &found {
            for one in shown {
                output::line(format_args!("{engine}, {}: {} [{}]", one.name, one.shown, one.proof))?;
            }
        }
        Ok(())
    }

    /// One query on these engines, verified.
    fn bench(&self, query: &str, engines: &[String], memory: Option<Bytes>, runs: usize) -> Result<Vec<Record>> {
        let flags = [
            ("QUERYDYNO_SCALE", self.scale.factor().to_string()),
            ("QUERYDYNO_MEMORY", memory.map_or_else(|| "none".to_owned(), Bytes::compact)),
        ];
        let observer = |event: &Event<'_>| {
            if let Event::Started { id } = event {
                eprintln!("probe: {id}");
            }
        };
        let bench = Bench::new().filter(query).engines(engines.to_vec()).runs(runs);
        Ok(bench.settings(Settings::read_with(flags)?).observer(observer).run()?)
    }
}

/// Yes, no or unknown, by engine and capability.
fn table(found: &[(&String, Vec<Capability>)]) -> Table {
    let mut names: Vec<&str> = Vec::new();
    for one in found.iter().flat_map(|(_, shown)| shown) {
        if !names.contains(&one.name) {
            names.push(one.name);
        }
    }
    let mut table = plain_table(["engine"].into_iter().chain(names.iter().copied()).collect::<Vec<_>>(), 0..0);
    for (engine, shown) in found {
        let word = |name: &&str| match shown.iter().find(|one| one.name == *name) {
            Some(Capability { can: Some(true), .. }) => "yes".to_owned(),
            Some(Capability { can: Some(false), .. }) => "no".to_owned(),
            Some(one) if *name == "APIs" => one.shown.split([';', ' ']).next().unwrap_or_default().to_owned(),
            _ => "?".to_owned(),
        };
        let mut row = vec![(*engine).clone()];
        row.extend(names.iter().map(word));
        table.add_row(row);
    }
    table
}
