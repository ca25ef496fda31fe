//! Accepting a level: from a result on its series is as it should be, and what changed before is not told again.

use anyhow::{Result, bail, ensure};

use super::analysis::{Analysis, analyse};
use super::annotate::{TARGETS, keep};
use super::points::{Meant, read};
use super::store::Store;
use crate::host::paths;
use crate::host::record::metric;
use crate::host::stats::changes::Kind;
use crate::host::terminal::output;

/// Accepts the level that begins with a result, with each result of a run, or with the last change of each series that is meant.
///
/// # Errors
/// When nothing is called so, or no series that is meant has changed.
pub(super) fn accept(store: &Store, target: &str, text: &str) -> Result<()> {
    let results = "SELECT record, comparable AND series IS NOT NULL FROM measurements WHERE record = ? OR run = ?";
    let results =
        store.rows(results, [target, target], |row| Ok((row.get::<_, String>(0)?, row.get::<_, bool>(1)?)))?;
    if !results.is_empty() {
        let comparable: Vec<&String> = results.iter().filter(|(_, is)| *is).map(|(record, _)| record).collect();
        ensure!(!comparable.is_empty(), "nothing of '{target}' is comparable, so it is the beginning of no level");
        comparable.iter().try_for_each(|record| keep(store, "result", record, "level", text))?;
        let of = comparable.len();
        return output::line(format_args!(
            "level accepted from {target} on, in {of} series; earlier changes are not told again"
        ));
    }
    for (_, column) in TARGETS {
        let condition = format!("{column} = ?");
        let condition = (condition.as_str(), target);
        let meant = Meant { condition, machine: None, metric: metric::TIME.name, checkout: paths::root() };
        let series = read(store, &meant)?;
        if !series.is_empty() {
            return accept_last(store, target, text, &analyse(store, series)?);
        }
    }
    bail!("nothing comparable is called '{target}': name a result, as `history trend` and `history changes` tell them")
}

fn accept_last(store: &Store, target: &str, text: &str, all: &[Analysis]) -> Result<()> {
    let mut accepted = 0;
    for analysis in all {
        let Some(change) = analysis.found.changes.last() else { continue };
        // What a drift has come to is its end.
        let place = if change.kind == Kind::Drift { change.latest } else { change.at };
        let record = &analysis.series.points[place].record;
        keep(store, "result", record, "level", text)?;
        output::line(format_args!("level accepted from {record} on: {}", analysis.series.cell))?;
        accepted += 1;
    }
    ensure!(
        accepted > 0,
        "no series of '{target}' has changed: name the result from which a level is accepted, as `history trend` tells them"
    );
    Ok(())
}
