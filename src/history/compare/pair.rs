//! Results of two sides as pairs: [`Row`]. Nothing here asks the history.

use std::collections::BTreeMap;

use super::candidate::{Candidate, Key};
use super::noise::Noise;
use super::sides::Sides;
use crate::host::report::{LeftOut, ratio_of_medians, says};
use crate::host::stats::{Factor, Interval, Random, geometric_mean};

/// The fewest samples of which two enclose the median with 95 %.
const FEWEST: usize = 6;
/// What a difference below so much is called, slower and faster alike.
const SIZES: [(f64, &str); 4] = [(0.01, "tiny"), (0.05, "small"), (0.15, "medium"), (0.5, "large")];

/// A query on both sides, or the geometric mean of several.
pub(super) struct Row {
    pub(super) query: String,
    pub(super) scale: String,
    pub(super) conditions: String,
    /// Nothing where the sides are machines.
    pub(super) machine: Option<String>,
    pub(super) compared: Compared,
    /// Of a query, by the names that `history show` takes.
    pub(super) records: Option<[String; 2]>,
    /// The keys of both plans, where both are told and the two sides are of one engine.
    pub(super) plans: Option<[String; 2]>,
}

impl Row {
    /// What became of the plan.
    pub(super) fn plan(&self) -> Option<&'static str> {
        self.plans.as_ref().map(|[first, second]| if first == second { "same" } else { "changed" })
    }
}

/// Two times.
pub(super) struct Compared {
    /// The medians; none of a mean.
    pub(super) first_ns: Option<f64>,
    pub(super) second_ns: Option<f64>,
    /// Second by first.
    pub(super) ratio: f64,
    /// 95 %; none of too few samples.
    pub(super) interval: Option<Interval>,
    /// So many times as long, or a part of it, is no news in the series of both; none with too few results before.
    pub(super) noise: Option<f64>,
}

impl Compared {
    /// What can be said of the second.
    pub(super) fn says(&self) -> &'static str {
        self.interval.map_or("unknown: too few samples", says)
    }

    /// How many times as long the slower takes.
    fn times(&self) -> f64 {
        self.ratio.max(1.0 / self.ratio)
    }

    /// How much it differs, in a word.
    pub(super) fn size(&self) -> &'static str {
        SIZES.iter().find(|(below, _)| self.times() - 1.0 < *below).map_or("very large", |(_, name)| name)
    }

    /// Whether it differs by more than its series do by themselves.
    pub(super) fn against_noise(&self) -> Option<&'static str> {
        self.noise.map(|noise| if self.times() > noise { "beyond" } else { "within" })
    }
}

/// What was compared, and what was not.
pub(super) struct Pairs {
    pub(super) rows: Vec<Row>,
    pub(super) left_out: Vec<LeftOut>,
}

/// All that can be compared: queries by their conditions, and after each set of conditions the geometric mean of its queries.
pub(super) fn pairs(sides: &Sides, candidates: Vec<Candidate>, noise: &Noise) -> Pairs {
    let mut found: BTreeMap<Key, [Option<Candidate>; 2]> = BTreeMap::new();
    for candidate in candidates {
        let (key, side) = (candidate.key.clone(), candidate.side.min(1));
        found.entry(key).or_default()[side] = Some(candidate);
    }
    let mut groups: BTreeMap<_, Vec<Row>> = BTreeMap::new();
    let mut left_out = Vec::new();
    let mut random = Random::new(1);
    for (key, both) in found {
        match compared(sides, both, noise, &mut random) {
            Ok((compared, [first, second])) => {
                let Key { machine, suite, scale, conditions, engine, query } = key;
                let group = (machine.clone(), suite, scale.clone(), conditions.clone());
                let query = if engine.is_empty() { query } else { format!("{engine}/{query}") };
                // Plans of two engines have nothing in common.
                let plans = first.plan.zip(second.plan).filter(|_| sides.same_text);
                let row = Row {
                    query,
                    scale,
                    conditions,
                    machine,
                    compared,
                    records: Some([first.record, second.record]),
                    plans: plans.map(Into::into),
                };
                groups.entry(group).or_default().push(row);
            }
            Err(why) => left_out.push(LeftOut::new(name(&key), why)),
        }
    }
    let mut rows = Vec::new();
    for mut group in groups.into_values() {
        group.sort_by_cached_key(|row| natural(&row.query));
        let mean = mean(&group);
        rows.append(&mut group);
        rows.extend(mean);
    }
    Pairs { rows, left_out }
}

/// The two of a key, or why they are not compared.
fn compared(
    sides: &Sides,
    both: [Option<Candidate>; 2],
    noise: &Noise,
    random: &mut Random,
) -> Result<(Compared, [Candidate; 2]), String> {
    let [first, second] = &sides.names;
    let (one, other) = match both {
        [Some(one), Some(other)] => (one, other),
        [None, _] => return Err(format!("{first} has no result")),
        [_, None] => return Err(format!("{second} has no result")),
    };
    for (side, name) in [(&one, first), (&other, second)] {
        if let Some(why) = &side.why_not {
            return Err(format!("{name}: {why}"));
        }
    }
    if sides.same_text && one.text != other.text {
        return Err("the query's text has changed".to_owned());
    }
    if one.data.is_none() || one.data != other.data {
        return Err("on different files".to_owned());
    }
    let (Some(first_ns), Some(second_ns)) = (one.time_ns, other.time_ns) else {
        return Err("without a time".to_owned());
    };
    let enough = one.samples_ns.len().min(other.samples_ns.len()) >= FEWEST;
    let interval = enough.then(|| ratio_of_medians(&one.samples_ns, &other.samples_ns, random)).flatten();
    let compared = Compared {
        first_ns: Some(first_ns),
        second_ns: Some(second_ns),
        ratio: second_ns / first_ns,
        interval,
        noise: noise.of([one.series.as_deref(), other.series.as_deref()]),
    };
    Ok((compared, [one, other]))
}

/// The geometric mean of the ratios of a group; none of a single query.
fn mean(rows: &[Row]) -> Option<Row> {
    let ratios: Vec<f64> = rows.iter().map(|row| row.compared.ratio).collect();
    // Two ratios say nothing of how far others would spread.
    let interval = Factor::of(&ratios).filter(|_| ratios.len() > 2).map(|factor| factor.mean());
    let ratio = geometric_mean(&ratios).filter(|_| ratios.len() > 1)?;
    let Row { scale, conditions, machine, .. } = rows.first()?;
    Some(Row {
        query: format!("geometric mean of {}", ratios.len()),
        scale: scale.clone(),
        conditions: conditions.clone(),
        machine: machine.clone(),
        compared: Compared { first_ns: None, second_ns: None, ratio, interval, noise: None },
        records: None,
        plans: None,
    })
}

fn name(Key { machine, scale, conditions, engine, query, .. }: &Key) -> String {
    let engine = if engine.is_empty() { String::new() } else { format!("{engine}/") };
    let machine = machine.as_ref().map_or_else(String::new, |machine| format!(", {machine}"));
    format!("{engine}{query} {scale} ({conditions}{machine})")
}

/// Sorts `q2` before `q10`.
fn natural(name: &str) -> (String, u64) {
    let letters = name.trim_end_matches(|c: char| c.is_ascii_digit());
    (letters.to_owned(), name[letters.len()..].parse().unwrap_or_default())
}
