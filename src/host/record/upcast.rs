//! Records of older versions as ones of today, step by step: each function takes a record to the next version.

use serde_json::{Value, json};

use super::metric::{self, Kind, Metric, Metrics};
use super::{LineError, SCHEMA};
use crate::host::suite;

/// A record of any version up to today's. A value that is no record stays what it is.
///
/// # Errors
/// For a record of a newer version: what to do about it.
pub(super) fn to_today(record: Value) -> Result<Value, LineError> {
    match record["schema"].as_u64() {
        // The second had fields that the first lacks, and none with another meaning.
        Some(1 | 2) => Ok(from_3(from_2(record))),
        Some(3) => Ok(from_3(record)),
        Some(schema) if schema > SCHEMA.into() => Err(LineError::NewerSchema(schema)),
        _ => Ok(record),
    }
}

/// A record of schema 2. Its `consensus` was either a stored answer or what most engines of a run said, be there
/// dissent or not: the second kind no longer counts as verified.
fn from_2(mut record: Value) -> Value {
    record["schema"] = 3.into();
    let detail = record["verdict"]["detail"].clone();
    let stored = record["dataset"]["workload"] == suite::FIRST && detail.as_u64().is_some_and(|engines| engines >= 3);
    let verdict = match record["verdict"]["kind"].as_str() {
        Some("official") => json!({"kind": "official"}),
        Some("consensus") if stored => json!({"kind": "reference", "components": []}),
        Some("consensus") => json!({
            "kind": "unchecked",
            "reason": "recorded when most engines decided and dissent was not told: measure it again",
        }),
        Some("unchecked") => json!({"kind": "unchecked", "reason": detail}),
        Some("wrong") => json!({"kind": "wrong", "difference": detail}),
        _ => Value::Null,
    };
    record["verdict"] = verdict;
    record
}

/// Where records of schema 3 have what are metrics now.
const FIGURES: [(&str, Kind); 20] = [
    ("/samples_ns", metric::TIME),
    ("/cpu_time_ns", metric::CPU_TIME),
    ("/load_ns", metric::LOAD_TIME),
    ("/plan_ns", metric::PLAN_TIME),
    ("/execute_ns", metric::EXECUTE_TIME),
    ("/fetch_ns", metric::FETCH_TIME),
    ("/peak_memory_bytes", metric::PEAK_MEMORY),
    ("/baseline_memory_bytes", metric::BASELINE_MEMORY),
    ("/counts/minor_page_faults", metric::MINOR_PAGE_FAULTS),
    ("/counts/major_page_faults", metric::MAJOR_PAGE_FAULTS),
    ("/counts/voluntary_context_switches", metric::VOLUNTARY_CONTEXT_SWITCHES),
    ("/counts/involuntary_context_switches", metric::INVOLUNTARY_CONTEXT_SWITCHES),
    ("/counts/read_call_bytes", metric::BYTES_READ),
    ("/counts/disk_read_bytes", metric::BYTES_READ_FROM_DISK),
    ("/counts/write_call_bytes", metric::BYTES_WRITTEN),
    ("/heap/total_bytes", metric::HEAP_TOTAL),
    ("/heap/total_blocks", metric::HEAP_TOTAL_BLOCKS),
    ("/heap/peak_bytes", metric::HEAP_PEAK),
    ("/heap/peak_blocks", metric::HEAP_PEAK_BLOCKS),
    ("/instructions/instructions", metric::INSTRUCTIONS),
];

/// A record of schema 3: every figure had a field of its own, and any outcome could have any of them.
fn from_3(mut record: Value) -> Value {
    let mut metrics = Metrics::default();
    for (pointer, kind) in FIGURES {
        let text = |name: &str| record.pointer(name)?.as_str().map(str::to_owned);
        let folder = pointer.rsplit_once('/').map_or("", |(folder, _)| folder);
        let (source, taken_at) = match kind {
            metric::PEAK_MEMORY => (text("/memory_source"), None),
            _ => (text(&format!("{folder}/tool")), text(&format!("{folder}/taken_at"))),
        };
        let found = record.pointer(pointer).filter(|found| !found.is_null());
        // One that is no number makes this no record, rather than one with fewer samples.
        match found.map(numbers) {
            Some(Some(values)) => metrics.put(Metric { source, taken_at, ..Metric::new(kind, values) }),
            Some(None) => return Value::Null,
            None => {}
        }
    }
    record["schema"] = 4.into();
    record["metrics"] = json!(metrics);
    if record["reason"].is_null() {
        record["reason"] = "no reason is known".into();
    }
    record
}

fn numbers(found: &Value) -> Option<Vec<f64>> {
    match found {
        Value::Array(values) => values.iter().map(Value::as_f64).collect(),
        value => Some(vec![value.as_f64()?]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(suite: &str, verdict: &Value) -> String {
        let record = json!({"schema": 2, "dataset": {"workload": suite}, "verdict": verdict});
        let upcast = to_today(record).unwrap();
        assert_eq!(upcast["schema"], SCHEMA);
        upcast["verdict"]["kind"].as_str().unwrap_or("none").to_owned()
    }

    #[test]
    fn from_2_keeps_stored_references_and_doubts_what_a_majority_decided() {
        let consensus = |engines: u64| json!({"kind": "consensus", "detail": engines});
        assert_eq!(verdict("tpch", &consensus(5)), "reference");
        assert_eq!(verdict("tpch", &consensus(2)), "unchecked");
        assert_eq!(verdict("own", &consensus(3)), "unchecked");
        assert_eq!(verdict("tpch", &json!({"kind": "official"})), "official");
        assert_eq!(verdict("tpch", &json!({"kind": "wrong", "detail": "row 1"})), "wrong");
        assert_eq!(verdict("tpch", &Value::Null), "none");
    }

    #[test]
    fn from_3_makes_metrics_of_what_is_known_and_refuses_what_is_no_number() {
        let upcast = |samples: Value| {
            let heap = json!({"total_bytes": 7, "tool": "dhat", "taken_at": "then"});
            to_today(json!({"schema": 3, "samples_ns": samples, "load_ns": null, "heap": heap})).unwrap()
        };
        let heap =
            json!({"name": "heap_total", "unit": "bytes", "values": [7.0], "source": "dhat", "taken_at": "then"});
        let time = json!({"name": "time", "unit": "ns", "values": [1.5, 2.0]});
        assert_eq!(upcast(json!([1.5, 2.0]))["metrics"], json!([time, heap]));
        assert_eq!(upcast(json!([]))["metrics"], json!([heap]));
        assert_eq!(upcast(json!([1.5, null])), Value::Null);
    }
}
