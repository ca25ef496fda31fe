//! The measurement of an ablation: fresh processes of all variants, taking turns, each of whose answers is checked.

use anyhow::{Context, Result, anyhow, bail, ensure};

use super::design::{Contender, Design, Role};
use super::effects::effects;
use super::{Ablation, Figures, Measured, Outcome};
use crate::host::catalog::Entry;
use crate::host::data::generate::Store;
use crate::host::data::tables;
use crate::host::interrupt;
use crate::host::progress::{Unit, Work};
use crate::host::record::{self, metric};
use crate::host::run::{Fresh, Paired, runs_for, turns};
use crate::host::session::{Program, Runs};
use crate::host::settings::Settings;
use crate::host::stats::median;
use crate::host::suite::{QuerySpec, Suite};
use crate::host::variant::Variant;
use crate::host::verify::Verdict;
use crate::host::verify::compare::{Precision, compare_shown};
use crate::host::verify::referee::Referee;
use crate::measure::machine::Host;
use crate::protocol::answer::Shown;
use crate::protocol::dataset::Dataset;
use crate::protocol::engine::EngineInfo;
use crate::protocol::id::Scale;
use crate::protocol::task::Task;

/// What a process runs for, in nanoseconds, beyond its first run; at most so many runs, and one at least.
const ENOUGH_NS: u64 = 600_000_000;
const MOST: u64 = 10;

/// What is compared.
#[derive(Debug, Clone, Copy)]
pub struct Plan<'a> {
    /// Whose options.
    pub engine: &'a Entry,
    /// The query's suite.
    pub suite: &'a Suite,
    /// The query.
    pub query: &'a QuerySpec,
    /// On how much data.
    pub scale: Scale,
    /// Fresh processes of each variant; 95 % intervals take six.
    pub rounds: usize,
}

/// A variant as it is measured: an entry of its own, what its processes took, or why it left.
struct Contending {
    contender: Contender,
    entry: Entry,
    processes: Result<Vec<Process>, String>,
}

/// What one process took.
struct Process {
    time_ns: f64,
    steps_ns: Vec<(String, f64)>,
    timed: Runs,
    runs: f64,
}

/// What all processes have in common.
struct Comparing<'a> {
    plan: Plan<'a>,
    variant: Variant<'a>,
    settings: &'a Settings,
    program: Program,
    referee: Referee,
    dataset: Dataset,
    task: Task,
}

/// Measures every variant of the design in every round.
///
/// # Errors
/// When the program or the data cannot be had, the plainest variant does not run, or after an interrupt. Another variant that fails is
/// a line of the result.
pub fn ablate(plan: Plan<'_>, settings: &Settings) -> Result<Ablation> {
    let format = settings.sole_format()?;
    let design = Design::of(plan.engine, format)?;
    let variant = settings.sole_variant(format)?;
    let (task, program) = (plan.suite.task(plan.query, plan.engine, plan.scale)?, plan.engine.program()?);
    let store = Store::new(settings.data.clone());
    let dataset = tables::make(plan.suite, &plan.query.tables, plan.scale, format, settings, &store)?;
    let comparing = Comparing { plan, variant, settings, program, referee: Referee::new(settings), dataset, task };
    let mut contending: Vec<Contending> =
        design.contenders.iter().cloned().map(|one| comparing.contending(one)).collect();
    let work = Work::begin(Unit::Processes, (plan.rounds * contending.len()) as u64, "");
    let (mut info, mut first_answer, mut by) = (EngineInfo::default(), None, None);
    for round in 0..plan.rounds {
        for place in turns(round, contending.len()) {
            interrupt::check()?;
            let one = &mut contending[place];
            work.now(&format!(
                "{} {}, round {} of {}",
                plan.query.name,
                one.contender.role.name(),
                round + 1,
                plan.rounds
            ));
            if let Ok(processes) = &mut one.processes {
                match comparing.process(&one.contender, &one.entry, &mut first_answer, &mut by) {
                    Ok((process, told)) => {
                        processes.push(process);
                        if place == 0 {
                            info = told;
                        }
                    }
                    Err(error) => {
                        interrupt::check()?;
                        log::info!("left out: {}: {error:#}", one.contender.role.name());
                        one.processes = Err(format!("{error:#}"));
                    }
                }
            }
            work.done(1);
        }
    }
    drop(work);
    let gave = contending.iter().filter(|one| one.processes.is_ok()).count();
    let variants: Vec<Measured> = contending.into_iter().map(measured).collect();
    if let Some(Measured { role: Role::Baseline, outcome: Outcome::Failed(why), .. }) = variants.first() {
        bail!("the plainest variant does not run, so there is nothing to compare with: {why}");
    }
    Ok(Ablation {
        engine: plan.engine.name.clone(),
        version: info.version,
        settings: info.settings,
        query: plan.query.name.clone(),
        scale: plan.scale,
        rows: comparing.dataset.tables.iter().map(|table| table.rows).max().unwrap_or_default(),
        variant: variant.to_string(),
        rounds: plan.rounds,
        verified: verified_by(by, gave),
        host: Host::read(),
        taken_at: record::now(),
        effects: effects(&design, &variants),
        variants,
    })
}

impl Comparing<'_> {
    fn contending(&self, contender: Contender) -> Contending {
        let mut entry = self.plan.engine.clone();
        entry.options = contender.options.clone();
        Contending { contender, entry, processes: Ok(Vec::new()) }
    }

    /// One fresh process: a run that is not timed, some that are, and the last one's answer.
    fn process(
        &self,
        contender: &Contender,
        entry: &Entry,
        first: &mut Option<Shown>,
        by: &mut Option<String>,
    ) -> Result<(Process, EngineInfo)> {
        let fresh = Fresh {
            engine: entry,
            variant: Variant { mode: contender.mode.as_deref(), ..self.variant },
            program: &self.program,
            settings: self.settings,
            dataset: &self.dataset,
            query: &self.task,
        };
        let Paired { session, info, timed, answer, .. } = fresh.paired(|first| runs_for(ENOUGH_NS, first, 1, MOST))?;
        let answer = answer.map_err(|reason| anyhow!("it cannot show its answer: {reason}"))?;
        *by = self.verified(answer, first)?;
        session.close()?;
        Ok((Process::of(timed).context("it told no time")?, info))
    }

    /// The reference by which the answer is right; none where it has to be the first variant's, and is.
    fn verified(&self, answer: Shown, first: &mut Option<Shown>) -> Result<Option<String>> {
        let Plan { suite, query, scale, .. } = self.plan;
        let verdict = self.referee.judge(suite, query, scale, &answer)?;
        if verdict.verified() {
            return Ok(Some(verdict.to_string()));
        }
        ensure!(matches!(verdict, Verdict::Unchecked { .. }), "answer {verdict}");
        let Some(first) = first else {
            *first = Some(answer);
            return Ok(None);
        };
        compare_shown(first, &answer, query, Precision::Full)
            .map_err(|difference| anyhow!("its answer is not that of the others: {difference}"))?;
        Ok(None)
    }
}

/// By what the answers of so many variants are right. One alone has agreed with nobody.
fn verified_by(reference: Option<String>, gave: usize) -> String {
    let words = match gave {
        2.. => "no reference: all variants gave the same answer",
        _ => "not verified: there is no reference, and no other variant gave an answer",
    };
    reference.unwrap_or_else(|| words.to_owned())
}

impl Process {
    fn of(timed: Runs) -> Option<Self> {
        let values = |ns: &[u64]| ns.iter().map(|ns| metric::value(*ns)).collect::<Vec<_>>();
        let step = |span: &crate::protocol::task::Span| Some((span.step.clone(), median(&values(&span.durations_ns))?));
        let steps_ns = timed.spans.iter().filter_map(step).collect();
        let runs = metric::value(timed.durations_ns.len() as u64);
        Some(Self { time_ns: median(&values(&timed.durations_ns))?, steps_ns, runs, timed })
    }
}

fn measured(one: Contending) -> Measured {
    let name = one.contender.role.name();
    let outcome = match one.processes {
        Ok(processes) => Outcome::Figures(Box::new(figures(&processes))),
        Err(why) => Outcome::Failed(why),
    };
    Measured { name, role: one.contender.role, outcome }
}

fn figures(processes: &[Process]) -> Figures {
    let middle = |of: &dyn Fn(&Process) -> Option<f64>| {
        let values: Option<Vec<f64>> = processes.iter().map(of).collect();
        median(&values?)
    };
    // Of all runs of a process together.
    let busy = |ns: fn(&Runs) -> Option<u64>| {
        move |process: &Process| {
            let wall: u64 = process.timed.durations_ns.iter().sum();
            Some(metric::value(ns(&process.timed)?) / metric::value(wall.max(1)))
        }
    };
    let each = |count: fn(&Runs) -> Option<u64>| {
        move |process: &Process| Some(metric::value(count(&process.timed)?) / process.runs)
    };
    let steps = processes.first().map(|process| process.steps_ns.as_slice()).unwrap_or_default();
    let step = |(place, (name, _)): (usize, &(String, f64))| {
        Some((name.clone(), middle(&|process| Some(process.steps_ns.get(place)?.1))?))
    };
    Figures {
        time_ns: middle(&|process| Some(process.time_ns)).unwrap_or_default(),
        steps_ns: steps.iter().enumerate().filter_map(step).collect(),
        cores_used: middle(&busy(|runs| runs.cpu_time_ns)),
        sink_cores_used: middle(&busy(|runs| runs.sink?.cpu_time_ns)),
        peak_memory_bytes: middle(&|process| Some(metric::value(process.timed.peak_memory?.bytes.0))),
        bytes_read: middle(&each(|runs| Some(runs.moved?.read_call_bytes))),
        requests: middle(&each(|runs| Some(runs.traffic?.requests))),
        connections: middle(&each(|runs| Some(runs.traffic?.connections))),
        bytes_received: middle(&each(|runs| Some(runs.traffic?.bytes_received))),
        sink_log_bytes: middle(&each(|runs| runs.sink?.log_bytes)),
        rounds_ns: processes.iter().map(|process| process.time_ns).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::verified_by;

    #[test]
    fn verified_by_takes_a_reference_or_another_variant() {
        assert_eq!(verified_by(Some("reference".to_owned()), 1), "reference");
        assert!(verified_by(None, 2).starts_with("no reference: all variants"));
        assert!(verified_by(None, 1).starts_with("not verified"));
    }
}
