//! What is compared: a base and a head, each with its engines, its queries and its programs; and the rows that both have.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use serde::{Deserialize, Serialize};

use super::Stop;
use super::worktree::{self, Place};
use crate::catalog::Catalog;
use crate::checkout::Checkout;
use crate::checksum::sha256;
use crate::harness::select::{self, Cell, Usual};
use crate::id::BenchId;
use crate::interrupt;
use crate::record::Git;
use crate::session::Program;
use crate::settings::Settings;
use crate::variant::Cache;
use crate::workload::{Query, Workload};

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
        match self {
            Self::Base => "base",
            Self::Head => "head",
        }
    }
}

/// One side.
pub(super) struct Side {
    /// As people know it: `main (1a2b3c4d5e6f)`.
    pub(super) told: String,
    /// Its source tree; none for a program that is there.
    pub(super) checkout: Option<Checkout>,
    catalog: Catalog,
    workloads: Vec<Workload>,
}

/// Words of a filter, so that versions of packages are engines.
fn words(filter: Option<&str>) -> Vec<&str> {
    select::words(filter.unwrap_or_default())
}

impl Side {
    /// A revision, in a worktree of its own.
    ///
    /// # Errors
    /// When there is none of that name, it is dirty, or cannot be read.
    pub(super) fn revision(
        role: Role,
        name: &str,
        place: Place<'_>,
        filter: Option<&str>,
        settings: &Settings,
    ) -> Result<Self, Stop> {
        let commit = &worktree::commit(place, name).map_err(Stop::Usage)?;
        let checkout = worktree::at(place, role.name(), commit)?;
        let told = format!("{name} ({})", &commit[..12.min(commit.len())]);
        Ok(Self::of(role, told, &checkout, filter, settings)?)
    }

    /// This working tree, as it is.
    ///
    /// # Errors
    /// When its tables cannot be read.
    pub(super) fn here(role: Role, place: Place<'_>, filter: Option<&str>, settings: &Settings) -> Result<Self> {
        let told = Git::read_in(&place.here.root).map_or_else(
            || "this folder".to_owned(),
            |git| {
                let changed = if git.dirty { ", changed" } else { "" };
                format!("this working tree ({}{changed})", &git.commit[..12.min(git.commit.len())])
            },
        );
        Self::of(role, told, place.here, filter, settings)
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
        entry.name = engine.to_owned();
        let workloads = Workload::all(settings)?;
        Ok(Self { checkout: None, told: name.to_owned(), catalog: Catalog::of(entry), workloads })
    }

    fn of(role: Role, told: String, checkout: &Checkout, filter: Option<&str>, settings: &Settings) -> Result<Self> {
        let read = || -> Result<_> {
            let mut catalog = Catalog::read_in(checkout, settings)?;
            catalog.add_versions(&words(filter))?;
            Ok((catalog, Workload::all_in(&checkout.root, settings)?))
        };
        let (catalog, workloads) = read().with_context(|| format!("the {} cannot be read", role.name()))?;
        Ok(Self { told, checkout: Some(checkout.clone()), catalog, workloads })
    }

    /// The engines that run where nobody names any: those compiled here that are.
    fn usual(&self) -> BTreeSet<&str> {
        let compiled = self.catalog.entries().iter().filter(|entry| entry.kind == "embedded" && !entry.on_request);
        compiled.filter(|entry| entry.find().is_some()).map(|entry| entry.name.as_str()).collect()
    }

    fn has_engine(&self, name: &str) -> bool {
        self.catalog.entries().iter().any(|entry| entry.name == name)
    }

    /// The cells that the filter means, hot.
    fn cells<'a>(&'a self, filter: Option<&str>, settings: &Settings) -> Result<Vec<Cell<'a>>> {
        let cells = select::all(&self.workloads, &self.catalog, settings);
        select::select(cells, filter, false, Usual { caches: &[Cache::Hot], formats: &settings.formats })
    }
}

/// A cell on one side, ready to be launched.
pub(super) struct Contender<'a> {
    pub(super) cell: Cell<'a>,
    pub(super) text: Query,
    pub(super) program: Program,
}

/// A row that both sides have.
pub(super) struct Row<'a> {
    pub(super) id: BenchId,
    pub(super) base: Contender<'a>,
    pub(super) head: Contender<'a>,
    /// Checksums of all that the two sides run, the base's first.
    pub(super) runs: [String; 2],
}

impl Row<'_> {
    /// Whether the change cannot have touched it: both sides run the very same.
    pub(super) fn is_untouched(&self) -> bool {
        self.runs[0] == self.runs[1]
    }
}

/// The rows of a gate.
pub(super) struct Rows<'a> {
    pub(super) rows: Vec<Row<'a>>,
    /// Rows that cannot be compared, and why.
    pub(super) missing: Vec<(BenchId, String)>,
    /// Rows that only the head has.
    pub(super) new: Vec<BenchId>,
}

/// The cells of both sides.
pub(super) struct Cells<'a> {
    base: Vec<Cell<'a>>,
    head: Vec<Cell<'a>>,
}

/// Which cells are meant.
///
/// # Errors
/// When none is: what there is.
pub(super) fn cells<'a>(
    base: &'a Side,
    head: &'a Side,
    filter: Option<&str>,
    settings: &Settings,
) -> Result<Cells<'a>> {
    let (mut of_base, mut of_head) = match (base.cells(filter, settings), head.cells(filter, settings)) {
        (Err(_), Err(error)) => return Err(error),
        (of_base, of_head) => (of_base.unwrap_or_default(), of_head.unwrap_or_default()),
    };
    if filter.is_none() {
        let usual = head.usual();
        ensure!(
            !usual.is_empty(),
            "no engine is built that a gate without a filter would take: name some, which builds them: cargo xtask gate duckdb --base ..."
        );
        of_head.retain(|cell| usual.contains(cell.id.engine.as_str()));
        // An engine that the head no longer has is missed.
        of_base.retain(|cell| {
            usual.contains(cell.id.engine.as_str())
                || (cell.parts.engine.kind == "embedded" && !head.has_engine(&cell.id.engine))
        });
    }
    Ok(Cells { base: of_base, head: of_head })
}

/// Brings both sides' cells together; builds the programs that they need, the head's first.
///
/// # Errors
/// After an interrupt.
pub(super) fn rows<'a>(cells: Cells<'a>) -> Result<Rows<'a>> {
    let mut base: BTreeMap<BenchId, Cell<'a>> = cells.base.into_iter().map(|cell| (cell.id.clone(), cell)).collect();
    let (mut both, mut new) = (Vec::new(), Vec::new());
    for head in cells.head {
        match base.remove(&head.id) {
            Some(base) => both.push((base, head)),
            None => new.push(head.id),
        }
    }
    let mut missing: Vec<(BenchId, String)> =
        base.into_keys().map(|id| (id, "the head does not have it: removed or renamed".to_owned())).collect();
    let mut programs = BTreeMap::new();
    for role in [Role::Head, Role::Base] {
        for (base, head) in &both {
            let engine = match role {
                Role::Base => base.parts.engine,
                Role::Head => head.parts.engine,
            };
            if let std::collections::btree_map::Entry::Vacant(place) = programs.entry((role, engine.name.as_str())) {
                if let Some(minutes) =
                    engine.recipe().filter(|_| engine.find().is_none()).map(crate::catalog::Recipe::minutes)
                {
                    eprintln!("building the {}'s {}, about {minutes} min from nothing", role.name(), engine.name);
                }
                let built = engine.program().and_then(|program| Ok((checksum(&program)?, program)));
                interrupt::check()?;
                place.insert(built.map_err(|error| format!("the {} does not build: {error:#}", role.name())));
            }
        }
    }
    let mut rows = Vec::new();
    for (base, head) in both {
        let id = head.id.clone();
        let contender = |role, cell: Cell<'a>| -> Result<(String, Contender<'a>), String> {
            let (checksum, program) =
                programs[&(role, cell.parts.engine.name.as_str())].as_ref().map_err(Clone::clone)?;
            let parts = cell.parts;
            let text = parts.workload.text(parts.query, &parts.engine.dialect, cell.id.scale);
            let text = text.map_err(|error| format!("{error:#}"))?;
            let runs = format!("{checksum} {} {:?} {:?}", text.sql, parts.engine.options, parts.query.tables);
            Ok((sha256(runs), Contender { cell, text, program: program.clone() }))
        };
        match contender(Role::Base, base).and_then(|base| Ok((base, contender(Role::Head, head)?))) {
            Ok(((of_base, base), (of_head, head))) => rows.push(Row { id, base, head, runs: [of_base, of_head] }),
            Err(why) => missing.push((id, why)),
        }
    }
    Ok(Rows { rows, missing, new })
}

/// Of all that a program is: its file, its arguments and variables, where these name files or folders the text in them.
fn checksum(program: &Program) -> Result<String> {
    let bytes = fs::read(&program.path).with_context(|| format!("cannot read {}", program.path.display()))?;
    let mut all = vec![sha256(bytes)];
    // Two paths to the same text are the same.
    all.extend(
        program
            .args
            .iter()
            .chain(program.env.values())
            .map(|value| content(Path::new(value)).unwrap_or_else(|| value.clone())),
    );
    // What a Python environment holds.
    let environment = program.path.ancestors().nth(2).map(|folder| folder.join("querydyno-requirements.txt"));
    all.extend(environment.as_deref().and_then(content));
    Ok(sha256(all.join(" ")))
}

fn content(path: &Path) -> Option<String> {
    if path.is_dir() {
        let mut files: Vec<PathBuf> = fs::read_dir(path).ok()?.flatten().map(|entry| entry.path()).collect();
        files.sort();
        return Some(files.iter().filter(|file| file.is_file()).filter_map(|file| content(file)).collect());
    }
    fs::read(path).ok().map(sha256)
}

/// The engine whose cells two programs run: the one that the filter names, or the head itself, where that is an engine.
///
/// # Errors
/// When neither tells.
pub(super) fn engine_of(head: &str, filter: Option<&str>, settings: &Settings) -> Result<String> {
    let catalog = Catalog::read(settings)?;
    let named = words(filter).into_iter().find(|word| catalog.entries().iter().any(|entry| entry.name == *word));
    if let Some(name) = named {
        return Ok(name.to_owned());
    }
    ensure!(
        !Path::new(head).is_file(),
        "which engine's queries {head} runs is not said: name it in the filter, such as duckdb/q1"
    );
    Ok(catalog.entry(head).with_context(|| format!("--head-program {head} is neither a file nor an engine"))?.name)
}
