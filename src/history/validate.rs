//! Whether results can have been measured as they say: [`Validate`] looks for those that cannot. It changes nothing; `history mark`
//! marks what turns out to be simulated, `history delete` deletes what is nothing at all.

use std::process::ExitCode;

use anyhow::Result;
use clap::Args;

use super::form::Form;
use super::place::Place;
use super::query;

// How to show what is found. No doc comment: the command's help is at its variant.
#[derive(Debug, Args)]
#[command(after_help = "Rules, for results whose provenance is `measured`:
  absent engine                 the availability view says that it was not found on that machine in that run
  time below the clock's step   a sample is 0, less, or shorter in all its iterations than 1 ns, the step of the clock
  more CPU time than processors CPU time above 1.05 x processors x time, of runs from 0.1 ms on; not of services
  no GPU                        its name, kind or mode says that it runs on a GPU, and the record of the machine that it has none
  in the future                 it started more than 5 minutes from now
  before QueryDyno              it started before 2026-11-20, when there was nothing to measure with
  simulated machine             the machine calls itself simulated
  samples of another result     three samples or more, and all equal to those of another result: a copy
  more memory than the machine  peak memory above the machine's
Exit code 1 where something is found.")]
pub(super) struct Validate {
    #[command(flatten)]
    form: Form,
}

impl Validate {
    /// Shows what is found; the exit code says whether that is anything.
    ///
    /// # Errors
    /// When the history cannot be read.
    pub(super) fn run(&self, place: &Place) -> Result<ExitCode> {
        self.form.check()?;
        let store = place.reading()?;
        let statement = include_str!("sql/validate.sql");
        let found = query::counted(&store, statement, [], self.form.format, self.form.output.as_deref())?;
        let all: u64 = store.value("SELECT count(*) FROM measurements WHERE provenance = 'measured'")?;
        if found == 0 {
            log::info!("{all} results claim to be measured, and nothing contradicts that");
            return Ok(ExitCode::SUCCESS);
        }
        log::info!(
            "found: {found} in {all} results that claim to be measured; `history show RECORD` shows one, `history mark RECORD --simulated --reason WHY` marks it"
        );
        Ok(ExitCode::FAILURE)
    }
}
