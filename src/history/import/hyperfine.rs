//! hyperfine's `--export-json`: every command is an engine, and the file's name is the query, since its commands do the same job.

use serde_json::Value;

use super::json::Entry;
use super::told::{Found, Told};
use super::units::{amount, amounts};
use crate::host::record::{Metric, metric};

/// hyperfine writes seconds.
const SECONDS: f64 = 1e9;

/// The rule by which names are made, as people read it.
pub(super) const RULE: &str =
    "each command or --command-name is an engine, the file's name the query, parameters the variant";

/// Whether it looks like one.
pub(super) fn is(json: &Value) -> bool {
    let first = json.get("results").and_then(|results| results.get(0));
    first.is_some_and(|first| first.get("command").is_some() && first.get("exit_codes").or(first.get("mean")).is_some())
}

/// What is in it; `stem` is the file's name without its ending.
pub(super) fn read(json: &Value, stem: &str) -> Found {
    let mut found = Found::default();
    let Some(results) = json.get("results").filter(|results| results.is_array()) else {
        return Found::nothing("the file", "has no list `results`, which hyperfine's --export-json writes".to_owned());
    };
    for entry in Entry::all(results, "results") {
        let told = result(&entry, stem, &mut found);
        found.take(&entry.place, told);
    }
    found
}

fn result(entry: &Entry<'_>, stem: &str, found: &mut Found) -> Result<Told, String> {
    let command = entry.text("command")?.ok_or("has no command")?;
    let mut told =
        Told { engine: command.to_owned(), query: stem.to_owned(), text: Some(command.to_owned()), ..Told::default() };
    if let Some(parameters) = entry.get("parameters").and_then(Value::as_object) {
        for (name, value) in parameters {
            let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            told.axes.push(format!("{name}-{value}"));
        }
    }
    let times = amounts("times", &entry.numbers("times")?, SECONDS)?;
    if times.is_empty() {
        let summary = ["median", "mean"].iter().find_map(|key| Some((*key, entry.number(key).transpose()?)));
        let (key, value) = summary.ok_or("has neither times nor a median or a mean")?;
        let source = Some(format!("hyperfine: {key} of its runs"));
        told.metrics.put(Metric { source, ..Metric::new(metric::TIME, [amount(key, value?, SECONDS)?]) });
        found.note("without `times` the median is the one value there is");
    } else {
        told.metrics.set(metric::TIME, times);
    }
    if let (Some(user), Some(system)) = (entry.number("user")?, entry.number("system")?) {
        let total = amount("user", user, SECONDS)? + amount("system", system, SECONDS)?;
        let source = Some("hyperfine: user + system, means of its runs".to_owned());
        told.metrics.put(Metric { source, ..Metric::new(metric::CPU_TIME, [total]) });
    }
    let memory = amounts("memory_usage_byte", &entry.numbers("memory_usage_byte")?, 1.0)?;
    told.metrics.set(metric::PEAK_MEMORY, memory);
    let codes = entry.get("exit_codes").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let bad = codes.iter().filter(|code| code.as_i64() != Some(0)).count();
    if bad > 0 {
        // Asked for by --ignore-failure, where the time is what is wanted.
        told.caution = Some(format!("{bad} of {} runs did not end with exit code 0", codes.len()));
        found.note(format!("{}: {bad} of {} runs did not end with exit code 0", entry.place, codes.len()));
    }
    Ok(told)
}
