//! Who said what: the values as flags, environment and file give them, the first of these that says anything winning.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use serde::Serialize;

use super::file::File;
use super::key::{Key, PREFIX};
use super::keys::{CONFIG, ENGINE_VARIABLES, KEYS};

/// Who said a value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SettingSource {
    /// A flag of the command, or the caller of the library.
    Flag,
    /// The environment.
    Environment,
    /// This file.
    File(PathBuf),
    /// Not set: the default.
    Default,
}

impl fmt::Display for SettingSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag => f.pad("flag"),
            Self::Environment => f.pad("environment"),
            Self::File(path) => f.pad(&path.display().to_string()),
            Self::Default => f.pad("default"),
        }
    }
}

/// One setting as it was told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ResolvedSetting {
    /// Its name in `querydyno.toml`, or the variable where it has none there.
    pub key: String,
    /// Its name in the environment.
    pub variable: String,
    /// What was said; of a password only whether it is set.
    pub value: String,
    /// Its source.
    pub from: SettingSource,
    /// What it is.
    pub what: String,
}

/// Everything that was said, as text.
#[derive(Debug, Default)]
pub(super) struct Given {
    pub(super) flags: BTreeMap<String, String>,
    /// Ours, those of engine programs, and the few that other tools have too.
    pub(super) environment: BTreeMap<String, String>,
    pub(super) file: File,
}

impl Given {
    /// Refuses names that are no settings, of which only ours can be told from a stranger's, and flags that say nothing.
    pub(super) fn check(&self) -> Result<()> {
        let of_programs = |name: &str| ENGINE_VARIABLES.iter().any(|variable| variable.name == name);
        let known = |name: &str| KEYS.iter().any(|key| key.variable == name) || of_programs(name);
        let ours = self.environment.keys().filter(|name| name.starts_with(PREFIX));
        for name in ours.chain(self.flags.keys()) {
            let names: Vec<&str> = KEYS.iter().map(|key| key.variable).collect();
            ensure!(known(name), "{name} is not a setting; there are: {}", names.join(", "));
        }
        // Else what the environment or the file says would hold instead, and nobody asked for that.
        let empty = self.flags.iter().find(|(_, value)| value.trim().is_empty());
        ensure!(
            empty.is_none(),
            "{} is given as an empty text: say what it is, or leave it out",
            empty.map(|(name, _)| name.as_str()).unwrap_or_default()
        );
        Ok(())
    }

    /// The file's path, where one is named.
    pub(super) fn config(&self) -> Option<&Path> {
        let named = self.flags.get(CONFIG.variable).or_else(|| self.environment.get(CONFIG.variable));
        named.filter(|path| !path.is_empty()).map(Path::new)
    }

    /// What was said of a setting, and by whom. An empty text says nothing: so an environment has it.
    pub(super) fn values(&self, key: &Key) -> Option<(Vec<String>, SettingSource)> {
        for (told, by) in [(&self.flags, SettingSource::Flag), (&self.environment, SettingSource::Environment)] {
            if let Some(text) = told.get(key.variable).filter(|text| !text.trim().is_empty()) {
                let values = if key.list {
                    text.split(',').map(|value| value.trim().to_owned()).collect()
                } else {
                    vec![text.clone()]
                };
                return Some((values, by));
            }
        }
        let values = self.file.values.get(key.toml?)?;
        Some((values.clone(), SettingSource::File(self.file.path.clone())))
    }

    /// The one value of a setting that has one.
    pub(super) fn value(&self, key: &Key) -> Option<(String, SettingSource)> {
        let (values, by) = self.values(key)?;
        Some((values.into_iter().next()?, by))
    }

    /// The values of an axis without repetition, each read; `None` when none is set.
    ///
    /// # Errors
    /// An empty list, or what `read` says of a value, with who said it.
    pub(super) fn axis<T: PartialEq>(&self, key: &Key, read: impl Fn(&str) -> Result<T>) -> Result<Option<Vec<T>>> {
        let Some((texts, by)) = self.values(key) else { return Ok(None) };
        ensure!(!texts.is_empty(), "{} is an empty list", named(key, &by));
        let mut values = Vec::new();
        for text in texts {
            let value = read(&text).with_context(|| named(key, &by))?;
            if !values.contains(&value) {
                values.push(value);
            }
        }
        Ok(Some(values))
    }

    /// Every setting with who said it, then the variables that engine programs read by themselves.
    pub(super) fn told(&self) -> Vec<ResolvedSetting> {
        let ours = KEYS.iter().map(|key| {
            let said = self.values(key).map(|(values, by)| (values.join(","), by));
            let (value, from) = said.unwrap_or_else(|| (key.default.to_owned(), SettingSource::Default));
            let key_name = key.toml.unwrap_or(key.variable);
            ResolvedSetting {
                key: key_name.to_owned(),
                variable: key.variable.to_owned(),
                value,
                from,
                what: key.what.to_owned(),
            }
        });
        let theirs = ENGINE_VARIABLES.iter().map(|variable| {
            let said = self.environment.get(variable.name).filter(|value| !value.is_empty());
            let value = match said {
                Some(_) if variable.secret => "set".to_owned(),
                Some(value) => value.clone(),
                None if variable.secret => "not set".to_owned(),
                None => "the engine program's own".to_owned(),
            };
            let from = if said.is_some() { SettingSource::Environment } else { SettingSource::Default };
            let name = variable.name.to_owned();
            ResolvedSetting { key: name.clone(), variable: name, value, from, what: variable.what.to_owned() }
        });
        ours.chain(theirs).collect()
    }
}

/// A setting as the one who said it knows it.
pub(super) fn named(key: &Key, by: &SettingSource) -> String {
    match (by, key.toml) {
        (SettingSource::File(path), Some(name)) => format!("{name} in {}", path.display()),
        _ => key.variable.to_owned(),
    }
}
