//! `cargo xtask bench --backfill COMMIT..`: results that older commits lack.

use std::process::ExitCode;

use anyhow::Result;
use querydyno::host::backfill::{Backfill, Lacking};
use querydyno::host::checkout::Checkout;
use querydyno::host::settings::Settings;
use querydyno::host::terminal::output::{line, print};

use super::bars::Bars;
use super::{exit_code, table};
use crate::report::tell;

/// Cells that are named of a commit.
const SHOWN: usize = 3;

/// Fills in what is lacking, or says what that is.
pub(super) fn run(backfill: &Backfill, settings: &Settings, dry_run: bool) -> Result<ExitCode> {
    let here = Checkout::here();
    if dry_run {
        let lacking = backfill.plan(&here, settings)?;
        lacking.iter().try_for_each(|one| line(told(one)))?;
        let cells: usize = lacking.iter().map(|one| one.cells.len()).sum();
        tell!("commits: {}, results that they lack: {cells}", lacking.len());
        return Ok(ExitCode::SUCCESS);
    }
    let bars = Bars::default();
    let records = backfill.run(&here, settings, &|event| bars.tell(event))?;
    bars.clear();
    if records.is_empty() {
        tell!("nothing to do: no commit lacks a result");
    }
    // Each commit by itself: two of them are no two engines.
    for of_commit in records.chunk_by(|one, other| one.git == other.git) {
        line(of_commit[0].git.as_ref().map_or("", |git| git.commit.as_str()))?;
        print(&table::shown(of_commit))?;
    }
    Ok(exit_code(&records))
}

fn told(Lacking { commit, cells }: &Lacking) -> String {
    let named: Vec<String> = cells.iter().take(SHOWN).map(ToString::to_string).collect();
    let more = cells.len().saturating_sub(SHOWN);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("{commit}  {}{more}", named.join(", "))
}
