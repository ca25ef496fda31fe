//! The columns of a query that declares none, by what its two answers have. Pure.
//!
//! Somebody's own query says nothing of its columns, and engines differ in types: an average is a decimal in one and a double
//! in the next. Whatever is exact on both sides stays exact; that of two decimals one may have been cut to fewer digits is
//! the plan's business ([`Plan::allow_undeclared`](super::typed::Plan::allow_undeclared)).

use std::borrow::Cow;

use crate::host::suite::{ColumnSpec, OrderKey, QuerySpec};
use crate::protocol::answer::{Answer, Kind};

/// The query with columns.
pub(super) fn filled<'a>(expected: &Answer, actual: &Answer, query: &'a QuerySpec) -> Cow<'a, QuerySpec> {
    if !query.columns.is_empty() {
        return Cow::Borrowed(query);
    }
    let column = |(index, column): (usize, &crate::protocol::answer::Column)| {
        // A column of nothing but NULLs has the other one's type.
        let all_null = expected.rows.iter().all(|row| row.get(index).is_none_or(Option::is_none));
        let theirs = actual.columns.get(index).map_or(column.kind, |column| column.kind);
        if all_null {
            return ColumnSpec { name: column.name.clone(), kind: theirs, measure: None };
        }
        ColumnSpec { name: column.name.clone(), kind: kind(column.kind, theirs), measure: None }
    };
    let columns = expected.columns.iter().enumerate().map(column).collect();
    Cow::Owned(QuerySpec { columns, order: known_keys(expected, actual, &query.order), ..query.clone() })
}

/// The first sort keys of a text, as far as they are columns of both answers whose order is the same in every engine. A key is a
/// name, or `#2` for the second column.
fn known_keys(expected: &Answer, actual: &Answer, order: &[OrderKey]) -> Vec<OrderKey> {
    let has_nan = |answer: &Answer, place: usize| answer.rows.iter().any(|row| row[place].as_deref() == Some("NaN"));
    let sorts = |answer: &Answer, place: usize| {
        let width = answer.columns.len();
        answer.columns.get(place).is_some_and(|column| !matches!(column.kind, Kind::Text | Kind::List))
            && answer.rows.iter().all(|row| row.len() == width)
            && !has_nan(answer, place)
    };
    let known = |key: &OrderKey| {
        let place = place_of(&key.column, expected)?;
        let name = &expected.columns[place].name;
        let unique = expected.columns.iter().filter(|column| column.name == *name).count() == 1;
        let sorted = unique && sorts(expected, place) && sorts(actual, place);
        sorted.then(|| OrderKey { column: name.clone(), descending: key.descending })
    };
    order.iter().map_while(known).collect()
}

fn place_of(key: &str, answer: &Answer) -> Option<usize> {
    if let Some(number) = key.strip_prefix('#') {
        let place = number.parse::<usize>().ok()?.checked_sub(1)?;
        return (place < answer.columns.len()).then_some(place);
    }
    let mut places = (0..answer.columns.len()).filter(|place| answer.columns[*place].name.eq_ignore_ascii_case(key));
    places.next().filter(|_| places.next().is_none())
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
    use crate::protocol::answer::Column;

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
            ((Int, ["7000000000001", "8"]), (Float, ["7000000000001", "8"]), true),
            ((Int, ["7000000000001", "8"]), (Float, ["7000000000002", "8"]), false),
            ((Int, ["1790000000002046001", "8"]), (Float, ["1790000000002046001", "8"]), false),
            ((Decimal, ["0.50", "1"]), (Decimal, ["0.500050", "1"]), false),
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

    #[test]
    fn order_is_that_of_the_text_as_far_as_every_engine_sorts_alike() {
        let same = |order: &str, kinds: [Kind; 2], actual: [[&str; 2]; 2]| {
            let answer = |rows: [[&str; 2]; 2]| Answer {
                columns: kinds.map(|kind| Column { name: "k".to_owned(), kind }).to_vec(),
                rows: rows.map(|row| row.map(|value| Some(value.to_owned())).to_vec()).to_vec(),
            };
            let mut sorted = answer([["1", "a"], ["2", "B"]]);
            let mut actual = answer(actual);
            for answer in [&mut sorted, &mut actual] {
                answer.columns[1].name = "t".to_owned();
            }
            let text = format!("name = 'q'\ntitle = ''\ntables = []\norder = ['{order}']");
            compare(&sorted, &actual, &toml::from_str(&text).unwrap(), Precision::Full).is_ok()
        };
        let kinds = [Kind::Int, Kind::Text];
        let turned = [["2", "B"], ["1", "a"]];
        assert!(same("k", kinds, [["1", "a"], ["2", "B"]]));
        assert!(!same("k", kinds, turned) && !same("#1", kinds, turned) && !same("K", kinds, turned));
        // Text is sorted by other rules in other engines, and what is no column of the answer is not known.
        assert!(same("t", kinds, turned) && same("other", kinds, turned) && same("#3", kinds, turned));
    }
}
