//! `cargo xtask engines`: which engines there are, and whether their programs are.

use anyhow::Result;
use clap::Args;
use querydyno::catalog::Catalog;
use querydyno::settings::Settings;

/// List the engines and whether their programs are built
#[derive(Debug, Args)]
pub(crate) struct Engines {}

impl Engines {
    #[expect(clippy::unused_self, reason = "every command has the same shape")]
    pub(crate) fn run(self) -> Result<()> {
        for engine in Catalog::read(&Settings::read()?)?.entries() {
            let state = match (engine.find(), engine.recipe()) {
                (Some(program), _) => program.path.display().to_string(),
                (None, Some(recipe)) => format!("not built; takes about {} min", recipe.minutes()),
                (None, None) if engine.script().is_some() => "not installed; done on first use".to_owned(),
                (None, None) => "its program is not there".to_owned(),
            };
            println!("{:<18}{:<24}{state}", engine.name, engine.title);
        }
        Ok(())
    }
}
