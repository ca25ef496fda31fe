//! `cargo xtask answers`: makes reference answers from what independent engines agree on.

use anyhow::{Context, Result, bail};
use clap::Args;
use querydyno::catalog::{Catalog, Entry};
use querydyno::fixture::Store;
use querydyno::harness::agree;
use querydyno::id::Scale;
use querydyno::referee::{self, Referee};
use querydyno::settings::Settings;
use querydyno::{interrupt, workload::Workload};

/// Make reference answers: what at least two independent engines agree on, and no equal number denies
#[derive(Debug, Args)]
pub(crate) struct Answers {
    /// The workload
    #[arg(default_value = "tpch")]
    workload: String,
    /// Scale factors, separated by commas [default: `QUERYDYNO_SCALE`, or 1]
    #[arg(long, value_delimiter = ',')]
    scale: Vec<Scale>,
    /// Queries, separated by commas [default: all]
    #[arg(long, value_delimiter = ',')]
    queries: Vec<String>,
    /// Engines to ask, separated by commas [default: all but those on request]
    #[arg(long, value_delimiter = ',')]
    engines: Vec<String>,
    /// Write into fixtures, for the repository, instead of the target folder
    #[arg(long)]
    fixtures: bool,
}

impl Answers {
    pub(crate) fn run(self) -> Result<()> {
        let settings = Settings::read()?;
        let catalog = Catalog::read(&settings)?;
        let workload = Workload::read(&self.workload)?;
        let engines: Vec<Entry> = if self.engines.is_empty() {
            catalog.entries().iter().filter(|entry| !entry.on_request).cloned().collect()
        } else {
            self.engines.iter().map(|name| catalog.entry(name)).collect::<Result<_>>()?
        };
        let queries = if self.queries.is_empty() {
            workload.queries.iter().collect()
        } else {
            self.queries.iter().map(|name| workload.query(name)).collect::<Result<Vec<_>>>()?
        };
        let scales = if self.scale.is_empty() { settings.scales.clone() } else { self.scale };
        let store = Store::new(settings.data.clone());
        let mut asked = Vec::new();
        for engine in &engines {
            match engine.program() {
                Ok(program) => asked.push((engine, program)),
                // The others may well be enough.
                Err(error) => println!("not asked: {}: {error:#}", engine.name),
            }
            interrupt::check()?;
        }
        let mut open = 0;
        for scale in scales {
            let folder = if self.fixtures {
                Referee::shipped(&workload.name, scale)
            } else {
                Referee::local(&workload.name, scale)
            };
            for query in &queries {
                interrupt::check()?;
                match agree(&asked, &workload, query, scale, &settings, &store) {
                    Ok(found) => {
                        println!(
                            "{} at {scale}: {} rows, agreed by {}",
                            query.name,
                            found.answer.rows.len(),
                            found.engines.join(", ")
                        );
                        referee::keep(&folder, &workload, query, &found.answer, found.engines)
                            .with_context(|| format!("cannot keep the answer to {}", query.name))?;
                    }
                    Err(error) => {
                        open += 1;
                        println!("{error:#}");
                    }
                }
            }
        }
        if open > 0 {
            bail!("{open} queries have no consensus; the lines above say why");
        }
        Ok(())
    }
}
