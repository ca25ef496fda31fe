//! Results that nobody has measured, from those that somebody has: [`Simulate`]. They are written to the journal, in a file of their
//! own, with the provenance `simulated` and a reason that tells model, inputs and error; so they outlive a history that is made anew.
//! They have no answer, so they are never verified, and ranked with nothing.
//!
//! `cargo xtask history simulate duckdb --scale 100 --dry-run`

mod inputs;
mod known;
mod models;
mod write;

use anyhow::{Result, bail, ensure};
use clap::{ArgGroup, Args};

use super::Unmeant;
use super::names::machine_class;
use super::place::Place;
use crate::host::filter::Filter;
use crate::host::paths;
use crate::host::report::told;
use crate::host::terminal::output;
use crate::protocol::id::Scale;
use crate::protocol::units::Nanos;
use inputs::Input;
use known::Known;

// What to simulate. No doc comment: the command's help is at its variant.
#[derive(Debug, Args)]
#[command(
    group(ArgGroup::new("model").required(true)),
    after_help = "Models, both from your own measured and verified results only:
  --scale 100     a power law through the times of one engine, query, variant and machine at three scales or more, of one version
  --machine M     the geometric mean of the ratios of queries that were measured on both machines, three or more: of the same engine,
                  or of all where M has never run it; times what it took on the other machine
Examples:
  history simulate duckdb --scale 100 --dry-run
  history simulate '^duckdb/q[1-9]/sf10/' --machine Xeon --from EPYC
Where a result was measured, nothing is simulated. Where it could be measured here, only with --force-simulation.
`history simulated` lists what there is, `history delete --where \"provenance = 'simulated'\"` deletes it."
)]
pub(super) struct Simulate {
    /// The cells, as in a bench: `duckdb/q1`, `q6`, `^(duckdb|polars)/`
    #[arg(default_value = "")]
    filter: String,
    /// At this scale, by how times grow with the scale
    #[arg(long, group = "model")]
    scale: Option<Scale>,
    /// On this class of machines, by how much faster or slower it is: its name, or a part of it that no other has
    #[arg(long, value_name = "CLASS", group = "model")]
    machine: Option<String>,
    /// From the results of this class of machines [default: the one that has most queries in common]
    #[arg(long, value_name = "CLASS", requires = "machine")]
    from: Option<String>,
    /// Also what could be measured: this machine is of that class, and has the engine
    #[arg(long)]
    force_simulation: bool,
    /// Only show what it would be
    #[arg(long)]
    dry_run: bool,
}

impl Simulate {
    /// Shows the results, and writes them to the journal.
    ///
    /// # Errors
    /// When there is nothing to simulate from, or the journal cannot be written.
    pub(super) fn run(&self, place: &Place) -> Result<()> {
        ensure!(
            self.dry_run || place.database.is_none(),
            "simulated results are written to the journal, which --database leaves alone: leave it out, or add --dry-run"
        );
        let filter = Filter::new(&self.filter, false).map_err(|error| Unmeant(format!("{error:#}")))?;
        let store = place.reading()?;
        let inputs = inputs::read(&store)?;
        ensure!(!inputs.is_empty(), "the history has no measured and verified result: measure something first");
        let is_meant = |input: &Input| filter.means_in(&input.id, &input.suite);
        let none = || {
            Unmeant(format!(
                "no measured and verified result of a cell that '{filter}' means; `history list` tells what there is"
            ))
        };
        ensure!(inputs.iter().any(is_meant), none());
        let (found, mut left_out) = match (self.scale, &self.machine) {
            (Some(scale), _) => models::curve(&inputs, is_meant, scale),
            (None, Some(machine)) => {
                let to = machine_class(&store, machine)?;
                let from = self.from.as_deref().map(|name| machine_class(&store, name)).transpose()?;
                models::factor(&inputs, is_meant, &to, from.as_deref())?
            }
            (None, None) => bail!("say what to simulate: --scale or --machine"),
        };
        let (estimates, known) = Known::read(&store)?.without(found, self.force_simulation);
        left_out.extend(known);
        let hosts = inputs::hosts(&store)?;
        drop(store);
        for estimate in &estimates {
            let (of, time) = (&estimate.of, Nanos(estimate.time_ns));
            output::line(format_args!("{} on {}: {time}: {}", of.id, of.class, estimate.reason))?;
        }
        for line in told(&left_out) {
            log::info!("left out: {line}");
        }
        let count = estimates.len();
        if self.dry_run || count == 0 {
            return output::line(format_args!("{count} results would be simulated; nothing was written"));
        }
        let file = write::write(&paths::home(), &estimates, &hosts)?;
        place.writing()?;
        output::line(format_args!("{count} results simulated, in {}; `history simulated` lists them", file.display()))
    }
}
