//! What a bench does with the cells that its command line means: all of them measured by Criterion, then a table.

use std::cell::RefCell;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::Result;
use criterion::Criterion;

use super::args::{Args, Mode};
use super::sampler::ByCriterion;
use crate::host::audit;
use crate::host::data::generate::Store;
use crate::host::doctor;
use crate::host::incremental;
use crate::host::interrupt;
use crate::host::record::Record;
use crate::host::run::engine::{MEASUREMENT, WARM_UP};
use crate::host::run::{Cell, Event, Runner, forecast, plan};
use crate::host::session::environment;
use crate::host::settings::Settings;
use crate::host::terminal::output::say;
use crate::host::terminal::relative_time::{self, Reference};
use crate::host::terminal::{Terminal, summary};
use crate::measure::machine;

/// Runs the cells; the exit code says whether one failed. Others are held against the `reference` engine.
pub(super) fn run(
    cells: &[Cell<'_>],
    reference: Option<Reference<'_>>,
    args: &Args,
    settings: &Settings,
    criterion: Criterion,
) -> Result<ExitCode> {
    let keeps = args.mode == Mode::Measure;
    let times = || incremental::times(settings);
    if let Some(line) = forecast::told(cells, sampling(args), &Store::new(settings.data.clone()), times) {
        log::info!("{line}");
    }
    let terminal = Terminal::default();
    let observer = |event: &Event<'_>| terminal.tell(event);
    let runner = Runner::new(settings, &observer, keeps)?;
    let programs = plan::programs(cells, settings, true)?;
    let began = Instant::now();
    let cleared = environment::cleared(std::env::vars_os().map(|(name, _)| name));
    if !cleared.is_empty() {
        log::info!("note: cleared for the engines, so that all have the same environment: {}", cleared.join(", "));
    }
    if keeps {
        caution(settings);
    }
    let sampler = ByCriterion { criterion: RefCell::new(criterion), args };
    let records = runner.run(cells, &programs, &sampler)?;
    if keeps {
        sampler.criterion.borrow_mut().final_summary();
    }
    let wall = began.elapsed();
    if keeps {
        show(&records, reference);
    }
    for reason in summary::reasons(&records) {
        say(reason);
    }
    say(summary::share(terminal.waited(), wall));
    if let Some(path) = runner.records() {
        say(format_args!("records: {}", path.display()));
        say("everything that was measured, on one page: cargo xtask report");
    }
    if interrupt::requested() {
        return Ok(ExitCode::from(interrupt::EXIT_CODE));
    }
    if runner.records().is_some() {
        incremental::take_in(settings);
    }
    Ok(ExitCode::from(u8::from(records.iter().any(Record::is_bad))))
}

/// What warming up and the samples of a cell should take, where samples are kept.
fn sampling(args: &Args) -> Option<Duration> {
    let warm_up = args.seconds("warm-up-time").unwrap_or(WARM_UP);
    let measurement = args.seconds("measurement-time").unwrap_or(MEASUREMENT);
    (args.mode == Mode::Measure).then_some(warm_up + measurement)
}

/// What disturbs a measurement. After building, which would be found as other work.
fn caution(settings: &Settings) {
    for line in doctor::worst() {
        log::info!("{line}");
    }
    let most = settings.threads.iter().max().copied().unwrap_or_default();
    if most > machine::cores() {
        log::warn!("caution: {most} threads share {} processors: they wait for each other", machine::cores());
    }
}

/// The table of what was measured, and what it takes to read it.
fn show(records: &[Record], reference: Option<Reference<'_>>) {
    let audits = audit::kept(records.iter().map(|record| &record.id));
    if let Some(table) = summary::table(records, &audits) {
        say(format_args!("{table}\n"));
    }
    let told = [
        summary::legend(records, &audits),
        reference.and_then(|reference| relative_time::from_reference(records, reference)),
    ];
    for line in told.into_iter().flatten().chain(relative_time::builds(records)) {
        say(line);
    }
}
