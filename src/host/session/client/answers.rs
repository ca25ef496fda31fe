//! Asking a program for the result of its last run.

use super::{Result, Session, shown};
use crate::host::session::{Failure, FailureKind, Runs, arrow_file};
use crate::protocol::answer::summary::Buckets;
use crate::protocol::answer::{Answer, Shown, Wanted};
use crate::protocol::messages::{Reply, Request};

/// Rows of a result that are sent as text; more are summed up.
const MOST_ROWS: u64 = 100_000;

impl Session {
    /// The last run's result: its rows, or the sums of more than 100,000.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn answer(&mut self) -> Result<Shown> {
        self.answer_up_to(MOST_ROWS)
    }

    /// The same, or why the engine cannot show it; its time stands then, unchecked.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub(crate) fn answer_if_shown(&mut self) -> Result<Result<Shown, String>> {
        match self.answer() {
            Ok(answer) => Ok(Ok(answer)),
            Err(Failure { kind: FailureKind::Unsupported { reason }, .. }) => Ok(Err(reason)),
            Err(failure) => Err(failure),
        }
    }

    /// More runs of the query, whose results must have as many rows as one before.
    ///
    /// # Errors
    /// As [`run`](Self::run), and when they have not.
    pub(crate) fn run_again(&mut self, iterations: u64, rows: u64) -> Result<Runs> {
        let runs = self.run(iterations)?;
        if runs.rows != rows {
            return Err(self.changed_rows(rows, runs.rows));
        }
        Ok(runs)
    }

    /// The last run's result: its rows, or the sums of more than so many.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn answer_up_to(&mut self, rows: u64) -> Result<Shown> {
        self.shown(Wanted { rows_up_to: Some(rows), buckets: None })
    }

    /// Those rows of the last run's result that are in these buckets of its summary.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub(crate) fn rows_in(&mut self, buckets: Buckets) -> Result<Answer> {
        match self.shown(Wanted { rows_up_to: Some(0), buckets: Some(buckets) })? {
            Shown::Rows(answer) => Ok(answer),
            Shown::Summary(_) => Err(self.garbage_text("answer", "a summary where rows were asked for")),
        }
    }

    fn shown(&mut self, wanted: Wanted) -> Result<Shown> {
        match self.ask("answer", &Request::Answer(wanted.clone()))? {
            Reply::Answer { answer: None, summary: None, arrow: Some(file) } => {
                arrow_file::read(&file, self.scratch.path(), wanted).map_err(|kind| self.fail(kind))
            }
            reply => match shown(reply).map_err(|other| self.garbage("answer", &other))? {
                // Sums say nothing of the order of rows, so that few rows have to be shown.
                Shown::Summary(summary) if wanted.rows_up_to.is_some_and(|most| summary.rows <= most) => {
                    Err(self.garbage_text("answer", "a summary of rows that are few enough to be sent"))
                }
                shown => Ok(shown),
            },
        }
    }
}
