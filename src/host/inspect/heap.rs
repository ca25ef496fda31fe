//! Allocations of one run: by dhat in a program built for it, or by Valgrind's DHAT around the ordinary program.
//!
//! Both count a second run: the first one fills what an engine keeps between runs. dhat sees what goes through Rust's global
//! allocator, in that run only. Valgrind sees C++ too, but the whole life of a program; so the program lives twice, with one run
//! and with two, and the difference is told.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Result, anyhow};
use serde::Serialize;

use super::cell::{Inspection, compiled, unsupported, valgrind};
use super::profile::{Profile, Site};
use crate::host::checkout::Checkout;
use crate::host::inspected;
use crate::host::record::{self, HeapRecord, Inspects, Record};
use crate::host::run::{Cell, Event, Fresh, Ready, Stop};
use crate::host::session::Program;
use crate::host::settings::Settings;
use crate::host::terminal::Terminal;
use crate::protocol::observe::{Heap, Observe};

/// Who counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tool {
    /// dhat for engines in Rust, Valgrind's DHAT for those in C++.
    Fitting,
    /// Valgrind's DHAT for all.
    Valgrind,
}

/// An inspected cell.
#[derive(Debug, Serialize)]
pub struct HeapFound {
    /// The cell's record; its `heap` holds the totals.
    pub record: Record,
    /// The profile for dhat's viewer.
    pub profile: Option<PathBuf>,
    /// Where bytes were allocated, most first.
    pub sites: Vec<Site>,
}

/// A program may take so many times longer here than in a bench.
const SLOWER: u32 = 100;

/// Counts the allocations of one run of every cell that the filter means.
///
/// # Errors
/// A filter that means no cell, or after an interrupt; what fails in a cell is in its record.
pub fn heap(filter: Option<&str>, tool: Tool, settings: &Settings) -> Result<Vec<HeapFound>> {
    let mut slow = settings.clone();
    slow.timeout = Some(settings.timeout() * SLOWER);
    slow.query_timeout = settings.query_timeout.map(|budget| budget * SLOWER);
    let terminal = Terminal::default();
    let observer = |event: &Event<'_>| terminal.tell(event);
    let inspection = Inspection::new(&slow, &Checkout::here(), &observer)?;
    let found = inspection.each(filter, Inspects::Heap, |inspection, cell, record, profiled| {
        log::info!("{}: counting allocations", cell.id);
        *profiled = one(inspection, cell, tool, record)?;
        Ok(())
    })?;
    let told = |(record, (profile, sites))| HeapFound { record, profile, sites };
    Ok(found.into_iter().map(told).collect())
}

type Profiled = (Option<PathBuf>, Vec<Site>);

fn one(inspection: &Inspection<'_>, cell: &Cell<'_>, tool: Tool, record: &mut Record) -> Result<Profiled, Stop> {
    let engine = cell.engine;
    let timed = compiled(engine, "allocations")?;
    let home = &inspection.settings.home;
    let folder = inspected::folder(home, "heap");
    std::fs::create_dir_all(&folder).map_err(anyhow::Error::from)?;
    let profile = folder.join(format!("{}.dhat.json", inspected::name(record)));
    let (heap, sites, tool) = match engine.recipe() {
        Some(recipe) if tool == Tool::Fitting && !recipe.cxx => {
            let Some(recipe) = recipe.heap() else {
                return Err(unsupported(format!(
                    "{} has no program that watches its heap; try --valgrind",
                    engine.name
                )));
            };
            let program = engine.made(&recipe)?;
            let (heap, sites) = by_dhat(inspection, cell, &program, &profile, record)?;
            (heap, sites, "dhat".to_owned())
        }
        None if tool == Tool::Fitting => {
            return Err(unsupported(format!("{} was not built here; try --valgrind", engine.name)));
        }
        _ => {
            let version = valgrind()?;
            let (heap, sites) = by_valgrind(inspection, cell, &timed, &profile, record)?;
            // Valgrind knows allocators by their functions' usual names.
            let own = record.engine.build.allocator.as_deref().is_some_and(|name| name.contains("own jemalloc"));
            let unseen =
                if own { "; without the blocks of the library's own jemalloc, which it does not see" } else { "" };
            let told = "totals of a second run, the peak with what was there before";
            (heap, sites, format!("{version} DHAT; {told}{unseen}"))
        }
    };
    record.set_heap(HeapRecord { heap, tool, taken_at: record::now() });
    inspected::keep(home, "heap", record, &timed.path)?;
    Ok((Some(profile), sites))
}

fn by_dhat(
    inspection: &Inspection<'_>,
    cell: &Cell<'_>,
    program: &Program,
    profile: &Path,
    record: &mut Record,
) -> Result<(Heap, Vec<Site>), Stop> {
    // The verifying run before has filled whatever an engine keeps between runs.
    let Ready { mut session, .. } = inspection.verified(cell, program, record)?;
    let runs = session.observe(Observe::Heap { profile: profile.to_owned() })?;
    let heap = runs.observed.heap.ok_or_else(|| anyhow!("the program counted no allocations"))?;
    session.close()?;
    Ok((heap, Profile::read(profile)?.sites(None)))
}

fn by_valgrind(
    inspection: &Inspection<'_>,
    cell: &Cell<'_>,
    program: &Program,
    profile: &Path,
    record: &mut Record,
) -> Result<(Heap, Vec<Site>), Stop> {
    let Ready { session, dataset, query, .. } = inspection.verified(cell, program, record)?;
    session.close()?;
    let without = profile.with_extension("without");
    let live = |file: &Path, runs: u64| -> Result<Profile, Stop> {
        let watched = under_valgrind(program, file);
        let fresh = Fresh::of(cell, &watched, inspection.settings, &dataset, &query);
        let mut session = fresh.launch(false)?.session;
        for _ in 0..runs {
            session.run(1)?;
        }
        session.close_within(Duration::from_mins(10))?;
        Ok(Profile::read(file)?)
    };
    let before = live(&without, 1)?;
    let after = live(profile, 2)?;
    // Only the difference says something, and it is told.
    let _ = std::fs::remove_file(&without);
    let (less, heap) = (before.heap(), after.heap());
    let heap = Heap {
        total_bytes: heap.total_bytes.saturating_sub(less.total_bytes),
        total_blocks: heap.total_blocks.saturating_sub(less.total_blocks),
        // What was there before is part of the peak: it cannot be told apart.
        ..heap
    };
    Ok((heap, after.sites(Some(&before))))
}

/// The program under DHAT; jemalloc in the program itself is seen by its functions' names.
fn under_valgrind(program: &Program, profile: &Path) -> Program {
    // No vgdb: its pipes for a debugger would stay in /tmp after an interrupt.
    let options = ["--tool=dhat", "--quiet", "--vgdb=no", "--num-callers=40", "--soname-synonyms=somalloc=NONE"];
    let files = [format!("--dhat-out-file={}", profile.display()), program.path.display().to_string()];
    let args = options.map(str::to_owned).into_iter().chain(files).chain(program.args.iter().cloned()).collect();
    Program { path: "valgrind".into(), args, env: program.env.clone(), ..Program::default() }
}
