//! The verdicts on the rows of a gate, by their pairs: a pure function.

use std::collections::BTreeSet;

use super::journal::{LEAST_MEMORY, Pair, Pairs, pairs_of};
use super::judge::{FEWEST, INTERIM_SIZES, Reading, Stage, Verdict, decide};
use super::outcome::{MetricOutcome, RowOutcome};
use crate::host::settings::{GateSettings, Limit, Metric};

/// What is estimated from pairs.
pub(super) const METRICS: [Metric; 2] = [Metric::Time, Metric::Memory];

/// A metric of a row that new pairs have to decide on.
struct Suspect {
    row: usize,
    metric: usize,
    pairs: Vec<(f64, f64)>,
    limit: Limit,
}

/// Where a metric of a row stands before new pairs decide.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum ScreenStatus {
    /// It is unknown, such as the memory of a server elsewhere.
    Untold,
    /// Not every launch tells it.
    Partly { known: usize, of: usize },
    /// Both sides run the very same, so that there is nothing to decide: these rows are a control.
    Untouched,
    /// The screen excludes what must be detected.
    Cleared(Reading),
    /// New pairs have to decide.
    Suspect,
}

/// Where a metric of a row stands, for those who take pairs and for those who judge them.
pub(super) fn screen_status(
    metric: Metric,
    (screen, confirm): (&[Pair], &[Pair]),
    limit: Limit,
    untouched: bool,
    all_are_suspects: bool,
) -> ScreenStatus {
    let screened = values(screen, metric);
    let (known, of) = (screened.len() + values(confirm, metric).len(), screen.len() + confirm.len());
    let cleared = || Reading::of(&screened).filter(|reading| !all_are_suspects && reading.clears(limit));
    match known {
        0 if metric != Metric::Time => ScreenStatus::Untold,
        known if known < of => ScreenStatus::Partly { known, of },
        _ if untouched && !all_are_suspects => ScreenStatus::Untouched,
        _ => cleared().map_or(ScreenStatus::Suspect, ScreenStatus::Cleared),
    }
}

/// Judges rows by their pairs, but for those that have a reason why there is nothing to judge; `all_are_suspects` where a second
/// machine confirms.
pub(super) fn judge(
    mut rows: Vec<RowOutcome>,
    pairs: &Pairs,
    limits: &GateSettings,
    all_are_suspects: bool,
) -> Vec<RowOutcome> {
    // Suspects of the whole gate, since their number is what a verdict is corrected for.
    let mut suspects = Vec::new();
    for (place, row) in rows.iter_mut().enumerate() {
        let [screen, confirm] = Stage::BOTH.map(|stage| pairs_of(pairs, &row.id.to_string(), stage));
        row.reason = row.reason.take().or_else(|| mixed(screen, confirm));
        let missing = row.reason.is_some();
        for metric in METRICS.into_iter().filter(|_| !missing) {
            let limit = limits.limit(&row.id, metric);
            let reading = Reading::of(&values(screen, metric));
            let told = |verdict, stage| MetricOutcome { metric, limit, verdict, stage, reading, underpowered: false };
            let status = screen_status(metric, (screen, confirm), limit, row.untouched, all_are_suspects);
            row.metrics.push(match status {
                ScreenStatus::Untold => continue,
                ScreenStatus::Partly { known, of } => {
                    row.reason = Some(format!("its peak memory is known in {known} of {of} pairs only"));
                    told(Verdict::Invalid, Stage::Screen)
                }
                ScreenStatus::Untouched => told(Verdict::Equivalent, Stage::Screen),
                ScreenStatus::Cleared(reading) => told(reading.without_regression(limit), Stage::Screen),
                ScreenStatus::Suspect => {
                    let pairs = values(confirm, metric);
                    suspects.push(Suspect { row: place, metric: row.metrics.len(), pairs, limit });
                    told(Verdict::Inconclusive, Stage::Confirm)
                }
            });
        }
        let taken = screen.len().max(confirm.len());
        if row.reason.is_none() && (1..FEWEST).contains(&taken) {
            row.reason = Some(format!("{taken} of the {FEWEST} pairs that an interval takes"));
        }
    }
    confirm(&mut rows, &suspects);
    rows.iter_mut().for_each(conclude);
    rows
}

/// Why the launches of a row are not of the same data, where that is so.
fn mixed(screen: &[Pair], confirm: &[Pair]) -> Option<String> {
    let launches = screen.iter().chain(confirm).flat_map(|pair| [&pair.base, &pair.head]);
    let sums: BTreeSet<_> = launches.map(|launch| &launch.dataset_sha256).collect();
    (sums.len() > 1).then(|| "its launches read different data: the checksums are mixed".to_owned())
}

pub(super) fn values(pairs: &[Pair], metric: Metric) -> Vec<(f64, f64)> {
    pairs.iter().filter_map(|pair| pair.of(metric)).collect()
}

fn confirm(rows: &mut [RowOutcome], suspects: &[Suspect]) {
    let tests: Vec<(&[(f64, f64)], Limit)> =
        suspects.iter().map(|suspect| (suspect.pairs.as_slice(), suspect.limit)).collect();
    for (suspect, (reading, verdict)) in suspects.iter().zip(decide(&tests)) {
        let row = &mut rows[suspect.row];
        let metric = &mut row.metrics[suspect.metric];
        metric.verdict = verdict;
        metric.reading = reading.or(metric.reading);
        if suspect.pairs.len() < INTERIM_SIZES[0] && metric.reading.is_some() {
            row.reason.get_or_insert_with(|| {
                format!("{} of the {} new pairs that decide", suspect.pairs.len(), INTERIM_SIZES[0])
            });
        }
    }
}

/// The verdict on a row as a whole: the worst of its metrics.
fn conclude(row: &mut RowOutcome) {
    for metric in &mut row.metrics {
        if let (Metric::Memory, Some(reading)) = (metric.metric, &mut metric.reading) {
            // What counts as none is not seen, however steady it is.
            reading.min_detectable_ratio =
                reading.min_detectable_ratio.max(1.0 + f64::from(LEAST_MEMORY) / reading.base);
        }
        // Nobody asks a row that nothing touched what it could have seen.
        let asked = !row.untouched || metric.stage == Stage::Confirm;
        metric.underpowered = asked && metric.reading.is_some_and(|reading| reading.is_underpowered(metric.limit));
    }
    row.verdict = row.metrics.iter().map(|metric| metric.verdict).max().unwrap_or(Verdict::Invalid);
    if row.metrics.iter().all(|metric| metric.reading.is_none()) && row.reason.is_none() {
        row.verdict = Verdict::Invalid;
        row.reason = Some("not measured".to_owned());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::gate::journal::Launch;
    use crate::protocol::id::BenchId;

    fn pair(stage: Stage, ns: u64, memory: [Option<u64>; 2], sum: &str) -> Pair {
        let launch = |time_ns, peak_memory_bytes: Option<u64>, sum: &str| Launch {
            time_ns,
            peak_memory_bytes: peak_memory_bytes.map(|mib| mib << 20),
            dataset_sha256: Some(sum.to_owned()),
            ..Launch::default()
        };
        let [base, head] = memory;
        Pair {
            row: String::new(),
            stage,
            base_first: true,
            base: launch(1000, base, "a"),
            head: launch(ns, head, sum),
            wall_ns: 1,
        }
    }

    fn judged(screen: Vec<Pair>, confirm: Vec<Pair>) -> RowOutcome {
        judged_as(false, false, screen, confirm)
    }

    fn judged_as(untouched: bool, all_are_suspects: bool, screen: Vec<Pair>, confirm: Vec<Pair>) -> RowOutcome {
        let id: BenchId = "duckdb/q1/sf1/parquet".parse().unwrap();
        let rows = vec![RowOutcome::open(id.clone(), untouched)];
        let pairs =
            Pairs::from([((id.to_string(), Stage::Screen), screen), ((id.to_string(), Stage::Confirm), confirm)]);
        judge(rows, &pairs, &GateSettings::default(), all_are_suspects).remove(0)
    }

    #[test]
    fn a_row_that_runs_the_very_same_is_no_suspect_unless_another_machine_found_it() {
        let slower = || pairs(Stage::Screen, 10, 2000, [100, 100]);
        let row = judged_as(true, false, slower(), Vec::new());
        assert!(row.verdict == Verdict::Equivalent && row.metrics.iter().all(|metric| !metric.underpowered), "{row:?}");
        assert_eq!(judged_as(false, false, slower(), Vec::new()).verdict, Verdict::Inconclusive);
        let confirmed = judged_as(true, true, Vec::new(), pairs(Stage::Confirm, 30, 2000, [100, 100]));
        assert_eq!(confirmed.verdict, Verdict::Regressed);
        assert_eq!(judged_as(true, false, Vec::new(), Vec::new()).verdict, Verdict::Invalid);
    }

    fn pairs(stage: Stage, count: usize, ns: u64, memory: [u64; 2]) -> Vec<Pair> {
        vec![pair(stage, ns, memory.map(Some), "a"); count]
    }

    #[test]
    fn memory_goes_through_both_stages_by_itself() {
        let screen = |head| pairs(Stage::Screen, 10, 1000, [100, head]);
        let confirm = |head| pairs(Stage::Confirm, 30, 1000, [100, head]);
        let verdict = |screen, confirm| judged(screen, confirm).metrics[1].verdict;
        assert_eq!(verdict(screen(100), Vec::new()), Verdict::Equivalent);
        assert_eq!(verdict(screen(110), confirm(110)), Verdict::Regressed);
        // What the screen saw was chance.
        assert_eq!(verdict(screen(110), confirm(100)), Verdict::Equivalent);
        assert_eq!(verdict(screen(110), Vec::new()), Verdict::Inconclusive);
        // Accepted.
        assert_eq!(verdict(screen(104), Vec::new()), Verdict::Equivalent);
    }

    #[test]
    fn a_row_of_little_memory_is_underpowered_for_what_counts_as_none() {
        let min_detectable_ratio = |memory| {
            let metric = judged(pairs(Stage::Screen, 10, 1000, [memory, memory]), Vec::new()).metrics.remove(1);
            (metric.reading.unwrap().min_detectable_ratio, metric.underpowered)
        };
        assert_eq!(min_detectable_ratio(5), (1.2, true));
        assert_eq!(min_detectable_ratio(100), (1.01, false));
    }

    #[test]
    fn memory_that_is_not_always_known_is_invalid_and_never_known_is_none() {
        let mut screen = pairs(Stage::Screen, 10, 1000, [100, 100]);
        screen[3] = pair(Stage::Screen, 1000, [Some(100), None], "a");
        let row = judged(screen, Vec::new());
        assert_eq!(row.verdict, Verdict::Invalid);
        assert!(row.reason.unwrap().contains("9 of 10 pairs"));
        let unknown = vec![pair(Stage::Screen, 1000, [None, None], "a"); 10];
        let row = judged(unknown, Vec::new());
        assert_eq!((row.verdict, row.metrics.len()), (Verdict::Equivalent, 1));
    }

    #[test]
    fn launches_over_other_data_are_not_judged() {
        let mut screen = pairs(Stage::Screen, 10, 2000, [100, 100]);
        screen[9] = pair(Stage::Screen, 2000, [Some(100); 2], "b");
        let row = judged(screen, Vec::new());
        assert!(row.verdict == Verdict::Invalid && row.metrics.is_empty());
        assert!(row.reason.unwrap().contains("mixed"));
        let row = judged(Vec::new(), Vec::new());
        assert_eq!((row.verdict, row.reason.as_deref()), (Verdict::Invalid, Some("not measured")));
        // That is no news of the row.
        let row = judged(pairs(Stage::Screen, 5, 1000, [100, 100]), Vec::new());
        assert_eq!(row.verdict, Verdict::Inconclusive);
        assert!(row.reason.unwrap().starts_with("5 of the 6 pairs"));
    }
}
