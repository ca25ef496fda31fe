//! Where an engine stands beside its time: how it was built, and against the hand-written plans. Pure functions over records.

use std::collections::BTreeMap;

use crate::host::catalog::Entry;
use crate::host::record::Record;
use crate::host::stats::geometric_mean;
use crate::host::variant::{Cache, PARQUET};
use crate::protocol::engine::Build;
use crate::protocol::id::Scale;

/// How each engine's program was made, one line an engine.
pub(crate) fn builds(records: &[Record]) -> Vec<String> {
    let mut told: Vec<String> = Vec::new();
    for record in records.iter().filter(|record| record.is_measured()) {
        let Build { source, compiler, flags, allocator } = record.engine.build.clone();
        let allocator = allocator.map(|allocator| format!("allocator {allocator}"));
        let parts: Vec<String> = [source, compiler, flags, allocator].into_iter().flatten().collect();
        let line = format!("built: {}: {}", record.id.engine, parts.join(", "));
        if !parts.is_empty() && !told.contains(&line) {
            told.push(line);
        }
    }
    told
}

/// What two engines must have had in common for their times to be compared.
type Conditions<'a> = (&'a str, Scale, &'a str, Cache, usize, Option<u64>, usize);

/// A record's conditions and its median time.
fn time(record: &Record) -> Option<(Conditions<'_>, f64)> {
    let Record { id, dataset, cache, threads, memory_limit_bytes, parallel, .. } = record;
    let conditions =
        (id.query.as_str(), id.scale, dataset.format.as_str(), *cache, *threads, *memory_limit_bytes, *parallel);
    Some((conditions, record.median_ns()?))
}

/// The hand-written plans, and the suite that they are of.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reference<'a> {
    engine: &'a str,
    suite: &'a str,
}

impl<'a> Reference<'a> {
    /// Of an engine that is such plans.
    pub(crate) fn of(entry: &'a Entry) -> Option<Self> {
        Some(Self { engine: &entry.name, suite: entry.reference.as_deref()? })
    }
}

/// How far each engine is from the reference, over the queries that both have right under the same conditions; nearest first.
pub(crate) fn from_reference(records: &[Record], reference: Reference<'_>) -> Option<String> {
    let Reference { engine: reference, suite } = reference;
    let verified = records.iter().filter(|record| record.ranks() && record.dataset.suite == suite);
    let (floor, others): (Vec<&Record>, Vec<_>) = verified.partition(|record| record.id.engine == reference);
    let floor: BTreeMap<_, f64> = floor.into_iter().filter_map(time).collect();
    let mut ratios: BTreeMap<String, Vec<f64>> = BTreeMap::new();
    for record in others {
        let Some((key, time)) = time(record) else { continue };
        let name = match record.id.variant.as_str() {
            PARQUET => record.id.engine.clone(),
            variant => format!("{} ({variant})", record.id.engine),
        };
        ratios.entry(name).or_default().extend(floor.get(&key).map(|floor| time / floor));
    }
    let mean = |(name, ratios): (String, Vec<f64>)| Some((geometric_mean(&ratios)?, name, ratios.len()));
    let mut means: Vec<(f64, String, usize)> = ratios.into_iter().filter_map(mean).collect();
    means.sort_by(|a, b| a.0.total_cmp(&b.0));
    let told = means.iter().map(|(ratio, name, queries)| format!("{name} {ratio:.2} (of {queries})"));
    let told = told.collect::<Vec<_>>().join(", ");
    (!told.is_empty()).then(|| format!("times the {reference} reference, geometric mean (number of queries): {told}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::record::metric;
    use crate::host::verify::Verdict;

    const PLANS: Reference<'_> = Reference { engine: "arrow", suite: "tpch" };

    fn record(id: &str, milliseconds: f64, verdict: Verdict) -> Record {
        let base = include_str!("../../../tests/records/measured.json");
        let mut record: Record = serde_json::from_str(base).unwrap();
        record.id = id.parse().unwrap();
        record.metrics.set(metric::TIME, [milliseconds * 1e6]);
        record.verdict = Some(verdict);
        record
    }

    #[test]
    fn distance_is_over_shared_verified_queries_only() {
        let good = Verdict::Reference { components: Vec::new() };
        let records = [
            record("arrow/q1/sf1/parquet", 10.0, good.clone()),
            record("arrow/q6/sf1/parquet", 10.0, good.clone()),
            record("duckdb/q1/sf1/parquet", 40.0, good.clone()),
            record("duckdb/q6/sf1/parquet", 10.0, good.clone()),
            record("duckdb/q9/sf1/parquet", 999.0, good.clone()),
            record("polars/q1/sf1/parquet-eager", 50.0, good),
            record("daft/q1/sf1/parquet", 1.0, Verdict::Unchecked { reason: String::new() }),
        ];
        let mut cold = record("arrow/q1/sf1/parquet-cold", 1.0, Verdict::Reference { components: Vec::new() });
        cold.cache = Cache::Cold;
        let records: Vec<Record> = records.into_iter().chain([cold]).collect();
        let told = from_reference(&records, PLANS).unwrap();
        assert!(told.ends_with("duckdb 2.00 (of 2), polars (parquet-eager) 5.00 (of 1)"), "{told}");
        assert_eq!(from_reference(&records[2..], PLANS), None);
    }

    #[test]
    fn a_format_is_held_against_the_same_one_and_named() {
        let with = |id: &str, milliseconds: f64, format: &str, parallel: usize| {
            let mut record = record(id, milliseconds, Verdict::Reference { components: Vec::new() });
            record.dataset.format = format.to_owned();
            record.parallel = parallel;
            record
        };
        let records = [
            with("arrow/q6/sf1/parquet", 10.0, "parquet", 1),
            with("duckdb/q6/sf1/parquet", 20.0, "parquet", 1),
            with("arrow/q6/sf1/iceberg", 20.0, "iceberg", 1),
            with("duckdb/q6/sf1/iceberg", 60.0, "iceberg", 1),
            with("duckdb/q6/sf1/iceberg-monthly", 1.0, "iceberg-monthly", 1),
            with("duckdb/q6/sf1/parquet-parallel2", 99.0, "parquet", 2),
        ];
        let told = from_reference(&records, PLANS).unwrap();
        assert!(told.ends_with("queries): duckdb 2.00 (of 1), duckdb (iceberg) 3.00 (of 1)"), "{told}");
    }
}
