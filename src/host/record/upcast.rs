//! Records of older versions as ones of today.

use serde_json::{Value, json};

use super::SCHEMA;
use crate::host::suite;

/// A record of schema 2. Its `consensus` was either a stored answer or what most engines of a run said, be there
/// dissent or not: the second kind no longer counts as verified.
pub(super) fn from_2(mut record: Value) -> Value {
    record["schema"] = SCHEMA.into();
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

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(workload: &str, verdict: &Value) -> String {
        let record = json!({"schema": 2, "dataset": {"workload": workload}, "verdict": verdict});
        let upcast = from_2(record);
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
}
