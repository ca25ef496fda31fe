//! `querydyno.toml`, as text: which keys it may have is the table's business, see [`super::keys`].

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};

use super::keys::KEYS;
use super::{GateSettings, OwnEngine, Priority};
use crate::host::paths;
use crate::protocol::id::check_name;

/// The tables of a user's own engines.
const ENGINE: &str = "engine";
/// The table of what a change may cost.
const GATE: &str = "gate";
/// The table of what comes first.
const PRIORITY: &str = "priority";

/// The file, or nothing where there is none.
#[derive(Debug, Default)]
pub(super) struct File {
    pub(super) path: PathBuf,
    /// What it says, by key: one text for each value.
    pub(super) values: BTreeMap<String, Vec<String>>,
    pub(super) engines: BTreeMap<String, OwnEngine>,
    pub(super) gate: GateSettings,
    pub(super) priority: Priority,
}

impl File {
    /// The named file, or the default one if it is there.
    ///
    /// # Errors
    /// When a named file is not there, or one cannot be understood; names the key.
    pub(super) fn read(named: Option<&Path>) -> Result<Self> {
        let default = paths::root().join("querydyno.toml");
        let path = named.unwrap_or(&default);
        if named.is_none() && !path.exists() {
            return Ok(Self::default());
        }
        let text = fs::read_to_string(path).with_context(|| {
            format!("cannot read the file of settings {}: set QUERYDYNO_CONFIG to one that is there", path.display())
        })?;
        Self::parse(&text, path).with_context(|| format!("in the settings {}", path.display()))
    }

    pub(super) fn parse(text: &str, path: &Path) -> Result<Self> {
        let mut file = Self { path: path.to_owned(), ..Self::default() };
        for (key, value) in toml::from_str::<toml::Table>(text)
            .context("it is no TOML: mend this line, or look at src/docs/configuration.md")?
        {
            if key == ENGINE {
                file.engines = engines(value)?;
                continue;
            }
            if key == GATE {
                file.gate = GateSettings::read(value)?;
                continue;
            }
            if key == PRIORITY {
                file.priority = Priority::read(value)?;
                continue;
            }
            let known: Vec<&str> = KEYS.iter().filter_map(|known| known.toml).collect();
            ensure!(
                known.contains(&key.as_str()),
                "unknown field `{key}`, expected one of {}, or a table [engine.NAME], [gate] or [priority]",
                known.join(", ")
            );
            let values = texts(&value).with_context(|| format!("'{value}' is no value for {key}"))?;
            let takes_one = KEYS.iter().any(|known| known.toml == Some(key.as_str()) && !known.list);
            ensure!(!takes_one || values.len() == 1, "{key} takes one value, not a list");
            file.values.insert(key, values);
        }
        Ok(file)
    }
}

/// One value or a list of them.
fn texts(value: &toml::Value) -> Option<Vec<String>> {
    match value {
        toml::Value::Array(values) => values.iter().map(text).collect(),
        one => Some(vec![text(one)?]),
    }
}

fn text(value: &toml::Value) -> Option<String> {
    match value {
        toml::Value::String(text) => Some(text.clone()),
        toml::Value::Integer(number) => Some(number.to_string()),
        toml::Value::Float(number) => Some(number.to_string()),
        _ => None,
    }
}

fn engines(value: toml::Value) -> Result<BTreeMap<String, OwnEngine>> {
    let toml::Value::Table(tables) = value else {
        bail!("engine is a table for each engine of your own: [engine.mine]");
    };
    let mut engines = BTreeMap::new();
    for (name, table) in tables {
        if let Err(name) = check_name(&name) {
            bail!("'{name}' cannot name an engine: use letters, digits, '-', '_', '.' and '@'");
        }
        let engine: OwnEngine = table.try_into().with_context(|| format!("[engine.{name}]"))?;
        engines.insert(name, engine);
    }
    Ok(engines)
}
