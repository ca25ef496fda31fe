//! What `critcmp --export BASELINE` writes: Criterion's estimates without its samples, in nanoseconds.

use serde_json::Value;

use super::json::Entry;
use super::told::{Found, Told};
use super::units::amount;
use super::{Defaults, Kind, criterion_name};
use crate::host::record::{Metric, metric};

/// Whether it looks like one.
pub(super) fn is(json: &Value) -> bool {
    let benchmarks = json.get("benchmarks").and_then(Value::as_object);
    benchmarks.is_some_and(|all| all.values().any(|one| one.get("criterion_benchmark_v1").is_some()))
}

/// What is in it.
pub(super) fn read(json: &Value, defaults: &Defaults) -> Found {
    let mut found = Found::default();
    let Some(benchmarks) = json.get("benchmarks").and_then(Value::as_object) else {
        return Found::nothing("the file", "has no object `benchmarks`, which critcmp --export writes".to_owned());
    };
    found.note("an export has no samples and no date: the median is the one value, and these results have no time");
    for (name, value) in benchmarks {
        let entry = Entry { value, place: format!("benchmarks[\"{name}\"]") };
        found.take(&entry.place, benchmark(&entry, defaults));
    }
    found
}

fn benchmark(entry: &Entry<'_>, defaults: &Defaults) -> Result<Told, String> {
    let about = entry.object("criterion_benchmark_v1")?.ok_or("has no criterion_benchmark_v1")?;
    let estimates = entry.object("criterion_estimates_v1")?.ok_or("has no criterion_estimates_v1")?;
    let mut told = criterion_name::named(&about, Kind::Critcmp, defaults)?;
    told.settings.extend(entry.text("baseline")?.map(|baseline| ("baseline".to_owned(), baseline.to_owned())));
    let median = estimates.object("median")?.ok_or("has no median")?;
    let median = median.number("point_estimate")?.ok_or("has no median.point_estimate")?;
    let source = Some("Criterion's median, by critcmp".to_owned());
    told.metrics.put(Metric { source, ..Metric::new(metric::TIME, [amount("the median", median, 1.0)?]) });
    Ok(told)
}
