//! The plan of a result, and what became of the one before it in its series: what `history show` ends with.

use anyhow::Result;

use super::store::Store;
use crate::host::record::{PlanChange, PlanRecord};
use crate::host::terminal::output;

/// Prints the plan, and where the result before it in the series had another, what changed. Nothing for a result without a plan.
///
/// # Errors
/// When a table is damaged.
pub(super) fn show(store: &Store, result: u64) -> Result<()> {
    let of_result =
        format!("SELECT sha256, text FROM plans SEMI JOIN (FROM results WHERE result = {result}) USING (plan)");
    let found = store.rows(&of_result, [], |row| Ok(PlanRecord { sha256: row.get(0)?, text: row.get(1)? }))?;
    let Some(plan) = found.into_iter().next() else { return Ok(()) };
    output::line(format_args!("plan (sha256 {})", plan.sha256))?;
    plan.text.lines().try_for_each(|line| output::line(format_args!("  {line}")))?;
    let before = format!(
        "SELECT c.record_before, p.sha256, p.text FROM plan_changes c JOIN plans p ON p.plan = c.plan_before
         JOIN measurements m ON m.record = c.record WHERE m.result = {result}"
    );
    let before = store.rows(&before, [], |row| {
        Ok((row.get::<_, String>(0)?, PlanRecord { sha256: row.get(1)?, text: row.get(2)? }))
    })?;
    for (record, before) in before {
        let Some(change) = PlanChange::between(Some(&before), Some(&plan)) else { continue };
        output::line(format_args!("\nplan changed since {record}"))?;
        change.difference.iter().try_for_each(|line| output::line(format_args!("  {line}")))?;
    }
    output::line("")
}
