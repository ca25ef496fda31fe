//! What is said of a cell's answer: right by a reference, wrong, or left to the other engines.

use anyhow::anyhow;

use super::Runner;
use super::resolve::CellResult;
use super::select::Cell;
use super::stop::Stop;
use crate::host::catalog::Components;
use crate::host::interrupt;
use crate::host::session::{Failure, FailureKind, Session};
use crate::host::verify::referee::UnverifiedAnswer;
use crate::host::verify::{Verdict, digest};

impl Runner<'_> {
    /// Judges the last run's answer. Called before the samples and once more after them.
    ///
    /// # Errors
    /// When the answer is wrong or there is none.
    pub(super) fn verify(&self, cell: &Cell<'_>, session: &mut Session, result: &mut CellResult) -> Result<(), Stop> {
        let single_precision = result.record.dataset.tables.iter().any(|table| table.single_precision);
        let answer = match session.answer_if_shown()? {
            // Whatever type an engine gives it, what comes from single precision has no more digits.
            Ok(answer) if single_precision => answer.of_single_precision(),
            Ok(answer) => answer,
            Err(reason) => {
                result.record.verdict = Some(Verdict::Unchecked { reason });
                return Ok(());
            }
        };
        result.record.answer_digest = Some(digest::digest(&answer, cell.query));
        let shown = answer.rows();
        if let Some(timed) = result.record.rows.filter(|timed| *timed != shown) {
            return Err(anyhow!("the program timed {timed} rows and shows {shown}").into());
        }
        let verdict = self.referee.judge(cell.suite, cell.query, cell.id.scale, &answer)?;
        // Comparing ends early after an interrupt, and then says nothing.
        if interrupt::requested() {
            return Err(Failure::from(FailureKind::Interrupted).into());
        }
        result.record.verdict = Some(verdict.clone());
        match (verdict, &mut result.unverified) {
            (Verdict::Wrong { difference }, _) => {
                return Err(Stop::failed(format!("wrong answer: {difference}")));
            }
            (Verdict::Unchecked { .. }, Some(before)) => before.and_later(&answer, cell.query),
            (Verdict::Unchecked { .. }, none) => {
                let mut components = Components::listed().of(&cell.engine.components, session.engine());
                if result.record.planning.is_some() {
                    components.extend(cell.engine.iceberg_components.clone());
                }
                *none = Some(UnverifiedAnswer { components, answer, changed: None });
            }
            _ => {}
        }
        Ok(())
    }
}
