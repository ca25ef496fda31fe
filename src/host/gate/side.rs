//! What is compared: a base and a head, each with its engines and its queries.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use serde::{Deserialize, Serialize};

use super::error::Error;
use super::worktree::{self, Workspace};
use crate::host::catalog::Catalog;
use crate::host::checkout::{Checkout, short};
use crate::host::record::Git;
use crate::host::run::select::{self, Cell, DefaultSelection};
use crate::host::session::Program;
use crate::host::settings::Settings;
use crate::host::suite::Suite;
use crate::host::variant::Cache;

/// Which of two.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// What it is held against.
    Base,
    /// What is judged.
    Head,
}

impl Role {
    /// As people and Criterion's baselines call it.
    pub fn name(self) -> &'static str {
        self.of("base", "head")
    }

    /// This one's of two.
    pub(super) fn of<T>(self, base: T, head: T) -> T {
        match self {
            Self::Base => base,
            Self::Head => head,
        }
    }
}

pub(super) struct Side {
    /// As people know it: `main (1a2b3c4d5e6f)`.
    pub(super) told: String,
    /// Its source tree, and the state of that; none for a program that is there.
    pub(super) checkout: Option<Checkout>,
    pub(super) git: Option<Git>,
    catalog: Catalog,
    suites: Vec<Suite>,
}

impl Side {
    /// A revision, in a worktree of its own.
    ///
    /// # Errors
    /// When there is none of that name, it is dirty, or cannot be read.
    pub(super) fn revision(role: Role, name: &str, workspace: Workspace<'_>) -> Result<Self, Error> {
        let commit = &worktree::commit(workspace, name).map_err(Error::Usage)?;
        let checkout = worktree::at(workspace, role.name(), commit)?;
        Ok(Self::of(role, format!("{name} ({})", short(commit)), &checkout, workspace)?)
    }

    /// This working tree, as it is.
    ///
    /// # Errors
    /// When its tables cannot be read.
    pub(super) fn here(role: Role, workspace: Workspace<'_>) -> Result<Self> {
        let told = match Git::read_in(&workspace.here.root) {
            None => "this folder".to_owned(),
            Some(Git { commit, dirty }) => {
                format!("this working tree ({}{})", short(&commit), if dirty { ", changed" } else { "" })
            }
        };
        Self::of(role, told, workspace.here, workspace)
    }

    /// A program that is there, or an engine of the table: `polars-wheel@2.0.0`. It runs the cells of `engine`.
    ///
    /// # Errors
    /// When it is neither.
    pub(super) fn program(role: Role, name: &str, engine: &str, settings: &Settings) -> Result<Self> {
        let catalog = Catalog::read(settings)?;
        let path = PathBuf::from(name);
        let mut entry = if path.is_file() {
            let path = path.canonicalize().with_context(|| format!("cannot find {name}"))?;
            catalog.entry(engine)?.given(Program { path, ..Program::default() })
        } else {
            catalog
                .entry(name)
                .with_context(|| format!("--{}-program {name} is neither a file nor an engine", role.name()))?
        };
        engine.clone_into(&mut entry.name);
        let suites = Suite::all(settings)?;
        Ok(Self { checkout: None, git: None, told: name.to_owned(), catalog: Catalog::of(entry), suites })
    }

    fn of(role: Role, told: String, checkout: &Checkout, workspace: Workspace<'_>) -> Result<Self> {
        let Workspace { filter, settings, .. } = workspace;
        let read = || -> Result<_> {
            let mut catalog = Catalog::read_in(checkout, settings)?;
            catalog.add_versions(&select::words(filter))?;
            Ok((catalog, Suite::all_in(&checkout.root, settings)?))
        };
        let (catalog, suites) = read().with_context(|| format!("the {} cannot be read", role.name()))?;
        Ok(Self { told, git: Git::read_in(&checkout.root), checkout: Some(checkout.clone()), catalog, suites })
    }

    /// The commit that its files are of, or were before they were changed.
    pub(super) fn commit(&self) -> Option<&str> {
        self.git.as_ref().map(|git| git.commit.as_str())
    }

    /// The engines that run when none is named.
    pub(super) fn engines_by_default(&self) -> BTreeSet<&str> {
        let compiled = self.catalog.entries().iter().filter(|entry| entry.kind == "embedded" && !entry.on_request);
        compiled.map(|entry| entry.name.as_str()).collect()
    }

    /// Those of them that are compiled.
    pub(super) fn built_by_default(&self) -> BTreeSet<&str> {
        let found = self.catalog.entries().iter().filter(|entry| entry.find().is_some());
        let found: BTreeSet<&str> = found.map(|entry| entry.name.as_str()).collect();
        self.engines_by_default().intersection(&found).copied().collect()
    }

    /// The cells that the filter means, hot.
    pub(super) fn cells<'a>(&'a self, filter: Option<&str>, settings: &'a Settings) -> Result<Vec<Cell<'a>>> {
        let cells = select::all(&self.suites, &self.catalog, settings);
        select::select(cells, filter, false, DefaultSelection { caches: &[Cache::Hot], formats: &settings.formats })
    }
}

/// The engine whose cells two programs run: the one that the filter names, or the head itself, where that is an engine.
///
/// # Errors
/// When neither tells.
pub(super) fn engine_of(head: &str, filter: Option<&str>, settings: &Settings) -> Result<String> {
    let catalog = Catalog::read(settings)?;
    let is_engine = |word: &&str| catalog.entries().iter().any(|entry| entry.name == *word);
    if let Some(name) = select::words(filter).into_iter().find(is_engine) {
        return Ok(name.to_owned());
    }
    ensure!(
        !Path::new(head).is_file(),
        "which engine's queries {head} runs is not said: name it in the filter, such as duckdb/q1"
    );
    Ok(catalog.entry(head).with_context(|| format!("--head-program {head} is neither a file nor an engine"))?.name)
}

/// Files that say how everything is compiled: both sides follow the head's.
const BUILT_BY: [&str; 5] = [
    ".cargo/config.toml",
    "rust-toolchain.toml",
    "rust-toolchain",
    "src/host/catalog/build.rs",
    "src/host/catalog/compiler.rs",
];

/// Which of them differ: what they change is in neither side, or in both.
pub(super) fn built_otherwise(base: &Side, head: &Side) -> Vec<&'static str> {
    let (Some(base), Some(head)) = (&base.checkout, &head.checkout) else { return Vec::new() };
    let differs = |file: &&str| fs::read(base.root.join(file)).ok() != fs::read(head.root.join(file)).ok();
    BUILT_BY.into_iter().filter(differs).collect()
}
