//! `cargo xtask criteria`: what a suite asks of engines, and whether it is met.

use std::process::ExitCode;

use anyhow::{Context, Result, ensure};
use clap::Args;
use comfy_table::Table;
use querydyno::host::bench::{Bench, Event};
use querydyno::host::catalog::Catalog;
use querydyno::host::criteria::{Judged, Needed, Status, Today, judge, needed};
use querydyno::host::interrupt;
use querydyno::host::settings::Settings;
use querydyno::host::suite::Suite;
use querydyno::host::terminal::output::{self, plain_table};
use querydyno::host::variant::PARQUET;
use serde_json::json;

use crate::json::Json;

/// The exit code where no criterion is missed, but some are not shown.
const NOT_SHOWN: u8 = 3;

/// Judge whether engines meet a suite's criteria; runs what is missing
///
/// Prints met, not met or not shown, with figures. A suite's `[[criterion]]` tables ask for a speed against another engine, a share of its memory, equal answers, a rate of successful
/// runs with its confidence, or a ceiling of memory or time. Cells are run whose text or program has no record yet on this machine.
/// A success rate of 99.9 % takes 2,995 runs without a failure for a confidence of 95 %, 99 % takes 299, 90 % takes 29.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  cargo xtask criteria SUITE                            one of fixtures
  cargo xtask criteria SUITE --only fast,small          two of them, as a job of CI may want
  cargo xtask criteria --folder /my/shop --dry-run      a suite of your own, and what would be run for it

Exit codes: 0 all met, 1 some not met, 2 usage or an error, 3 none missed but some not shown, 130 interrupted.")]
pub(crate) struct Criteria {
    /// The suite
    #[arg(required_unless_present = "folder")]
    suite: Option<String>,
    /// The folder of a suite of your own
    #[arg(long, value_name = "FOLDER", conflicts_with = "suite")]
    folder: Option<std::path::PathBuf>,
    /// Judge these criteria only, by their names, separated by commas
    #[arg(long, value_delimiter = ',', value_name = "NAMES")]
    only: Vec<String>,
    /// Run every cell anew, and judge by these runs alone
    #[arg(long)]
    again: bool,
    /// Judge by the records that there are, and say what would be run
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    json: Json,
}

impl Criteria {
    pub(crate) fn run(self) -> Result<ExitCode> {
        self.json.check()?;
        let settings = Settings::read_with([("QUERYDYNO_MEMORY", "none")])?;
        // clap has seen to it that one of them is there.
        let mut suite = match &self.folder {
            Some(folder) => Suite::read_from(folder)?,
            None => Suite::read(self.suite.as_deref().unwrap_or_default())?,
        };
        ensure!(
            !suite.criteria.is_empty(),
            "{} has no [[criterion]]: write one as src/host/suite/criteria.rs shows, or name another suite",
            suite.folder.display()
        );
        if !self.only.is_empty() {
            for name in &self.only {
                let known = suite.criteria.iter().map(|spec| spec.name.as_str()).collect::<Vec<_>>();
                let told = || format!("there is no criterion '{name}'; there are: {}", known.join(", "));
                ensure!(known.contains(&name.as_str()), told());
            }
            suite.criteria.retain(|spec| self.only.contains(&spec.name));
        }
        let variant = settings.sole_variant(PARQUET)?;
        let catalog = Catalog::read(&settings)?;
        let began = querydyno::host::record::now();
        let records = Today::of(&suite, &catalog, &settings)?.records()?;
        for needed in needed(&suite, &records, self.again) {
            let Needed { query, scale, runs, .. } = &needed;
            eprintln!(
                "{}: {query} at {scale}, {runs} runs of {}",
                if self.dry_run { "to run" } else { "running" },
                needed.names()
            );
            if !self.dry_run {
                self.bench(&needed, &needed.filter(variant))?;
                interrupt::check()?;
            }
        }
        // Anew, since programs may have been built.
        let mut records = Today::of(&suite, &catalog, &settings)?.records()?;
        if self.again {
            records.retain(|record| record.started_at >= began);
        }
        let judged: Vec<Judged> = suite.criteria.iter().flat_map(|spec| judge(spec, &suite, &records)).collect();
        if self.json.is_wanted() {
            self.json.write(&serde_json::to_string_pretty(&json!({ "suite": suite.name, "criteria": judged }))?)?;
        } else {
            output::line(table(&judged))?;
        }
        Ok(match judged.iter().map(|one| one.status).max() {
            Some(Status::NotMet) => ExitCode::FAILURE,
            Some(Status::NotShown) => ExitCode::from(NOT_SHOWN),
            Some(Status::Met) | None => ExitCode::SUCCESS,
        })
    }

    fn bench(&self, needed: &Needed, filter: &str) -> Result<()> {
        let flags = [("QUERYDYNO_SCALE", needed.scale.factor().to_string()), ("QUERYDYNO_MEMORY", "none".to_owned())];
        let observer = |event: &Event<'_>| {
            if let Event::Started { id } = event {
                eprintln!("  {id}");
            }
        };
        let runs = usize::try_from(needed.runs).context("so many runs are no number of runs")?;
        let mut settings = Settings::read_with(flags)?;
        // Which cells need a run is decided here.
        settings.only.clear();
        let mut engines: Vec<&str> = Vec::new();
        for (engine, _) in &needed.engines {
            if !engines.contains(&engine.as_str()) {
                engines.push(engine);
            }
        }
        let bench = Bench::new().engines(engines).runs(runs).settings(settings);
        let bench = match &self.folder {
            Some(folder) => bench.suite(folder),
            None => bench,
        };
        bench.filter(filter).observer(observer).run()?;
        Ok(())
    }
}

fn table(judged: &[Judged]) -> Table {
    let mut table = plain_table(["criterion", "engine", "query", "", "figures"], 0..0);
    for Judged { criterion, engine, mode, query, status, figures } in judged {
        let engine = mode.as_ref().map_or_else(|| engine.clone(), |mode| format!("{engine} {mode}"));
        table.add_row([criterion, &engine, query, status.word(), figures]);
    }
    table
}
