//! Controls, which no change of the code affects: the base against itself, and two loops of ours. If one of them moves, the machine did.

use super::canary::{CANARIES, Canary};
use super::journal::{Pair, Pairs, pairs_of};
use super::judge::{Reading, Stage};
use super::outcome::{Control, RowOutcome};
use crate::host::settings::{GateSettings, Metric};

/// Base against base, as rows are named.
pub(super) const NULL: &str = "null row";
/// All rows together whose program and text are the very same on both sides.
const SAME: &str = "rows of the same program";
/// How far a canary may run from its own level between the first launches and the last: beyond it the machine became another.
/// Not less, since base and head take turns and meet the same level: neighbours that come or go move memory by a quarter.
const DRIFT: f64 = 1.5;
/// Launches at each end that tell that level.
const ENDS: usize = 6;

/// What the null row, the canaries and the rows say that no change can have touched, these all together. A row with a reason
/// before it is judged has nothing to say.
pub(super) fn controls(pairs: &Pairs, rows: &[RowOutcome], limits: &GateSettings) -> Vec<Control> {
    let mut names = vec![NULL];
    names.extend(CANARIES.map(Canary::name));
    let both = |name| Stage::BOTH.into_iter().flat_map(|stage| pairs_of(pairs, name, stage)).collect::<Vec<_>>();
    let mut controls: Vec<Control> = names.into_iter().map(|name| control(name, &both(name), limits)).collect();
    let untouched = rows.iter().filter(|row| row.untouched && row.reason.is_none());
    let together: Vec<&Pair> = untouched.flat_map(|row| pairs_of(pairs, &row.id.to_string(), Stage::Screen)).collect();
    if !together.is_empty() {
        controls.push(control(SAME, &together, limits));
    }
    controls
}

fn control(name: &str, taken: &[&Pair], limits: &GateSettings) -> Control {
    let reading = Reading::of(&taken.iter().filter_map(|pair| pair.of(Metric::Time)).collect::<Vec<_>>());
    let apart = reading.filter(|reading| reading.is_moved(limits.time));
    let mut moved = apart.map(|reading| {
        let percent = 100.0 * (reading.ratio.estimate - 1.0);
        format!("{name} is the same on both sides and was found {percent:+.1} % apart")
    });
    // The null row may be another one after a row was lost, and other rows are many: their level says nothing.
    let times = || taken.iter().map(|pair| pair.base.time_ns).collect::<Vec<_>>();
    let drift = if [NULL, SAME].contains(&name) { None } else { drift(&times()) };
    if let Some(drift) = drift.filter(|drift| *drift > DRIFT || *drift < 1.0 / DRIFT) {
        moved.get_or_insert_with(|| {
            format!("{name} took {drift:.2} times as long at the end as at the beginning: the machine became another")
        });
    }
    Control { name: name.to_owned(), reading, drift, moved }
}

/// The last launches by the first, their medians; `None` of too few.
#[expect(clippy::cast_precision_loss, reason = "nanoseconds of a loop are far below 2^53")]
fn drift(times_ns: &[u64]) -> Option<f64> {
    let median = |times: &[u64]| crate::host::stats::median(&times.iter().map(|ns| *ns as f64).collect::<Vec<_>>());
    if times_ns.len() < 2 * ENDS {
        return None;
    }
    Some(median(&times_ns[times_ns.len() - ENDS..])? / median(&times_ns[..ENDS])?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::gate::journal::Launch;

    /// So many pairs of a control, whose base takes these times and whose head so many times as long.
    fn control(name: &str, times_ns: impl Iterator<Item = u64>, ratio: f64) -> Control {
        #[expect(
            clippy::cast_precision_loss,
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "small"
        )]
        let pair = |time_ns: u64| Pair {
            row: name.to_owned(),
            stage: Stage::Screen,
            base_first: true,
            base: Launch { time_ns, ..Launch::default() },
            head: Launch { time_ns: (time_ns as f64 * ratio) as u64, ..Launch::default() },
            wall_ns: 1,
        };
        let pairs: Vec<Pair> = times_ns.map(pair).collect();
        super::control(name, &pairs.iter().collect::<Vec<_>>(), &GateSettings::default())
    }

    #[test]
    fn a_control_moves_to_either_side_or_from_its_own_level() {
        let level = (0..10).map(|number| 50_000_000 + number * 10_000);
        assert_eq!(control(NULL, level.clone(), 1.0).moved, None);
        for (name, ratio) in [(NULL, 1.1), ("canary memory", 0.9)] {
            assert!(control(name, level.clone(), ratio).moved.unwrap().starts_with(name));
        }
        // Level within each pair, and another machine at the end.
        let faster = (0..20).map(|number| 50_000_000 - number * 1_500_000);
        assert!(control("canary processor", faster.clone(), 1.0).moved.unwrap().contains("another"));
        // The null row may be of another row after one was lost.
        assert_eq!(control(NULL, faster, 1.0).moved, None);
        assert_eq!(control(NULL, 1..4, 1.0).reading, None);
    }

    #[test]
    fn rows_of_the_same_program_are_one_control() {
        let pair = |head_ns| Pair {
            row: String::new(),
            stage: Stage::Screen,
            base_first: true,
            base: Launch { time_ns: 1000, ..Launch::default() },
            head: Launch { time_ns: head_ns, ..Launch::default() },
            wall_ns: 1,
        };
        let enter = |id: &str, untouched| RowOutcome::open(id.parse().unwrap(), untouched);
        let entered = [enter("arrow/q1/sf1/parquet", true), enter("arrow/q6/sf1/parquet", true)];
        let with = |entered: &[RowOutcome], ns| {
            let pairs = entered.iter().map(|row| ((row.id.to_string(), Stage::Screen), vec![pair(ns); 4]));
            controls(&pairs.collect(), entered, &GateSettings::default())
        };
        let moved = |ns| with(&entered, ns).pop().unwrap().moved;
        assert_eq!(moved(1000), None);
        assert!(moved(1100).unwrap().starts_with(SAME));
        // There is none where the change can have touched all.
        assert_eq!(with(&[enter("arrow/q1/sf1/parquet", false)], 1100).len(), 3);
    }
}
