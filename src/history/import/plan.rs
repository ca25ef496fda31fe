//! What a call would take in, before anything is taken: [`Plan`], with a part for each file.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, ensure};

use super::input::{Input, inputs};
use super::item::{Candidate, Is, Item};
use super::mapping::Mapping;
use super::past::Past;
use super::record::Converter;
use super::told::{Found, Misfit};
use super::{
    Import, Kind, clickbench, critcmp, criterion_tree, detect, engines, google, hyperfine, json, models, ours, pytest,
    table,
};
use crate::history::store::Store;
use crate::host::checksum::sha256;
use crate::host::paths;
use crate::host::settings::Settings;
use crate::host::suite::Suite;

/// All that a call has found.
#[derive(Debug, Default)]
pub(in crate::history) struct Plan {
    pub(super) parts: Vec<Part>,
}

/// What is in one file, or in one tree of Criterion's.
#[derive(Debug)]
pub(super) struct Part {
    pub(super) path: String,
    /// None where it could not be told.
    pub(super) kind: Option<Kind>,
    pub(super) results: Vec<Item>,
    pub(super) misfits: Vec<Misfit>,
    pub(super) notes: Vec<String>,
}

impl Plan {
    /// Reads every path, and asks the history for what it has already.
    ///
    /// # Errors
    /// When a path or the mapping cannot be read. What does not fit in a file is no error but a part of the plan.
    pub(super) fn make(import: &Import, store: &Store) -> Result<Self> {
        let mut before = Past::read(store, &paths::home())?;
        let mapping = import.mapping.as_deref().map(Mapping::read).transpose()?;
        let mut plan = Self::default();
        for path in &import.paths {
            for input in inputs(path)? {
                let (kind, file, found) = import.read(&input, mapping.as_ref())?;
                let (mut part, results) = part(import, kind, file, found);
                part.results = results.into_iter().map(|result| before.decide(result)).collect::<Result<_>>()?;
                plan.parts.push(part);
            }
        }
        Ok(plan)
    }

    pub(super) fn misfits(&self) -> usize {
        self.parts.iter().map(|part| part.misfits.len()).sum()
    }

    /// How many results are known already that are of no table, and how many rows of tables.
    pub(super) fn known(&self) -> (usize, usize) {
        let all = || self.parts.iter().flat_map(|part| &part.results);
        let results = all().filter(|item| item.is == Is::Known && !item.has_rows).count();
        (results, all().map(|item| item.known_rows).sum())
    }

    /// How many results are so.
    pub(super) fn count(&self, is: Is) -> usize {
        self.parts.iter().flat_map(|part| &part.results).filter(|item| item.is == is).count()
    }
}

/// The parts of a file that fit.
fn part(
    import: &Import,
    kind: Option<Kind>,
    (path, checksum): (String, String),
    found: Found,
) -> (Part, Vec<Candidate>) {
    let mut results = Vec::new();
    let Found { told, records, mut misfits, notes } = found;
    let mut converter = Converter::new(kind.unwrap_or(Kind::Records), (path.clone(), checksum), &import.defaults);
    for told in told {
        let (place, rows) = (told.place.clone(), told.rows);
        match converter.record(told) {
            Ok(record) => results.push(Candidate { record, line: None, rows }),
            Err(reason) => misfits.push(Misfit { place, reason }),
        }
    }
    results.extend(records.into_iter().map(|(line, record)| Candidate { record, line: Some(line), rows: 0 }));
    (Part { path, kind, results: Vec::new(), misfits, notes }, results)
}

impl Import {
    /// What is in a file or a tree, with its kind, its name and its checksum.
    fn read(&self, input: &Input, mapping: Option<&Mapping>) -> Result<(Option<Kind>, (String, String), Found)> {
        let path = match input {
            Input::Tree(tree, cells) => {
                let mut found = criterion_tree::read(tree, cells, &self.defaults);
                name_suites(&mut found)?;
                // Each cell has a name and a checksum of its own.
                return Ok((Some(Kind::Criterion), (tree.display().to_string(), String::new()), found));
            }
            Input::File(path) => path,
        };
        let bytes = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
        let file = (path.display().to_string(), sha256(&bytes));
        let (kind, found) = self.read_file(path, &bytes, mapping)?;
        Ok((kind, file, found))
    }

    fn read_file(&self, path: &Path, bytes: &[u8], mapping: Option<&Mapping>) -> Result<(Option<Kind>, Found)> {
        if bytes.trim_ascii().is_empty() {
            return Ok((self.kind, Found::nothing("the file", "is empty".to_owned())));
        }
        let kind = self.kind.or_else(|| detect::by_bytes(path, bytes));
        match kind {
            Some(Kind::Records) => return Ok((kind, ours::read(path, bytes))),
            // One record over several lines, as `cargo xtask show --json` prints it.
            None if ours::is(bytes) => return Ok((Some(Kind::Records), ours::read(path, &ours::in_a_line(bytes)))),
            Some(Kind::Csv) => {
                ensure!(
                    mapping.is_some(),
                    "{} needs --mapping FILE.toml, which says what its columns are; {HELP}",
                    path.display()
                );
                let found = mapping.map(|mapping| table::read(bytes, mapping)).transpose()?;
                return Ok((kind, found.unwrap_or_default()));
            }
            _ => {}
        }
        let json = match json::parse(bytes) {
            Ok(json) => json,
            Err(reason) => return Ok((kind, Found::nothing("the file", reason))),
        };
        let Some(kind) = kind.or_else(|| detect::by_json(&json)) else {
            let reason = "is of no kind that is known: --kind says which it is, and then what it lacks".to_owned();
            return Ok((None, Found::nothing("the file", reason)));
        };
        let stem = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
        let mut found = match kind {
            Kind::Hyperfine => hyperfine::read(&json, &stem),
            Kind::Pytest => pytest::read(&json, &self.defaults),
            Kind::Google => google::read(&json, &self.defaults),
            Kind::Critcmp => critcmp::read(&json, &self.defaults),
            Kind::Clickbench => clickbench::read(&json),
            Kind::Models => models::read(&json, &self.defaults),
            Kind::Engines => engines::read(&json, &self.defaults),
            Kind::Criterion => {
                let reason = "is a file: of Criterion's tree name a folder, such as target/criterion".to_owned();
                Found::nothing("the file", reason)
            }
            Kind::Records | Kind::Csv => Found::default(),
        };
        if found.told.is_empty() && found.misfits.is_empty() {
            found.misfit("the file", "has no result".to_owned());
        }
        name_suites(&mut found)?;
        Ok((Some(kind), found))
    }
}

/// How a mapping looks like.
const HELP: &str = "`history import --help` shows one";

/// Cells that are called as ours are of the suite that has their query.
fn name_suites(found: &mut Found) -> Result<()> {
    if found.told.iter().all(|told| told.id.is_none()) {
        return Ok(());
    }
    let suites = Suite::all(&Settings::read()?)?;
    for told in &mut found.told {
        let Some(id) = &told.id else { continue };
        let of = suites.iter().find(|suite| suite.queries.iter().any(|query| query.name == id.query));
        told.suite = of.map(|suite| suite.name.clone());
    }
    Ok(())
}
