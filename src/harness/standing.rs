//! Where an engine stands beside its time: against its makers' own build, and against the hand-written plans.
//!
//! Pure functions over records and audits; [`super::summary`] prints what they say.

use std::collections::BTreeMap;

use crate::answer::Verdict;
use crate::audit::{Audit, Comparison};
use crate::id::Scale;
use crate::record::{Outcome, Record};
use crate::stats::{geometric_mean, median};

/// The nearest official distribution in an engine's last audit; `None` when that was of another build or machine.
pub(super) fn official<'a>(record: &Record, audits: &'a BTreeMap<String, Audit>) -> Option<&'a Comparison> {
    let audit = audits.get(&record.id.engine)?;
    let same = audit.build == record.engine.build && audit.host.cpu == record.host.cpu;
    audit.comparisons.first().filter(|_| same)
}

/// Which query at which scale, and the median time.
fn time(record: &Record) -> Option<((&str, Scale), f64)> {
    Some(((record.id.query.as_str(), record.id.scale), median(&record.samples_ns)?))
}

/// How far each engine is from the reference, over the queries that both answered rightly in this run; nearest first.
pub(super) fn from_reference(records: &[Record], reference: &str) -> Option<String> {
    let verified = |record: &&Record| {
        record.outcome == Outcome::Measured && record.verdict.as_ref().is_some_and(Verdict::verified)
    };
    let floor: BTreeMap<_, f64> =
        records.iter().filter(verified).filter(|record| record.id.engine == reference).filter_map(time).collect();
    let mut ratios: BTreeMap<String, Vec<f64>> = BTreeMap::new();
    for record in records.iter().filter(verified).filter(|record| record.id.engine != reference) {
        let Some((key, time)) = time(record) else { continue };
        let name = match record.id.variant.as_str() {
            "parquet" => record.id.engine.clone(),
            variant => format!("{} ({variant})", record.id.engine),
        };
        ratios.entry(name).or_default().extend(floor.get(&key).map(|floor| time / floor));
    }
    let mut told: Vec<(f64, String)> = ratios
        .into_iter()
        .filter_map(|(name, ratios)| Some((geometric_mean(&ratios)?, name, ratios.len())))
        .map(|(ratio, name, queries)| (ratio, format!("{name} {ratio:.2} (of {queries})")))
        .collect();
    if told.is_empty() {
        return None;
    }
    told.sort_by(|a, b| a.0.total_cmp(&b.0));
    let list: Vec<String> = told.into_iter().map(|(_, text)| text).collect();
    Some(format!("times the {reference} reference, geometric mean (of so many queries): {}", list.join(", ")))
}
