//! Journals that a test makes up: records of two machines that there are not, with the times that it wants.

use std::fs;

use querydyno::host::paths::root;
use querydyno::host::record::{Metrics, Outcome, Record, Unmeasured};
use querydyno::host::session::{Failure, FailureKind};
use serde_json::{Value, json};

use super::history::History;

/// No machine that this may run on.
pub const A: &str = "AMD EPYC of a test";
pub const B: &str = "Intel Xeon of a test";

/// A record of today that is measured and verified, with ten samples around a time.
pub fn record(cell: &str, cpu: &str, milliseconds: f64) -> Value {
    let text = fs::read_to_string(root().join("tests/records/measured.json")).unwrap();
    let mut record: Value = serde_json::from_str(&text).unwrap();
    let parts: Vec<&str> = cell.split('/').collect();
    record["id"] = cell.into();
    record["engine"]["name"] = parts[0].into();
    record["query"] = json!({"id": parts[1], "sha256": format!("text of {}", parts[1])});
    record["dataset"]["scale"] = parts[2].into();
    record["dataset"]["sha256"] = format!("data of {}", parts[2]).into();
    record["host"]["cpu"] = cpu.into();
    let times = |factor: f64| -> Vec<f64> {
        (0..10).map(|sample| factor * milliseconds * 1e6 * (1.0 + 0.001 * (f64::from(sample) - 4.5))).collect()
    };
    for metric in record["metrics"].as_array_mut().unwrap() {
        match metric["name"].as_str().unwrap() {
            "time" => metric["values"] = times(1.0).into(),
            "cpu_time" => metric["values"] = times(1.5).into(),
            _ => {}
        }
    }
    record
}

pub fn with(mut record: Value, change: impl FnOnce(&mut Value)) -> Value {
    change(&mut record);
    record
}

/// One of a table on S3.
pub fn on_s3(engine: &str, variant: &str, milliseconds: f64) -> Value {
    with(record(&format!("{engine}/q1/sf1/{variant}"), A, milliseconds), |record| {
        record["dataset"]["format"] = "s3".into();
    })
}

/// The same of a cell that failed.
pub fn failed(record: Value, kind: FailureKind) -> Value {
    let record = serde_json::from_value(record).unwrap();
    let outcome = Outcome::Failed(Unmeasured::from(Failure::from(kind)));
    serde_json::to_value(Record { outcome, verdict: None, metrics: Metrics::default(), ..record }).unwrap()
}

pub fn values<'a>(record: &'a mut Value, metric: &str) -> &'a mut Value {
    let metrics = record["metrics"].as_array_mut().unwrap();
    &mut metrics.iter_mut().find(|found| found["name"] == metric).unwrap()["values"]
}

/// Adds records as a run that began at this hour of 2026-11-24.
pub fn add(history: &History, hour: u32, records: impl IntoIterator<Item = Value>) -> String {
    let run = format!("20261124T{hour:02}0000Z-{hour}");
    let line = |(second, mut record): (usize, Value)| {
        record["run_id"] = format!("{run}-5c1e09f3").into();
        if record["started_at"].as_str().unwrap().starts_with("2026-11-20T17") {
            record["started_at"] = format!("2026-11-24T{hour:02}:{:02}:{:02}.000Z", second / 60, second % 60).into();
        }
        format!("{record}\n")
    };
    history.add(&run, &records.into_iter().enumerate().map(line).collect::<String>());
    run
}

/// Rows of a command's CSV, without its header.
pub fn rows(history: &History, args: &[&str]) -> Vec<Vec<String>> {
    let text = history.ok(&[args, &["--format", "csv"]].concat());
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    reader.records().map(|row| row.unwrap().iter().map(str::to_owned).collect()).collect()
}
