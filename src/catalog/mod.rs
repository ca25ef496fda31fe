//! Which engines there are: `fixtures/engines.toml` and the user's own from `querydyno.toml`, and how to get their programs.
//!
//! Nothing here starts an engine; [`Entry::program`] finds or builds what [`crate::session::Session`] starts.

pub mod build;
mod compiler;

use std::collections::BTreeMap;
use std::fs;

use anyhow::{Context, Result, bail, ensure};
use serde::Deserialize;

use crate::paths;
use crate::session::Program;
use crate::settings::{OwnEngine, Settings};

/// An engine and how its program is had.
#[derive(Debug, Clone)]
pub struct Entry {
    /// The name in ids, filters and records.
    pub name: String,
    /// The name people use.
    pub title: String,
    /// `embedded` or `own`, for the record.
    pub kind: &'static str,
    /// The folder of query texts that differ from the canonical ones.
    pub dialect: String,
    /// Whether it runs only if a filter names it.
    pub on_request: bool,
    /// Settings by the engine's own names.
    pub options: BTreeMap<String, String>,
    source: Source,
}

#[derive(Debug, Clone)]
enum Source {
    /// Built from this package with the feature of that name.
    Built(Recipe),
    /// The user's executable.
    Given(Program),
}

/// How an embedded engine's program is built: alone, with exactly one engine feature.
#[derive(Debug, Clone)]
pub struct Recipe {
    /// The feature, which also names the bin.
    pub feature: String,
    /// What it takes to compile from nothing, in minutes of CPU time.
    pub cpu_minutes: u32,
    /// Whether C++ is compiled.
    pub cxx: bool,
    /// The crate that is the engine.
    pub source: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Listed {
    title: String,
    #[serde(rename = "crate")]
    source: Option<String>,
    cpu_minutes: u32,
    #[serde(default)]
    cxx: bool,
    dialect: Option<String>,
    #[serde(default)]
    on_request: bool,
}

/// All engines, those of the table first.
#[derive(Debug, Clone)]
pub struct Catalog {
    entries: Vec<Entry>,
}

impl Catalog {
    /// Reads the table and adds the user's own engines.
    ///
    /// # Errors
    /// When the table cannot be read or an own engine says neither `program` nor `like`, or takes a name that is there.
    pub fn read(settings: &Settings) -> Result<Self> {
        let path = paths::root().join("fixtures/engines.toml");
        let text = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        // An ordered map, so that engines appear as they are listed.
        let listed: toml::Table = toml::from_str(&text).with_context(|| format!("in {}", path.display()))?;
        let mut entries = listed
            .into_iter()
            .map(|(name, value)| Ok(Entry::listed(name, value.try_into()?)))
            .collect::<Result<Vec<_>>>()
            .with_context(|| format!("in {}", path.display()))?;
        for (name, own) in &settings.engines {
            ensure!(
                entries.iter().all(|entry| entry.name != *name),
                "engine.{name} in querydyno.toml takes a name that is there; choose another, such as {name}-own"
            );
            let entry = Entry::own(name, own, &entries)?;
            entries.push(entry);
        }
        Ok(Self { entries })
    }

    /// Every engine.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The engine of that name.
    ///
    /// # Errors
    /// Says which engines there are.
    pub fn entry(&self, name: &str) -> Result<&Entry> {
        let found = self.entries.iter().find(|entry| entry.name == name);
        found.with_context(|| {
            let names: Vec<&str> = self.entries.iter().map(|entry| entry.name.as_str()).collect();
            format!("there is no engine '{name}'; there are: {}", names.join(", "))
        })
    }
}

impl Entry {
    fn listed(name: String, listed: Listed) -> Self {
        Self {
            title: listed.title,
            kind: "embedded",
            dialect: listed.dialect.unwrap_or_else(|| name.clone()),
            on_request: listed.on_request,
            options: BTreeMap::new(),
            source: Source::Built(Recipe {
                feature: name.clone(),
                cpu_minutes: listed.cpu_minutes,
                cxx: listed.cxx,
                source: listed.source,
            }),
            name,
        }
    }

    fn own(name: &str, own: &OwnEngine, entries: &[Self]) -> Result<Self> {
        let model =
            match &own.like {
                None => None,
                Some(like) => Some(entries.iter().find(|entry| entry.name == *like).with_context(|| {
                    format!("engine.{name} in querydyno.toml is like '{like}', which is no engine")
                })?),
            };
        let source = match (&own.program, model) {
            (Some(path), _) => {
                Source::Given(Program { path: paths::root().join(path), args: own.args.clone(), env: own.env.clone() })
            }
            (None, Some(model)) => {
                ensure!(
                    own.args.is_empty() && own.env.is_empty(),
                    "engine.{name} in querydyno.toml: args and env go with program, options with like"
                );
                model.source.clone()
            }
            (None, None) => {
                bail!("engine.{name} in querydyno.toml needs program (an executable) or like (an engine's name)")
            }
        };
        let dialect = own.dialect.as_deref().or(model.map(|model| model.dialect.as_str())).unwrap_or(name).to_owned();
        Ok(Self {
            name: name.to_owned(),
            title: name.to_owned(),
            kind: if own.program.is_some() { "own" } else { "embedded" },
            dialect,
            on_request: false,
            options: own.options.clone(),
            source,
        })
    }

    /// How the program is built; `None` for a user's own executable.
    pub fn recipe(&self) -> Option<&Recipe> {
        match &self.source {
            Source::Built(recipe) => Some(recipe),
            Source::Given(_) => None,
        }
    }

    /// The program if it is there, whether or not it is up to date. Compiles nothing.
    pub fn find(&self) -> Option<Program> {
        let program = match &self.source {
            Source::Built(recipe) => recipe.program(),
            Source::Given(program) => program.clone(),
        };
        program.path.is_file().then_some(program)
    }

    /// The program, built if it is missing or older than its source.
    ///
    /// # Errors
    /// When it does not compile, or a user's executable is not there.
    pub fn program(&self) -> Result<Program> {
        match &self.source {
            Source::Built(recipe) => build::build(recipe),
            Source::Given(program) if program.path.is_file() => Ok(program.clone()),
            Source::Given(program) => {
                bail!(
                    "{} is no executable file; mend engine.{}.program in querydyno.toml",
                    program.path.display(),
                    self.name
                )
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn own(toml: &str) -> Result<Entry> {
        let entries = [Entry::listed("duckdb".to_owned(), toml::from_str("title = 'DuckDB'\ncpu_minutes = 1")?)];
        Entry::own("mine", &toml::from_str(toml)?, &entries)
    }

    #[test]
    fn an_engine_like_another_keeps_its_dialect_and_program() {
        let entry = own("like = 'duckdb'\noptions = { threads = '1' }").unwrap();
        assert_eq!(entry.dialect, "duckdb");
        assert_eq!(entry.recipe().unwrap().feature, "duckdb");
    }

    #[test]
    fn an_own_engine_needs_a_program_or_a_model() {
        for toml in ["", "like = 'nothing'", "like = 'duckdb'\nargs = ['x']"] {
            assert!(own(toml).unwrap_err().to_string().contains("engine.mine"));
        }
        assert!(own("program = '/bin/true'").unwrap().recipe().is_none());
    }
}
