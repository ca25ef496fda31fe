//! Which engines there are: `fixtures/engines.toml` and the user's own from `querydyno.toml`, and how to get their programs.
//!
//! Nothing here starts an engine; [`Entry::program`] finds or builds what [`crate::host::session::Session`] starts.

mod axes;
pub mod build;
pub mod command;
pub(crate) mod compiler;
pub(crate) mod components;
mod cpu;
pub(crate) mod identity;
mod installer;
pub(crate) mod library;
mod listed;
mod own;
pub(crate) mod script;
mod server;

use std::collections::BTreeMap;
use std::fs;

use anyhow::{Context, Result, bail, ensure};

use crate::host::checkout::Checkout;
use crate::host::session::Program;
use crate::host::settings::{DuckDbFrom, Settings};
pub use axes::Axes;
pub use build::cargo;
pub use components::Components;
pub use library::{Pinned, Wheel};
use listed::Listed;
pub use script::Script;
pub(crate) use server::SERVICE;
use server::Server;

/// An engine and how its program is had.
#[derive(Debug, Clone)]
pub struct Entry {
    /// The name in ids, filters and records; ends in `@version` where a version was asked for.
    pub name: String,
    /// The name people use.
    pub title: String,
    /// `embedded`, `service`, `script` or `own`, for the record.
    pub kind: &'static str,
    /// The folder of query texts that differ from the canonical ones.
    pub dialect: String,
    /// Whether it runs only if a filter names it.
    pub on_request: bool,
    /// The suite for which it is the hand-written plans that others are held against.
    pub reference: Option<String>,
    /// Its colour in every picture: red, green, blue.
    pub color: Option<[u8; 3]>,
    /// What it is built on: engines that share one of these are one vote. Empty: nothing is known but its name.
    pub components: Vec<String>,
    /// What it is built on besides where tables are Iceberg: who plans them.
    pub iceberg_components: Vec<String>,
    /// Settings by the engine's own names.
    pub options: BTreeMap<String, String>,
    /// Its ways to execute, the default first; empty for an engine with one way.
    pub modes: Vec<String>,
    /// Its options, of which each mode takes one of each axis; empty for an engine whose modes are listed.
    pub axes: Axes,
    /// The sink that it writes the rows of a suite's pipelines into; it runs nothing else.
    pub writes: Option<String>,
    /// The entries that an audit compares it with: official distributions of the same engine.
    pub official: Vec<String>,
    /// Whether its runs become faster for a while, as with a compiler at work: they are no samples until they are steady.
    pub warms_up: bool,
    /// Variables for its program; `{threads}` in a value stands for the number of threads.
    env: BTreeMap<String, String>,
    /// The server that its program is a client of.
    server: Option<Server>,
    source: Source,
}

#[derive(Debug, Clone)]
enum Source {
    /// Built from this package with the feature of that name.
    Built(Recipe),
    /// A Python module of ours with its packages.
    Script(Script),
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
    /// The instruction set it is compiled for, on machines that have it.
    pub target_cpu: Option<String>,
    /// The crate that is the engine.
    pub source: Option<String>,
    /// Whether it has a further program, `querydyno-<name>-heap`, that watches its heap; see [`Recipe::heap`].
    pub watches_heap: bool,
    /// Its makers' own library, which the program is linked with instead of compiling the engine.
    pub library: Option<Pinned>,
    /// Whether a crate of it compiles protocol files, for which it is given a program of ours.
    pub protoc: bool,
    /// Where the user wants the engine from, where there is a choice.
    pub(crate) told: Option<DuckDbFrom>,
    /// Features beside the engine's own.
    extra: Vec<&'static str>,
    /// From which source tree, into which target folder.
    checkout: Checkout,
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
    /// When the table cannot be read or an own engine says neither `program` nor `script` nor `like`, or takes a name that is there.
    pub fn read(settings: &Settings) -> Result<Self> {
        Self::read_in(&Checkout::here(), settings)
    }

    /// The same of another source tree; the user's own engines are those of the settings.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub fn read_in(checkout: &Checkout, settings: &Settings) -> Result<Self> {
        let path = checkout.root.join("fixtures/engines.toml");
        let text = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        let within = || format!("in {}", path.display());
        // An ordered map, so that engines appear as they are listed.
        let listed = toml::from_str::<toml::Table>(&text).with_context(within)?.into_iter();
        let entry =
            |(name, value): (_, toml::Value)| value.try_into::<Listed>()?.entry(name, &settings.python, checkout);
        let mut entries = listed.map(entry).collect::<Result<Vec<_>>>().with_context(within)?;
        for entry in &mut entries {
            if let Source::Built(recipe) = &mut entry.source {
                recipe.told = settings.duckdb;
            }
        }
        for (name, own) in &settings.engines {
            ensure!(
                entries.iter().all(|entry| entry.name != *name),
                "engine.{name} in querydyno.toml takes a name that is there; choose another, such as {name}-own"
            );
            entries.push(own::entry(name, own, &entries, &settings.python)?);
        }
        Ok(Self { entries })
    }

    /// The engines that are named; with none, those that are built or installed and run without being named.
    ///
    /// # Errors
    /// When there are none of these.
    pub fn named_or_there(&self, named: &[String]) -> Result<Vec<String>> {
        if !named.is_empty() {
            return Ok(named.to_vec());
        }
        let there = self.entries.iter().filter(|entry| !entry.on_request && entry.find().is_some());
        let found: Vec<String> = there.map(|entry| entry.name.clone()).collect();
        ensure!(!found.is_empty(), "no engine is built or installed: name some with --engines, which builds them");
        Ok(found)
    }

    /// Every engine.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The engine of that name, `duckdb` or `polars-wheel@2.0.0`.
    ///
    /// # Errors
    /// Says which engines there are.
    pub fn entry(&self, name: &str) -> Result<Entry> {
        find(&self.entries, name)
    }

    /// These engines alone, named so that they run: `duckdb`, `polars-wheel@2.0.0`.
    ///
    /// # Errors
    /// Says which engines there are.
    pub(crate) fn only(&self, names: &[String]) -> Result<Self> {
        let mut entries: Vec<Entry> = Vec::new();
        for name in names.iter().map(|name| name.trim()) {
            if entries.iter().all(|entry| entry.name != name) {
                entries.push(Entry { on_request: false, ..self.entry(name)? });
            }
        }
        Ok(Self { entries })
    }

    /// This engine and no other.
    pub(crate) fn of(entry: Entry) -> Self {
        Self { entries: vec![Entry { on_request: false, ..entry }] }
    }

    /// Adds the versions that a filter names, `polars-wheel@2.0.0`, as engines of their own.
    ///
    /// # Errors
    /// When a word is a version of no engine, or of one that has no versions.
    pub fn add_versions(&mut self, words: &[&str]) -> Result<()> {
        for word in words.iter().filter(|word| word.contains('@')) {
            if self.entries.iter().any(|entry| entry.name == *word) {
                continue;
            }
            ensure!(
                !word.starts_with('@'),
                "'{word}' is a version of nothing: write the whole name, polars-wheel{word}"
            );
            self.entries.push(self.entry(word)?);
        }
        Ok(())
    }
}

fn find(entries: &[Entry], name: &str) -> Result<Entry> {
    let known = |name: &str| entries.iter().find(|entry| entry.name == name);
    if let Some(entry) = known(name) {
        return Ok(entry.clone());
    }
    if let Some((base, version)) = name.split_once('@')
        && let Some(entry) = known(base)
    {
        return entry.at_version(version);
    }
    let names: Vec<&str> = entries.iter().map(|entry| entry.name.as_str()).collect();
    bail!("there is no engine '{name}'; there are: {}", names.join(", "))
}

impl Entry {
    /// The same engine in another version.
    fn at_version(&self, version: &str) -> Result<Self> {
        if let Some(server) = self.server.as_ref().filter(|server| !server.versions.is_empty()) {
            let (server, called) = server.at_version(version).with_context(|| format!("of {}", self.name))?;
            return Ok(Self {
                name: format!("{}@{version}", self.name),
                title: format!("{} {called}", self.title),
                server: Some(server),
                ..self.clone()
            });
        }
        let Source::Script(script) = &self.source else {
            // Its wheel from Python is the same library.
            if let Some(wheel) = self.official.first().and_then(|name| name.split('@').next())
                && let Some(library) = self.recipe().and_then(|recipe| recipe.library.as_ref())
            {
                bail!(
                    "{} is built here in version {} only, the one of its crate: for another, name {wheel}@{version}",
                    self.name,
                    library.version
                );
            }
            bail!("{} has no versions to choose from: only engines that come as packages do", self.name);
        };
        ensure!(!version.is_empty() && !version.contains('@'), "'{version}' is no version of {}", self.name);
        let Some((package, _)) = &script.package else {
            bail!("{} names its versions among its requirements", self.name);
        };
        let package = Some((package.clone(), version.to_owned()));
        Ok(Self {
            name: format!("{}@{version}", self.name),
            title: format!("{} {version}", self.title),
            source: Source::Script(Script { package, ..script.clone() }),
            ..self.clone()
        })
    }

    /// The same engine by another program, which is there already.
    pub(crate) fn given(self, program: Program) -> Self {
        Self { source: Source::Given(program), ..self }
    }

    /// The server that its program is a client of, by its name in `cargo xtask services`.
    pub fn service(&self) -> Option<&str> {
        Some(&self.server.as_ref()?.service)
    }

    /// How the program is compiled; `None` for what is not compiled here.
    pub fn recipe(&self) -> Option<&Recipe> {
        let Source::Built(recipe) = &self.source else { return None };
        Some(recipe)
    }

    /// The script and its packages; `None` for other engines.
    pub fn script(&self) -> Option<&Script> {
        let Source::Script(script) = &self.source else { return None };
        Some(script)
    }

    /// The program if it is there, whether or not it is up to date. Compiles and installs nothing.
    pub fn find(&self) -> Option<Program> {
        let program = match &self.source {
            Source::Built(recipe) => recipe.program(),
            Source::Script(script) => Some(script.program()).filter(|_| script.ready())?,
            Source::Given(program) => program.clone(),
        };
        program.path.is_file().then(|| self.with_env(program))
    }

    /// The program, made if it is missing or older than its source.
    ///
    /// # Errors
    /// When it does not compile, its packages cannot be installed, or a user's executable is not there.
    pub fn program(&self) -> Result<Program> {
        let program = match &self.source {
            Source::Built(recipe) => recipe.build()?,
            Source::Script(script) => script.make()?,
            Source::Given(program) => program.clone(),
        };
        let (path, name) = (program.path.display(), &self.name);
        ensure!(program.path.is_file(), "{path} is no executable file; mend engine.{name}.program in querydyno.toml");
        Ok(self.with_env(program))
    }

    /// Another program of this engine, made if it is missing or older than its source.
    ///
    /// # Errors
    /// When it does not compile.
    pub fn made(&self, recipe: &Recipe) -> Result<Program> {
        Ok(self.with_env(recipe.build()?))
    }

    fn with_env(&self, mut program: Program) -> Program {
        program.env.extend(self.env.clone());
        program.env.extend(self.server.iter().flat_map(Server::env));
        program
    }
}
