//! What a run says at its end: one table of what was measured, fastest first, and the reasons for what was not.

use std::collections::BTreeMap;
use std::time::Duration;

use comfy_table::{CellAlignment, Table, presets};

use crate::answer::Verdict;
use crate::record::{Outcome, Record};
use crate::units::{Bytes, Nanos};

/// The median of a cell's samples.
pub(super) fn median(samples: &[f64]) -> Option<Nanos> {
    let mut sorted = samples.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    let upper = sorted.get(middle)?;
    Some(Nanos(if sorted.len() % 2 == 1 { *upper } else { f64::midpoint(sorted[middle - 1], *upper) }))
}

/// The line below Criterion's result: verdict, memory and cores.
pub(super) fn line(record: &Record) -> String {
    let verdict = record.verdict.as_ref().map(ToString::to_string);
    let memory = record.peak_memory_bytes.map(|bytes| Bytes(bytes).to_string());
    let cores = cores(record).map(|cores| format!("{cores:.2}"));
    let told = [("answer", verdict), ("peak memory", memory), ("cores used", cores)];
    let told: Vec<String> =
        told.into_iter().map(|(name, value)| format!("{name}: {}", value.as_deref().unwrap_or("unknown"))).collect();
    format!("{:24}{}", "", told.join("   "))
}

/// The table of what was measured: query by query, within it fastest first. A time whose answer is not verified comes last.
pub(super) fn table(records: &[Record]) -> Option<Table> {
    let mut measured: Vec<(&Record, Nanos)> = records
        .iter()
        .filter(|record| record.outcome == Outcome::Measured)
        .filter_map(|record| Some((record, median(&record.samples_ns)?)))
        .collect();
    if measured.is_empty() {
        return None;
    }
    let order: Vec<&str> = records.iter().map(|record| record.id.query.as_str()).collect();
    let place = |record: &Record| order.iter().position(|query| *query == record.id.query);
    let verified = |record: &Record| record.verdict.as_ref().is_some_and(Verdict::verified);
    measured.sort_by(|(a, a_time), (b, b_time)| {
        (a.id.scale, place(a), !verified(a))
            .cmp(&(b.id.scale, place(b), !verified(b)))
            .then(a_time.0.total_cmp(&b_time.0))
    });
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header(["query", "scale", "engine", "variant", "median", "peak memory", "answer"]);
    for (record, median) in measured {
        let id = &record.id;
        let engine = record
            .engine
            .version
            .as_ref()
            .map_or_else(|| id.engine.clone(), |version| format!("{} {version}", id.engine));
        let memory = record.peak_memory_bytes.map_or_else(|| "unknown".to_owned(), |bytes| Bytes(bytes).to_string());
        let verdict = match &record.verdict {
            Some(Verdict::Unchecked(_)) | None => "unchecked, not ranked".to_owned(),
            Some(verdict) => verdict.to_string(),
        };
        table.add_row([
            id.query.clone(),
            id.scale.to_string(),
            engine,
            id.variant.clone(),
            median.to_string(),
            memory,
            verdict,
        ]);
    }
    for column in [4, 5] {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    Some(table)
}

/// Why cells were not measured or not verified; cells of one engine with one reason share a line.
pub(super) fn reasons(records: &[Record]) -> Vec<String> {
    let mut told: BTreeMap<(&str, &str, String), Vec<&str>> = BTreeMap::new();
    for record in records {
        let (how, why) = match (record.outcome, &record.verdict) {
            (Outcome::Failed, _) => ("FAILED", record.reason.clone().unwrap_or_default()),
            (Outcome::Skipped, _) => ("skipped", record.reason.clone().unwrap_or_default()),
            (Outcome::Measured, Some(Verdict::Unchecked(why))) => ("unchecked", why.clone()),
            (Outcome::Measured, _) => continue,
        };
        told.entry((how, record.id.engine.as_str(), why)).or_default().push(&record.id.query);
    }
    told.into_iter()
        .map(|((how, engine, why), queries)| format!("{how}: {engine} {}: {why}", queries.join(", ")))
        .collect()
}

/// How much of the run's time the engines themselves ran, timed or warming up.
pub(super) fn share(engines: Duration, wall: Duration) -> String {
    let percent = 100.0 * engines.as_secs_f64() / wall.as_secs_f64();
    format!("{percent:.0} % of {:.1} s of wall time were the engines' timed and warm-up runs", wall.as_secs_f64())
}

/// Processors kept busy on average, from CPU time over wall time.
///
/// CPU time is that of the whole process, so for runs of a few microseconds it is mostly the loop around them.
fn cores(record: &Record) -> Option<f64> {
    median(&record.samples_ns).filter(|median| *median > Nanos(1e5))?;
    let cpu: f64 = record.cpu_time_ns.as_ref()?.iter().sum();
    let wall: f64 = record.samples_ns.iter().sum();
    (wall > 0.0).then(|| cpu / wall)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_of_an_even_number_lies_between_the_middle_two() {
        assert_eq!(median(&[3.0, 1.0, 2.0]), Some(Nanos(2.0)));
        assert_eq!(median(&[4.0, 1.0, 2.0, 3.0]), Some(Nanos(2.5)));
        assert_eq!(median(&[]), None);
    }
}
