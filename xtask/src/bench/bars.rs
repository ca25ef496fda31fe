//! Live progress: a bar for each cell that is being measured, and a line for each that is done.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use querydyno::host::bench::Event;
use querydyno::host::record::{Outcome, Record};
use querydyno::protocol::id::BenchId;
use querydyno::protocol::units::Nanos;

use crate::report::tell;

const STYLE: &str = "{prefix}: run {pos} of {len}, {msg} {wide_bar}";

/// What a terminal shows; elsewhere there are the lines alone.
#[derive(Debug, Default)]
pub(super) struct Bars {
    all: MultiProgress,
    open: Mutex<BTreeMap<BenchId, ProgressBar>>,
}

impl Bars {
    /// Shows one step.
    pub(super) fn tell(&self, event: &Event<'_>) {
        match event {
            Event::Planned { cells, runs } => {
                let of = if cells.len() == 1 { "one cell".to_owned() } else { format!("{} cells", cells.len()) };
                self.line(&format!("{of}, {runs} runs each"));
            }
            Event::Verifying { id, parallel: 1 } => {
                let spinner =
                    self.all.add(ProgressBar::new_spinner().with_message(format!("{id}: verifying the answer")));
                spinner.enable_steady_tick(Duration::from_millis(200));
                self.open().insert((*id).clone(), spinner);
            }
            Event::Answered { id } => {
                if let Some(spinner) = self.open().remove(id) {
                    spinner.finish_and_clear();
                }
            }
            Event::Note { id, text } => self.line(&format!("{id}: {text}")),
            Event::WarmingUp { id, of } => {
                self.open().entry((*id).clone()).or_insert_with(|| self.bar(id, *of)).set_message("warming up");
            }
            Event::Iteration { id, run, of, took } => {
                let mut open = self.open();
                let bar = open.entry((*id).clone()).or_insert_with(|| self.bar(id, *of));
                bar.set_message(format!("last {}", Nanos::from(*took)));
                bar.set_position(*run as u64);
            }
            Event::Ended { record, .. } => {
                if let Some(bar) = self.open().remove(&record.id) {
                    bar.finish_and_clear();
                }
                self.line(&format!("{}: {}", record.id, ended(record)));
            }
            _ => {}
        }
    }

    /// Takes down what an interrupt left.
    pub(super) fn clear(&self) {
        for bar in std::mem::take(&mut *self.open()).into_values() {
            bar.finish_and_clear();
        }
    }

    fn bar(&self, id: &BenchId, of: usize) -> ProgressBar {
        let bar = self.all.add(ProgressBar::new(of as u64).with_prefix(id.to_string()));
        if let Ok(style) = ProgressStyle::with_template(STYLE) {
            bar.set_style(style);
        }
        bar
    }

    fn line(&self, text: &str) {
        self.all.suspend(|| tell!("{text}"));
    }

    fn open(&self) -> MutexGuard<'_, BTreeMap<BenchId, ProgressBar>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How a cell ended, in a few words; the reasons come with the table.
fn ended(record: &Record) -> String {
    match (&record.outcome, record.median_ns()) {
        (Outcome::Measured(_), Some(median)) => {
            format!("{} runs, median {}", record.samples_ns().len(), Nanos(median))
        }
        (Outcome::Measured(_), None) => "no runs".to_owned(),
        (Outcome::Skipped(_), _) => "skipped".to_owned(),
        (Outcome::Failed(_), _) => "FAILED".to_owned(),
    }
}
