//! Performance of models on hardware as older scripts kept it: `model_name`, `hardware_type`, `batch_size`, `throughput`, `latency_avg`.

use serde_json::Value;

use super::json::{Entry, shown};
use super::told::{Found, Told};
use super::{Defaults, figures};

/// The rule by which names are made, as people read it.
pub(super) const RULE: &str = "the model is the engine (of a/b the second part is the query), the hardware is the machine, batch size, \
     precision and sequence length are the variant; without a task the query is `run`";

const MODEL: [&str; 2] = ["model_name", "model"];
const HARDWARE: [&str; 4] = ["hardware_type", "hardware_name", "hardware", "device"];
const QUERY: [&str; 5] = ["query", "task", "benchmark", "benchmark_name", "test_name"];
/// What tells results of one model apart, and how the variant begins with it.
const AXES: [(&str, &str); 3] = [("batch_size", "batch"), ("precision", ""), ("sequence_length", "sequence")];
const VERSION: [&str; 2] = ["version", "model_version"];
const DATE: [&str; 4] = ["timestamp", "datetime", "date", "started_at"];

/// Whether it looks like one.
pub(super) fn is(json: &Value) -> bool {
    let is_one =
        |entry: &Entry<'_>| entry.get("model_name").is_some() && HARDWARE.iter().any(|key| entry.get(key).is_some());
    entries(json).iter().any(is_one)
}

/// What is in it.
pub(super) fn read(json: &Value, defaults: &Defaults) -> Found {
    let mut found = Found::default();
    let all = entries(json);
    if all.is_empty() {
        let reason = "has no object with model_name, nor a list of such objects".to_owned();
        return Found::nothing("the file", reason);
    }
    for entry in all {
        let told = result(&entry, defaults, &mut found);
        found.take(&entry.place, told);
    }
    found
}

/// The objects of a file: itself, its list, or a list in one of its fields.
fn entries(json: &Value) -> Vec<Entry<'_>> {
    if json.is_array() {
        return Entry::all(json, "");
    }
    if json.get("model_name").is_some() {
        return vec![Entry { value: json, place: "the file".to_owned() }];
    }
    let lists = json.as_object().into_iter().flatten().filter(|(_, value)| value.is_array());
    lists.flat_map(|(key, value)| Entry::all(value, key)).collect()
}

fn result(entry: &Entry<'_>, defaults: &Defaults, found: &mut Found) -> Result<Told, String> {
    if !entry.value.is_object() {
        return Err(format!("is {}, which is no object", shown(entry.value)));
    }
    let first = |keys: &[&str]| keys.iter().find_map(|key| entry.get(key)?.as_str()).map(str::to_owned);
    let model = first(&MODEL).ok_or("has no model_name")?;
    let (engine, rest) = model.split_once('/').map_or((model.as_str(), None), |(engine, rest)| (engine, Some(rest)));
    let query = first(&QUERY).or_else(|| rest.map(str::to_owned)).unwrap_or_else(|| "run".to_owned());
    let mut told = Told {
        engine: engine.to_owned(),
        query,
        text: Some(model.clone()),
        version: first(&VERSION),
        started_at: found.date(entry, &DATE)?,
        ..Told::default()
    };
    told.host.name = first(&HARDWARE);
    for (key, word) in AXES {
        if let Some(value) = entry.get(key) {
            told.axes.push(format!("{word}{}", value.as_str().map_or_else(|| value.to_string(), str::to_owned)));
        }
    }
    let axes = AXES.map(|(key, _)| key);
    let known = [&MODEL[..], &HARDWARE, &QUERY, &axes, &VERSION, &DATE].concat();
    figures::take(entry, &known, defaults, &mut told, found)?;
    Ok(told)
}
