//! How far an engine is from the hand-written plans, and how many of its cells came out right.

use serde::Serialize;

use super::group::Group;
use crate::host::stats::geometric_mean;

/// An engine against the reference of its group.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Distance {
    /// Its time by the reference's, geometric mean.
    pub ratio: f64,
    /// Over so many queries, which both answered right.
    pub queries: usize,
}

/// How far a contestant is from the reference; `None` without one, or without a common query.
pub fn from_reference(group: &Group<'_>, contestant: usize) -> Option<Distance> {
    let reference = group.contestants.iter().position(|contestant| contestant.reference)?;
    let ratios: Vec<f64> = (0..group.queries.len())
        .filter_map(|query| {
            let floor = group.cell(query, reference)?.ranked_time()?.estimate;
            Some(group.cell(query, contestant)?.ranked_time()?.estimate / floor)
        })
        .collect();
    Some(Distance { ratio: geometric_mean(&ratios)?, queries: ratios.len() })
}

/// What became of an engine's queries.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Success {
    /// Measured, with a verified answer.
    pub right: usize,
    /// Crashed, hung, erred or answered wrong.
    pub failed: usize,
}

/// How many cells of a contestant came out right.
pub fn success(group: &Group<'_>, contestant: usize) -> Success {
    group.of(contestant).fold(Success::default(), |sum, cell| Success {
        right: sum.right + usize::from(cell.ranked_time().is_some()),
        failed: sum.failed + usize::from(cell.record().is_failed() && cell.state() != "interrupted"),
    })
}
