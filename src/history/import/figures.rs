//! Flat objects of figures whose keys say what they are, as scripts write them: `avg_time_ms`, `peak_memory_mb`, `success_rate`.

use serde_json::Value;

use super::Defaults;
use super::json::{Entry, shown};
use super::told::{End, Found, Told};
use super::units::{self, amount, amounts};
use crate::host::record::{Metric, metric};

/// What the time of a result is called, the first that is there, without its unit.
const TIMES: [&str; 26] = [
    "times",
    "execution_times",
    "latencies",
    "durations",
    "time",
    "avg_time",
    "time_avg",
    "average_time",
    "mean_time",
    "time_mean",
    "avg_execution_time",
    "average_execution_time",
    "mean_execution_time",
    "execution_time",
    "avg_query_time",
    "average_query_time",
    "query_time",
    "avg_duration",
    "average_duration",
    "duration",
    "elapsed",
    "elapsed_time",
    "avg_latency",
    "average_latency",
    "latency_avg",
    "latency_mean",
];
/// What says that a key is a time.
const TIMELIKE: [&str; 5] = ["time", "latency", "duration", "elapsed", "runtime"];
/// The ends of keys that tell a unit which is no time and no size.
const ENDS: [(&str, &str); 6] = [
    ("_per_second", "per_second"),
    ("_per_sec", "per_second"),
    ("_per_s", "per_second"),
    ("_qps", "per_second"),
    ("_percent", "percent"),
    ("_pct", "percent"),
];

/// What says how a result ended, and is no figure.
const ENDED: [&str; 4] = ["error", "error_message", "exception", "success"];

/// A key without its unit, and that unit.
struct Key {
    stem: String,
    unit: Unit,
}

#[derive(Clone, Copy, PartialEq)]
enum Unit {
    /// Nanoseconds of one.
    Time(f64),
    /// Bytes of one.
    Size(f64),
    Named(&'static str),
    Untold,
}

/// Whether a key is that of a result's time.
pub(super) fn is_time(key: &str) -> bool {
    TIMES.contains(&read(key).stem.as_str())
}

/// A key in small letters with `_` between words: of `avgTime`, `Avg Time` and `avg-time`.
pub(super) fn snake(key: &str) -> String {
    let mut made = String::new();
    let mut after_small = false;
    for c in key.chars() {
        if c.is_ascii_uppercase() && after_small {
            made.push('_');
        }
        after_small = c.is_ascii_lowercase() || c.is_ascii_digit();
        if c.is_ascii_alphanumeric() {
            made.push(c.to_ascii_lowercase());
        } else if !made.ends_with('_') {
            made.push('_');
        }
    }
    made.trim_matches('_').to_owned()
}

fn read(key: &str) -> Key {
    let key = snake(key);
    if let Some((stem, unit)) = ENDS.iter().find_map(|(end, unit)| Some((key.strip_suffix(end)?, *unit))) {
        return Key { stem: stem.to_owned(), unit: Unit::Named(unit) };
    }
    let (stem, end) = key.rsplit_once('_').unwrap_or((key.as_str(), ""));
    // `time_min` is the least time, and `h` and `b` are no ends of keys.
    let unit = match end {
        "min" | "h" | "b" | "" => Unit::Untold,
        end => units::time(end).map(Unit::Time).or_else(|_| units::size(end).map(Unit::Size)).unwrap_or(Unit::Untold),
    };
    let stem = if unit == Unit::Untold { key.as_str() } else { stem };
    Key { stem: stem.to_owned(), unit }
}

/// Puts all figures of an object into a result, and its texts into the settings, but for what `known` has told already.
///
/// # Errors
/// When the result has no time and has not failed, when a time has no unit, or a value is not a number.
pub(super) fn take(
    entry: &Entry<'_>,
    known: &[&str],
    defaults: &Defaults,
    told: &mut Told,
    found: &mut Found,
) -> Result<(), String> {
    let Some(fields) = entry.value.as_object() else { return Err("is no object".to_owned()) };
    let is_taken = move |key: &str| known.contains(&key) || ENDED.contains(&key);
    let fields = || fields.iter().filter(move |(key, value)| !is_taken(&snake(key)) && !value.is_null());
    let stems: Vec<String> = fields().map(|(key, _)| read(key).stem).collect();
    let time = TIMES.iter().find(|time| stems.iter().any(|stem| stem == *time));
    for (key, value) in fields() {
        let Key { stem, unit } = read(key);
        let values = match value {
            Value::Number(_) => vec![entry.number(key)?.unwrap_or_default()],
            Value::Array(_) => entry.numbers(key)?,
            Value::String(text) if ["NaN", "Infinity", "-Infinity"].contains(&text.as_str()) => {
                return Err(format!("{key} is {text}, which is no number"));
            }
            Value::String(text) => {
                told.settings.insert(stem, text.clone());
                continue;
            }
            Value::Bool(_) => {
                told.settings.insert(stem, value.to_string());
                continue;
            }
            _ => {
                found.note(format!("left out: {key}, which is no figure but {}", shown(value)));
                continue;
            }
        };
        let is_time = time.is_some_and(|time| *time == stem);
        let metric = figure(key, &Key { stem, unit }, &values, defaults, is_time)?;
        if metric.unit == UNKNOWN {
            found.note(format!("the unit of {key} is not told: kept as it is, as {}", metric.name));
        }
        told.metrics.put(metric);
    }
    end(entry, time.is_some(), told)
}

/// The unit of a figure whose file tells none.
const UNKNOWN: &str = "unknown";

fn figure(key: &str, of: &Key, values: &[f64], defaults: &Defaults, is_time: bool) -> Result<Metric, String> {
    let Key { stem, unit } = of;
    let all = |factor| -> Result<Vec<f64>, String> {
        match values {
            [one] => Ok(vec![amount(key, *one, factor)?]),
            several => amounts(key, several, factor),
        }
    };
    if is_time {
        let factor = match unit {
            Unit::Time(factor) => Some(*factor),
            _ => defaults.time_unit,
        };
        let factor = factor.ok_or_else(|| {
            format!("{key} does not tell its unit: say --time-unit s, or ms, us, ns, where all such times have it")
        })?;
        let source = if values.len() == 1 { Some(format!("{key} of the file")) } else { None };
        return Ok(Metric { source, ..Metric::new(metric::TIME, all(factor)?) });
    }
    let is_memory = ["memory", "mem", "rss"].iter().any(|word| stem.split('_').any(|part| part == *word));
    let is_timelike = TIMELIKE.iter().any(|word| stem.contains(word));
    Ok(match unit {
        Unit::Time(factor) => metric::imported(stem, "ns", all(*factor)?),
        Unit::Untold if is_timelike && defaults.time_unit.is_some() => {
            metric::imported(stem, "ns", all(defaults.time_unit.unwrap_or(1.0))?)
        }
        Unit::Size(factor) => size(stem, is_memory, all(*factor)?),
        Unit::Untold if is_memory && defaults.memory_unit.is_some() => {
            size(stem, is_memory, all(defaults.memory_unit.unwrap_or(1.0))?)
        }
        Unit::Named(name) => metric::imported(stem, name, values.iter().copied()),
        Unit::Untold => metric::imported(stem, UNKNOWN, values.iter().copied()),
    })
}

/// A size: the peak of memory where the key says so. An average is none.
fn size(stem: &str, is_memory: bool, values: Vec<f64>) -> Metric {
    let is_peak = is_memory && stem.split('_').any(|part| ["peak", "max"].contains(&part));
    if is_peak { Metric::new(metric::PEAK_MEMORY, values) } else { metric::imported(stem, "bytes", values) }
}

/// How it ended: without a time it has failed, where the object says so.
fn end(entry: &Entry<'_>, has_time: bool, told: &mut Told) -> Result<(), String> {
    let said = ENDED.iter().find_map(|key| entry.get(key)?.as_str());
    let never = entry.get("success_rate").and_then(Value::as_f64) == Some(0.0);
    let failed = entry.get("success").and_then(Value::as_bool) == Some(false);
    if said.is_some() || never || failed {
        told.end = End::Failed(said.map_or_else(|| "the file says that no run succeeded".to_owned(), str::to_owned));
        // Samples are there of a measured cell only.
        told.metrics.set(metric::TIME, []);
    } else if !has_time {
        return Err(format!("has no time: none of {} is there, with or without a unit", TIMES.join(", ")));
    }
    Ok(())
}
