//! Results of `ClickBench`: one system on one machine, three tries of each query, of which the first found nothing in memory.

use serde_json::Value;

use super::json::{Entry, shown};
use super::told::{End, Found, Told};
use super::units::{amount, amounts};
use crate::host::record::metric;
use crate::host::variant::Cache;
use crate::measure::machine::Host;

/// Its times are seconds.
const SECONDS: f64 = 1e9;

/// The rule by which names are made, as people read it.
pub(super) const RULE: &str = "the system is the engine, its first query is clickbench-q0; cold is the first try, hot has the other two as samples: \
     their median is the time, ClickBench's own page shows the less of them (list_min(samples))";

/// Whether it looks like one.
pub(super) fn is(json: &Value) -> bool {
    json.get("system").is_some() && json.get("result").is_some_and(Value::is_array)
}

/// What is in it.
pub(super) fn read(json: &Value) -> Found {
    let mut found = Found::default();
    let file = Entry { value: json, place: "the file".to_owned() };
    let about = match about(&file, &mut found) {
        Ok(about) => about,
        Err(reason) => return Found::nothing("the file", reason),
    };
    for (number, entry) in Entry::all(&json["result"], "result").into_iter().enumerate() {
        match tries(&entry) {
            Ok(tries) => {
                let (cold, hot) = tries.split_at(1);
                for (cache, tries) in [(Cache::Cold, cold), (Cache::Hot, hot)] {
                    // A file may have one try only.
                    if !tries.is_empty() {
                        found.take(&entry.place, query(number, cache, tries, &about));
                    }
                }
            }
            Err(reason) => found.misfit(&entry.place, reason),
        }
    }
    found
}

/// What all queries have in common, and loading as a result of its own.
fn about(file: &Entry<'_>, found: &mut Found) -> Result<Told, String> {
    let system = file.text("system")?.ok_or("has no system")?;
    let mut told = Told {
        engine: system.to_owned(),
        started_at: found.date(file, &["date"])?,
        host: Host { name: file.text("machine")?.map(str::to_owned), ..Host::default() },
        ..Told::default()
    };
    for key in ["cluster_size", "tuned", "comment", "hardware"] {
        let value = file.get(key).map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned));
        told.settings.extend(value.filter(|value| !value.is_empty()).map(|value| (key.to_owned(), value)));
    }
    let (load, size) = (file.number("load_time")?, file.number("data_size")?);
    // Systems that read the files where they are have 0 here, which no loading takes.
    if let Some(load) = load.filter(|load| *load != 0.0) {
        let mut loading =
            Told { query: "clickbench-load".to_owned(), text: Some(format!("{system}: load_time")), ..told.clone() };
        loading.metrics.set(metric::TIME, [amount("load_time", load, SECONDS)?]);
        if let Some(size) = size {
            loading.metrics.put(metric::imported("data_size", "bytes", [amount("data_size", size, 1.0)?]));
        }
        found.take("load_time", Ok(loading));
    }
    Ok(told)
}

/// The tries of a query: null is one that gave no time.
fn tries(entry: &Entry<'_>) -> Result<Vec<Option<f64>>, String> {
    let list = entry.value.as_array().filter(|list| !list.is_empty());
    let list = list.ok_or_else(|| format!("is {}, which is no list of tries", shown(entry.value)))?;
    let one = |value: &Value| match value {
        Value::Null => Ok(None),
        value => value.as_f64().map(Some).ok_or_else(|| format!("has the try {}, which is no number", shown(value))),
    };
    list.iter().map(one).collect()
}

fn query(number: usize, cache: Cache, tries: &[Option<f64>], about: &Told) -> Result<Told, String> {
    let mut told = Told {
        query: format!("clickbench-q{number}"),
        axes: vec![cache.to_string()],
        text: Some(format!("{}: query {number}, {cache}", about.engine)),
        cache: Some(cache),
        ..about.clone()
    };
    let times: Vec<f64> = tries.iter().flatten().copied().collect();
    if times.is_empty() {
        told.end = End::Failed("the file has null in place of its time: it failed, or was not run".to_owned());
    }
    told.metrics.set(metric::TIME, amounts("its tries", &times, SECONDS)?);
    Ok(told)
}
