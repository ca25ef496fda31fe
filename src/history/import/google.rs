//! Google Benchmark's `--benchmark_out` in JSON: repetitions are samples, aggregates are taken only where there is nothing else.

use std::collections::HashMap;

use serde_json::Value;

use super::json::Entry;
use super::told::{End, Found, Told};
use super::units::{self, amount};
use super::{Defaults, Kind};
use crate::host::record::{Metric, metric};
use crate::measure::machine::Host;

/// The rule by which names are made, as people read it.
pub(super) const RULE: &str =
    "the executable is the engine, a name up to its first / is the query, its arguments are the variant";
/// The fields that are not counters of the user's.
const FIELDS: [&str; 14] = [
    "family_index",
    "per_family_instance_index",
    "repetitions",
    "repetition_index",
    "threads",
    "iterations",
    "real_time",
    "cpu_time",
    "items_per_second",
    "bytes_per_second",
    "max_bytes_used",
    "cpu_coefficient",
    "real_coefficient",
    "rms",
];

/// Whether it looks like one.
pub(super) fn is(json: &Value) -> bool {
    json.get("benchmarks").is_some_and(Value::is_array) && json.get("context").is_some_and(Value::is_object)
}

/// What is in it.
pub(super) fn read(json: &Value, defaults: &Defaults) -> Found {
    let mut found = Found::default();
    let file = Entry { value: json, place: "the file".to_owned() };
    let about = match about(&file, defaults, &mut found) {
        Ok(about) => about,
        Err(reason) => return Found::nothing("the file", reason),
    };
    let entries = Entry::all(&json["benchmarks"], "benchmarks");
    let (aggregates, runs): (Vec<_>, Vec<_>) = entries.iter().partition(|entry| aggregate(entry).is_some());
    // In the order of their first run, whatever the order of runs was.
    let (mut order, mut by_name) = (Vec::new(), HashMap::<&str, Vec<&Entry<'_>>>::new());
    for entry in runs {
        match name(entry) {
            Ok(name) => {
                let all = by_name.entry(name).or_default();
                if all.is_empty() {
                    order.push(name);
                }
                all.push(entry);
            }
            Err(reason) => found.misfit(&entry.place, reason),
        }
    }
    for name in &order {
        let runs = &by_name[name];
        found.take(&runs[0].place, benchmark(name, runs, &about));
    }
    let mut without = HashMap::<&str, (&Entry<'_>, bool)>::new();
    let mut others = Vec::new();
    for entry in aggregates {
        let of = aggregate(entry).unwrap_or_default();
        let name = match name(entry) {
            Ok(name) => name,
            Err(reason) => {
                found.misfit(&entry.place, reason);
                continue;
            }
        };
        if by_name.contains_key(name) {
            found.note("aggregates are left out where their repetitions are there");
        } else if of == "median" || of == "mean" {
            // The median, wherever it stands.
            let (kept, is_median) = without.entry(name).or_insert((entry, of == "median"));
            if of == "median" && !*is_median {
                (*kept, *is_median) = (entry, true);
            }
        } else {
            others.push((name, of, entry));
        }
    }
    for (name, of, entry) in others {
        // A fit, such as BigO, is one through all arguments of a family.
        let is_of_family = |run: &&str| run.strip_prefix(name).is_some_and(|rest| rest.starts_with('/'));
        if without.contains_key(name) {
            found.note("other aggregates are left out where a median or a mean is there");
        } else if order.iter().any(is_of_family) {
            found.note(format!("left out: {}, {of} of {name}, whose runs are there", entry.place));
        } else {
            found.misfit(
                &entry.place,
                format!("is the {of} of {name}, which is no time, and nothing else of it is there"),
            );
        }
    }
    let mut without: Vec<_> = without.into_iter().collect();
    without.sort_by_key(|(name, _)| *name);
    for (name, (entry, is_median)) in without {
        let word = if is_median { "median" } else { "mean" };
        found.note(format!("only aggregates are there: the {word} is the one value"));
        found.take(&entry.place, alone(name, entry, word, &about));
    }
    found
}

/// What all benchmarks of a file have in common.
fn about(file: &Entry<'_>, defaults: &Defaults, found: &mut Found) -> Result<Told, String> {
    let Some(context) = file.object("context")? else { return Err("has no context".to_owned()) };
    let program = context.text("executable")?.and_then(|path| path.rsplit(['/', '\\']).next());
    let engine = program.filter(|name| !name.is_empty()).map(str::to_owned);
    let mut told = Told {
        engine: engine.unwrap_or_else(|| defaults.engine(Kind::Google)),
        started_at: found.date(&context, &["date"])?,
        host: Host {
            name: context.text("host_name")?.map(str::to_owned),
            cores: context.count("num_cpus")?.and_then(|cores| cores.try_into().ok()).unwrap_or_default(),
            ..Host::default()
        },
        ..Told::default()
    };
    for key in ["library_build_type", "library_version"] {
        told.settings.extend(context.text(key)?.map(|value| (key.to_owned(), value.to_owned())));
    }
    if told.settings.get("library_build_type").is_some_and(|kind| kind == "debug") {
        found.note("the library was built for debugging: its times are longer");
    }
    Ok(told)
}

/// Which aggregate an entry is, if it is one. Files of before 1.5 tell it by the name's end only.
fn aggregate<'a>(entry: &Entry<'a>) -> Option<&'a str> {
    if let Some(kind) = entry.value.get("run_type").and_then(Value::as_str) {
        return (kind == "aggregate").then(|| entry.value["aggregate_name"].as_str().unwrap_or_default());
    }
    let name = entry.value.get("name").and_then(Value::as_str)?;
    ["mean", "median", "stddev", "cv", "BigO", "RMS"].into_iter().find(|end| name.ends_with(&format!("_{end}")))
}

/// The name of the benchmark that an entry is a run or an aggregate of.
fn name<'a>(entry: &Entry<'a>) -> Result<&'a str, String> {
    if let Some(name) = entry.text("run_name")? {
        return Ok(name);
    }
    let name = entry.text("name")?.ok_or("has no name")?;
    let end = aggregate(entry).map(|end| format!("_{end}"));
    Ok(end.and_then(|end| name.strip_suffix(&end)).unwrap_or(name))
}

/// A result of its repetitions.
fn benchmark(name: &str, runs: &[&Entry<'_>], about: &Told) -> Result<Told, String> {
    let mut told = named(name, runs[0], about)?;
    let mut figures: Vec<(String, &'static str, Vec<f64>)> = Vec::new();
    let (mut real, mut cpu) = (Vec::new(), Vec::new());
    for run in runs {
        if run.get("error_occurred").and_then(Value::as_bool) == Some(true) {
            told.end = End::Failed(run.text("error_message")?.unwrap_or("the benchmark reported an error").to_owned());
            return Ok(told);
        }
        if run.get("skipped").and_then(Value::as_bool) == Some(true) {
            told.end = End::Skipped(run.text("skip_message")?.unwrap_or("the benchmark was skipped").to_owned());
            return Ok(told);
        }
        real.push(time(run, "real_time")?);
        cpu.extend(run.number("cpu_time")?.map(|_| time(run, "cpu_time")).transpose()?);
        told.iterations.extend(run.count("iterations")?);
        for (name, unit, value) in others(run) {
            match figures.iter_mut().find(|(other, ..)| *other == name) {
                Some((.., values)) => values.push(value),
                None => figures.push((name, unit, vec![value])),
            }
        }
    }
    if told.iterations.len() != real.len() {
        told.iterations.clear();
    }
    told.metrics.set(metric::TIME, real);
    let source =
        Some("Google Benchmark: cpu_time, of the main thread unless the benchmark asked for the process's".to_owned());
    told.metrics.put(Metric { source, ..Metric::new(metric::CPU_TIME, cpu) });
    told.metrics.extend(figures.into_iter().map(|(name, unit, values)| metric::imported(&name, unit, values)));
    Ok(told)
}

/// A result of an aggregate, where there is nothing else.
fn alone(name: &str, entry: &Entry<'_>, word: &str, about: &Told) -> Result<Told, String> {
    let mut told = named(name, entry, about)?;
    let count = entry.count("repetitions")?.map_or_else(String::new, |count| format!(" of {count} repetitions"));
    let source = Some(format!("Google Benchmark: {word}{count}"));
    told.metrics.put(Metric { source: source.clone(), ..Metric::new(metric::TIME, [time(entry, "real_time")?]) });
    if entry.get("cpu_time").is_some() {
        told.metrics.put(Metric { source, ..Metric::new(metric::CPU_TIME, [time(entry, "cpu_time")?]) });
    }
    Ok(told)
}

fn named(name: &str, entry: &Entry<'_>, about: &Told) -> Result<Told, String> {
    let (query, arguments) = name.split_once('/').unwrap_or((name, ""));
    let axes = arguments.split('/').filter(|part| !part.is_empty()).map(str::to_owned).collect();
    let threads = entry.count("threads")?.filter(|threads| *threads > 0);
    Ok(Told { query: query.to_owned(), axes, text: Some(name.to_owned()), threads, ..about.clone() })
}

/// A time of an entry, in nanoseconds.
fn time(entry: &Entry<'_>, key: &str) -> Result<f64, String> {
    // The library's own default.
    let unit = units::time(entry.text("time_unit")?.unwrap_or("ns"))?;
    amount(key, entry.number(key)?.ok_or_else(|| format!("has no {key}"))?, unit)
}

/// Counters of the library and the user's own.
fn others(entry: &Entry<'_>) -> Vec<(String, &'static str, f64)> {
    let known =
        [("items_per_second", "per_second"), ("bytes_per_second", "bytes_per_second"), ("max_bytes_used", "bytes")];
    let fields = entry.value.as_object().into_iter().flatten();
    let counters = fields.filter_map(|(key, value)| {
        let unit = known.iter().find(|(name, _)| name == key).map(|(_, unit)| *unit);
        let is_field = unit.is_none() && FIELDS.contains(&key.as_str());
        let value = value.as_f64().filter(|_| !is_field)?;
        Some((key.clone(), unit.unwrap_or("unknown"), value))
    });
    counters.collect()
}
