//! The gate's decisions over recorded launches of unchanged programs: how often it would have been red for nothing, and whether
//! it would have seen what a known share slower.
//!
//! `tests/gate/launches.csv` has the raw times and peaks of gates of a base against itself, on a shared machine with two virtual
//! cores: each line is a pair in the order in which it ran, so that what was first and what was second can be called base and head
//! as a gate would have called it. TPC-H sf0.3, two threads, and the two canaries.

#[path = "common/slow.rs"]
mod slow;

use std::collections::BTreeMap;
use std::fs;
use std::iter::once;

use querydyno::host::gate::judge::{INTERIM_SIZES, SCREEN};
use querydyno::host::gate::{Launch, MetricOutcome, Pair, Pairs, RowOutcome, Stage, Verdict, judged};
use querydyno::host::paths::root;
use querydyno::host::settings::GateSettings;
use querydyno::host::stats::Random;

/// Rows of a gate.
const ROWS: usize = 24;
const GATES: u64 = 10_000;
/// New pairs at the last look.
const MOST: usize = INTERIM_SIZES[INTERIM_SIZES.len() - 1];
/// What was recorded, pair by pair.
type Recorded = BTreeMap<String, Vec<[Launch; 2]>>;

fn recorded() -> Recorded {
    let path = root().join("tests/gate/launches.csv");
    let text = fs::read_to_string(&path).unwrap();
    let mut recorded = Recorded::new();
    for line in text.lines().skip(1) {
        let fields: Vec<&str> = line.split(',').collect();
        let [row, first_us, second_us, first_kib, second_kib] = fields.as_slice() else { panic!("{line}") };
        let launch = |us: &str, kib: &str| Launch {
            time_ns: us.parse::<u64>().unwrap() * 1000,
            peak_memory_bytes: kib.parse::<u64>().ok().map(|kib| kib * 1024),
            ..Launch::default()
        };
        recorded
            .entry((*row).to_owned())
            .or_default()
            .push([launch(first_us, first_kib), launch(second_us, second_kib)]);
    }
    recorded
}

/// The pairs of one row of a gate, up to the last look: so many in a row out of the recorded ones, from a random place on, with the
/// orders of a gate; the head takes so many times its time and memory.
fn pairs(of: &[[Launch; 2]], random: &mut Random, time: f64, memory: f64) -> [Vec<Pair>; 2] {
    let start = random.below(of.len());
    let other_way_round = random.below(2) == 1;
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "far below 2^53"
    )]
    let times = |value: u64, factor: f64| (value as f64 * factor) as u64;
    let pair = |stage, number: usize, place: usize| {
        let [first, second] = of[place % of.len()].clone();
        let base_first = matches!(number % 4, 0 | 3) != other_way_round;
        let (base, head) = if base_first { (first, second) } else { (second, first) };
        let peak_memory_bytes = head.peak_memory_bytes.map(|bytes| times(bytes, memory));
        let head = Launch { time_ns: times(head.time_ns, time), peak_memory_bytes, ..head };
        Pair { row: String::new(), stage, base_first, base, head, wall_ns: 0 }
    };
    let screen = (0..SCREEN).map(|number| pair(Stage::Screen, number, start + number));
    let confirm = (0..MOST).map(|number| pair(Stage::Confirm, number, start + SCREEN + number));
    [screen.collect(), confirm.collect()]
}

/// The rows of one gate without a budget, each of a recorded row: those that look slower after the first thirty new pairs and are not
/// decided get more, up to their last look.
fn gate(rows: &[(&str, f64, f64)], recorded: &Recorded, random: &mut Random) -> Vec<RowOutcome> {
    let (mut all, mut later) = (Pairs::new(), Pairs::new());
    for (number, (row, time, memory)) in rows.iter().enumerate() {
        // Ids of their own, since a row may be drawn twice.
        let id = format!("recorded/q{number}/sf1/parquet");
        let [screen, confirm] = pairs(&recorded[*row], random, *time, *memory);
        all.insert((id.clone(), Stage::Screen), screen);
        all.insert((id.clone(), Stage::Confirm), confirm[..INTERIM_SIZES[0]].to_vec());
        later.insert((id, Stage::Confirm), confirm);
    }
    let mut outcome = judged(&all, &GateSettings::default());
    for look in &INTERIM_SIZES[1..] {
        let open = outcome.iter().filter(|row| row.metrics.iter().any(is_open));
        for key in open.map(|row| (row.id.to_string(), Stage::Confirm)) {
            all.insert(key.clone(), later[&key][..*look].to_vec());
        }
        outcome = judged(&all, &GateSettings::default());
    }
    outcome
}

/// Whether a metric gets more pairs in a gate without a budget.
fn is_open(metric: &MetricOutcome) -> bool {
    let looks_slower = metric.reading.is_some_and(|reading| reading.looks_slower());
    metric.stage == Stage::Confirm && metric.verdict == Verdict::Inconclusive && looks_slower
}

fn queries(recorded: &Recorded) -> Vec<&str> {
    recorded.keys().map(String::as_str).filter(|row| !row.starts_with("canary") && !row.starts_with("null")).collect()
}

fn is_red(rows: &[RowOutcome]) -> bool {
    rows.iter().any(|row| row.verdict == Verdict::Regressed)
}

#[test]
fn of_ten_thousand_gates_of_unchanged_programs_fewer_than_one_in_a_hundred_is_red() {
    if !slow::wanted("ten thousand gates, a minute of them") {
        return;
    }
    let recorded = recorded();
    let queries = queries(&recorded);
    assert!(queries.len() >= ROWS && recorded.values().all(|pairs| pairs.len() >= SCREEN + MOST));
    let (mut red, mut suspects) = (0_u64, 0_usize);
    for number in 0..GATES {
        let mut random = Random::new(number);
        let rows: Vec<(&str, f64, f64)> = (0..ROWS).map(|_| (queries[random.below(queries.len())], 1.0, 1.0)).collect();
        let rows = gate(&rows, &recorded, &mut random);
        red += u64::from(is_red(&rows));
        let metrics = rows.iter().flat_map(|row| &row.metrics);
        suspects += metrics.filter(|metric| metric.stage == Stage::Confirm).count();
    }
    println!("{red} of {GATES} gates of {ROWS} rows red, {suspects} times a second stage decided");
    // Otherwise it would be the screen alone that is shown to pass.
    assert!(suspects > 10_000, "{suspects}");
    assert!(red * 100 < GATES, "{red} of {GATES} gates are false alarms");
}

#[test]
fn what_a_row_can_see_is_seen_among_unchanged_rows() {
    if !slow::wanted("thousands of gates with slower rows") {
        return;
    }
    let recorded = recorded();
    let queries = queries(&recorded);
    // The quietest recorded loop stands for a row that sees 5 %; others see what is far above their noise.
    for (row, time, memory) in [("canary processor", 1.05, 1.0), (queries[0], 1.5, 1.0), (queries[0], 1.0, 1.5)] {
        let gates = 500;
        let caught = (0..gates).filter(|number| {
            let mut random = Random::new(*number);
            let unchanged = (1..ROWS).map(|_| (queries[random.below(queries.len())], 1.0, 1.0));
            let rows: Vec<(&str, f64, f64)> = once((row, time, memory)).chain(unchanged).collect();
            is_red(&gate(&rows, &recorded, &mut random))
        });
        let caught = caught.count();
        println!("{row}, {time} times the time, {memory} times the memory: caught in {caught} of {gates}");
        assert!(
            caught * 100 >= 95 * 500,
            "{row}, {time} times the time, {memory} times the memory: {caught} of {gates}"
        );
    }
}
