//! One cell after the other: attempt, samples, record, and at the end the table.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::Result;
use criterion::Criterion;

use super::args::{Args, Mode};
use super::sampler;
use crate::host::audit;
use crate::host::data::generate::Store;
use crate::host::doctor;
use crate::host::interrupt;
use crate::host::output::say;
use crate::host::paths;
use crate::host::record::{Outcome, Record, Writer};
use crate::host::run::context::RunContext;
use crate::host::run::engine::{Engine, MEASUREMENT, WARM_UP};
use crate::host::run::finish::After;
use crate::host::run::forecast;
use crate::host::run::plan::{self, Programs};
use crate::host::run::prepare::{Stop, attempt};
use crate::host::run::select::Cell;
use crate::host::run::standing::{self, Reference};
use crate::host::run::summary;
use crate::host::session::{Program, environment};
use crate::host::settings::Settings;
use crate::host::verify::cross_check::{Engines, Held, resolve};
use crate::host::verify::referee::{Referee, UnverifiedAnswer};
use crate::measure::machine;

/// What all cells of a run share.
struct Run<'a> {
    args: &'a Args,
    /// The engine that others are held against.
    reference: Option<Reference<'a>>,
    settings: &'a Settings,
    store: Store,
    referee: Referee,
    origin: RunContext,
    /// How long the engines' programs were waited for.
    waited: Duration,
}

/// Runs the cells; the exit code says whether one failed.
pub(super) fn run(
    cells: &[Cell<'_>],
    reference: Option<Reference<'_>>,
    args: &Args,
    settings: &Settings,
    mut criterion: Criterion,
) -> Result<ExitCode> {
    let store = Store::new(settings.data.clone());
    if let Some(line) = forecast::told(cells, sampling(args), &store) {
        eprintln!("{line}");
    }
    let began = Instant::now();
    let programs = plan::programs(cells, settings, true)?;
    let building = began.elapsed();
    let mut run = Run {
        args,
        reference,
        settings,
        store,
        referee: Referee::new(settings),
        origin: RunContext::read(settings),
        waited: Duration::ZERO,
    };
    let cleared = environment::cleared(std::env::vars_os().map(|(name, _)| name));
    if !cleared.is_empty() {
        eprintln!("note: cleared for the engines, so that all have the same environment: {}", cleared.join(", "));
    }
    if args.mode == Mode::Measure {
        // After building, which would be found as other work.
        for line in doctor::worst() {
            eprintln!("{line}");
        }
        let most = settings.threads.iter().max().copied().unwrap_or_default();
        if most > machine::cores() {
            eprintln!("caution: {most} threads share {} processors: they wait for each other", machine::cores());
        }
    }
    let mut writer = Writer::new(&settings.home.join("records"));
    let mut records = Vec::new();
    let mut waiting: Vec<(&Cell<'_>, Held)> = Vec::new();
    for cell in cells {
        let done = waiting.first().is_some_and(|(first, _)| !first.asks_the_same(cell));
        if done {
            records.extend(run.resolve(std::mem::take(&mut waiting), &programs, &mut writer)?);
        }
        if interrupt::requested() {
            break;
        }
        let mut record = run.origin.blank(cell);
        let mut unverified = None;
        let done = match &programs[cell.id.engine.as_str()] {
            Ok(program) => run.cell(cell, program, &mut criterion, &mut record, &mut unverified),
            Err(stop) => Err(stop.clone()),
        };
        if let Err(stop) = done {
            stop.tell(&mut record);
            if record.outcome == Outcome::Failed {
                say(format_args!("{}: FAILED: {}", cell.id, record.reason.as_deref().unwrap_or_default()));
            }
        }
        if unverified.is_some() {
            waiting.push((cell, Held { record, unverified }));
            continue;
        }
        if args.mode == Mode::Measure {
            writer.append(&record)?;
        }
        records.push(record);
    }
    records.extend(run.resolve(waiting, &programs, &mut writer)?);
    if args.mode == Mode::Measure {
        criterion.final_summary();
    }
    run.conclude(&records, &writer, began.elapsed().saturating_sub(building));
    Ok(exit_code(&records))
}

/// What warming up and the samples of a cell should take, where samples are kept.
fn sampling(args: &Args) -> Option<Duration> {
    let warm_up = args.seconds("warm-up-time").unwrap_or(WARM_UP);
    let measurement = args.seconds("measurement-time").unwrap_or(MEASUREMENT);
    (args.mode == Mode::Measure).then_some(warm_up + measurement)
}

fn exit_code(records: &[Record]) -> ExitCode {
    if interrupt::requested() {
        return ExitCode::from(interrupt::EXIT_CODE);
    }
    ExitCode::from(u8::from(records.iter().any(Record::is_bad)))
}

impl Run<'_> {
    fn cell(
        &mut self,
        cell: &Cell<'_>,
        program: &Program,
        criterion: &mut Criterion,
        record: &mut Record,
        unverified: &mut Option<UnverifiedAnswer>,
    ) -> Result<(), Stop> {
        let ready = attempt(cell, program, self.settings, &self.store, &self.referee, record, unverified)?;
        let mut engine = Engine::new(cell, program, self.settings, ready)?;
        let samples = sampler::take(criterion, self.args, &cell.id, &mut engine)?;
        let keeps = self.args.mode == Mode::Measure;
        let after = After { cell, program, settings: self.settings, referee: &self.referee, keeps };
        self.waited += after.finish(engine, &samples, record, unverified).inspect_err(|_| self.withdraw(cell))?;
        say(format_args!("{}\n", summary::lines(record)));
        Ok(())
    }

    /// Has cells of one query, whose answers no reference vouches for, judge each other; gives their records.
    fn resolve(
        &self,
        waiting: Vec<(&Cell<'_>, Held)>,
        programs: &Programs<'_>,
        writer: &mut Writer,
    ) -> Result<Vec<Record>> {
        let (cells, mut held): (Vec<&Cell<'_>>, Vec<Held>) = waiting.into_iter().unzip();
        resolve(&cells, &mut held, &Engines { programs, settings: self.settings, store: &self.store });
        let records: Vec<Record> = held.into_iter().map(|held| held.record).collect();
        if self.args.mode == Mode::Measure {
            records.iter().try_for_each(|record| writer.append(record))?;
        }
        Ok(records)
    }

    /// Takes samples that turned out to be of a wrong answer out of Criterion's folder.
    fn withdraw(&self, cell: &Cell<'_>) {
        if !matches!(self.args.mode, Mode::Measure | Mode::Quick) {
            // Criterion wrote nothing: what is there is of an earlier run.
            return;
        }
        for folder in ["new", "change"].into_iter().chain(self.args.saves_to()) {
            // One that is not there needs no removing.
            let _ = std::fs::remove_dir_all(paths::criterion_of(&cell.id).join(folder));
        }
    }

    /// The table of what was measured, and what it takes to read it.
    fn show(&self, records: &[Record]) {
        let audits = audit::kept(records.iter().map(|record| &record.id));
        if let Some(table) = summary::table(records, &audits) {
            say(format_args!("{table}\n"));
        }
        let told = [
            summary::legend(records, &audits),
            self.reference.and_then(|reference| standing::from_reference(records, reference)),
        ];
        for line in told.into_iter().flatten().chain(standing::builds(records)) {
            say(line);
        }
    }

    fn conclude(&self, records: &[Record], writer: &Writer, wall: Duration) {
        if self.args.mode == Mode::Measure {
            self.show(records);
        }
        for reason in summary::reasons(records) {
            say(reason);
        }
        say(summary::share(self.waited, wall));
        if let Some(path) = writer.path() {
            say(format_args!("records: {}", path.display()));
            say("everything that was measured, on one page: cargo xtask report");
        }
    }
}
