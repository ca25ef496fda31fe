//! Cells of one query, whose answers no reference vouches for, judge each other.
//!
//! The rule is [`cross_check`](crate::host::verify::cross_check)'s; here cells become what it weighs, and its verdicts go into their
//! records.

use std::collections::BTreeSet;

use anyhow::Result;

use super::Runner;
use super::launch::Fresh;
use super::plan::Programs;
use super::select::Cell;
use crate::host::record::Record;
use crate::host::session::FailureKind;
use crate::host::verify::cross_check::{Refusal, Testimony, refuses, verdicts};
use crate::host::verify::referee::UnverifiedAnswer;
use crate::protocol::answer::Answer;
use crate::protocol::answer::summary::Buckets;

/// What is known of a cell; it waits for others while its answer is unverified.
#[derive(Debug)]
pub(crate) struct CellResult {
    pub(crate) record: Record,
    /// What its engine answered, where that has to be compared with other engines.
    pub(crate) unverified: Option<UnverifiedAnswer>,
}

impl Cell<'_> {
    /// Whether the answers of two cells can be compared with each other.
    pub(crate) fn asks_the_same(&self, other: &Cell<'_>) -> bool {
        self.id.query == other.id.query && self.id.scale == other.id.scale
    }
}

impl Runner<'_> {
    /// Judges cells of one query by each other, cells over the same data at a time. `cells` and `results` go together.
    pub(super) fn resolve(&self, cells: &[&Cell<'_>], results: &mut [CellResult], programs: &Programs<'_>) {
        let Some(first) = cells.first() else { return };
        let query = first.query;
        let text = first.suite.text(query, "canonical", first.id.scale);
        let sql = text.map(|task| task.text()).unwrap_or_default();
        // One that failed after its first answer has no number to be verified. It may still contradict the others.
        for CellResult { record, unverified } in results.iter_mut() {
            if unverified.is_some() && !record.is_measured() {
                record.verdict = None;
            }
        }
        let data: BTreeSet<_> = results.iter().map(|result| result.record.dataset.sha256.clone()).collect();
        for data in data {
            let (places, said): (Vec<usize>, Vec<Testimony<'_>>) = results
                .iter()
                .enumerate()
                .filter_map(|(place, result)| Some((place, result.testimony(data.as_deref())?)))
                .unzip();
            let refusals: Vec<Refusal> = results.iter().filter_map(|result| result.refusal(data.as_deref())).collect();
            let rows = |place: usize, buckets: &Buckets| self.rows_in(cells[places[place]], programs, buckets).ok();
            let verdicts = verdicts(query, &sql, &said, &refusals, self.settings.accept_majority, &rows);
            for (place, verdict) in places.into_iter().zip(verdicts) {
                if results[place].record.is_measured() {
                    results[place].record.verdict = Some(verdict);
                }
            }
        }
    }

    /// The rows of some buckets, by a fresh program.
    fn rows_in(&self, cell: &Cell<'_>, programs: &Programs<'_>, buckets: &Buckets) -> Result<Answer> {
        let Ok(program) = &programs[cell.id.engine.as_str()] else { anyhow::bail!("its program is gone") };
        let (task, found) = (cell.task()?, cell.tables(self.settings, &self.store)?);
        let mut session = Fresh::of(cell, program, self.settings, &found.dataset, &task).launch(false)?.session;
        session.run(1)?;
        Ok(session.rows_in(buckets.clone())?)
    }
}

impl CellResult {
    /// What its engine says, if that is about this data. Where the cell failed later, it supports nobody.
    fn testimony(&self, data: Option<&str>) -> Option<Testimony<'_>> {
        let Self { record, unverified } = self;
        let unverified = unverified.as_ref().filter(|_| record.dataset.sha256.as_deref() == data)?;
        let measured = record.is_measured();
        Some(Testimony {
            engine: &record.id.engine,
            components: if measured { &unverified.components } else { &[] },
            answer: &unverified.answer,
            changed: unverified.changed.as_ref(),
            cautions: &record.dataset.cautions,
        })
    }

    /// Its engine's error over this data, where that is one of values.
    fn refusal(&self, data: Option<&str>) -> Option<Refusal> {
        let Self { record, unverified } = self;
        let failure = record.failure().filter(|_| unverified.is_none())?;
        let FailureKind::Engine { message } = &failure.kind else { return None };
        let counts = record.dataset.sha256.as_deref() == data && refuses(message);
        counts.then(|| Refusal { engine: record.id.engine.clone(), message: message.clone() })
    }
}
