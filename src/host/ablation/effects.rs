//! What options bring, from the times of each variant round by round. Pure functions.

use super::design::{Design, Role};
use super::{Effect, Measured};
use crate::host::stats::{Interval, hodges_lehmann};

const CONFIDENCE: f64 = 0.95;

/// The effects of all options, those of variants without figures unknown.
pub(super) fn effects(design: &Design, measured: &[Measured]) -> Vec<Effect> {
    let times = |role: &Role| {
        let found = measured.iter().find(|one| one.role == *role)?;
        Some(found.figures()?.rounds_ns.as_slice())
    };
    let ratio = |without: &Role, with: &Role| times_as_fast(times(without)?, times(with)?);
    let effect = |(option, with, without): &(String, Role, Role)| Effect {
        option: option.clone(),
        alone: ratio(&Role::Baseline, &Role::Added(option.clone())),
        in_full: ratio(without, with),
    };
    design.options.iter().map(effect).collect()
}

/// How many times as fast one is as the other, with its 95 % interval: the Hodges-Lehmann estimate of the logarithms' differences in each
/// round. None where there are too few rounds.
pub(super) fn times_as_fast(without: &[f64], with: &[f64]) -> Option<Interval> {
    let logs: Vec<f64> = without.iter().zip(with).map(|(without, with)| (without / with).ln()).collect();
    let interval = hodges_lehmann(&logs, CONFIDENCE)?;
    Some(Interval { estimate: interval.estimate.exp(), low: interval.low.exp(), high: interval.high.exp() })
}

#[cfg(test)]
mod tests {
    use super::super::{Figures, Outcome};
    use super::*;

    fn measured(role: Role, rounds_ns: &[f64]) -> Measured {
        let figures = Figures { rounds_ns: rounds_ns.to_vec(), ..Figures::default() };
        Measured { name: role.name(), role, outcome: Outcome::Figures(Box::new(figures)) }
    }

    #[test]
    fn effects_are_against_the_variant_without_the_option_round_by_round() {
        let a = || "a".to_owned();
        let design = Design { contenders: Vec::new(), options: vec![(a(), Role::Full, Role::Removed(a()))] };
        // The machine was twice as slow in half of the rounds, for all.
        let machine = [1.0, 2.0, 1.0, 2.0, 1.0, 2.0];
        let of = |role: Role, ns: f64| measured(role, &machine.map(|slow| slow * ns));
        let found = effects(
            &design,
            &[
                of(Role::Baseline, 100.0),
                of(Role::Added(a()), 50.0),
                of(Role::Full, 10.0),
                of(Role::Removed(a()), 11.0),
            ],
        );
        let (alone, in_full) = (found[0].alone.unwrap(), found[0].in_full.unwrap());
        assert!((alone.estimate - 2.0).abs() < 1e-9 && (alone.high - alone.low).abs() < 1e-9);
        assert!((in_full.estimate - 1.1).abs() < 1e-9);
        assert!(effects(&design, &[of(Role::Baseline, 1.0)])[0].alone.is_none());
        assert!(times_as_fast(&[1.0; 5], &[1.0; 5]).is_none(), "95 % takes six rounds");
    }
}
