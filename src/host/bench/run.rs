//! The run itself: the cells that a [`Bench`] means, by counted runs.

use super::{Bench, Error, Event, RUNS};
use crate::host::criterion::replay::replay;
use crate::host::record::Record;
use crate::host::run::Runner;
use crate::host::run::sampler::Counted;
use crate::host::settings::Settings;
use crate::protocol::id::BenchId;

/// Runs all that the bench means.
///
/// # Errors
/// As [`Bench::run`].
pub(super) fn run(bench: &Bench, settings: &Settings) -> Result<Vec<Record>, Error> {
    let workloads = bench.workloads(settings).map_err(Error::Usage)?;
    let catalog = bench.catalog(settings).map_err(Error::Usage)?;
    let cells = bench.cells(&workloads, &catalog, settings)?;
    let ids: Vec<BenchId> = cells.iter().map(|cell| cell.id.clone()).collect();
    let sampler = Counted { runs: bench.runs.unwrap_or(RUNS) };
    let observer = |event: &Event<'_>| {
        if let Event::Judged { records } = event {
            replay(records, &settings.target.join("criterion"), None);
        }
        if let Some(observer) = &bench.observer {
            observer(event);
        }
    };
    let runner = Runner::new(settings, &observer, true)?;
    let programs = bench.programs(&cells, settings)?;
    observer(&Event::Planned { cells: &ids, runs: sampler.runs });
    Ok(runner.run_together(&cells, &programs, &sampler)?)
}
