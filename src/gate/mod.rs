//! The gate: whether this tree made an engine program, a query or the harness slower or hungrier than a base revision.
//!
//! Base and head take turns in fresh processes, so that whatever the machine does meets both; a pair is the unit. A screen of
//! ten pairs clears most rows, thirty new pairs decide on the others ([`judge`]). Controls that no change can touch - base against
//! base, two loops of ours, rows that run the very same on both sides - tell whether the machine kept still; where one moved, the run
//! is invalid and nobody is red. `cargo xtask gate --base main` is a thin caller.
//!
//! What this is not: Criterion's comparison of two runs, nor `cargo xtask report --baseline`, which name what to look at.

mod canary;
mod counted;
mod journal;
pub mod judge;
mod launcher;
mod machine;
mod measure;
mod outcome;
pub mod page;
mod replay;
mod sides;
mod worktree;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, ensure};

use crate::checkout::Checkout;
use crate::doctor;
use crate::id::BenchId;
use crate::interrupt;
use crate::lock::Lock;
use crate::measure::host::Host;
use crate::record;
use crate::settings::{GateSettings, Settings};
use journal::Journal;
pub use journal::{Launch, Pair, Pairs, Stage, read};
pub use judge::{Limit, Reading, Verdict};
use launcher::{Launcher, Lost};
pub use machine::Machine;
use measure::{Measured, Measuring, Plan};
use outcome::Entered;
pub use outcome::{Conclusion, Control, MetricOutcome, Outcome, RowOutcome, SCHEMA, conclude};
pub use sides::Role;
use sides::{Rows, Side};
use worktree::Place;

/// What is compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sides {
    /// This working tree against a revision.
    Tree {
        /// The base.
        base: String,
    },
    /// Two revisions.
    Revisions {
        /// The base.
        base: String,
        /// The head.
        head: String,
    },
    /// Two programs that are there, or two engines of the table.
    Programs {
        /// The base.
        base: String,
        /// The head.
        head: String,
    },
}

/// A gate to be.
#[derive(Debug, Clone)]
pub struct Gate {
    /// What is compared.
    pub sides: Sides,
    /// The rows, as in a bench; none: every query on the engines that are compiled here and built.
    pub filter: Option<String>,
    /// The time that may be spent measuring.
    pub budget: Option<Duration>,
    /// Whether an unfinished gate of the same is begun anew.
    pub fresh: bool,
    /// Rows that another machine found slower: these alone are decided, without a screen.
    pub confirm: Option<Vec<BenchId>>,
    /// Whether instructions are counted too.
    pub instructions: bool,
    /// Pairs of every row that are compared without a verdict; none: it is a gate.
    pub only_compare: Option<usize>,
}

/// Why there is no outcome.
#[derive(Debug)]
pub enum Stop {
    /// It cannot be meant as it was asked.
    Usage(anyhow::Error),
    /// It cannot be said: nothing was built, or it was interrupted.
    Undecided(anyhow::Error),
}

/// Anything that nobody foresaw decides nothing.
impl From<anyhow::Error> for Stop {
    fn from(error: anyhow::Error) -> Self {
        Self::Undecided(error)
    }
}

impl Gate {
    /// Builds what is missing, measures and judges.
    ///
    /// # Errors
    /// Why there is no outcome. A row that cannot be measured is no error, but a row of the outcome.
    pub fn run(&self, settings: &Settings) -> Result<Outcome, Stop> {
        self.run_in(&Checkout::here(), settings)
    }

    /// The same of another tree than the one that this runs for.
    ///
    /// # Errors
    /// As [`run`](Self::run).
    pub fn run_in(&self, here: &Checkout, settings: &Settings) -> Result<Outcome, Stop> {
        settings.gate.check_expiry().map_err(Stop::Usage)?;
        let folder = settings.home.join("gate");
        fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
        let _alone = Lock::wait(&folder, "gates")?;
        let started_at = record::now();
        let mut cautions = Vec::new();
        if self.instructions && matches!(self.sides, Sides::Programs { .. }) {
            let why = "instructions are counted of revisions: leave --instructions out, or name a --base";
            return Err(Stop::Usage(anyhow!(why)));
        }
        let (base, head) = self.sides(Place { here, folder: &folder }, settings, &mut cautions)?;
        let cells = sides::cells(&base, &head, self.filter(), settings).map_err(Stop::Usage)?;
        let mut rows = sides::rows(cells)?;
        self.narrow(&mut rows)?;
        let of_rows: Vec<BenchId> = rows.rows.iter().map(|row| row.id.clone()).collect();
        let named: Vec<BenchId> = of_rows.iter().chain(rows.missing.iter().map(|(id, _)| id)).cloned().collect();
        for row in settings.gate.without_row(&named) {
            cautions.push(format!("the exception for {row} means none of these rows"));
        }
        if !rows.new.is_empty() {
            cautions.push(format!("new, so there is nothing to hold them against: {}", list(&rows.new)));
        }
        let (measured, unchecked, machine) = self.measure(&rows, settings, &folder)?;
        if !unchecked.is_empty() {
            cautions.push(format!("answers without a reference, held against each other only: {}", list(&unchecked)));
        }
        replay::keep(&rows.rows, &measured.pairs, &folder, settings)?;
        let entered = entered(rows, &measured, settings, &mut cautions);
        let mut outcome = self.judge(&entered, &measured, machine, cautions, (&base, &head), settings, started_at);
        if self.instructions {
            outcome.count(counted::rows(&of_rows, &base, &head, settings)?, measured.cut_short);
        }
        Ok(outcome)
    }

    fn filter(&self) -> Option<&str> {
        self.filter.as_deref().filter(|filter| !filter.is_empty())
    }

    fn sides(&self, place: Place<'_>, settings: &Settings, cautions: &mut Vec<String>) -> Result<(Side, Side), Stop> {
        let filter = self.filter();
        let revision = |role, name: &str| Side::revision(role, name, place, filter, settings);
        match &self.sides {
            Sides::Tree { base } => {
                let of_base = revision(Role::Base, base)?;
                let missing = worktree::missing(place, base, "HEAD");
                if missing > 0 {
                    cautions.push(format!(
                        "{base} has {missing} commits that this tree lacks: what they made faster counts as slower here; rebase, or name the fork point: --base $(git merge-base {base} HEAD)"
                    ));
                }
                Ok((of_base, Side::here(Role::Head, place, filter, settings)?))
            }
            Sides::Revisions { base, head } => Ok((revision(Role::Base, base)?, revision(Role::Head, head)?)),
            Sides::Programs { base, head } => {
                let engine = sides::engine_of(head, filter, settings).map_err(Stop::Usage)?;
                let side = |role, name: &str| Side::program(role, name, &engine, settings).map_err(Stop::Usage);
                Ok((side(Role::Base, base)?, side(Role::Head, head)?))
            }
        }
    }

    /// Leaves the rows that another machine found slower.
    fn narrow(&self, rows: &mut Rows<'_>) -> Result<(), Stop> {
        let Some(confirm) = &self.confirm else { return Ok(()) };
        rows.rows.retain(|row| confirm.contains(&row.id));
        rows.missing.retain(|(id, _)| confirm.contains(id));
        rows.new.clear();
        for id in confirm {
            let known =
                rows.rows.iter().any(|row| row.id == *id) || rows.missing.iter().any(|(missing, _)| missing == id);
            if !known {
                return Err(Stop::Usage(anyhow!(
                    "{id}, which has to be confirmed, is no row of this gate: give the same filter and settings"
                )));
            }
        }
        Ok(())
    }

    fn plan(&self) -> Plan {
        Plan {
            screen: self.only_compare.unwrap_or(judge::SCREEN),
            confirms: self.only_compare.is_none(),
            all_are_suspects: self.confirm.is_some(),
            ..Plan::gate(self.budget)
        }
    }

    fn measure(
        &self,
        rows: &Rows<'_>,
        settings: &Settings,
        folder: &Path,
    ) -> Result<(Measured, Vec<BenchId>, Machine), Stop> {
        let runs: Vec<String> = rows.rows.iter().map(|row| format!("{} {:?}", row.id, row.runs)).collect();
        let plan = self.plan();
        let key = crate::checksum::sha256(format!(
            "{} {:?} {:?} {:?}",
            runs.join("\n"),
            plan.screen,
            self.confirm,
            self.sides
        ));
        let (mut journal, pairs) = Journal::open(folder, &key, self.fresh)?;
        if !pairs.is_empty() {
            let taken: usize = pairs.values().map(Vec::len).sum();
            eprintln!("going on with a gate that did not end: {taken} pairs are there (--fresh begins anew)");
        }
        for line in doctor::worst() {
            eprintln!("{line}");
        }
        eprintln!(
            "{} rows, {} pairs of each at first; launches are kept in {}",
            rows.rows.len(),
            plan.screen,
            journal.path().display()
        );
        let watch = machine::Watch::start();
        let mut launcher = Launcher::new(settings);
        let measured = if rows.rows.is_empty() {
            Measured::default()
        } else {
            Measuring::new(&rows.rows, &mut launcher, &mut journal, pairs, &settings.gate, plan).run()?
        };
        interrupt::check()?;
        journal.end()?;
        Ok((measured, launcher.unchecked(), watch.end()))
    }

    fn judge(
        &self,
        entered: &[Entered],
        measured: &Measured,
        machine: Machine,
        cautions: Vec<String>,
        (base, head): (&Side, &Side),
        settings: &Settings,
        started_at: String,
    ) -> Outcome {
        let rows = outcome::judge(entered, &measured.pairs, &settings.gate, self.confirm.is_some());
        let controls = outcome::controls(&measured.pairs, &settings.gate);
        let (conclusion, reasons) = outcome::conclude(&rows, &controls, &machine, measured.cut_short);
        Outcome {
            schema: SCHEMA,
            conclusion,
            reasons,
            cautions,
            base: base.told.clone(),
            head: head.told.clone(),
            rows,
            controls,
            machine,
            host: Host::read(),
            limits: settings.gate.clone(),
            pairs: measured.pairs.values().map(Vec::len).sum(),
            measuring_seconds: measured.took.as_secs_f64(),
            started_at,
        }
    }
}

/// The rows as they are judged: those that gave no time have their reason, those that neither side can run are left out.
fn entered(rows: Rows<'_>, measured: &Measured, settings: &Settings, cautions: &mut Vec<String>) -> Vec<Entered> {
    let mut entered = Vec::new();
    let mut enter = |id: BenchId, untouched, missing: Option<String>| {
        if let Some(why) = missing.as_ref().filter(|_| settings.gate.may_miss(&id)) {
            cautions.push(format!("{id} is missing by an exception: {why}"));
            return;
        }
        entered.push(Entered { id, untouched, missing });
    };
    let mut unsupported: Vec<BenchId> = Vec::new();
    for row in &rows.rows {
        match measured.lost.get(&row.id.to_string()) {
            Some(Lost::Unsupported(_)) => unsupported.push(row.id.clone()),
            Some(Lost::Failed(why)) => enter(row.id.clone(), row.is_untouched(), Some(why.clone())),
            None => enter(row.id.clone(), row.is_untouched(), None),
        }
    }
    for (id, why) in rows.missing {
        enter(id, false, Some(why));
    }
    if !unsupported.is_empty() {
        cautions.push(format!("unsupported by the base's engine: {}", list(&unsupported)));
    }
    entered
}

/// The verdicts on rows whose pairs are there, as a gate gives them. What is named like a control is none.
pub fn judged(pairs: &Pairs, limits: &GateSettings) -> Vec<RowOutcome> {
    let ids: BTreeSet<BenchId> = pairs.keys().filter_map(|(row, _)| row.parse().ok()).collect();
    let entered: Vec<Entered> = ids.into_iter().map(|id| Entered { id, untouched: false, missing: None }).collect();
    outcome::judge(&entered, pairs, limits, false)
}

fn list(ids: &[BenchId]) -> String {
    ids.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

/// The rows that another gate's JSON calls regressed.
///
/// # Errors
/// When the file is none, or there is nothing to confirm in it.
pub fn regressed_in(file: &Path) -> Result<Vec<BenchId>> {
    let text = fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
    let outcome: Outcome =
        serde_json::from_str(&text).with_context(|| format!("{} is no gate's JSON", file.display()))?;
    ensure!(outcome.schema == SCHEMA, "{} has schema {}, this reads {SCHEMA}", file.display(), outcome.schema);
    let regressed = outcome.rows.into_iter().filter(|row| row.verdict == Verdict::Regressed);
    let ids: Vec<BenchId> = regressed.map(|row| row.id).collect();
    ensure!(!ids.is_empty(), "{} calls no row regressed: there is nothing to confirm", file.display());
    Ok(ids)
}
