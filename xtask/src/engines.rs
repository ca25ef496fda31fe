//! `cargo xtask engines`: which engines there are, what they are built on, and whether their programs are there.

use anyhow::Result;
use clap::Args;
use querydyno::host::catalog::{Catalog, Recipe};
use querydyno::host::settings::Settings;
use querydyno::host::terminal::output;

/// List the engines, the components they are built on, and whether their programs are built
///
/// Engines that share a component may share its faults, so they are one vote on what is right.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  cargo xtask engines")]
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
            let components = engine.components.join("+");
            output::line(format_args!("{:<18}{:<24}{components:<18}{state}", engine.name, engine.title))?;
            if let Some(from) = engine.recipe().and_then(Recipe::comes_from) {
                output::line(format_args!("{:<60}{from}", ""))?;
            }
        }
        Ok(())
    }
}
