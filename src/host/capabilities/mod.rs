//! What an engine can do, each entry with its proof: a probe that was run here, or a citation. The main type is [`Capability`].
//!
//! Pure functions over the records of probes; `cargo xtask capabilities` runs these and prints the table. Nothing is taken from a table
//! of ours without a source: what no probe can show is in `src/docs/capabilities.md` with the makers' own page, see [`cited`].

mod cite;

use serde::Serialize;

use crate::host::record::{Record, metric};
use crate::protocol::units::Bytes;
pub use cite::cited;

/// What a query has to take, in bytes, for its failure under half of that to count. Of less than that, buffers of readers and what each
/// thread needs are a large share, which no engine can spill.
const LARGE: u64 = 1 << 30;
/// Processors that a run has to keep busy on average to count as parallel.
const BUSY: f64 = 1.2;

/// Something that an engine can do or not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Capability {
    /// What: `parallel`.
    pub name: &'static str,
    /// Whether it can; none where no probe has shown it.
    pub can: Option<bool>,
    /// The figures of the probe, or the words of the citation.
    pub shown: String,
    /// Where that comes from: the id of the probe's cell, or an address.
    pub proof: String,
}

/// Whether a run keeps several processors busy: by its CPU time over its wall time.
pub fn parallel(probe: &Record) -> Capability {
    let proof = probe.id.to_string();
    let (can, shown) = match probe.cores_used() {
        _ if probe.threads < 2 => (None, "given one thread".to_owned()),
        Some(cores) => (Some(cores >= BUSY), format!("{cores:.2} of {} cores", probe.threads)),
        None => (None, not_measured(probe)),
    };
    Capability { name: "parallel", can, shown, proof }
}

/// The limit under which [`larger_than_memory`] wants the query to run: what the program held before its first run, and half of what
/// the query took over and above that. None where either is unknown, or the query took next to nothing.
pub fn half_of_peak(probe: &Record) -> Option<Bytes> {
    let loaded = probe.metric(metric::BASELINE_MEMORY).map(metric::whole)?;
    let taken = probe.peak_memory_bytes()?.checked_sub(loaded)?;
    // Below that, half of it is lost in what allocators keep.
    (taken >= 64 << 20).then_some(Bytes(loaded + taken / 2))
}

/// Whether the query of `probe` ran under half of the memory that it took: `limited` is its record under [`half_of_peak`].
pub fn larger_than_memory(probe: &Record, limited: Option<&Record>) -> Capability {
    let peak = probe.peak_memory_bytes().map(Bytes);
    let unknown = |shown: String| (None, shown);
    let (can, shown) = match (peak, limited, limited.and_then(Record::failure)) {
        (None, ..) => unknown(not_measured(probe)),
        (Some(peak), None, _) => unknown(format!("not probed: takes {peak}, of which half cannot be taken away")),
        (Some(peak), Some(limited), failure) => {
            let limit = limited.memory_limit_bytes.map(|bytes| Bytes(bytes).to_string()).unwrap_or_default();
            let spilled =
                limited.spilled_bytes().map(|bytes| format!(", spilled {}", Bytes(bytes))).unwrap_or_default();
            match failure {
                _ if limited.ranks() || answers_as(limited, probe) => {
                    (Some(true), format!("ran in {limit} instead of {peak}{spilled}"))
                }
                Some(failure) if failure.is_out_of_memory() && peak.0 < LARGE => unknown(format!(
                    "not shown: out of memory at {limit}, but takes only {peak}, much of which no engine can spill; \
                     a larger --scale tells"
                )),
                Some(failure) if failure.is_out_of_memory() => {
                    (Some(false), format!("out of memory at {limit}, takes {peak}"))
                }
                _ => unknown(not_measured(limited)),
            }
        }
    };
    Capability { name: "larger than memory", can, shown, proof: limited.unwrap_or(probe).id.to_string() }
}

/// Whether a run that nobody else vouched for, since it ran alone, gave the verified answer of another run of the engine.
fn answers_as(alone: &Record, verified: &Record) -> bool {
    let same = alone.answer_digest.is_some() && alone.answer_digest == verified.answer_digest;
    alone.is_measured() && verified.ranks() && same
}

/// Whether the plan of a query over one table has its filter at the scan: by a constant of the filter, as plans write it.
pub fn optimiser(probe: &Record, constant: &str) -> Capability {
    let (can, shown) = match probe.plan.as_ref().map(|plan| filter_in(&plan.text, constant)) {
        None if probe.is_measured() => (None, "tells no plan".to_owned()),
        None => (None, not_measured(probe)),
        Some(FilterAt::Scan) => (Some(true), "its plan has the filter at the scan".to_owned()),
        Some(FilterAt::Above) => (Some(false), "its plan has the filter above the scan".to_owned()),
        Some(FilterAt::Nowhere) => (None, format!("its plan shows no scan, or no {constant}")),
    };
    Capability { name: "optimiser", can, shown, proof: probe.id.to_string() }
}

/// Where a plan has a filter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum FilterAt {
    Scan,
    Above,
    Nowhere,
}

/// Plans are trees in lines, and of one table the scan is the last operator: what stands from its line on belongs to it.
fn filter_in(plan: &str, constant: &str) -> FilterAt {
    let is_scan = |line: &&str| {
        let line = line.to_lowercase();
        ["scan", "read_parquet", "datasource"].iter().any(|word| line.contains(word))
    };
    let lines: Vec<&str> = plan.lines().collect();
    let Some(scan) = lines.iter().position(is_scan) else { return FilterAt::Nowhere };
    let has = |lines: &[&str]| lines.iter().any(|line| line.contains(constant));
    match (has(&lines[scan..]), has(&lines[..scan])) {
        (true, _) => FilterAt::Scan,
        (false, true) => FilterAt::Above,
        (false, false) => FilterAt::Nowhere,
    }
}

fn not_measured(record: &Record) -> String {
    let why = record.reason().unwrap_or("its figures are not known");
    format!("not shown: {}", why.chars().take(80).collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::record::{Outcome, PlanRecord, Unmeasured};
    use crate::host::session::{Failure, FailureKind};

    fn record() -> Record {
        let mut record: Record = serde_json::from_str(include_str!("../../../tests/records/measured.json")).unwrap();
        record.threads = 2;
        record.metrics.set(metric::BASELINE_MEMORY, [metric::value(100 << 20)]);
        record.metrics.set(metric::PEAK_MEMORY, [metric::value(500 << 20)]);
        record
    }

    #[test]
    fn parallel_goes_by_the_processors_kept_busy() {
        let of = |cpu: f64| {
            let mut record = record();
            record.metrics.set(metric::TIME, [1e8]);
            record.metrics.set(metric::CPU_TIME, [cpu]);
            parallel(&record)
        };
        assert_eq!((of(1.9e8).can, of(1.9e8).shown.as_str()), (Some(true), "1.90 of 2 cores"));
        assert_eq!(of(1.0e8).can, Some(false));
        let mut alone = record();
        alone.threads = 1;
        assert_eq!(parallel(&alone).can, None);
    }

    #[test]
    fn larger_than_memory_takes_a_verified_run_under_half() {
        let probe = record();
        assert_eq!(half_of_peak(&probe), Some(Bytes(300 << 20)));
        let mut small = record();
        small.metrics.set(metric::PEAK_MEMORY, [metric::value(120 << 20)]);
        assert_eq!(half_of_peak(&small), None);
        let limited = Record { memory_limit_bytes: Some(300 << 20), ..record() };
        let found = larger_than_memory(&probe, Some(&limited));
        assert_eq!((found.can, found.shown.as_str()), (Some(true), "ran in 300 MiB instead of 500 MiB"));
        let kind = FailureKind::OutOfMemory { limit: Bytes(1), held: Bytes(2), request: "run".to_owned() };
        let outcome = Outcome::Failed(Unmeasured::from(Failure::from(kind)));
        let failed = Record { outcome, verdict: None, ..limited.clone() };
        let small = larger_than_memory(&probe, Some(&failed));
        assert!(small.can.is_none() && small.shown.contains("a larger --scale tells"), "{}", small.shown);
        let mut large = record();
        large.metrics.set(metric::PEAK_MEMORY, [metric::value(3 << 30)]);
        assert_eq!(larger_than_memory(&large, Some(&failed)).can, Some(false));
        let unverified = Record { verdict: None, answer_digest: None, ..limited };
        assert_eq!(larger_than_memory(&probe, Some(&unverified)).can, None);
        let digest = Some("d1".to_owned());
        let verified = Record { answer_digest: digest.clone(), ..probe.clone() };
        let same = Record { answer_digest: digest, ..unverified };
        assert_eq!(larger_than_memory(&verified, Some(&same)).can, Some(true));
        assert_eq!(larger_than_memory(&probe, None).can, None);
    }

    #[test]
    fn optimiser_looks_for_the_filter_at_the_scan() {
        let pushed = [
            "UNGROUPED_AGGREGATE\n  READ_PARQUET\n      Filters: (d >= '1994-01-01'::DATE)\n      Function: READ_PARQUET",
            "SELECT [x]\n  Parquet SCAN [t]\n  PROJECT 4/16 COLUMNS\n  SELECTION: (col(\"d\") >= 1994-01-01)",
            "AggregateExec\n  FilterExec: d@3 >= 1994-01-01\n    DataSourceExec: predicate=d@10 >= 1994-01-01",
            "HashAggregate\n  FileScan parquet [d] PushedFilters: [GreaterThanOrEqual(d,1994-01-01)]",
        ];
        let above =
            "SELECT [x]\n  FILTER (col(\"d\") >= 1994-01-01)\n  FROM\n    Parquet SCAN [t]\n    PROJECT */16 COLUMNS";
        let of = |text: &str| {
            let plan = Some(PlanRecord { sha256: String::new(), text: text.to_owned() });
            optimiser(&Record { plan, ..record() }, "1994-01-01").can
        };
        assert!(pushed.iter().all(|plan| of(plan) == Some(true)));
        assert_eq!((of(above), of("PROJECTION"), of("Parquet SCAN [t]")), (Some(false), None, None));
        assert_eq!(optimiser(&Record { plan: None, ..record() }, "1994").can, None);
    }
}
