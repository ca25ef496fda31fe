//! What changes are and are not, on series whose noise is written down. How often that holds by chance is in `tests/changes.rs`.

use super::*;
use crate::host::stats::Random;

/// So many points around each level, 3 % up and down.
fn series(levels: &[(usize, f64)]) -> Vec<f64> {
    let mut random = Random::new(5);
    // Nearly normal: the mean of six even numbers.
    let mut noise = || (0..6).map(|_| as_float(random.below(1000)) / 1000.0 - 0.5).sum::<f64>() * 2.0_f64.sqrt() * 0.03;
    let points = levels.iter().flat_map(|(count, level)| std::iter::repeat_n(*level, *count));
    points.map(|level| level * noise().exp()).collect()
}

fn steps(found: &Found) -> Vec<usize> {
    assert!(found.changes.iter().all(|change| change.kind == Kind::Step), "{:?}", found.changes);
    found.changes.iter().map(|change| change.at).collect()
}

#[test]
fn a_step_is_found_with_both_levels() {
    let found = find(&series(&[(60, 100.0), (30, 120.0)]), &Rules::default());
    let change = &found.changes[0];
    assert_eq!((found.changes.len(), found.levels.len(), found.spikes.len()), (1, 2, 0));
    assert!(change.at.abs_diff(60) <= 1 && change.earliest <= change.at && change.at <= change.latest, "{change:?}");
    assert!(change.before.low < 100.0 && 100.0 < change.before.high, "{change:?}");
    assert!(change.after.low < 120.0 && 120.0 < change.after.high, "{change:?}");
    assert!(change.ratio.low < 1.2 && 1.2 < change.ratio.high && change.p < 1e-6, "{change:?}");
    assert_eq!((change.points_before + change.points_after, found.levels[1].to), (90, 90));
}

#[test]
fn find_sees_a_step_up_and_a_step_back_and_none_in_a_flat_series() {
    let found = find(&series(&[(40, 100.0), (12, 115.0), (40, 100.0)]), &Rules::default());
    let [up, down] = steps(&found)[..] else { panic!("{:?}", found.changes) };
    assert!(up.abs_diff(40) <= 2 && down.abs_diff(52) <= 2, "{up} {down}");
    assert!(found.changes[0].ratio.estimate > 1.0 && found.changes[1].ratio.estimate < 1.0);
    assert!(find(&series(&[(92, 100.0)]), &Rules::default()).changes.is_empty());
}

#[test]
fn find_takes_no_single_bad_run_for_a_step() {
    for (times, place) in [1.5, 3.0, 1.0 / 3.0].iter().flat_map(|times| [0, 1, 30, 56, 58, 59].map(|at| (times, at))) {
        let mut values = series(&[(60, 100.0)]);
        values[place] *= times;
        let found = find(&values, &Rules::default());
        assert!(found.changes.is_empty(), "{times} at {place}: {:?}", found.changes);
        assert!(found.spikes.contains(&place));
    }
}

#[test]
fn a_slow_change_is_a_drift_and_a_staircase_is_not() {
    let mut values = series(&[(80, 100.0)]);
    for (place, value) in values.iter_mut().enumerate() {
        *value *= 1.0 + 0.003 * as_float(place);
    }
    let found = find(&values, &Rules::default());
    assert_eq!(found.changes.len(), 1, "{:?}", found.changes);
    let drift = &found.changes[0];
    assert_eq!((drift.kind, drift.at, drift.latest), (Kind::Drift, 0, 79));
    assert!(drift.ratio.low < 1.237 && 1.237 < drift.ratio.high, "{drift:?}");
    assert!(found.levels[0].values[0] < 104.0 && found.levels[0].values[1] > 118.0);
    let stairs = find(&series(&[(40, 100.0), (40, 112.0), (40, 125.0)]), &Rules::default());
    assert_eq!(steps(&stairs).len(), 2);
}

#[test]
fn few_points_odd_values_and_equal_ones_are_no_trouble() {
    for values in [vec![], vec![1.0; 3], vec![0.0; 40], vec![f64::NAN; 40], vec![7.0; 40], vec![-1.0; 15]] {
        assert!(find(&values, &Rules::default()).changes.is_empty(), "{values:?}");
    }
    assert_eq!(find(&[1.0; 11], &Rules::default()).p, None);
    // Of values that are always the same a step is as it is.
    let values = [[7.0; 20], [8.0; 20]].concat();
    assert_eq!(steps(&find(&values, &Rules::default())), [20]);
    // And one of half a percent is nothing to be told.
    let values = [[7.0; 20], [7.03; 20]].concat();
    assert!(find(&values, &Rules::default()).changes.is_empty());
    // Places are those of all points, whatever counts for nothing.
    let mut values = series(&[(30, 100.0), (30, 130.0)]);
    (values[3], values[10], values[50]) = (0.0, f64::INFINITY, 1000.0);
    let found = find(&values, &Rules::default());
    assert!(steps(&found)[0].abs_diff(30) <= 1 && found.spikes == [50], "{found:?}");
}

#[test]
fn over_many_series_a_change_has_to_be_surer() {
    assert_eq!(factors(&[Some(0.001), None, Some(0.5), Some(0.6)]), [3.0, 1.0, 1.2, 1.0]);
    assert_eq!(factors(&[]), [0.0; 0]);
    // As many as changed speak for each other.
    assert_eq!(factors(&[Some(0.001); 4]), [1.0; 4]);
    let one = series(&[(40, 100.0), (12, 107.0)]);
    let mut all = vec![series(&[(50, 100.0)]); 200];
    all.push(one.clone());
    let alone = &find_all(std::slice::from_ref(&one), &Rules::default())[0];
    assert!(!alone.changes.is_empty() && alone.changes[0].p > 1e-8, "{:?}", alone.changes);
    let among = find_all(&all, &Rules { level: alone.changes[0].p * 200.0, ..Rules::default() });
    assert!(among[200].changes.is_empty(), "{:?}", among[200].changes);
}
