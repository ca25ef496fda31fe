//! `cargo xtask build`: builds programs ahead of a run, one after the other: those of engines, those for Iceberg tables and for S3,
//! and those of the history.

use anyhow::{Result, ensure};
use clap::Args;
use querydyno::host::catalog::{Catalog, Recipe};
use querydyno::host::interrupt;
use querydyno::host::settings::Settings;
use querydyno::host::terminal::output;

/// Build engine programs and make script engines' environments ahead of a run
#[derive(Debug, Args)]
pub(crate) struct Build {
    /// The engines, `polars-wheel@2.0.0` among them; `iceberg` and `s3` are the programs for such tables, `history` the one of
    /// the history, `server` the one that serves it [default: all of fixtures/engines.toml]
    engines: Vec<String>,
}

/// What is built like an engine and is none.
const OTHERS: [&str; 4] = ["iceberg", "s3", "history", "server"];

impl Build {
    pub(crate) fn run(self) -> Result<()> {
        let settings = Settings::read()?;
        let catalog = Catalog::read(&settings)?;
        let others = [Recipe::iceberg(), Recipe::s3(), Recipe::history(&settings)?, Recipe::server(&settings)?];
        for (name, recipe) in OTHERS.into_iter().zip(others) {
            if self.engines.iter().any(|wanted| wanted == name) {
                output::line(format_args!("{name}: {}", recipe.build()?.path.display()))?;
            }
        }
        let engines = if self.engines.is_empty() {
            catalog.entries().iter().filter(|entry| entry.kind != "own").cloned().collect()
        } else {
            self.engines
                .iter()
                .filter(|name| !OTHERS.contains(&name.as_str()))
                .map(|name| catalog.entry(name))
                .collect::<Result<Vec<_>>>()?
        };
        let mut failed = Vec::new();
        for engine in engines {
            if let (None, Some(recipe)) = (engine.find(), engine.recipe()) {
                eprintln!("building {}, about {} min from nothing", engine.name, recipe.minutes());
            }
            match engine.program() {
                Ok(program) => output::line(format_args!("{}: {}", engine.name, program.path.display()))?,
                Err(error) => {
                    eprintln!("{}: {error:#}", engine.name);
                    failed.push(engine.name);
                }
            }
            interrupt::check()?;
        }
        ensure!(failed.is_empty(), "not built: {}", failed.join(", "));
        Ok(())
    }
}
