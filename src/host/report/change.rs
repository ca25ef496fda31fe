//! Base against head: what two baselines say of the same cells.
//!
//! Two runs on a shared machine differ by more than the samples of either tell, so this names what to look at. What blocks
//! a merge is the gate, whose processes take turns.

use std::collections::{HashMap, HashSet};

use anyhow::{Result, anyhow, ensure};
use serde::Serialize;

use super::conditions::Conditions;
use super::gather::{Found, Gathered};
use super::left_out::LeftOut;
use crate::host::record::{PlanChange, Record, metric};
use crate::host::stats::{Interval, Random, median, percentiles, resampled_medians};
use crate::protocol::id::BenchId;

/// A cell in both.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Change {
    /// The cell.
    pub id: BenchId,
    /// The record of the base.
    pub base: String,
    /// The record of the head.
    pub head: String,
    /// The base's median, in nanoseconds.
    pub base_ns: f64,
    /// The head's.
    pub head_ns: f64,
    /// Head by base, with a 95 % interval from both samples.
    pub ratio: Interval,
    /// Peak memory, head by base.
    pub memory_ratio: Option<f64>,
    /// Instructions, head by base.
    pub instructions_ratio: Option<f64>,
    /// What became of the plan, where both are known and differ.
    pub plan: Option<PlanChange>,
}

impl Change {
    /// What the interval allows to say.
    pub fn verdict(&self) -> &'static str {
        says(self.ratio)
    }
}

/// What the interval of a ratio of times allows to say of the second.
pub fn says(ratio: Interval) -> &'static str {
    match ratio {
        Interval { low, .. } if low > 1.0 => "slower",
        Interval { high, .. } if high < 1.0 => "faster",
        _ => "no difference shown",
    }
}

/// The head's median by the base's, with a 95 % interval from both samples, which are drawn anew; `None` without samples.
pub fn ratio_of_medians(base: &[f64], head: &[f64], random: &mut Random) -> Option<Interval> {
    const DRAWS: usize = 1000;
    let estimate = median(head)? / median(base)?;
    let bases = resampled_medians(base, DRAWS, random);
    let heads = resampled_medians(head, DRAWS, random);
    let mut ratios: Vec<f64> = heads.iter().zip(&bases).map(|(head, base)| head / base).collect();
    let (low, high) = percentiles(&mut ratios, 0.95)?;
    Some(Interval { estimate, low, high })
}

/// Every cell that both have under the same conditions; the others are left out with the reason.
pub fn changes(base: &Gathered, head: &Gathered) -> (Vec<Change>, Vec<LeftOut>) {
    let mut left_out = Vec::new();
    let by_id: HashMap<&BenchId, _> = base.found.iter().map(|found| (&found.record.id, found)).collect();
    let mut random = Random::new(1);
    let mut changes = Vec::new();
    for head in &head.found {
        let id = &head.record.id;
        let torn = || base.left_out.iter().find(|left_out| left_out.what.starts_with(&format!("{id} ")));
        let missing = || anyhow!("{}", torn().map_or("the base does not have it", |left_out| &left_out.why));
        let found = by_id.get(id).ok_or_else(missing);
        match found.and_then(|base| alike(&base.record, &head.record).map(|()| base)) {
            Ok(base) => changes.extend(change(base, head, &mut random)),
            Err(why) => left_out.push(LeftOut::new(id.to_string(), why.to_string())),
        }
    }
    let heads: HashSet<&BenchId> = head.found.iter().map(|found| &found.record.id).collect();
    for base in base.found.iter().filter(|base| !heads.contains(&base.record.id)) {
        left_out.push(LeftOut::new(base.record.id.to_string(), "the head does not have it"));
    }
    (changes, left_out)
}

/// An error where they cannot be compared.
fn alike(base: &Record, head: &Record) -> Result<()> {
    let differs = Conditions::of(head).differs_from(&Conditions::of(base));
    ensure!(differs.is_empty(), "base and head were not measured alike: {differs}");
    ensure!(base.dataset.sha256 == head.dataset.sha256, "base and head ran on different files");
    ensure!(base.query.sha256 == head.query.sha256, "the query's text has changed");
    ensure!(base.ranks() && head.ranks(), "one of the two has no verified answer");
    Ok(())
}

fn change(base: &Found, head: &Found, random: &mut Random) -> Option<Change> {
    let (base_id, head_id) = (base.record_id.clone(), head.record_id.clone());
    let (base, head) = (&base.record, &head.record);
    let (base_ns, head_ns) = (base.median_ns()?, head.median_ns()?);
    let of_medians = ratio_of_medians(base.samples_ns(), head.samples_ns(), random)?;
    let ratio = |kind| Some(head.metric(kind)? / base.metric(kind)?);
    Some(Change {
        id: head.id.clone(),
        base: base_id,
        head: head_id,
        base_ns,
        head_ns,
        ratio: of_medians,
        memory_ratio: ratio(metric::PEAK_MEMORY),
        instructions_ratio: ratio(metric::INSTRUCTIONS),
        plan: PlanChange::between(base.plan.as_ref(), head.plan.as_ref()),
    })
}
