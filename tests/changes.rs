//! How often changes are found where there are none, and how soon where there is one: simulated series, the same each time.
//!
//! `TEST_SLOW=1 cargo test --release --test changes -- --nocapture` shows the figures of `host::stats::changes`, of 1,000 series each;
//! without it there are 200, and the bounds are as much wider. The last point of a series is the newest: it is looked at as somebody
//! does who has just measured it.

#[path = "common/slow.rs"]
mod slow;

use std::f64::consts::TAU;
use std::time::Instant;

use querydyno::host::stats::Random;
use querydyno::host::stats::changes::{Change, Kind, Rules, find, find_all};

/// The noise of a point, in parts of its level.
const NOISE: f64 = 0.03;
/// Points after a step at which it has to be found.
const SOON: usize = 8;

fn series() -> u64 {
    if slow::wanted("simulated series beyond the first 200 of each kind") { 1000 } else { 200 }
}

#[derive(Debug, Clone, Copy)]
enum Noise {
    Normal,
    /// Student's t with three degrees of freedom: one point in forty is beyond three standard deviations.
    Heavy,
    /// Each point keeps a fifth of the deviation of the one before.
    Correlated,
}

struct Simulation {
    random: Random,
    noise: Noise,
    last: f64,
}

impl Simulation {
    fn new(noise: Noise, seed: u64) -> Self {
        let mut simulation = Self { random: Random::new(seed), noise, last: 0.0 };
        simulation.last = simulation.normal();
        simulation
    }

    /// Between 0 and 1, neither of them.
    fn even(&mut self) -> f64 {
        (f64::from(u32::try_from(self.random.below(1 << 31)).unwrap()) + 0.5) / f64::from(1_u32 << 31)
    }

    /// By Box and Muller.
    fn normal(&mut self) -> f64 {
        (-2.0 * self.even().ln()).sqrt() * (TAU * self.even()).cos()
    }

    fn point(&mut self) -> f64 {
        let deviation = match self.noise {
            Noise::Normal => self.normal(),
            Noise::Heavy => {
                let squares: f64 = (0..3).map(|_| self.normal().powi(2)).sum();
                // Its variance is three.
                self.normal() / (squares / 3.0).sqrt() / 3.0_f64.sqrt()
            }
            Noise::Correlated => {
                self.last = 0.2 * self.last + (1.0 - 0.2 * 0.2_f64).sqrt() * self.normal();
                self.last
            }
        };
        100.0 * (1.0 + NOISE * deviation).max(0.01)
    }

    fn points(&mut self, count: usize) -> Vec<f64> {
        (0..count).map(|_| self.point()).collect()
    }

    fn length(&mut self, from: usize, to: usize) -> usize {
        from + self.random.below(to - from + 1)
    }
}

fn changes(values: &[f64]) -> Vec<Change> {
    find(values, &Rules::default()).changes
}

/// In how many of the series, made by their number.
fn count(series: u64, holds: impl Fn(u64) -> bool) -> u64 {
    (0..series).filter(|number| holds(*number)).count() as u64
}

fn percent(part: u64, all: u64) -> String {
    let tenths = part * 1000 / all;
    format!("{}.{} %", tenths / 10, tenths % 10)
}

#[test]
fn at_most_one_look_in_a_hundred_at_no_change_finds_one() {
    let series = series();
    for noise in [Noise::Normal, Noise::Heavy, Noise::Correlated] {
        for (from, to) in [(20, 200), (20, 40), (160, 200)] {
            let alarms = count(series, |number| {
                let mut simulation = Simulation::new(noise, number);
                let length = simulation.length(from, to);
                !changes(&simulation.points(length)).is_empty()
            });
            println!(
                "no change, {noise:?}, {from} to {to} points: {alarms} of {series} alarm ({})",
                percent(alarms, series)
            );
            // In thousandths. What is promised is that of normal noise; twice as many of few may be by chance.
            let most = match noise {
                Noise::Normal => 10,
                Noise::Heavy => 15,
                Noise::Correlated => 20,
            };
            let most = if series == 1000 { most } else { 2 * most };
            assert!(alarms * 1000 <= most * series, "{noise:?}: {alarms} of {series}");
        }
    }
}

/// Whether a step of so many times is found at one of the looks after its fourth to its `within`th point.
fn is_found(number: u64, noise: Noise, before: usize, times: f64, within: usize) -> bool {
    let mut simulation = Simulation::new(noise, 1_000_000 + number);
    let mut values = simulation.points(before);
    (1..=within).any(|after| {
        values.push(simulation.point() * times);
        let is_it = |change: &Change| {
            change.kind == Kind::Step
                && change.at.abs_diff(before) <= SOON
                && (change.ratio.estimate > 1.0) == (times > 1.0)
        };
        after >= 4 && changes(&values).iter().any(is_it)
    })
}

#[test]
fn a_step_of_five_percent_is_found_within_eight_points() {
    let series = series();
    for (noise, before, times, within, least) in [
        (Noise::Normal, 30, 1.05, SOON, 75),
        (Noise::Normal, 60, 1.05, SOON, 85),
        (Noise::Normal, 100, 1.05, SOON, 90),
        (Noise::Normal, 200, 1.05, SOON, 95),
        (Noise::Normal, 100, 1.05, 12, 95),
        (Noise::Normal, 100, 0.95, SOON, 0),
        (Noise::Normal, 100, 1.03, 20, 0),
        (Noise::Normal, 30, 1.1, SOON, 95),
        (Noise::Normal, 100, 1.1, 5, 0),
        (Noise::Heavy, 100, 1.05, SOON, 90),
        (Noise::Correlated, 100, 1.05, SOON, 80),
    ] {
        let found = count(series, |number| is_found(number, noise, before, times, within));
        println!(
            "step of {times} after {before} points, {noise:?}: found within {within} in {found} of {series} ({})",
            percent(found, series)
        );
        let slack = if series == 1000 { 0 } else { 4 };
        assert!(
            found * 100 + slack * series >= least * series,
            "{times} after {before}, {noise:?}: {found} of {series}"
        );
    }
}

#[test]
fn one_bad_run_is_no_step_and_alarms_no_more_than_none() {
    let series = series();
    for times in [1.5, 3.0] {
        for noise in [Noise::Normal, Noise::Heavy] {
            let alarms = count(series, |number| {
                let mut simulation = Simulation::new(noise, 2_000_000 + number);
                let length = simulation.length(20, 200);
                let mut values = simulation.points(length);
                // Every other one is among the newest.
                let place = if number % 2 == 0 {
                    simulation.random.below(length)
                } else {
                    length - 1 - simulation.random.below(8)
                };
                values[place] *= times;
                !changes(&values).is_empty()
            });
            println!("one run of {times} times, {noise:?}: {alarms} of {series} alarm ({})", percent(alarms, series));
            let most = if matches!(noise, Noise::Normal) { 10 } else { 15 };
            let most = if series == 1000 { most } else { 2 * most };
            assert!(alarms * 1000 <= most * series, "{noise:?}: {alarms} of {series}");
        }
    }
}

#[test]
fn four_points_are_the_fewest_that_bad_runs_do_not_make() {
    let series = series();
    for (fewest, in_a_row) in [(2, 2), (3, 2), (4, 2), (3, 3), (4, 3), (5, 3)] {
        let rules = Rules { fewest, ..Rules::default() };
        let alarms = count(series, |number| {
            let mut simulation = Simulation::new(Noise::Normal, 3_000_000 + number);
            let mut values = simulation.points(60);
            let place = simulation.random.below(60 - in_a_row + 1);
            values[place..place + in_a_row].iter_mut().for_each(|value| *value *= 1.5);
            !find(&values, &rules).changes.is_empty()
        });
        println!(
            "{in_a_row} bad runs in a row, levels of at least {fewest}: {alarms} of {series} alarm ({})",
            percent(alarms, series)
        );
        // A point beside them may be as far off by chance.
        assert!(fewest < 4 || alarms * 50 <= series, "{fewest}: {alarms} of {series}");
        assert!(fewest > in_a_row || alarms > series / 2, "{fewest}: {alarms} of {series}");
    }
}

#[test]
fn a_step_up_and_one_back_are_two_and_each_is_where_it_is_said_to_be() {
    let series = series();
    let (mut two, mut placed, mut covered) = (0, 0, 0);
    for number in 0..series {
        let mut simulation = Simulation::new(Noise::Normal, 4_000_000 + number);
        let mut values = simulation.points(90);
        values[40..60].iter_mut().for_each(|value| *value *= 1.08);
        let found = changes(&values);
        if let [up, down] = found.as_slice() {
            let is_up_and_down = up.ratio.estimate > 1.0 && down.ratio.estimate < 1.0;
            two += u64::from(is_up_and_down && up.at.abs_diff(40) <= SOON && down.at.abs_diff(60) <= SOON);
            placed += u64::from(up.at.abs_diff(40) <= 2) + u64::from(down.at.abs_diff(60) <= 2);
            let covers = |change: &Change, place: usize| change.earliest <= place && place <= change.latest;
            covered += u64::from(covers(up, 40)) + u64::from(covers(down, 60));
        }
    }
    println!(
        "8 % up and 20 points later back: two steps in {two} of {series}; of both {} within two points, {} between the earliest and the latest",
        percent(placed, 2 * series),
        percent(covered, 2 * series)
    );
    assert!(two * 100 >= 95 * series && placed * 100 >= 85 * 2 * series && covered * 100 >= 90 * 2 * series);
}

#[test]
fn a_drift_is_one_and_no_stairs() {
    let series = series();
    let mut kinds = [0, 0, 0];
    for number in 0..series {
        let mut simulation = Simulation::new(Noise::Normal, 5_000_000 + number);
        let mut values = simulation.points(100);
        let part = |place: usize| f64::from(u32::try_from(place).unwrap()) / 99.0;
        values.iter_mut().enumerate().for_each(|(place, value)| *value *= 1.0 + 0.1 * part(place));
        let found = changes(&values);
        let is_one = found.len() == 1 && found[0].kind == Kind::Drift;
        kinds[if is_one { 0 } else { 1 + usize::from(found.is_empty()) }] += 1;
    }
    let [one, other, none] = kinds;
    println!("10 % over 100 points: one drift in {one} of {series}, steps or more in {other}, nothing in {none}");
    assert!(one * 100 >= 85 * series && none * 100 <= series, "{kinds:?}");
}

#[test]
fn who_looks_after_each_run_is_told_of_nothing_now_and_then() {
    if !slow::wanted("a hundred and eighty looks at each of a thousand series") {
        return;
    }
    let series = 1000;
    let mut looks = 0_u64;
    let alarmed = count(series, |number| {
        let mut simulation = Simulation::new(Noise::Normal, 6_000_000 + number);
        let values = simulation.points(200);
        (20..=200).any(|length| !changes(&values[..length]).is_empty())
    });
    let mut after_each = 0_u64;
    for number in 0..100 {
        let values = Simulation::new(Noise::Normal, 6_000_000 + number).points(200);
        looks += 181;
        after_each += (20..=200).filter(|length| !changes(&values[..*length]).is_empty()).count() as u64;
    }
    println!(
        "looked at after each of the points 20 to 200: {alarmed} of {series} series are told to have changed at some time ({}); {after_each} of {looks} looks",
        percent(alarmed, series)
    );
    assert!(after_each * 100 <= 2 * looks, "{after_each} of {looks}");
}

#[test]
fn a_thousand_series_of_a_hundred_points_take_about_a_second() {
    let all: Vec<Vec<f64>> =
        (0..1000).map(|number| Simulation::new(Noise::Normal, 7_000_000 + number).points(100)).collect();
    let began = Instant::now();
    let found = find_all(&all, &Rules::default());
    let took = began.elapsed();
    let told = found.iter().filter(|found| !found.changes.is_empty()).count();
    println!("1,000 series of 100 points in {} ms, {told} of them told over all", took.as_millis());
    assert_eq!(told, 0, "one in a hundred such thousands tells of anything");
    // Not a timing: some fifty times what it takes as it is released.
    assert!(took.as_secs() < 60, "{took:?}");
}
