//! `cargo xtask compare`: two revisions side by side, without a verdict.

use std::process::ExitCode;

use clap::Args;
use querydyno::host::gate::{Comparison, Gate};

use crate::gate::Told;

/// Compare two revisions by pairs of processes that take turns, without a verdict
///
/// Each is built in a git worktree below the target folder. What blocks a merge is the gate, which decides by new pairs.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  cargo xtask compare v1.0 main duckdb
  cargo xtask compare HEAD~5 HEAD '^(duckdb|polars)/q(1|6)/' --pairs 30

Exit codes: 0 compared, 2 usage, 3 a row could not be measured or it was interrupted.")]
pub(crate) struct Compare {
    /// The revision to compare with
    base: String,
    /// The revision that is compared
    head: String,
    /// The rows, as in a bench [default: all of the compiled engines that are built]
    filter: Option<String>,
    /// Pairs of every row; an interval takes six
    #[arg(long, default_value = "10", value_parser = pairs)]
    pairs: u16,
    /// Start again instead of continuing a comparison that did not end
    #[arg(long)]
    fresh: bool,
    #[command(flatten)]
    told: Told,
}

fn pairs(text: &str) -> Result<u16, String> {
    let number = text.parse().ok().filter(|number| (6..=1000).contains(number));
    number.ok_or_else(|| "give a number from 6 to 1000".to_owned())
}

impl Compare {
    pub(crate) fn run(self) -> ExitCode {
        let compare = Gate {
            comparison: Comparison::Revisions { base: self.base, head: Some(self.head) },
            filter: self.filter,
            budget: None,
            fresh: self.fresh,
            instructions: false,
            confirm: None,
            only_compare: Some(self.pairs.into()),
        };
        let outcome = match self.told.run(&compare, false) {
            Ok(outcome) => outcome,
            Err(code) => return code,
        };
        for moved in outcome.controls.iter().filter_map(|control| control.moved.as_ref()) {
            crate::report::tell!("caution: {moved}");
        }
        for row in outcome.not_measured() {
            crate::report::tell!("{row}");
        }
        if outcome.is_whole() { ExitCode::SUCCESS } else { ExitCode::from(crate::gate::UNDECIDED) }
    }
}
