//! What rows and controls come to: the conclusion, and every reason for it. A pure function.

use super::judge::Verdict;
use super::machine::Machine;
use super::outcome::{Conclusion, Control, MetricOutcome, RowOutcome, name_of};

/// What rows and controls come to, and why.
pub fn conclude(
    rows: &[RowOutcome],
    controls: &[Control],
    machine: &Machine,
    cut_short: bool,
) -> (Conclusion, Vec<String>) {
    let mut invalid: Vec<String> = controls.iter().filter_map(|control| control.moved.clone()).collect();
    invalid.extend(machine.invalid());
    let judged = rows.iter().any(|row| row.metrics.iter().any(|metric| metric.reading.is_some()) && !row.is_counted());
    let silent = controls.iter().filter(|control| judged && control.reading.is_none());
    let silent = silent
        .map(|control| format!("{} was not measured, so nothing tells whether the machine kept still", control.name));
    let (mut missing, mut likely, mut noisy) = (Vec::new(), Vec::new(), Vec::new());
    // Too little time is nobody's fault but the budget's.
    let place = if cut_short { &mut noisy } else { &mut invalid };
    place.extend(silent);
    let regressed: Vec<&RowOutcome> = rows.iter().filter(|row| row.verdict == Verdict::Regressed).collect();
    invalid.extend(regressed.iter().filter(|row| row.untouched).map(|row| {
        format!("{} runs the very same on both sides and was found slower or hungrier: the machine's doing", row.id)
    }));
    // Counts stand whatever the machine did.
    let stands = |row: &&&RowOutcome| !row.untouched && (invalid.is_empty() || row.is_counted());
    let slower: Vec<String> = regressed.iter().filter(stands).map(|row| told(row)).collect();
    for row in rows {
        match row.verdict {
            Verdict::Invalid => missing.push(row.missing()),
            Verdict::Inconclusive if is_likely_slower(row) => likely.push(inconclusive(row)),
            Verdict::Inconclusive => noisy.push(inconclusive(row)),
            _ => {}
        }
    }
    if rows.is_empty() {
        missing.push("there is no row that both have".to_owned());
    }
    // Without a row that is open, it was over after all had been said.
    if cut_short && !(missing.is_empty() && noisy.is_empty()) {
        noisy.push(
            "the budget was over before all pairs were taken: give more time (--budget) or fewer rows".to_owned(),
        );
    }
    let invalid: Vec<String> = invalid.into_iter().map(|why| format!("invalid run: {why}")).collect();
    if !invalid.is_empty() {
        // Estimates of such a run are nobody's; what is missing is missing all the same.
        likely.clear();
        noisy.clear();
    }
    let whole = invalid.is_empty() && missing.is_empty() && likely.is_empty();
    let conclusion = match (slower.is_empty(), whole, noisy.is_empty()) {
        (false, ..) => Conclusion::Regressed,
        (true, false, _) => Conclusion::Undecided,
        (true, true, false) => Conclusion::Noisy,
        (true, true, true) => Conclusion::Pass,
    };
    (conclusion, [slower, invalid, missing, likely, noisy].concat())
}

/// Whether a row that is not decided lies wholly above what must be detected: it must not be taken for noise, though nothing has
/// confirmed it.
fn is_likely_slower(row: &RowOutcome) -> bool {
    let looks_slower = |metric: &MetricOutcome| {
        metric.reading.is_some_and(|reading| reading.ratio.low > metric.limit.regression_threshold)
    };
    row.metrics.iter().any(|metric| metric.verdict == Verdict::Inconclusive && looks_slower(metric))
}

fn told(row: &RowOutcome) -> String {
    let metrics = row.metrics.iter().filter(|metric| metric.verdict == Verdict::Regressed).filter_map(|metric| {
        let ratio = metric.reading?.ratio;
        let name = name_of(metric.metric);
        Some(format!(
            "{name} is {:.3} times the base's (95 %: {:.3} to {:.3}), {:.2} is accepted",
            ratio.estimate, ratio.low, ratio.high, metric.limit.accepts
        ))
    });
    format!("{}: {}", row.id, metrics.collect::<Vec<_>>().join("; "))
}

fn inconclusive(row: &RowOutcome) -> String {
    let open = row.metrics.iter().filter(|metric| metric.verdict == Verdict::Inconclusive);
    let said = open.map(|metric| {
        let (name, limit) = (name_of(metric.metric), metric.limit);
        let Some(reading) = metric.reading else { return format!("{name} is not known") };
        let ratio = reading.ratio;
        let lies = format!("{name} lies between {:.3} and {:.3} times the base's", ratio.low, ratio.high);
        if ratio.low > limit.regression_threshold {
            format!("{lies}: it looks slower or hungrier and is not confirmed; run it again with more time")
        } else if metric.underpowered {
            format!(
                "{name} is underpowered: it could only detect changes above {:+.1} %, and {:+.1} % must be detected",
                100.0 * (reading.min_detectable_ratio - 1.0),
                100.0 * (limit.regression_threshold - 1.0)
            )
        } else if ratio.high < limit.regression_threshold {
            let accepted = limit.accepts;
            format!(
                "{lies}, which is more than the {accepted:.2} accepted, but among this many rows that may be chance"
            )
        } else {
            format!("{lies}, and {:.2} has to be excluded", limit.regression_threshold)
        }
    });
    let reason = row.reason.iter().cloned();
    format!("{}: {}", row.id, said.chain(reason).collect::<Vec<_>>().join("; "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::gate::{Reading, Stage};
    use crate::host::settings::{Limit, Metric};
    use crate::host::stats::Interval;

    fn row(verdict: Verdict, untouched: bool) -> RowOutcome {
        let id = "duckdb/q1/sf1/parquet".parse().unwrap();
        RowOutcome { id, verdict, untouched, reason: None, metrics: Vec::new(), plan: None }
    }

    fn concluded(rows: &[RowOutcome], controls: &[Control]) -> Conclusion {
        conclude(rows, controls, &Machine::default(), false).0
    }

    #[test]
    fn every_kind_of_row_has_its_code() {
        for (verdict, conclusion, code) in [
            (Verdict::Equivalent, Conclusion::Pass, 0),
            (Verdict::Improved, Conclusion::Pass, 0),
            (Verdict::Regressed, Conclusion::Regressed, 1),
            (Verdict::Inconclusive, Conclusion::Noisy, 3),
            (Verdict::Invalid, Conclusion::Undecided, 3),
        ] {
            let found = concluded(&[row(Verdict::Equivalent, false), row(verdict, false)], &[]);
            assert_eq!((found, found.exit_code()), (conclusion, code));
        }
        assert_eq!(concluded(&[], &[]), Conclusion::Undecided);
        // A confirmed regression stands whatever else is missing.
        assert_eq!(
            concluded(&[row(Verdict::Regressed, false), row(Verdict::Invalid, false)], &[]),
            Conclusion::Regressed
        );
    }

    #[test]
    fn conclude_passes_when_the_budget_ends_after_all_rows_are_decided() {
        let rows = [judged(Verdict::Equivalent, Metric::Time)];
        let cut = |known| conclude(&rows, &[control(None, known)], &Machine::default(), true).0;
        assert_eq!((cut(true), cut(false)), (Conclusion::Pass, Conclusion::Noisy));
        assert_eq!(concluded(&rows, &[control(None, false)]), Conclusion::Undecided);
    }

    #[test]
    fn conclude_is_undecided_when_only_unchanged_programs_regress() {
        let rows = [row(Verdict::Regressed, true), row(Verdict::Regressed, false)];
        let (conclusion, why) = conclude(&rows, &[], &Machine::default(), false);
        assert!(conclusion == Conclusion::Undecided && why[0].contains("the very same on both sides"), "{why:?}");
    }

    fn control(moved: Option<&str>, known: bool) -> Control {
        let ratio = Interval { estimate: 1.0, low: 1.0, high: 1.0 };
        let reading = Reading { pairs: 10, base: 1.0, head: 1.0, ratio, min_detectable_ratio: 1.0, p_value: 1.0 };
        Control {
            name: "null row".to_owned(),
            reading: known.then_some(reading),
            drift: None,
            moved: moved.map(str::to_owned),
        }
    }

    /// A row with a figure.
    fn judged(verdict: Verdict, metric: Metric) -> RowOutcome {
        let reading = control(None, true).reading;
        let limit = Limit::new(1.02, 1.05);
        let metric = MetricOutcome { metric, limit, verdict, stage: Stage::Confirm, reading, underpowered: false };
        RowOutcome { metrics: vec![metric], ..row(verdict, false) }
    }

    #[test]
    fn a_control_that_moved_is_an_invalid_run_and_not_red() {
        let red = [judged(Verdict::Regressed, Metric::Time)];
        assert_eq!(concluded(&red, &[control(None, true)]), Conclusion::Regressed);
        for bad in [control(Some("moved"), true), control(None, false)] {
            let (conclusion, why) = conclude(&red, &[bad], &Machine::default(), false);
            assert!(conclusion == Conclusion::Undecided && why[0].starts_with("invalid run: "), "{why:?}");
        }
        let stolen = Machine { steal_percent: Some(50.0), ..Machine::default() };
        assert_eq!(conclude(&red, &[], &stolen, false).0, Conclusion::Undecided);
        // What is missing is told with it.
        let missing = [judged(Verdict::Equivalent, Metric::Time), row(Verdict::Invalid, false)];
        assert_eq!(conclude(&missing, &[control(Some("moved"), true)], &Machine::default(), false).1.len(), 2);
    }

    #[test]
    fn what_looks_slower_and_is_not_confirmed_is_no_noise() {
        let mut row = judged(Verdict::Inconclusive, Metric::Time);
        assert_eq!(concluded(&[row.clone()], &[]), Conclusion::Noisy);
        let reading = row.metrics[0].reading.as_mut().unwrap();
        reading.ratio = Interval { estimate: 1.27, low: 1.19, high: 1.36 };
        let (conclusion, why) = conclude(&[row], &[], &Machine::default(), true);
        assert!(conclusion == Conclusion::Undecided && why[0].contains("looks slower"), "{why:?}");
    }

    #[test]
    fn counts_are_red_whatever_the_machine_did() {
        let counted = [judged(Verdict::Regressed, Metric::Instructions)];
        assert_eq!(concluded(&counted, &[control(Some("moved"), true)]), Conclusion::Regressed);
        assert_eq!(concluded(&counted, &[control(None, false)]), Conclusion::Regressed);
    }
}
