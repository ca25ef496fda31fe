//! What has to be there before the first cell: programs and baselines.

use std::collections::BTreeMap;

use anyhow::{Result, bail};

use super::select::Cell;
use super::stop::Stop;
use crate::host::catalog::Entry;
use crate::host::data::iceberg::client;
use crate::host::data::s3;
use crate::host::data::tables;
use crate::host::interrupt;
use crate::host::paths;
use crate::host::session::Program;
use crate::host::settings::Settings;
use crate::host::variant::{is_iceberg, is_on_s3};

/// Engines' programs by name, or why there is none.
pub(crate) type Programs<'a> = BTreeMap<&'a str, Result<Program, Stop>>;

/// The engine's program, or why it cannot be had.
///
/// # Errors
/// One of ours that does not compile is broken; an own program, Python or an index may well be absent.
pub(crate) fn program(engine: &Entry) -> Result<Program, Stop> {
    let stop = if engine.recipe().is_some() { Stop::failed } else { Stop::skipped };
    engine.program().map_err(|error| stop(format!("not available: {error:#}")))
}

/// The programs of all engines that these cells need, or why one cannot be had. What is missing is left out instead unless it `may_build`. The program for Iceberg tables is built here too, where a cell needs it.
///
/// # Errors
/// After an interrupt.
pub(crate) fn programs<'a>(cells: &[Cell<'a>], settings: &Settings, may_build: bool) -> Result<Programs<'a>> {
    let mut programs = BTreeMap::new();
    for engine in cells.iter().map(|cell| cell.engine) {
        if programs.contains_key(engine.name.as_str()) {
            continue;
        }
        let is_there = engine.find().is_some();
        let may = may_build || is_there;
        let unread = || if is_there { None } else { unread(cells, engine, settings) };
        let program = match unread() {
            _ if !may => Err(missing(engine)),
            Some(why) => Err(why.into()),
            None => program(engine),
        };
        interrupt::check()?;
        if may && let Err(stop) = &program {
            log::info!("{}: {}", engine.name, stop.why.reason);
        }
        programs.insert(engine.name.as_str(), program);
    }
    // A table that is not there is its cells' own error: nothing is built for it.
    let needs_iceberg = |cell: &Cell<'_>| {
        is_iceberg(cell.variant.format) && tables::missing(cell.suite, &cell.query.tables, settings).is_none()
    };
    // Minutes that belong to no cell. Cells of other formats go on without it, and each of these tells why once more.
    let further = |needed: bool, ready: fn() -> Result<()>| {
        if needed && let Err(error) = ready() {
            log::info!("{error:#}");
        }
        interrupt::check()
    };
    further(cells.iter().any(needs_iceberg), client::ready)?;
    further(cells.iter().any(|cell| is_on_s3(cell.variant.format)), s3::ready)?;
    Ok(programs)
}

/// Why none of an engine's cells has tables: then it needs no program, which takes minutes to build.
fn unread(cells: &[Cell<'_>], engine: &Entry, settings: &Settings) -> Option<anyhow::Error> {
    let of_engine = cells.iter().filter(|cell| cell.engine.name == engine.name);
    let whys = of_engine.map(|cell| tables::missing(cell.suite, &cell.query.tables, settings));
    whys.collect::<Option<Vec<_>>>()?.into_iter().next()
}

/// An engine that nobody named and that is not there.
fn missing(engine: &Entry) -> Stop {
    Stop::skipped(match engine.recipe() {
        Some(recipe) => format!("not built; about {} min: cargo xtask build {}", recipe.minutes(), engine.name),
        None if engine.script().is_some() => format!("not installed: cargo xtask build {}", engine.name),
        None => "its program is not there".to_owned(),
    })
}

/// Which of these engines have to be built first, and how long that takes; `None` when all are there.
pub(super) fn to_build<'a>(engines: impl IntoIterator<Item = &'a Entry>) -> Option<String> {
    let mut missing: BTreeMap<&str, u32> = BTreeMap::new();
    for engine in engines {
        if !missing.contains_key(engine.name.as_str()) && engine.find().is_none() {
            missing.extend(engine.recipe().map(|recipe| (engine.name.as_str(), recipe.minutes())));
        }
    }
    if missing.is_empty() {
        return None;
    }
    let list: Vec<String> = missing.iter().map(|(name, minutes)| format!("{name} (about {minutes} min)")).collect();
    let total: u32 = missing.values().sum();
    let all = if missing.len() > 1 { format!(": about {total} min in all") } else { String::new() };
    Some(format!("build {}, once{all}, less for what was compiled before", list.join(", ")))
}

/// Checks that a named baseline is there for every cell, which Criterion would otherwise find out one panic at a time.
///
/// # Errors
/// Names the cells without it and says how to make it.
pub(crate) fn check_baseline(cells: &[Cell<'_>], baseline: &str) -> Result<()> {
    let stored = |cell: &&Cell<'_>| paths::criterion_of(&cell.id).join(baseline).join("sample.json").exists();
    let missing: Vec<String> = cells.iter().filter(|cell| !stored(cell)).map(|cell| cell.id.to_string()).collect();
    let Some(first) = missing.first() else { return Ok(()) };
    let others = missing.len() - 1;
    let more = if others > 0 { format!(" and {others} more") } else { String::new() };
    bail!(
        "there is no baseline '{baseline}' for {first}{more}; save one with: cargo bench -- {first} --save-baseline {baseline}"
    )
}
