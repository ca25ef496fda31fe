//! What a cell would be if it ran now: [`Now::planned`]. Nothing is generated, built or started for it.

use std::cell::RefCell;
use std::collections::BTreeMap;

use super::decide::{Conditions, Planned};
use crate::host::catalog::{Entry, identity};
use crate::host::checksum::sha256;
use crate::host::data::generate::Store;
use crate::host::data::tables::{Expected, expected};
use crate::host::run::Cell;
use crate::host::session::environment;
use crate::host::settings::Settings;
use crate::protocol::units::Bytes;

/// What all cells share, and what has been found out.
pub(super) struct Now<'a> {
    settings: &'a Settings,
    store: Store,
    environment: BTreeMap<String, String>,
    /// Of each engine's program, by its name.
    programs: BTreeMap<String, Option<String>>,
    /// By suite, query, scale and format.
    data: RefCell<BTreeMap<[String; 4], Expected>>,
}

impl<'a> Now<'a> {
    /// With the programs of these cells' engines as they are. Where `is_updated`, those that are there are first built of their
    /// source as it is, as a run does, and are otherwise silent.
    pub(super) fn of(cells: &[Cell<'_>], settings: &'a Settings, is_updated: bool) -> Self {
        let mut programs = BTreeMap::new();
        for engine in cells.iter().map(|cell| cell.engine) {
            programs.entry(engine.name.clone()).or_insert_with(|| program(engine, is_updated));
        }
        Self {
            settings,
            store: Store::new(settings.data.clone()),
            environment: environment::always().chain(environment::recorded(std::env::vars_os())).collect(),
            programs,
            data: RefCell::default(),
        }
    }

    /// What this cell would be.
    pub(super) fn planned(&self, cell: &Cell<'_>) -> Planned {
        let Cell { engine, variant, .. } = cell;
        let package = engine.script().and_then(|script| script.package.clone());
        let data = self.data(cell);
        Planned {
            program: self.programs.get(&engine.name).cloned().flatten(),
            version: package.map(|(_, version)| version),
            options: engine.options.clone(),
            // A text that cannot be had fails in the run.
            text_sha256: cell.task().ok().map(|task| sha256(task.text())),
            data_sha256: data.sha256,
            layout: data.layout,
            environment: self.environment.clone(),
            conditions: Conditions {
                threads: variant.threads,
                memory_limit_bytes: variant.memory.map(|Bytes(bytes)| bytes),
                cache: variant.cache,
                mode: variant.mode.map(str::to_owned),
                parallel: variant.parallel,
            },
        }
    }

    fn data(&self, cell: &Cell<'_>) -> Expected {
        let Cell { id, suite, query, variant, .. } = cell;
        let key = [suite.name.clone(), query.name.clone(), id.scale.to_string(), variant.format.to_owned()];
        let look = || expected(suite, &query.tables, id.scale, variant.format, self.settings, &self.store);
        self.data.borrow_mut().entry(key).or_insert_with(look).clone()
    }
}

/// What an engine's program is; unknown where it is not there, or cannot be built.
fn program(engine: &Entry, is_updated: bool) -> Option<String> {
    let found = engine.find()?;
    let program = if is_updated { engine.program() } else { Ok(found) };
    match program {
        Ok(program) => identity::checksum(engine, &program).ok(),
        Err(error) => {
            log::info!("{}: {error:#}", engine.name);
            None
        }
    }
}
