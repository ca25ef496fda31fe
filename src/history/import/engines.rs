//! `benchmark_results.json` of older scripts: engines with an average time, memory and success rate, in whatever nesting.

use serde_json::Value;

use super::json::Entry;
use super::told::{Found, Told};
use super::{Defaults, figures};

/// The rule by which names are made, as people read it.
pub(super) const RULE: &str = "the engine is told by the field engine, or by the key that the object has; the query by the field query, or \
     by the key below the engine's; without one it is `all`, an average over whatever was run";

/// The names of fields that tell the engine and the query.
const ENGINE: [&str; 4] = ["engine", "engine_name", "system", "database"];
const QUERY: [&str; 4] = ["query", "query_name", "benchmark", "benchmark_name"];
const VERSION: [&str; 2] = ["version", "engine_version"];
const MACHINE: [&str; 4] = ["machine", "hostname", "host", "hardware"];
const DATE: [&str; 4] = ["timestamp", "datetime", "date", "started_at"];
/// Keys that say no name: what they hold is looked through.
const HOLDERS: [&str; 9] =
    ["results", "engines", "benchmarks", "comparison", "summary", "queries", "data", "benchmark_results", "metrics"];

/// Whether it looks like one: somewhere in it is an object with an average time and an engine.
pub(super) fn is(json: &Value) -> bool {
    let mut walk = Walk::default();
    walk.look(json, "the file", &[]);
    !walk.found.is_empty()
}

/// What is in it.
pub(super) fn read(json: &Value, defaults: &Defaults) -> Found {
    let mut found = Found::default();
    let file = Entry { value: json, place: "the file".to_owned() };
    let (date, host) = (found.date(&file, &DATE), first(&file, &MACHINE));
    let date = match date {
        Ok(date) => date,
        Err(reason) => return Found::nothing("the file", reason),
    };
    let mut walk = Walk::default();
    walk.look(json, "the file", &[]);
    for place in walk.left_out {
        found.note(format!("left out: {place}, which has no average time"));
    }
    if walk.found.is_empty() {
        let reason = "has no object with an engine and an average time, such as avg_time_ms".to_owned();
        return Found::nothing("the file", reason);
    }
    for (entry, path) in &walk.found {
        let mut common = Told { started_at: date.clone(), ..Told::default() };
        common.host.name = host.map(str::to_owned);
        let told = result(entry, path, common, defaults, &mut found);
        found.take(&entry.place, told);
    }
    found
}

/// A walk through the file: objects of figures, with the keys that lead there and say a name.
#[derive(Default)]
struct Walk<'a> {
    found: Vec<(Entry<'a>, Vec<String>)>,
    left_out: Vec<String>,
}

impl<'a> Walk<'a> {
    fn look(&mut self, value: &'a Value, place: &str, path: &[String]) {
        let entry = Entry { value, place: place.to_owned() };
        match value {
            Value::Object(fields) => {
                let is_figures =
                    fields.keys().any(|key| figures::is_time(key) || figures::snake(key).starts_with("success"));
                if is_figures && (!path.is_empty() || first(&entry, &ENGINE).is_some()) {
                    self.found.push((entry, path.to_owned()));
                    return;
                }
                for (key, value) in fields.iter().filter(|(_, value)| value.is_object() || value.is_array()) {
                    let is_holder = HOLDERS.contains(&figures::snake(key).as_str());
                    let path = if is_holder { path.to_owned() } else { [path, std::slice::from_ref(key)].concat() };
                    let before = self.found.len();
                    self.look(value, &format!("{place}.{key}"), &path);
                    if self.found.len() == before && path.len() == 1 {
                        self.left_out.push(format!("{place}.{key}"));
                    }
                }
            }
            Value::Array(items) => {
                for (number, item) in items.iter().enumerate() {
                    self.look(item, &format!("{place}[{number}]"), path);
                }
            }
            _ => {}
        }
    }
}

fn result(
    entry: &Entry<'_>,
    path: &[String],
    common: Told,
    defaults: &Defaults,
    found: &mut Found,
) -> Result<Told, String> {
    let mut path = path.iter().cloned();
    let engine = first(entry, &ENGINE).map(str::to_owned).or_else(|| path.next());
    let query = first(entry, &QUERY).map(str::to_owned).or_else(|| path.next());
    let date = found.date(entry, &DATE)?;
    let mut told = Told {
        engine: engine.ok_or("has no engine")?,
        query: query.unwrap_or_else(|| "all".to_owned()),
        axes: path.collect(),
        version: first(entry, &VERSION).map(str::to_owned),
        started_at: date.or(common.started_at.clone()),
        ..common
    };
    told.text = Some(format!("{} of {}", entry.place, told.engine));
    told.host.name = first(entry, &MACHINE).map(str::to_owned).or(told.host.name);
    let known = [&ENGINE[..], &QUERY, &VERSION, &MACHINE, &DATE].concat();
    figures::take(entry, &known, defaults, &mut told, found)?;
    Ok(told)
}

/// The first of these fields that is a text.
fn first<'a>(entry: &Entry<'a>, keys: &[&str]) -> Option<&'a str> {
    keys.iter().find_map(|key| entry.get(key)?.as_str())
}
