//! `cargo xtask build`: builds programs ahead of a run, one after the other: those of engines, those for Iceberg tables and for S3,
//! and those of the history.

use anyhow::Result;
use clap::Args;
use querydyno::host::catalog::{Catalog, Recipe};
use querydyno::host::interrupt;
use querydyno::host::settings::Settings;
use querydyno::host::terminal::output;

/// Build engine programs and script engines' environments ahead of a run
///
/// Each program is built alone, with one engine's feature. A run builds what it needs by itself.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  cargo xtask build duckdb daft             two engines, one after the other
  cargo xtask build polars-wheel@2.0.0      another version of a wheel
  cargo xtask build history server          the programs behind `cargo xtask history` and `cargo xtask serve`
  QUERYDYNO_DUCKDB=source cargo xtask build duckdb   compiles DuckDB's C++, in half an hour

Exit codes: 0 built, 1 some could not be built, 2 usage or an error.")]
pub(crate) struct Build {
    /// Engines; also `iceberg` and `s3`, the programs for such tables, `history`, and `server`, which serves it
    /// [default: all of fixtures/engines.toml]
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
        crate::ensure_well(failed.is_empty(), || format!("not built: {}; the lines above say why", failed.join(", ")))
    }
}
