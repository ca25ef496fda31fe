//! The gate: whether this tree made an engine program, a query or the harness slower or hungrier than a base revision.
//!
//! Base and head take turns in fresh processes, so that whatever the machine does meets both; a pair is the unit. A screen of
//! ten pairs clears most rows, thirty new pairs decide on the others ([`judge`]). Controls that no change can touch - base against
//! base, two loops of ours, rows that run the very same on both sides - tell whether the machine kept still; where one moved, the run
//! is invalid and nobody is red. `cargo xtask gate --base main` is a thin caller.
//!
//! What this is not: Criterion's comparison of two runs, nor `cargo xtask report --baseline`, which name what to look at.

mod canary;
mod conclude;
mod controls;
mod counted;
mod error;
mod journal;
pub mod judge;
mod launcher;
mod machine;
mod measure;
mod outcome;
pub mod page;
mod plans;
mod replay;
mod rows;
mod side;
mod verdicts;
pub(crate) mod worktree;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, ensure};

use crate::host::checkout::Checkout;
use crate::host::checksum::sha256;
use crate::host::doctor;
use crate::host::inspect;
use crate::host::interrupt;
use crate::host::lock::Lock;
use crate::host::record;
use crate::host::settings::{GateSettings, Settings};
use crate::measure::machine::Host;
use crate::protocol::id::BenchId;
pub use conclude::conclude;
pub use error::Error;
use journal::{Journal, Lost};
pub use journal::{Launch, Pair, Pairs, read};
pub use judge::{Reading, Stage, Verdict};
use launcher::Launcher;
pub use machine::Machine;
use measure::{Measured, Plan, measure};
pub use outcome::{Conclusion, Control, GateOutcome, MetricOutcome, RowOutcome, SCHEMA};
use rows::Rows;
pub use side::Role;
use side::Side;
use worktree::Workspace;

/// What is compared.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "a variant says what its fields are where their names do not")]
pub enum Comparison {
    /// Two revisions; where there is no head, it is this working tree.
    Revisions { base: String, head: Option<String> },
    /// Two programs that are there, or two engines of the table.
    Programs { base: String, head: String },
}

/// A gate to be.
#[derive(Debug, Clone)]
pub struct Gate {
    /// What is compared.
    pub comparison: Comparison,
    /// The rows, as in a bench; none: every query on the engines that are compiled here and built.
    pub filter: Option<String>,
    /// The time that may be spent measuring.
    pub budget: Option<Duration>,
    /// Whether an unfinished gate of the same is begun anew.
    pub fresh: bool,
    /// What another machine found: the rows that were slower there are decided here, without a screen, and what else it could not
    /// say stands.
    pub confirm: Option<GateOutcome>,
    /// Whether instructions are counted too.
    pub instructions: bool,
    /// Pairs of every row that are compared without a verdict; none: it is a gate.
    pub only_compare: Option<usize>,
}

impl Gate {
    /// Builds what is missing, measures and judges; this tree is the one `here`.
    ///
    /// # Errors
    /// Why there is no outcome. A row that cannot be measured is no error, but a row of the outcome.
    pub fn run(&self, here: &Checkout, settings: &Settings) -> Result<GateOutcome, Error> {
        if self.only_compare.is_none() {
            settings.gate.check_expiry().map_err(Error::Usage)?;
        }
        if self.instructions {
            if matches!(self.comparison, Comparison::Programs { .. }) {
                let why = anyhow!("instructions are counted of revisions: leave --instructions out, or name a --base");
                return Err(Error::Usage(why));
            }
            // Before an hour of pairs.
            inspect::valgrind()?;
        }
        let folder = settings.target.join("querydyno/gate");
        fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
        let workspace = Workspace { here, folder: &folder, filter: self.filter(), settings };
        self.check_revisions(workspace)?;
        let kept = settings.home.join("gate");
        fs::create_dir_all(&kept).with_context(|| format!("cannot make {}", kept.display()))?;
        // Checkouts may share the one folder or the other.
        let _alone = (Lock::wait(&folder, "gates")?, Lock::wait(&kept, "gates")?);
        let started_at = record::now();
        let mut cautions = Vec::new();
        let (base, head) = self.base_and_head(workspace, &mut cautions)?;
        let mut cells = rows::cells(&base, &head, self.filter(), settings).map_err(Error::Usage)?;
        if let Some(first) = &self.confirm {
            check_same(first, &base, &head).map_err(Error::Usage)?;
            cells.narrow(&slower(first)).map_err(Error::Usage)?;
        }
        let rows = rows::rows(cells)?;
        if let Some(row) = rows.both.iter().find(|row| self.confirm.is_some() && row.is_untouched()) {
            let why =
                "runs the very same on both sides here, so what the first machine compared is not here to be confirmed";
            return Err(Error::Undecided(anyhow!("{} {why}", row.id)));
        }
        let of_rows: Vec<BenchId> = rows.both.iter().map(|row| row.id.clone()).collect();
        self.caution(&rows, settings, &mut cautions);
        let mut launcher = Launcher::new(settings);
        let (mut journal, measured, machine) = self.measure(&rows, &mut launcher, settings, &kept)?;
        let (alike, hidden) = launcher.unchecked();
        let mut plans = launcher.plan_changes();
        caution_of(&mut cautions, "answers without a reference, held against each other only", &alike);
        caution_of(&mut cautions, "answers that the engine cannot show, checked by their rows only", &hidden);
        match replay::keep(&rows.both, (&base, &head), &measured.taken.pairs, &kept, settings) {
            // Under a budget most rows are.
            Ok(few) if self.budget.is_none() => {
                caution_of(&mut cautions, "too few launches for Criterion's statistics, so not in its folder", &few);
            }
            Ok(_) => {}
            // What was measured is judged all the same.
            Err(error) => cautions.push(format!("its samples are kept in the journal alone: {error:#}")),
        }
        let entered = entered(rows, &measured, settings, &mut cautions);
        let pairs = &measured.taken.pairs;
        let controls = controls::controls(pairs, &entered, &settings.gate);
        let mut rows = verdicts::judge(entered, pairs, &settings.gate, self.confirm.is_some());
        if self.instructions {
            let counted = counted::rows(&of_rows, &base, &head, settings);
            interrupt::check()?;
            let uncounted = |error: anyhow::Error| {
                let why = format!("instructions: {error:#}");
                of_rows.iter().map(|id| RowOutcome::invalid(id.clone(), why.clone())).collect()
            };
            rows.extend(counted.unwrap_or_else(uncounted));
        }
        for row in &mut rows {
            row.plan = plans.remove(&row.id);
        }
        rows.extend(self.confirm.iter().flat_map(stands));
        let (conclusion, reasons) = conclude(&rows, &controls, &machine, measured.cut_short);
        journal.end()?;
        Ok(GateOutcome {
            schema: SCHEMA,
            conclusion,
            reasons,
            cautions,
            base_commit: base.commit().map(str::to_owned),
            head_commit: head.commit().map(str::to_owned),
            base: base.told,
            head: head.told,
            rows,
            controls,
            cut_short: measured.cut_short,
            machine,
            host: Host::read(),
            limits: settings.gate.clone(),
            pairs: pairs.values().map(Vec::len).sum(),
            measuring_seconds: measured.took.as_secs_f64(),
            started_at,
        })
    }

    fn filter(&self) -> Option<&str> {
        self.filter.as_deref().filter(|filter| !filter.is_empty())
    }

    /// Before it waits for another gate.
    fn check_revisions(&self, workspace: Workspace<'_>) -> Result<(), Error> {
        let Comparison::Revisions { base, head } = &self.comparison else { return Ok(()) };
        let mut names = [Some(base), head.as_ref()].into_iter().flatten();
        names.try_for_each(|name| worktree::commit(workspace, name).map(drop)).map_err(Error::Usage)
    }

    fn base_and_head(&self, workspace: Workspace<'_>, cautions: &mut Vec<String>) -> Result<(Side, Side), Error> {
        let Workspace { filter, settings, .. } = workspace;
        match &self.comparison {
            Comparison::Revisions { base, head } => {
                let of_base = Side::revision(Role::Base, base, workspace)?;
                if let Some(head) = head {
                    return Ok((of_base, Side::revision(Role::Head, head, workspace)?));
                }
                let missing = worktree::missing(workspace, base, "HEAD");
                if missing > 0 {
                    cautions.push(format!(
                        "{base} has {missing} commits that this tree lacks: what they made faster counts as slower here; rebase, or name the fork point: --base $(git merge-base {base} HEAD)"
                    ));
                }
                let head = Side::here(Role::Head, workspace)?;
                let built = side::built_otherwise(&of_base, &head);
                if !built.is_empty() {
                    cautions.push(format!(
                        "both sides are compiled as this tree says, which differs in {}",
                        built.join(", ")
                    ));
                }
                Ok((of_base, head))
            }
            Comparison::Programs { base, head } => {
                let engine = side::engine_of(head, filter, settings).map_err(Error::Usage)?;
                let side = |role, name: &str| Side::program(role, name, &engine, settings).map_err(Error::Usage);
                Ok((side(Role::Base, base)?, side(Role::Head, head)?))
            }
        }
    }

    /// What is good to know of the rows before they are measured.
    fn caution(&self, rows: &Rows<'_>, settings: &Settings, cautions: &mut Vec<String>) {
        let of_rows = rows.both.iter().map(|row| &row.id).chain(&rows.removed);
        let named: Vec<BenchId> = of_rows.chain(rows.unusable.iter().map(|(id, _)| id)).cloned().collect();
        // A second machine sees a few rows only.
        for row in settings.gate.without_row(&named).into_iter().filter(|_| self.confirm.is_none()) {
            cautions.push(format!("the exception for {row} means none of these rows"));
        }
        caution_of(cautions, "new, so there is nothing to hold them against", &rows.new);
    }

    fn measure<'a>(
        &self,
        rows: &'a Rows<'a>,
        launcher: &mut Launcher<'a>,
        settings: &'a Settings,
        folder: &Path,
    ) -> Result<(Journal, Measured, Machine), Error> {
        let plan = Plan {
            screen: self.only_compare.unwrap_or(judge::SCREEN),
            confirms: self.only_compare.is_none(),
            all_are_suspects: self.confirm.is_some(),
            budget: self.budget,
        };
        let runs: Vec<String> = rows.both.iter().map(|row| format!("{} {:?}", row.id, row.runs)).collect();
        let confirms = self.confirm.as_ref().map(slower);
        let key = sha256(format!("{} {confirms:?} {:?}", runs.join("\n"), self.only_compare));
        let (mut journal, taken) = Journal::open(folder, &key, self.fresh)?;
        if !taken.pairs.is_empty() || !taken.lost.is_empty() {
            let pairs: usize = taken.pairs.values().map(Vec::len).sum();
            log::info!("going on with a gate that did not end: {pairs} pairs are there (--fresh begins anew)");
            for (row, why) in &taken.lost {
                log::info!("{row}: {} (--fresh tries again)", why.reason());
            }
        }
        if rows.both.is_empty() {
            return Ok((journal, Measured::default(), Machine::default()));
        }
        for row in &rows.both {
            launcher.prepare(row);
            interrupt::check()?;
        }
        for line in doctor::worst() {
            log::info!("{line}");
        }
        let (count, place) = (rows.both.len(), journal.path().display());
        let pairs = if plan.all_are_suspects { judge::INTERIM_SIZES[0] } else { plan.screen };
        log::info!("rows: {count}, pairs of each at first: {pairs}; launches are kept in {place}");
        let watched = Machine::watch();
        let measured = measure(&rows.both, launcher, &mut journal, taken, &settings.gate, plan)?;
        Ok((journal, measured, watched()))
    }
}

/// The rows as they are judged: those that gave no time have their reason, those that the base cannot run are left out.
fn entered(rows: Rows<'_>, measured: &Measured, settings: &Settings, cautions: &mut Vec<String>) -> Vec<RowOutcome> {
    let mut entered = Vec::new();
    let mut unsupported: Vec<BenchId> = Vec::new();
    for row in &rows.both {
        let open = RowOutcome::open(row.id.clone(), row.is_untouched());
        match measured.taken.lost.get(&row.id.to_string()) {
            Some(Lost::Unsupported(_)) => unsupported.push(row.id.clone()),
            Some(Lost::Failed(why)) => entered.push(RowOutcome { reason: Some(why.clone()), ..open }),
            None => entered.push(open),
        }
    }
    entered.extend(rows.unusable.into_iter().map(|(id, why)| RowOutcome::invalid(id, why)));
    let (allowed, removed): (Vec<BenchId>, Vec<BenchId>) =
        rows.removed.into_iter().partition(|id| settings.gate.may_miss(id));
    let gone = "the head does not have it: removed or renamed".to_owned();
    entered.extend(removed.into_iter().map(|id| RowOutcome::invalid(id, gone.clone())));
    caution_of(cautions, "missing by an exception", &allowed);
    caution_of(cautions, "unsupported by the base's engine", &unsupported);
    entered
}

fn check_same(first: &GateOutcome, base: &Side, head: &Side) -> Result<()> {
    let both = [("base", &first.base_commit, base), ("head", &first.head_commit, head)];
    for (role, before, side) in both {
        if let (Some(before), Some(now)) = (before.as_deref(), side.commit()) {
            ensure!(
                before == now,
                "the gate to confirm had {before} for its {role}, and this one has {now}: check out and name the same"
            );
        }
    }
    Ok(())
}

/// The rows of another machine's gate that are to be confirmed: counts are exact on any machine.
fn slower(first: &GateOutcome) -> Vec<BenchId> {
    let regressed = first.rows.iter().filter(|row| row.verdict == Verdict::Regressed && !row.is_counted());
    regressed.map(|row| row.id.clone()).collect()
}

/// What another machine's gate could not say, or counted: it stands whatever becomes of the rows that are confirmed.
fn stands(first: &GateOutcome) -> Vec<RowOutcome> {
    let open = |row: &&RowOutcome| {
        matches!(row.verdict, Verdict::Invalid | Verdict::Inconclusive)
            || (row.is_counted() && row.verdict == Verdict::Regressed)
    };
    let told = |row: &RowOutcome| {
        let why = row.reason.as_ref().map_or_else(String::new, |why| format!(": {why}"));
        RowOutcome { reason: Some(format!("on the first machine{why}")), ..row.clone() }
    };
    first.rows.iter().filter(open).map(told).collect()
}

fn caution_of(cautions: &mut Vec<String>, what: &str, ids: &[BenchId]) {
    if !ids.is_empty() {
        cautions.push(format!("{what}: {}", ids.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")));
    }
}

/// The verdicts on rows whose pairs are there, as a gate gives them. A row that is named like a control is judged like any other.
pub fn judged(pairs: &Pairs, limits: &GateSettings) -> Vec<RowOutcome> {
    let ids: BTreeSet<BenchId> = pairs.keys().filter_map(|(row, _)| row.parse().ok()).collect();
    verdicts::judge(ids.into_iter().map(|id| RowOutcome::open(id, false)).collect(), pairs, limits, false)
}

/// Another gate's JSON, whose regressed rows are to be confirmed.
///
/// # Errors
/// When the file is not a gate's outcome, or there is nothing to confirm in it.
pub fn to_confirm(file: &Path) -> Result<GateOutcome, Error> {
    let path = || file.to_owned();
    let text = fs::read_to_string(file).map_err(|error| Error::NoGate(path(), error))?;
    let outcome: GateOutcome = serde_json::from_str(&text).map_err(|error| Error::NoOutcome(path(), error))?;
    if outcome.schema != SCHEMA {
        return Err(Error::OtherSchema(path(), outcome.schema));
    }
    let regressed = outcome.rows.iter().any(|row| row.verdict == Verdict::Regressed);
    if regressed { Ok(outcome) } else { Err(Error::NothingToConfirm(path())) }
}
