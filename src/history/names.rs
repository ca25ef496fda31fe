//! Names that people give for what the history has: a class of machines, an engine, a run, a version. A part of a name does where
//! only one has it, since the class of a machine is a long name.

use anyhow::{Result, bail, ensure};
use duckdb::params_from_iter;

use super::store::Store;

/// The class of machines that is meant: by its name, by the key of one of its machines, or by a part of its name.
///
/// # Errors
/// When none or several are meant: their names.
pub(super) fn machine_class(store: &Store, name: &str) -> Result<String> {
    let classes = texts(store, "SELECT DISTINCT class FROM machines ORDER BY ALL", &[])?;
    let by_key = texts(store, "SELECT class FROM machines WHERE machine = ?", &[name])?;
    one("class of machines", name, by_key.into_iter().next(), classes)
}

/// The engine that is meant, by its whole name.
///
/// # Errors
/// When there is none: those that there are.
pub(super) fn engine(store: &Store, name: &str) -> Result<String> {
    let engines = texts(store, "SELECT DISTINCT name FROM engines ORDER BY ALL", &[])?;
    ensure!(
        engines.iter().any(|engine| engine == name),
        "no engine '{name}' in the history: it has {}",
        list(&engines)
    );
    Ok(name.to_owned())
}

/// The run that is meant, by its id or a part of it.
///
/// # Errors
/// When none or several are meant.
pub(super) fn run(store: &Store, name: &str) -> Result<String> {
    one("run", name, None, texts(store, "SELECT run FROM runs ORDER BY started_at DESC, run", &[])?)
}

/// The engine and the version in `duckdb@1.5.0`.
///
/// # Errors
/// When there is no `@`, or no result of that version: those that there are.
pub(super) fn version(store: &Store, name: &str) -> Result<(String, String)> {
    let Some((engine, version)) = name.rsplit_once('@') else {
        bail!("'{name}' names no version: give engine@version, such as duckdb@1.5.0");
    };
    let versions = "SELECT DISTINCT version FROM engines
                    WHERE string_split(name, '@')[1] = ? AND version IS NOT NULL ORDER BY ALL";
    let versions = texts(store, versions, &[engine])?;
    ensure!(
        versions.iter().any(|known| known == version),
        "no result of '{name}': versions of {engine} in the history are {}",
        list(&versions)
    );
    Ok((engine.to_owned(), version.to_owned()))
}

/// The only one that is meant, of all that there are.
fn one(what: &str, name: &str, exact: Option<String>, all: Vec<String>) -> Result<String> {
    if let Some(exact) = exact.or_else(|| all.iter().find(|other| *other == name).cloned()) {
        return Ok(exact);
    }
    let wanted = name.to_lowercase();
    let (meant, others): (Vec<String>, Vec<String>) =
        all.into_iter().partition(|other| !wanted.is_empty() && other.to_lowercase().contains(&wanted));
    match meant.as_slice() {
        [only] => Ok(only.clone()),
        [] => bail!("no {what} '{name}' in the history: it has {}", list(&others)),
        several => bail!("'{name}' may be more than one {what}: {}", list(several)),
    }
}

/// Names in a sentence, the first few.
fn list(names: &[String]) -> String {
    const NAMED: usize = 8;
    let more = names.len().saturating_sub(NAMED);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    let told: Vec<String> = names.iter().take(NAMED).map(|name| format!("'{name}'")).collect();
    if told.is_empty() { "none".to_owned() } else { told.join(", ") + &more }
}

fn texts(store: &Store, statement: &str, parameters: &[&str]) -> Result<Vec<String>> {
    Ok(store.rows(statement, params_from_iter(parameters), |row| row.get(0))?)
}

/// A text between single quotes, for a condition.
pub(super) fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}
