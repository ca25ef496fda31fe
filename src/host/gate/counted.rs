//! Instructions of base and head, counted on a simulated processor: no statistics, an exact limit, and rows of their own, since they
//! are of a small scale and of one thread.

use std::collections::BTreeSet;

use anyhow::{Context, Result};

use super::judge::{Reading, Stage, Verdict};
use super::outcome::{MetricOutcome, RowOutcome};
use super::side::Side;
use crate::host::inspect::{Counted, Gate, instructions};
use crate::host::settings::{Metric, Settings};
use crate::host::stats::Interval;
use crate::protocol::id::BenchId;

/// The scale; callgrind needs some fifty times as long as the processor.
const SCALE: &str = "0.01";
/// What the base's counts are kept under between the two.
const BASELINE: &str = "gate";

/// The counts of the queries of these rows, for both sides. Rows that neither engine can be counted in are left out.
///
/// # Errors
/// Without Valgrind, or after an interrupt.
pub(super) fn rows(rows: &[BenchId], base: &Side, head: &Side, settings: &Settings) -> Result<Vec<RowOutcome>> {
    let (Some(of_base), Some(of_head)) = (&base.checkout, &head.checkout) else { return Ok(Vec::new()) };
    let queries: BTreeSet<String> = rows.iter().map(|row| format!("{}/{}", row.engine, row.query)).collect();
    if queries.is_empty() {
        return Ok(Vec::new());
    }
    let filter = format!("^({})/", queries.iter().map(|query| regex::escape(query)).collect::<Vec<_>>().join("|"));
    // A home of their own: what is found of the base is nothing for this tree's records.
    let home = settings.target.join("querydyno/gate/counted");
    let settings = &Settings { scales: vec![SCALE.parse()?], memory: vec![None], home, ..settings.clone() };
    let save = Gate { save_baseline: Some(BASELINE.to_owned()), ..Gate::default() };
    log::info!("counting instructions of the base");
    let before = instructions(of_base, Some(&filter), &save, settings).context("instructions of the base")?;
    log::info!("counting instructions of the head");
    let compare = Gate { baseline: Some(BASELINE.to_owned()), ..Gate::default() };
    let after = instructions(of_head, Some(&filter), &compare, settings).context("instructions of the head")?;
    let base_of = |id: &BenchId| before.iter().find(|counted| counted.record.id == *id);
    Ok(after.iter().filter_map(|counted| row(base_of(&counted.record.id), counted, settings)).collect())
}

fn row(base: Option<&Counted>, head: &Counted, settings: &Settings) -> Option<RowOutcome> {
    let id = head.record.id.clone();
    let skipped = |counted: &Counted| counted.record.is_skipped();
    if base.is_none_or(skipped) && skipped(head) {
        return None;
    }
    let failed = [(base, "base"), (Some(head), "head")].into_iter().find_map(|(counted, side)| {
        let record = &counted?.record;
        record.reason().map(|reason| format!("{side}: {reason}"))
    });
    let count = |counted: &Counted| counted.record.instructions().map(|found| found.instructions);
    match (failed, base.and_then(count), count(head)) {
        (None, Some(base), Some(head)) => {
            let metric = metric(base, head, &id, settings);
            Some(RowOutcome {
                id,
                verdict: metric.verdict,
                untouched: false,
                reason: None,
                metrics: vec![metric],
                plan: None,
            })
        }
        (why, ..) => {
            let why = why.unwrap_or_else(|| "not counted".to_owned());
            Some(RowOutcome::invalid(id, format!("instructions: {why}")))
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "instructions of a query are far below 2^53")]
fn metric(base: u64, head: u64, id: &BenchId, settings: &Settings) -> MetricOutcome {
    let limit = settings.gate.limit(id, Metric::Instructions);
    let (base, head) = (base as f64, head as f64);
    let ratio = head / base;
    let verdict = match ratio {
        ratio if ratio > limit.accepts => Verdict::Regressed,
        ratio if ratio < 1.0 / limit.accepts => Verdict::Improved,
        _ => Verdict::Equivalent,
    };
    let exact = Interval { estimate: ratio, low: ratio, high: ratio };
    let reading = Reading { pairs: 1, base, head, ratio: exact, min_detectable_ratio: 1.0, p_value: 1.0 };
    MetricOutcome {
        metric: Metric::Instructions,
        limit,
        verdict,
        stage: Stage::Confirm,
        reading: Some(reading),
        underpowered: false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::record::{InstructionsRecord, Outcome, Record};

    fn counted(instructions: Option<u64>) -> Counted {
        let mut record: Record = serde_json::from_str(include_str!("../../../tests/records/measured.json")).unwrap();
        let tool = "callgrind".to_owned();
        match instructions {
            Some(instructions) => {
                record.set_instructions(&InstructionsRecord { instructions, tool, taken_at: String::new() });
            }
            None => record.outcome = Outcome::Failed("no luck".to_owned().into()),
        }
        Counted { record, before: None }
    }

    fn verdict(base: Option<u64>, head: Option<u64>) -> (Verdict, Option<String>) {
        let row = row(Some(&counted(base)), &counted(head), &Settings::read().unwrap()).unwrap();
        (row.verdict, row.reason)
    }

    #[test]
    fn the_limit_is_exact() {
        assert_eq!(verdict(Some(100_000), Some(100_500)).0, Verdict::Equivalent);
        assert_eq!(verdict(Some(100_000), Some(100_501)).0, Verdict::Regressed);
        assert_eq!(verdict(Some(100_000), Some(99_000)).0, Verdict::Improved);
        let (missing, why) = verdict(Some(100_000), None);
        assert!(missing == Verdict::Invalid && why.unwrap().contains("head: no luck"));
    }
}
