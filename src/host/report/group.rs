//! Cells under the same conditions: who was measured on what, side by side.

use std::collections::HashMap;

use super::conditions::Conditions;
use super::contestant::{Contestant, contestants};
use super::gather::Found;
use super::known::Known;
use super::ranking::{Ranking, rank};
use crate::host::record::{Outcome, Record};
use crate::host::session::FailureKind;
use crate::host::stats::{Interval, median_interval};
use crate::host::verify::Verdict;

/// Cells that may be compared with each other.
#[derive(Debug)]
pub struct Group<'a> {
    /// What they have in common.
    pub conditions: Conditions,
    /// Who was measured: the ranked first, fastest first; then the others; the reference last.
    pub contestants: Vec<Contestant>,
    /// On which queries, in their natural order.
    pub queries: Vec<&'a str>,
    /// The ranking; its indices are those of `contestants` and `queries`.
    pub ranking: Ranking,
    cells: Vec<Cell<'a>>,
    /// Places in `cells`, query by query.
    grid: Vec<Option<usize>>,
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
        (Outcome::Measured(_), Some(verdict), _) if verdict.verified() => "measured",
        (Outcome::Measured(_), Some(Verdict::Disputed(_)), _) => "disputed",
        (Outcome::Measured(_), ..) => "unchecked",
        (Outcome::Skipped(_), _, Some(FailureKind::NotCold { .. })) => "not cold",
        (Outcome::Skipped(_), _, Some(_)) => "unsupported",
        (Outcome::Skipped(_), _, None) => "not available",
        (Outcome::Failed(_), Some(Verdict::Wrong { .. }), _) => "wrong",
        (Outcome::Failed(_), _, Some(kind)) => match kind {
            FailureKind::Crashed { .. } | FailureKind::Exited { .. } => "crashed",
            FailureKind::TimedOut { .. } => "timed out",
            FailureKind::OutOfMemory { .. } | FailureKind::GaveUp { .. } => "out of memory",
            FailureKind::Interrupted => "interrupted",
            _ => "error",
        },
        (Outcome::Failed(_), _, None) => "error",
    }
}

impl<'a> Group<'a> {
    /// All groups of these records; the one with the most ranked cells first, then by workload and scale.
    pub fn all(found: &'a [Found], known: &Known) -> Vec<Self> {
        let mut by_conditions: Vec<(Conditions, Vec<&Found>)> = Vec::new();
        let mut places: HashMap<Conditions, usize> = HashMap::new();
        for (found, data) in found.iter().zip(data_of(found)) {
            let conditions = Conditions { data, ..Conditions::of(&found.record) };
            let place = *places.entry(conditions.clone()).or_insert_with(|| {
                by_conditions.push((conditions, Vec::new()));
                by_conditions.len() - 1
            });
            by_conditions[place].1.push(found);
        }
        let mut groups: Vec<Self> =
            by_conditions.into_iter().map(|(conditions, found)| Self::new(conditions, &found, known)).collect();
        groups.sort_by(|a, b| {
            let order =
                |group: &Self| (group.conditions.workload.clone(), group.conditions.scale, group.conditions.data);
            order(a).cmp(&order(b)).then_with(|| b.ranked_cells().cmp(&a.ranked_cells()))
        });
        // Stable: the others keep their order.
        let main = (0..groups.len()).max_by_key(|index| (groups[*index].ranked_cells(), std::cmp::Reverse(*index)));
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
        let cells = found.iter().zip(owners).map(|(found, contestant)| Cell {
            found,
            contestant,
            query: places[found.record.id.query.as_str()],
            time: median_interval(found.record.samples_ns()),
        });
        let mut group = Self {
            conditions,
            contestants,
            queries,
            ranking: Ranking::default(),
            cells: cells.collect(),
            grid: Vec::new(),
        };
        group.index();
        group.ranking = rank(&group);
        group.order();
        group
    }

    fn index(&mut self) {
        self.grid = vec![None; self.queries.len() * self.contestants.len()];
        for (place, cell) in self.cells.iter().enumerate() {
            self.grid[cell.query * self.contestants.len() + cell.contestant] = Some(place);
        }
    }

    /// Puts the contestants in the order of the ranking.
    fn order(&mut self) {
        let mut order: Vec<usize> = self.ranking.places.iter().map(|place| place.contestant).collect();
        let mut others: Vec<usize> = (0..self.contestants.len()).filter(|index| !order.contains(index)).collect();
        others.sort_by_key(|index| self.contestants[*index].reference);
        order.extend(others);
        let mut new_place = vec![0; order.len()];
        for (new, old) in order.iter().enumerate() {
            new_place[*old] = new;
        }
        self.contestants = order.iter().map(|old| self.contestants[*old].clone()).collect();
        for cell in &mut self.cells {
            cell.contestant = new_place[cell.contestant];
        }
        self.ranking.renumber(&new_place);
        self.index();
    }

    /// What was found of this contestant on this query.
    pub fn cell(&self, query: usize, contestant: usize) -> Option<&Cell<'a>> {
        self.grid[query * self.contestants.len() + contestant].map(|place| &self.cells[place])
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

    fn ranked_cells(&self) -> usize {
        self.cells.iter().filter(|cell| cell.ranked_time().is_some()).count()
    }
}

/// For each record which of the data of its query and conditions it was measured on: 0 for those of the newest record, 1 for
/// others before them. A record that never came to its data goes with the newest.
fn data_of(found: &[Found]) -> Vec<usize> {
    let mut seen: HashMap<(Conditions, &str), Vec<&str>> = HashMap::new();
    let key = |one: &'_ Found| Conditions::of(&one.record);
    // They come in the order of time.
    for one in found.iter().rev() {
        let Some(sha256) = one.record.dataset.sha256.as_deref() else { continue };
        let known = seen.entry((key(one), &one.record.id.query)).or_default();
        if !known.contains(&sha256) {
            known.push(sha256);
        }
    }
    let place = |one: &Found| {
        let sha256 = one.record.dataset.sha256.as_deref()?;
        seen.get(&(key(one), one.record.id.query.as_str()))?.iter().position(|other| *other == sha256)
    };
    found.iter().map(|one| place(one).unwrap_or_default()).collect()
}

/// Sorts `q2` before `q10`.
fn natural(name: &str) -> (String, u64, String) {
    let letters = name.trim_end_matches(|c: char| c.is_ascii_digit());
    (letters.to_owned(), name[letters.len()..].parse().unwrap_or_default(), name.to_owned())
}
