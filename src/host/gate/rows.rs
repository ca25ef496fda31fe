//! The rows of a gate: the cells that both sides have, each with its programs and texts; and those that only one has.

use std::collections::BTreeMap;
use std::time::SystemTime;

use anyhow::{Result, bail, ensure};

use super::side::{Role, Side};
use crate::host::catalog::identity;
use crate::host::checksum::sha256;
use crate::host::interrupt;
use crate::host::run::select::{Cell, check_names};
use crate::host::session::Program;
use crate::host::settings::Settings;
use crate::protocol::id::BenchId;
use crate::protocol::task::Task;

/// A cell on one side, ready to be launched.
pub(super) struct Contender<'a> {
    pub(super) cell: Cell<'a>,
    pub(super) text: Task,
    /// Of that.
    pub(super) sha256: String,
    pub(super) program: Program,
    pub(super) stamp: Option<(u64, SystemTime, u64)>,
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

pub(super) struct Rows<'a> {
    pub(super) both: Vec<Row<'a>>,
    /// Rows that the head no longer has.
    pub(super) removed: Vec<BenchId>,
    /// Rows that cannot be compared for another reason.
    pub(super) unusable: Vec<(BenchId, String)>,
    /// Rows that only the head has.
    pub(super) new: Vec<BenchId>,
}

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
    settings: &'a Settings,
) -> Result<Cells<'a>> {
    let (mut of_base, mut of_head) = match (base.cells(filter, settings), head.cells(filter, settings)) {
        (Err(_), Err(error)) => return Err(error),
        (of_base, of_head) => (of_base.unwrap_or_default(), of_head.unwrap_or_default()),
    };
    if filter.is_none() {
        let built = head.built_by_default();
        let by_base = base.engines_by_default();
        let by_head = head.engines_by_default();
        ensure!(
            !built.is_empty(),
            "no engine is built that a gate without a filter would take: name some, which builds them: cargo xtask gate duckdb --base ..."
        );
        of_head.retain(|cell| built.contains(cell.id.engine.as_str()));
        // An engine that the head no longer has, or no longer runs by default, is missed.
        of_base.retain(|cell| {
            let engine = cell.id.engine.as_str();
            built.contains(engine) || (by_base.contains(engine) && !by_head.contains(engine))
        });
    }
    check_names(&of_head)?;
    Ok(Cells { base: of_base, head: of_head })
}

impl Cells<'_> {
    /// Leaves those of these rows.
    ///
    /// # Errors
    /// When one of them is no cell.
    pub(super) fn narrow(&mut self, rows: &[BenchId]) -> Result<()> {
        for cells in [&mut self.base, &mut self.head] {
            cells.retain(|cell| rows.contains(&cell.id));
        }
        let known = |row: &&BenchId| self.base.iter().chain(&self.head).any(|cell| cell.id == **row);
        if let Some(row) = rows.iter().find(|row| !known(row)) {
            bail!("{row}, which has to be confirmed, is no row of this gate: give the same filter and settings");
        }
        Ok(())
    }
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
    let programs = programs(&both)?;
    let (mut rows, mut unusable) = (Vec::new(), Vec::new());
    for (base, head) in both {
        let id = head.id.clone();
        let contender = |role, cell: Cell<'a>| -> Result<(String, Contender<'a>), String> {
            let built = &programs[&(role, cell.engine.name.clone())];
            let (checksum, program) = built.as_ref().map_err(Clone::clone)?;
            let text = cell.task().map_err(|error| format!("{error:#}"))?;
            let sql = text.text();
            let runs = sha256(format!("{checksum} {sql} {:?} {:?}", cell.engine.options, cell.query.tables));
            // That of a revision may be from before the protocol changed.
            let program = Program { may_be_older: true, ..program.clone() };
            let stamp = identity::stamp(&program);
            Ok((runs, Contender { cell, text, sha256: sha256(sql), program, stamp }))
        };
        match contender(Role::Base, base).and_then(|base| Ok((base, contender(Role::Head, head)?))) {
            Ok(((of_base, base), (of_head, head))) => rows.push(Row { id, base, head, runs: [of_base, of_head] }),
            Err(why) => unusable.push((id, why)),
        }
    }
    Ok(Rows { both: rows, removed: base.into_keys().collect(), unusable, new })
}

/// Each side's programs by engine, with their checksums, or why there is none.
type Programs = BTreeMap<(Role, String), Result<(String, Program), String>>;

fn programs(both: &[(Cell<'_>, Cell<'_>)]) -> Result<Programs> {
    let mut programs = Programs::new();
    for role in [Role::Head, Role::Base] {
        for (base, head) in both {
            let engine = role.of(base, head).engine;
            let key = (role, engine.name.clone());
            if programs.contains_key(&key) {
                continue;
            }
            if let Some(recipe) = engine.recipe().filter(|_| engine.find().is_none()) {
                let (role, minutes) = (role.name(), recipe.minutes());
                log::info!(
                    "building the {role}'s {}, about {minutes} min from nothing, less for what is compiled already",
                    engine.name
                );
            }
            let built = engine.program().and_then(|program| Ok((identity::checksum(engine, &program)?, program)));
            interrupt::check()?;
            programs.insert(key, built.map_err(|error| format!("the {} does not build: {error:#}", role.name())));
        }
    }
    Ok(programs)
}
