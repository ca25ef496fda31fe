//! Which of a [`Bench`]'s cells are run, and what a run would do: cells that need none by the history are left out where the settings
//! say so.

use std::collections::BTreeSet;

use super::{Bench, Error};
use crate::host::incremental::{self, Decided, Plan, Selection};
use crate::host::run::Cell;
use crate::host::settings::Settings;

impl Bench {
    /// What [`run`](Self::run) would measure, why, and about how long that takes, by the history. Nothing is built or measured for it,
    /// but the program of the history where it is missing and the settings leave cells out.
    ///
    /// # Errors
    /// As [`run`](Self::run).
    pub fn plan(mut self) -> Result<Plan, Error> {
        let settings = self.resolved()?;
        let suites = self.suites(&settings).map_err(Error::Usage)?;
        let catalog = self.catalog(&settings).map_err(Error::Usage)?;
        let cells = self.that_are_there(self.cells(&suites, &catalog, &settings)?);
        let Selection { due, left_out } = incremental::select(incremental::known(cells, &settings)?, &settings);
        Ok(Plan::of(&self.ordered(due, &settings), left_out, &settings))
    }

    /// The cells that are run, in their order; tells of those that are not.
    pub(super) fn due<'a>(&self, cells: Vec<Cell<'a>>, settings: &Settings) -> Result<Vec<Cell<'a>>, Error> {
        if settings.only.is_empty() {
            let all = self.ordered(incremental::undecided(cells), settings);
            return Ok(all.into_iter().map(|one| one.cell).collect());
        }
        let decided = incremental::decide(self.that_are_there(cells), settings, true)?;
        let Selection { due, left_out } = incremental::select(decided, settings);
        Ok(incremental::announced(self.ordered(due, settings), left_out.as_deref()))
    }

    fn ordered<'a>(&self, due: Vec<Decided<'a>>, settings: &Settings) -> Vec<Decided<'a>> {
        if self.by_priority { incremental::by_priority(&due, &settings.priority) } else { due }
    }

    /// Without the cells of engines that nobody named and that are not there: they would be missing for ever.
    fn that_are_there<'a>(&self, cells: Vec<Cell<'a>>) -> Vec<Cell<'a>> {
        if self.asks_for_engines() {
            return cells;
        }
        let (there, gone): (Vec<_>, Vec<_>) = cells.into_iter().partition(|cell| cell.engine.find().is_some());
        if there.is_empty() {
            return gone;
        }
        if !gone.is_empty() {
            let names: BTreeSet<&str> = gone.iter().map(|cell| cell.engine.name.as_str()).collect();
            let names: Vec<&str> = names.into_iter().collect();
            log::info!(
                "left out: {} cells of engines that are not built, name them to have them: {}",
                gone.len(),
                names.join(", ")
            );
        }
        there
    }
}
