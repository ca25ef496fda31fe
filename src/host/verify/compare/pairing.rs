//! Which rows of two answers have no partner in the other: rows as multisets, numbers within their tolerance.
//!
//! Does not care about order. Both sides are sorted by the exact columns, so that rows that can be partners stand in
//! one run, and by the inexact columns last.

use std::cell::Cell;
use std::cmp::Ordering;
use std::sync::atomic::{AtomicBool, Ordering as Memory};

use super::Answers;
use super::typed::Table;
use crate::host::interrupt;

/// Pairs of rows between two looks whether the user wants to stop: some hundredths of a second.
const LOOK: u32 = 1 << 16;
/// Whether a comparison ended before it had a result.
static GAVE_UP: AtomicBool = AtomicBool::new(false);

/// Whether an interrupt ended a comparison of this process early: nothing that it or a later one found counts.
pub(crate) fn gave_up() -> bool {
    GAVE_UP.load(Memory::SeqCst)
}

/// The rows without a partner, ascending.
#[derive(Debug, Default)]
pub(super) struct Unpaired {
    /// Of the expected answer.
    pub(super) missing: Vec<usize>,
    /// Of the actual answer.
    pub(super) extra: Vec<usize>,
}

/// Pairs the given rows, expected and actual, by the given columns.
pub(super) fn unpaired(answers: &Answers<'_>, rows: (&[usize], &[usize]), columns: &[usize]) -> Unpaired {
    let (exact, loose) = columns.iter().partition(|&&column| answers.plan.columns[column].rule.is_exact());
    let stop = interrupt::requested;
    let mut pairing = Pairing { answers, exact, loose, left: Unpaired::default(), stop, stopped: false };
    let wanted = pairing.sorted(&answers.wanted, rows.0);
    let got = pairing.sorted(&answers.got, rows.1);
    pairing.merge(&wanted, &got);
    if pairing.stopped {
        GAVE_UP.store(true, Memory::SeqCst);
    }
    let mut left = pairing.left;
    left.missing.sort_unstable();
    left.extra.sort_unstable();
    left
}

struct Pairing<'a> {
    answers: &'a Answers<'a>,
    exact: Vec<usize>,
    loose: Vec<usize>,
    left: Unpaired,
    /// Asked every [`LOOK`] pairs, since a run of rows may take O(n²).
    stop: fn() -> bool,
    stopped: bool,
}

impl Pairing<'_> {
    fn sorted(&self, table: &Table<'_>, rows: &[usize]) -> Vec<usize> {
        let mut rows = rows.to_vec();
        rows.sort_by(|&a, &b| {
            let by_exact = by(&self.exact, (table, a), (table, b));
            by_exact.then_with(|| by(&self.loose, (table, a), (table, b)))
        });
        rows
    }

    /// Walks both sides run by run.
    fn merge(&mut self, mut wanted: &[usize], mut got: &[usize]) {
        let answers = self.answers;
        while let (Some(&first), Some(&other)) = (wanted.first(), got.first()) {
            match by(&self.exact, (&answers.wanted, first), (&answers.got, other)) {
                Ordering::Less => {
                    self.left.missing.push(first);
                    wanted = &wanted[1..];
                }
                Ordering::Greater => {
                    self.left.extra.push(other);
                    got = &got[1..];
                }
                Ordering::Equal => {
                    let (run, rest) = self.split_run(&answers.wanted, wanted);
                    wanted = rest;
                    let (other_run, rest) = self.split_run(&answers.got, got);
                    got = rest;
                    self.pair_run(run, other_run);
                }
            }
        }
        self.left.missing.extend(wanted);
        self.left.extra.extend(got);
    }

    fn split_run<'b>(&self, table: &Table<'_>, rows: &'b [usize]) -> (&'b [usize], &'b [usize]) {
        let same = |&row: &usize| by(&self.exact, (table, rows[0]), (table, row)).is_eq();
        rows.split_at(rows.iter().position(|row| !same(row)).unwrap_or(rows.len()))
    }

    /// Pairs rows that agree in all exact columns.
    fn pair_run(&mut self, wanted: &[usize], got: &[usize]) {
        let same = |row: usize, other: usize| self.loose.iter().all(|&column| self.answers.same(row, other, column));
        if wanted.len() == got.len() && wanted.iter().zip(got).all(|(&row, &other)| same(row, other)) {
            return;
        }
        // Numbers that nearly agree may be sorted differently on either side, so each row takes the first partner in
        // reach: both sides ascend by the first loose column, which bounds where to look.
        let mut taken = vec![false; got.len()];
        let mut start = 0;
        let mut missing = Vec::new();
        let (tried, stopped) = (Cell::new(0_u32), Cell::new(self.stopped));
        let goes_on = || {
            tried.set(tried.get().wrapping_add(1));
            stopped.set(stopped.get() || (tried.get().is_multiple_of(LOOK) && (self.stop)()));
            !stopped.get()
        };
        for &row in wanted {
            // Rows that were not looked at have no partner, and seem to differ: after an interrupt nobody reads that.
            if stopped.get() {
                missing.push(row);
                continue;
            }
            while start < got.len() && (taken[start] || self.beyond(row, got[start]).is_lt()) {
                start += 1;
            }
            let reach = (start..got.len()).take_while(|&at| self.beyond(row, got[at]).is_le());
            let partner = reach.take_while(|_| goes_on()).find(|&at| !taken[at] && same(row, got[at]));
            match partner {
                Some(at) => taken[at] = true,
                None => missing.push(row),
            }
        }
        self.stopped = stopped.get();
        self.left.missing.extend(missing);
        self.left.extra.extend(got.iter().zip(&taken).filter(|(_, taken)| !**taken).map(|(row, _)| row));
    }

    /// Whether an actual row is before or after all that an expected row can pair with; equal is within reach.
    fn beyond(&self, row: usize, other: usize) -> Ordering {
        match self.loose.first() {
            Some(&column) if !self.answers.same(row, other, column) => {
                self.answers.got.row(other)[column].order(&self.answers.wanted.row(row)[column])
            }
            _ => Ordering::Equal,
        }
    }
}

/// The order of two rows by some columns.
fn by(columns: &[usize], (table, row): (&Table<'_>, usize), (other, at): (&Table<'_>, usize)) -> Ordering {
    let (row, at) = (table.row(row), other.row(at));
    let mut orders = columns.iter().map(|&column| row[column].order(&at[column]));
    orders.find(|order| order.is_ne()).unwrap_or(Ordering::Equal)
}

#[cfg(test)]
mod tests {
    use super::super::typed::Plan;
    use super::super::{ComparedAnswer, Precision};
    use super::*;
    use crate::host::suite::QuerySpec;
    use crate::protocol::answer::{Answer, Column, Kind};

    /// Floats that nearly agree in the first column and stand in the opposite order in the second: the worst case.
    fn answer(order: impl Fn(usize) -> usize) -> Answer {
        let columns = ["a", "b"].map(|name| Column { name: name.to_owned(), kind: Kind::Float }).to_vec();
        let row = |at: usize| vec![Some(format!("1.000000000{:04}", order(at))), Some(format!("{at}"))];
        Answer { columns, rows: (0..2000).map(row).collect() }
    }

    #[test]
    fn pair_run_ends_when_asked_to_and_says_so() {
        let (expected, actual) = (answer(|at| at), answer(|at| 1999 - at));
        let query: QuerySpec =
            toml::from_str("name = 'q'\ntitle = ''\ntables = []\ncolumns = ['a:float', 'b:float']").unwrap();
        let plan = Plan::new(&expected, &actual, &query, Precision::Full).unwrap();
        let answers = Answers {
            wanted: Table::read(&expected, ComparedAnswer::Expected, &plan).unwrap(),
            got: Table::read(&actual, ComparedAnswer::Actual, &plan).unwrap(),
            plan,
        };
        let paired = |stop: fn() -> bool| {
            let left = Unpaired::default();
            let mut pairing =
                Pairing { answers: &answers, exact: Vec::new(), loose: vec![0, 1], left, stop, stopped: false };
            let rows: Vec<usize> = (0..2000).collect();
            let (wanted, got) = (pairing.sorted(&answers.wanted, &rows), pairing.sorted(&answers.got, &rows));
            pairing.merge(&wanted, &got);
            (pairing.stopped, pairing.left.missing.len(), pairing.left.extra.len())
        };
        assert_eq!(paired(|| false), (false, 0, 0));
        let (stopped, missing, extra) = paired(|| true);
        // What is left on both sides is a difference: it never looks equal.
        assert!(stopped && missing > 1000 && missing == extra, "{missing} {extra}");
    }
}
