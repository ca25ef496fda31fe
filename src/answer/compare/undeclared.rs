//! The columns of a query that declares none, by what its two answers have. Pure.
//!
//! Somebody's own query says nothing of its columns, and engines differ in types: an average is a decimal in one and a double
//! in the next. Whatever is exact on both sides stays exact; that of two decimals one may have been cut to fewer digits is
//! the plan's business ([`Plan::allow_cuts`](super::typed::Plan::allow_cuts)).

use std::borrow::Cow;

use crate::answer::{Answer, Kind};
use crate::workload::{ColumnSpec, QuerySpec};

/// The query with columns.
pub(super) fn filled<'a>(expected: &Answer, actual: &Answer, query: &'a QuerySpec) -> Cow<'a, QuerySpec> {
    if !query.columns.is_empty() {
        return Cow::Borrowed(query);
    }
    let column = |(index, column): (usize, &crate::answer::Column)| {
        // A column of nothing but NULLs has the other one's type.
        let all_null = expected.rows.iter().all(|row| row.get(index).is_none_or(Option::is_none));
        let theirs = actual.columns.get(index).map_or(column.kind, |column| column.kind);
        if all_null {
            return ColumnSpec { name: column.name.clone(), kind: theirs, measure: None };
        }
        ColumnSpec { name: column.name.clone(), kind: kind(column.kind, theirs), measure: None }
    };
    let columns = expected.columns.iter().enumerate().map(column).collect();
    Cow::Owned(QuerySpec { columns, ..query.clone() })
}

/// What two types are compared as; the first, where they have nothing in common.
fn kind(ours: Kind, theirs: Kind) -> Kind {
    use Kind::{Date, Decimal, Float, Float32, Int, Timestamp};
    match (ours, theirs) {
        (Int | Decimal | Float | Float32, Float | Float32) | (Float | Float32, Int | Decimal) => Float,
        (Int, Decimal) | (Decimal, Int) => Decimal,
        (Date, Timestamp) | (Timestamp, Date) => Date,
        _ => ours,
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Precision, compare};
    use super::*;
    use crate::answer::Column;

    fn answer(kind: Kind, values: &[&str]) -> Answer {
        let rows = values.iter().map(|value| vec![Some((*value).to_owned())]).collect();
        Answer { columns: vec![Column { name: "n".to_owned(), kind }], rows }
    }

    fn same(expected: (Kind, &[&str]), actual: (Kind, &[&str])) -> bool {
        let query = toml::from_str("name = 'q'\ntitle = ''\ntables = []").unwrap();
        compare(&answer(expected.0, expected.1), &answer(actual.0, actual.1), &query, Precision::Full).is_ok()
    }

    #[test]
    fn exact_where_both_are_and_as_floats_where_one_is() {
        use Kind::{Date, Decimal, Float, Int, Text, Timestamp};
        for (expected, actual, wanted) in [
            ((Int, ["7", "8"]), (Decimal, ["8.00", "7"]), true),
            ((Int, ["7000000000000000", "8"]), (Decimal, ["7000000000000001", "8"]), false),
            ((Int, ["7", "8"]), (Float, ["7.0000000001", "8"]), true),
            ((Float, ["0.30000000000000004", "1"]), (Decimal, ["0.3", "1"]), true),
            ((Decimal, ["10.25", "1"]), (Decimal, ["10.26", "1"]), false),
            ((Decimal, ["10.2500", "1"]), (Decimal, ["10.25", "1"]), true),
            ((Decimal, ["10.3333", "1"]), (Decimal, ["10.333333", "1"]), true),
            ((Decimal, ["10.33", "1"]), (Decimal, ["10.333333", "1"]), false),
            // Money is exact, however much of it and however many zeros are shown.
            ((Decimal, ["12345678901.23", "1"]), (Decimal, ["12345678905.10", "1"]), false),
            ((Decimal, ["12345678901.23", "1"]), (Decimal, ["12345678901.2400", "1.00"]), false),
            ((Decimal, ["12345678901.23", "1"]), (Decimal, ["12345678901.2300", "1.00"]), true),
            ((Decimal, ["98765432109876543210.3333", "1"]), (Decimal, ["98765432109876543210.333388", "1"]), true),
            ((Decimal, ["98765432109876543210.3333", "1"]), (Decimal, ["98765432109876543210.333401", "1"]), false),
            ((Int, ["12345678901", "8"]), (Decimal, ["12345678901.5", "8.0"]), false),
            ((Int, ["12345678901234567890", "8"]), (Decimal, ["12345678901234567890.000", "8.000"]), true),
            ((Date, ["2026-01-01", "2026-01-02"]), (Timestamp, ["2026-01-02 00:00:00", "2026-01-01 00:00:00"]), true),
            ((Text, ["a", "b"]), (Text, ["b", "a"]), true),
            ((Text, ["1", "2"]), (Int, ["1", "2"]), false),
        ] {
            let (expected, actual) = ((expected.0, &expected.1[..]), (actual.0, &actual.1[..]));
            assert_eq!(same(expected, actual), wanted, "{expected:?} {actual:?}");
            assert_eq!(same(actual, expected), wanted, "{actual:?} {expected:?}");
        }
    }
}
