//! Cells under the same conditions: who was measured on what, side by side.

use std::cmp::Reverse;
use std::collections::HashMap;

use serde::Serialize;

use super::conditions::Conditions;
use super::contestant::{Contestant, contestants};
use super::gather::Found;
use super::known::Known;
use super::ranking::{Ranking, Timed, rank};
use crate::host::record::{Outcome, Provenance, Record};
use crate::host::scaling::grouped;
use crate::host::session::{Failure, FailureKind, TroubleKind};
use crate::host::stats::{Interval, geometric_mean, median_interval};
use crate::host::verify::Verdict;

/// Cells that may be compared with each other.
#[derive(Debug)]
pub struct Group<'a> {
    /// What they have in common.
    pub conditions: Conditions,
    /// Who was measured: the ranked first, fastest first; then the others; the reference last.
    pub contestants: Vec<Contestant<'a>>,
    /// On which queries, in their natural order.
    pub queries: Vec<&'a str>,
    /// The ranking; its indices are those of `contestants` and `queries`.
    pub ranking: Ranking,
    cells: Vec<Cell<'a>>,
    /// Places in `cells`, by query and contestant.
    grid: HashMap<(usize, usize), usize>,
}

/// One record in a group.
#[derive(Debug, Clone, Copy)]
pub struct Cell<'a> {
    /// The record.
    pub found: &'a Found,
    /// Place in [`Group::contestants`].
    pub contestant: usize,
    /// Place in [`Group::queries`].
    pub query: usize,
    /// The median of its samples with its 95 % interval; `None` when there are none.
    pub time: Option<Interval>,
}

/// An engine against the reference of its group.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Distance {
    /// Its time by the reference's, geometric mean.
    pub ratio: f64,
    /// Over so many queries, which both answered right.
    pub queries: usize,
}

impl<'a> Cell<'a> {
    /// The record.
    pub fn record(&self) -> &'a Record {
        &self.found.record
    }

    /// The time, if it may be ranked.
    pub fn ranked_time(&self) -> Option<Interval> {
        self.time.filter(|_| self.record().ranks())
    }

    /// In one or two words how it ended: `measured`, `unchecked`, `out of memory` ...
    pub fn state(&self) -> &'static str {
        state(self.record())
    }
}

/// In one or two words how a cell ended.
pub fn state(record: &Record) -> &'static str {
    match (&record.outcome, &record.verdict, record.failure().map(|failure| &failure.kind)) {
        // What an inspection finds beside the time has lists of its own.
        (Outcome::Measured(_), ..) if record.inspects.is_none() && record.provenance != Provenance::Measured => {
            record.provenance.word()
        }
        (Outcome::Measured(_), Some(verdict), _) if verdict.verified() => "measured",
        (Outcome::Measured(_), Some(Verdict::Disputed(_)), _) => "disputed",
        (Outcome::Measured(_), ..) => "unchecked",
        (Outcome::Skipped(_), _, Some(FailureKind::NotCold { .. })) => "not cold",
        (Outcome::Skipped(_), _, Some(_)) => "unsupported",
        (Outcome::Skipped(_), _, None) => "not available",
        (Outcome::Failed(_), Some(Verdict::Wrong { .. }), _) => "wrong",
        (Outcome::Failed(_), _, Some(_)) => record.failure().map_or("error", failed),
        (Outcome::Failed(_), _, None) => "error",
    }
}

/// In one or two words how a program failed; where its server was the cause, how that did.
fn failed(failure: &Failure) -> &'static str {
    match (&failure.kind, failure.server.as_ref().map(|server| server.kind)) {
        (FailureKind::Interrupted, _) => "interrupted",
        (_, Some(TroubleKind::Died)) => "server died",
        _ if failure.is_out_of_memory() => "out of memory",
        (_, Some(TroubleKind::DiskFull)) => "disk full",
        (FailureKind::Crashed { .. } | FailureKind::Exited { .. }, _) => "crashed",
        _ if failure.is_timed_out() => "timed out",
        (FailureKind::NoServer { .. }, _) => "no server",
        _ => "error",
    }
}

impl<'a> Group<'a> {
    /// All groups of these records; the one with the most ranked cells first, then by suite and scale.
    pub fn all(found: &'a [Found], known: &Known) -> Vec<Self> {
        let keyed = (found.iter().zip(data_of(found)))
            .map(|(found, data)| (Conditions { data, ..Conditions::of(&found.record) }, found));
        let mut groups: Vec<Self> =
            grouped(keyed).into_iter().map(|(conditions, found)| Self::new(conditions, &found, known)).collect();
        groups.sort_by_cached_key(|group| {
            let Conditions { suite, scale, data, .. } = &group.conditions;
            (suite.clone(), *scale, *data, Reverse(group.ranked_cells()))
        });
        // Stable: the others keep their order.
        let main = (0..groups.len()).max_by_key(|index| (groups[*index].ranked_cells(), Reverse(*index)));
        if let Some(main) = main {
            groups[..=main].rotate_right(1);
        }
        groups
    }

    fn new(conditions: Conditions, found: &[&'a Found], known: &Known) -> Self {
        let (contestants, owners) = contestants(found, known);
        let mut queries: Vec<&str> = found.iter().map(|found| found.record.id.query.as_str()).collect();
        queries.sort_by_key(|query| natural(query));
        queries.dedup();
        let places: HashMap<&str, usize> = queries.iter().enumerate().map(|(place, query)| (*query, place)).collect();
        let mut cells: Vec<Cell<'_>> = (found.iter().zip(owners))
            .map(|(found, contestant)| Cell {
                found,
                contestant,
                query: places[found.record.id.query.as_str()],
                time: median_interval(found.record.samples_ns()),
            })
            .collect();
        let by_place: HashMap<_, _> = cells.iter().map(|cell| ((cell.query, cell.contestant), cell)).collect();
        let right = |query, contestant| {
            let cell = by_place.get(&(query, contestant))?;
            cell.ranked_time().and_then(|_| Timed::of(cell.record()))
        };
        let candidates: Vec<usize> = (0..contestants.len()).filter(|place| !contestants[*place].reference).collect();
        let mut ranking = rank(&candidates, queries.len(), &right);
        // The contestants in the order of the ranking.
        let rank_of = |contestant| ranking.places.iter().position(|place| place.contestant == contestant);
        let mut order: Vec<usize> = (0..contestants.len()).collect();
        order.sort_by_key(|place| (rank_of(*place).unwrap_or(usize::MAX), contestants[*place].reference));
        for cell in &mut cells {
            cell.contestant = order.iter().position(|old| *old == cell.contestant).unwrap_or_default();
        }
        for (place, ranked) in ranking.places.iter_mut().enumerate() {
            ranked.contestant = place;
        }
        Self {
            conditions,
            contestants: order.iter().map(|old| contestants[*old].clone()).collect(),
            queries,
            ranking,
            grid: cells.iter().enumerate().map(|(place, cell)| ((cell.query, cell.contestant), place)).collect(),
            cells,
        }
    }

    /// What was found of this contestant on this query.
    pub fn cell(&self, query: usize, contestant: usize) -> Option<&Cell<'a>> {
        self.grid.get(&(query, contestant)).map(|place| &self.cells[*place])
    }

    /// Every cell.
    pub fn cells(&self) -> &[Cell<'a>] {
        &self.cells
    }

    /// All cells of one contestant.
    pub fn of(&self, contestant: usize) -> impl Iterator<Item = &Cell<'a>> {
        (0..self.queries.len()).filter_map(move |query| self.cell(query, contestant))
    }

    /// The best ranked time of a query.
    pub fn fastest(&self, query: usize) -> Option<f64> {
        let times = (0..self.contestants.len()).filter(|index| !self.contestants[*index].reference);
        let times = times.filter_map(|index| Some(self.cell(query, index)?.ranked_time()?.estimate));
        times.min_by(f64::total_cmp)
    }

    /// How many times the fastest the slowest ranked time of a query is; none where there are no two.
    pub fn widest(&self, query: usize) -> Option<f64> {
        let ratios = (0..self.contestants.len()).filter_map(|contestant| self.to_fastest(query, contestant));
        ratios.max_by(f64::total_cmp).filter(|_| self.timed(query) > 1)
    }

    /// How many times the fastest a contestant's ranked time is; none for the reference.
    pub fn to_fastest(&self, query: usize, contestant: usize) -> Option<f64> {
        let time = self.cell(query, contestant)?.ranked_time()?.estimate;
        (!self.contestants[contestant].reference).then_some(time / self.fastest(query)?)
    }

    fn timed(&self, query: usize) -> usize {
        (0..self.contestants.len()).filter(|contestant| self.to_fastest(query, *contestant).is_some()).count()
    }

    /// How many cells of a contestant were measured, with a verified answer.
    pub fn right(&self, contestant: usize) -> usize {
        self.of(contestant).filter(|cell| cell.ranked_time().is_some()).count()
    }

    /// How many crashed, hung, erred or were answered wrong.
    pub fn failed(&self, contestant: usize) -> usize {
        self.of(contestant).filter(|cell| cell.record().is_failed() && cell.state() != "interrupted").count()
    }

    /// How far a contestant is from the reference; `None` without one, or without a common query.
    pub fn from_reference(&self, contestant: usize) -> Option<Distance> {
        let reference = self.contestants.iter().position(|contestant| contestant.reference)?;
        let time = |query: usize, contestant: usize| Some(self.cell(query, contestant)?.ranked_time()?.estimate);
        let ratio = |query: usize| Some(time(query, contestant)? / time(query, reference)?);
        let ratios: Vec<f64> = (0..self.queries.len()).filter_map(ratio).collect();
        Some(Distance { ratio: geometric_mean(&ratios)?, queries: ratios.len() })
    }

    fn ranked_cells(&self) -> usize {
        self.cells.iter().filter(|cell| cell.ranked_time().is_some()).count()
    }
}

/// For each record which of the data of its query and conditions it was measured on: 0 for those of the newest record, 1 for
/// others before them. A record that never came to its data goes with the newest.
fn data_of(found: &[Found]) -> Vec<usize> {
    let mut seen: HashMap<(Conditions, &str), Vec<&str>> = HashMap::new();
    let mut places = vec![0; found.len()];
    // They come in the order of time.
    for (place, Found { record, .. }) in places.iter_mut().zip(found).rev() {
        let Some(sha256) = record.dataset.sha256.as_deref() else { continue };
        let known = seen.entry((Conditions::of(record), &record.id.query)).or_default();
        *place = known.iter().position(|other| *other == sha256).unwrap_or_else(|| {
            known.push(sha256);
            known.len() - 1
        });
    }
    places
}

/// Sorts `q2` before `q10`, and `ds14a` before `ds14b` and `ds15`.
pub fn natural(name: &str) -> (&str, u64, &str) {
    let (letters, rest) = name.split_at(name.find(|c: char| c.is_ascii_digit()).unwrap_or(name.len()));
    let (number, rest) = rest.split_at(rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len()));
    (letters, number.parse().unwrap_or_default(), rest)
}

#[cfg(test)]
mod tests {
    use super::natural;

    #[test]
    fn natural_sorts_by_the_first_number() {
        let mut names = ["ds15", "q10", "ds14b", "ds2", "own-b", "ds14a", "q2", "own-a"];
        names.sort_by_key(|name| natural(name));
        assert_eq!(names, ["ds2", "ds14a", "ds14b", "ds15", "own-a", "own-b", "q2", "q10"]);
    }
}
