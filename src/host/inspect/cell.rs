//! What both kinds of inspection begin with: the cells that a filter means, and one of them with its answer verified.

use anyhow::{Context, Result};

use crate::host::catalog::{Catalog, Entry, command};
use crate::host::checkout::Checkout;
use crate::host::interrupt;
use crate::host::record::{Inspects, Measurement, Outcome, Record};
use crate::host::run::plan::program;
use crate::host::run::select::{self, DefaultSelection};
use crate::host::run::{Cell, CellResult, Observer, Ready, Runner, Stop};
use crate::host::session::Program;
use crate::host::settings::Settings;
use crate::host::suite::Suite;
use crate::host::variant::Cache;

pub(super) struct Inspection<'a> {
    pub(super) settings: &'a Settings,
    checkout: Checkout,
    runner: Runner<'a>,
}

impl<'a> Inspection<'a> {
    pub(super) fn new(settings: &'a Settings, checkout: &Checkout, observer: &'a Observer<'a>) -> Result<Self> {
        Ok(Self { settings, checkout: checkout.clone(), runner: Runner::new(settings, observer, true)? })
    }

    /// Inspects every cell that the filter means, one after the other, and writes its record; a cell that cannot be inspected
    /// is one with the reason. What is found beside the record comes with it.
    ///
    /// # Errors
    /// A filter that means no cell, or a record that cannot be written; an interrupt ends it early.
    pub(super) fn each<T: Default>(
        &self,
        filter: Option<&str>,
        what: Inspects,
        mut inspect: impl FnMut(&Self, &Cell<'_>, &mut Record, &mut T) -> Result<(), Stop>,
    ) -> Result<Vec<(Record, T)>> {
        let mut catalog = Catalog::read_in(&self.checkout, self.settings)?;
        catalog.add_versions(&select::words(filter))?;
        let suites = Suite::all_in(&self.checkout.root, self.settings)?;
        let cells = select::all(&suites, &catalog, self.settings);
        // What a run allocates or executes is the same wherever its data come from.
        let cells = cells.into_iter().filter(|cell| cell.variant.cache == Cache::Hot).collect();
        let defaults = DefaultSelection { caches: &[Cache::Hot], formats: &self.settings.formats };
        let mut found = Vec::new();
        for cell in &select::select(cells, filter, false, defaults)? {
            let mut record = Record { inspects: Some(what), ..self.runner.context.blank(cell) };
            let mut beside = T::default();
            record.outcome = match inspect(self, cell, &mut record, &mut beside) {
                Ok(()) => Outcome::Measured(Measurement::default()),
                Err(stop) => stop.into(),
            };
            interrupt::check()?;
            self.runner.keep(&record)?;
            found.push((record, beside));
        }
        Ok(found)
    }

    /// A program of the cell's engine, opened, loaded and with its answer verified.
    ///
    /// # Errors
    /// As a bench has them.
    pub(super) fn verified(&self, cell: &Cell<'_>, program: &Program, record: &mut Record) -> Result<Ready, Stop> {
        let mut result = CellResult { record: record.clone(), unverified: None };
        let ready = self.runner.prepare(cell, program, &mut result);
        *record = result.record;
        ready
    }
}

/// The engine's timed program; there is none to look into for a script, whose Python would drown `what` is looked for.
pub(super) fn compiled(engine: &Entry, what: &str) -> Result<Program, Stop> {
    if engine.script().is_some() {
        return Err(unsupported(format!("{} is driven from Python, whose {what} would drown its own", engine.name)));
    }
    // A gate looks into programs of older revisions too.
    Ok(Program { may_be_older: true, ..program(engine)? })
}

/// The reason for which an engine's cell is skipped.
pub(super) fn unsupported(reason: impl Into<String>) -> Stop {
    Stop::skipped(format!("unsupported: {}", reason.into()))
}

/// Valgrind's version.
///
/// # Errors
/// When it is not there: how to get it.
pub(crate) fn valgrind() -> Result<String> {
    command::version_of("valgrind").context(
        "this takes Valgrind, and `valgrind --version` does not run: apt-get install valgrind, or your system's way",
    )
}
