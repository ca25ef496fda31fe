//! One cell after the other: attempt, samples, record, and at the end the table.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::Result;
use criterion::Criterion;

use super::args::{Args, Mode};
use super::attempt::{Stop, attempt, check_answer};
use super::origin::Origin;
use super::plan::{self, Programs};
use super::sample::{self, Engine, Samples};
use super::select::Cell;
use super::{consensus, standing, summary};
use crate::audit;
use crate::catalog::Entry;
use crate::doctor;
use crate::fixture::Store;
use crate::inspected;
use crate::interrupt;
use crate::measure::host;
use crate::measure::memory::Peak;
use crate::measure::usage::{Moved, Usage};
use crate::paths;
use crate::record::{Counts, Outcome, Record, Writer};
use crate::referee::{self, Referee};
use crate::session::{Program, Runs};
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
    let programs = plan::programs(cells)?;
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
    for cell in cells {
        if interrupt::requested() {
            break;
        }
        let mut record = run.origin.blank(cell);
        let done = match &programs[cell.id.engine.as_str()] {
            Ok(program) => run.cell(cell, program, &mut criterion, &mut record),
            Err(stop) => Err(stop.clone()),
        };
        if let Err(stop) = done {
            record.outcome = stop.outcome;
            record.reason = Some(stop.reason);
            record.failure = stop.failure;
            if record.outcome == Outcome::Failed {
                println!("{}: FAILED: {}", cell.id, record.reason.as_deref().unwrap_or_default());
            }
        }
        if args.mode == Mode::Measure {
            writer.append(&record)?;
        }
        records.push(record);
    }
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
        let unfilled = record.clone();
        fill(record, &engine, &samples);
        if let Err(stop) = self.finish(cell, program, engine, record) {
            *record = Record { verdict: record.verdict.take(), ..unfilled };
            self.withdraw(cell);
            return Err(stop);
        }
        record.outcome = Outcome::Measured;
        println!("{}\n", summary::lines(record));
        Ok(())
    }

    /// What comes after the samples: the last one's answer, the parts of a run, the end of the program.
    fn finish(
        &self,
        cell: &Cell<'_>,
        program: &Program,
        mut engine: Engine<'_>,
        record: &mut Record,
    ) -> Result<(), Stop> {
        if let Some(session) = engine.session() {
            check_answer(cell, &self.referee, session, record)?;
        }
        if self.args.mode == Mode::Measure {
            inspected::carry(&self.settings.home, record, &program.path);
            match engine.phases() {
                Ok(phases) => record.phases = phases,
                // The samples stand: these runs were extra. Whether such a program ends well says nothing of them.
                Err(failure) => {
                    eprintln!("{}: the parts of its time are unknown: {failure}", cell.id);
                    return Ok(());
                }
            }
        }
        Ok(engine.close()?)
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
            if !matches!(self.referee.knows(parts.workload, parts.query, cell.id.scale), Ok(false)) {
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

/// Moves what the samples say into the record.
#[expect(clippy::cast_precision_loss, reason = "nanoseconds and counts of a sample are far below 2^53")]
fn fill(record: &mut Record, engine: &Engine<'_>, samples: &Samples) {
    let taken = &samples.taken;
    let iterations: u64 = taken.iter().map(|sample| sample.iterations).sum();
    record.iterations = taken.iter().map(|sample| sample.iterations).collect();
    record.samples_ns = taken.iter().map(|sample| sample.total.as_nanos() as f64 / sample.iterations as f64).collect();
    record.cpu_time_ns =
        taken.iter().map(|sample| Some(sample.runs.cpu_time_ns? as f64 / sample.iterations as f64)).collect();
    record.warm_up_ns.extend(&samples.warm_up_ns);
    let mean = |count: &dyn Fn(&Runs) -> Option<u64>| {
        let sum: u64 = taken.iter().map(|sample| count(&sample.runs)).sum::<Option<_>>()?;
        Some(sum as f64 / iterations as f64)
    };
    let usage = |count: fn(Usage) -> u64| mean(&|runs| runs.usage.map(count));
    let moved = |count: fn(Moved) -> u64| mean(&|runs| runs.moved.map(count));
    record.counts = Counts {
        minor_page_faults: usage(|usage| usage.minor_page_faults),
        major_page_faults: usage(|usage| usage.major_page_faults),
        voluntary_context_switches: usage(|usage| usage.voluntary_context_switches),
        involuntary_context_switches: usage(|usage| usage.involuntary_context_switches),
        read_call_bytes: moved(|moved| moved.read_call_bytes),
        disk_read_bytes: moved(|moved| moved.disk_read_bytes),
        write_call_bytes: moved(|moved| moved.write_call_bytes),
    };
    let peaks = taken.iter().filter_map(|sample| sample.runs.peak_memory).chain(engine.first.peak_memory);
    if let Some(peak) = peaks.reduce(Peak::or_more) {
        record.peak_memory_bytes = Some(peak.bytes.0);
        record.memory_source = Some(peak.source());
    }
}
