//! One cell after the other: attempt, samples, record, and at the end the table.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::Result;
use criterion::Criterion;

use super::args::{Args, Mode};
use super::attempt::{Stop, attempt};
use super::finish::After;
use super::hearing::Held;
use super::origin::Origin;
use super::plan::{self, Programs};
use super::sample::{self, Engine};
use super::select::Cell;
use super::{consensus, standing, summary};
use crate::answer::Verdict;
use crate::audit;
use crate::catalog::Entry;
use crate::doctor;
use crate::fixture::Store;
use crate::interrupt;
use crate::measure::host;
use crate::paths;
use crate::record::{Outcome, Record, Writer};
use crate::referee::{self, Referee};
use crate::session::Program;
use crate::settings::Settings;

/// What all cells of a run share.
struct Run<'a> {
    args: &'a Args,
    /// The engine that others are held against.
    reference: Option<&'a str>,
    settings: &'a Settings,
    store: Store,
    referee: Referee,
    origin: Origin,
    /// Time in which an engine ran a query, timed or not.
    spent: Duration,
}

/// Runs the cells; the exit code says whether one failed.
pub(super) fn run(
    cells: &[Cell<'_>],
    reference: Option<&str>,
    args: &Args,
    settings: &Settings,
    mut criterion: Criterion,
) -> Result<ExitCode> {
    let began = Instant::now();
    let programs = plan::programs(cells, true)?;
    let building = began.elapsed();
    let mut run = Run {
        args,
        reference,
        settings,
        store: Store::new(settings.data.clone()),
        referee: Referee::new(settings),
        origin: Origin::read(),
        spent: Duration::ZERO,
    };
    run.fill_references(cells, &programs);
    if args.mode == Mode::Measure {
        // After building, which would be found as other work.
        for line in doctor::worst() {
            eprintln!("{line}");
        }
        let most = settings.threads.iter().max().copied().unwrap_or_default();
        if most > host::cores() {
            eprintln!("caution: {most} threads share {} processors: they wait for each other", host::cores());
        }
    }
    let mut writer = Writer::new(&settings.home.join("records"));
    let mut records = Vec::new();
    let mut waiting: Vec<(&Cell<'_>, Held)> = Vec::new();
    for cell in cells {
        let done = waiting.first().is_some_and(|(first, _)| !first.asks_the_same(cell));
        if done {
            records.extend(run.settle(std::mem::take(&mut waiting), &mut writer)?);
        }
        if interrupt::requested() {
            break;
        }
        let mut record = run.origin.blank(cell);
        let done = match &programs[cell.id.engine.as_str()] {
            Ok(program) => run.cell(cell, program, &mut criterion, &mut record),
            Err(stop) => Err(stop.clone()),
        };
        if let Err(stop) = done {
            stop.tell(&mut record);
            if record.outcome == Outcome::Failed {
                println!("{}: FAILED: {}", cell.id, record.reason.as_deref().unwrap_or_default());
            }
        }
        if let Some(heard) = run.referee.take_heard() {
            waiting.push((cell, Held { record, heard: Some(heard) }));
            continue;
        }
        if args.mode == Mode::Measure {
            writer.append(&record)?;
        }
        records.push(record);
    }
    records.extend(run.settle(waiting, &mut writer)?);
    if args.mode == Mode::Measure {
        criterion.final_summary();
    }
    run.conclude(&records, &writer, began.elapsed().saturating_sub(building));
    Ok(exit_code(&records))
}

fn exit_code(records: &[Record]) -> ExitCode {
    if interrupt::requested() {
        return ExitCode::from(interrupt::EXIT_CODE);
    }
    let failed = records.iter().any(|record| record.outcome == Outcome::Failed);
    ExitCode::from(u8::from(failed))
}

impl Run<'_> {
    fn cell(
        &mut self,
        cell: &Cell<'_>,
        program: &Program,
        criterion: &mut Criterion,
        record: &mut Record,
    ) -> Result<(), Stop> {
        let ready = attempt(cell, program, self.settings, &self.store, &self.referee, record)?;
        let mut engine = Engine::new(cell, program, self.settings, ready)?;
        let samples = sample::take(criterion, self.args, &cell.id, &mut engine, &mut self.spent)?;
        let keeps = self.args.mode == Mode::Measure;
        let after = After { cell, program, settings: self.settings, referee: &self.referee, keeps };
        if let Err(stop) = after.finish(engine, &samples, record) {
            self.withdraw(cell);
            return Err(stop);
        }
        println!("{}\n", summary::lines(record));
        Ok(())
    }

    /// Has cells of one query, whose answers no reference vouches for, settle among themselves; gives their records.
    fn settle(&self, waiting: Vec<(&Cell<'_>, Held)>, writer: &mut Writer) -> Result<Vec<Record>> {
        let (cells, mut held): (Vec<&Cell<'_>>, Vec<Held>) = waiting.into_iter().unzip();
        if let Some(first) = cells.first() {
            first.settle(&mut held);
        }
        let mut records = Vec::new();
        for (cell, Held { record, .. }) in cells.into_iter().zip(held) {
            if matches!(record.verdict, Some(Verdict::Wrong(_))) {
                self.withdraw(cell);
                println!("{}: FAILED: {}", cell.id, record.reason.as_deref().unwrap_or_default());
            }
            if self.args.mode == Mode::Measure {
                writer.append(&record)?;
            }
            records.push(record);
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

    /// Has the selected engines settle the references that no one shipped; alone, an engine stays unchecked.
    fn fill_references(&self, cells: &[Cell<'_>], programs: &Programs<'_>) {
        let mut done = Vec::new();
        for cell in cells {
            let parts = cell.parts;
            let key = (&parts.query.name, cell.id.scale);
            if done.contains(&key) {
                continue;
            }
            done.push(key);
            // What engines say of tables that may change is settled at the end of the run, and not kept.
            if parts.workload.is_given()
                || !matches!(self.referee.knows(parts.workload, parts.query, cell.id.scale), Ok(false))
            {
                continue;
            }
            let same = |other: &&Cell<'_>| (&other.parts.query.name, other.id.scale) == key;
            let mut engines: Vec<(&Entry, Program)> = Vec::new();
            for engine in cells.iter().filter(same).map(|cell| cell.parts.engine) {
                // Once, in however many variants it runs.
                let asked = engines.iter().any(|(known, _)| known.name == engine.name);
                if let (false, Ok(program)) = (asked, &programs[engine.name.as_str()]) {
                    engines.push((engine, program.clone()));
                }
            }
            if engines.len() < 2 {
                continue;
            }
            eprintln!("{} at {} has no reference answer: asking the selected engines", parts.query.name, cell.id.scale);
            let folder = Referee::local(&parts.workload.name, cell.id.scale);
            let kept =
                consensus::agree(&engines, parts.workload, parts.query, cell.id.scale, self.settings, &self.store)
                    .and_then(|found| {
                        referee::keep(&folder, parts.workload, parts.query, &found.answer, found.engines)
                    });
            if let Err(error) = kept {
                eprintln!("{error:#}");
            }
            if interrupt::requested() {
                return;
            }
        }
    }

    /// The table of what was measured, and what it takes to read it.
    fn show(&self, records: &[Record]) {
        let audits = audit::kept(records.iter().map(|record| &record.id));
        if let Some(table) = summary::table(records, &audits) {
            println!("{table}\n");
        }
        let told = [
            summary::legend(records, &audits),
            self.reference.and_then(|reference| standing::from_reference(records, reference)),
        ];
        for line in told.into_iter().flatten().chain(standing::builds(records)) {
            println!("{line}");
        }
    }

    fn conclude(&self, records: &[Record], writer: &Writer, wall: Duration) {
        if self.args.mode == Mode::Measure {
            self.show(records);
        }
        for reason in summary::reasons(records) {
            println!("{reason}");
        }
        println!("{}", summary::share(self.spent, wall));
        if let Some(path) = writer.path() {
            println!("records: {}", path.display());
            println!("everything that was measured, on one page: cargo xtask report");
        }
    }
}
