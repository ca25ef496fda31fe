//! What is compared with what: [`Sides`], each a condition over `measurements`, and what a pair has in common.

use anyhow::{Result, bail, ensure};

use crate::history::names::{self, quoted};
use crate::history::store::Store;

/// Two sides.
pub(super) struct Sides {
    /// As people read them.
    pub(super) names: [String; 2],
    /// Which results are whose, in SQL.
    pub(super) conditions: [String; 2],
    /// Whether both sides are of one machine.
    pub(super) same_machine: bool,
    /// Whether both sides have one text: engines may have dialects.
    pub(super) same_text: bool,
}

impl Sides {
    pub(super) fn engines(store: &Store, given: &[String]) -> Result<Self> {
        let names = two("engines", given, |name| names::engine(store, name))?;
        let conditions = names.each_ref().map(|name| format!("engine_name = {} AND mode IS NULL", quoted(name)));
        Self { names, conditions, same_machine: true, same_text: false }.checked()
    }

    pub(super) fn machines(store: &Store, given: &[String]) -> Result<Self> {
        let names = two("machines", given, |name| names::machine_class(store, name))?;
        let conditions = names.each_ref().map(|name| format!("machine_class = {}", quoted(name)));
        Self { names, conditions, same_machine: false, same_text: true }.checked()
    }

    pub(super) fn versions(store: &Store, given: &[String]) -> Result<Self> {
        let versions = two("versions", given, |name| names::version(store, name))?;
        let [(engine, _), (other, _)] = &versions;
        ensure!(engine == other, "these are versions of two engines: --engines {engine},{other} compares those");
        // An entry may have its version in its name.
        let condition = |(engine, version): &(String, String)| {
            let is_engine = format!("string_split(engine_name, '@')[1] = {}", quoted(engine));
            format!("{is_engine} AND engine_version = {}", quoted(version))
        };
        let conditions = versions.each_ref().map(condition);
        let names = versions.map(|(engine, version)| format!("{engine}@{version}"));
        Self { names, conditions, same_machine: true, same_text: true }.checked()
    }

    pub(super) fn runs(store: &Store, given: &[String]) -> Result<Self> {
        let names = two("runs", given, |name| names::run(store, name))?;
        let conditions = names.each_ref().map(|name| format!("run = {}", quoted(name)));
        Self { names, conditions, same_machine: true, same_text: true }.checked()
    }

    fn checked(self) -> Result<Self> {
        let [first, second] = &self.names;
        ensure!(first != second, "both sides are {first}: name two that differ");
        Ok(self)
    }

    /// The engine that a pair has in common, in SQL; nothing where the two sides are engines.
    pub(super) fn engine(&self) -> &'static str {
        if self.same_text { "string_split(m.engine_name, '@')[1]" } else { "''" }
    }

    /// The conditions that a pair has in common, in SQL. What an engine is given by default differs between machines, so there the
    /// variant says it.
    pub(super) fn alike(&self) -> &'static str {
        if self.same_machine {
            "concat_ws(', ', m.format, m.mode, m.cache, m.threads || CASE m.threads WHEN 1 THEN ' thread' ELSE ' threads' END,
                       'memory limit ' || format_bytes(m.memory_limit_bytes::BIGINT),
                       CASE WHEN m.parallel > 1 THEN m.parallel || ' engines at a time' END, 'network ' || network_of(m.cell))"
        } else {
            "r.variant"
        }
    }
}

/// Two of a kind: one text with a comma between them, or the option given twice. Names may have commas too, so each comma is tried.
fn two<T: PartialEq>(what: &str, given: &[String], resolve: impl Fn(&str) -> Result<T>) -> Result<[T; 2]> {
    let pair = |first: &str, second: &str| Ok::<_, anyhow::Error>([resolve(first.trim())?, resolve(second.trim())?]);
    let text = match given {
        [text] => text,
        [first, second] => return pair(first, second),
        _ => bail!("--{what} takes two: give them as --{what} A,B; here are {}", given.len()),
    };
    let splits: Vec<(&str, &str)> =
        text.match_indices(',').map(|(place, _)| (&text[..place], &text[place + 1..])).collect();
    match splits.as_slice() {
        [] => bail!("--{what} takes two: give them as --{what} A,B; '{text}' is one"),
        [(first, second)] => return pair(first, second),
        _ => {}
    }
    let mut found: Vec<[T; 2]> = Vec::new();
    for (first, second) in splits {
        if let Ok(both) = pair(first, second)
            && !found.contains(&both)
        {
            found.push(both);
        }
    }
    // A part of a name may be both before and after a comma: then that is no split.
    found.retain(|[first, second]| first != second);
    match (found.pop(), found.is_empty()) {
        (Some(both), true) => Ok(both),
        _ => bail!(
            "'{text}' has several commas: give --{what} twice, once for each, or a part of each name without a comma"
        ),
    }
}
