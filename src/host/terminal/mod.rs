//! A run as a terminal shows it: an observer of its [`Event`]s.

mod bars;
mod captured;
mod notes;
pub mod output;
pub(crate) mod relative_time;
pub(crate) mod summary;

use std::sync::Mutex;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressFinish};

use crate::host::record::Outcome;
use crate::host::run::event::Event;
use bars::lock;
pub use captured::{Captured, captured};
pub use notes::show_notes;
use output::say;
pub use summary::{doubts, why_not};

/// What is on the terminal, and what has to be told at the end.
#[derive(Debug, Default)]
pub(crate) struct Terminal {
    spinner: Mutex<Option<ProgressBar>>,
    waited: Mutex<Duration>,
}

impl Terminal {
    /// Shows an event, or takes down what it ends.
    pub(crate) fn tell(&self, event: &Event<'_>) {
        match event {
            // Several at a time would write over each other.
            Event::Verifying { id, parallel: 1 } => {
                // Cleared when it is dropped, so that a failure leaves no half line either.
                let bar = ProgressBar::new_spinner()
                    .with_message(format!("{id}: verifying the answer"))
                    .with_finish(ProgressFinish::AndClear);
                bar.enable_steady_tick(Duration::from_millis(200));
                *lock(&self.spinner) = Some(bar);
            }
            Event::Answered { .. } => drop(lock(&self.spinner).take()),
            Event::Note { id, text } => eprintln!("{id}: {text}"),
            Event::Ended { record, waited } => {
                drop(lock(&self.spinner).take());
                *lock(&self.waited) += *waited;
                match &record.outcome {
                    Outcome::Measured(_) => say(format_args!("{}\n", summary::lines(record))),
                    Outcome::Failed(why) => say(format_args!("{}: FAILED: {}", record.id, why.reason)),
                    Outcome::Skipped(_) => {}
                }
            }
            _ => {}
        }
    }

    /// How long the host has waited for engines' programs.
    pub(crate) fn waited(&self) -> Duration {
        *lock(&self.waited)
    }
}
