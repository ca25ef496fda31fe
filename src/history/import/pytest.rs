//! pytest-benchmark's JSON, of `--benchmark-json` or its storage: benchmarks of one group are engines that answer one query.

use serde_json::Value;

use super::json::{Entry, shown};
use super::told::{Found, Told};
use super::units::{amount, amounts};
use super::{Defaults, Kind};
use crate::host::record::{Git, Metric, metric};
use crate::measure::machine::Host;

/// pytest-benchmark writes seconds, per iteration.
const SECONDS: f64 = 1e9;

/// The rule by which names are made, as people read it.
pub(super) const RULE: &str = "a benchmark is called by its full name, module::test; a group is a query and its benchmarks are engines; without a group the \
     benchmark is the query, of the engine that --engine names";

/// Whether it looks like one.
pub(super) fn is(json: &Value) -> bool {
    json.get("benchmarks").is_some_and(Value::is_array) && json.get("machine_info").is_some()
}

/// What is in it.
pub(super) fn read(json: &Value, defaults: &Defaults) -> Found {
    let mut found = Found::default();
    let file = Entry { value: json, place: "the file".to_owned() };
    let about = match about(&file, &mut found) {
        Ok(about) => about,
        Err(reason) => return Found::nothing("the file", reason),
    };
    for entry in Entry::all(&json["benchmarks"], "benchmarks") {
        let told = benchmark(&entry, &about, defaults, &mut found);
        found.take(&entry.place, told);
    }
    found
}

/// What all benchmarks of a file have in common.
fn about(file: &Entry<'_>, found: &mut Found) -> Result<Told, String> {
    let mut told = Told { started_at: found.date(file, &["datetime"])?, ..Told::default() };
    if let Some(machine) = file.object("machine_info")? {
        // The name of a machine is another one for each run of a CI; the processor is what tells machines apart.
        let cpu = machine.object("cpu")?;
        let cpu = cpu.as_ref();
        let brand = cpu.and_then(|cpu| cpu.get("brand_raw").or_else(|| cpu.get("brand"))).and_then(Value::as_str);
        let cores = cpu.map(|cpu| cpu.count("count")).transpose()?.flatten();
        let linux = machine.text("system")? == Some("Linux");
        told.host = Host {
            name: if brand.is_none() { machine.text("node")?.map(str::to_owned) } else { None },
            cpu: brand.map(str::to_owned),
            cores: cores.and_then(|cores| cores.try_into().ok()).unwrap_or_default(),
            kernel: machine.text("release")?.filter(|_| linux).unwrap_or_default().to_owned(),
            ..Host::default()
        };
        for key in ["python_version", "python_implementation"] {
            told.settings.extend(machine.text(key)?.map(|value| (key.to_owned(), value.to_owned())));
        }
    }
    if let Some(commit) = file.object("commit_info")?
        && let (Some(id), Some(dirty)) = (commit.text("id")?, commit.get("dirty").and_then(Value::as_bool))
    {
        told.git = Some(Git { commit: id.to_owned(), dirty });
    }
    Ok(told)
}

fn benchmark(entry: &Entry<'_>, about: &Told, defaults: &Defaults, found: &mut Found) -> Result<Told, String> {
    // Two modules may have a test of one name.
    let name = entry.text("fullname")?.or(entry.text("name")?).ok_or("has neither fullname nor name")?;
    let group = entry.text("group")?;
    let stats = entry.object("stats")?.ok_or("has no stats")?;
    let (engine, query) = match group {
        Some(group) => (name.to_owned(), group.to_owned()),
        None => (defaults.engine(Kind::Pytest), name.to_owned()),
    };
    let mut told = Told { engine, query, text: Some(name.to_owned()), ..about.clone() };
    let data = amounts("stats.data", &stats.numbers("data")?, SECONDS)?;
    if data.is_empty() {
        let median = stats.number("median")?.ok_or("has neither stats.data nor stats.median")?;
        let rounds = stats.count("rounds")?.map_or_else(String::new, |rounds| format!(" of {rounds} rounds"));
        let source = Some(format!("pytest-benchmark: median{rounds}"));
        told.metrics.put(Metric { source, ..Metric::new(metric::TIME, [amount("stats.median", median, SECONDS)?]) });
        found.note("without --benchmark-save-data there is no `data`: the median is the one value there is");
    } else {
        if let Some(iterations) = stats.count("iterations")? {
            told.iterations = vec![iterations; data.len()];
        }
        told.metrics.set(metric::TIME, data);
    }
    if let Some(extra) = entry.get("extra_info").and_then(Value::as_object) {
        for (key, value) in extra {
            match value {
                Value::Number(number) => {
                    let value = number.as_f64().ok_or_else(|| format!("extra_info.{key} is no number that fits"))?;
                    told.metrics.put(metric::imported(key, "unknown", [value]));
                }
                Value::String(text) => drop(told.settings.insert(key.clone(), text.clone())),
                other => found.note(format!("left out: extra_info.{key}, which is {}", shown(other))),
            }
        }
    }
    Ok(told)
}
