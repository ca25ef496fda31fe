//! Results that older commits lack: each commit of a range is built in a worktree and measured there as a bench measures this one, where
//! the history has no result of its cell. For engines that are compiled here; others are the same at every commit.
//! `cargo xtask bench --backfill v1.0.. duckdb/q1`
//!
//! What this is not: the gate, which compares two revisions by pairs. Here each commit has records of its own, in the series of its
//! cells.

use std::collections::BTreeSet;
use std::fs;

use anyhow::{Context as _, Result, ensure};

use crate::host::bench::RUNS;
use crate::host::catalog::Catalog;
use crate::host::checkout::{self, Checkout, short};
use crate::host::gate::worktree::{self, Workspace};
use crate::host::incremental;
use crate::host::interrupt;
use crate::host::lock::Lock;
use crate::host::record::{Git, Record};
use crate::host::run::plan::programs;
use crate::host::run::select::{self, Cell, DefaultSelection};
use crate::host::run::{Counted, Event, Runner};
use crate::host::settings::Settings;
use crate::host::suite::Suite;
use crate::measure::machine::Host;
use crate::protocol::id::BenchId;

/// The worktree's name.
const SLOT: &str = "commit";

/// What is filled in.
#[derive(Debug, Clone)]
pub struct Backfill {
    /// The commits after this one are, up to the one that is checked out.
    pub after: String,
    /// The cells, as in a bench; none: all of the compiled engines that are built.
    pub filter: Option<String>,
    /// Timed runs of each cell; none: [`RUNS`].
    pub runs: Option<usize>,
}

/// A commit with the cells that it lacks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lacking {
    /// Its full hash.
    pub commit: String,
    /// Cells of today that the history has no result of at that commit.
    pub cells: Vec<BenchId>,
}

impl Backfill {
    /// Which commits lack which cells, the oldest first, by the first parent of each. Cells are those that there are today.
    ///
    /// # Errors
    /// For an unknown revision, a filter that matches no cell of a compiled engine, or when the history cannot be asked.
    pub fn plan(&self, here: &Checkout, settings: &Settings) -> Result<Vec<Lacking>> {
        let mut catalog = Catalog::read_in(here, settings)?;
        catalog.add_versions(&select::words(self.filter()))?;
        let suites = Suite::all_in(&here.root, settings)?;
        let all = select::all(&suites, &catalog, settings);
        let mut cells = select::select(all, self.filter(), false, DefaultSelection::of(settings))?;
        cells.retain(|cell| self.is_meant(cell));
        ensure!(
            !cells.is_empty(),
            "no cell of an engine that is compiled here and built: name some, such as duckdb/q1; packages are the same at every commit"
        );
        let known = incremental::commits(settings, &Host::read().class())?;
        let known: BTreeSet<(&str, &str, &str)> =
            known.iter().map(|one| (one.cell.as_str(), one.suite.as_str(), one.git_commit.as_str())).collect();
        let lacks = |commit: &str, cell: &&Cell<'_>| {
            !known.contains(&(cell.id.to_string().as_str(), cell.suite.name.as_str(), commit))
        };
        let lacking = self.commits(here)?.into_iter().map(|commit| {
            let cells = cells.iter().filter(|cell| lacks(&commit, cell)).map(|cell| cell.id.clone()).collect();
            Lacking { commit, cells }
        });
        Ok(lacking.filter(|lacking| !lacking.cells.is_empty()).collect())
    }

    /// Builds and measures what is lacking. A commit that cannot be checked out or read is reported and left out; what does not build or
    /// fails is a record, as in a bench. An interrupt ends it early, and it goes on from there when it is called again.
    ///
    /// # Errors
    /// As [`plan`](Self::plan), or when a record cannot be written.
    pub fn run(
        &self,
        here: &Checkout,
        settings: &Settings,
        observer: &(dyn Fn(&Event<'_>) + Sync),
    ) -> Result<Vec<Record>> {
        let folder = settings.target.join("querydyno/backfill");
        fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
        let _alone = Lock::wait(&folder, "fills in commits")?;
        let workspace = Workspace { here, folder: &folder, filter: self.filter(), settings };
        let mut records = Vec::new();
        // Asked for behind the lock: another one may just have filled in the same.
        for Lacking { commit, cells } in self.plan(here, settings)? {
            if interrupt::requested() {
                break;
            }
            let at = match worktree::at(workspace, SLOT, &commit).and_then(|checkout| At::read(&checkout, settings)) {
                Ok(at) => at,
                Err(error) => {
                    log::warn!("left out: {}: {error:#}", short(&commit));
                    continue;
                }
            };
            let count = if cells.len() == 1 { "one result".to_owned() } else { format!("{} results", cells.len()) };
            log::info!("{} lacks {count}", short(&commit));
            records.extend(self.measure(&at, &cells, settings, observer)?);
        }
        incremental::take_in(settings);
        Ok(records)
    }

    fn measure(
        &self,
        at: &At,
        wanted: &[BenchId],
        settings: &Settings,
        observer: &(dyn Fn(&Event<'_>) + Sync),
    ) -> Result<Vec<Record>> {
        let mut cells = select::all(&at.suites, &at.catalog, settings);
        // A query or an engine that was not there yet is lacking for ever.
        cells.retain(|cell| wanted.contains(&cell.id) && cell.engine.recipe().is_some());
        if cells.is_empty() {
            return Ok(Vec::new());
        }
        let mut runner = Runner::new(settings, observer, true)?;
        runner.context = runner.context.of(Some(at.git.clone()));
        let mut programs = programs(&cells, settings, true)?;
        // It may speak the protocol as it was then.
        programs.values_mut().flatten().for_each(|program| program.may_be_older = true);
        runner.run(&cells, &programs, &Counted { runs: self.runs.unwrap_or(RUNS) })
    }

    /// Of a filter the compiled engines; without one those of them that are built, since building takes minutes a commit.
    fn is_meant(&self, cell: &Cell<'_>) -> bool {
        cell.engine.recipe().is_some() && (self.filter.is_some() || cell.engine.find().is_some())
    }

    fn filter(&self) -> Option<&str> {
        self.filter.as_deref().filter(|filter| !filter.is_empty())
    }

    /// The full hashes of the commits after the first, the oldest first.
    fn commits(&self, here: &Checkout) -> Result<Vec<String>> {
        let name = self.after.trim_end_matches("..");
        let range = format!("{name}..HEAD");
        let args = ["rev-list", "--first-parent", "--reverse", "--end-of-options", &range];
        let output = checkout::git(&here.root).args(args).output().context("cannot start git")?;
        let said = String::from_utf8_lossy(&output.stderr);
        ensure!(
            output.status.success() && !name.is_empty(),
            "git knows no revision '{name}' here: give the commit after which results are to be filled in, such as v1.0..; git says: {}",
            said.lines().next().unwrap_or_default()
        );
        Ok(String::from_utf8_lossy(&output.stdout).lines().map(str::to_owned).collect())
    }
}

/// A commit that is checked out.
struct At {
    git: Git,
    catalog: Catalog,
    suites: Vec<Suite>,
}

impl At {
    fn read(checkout: &Checkout, settings: &Settings) -> Result<Self> {
        Ok(Self {
            git: Git::read_in(&checkout.root).context("git does not tell which commit it is")?,
            catalog: Catalog::read_in(checkout, settings)?,
            suites: Suite::all_in(&checkout.root, settings)?,
        })
    }
}
