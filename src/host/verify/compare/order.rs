//! The outermost ORDER BY: whether rows are sorted by it, and which of them tie.
//!
//! Looks at one answer at a time; rows of two answers meet in [`pairing`](super::pairing).

use std::cmp::Ordering;

use super::Difference;
use super::typed::{Plan, Table, Tolerance, Value};
use crate::host::suite::{NullOrder, OrderKey, QuerySpec};

/// The sort keys of a query.
#[derive(Debug)]
pub(super) struct Keys(Vec<Key>);

#[derive(Debug)]
struct Key {
    column: usize,
    descending: bool,
    exact: bool,
    /// What its floats may differ by and still tie.
    ties: Tolerance,
    /// Where the query says that its NULLs are.
    nulls: Option<NullsPlace>,
}

impl Key {
    fn order(&self, before: &Value<'_>, after: &Value<'_>) -> Ordering {
        let order = before.order(after);
        if self.descending { order.reverse() } else { order }
    }
}

/// Where an answer puts NULLs, by key.
pub(super) type Nulls = Vec<Option<NullsPlace>>;

/// Where NULLs stand among the rows that tie on the keys before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NullsPlace {
    First,
    Last,
}

impl NullsPlace {
    fn of(order: NullOrder, descending: bool) -> Self {
        if (order == NullOrder::Smallest) == descending { Self::Last } else { Self::First }
    }

    fn words(self) -> &'static str {
        match self {
            Self::First => "nulls first",
            Self::Last => "nulls last",
        }
    }
}

impl Keys {
    /// Finds the columns of the keys.
    pub(super) fn new(query: &QuerySpec, plan: &Plan<'_>) -> Result<Self, Difference> {
        let key = |key: &OrderKey| {
            let column = plan.columns.iter().position(|column| column.name == key.column);
            let column = column.ok_or_else(|| Difference::Key(key.column.clone()))?;
            let OrderKey { descending, .. } = *key;
            let nulls = query.nulls.map(|order| NullsPlace::of(order, descending));
            let plan = &plan.columns[column];
            Ok(Key { column, descending, exact: plan.rule.is_exact(), ties: plan.ties.clone(), nulls })
        };
        query.order.iter().map(key).collect::<Result<_, _>>().map(Self)
    }

    /// Whether any order is right.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The columns of the keys.
    pub(super) fn columns(&self) -> Vec<usize> {
        self.0.iter().map(|key| key.column).collect()
    }

    /// The columns of the keys by which rows tie: those up to the first that is not exact.
    pub(super) fn tying_columns(&self) -> Vec<usize> {
        let exact = self.0.iter().take_while(|key| key.exact).count();
        self.0.iter().take(exact + 1).map(|key| key.column).collect()
    }

    /// Whether two neighbours of one sorted answer may stand the other way round in another answer.
    ///
    /// Keys after an inexact one do not tell them apart: two floats that one engine finds equal, and sorts by the
    /// next key, may differ in their last bit for another.
    pub(super) fn tie(&self, before: &[Value<'_>], after: &[Value<'_>]) -> bool {
        for key in &self.0 {
            let (before, after) = (&before[key.column], &after[key.column]);
            let equal = before.order(after) == Ordering::Equal;
            if !key.exact {
                return equal || before.within(after, &key.ties);
            }
            if !equal {
                return false;
            }
        }
        true
    }

    /// Checks that an answer is sorted, and learns where it puts NULLs: where the query says it, or else at either end, if it is the
    /// same all over.
    pub(super) fn check(&self, table: &Table<'_>, query: &QuerySpec) -> Result<Nulls, Difference> {
        let mut nulls: Nulls = self.0.iter().map(|key| key.nulls).collect();
        for row in 1..table.len() {
            let wrong = self.first_broken(table.row(row - 1), table.row(row), &mut nulls);
            if let Some(index) = wrong {
                let name = |key: &OrderKey| {
                    if key.descending { format!("{} desc", key.column) } else { key.column.clone() }
                };
                let Key { column, nulls: declared, .. } = self.0[index];
                let has_null = [row - 1, row].iter().any(|&row| table.row(row)[column].is_null());
                let keys: Vec<String> = query.order[..=index].iter().map(name).collect();
                let place = declared.filter(|_| has_null).map(|place| format!(" {}", place.words()));
                return Err(Difference::Order {
                    row: row + 1,
                    keys: keys.join(", ") + &place.unwrap_or_default(),
                    got: table.show(row, column),
                    previous: table.show(row - 1, column),
                });
            }
        }
        Ok(nulls)
    }

    /// The key by which a row should not follow the one before.
    fn first_broken(&self, before: &[Value<'_>], after: &[Value<'_>], nulls: &mut Nulls) -> Option<usize> {
        for (index, key) in self.0.iter().enumerate() {
            let (before, after) = (&before[key.column], &after[key.column]);
            let place = match (before.is_null(), after.is_null()) {
                (true, true) => continue,
                (false, false) => match key.order(before, after) {
                    Ordering::Equal => continue,
                    Ordering::Less => return None,
                    // The engine may have sorted by digits that its text does not show.
                    Ordering::Greater if before.near(after) => return None,
                    Ordering::Greater => return Some(index),
                },
                (true, false) => NullsPlace::First,
                (false, true) => NullsPlace::Last,
            };
            return (*nulls[index].get_or_insert(place) != place).then_some(index);
        }
        None
    }

    /// The rows of an answer in the order of the keys, NULLs where another answer puts them; ties stay as they are.
    pub(super) fn sorted(&self, table: &Table<'_>, nulls: &Nulls) -> Vec<usize> {
        let mut rows: Vec<usize> = (0..table.len()).collect();
        rows.sort_by(|&a, &b| {
            let (a, b) = (table.row(a), table.row(b));
            let by_key = |(key, place): (&Key, &Option<NullsPlace>)| {
                let (a, b) = (&a[key.column], &b[key.column]);
                match (a.is_null(), b.is_null()) {
                    (false, false) => key.order(a, b),
                    (a, b) if *place == Some(NullsPlace::First) => b.cmp(&a),
                    (a, b) => a.cmp(&b),
                }
            };
            let mut orders = self.0.iter().zip(nulls).map(by_key);
            orders.find(|order| order.is_ne()).unwrap_or(Ordering::Equal)
        });
        rows
    }
}
