//! Which cells a [`Bench`] means, and the programs of their engines.

use std::env;

use anyhow::{Result, anyhow, ensure};

use super::{Bench, Error, RUNS};
use crate::host::catalog::Catalog;
use crate::host::criterion::SAMPLES;
use crate::host::filter::Filter;
use crate::host::incremental::CellList;
use crate::host::run::forecast;
use crate::host::run::plan::{self, Programs};
use crate::host::run::select::{self, Cell, DefaultSelection};
use crate::host::settings::{Settings, called_in};
use crate::host::suite::{Suite, is_adhoc};

impl Bench {
    /// The suites that cells can be of.
    pub(super) fn suites(&self, settings: &Settings) -> Result<Vec<Suite>> {
        let folder = env::current_dir()?;
        let name = self.name.as_deref();
        ensure!(
            self.sql.is_none() || (self.suite.is_none() && self.filter.is_none()),
            "a query of your own, or a suite, or a filter over the cells that there are: give one of them"
        );
        ensure!(self.tables.is_empty() || self.sql.is_some(), "a table goes with a query: give its SQL");
        if let Some(sql) = &self.sql {
            return Ok(vec![Suite::adhoc(&self.tables, sql, name, &folder)?]);
        }
        if let Some(folder) = &self.suite {
            // Whoever names the folder names the suite.
            return Ok(vec![Suite { on_request: false, ..Suite::read_from(folder)? }]);
        }
        // What is missing is asked of all cells where nobody names some, or has a query of their own.
        let asks_all = self.list.is_some() || (!settings.only.is_empty() && settings.adhoc.is_none());
        if self.filter.is_none() && !asks_all {
            let own = settings.adhoc_query()?;
            return Ok(vec![Suite::adhoc(std::slice::from_ref(&own.table), &own.sql, name, &called_in()?)?]);
        }
        if self.words().iter().any(|word| is_adhoc(word)) {
            Suite::adhoc_of(settings)?;
        }
        Suite::all(settings)
    }

    /// The engines that cells can be of.
    pub(super) fn catalog(&self, settings: &Settings) -> Result<Catalog> {
        let mut catalog = Catalog::read(settings)?;
        if !self.engines.is_empty() {
            return catalog.only(&self.engines);
        }
        catalog.add_versions(&self.words())?;
        catalog.add_versions(&self.list.as_ref().map(CellList::engines).unwrap_or_default())?;
        Ok(catalog)
    }

    /// The cells, each with how many run beside it.
    ///
    /// # Errors
    /// When none is meant, or Criterion would keep the samples of two under one name.
    pub(super) fn cells<'a>(
        &self,
        suites: &'a [Suite],
        catalog: &'a Catalog,
        settings: &'a Settings,
    ) -> Result<Vec<Cell<'a>>, Error> {
        let filter = self.filter.as_deref();
        let means = Filter::new(filter.unwrap_or_default(), false).map_err(Error::Usage)?;
        let cells = select::all(suites, catalog, settings);
        let mut cells: Vec<Cell<'a>> = if let Some(list) = &self.list {
            let listed = list.of(&cells, self.parallel.unwrap_or(1)).map_err(Error::NothingSelected)?;
            listed.into_iter().filter(|cell| means.means_in(&cell.id, &cell.suite.name)).collect()
        } else {
            let selected = select::select(cells, filter, false, DefaultSelection::of(settings));
            selected.map_err(Error::NothingSelected)?
        };
        let most = cells.chunk_by(Cell::asks_the_same).map(<[_]>::len).max().unwrap_or(1);
        let parallel = self.parallel.unwrap_or(1).min(most);
        for cell in &mut cells {
            cell.variant.parallel = parallel;
            cell.id.variant = cell.variant.to_string();
        }
        // Criterion keeps none of fewer.
        if self.runs.unwrap_or(RUNS) >= SAMPLES {
            select::check_names(&cells).map_err(Error::Usage)?;
        }
        Ok(cells)
    }

    /// The programs of these cells' engines. Those that nobody named are not built for it.
    ///
    /// # Errors
    /// When none is there, or after an interrupt.
    pub(super) fn programs<'a>(&self, cells: &[Cell<'a>], settings: &Settings) -> Result<Programs<'a>, Error> {
        let asked_for = self.asks_for_engines();
        if !asked_for && cells.iter().all(|cell| cell.engine.find().is_none()) {
            let why =
                "no engine is built or installed: name some, which builds them, or first: cargo xtask build duckdb";
            return Err(Error::NothingSelected(anyhow!(why)));
        }
        if asked_for && let Some(line) = forecast::building(cells) {
            log::info!("{line}");
        }
        Ok(plan::programs(cells, settings, asked_for)?)
    }

    /// Whether somebody named engines, which are built then.
    pub(super) fn asks_for_engines(&self) -> bool {
        !self.engines.is_empty() || self.filter.is_some() || self.list.is_some()
    }

    fn words(&self) -> Vec<&str> {
        select::words(self.filter.as_deref())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_of_a_few_runs_may_have_names_that_criterion_cuts() {
        let settings = Settings::read_with([("QUERYDYNO_MEMORY", "4GiB"), ("QUERYDYNO_THREADS", "100")]).unwrap();
        let (suites, catalog) = (Suite::all(&settings).unwrap(), Catalog::read(&settings).unwrap());
        let mode = "streaming-columnar-parallel-label-cache-insert-batch";
        let of = |runs: usize| {
            let bench = Bench::new().filter(format!("pipeline/pods-daily/sf1/parquet-{mode}-100t-4GiB")).runs(runs);
            bench.cells(&suites, &catalog, &settings).map(|cells| cells.len())
        };
        assert_eq!(of(SAMPLES - 1).unwrap(), 1);
        assert!(of(SAMPLES).unwrap_err().to_string().contains("Criterion cuts"));
    }
}
