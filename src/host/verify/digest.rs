//! A short fingerprint of an answer: [`digest`]. It tells runs apart in a record; it never decides what is right.
//!
//! Two right answers can have different digests: a float may fall on either side of a rounding, a tie at LIMIT may be
//! cut differently, an engine may give a decimal as a float. [`compare`](super::compare) knows about these.

use std::borrow::Cow;

use sha2::{Digest, Sha256};

use super::compare::typed::Value;
use crate::host::suite::QuerySpec;
use crate::protocol::answer::{Answer, Kind, Shown};

/// 16 hexadecimal digits that depend on the values but not on the order of the rows, the names of the columns or the
/// way in which an engine writes a number: decimals count without zeros at the end, floats with six significant
/// digits.
///
/// Of an answer that is summed up, it depends on every bit of its floats too.
pub fn digest(shown: &Shown, query: &QuerySpec) -> String {
    match shown {
        Shown::Rows(answer) => of_rows(answer, query),
        Shown::Summary(summary) => {
            let exact = summary.views.first().map(|view| view.hashes.clone()).unwrap_or_default();
            let sum = exact.into_iter().fold(summary.rows, u64::wrapping_add);
            format!("{sum:016x}")
        }
    }
}

fn of_rows(answer: &Answer, query: &QuerySpec) -> String {
    let kinds: Vec<(Kind, bool)> = answer
        .columns
        .iter()
        .enumerate()
        .map(|(index, column)| {
            // An answer of another shape than the declared one still has a digest, by its own types.
            let declared = query.columns.get(index).map_or(column.kind, |declared| declared.kind);
            (declared, [declared, column.kind].iter().any(|kind| matches!(kind, Kind::Float | Kind::Float32)))
        })
        .collect();
    let mut rows: Vec<String> = answer.rows.iter().map(|row| canonical(row, &kinds)).collect();
    rows.sort_unstable();
    let mut hash = Sha256::new();
    for row in rows {
        hash.update(row);
        hash.update("\n");
    }
    let start = hash.finalize().iter().take(8).fold(0_u64, |number, &byte| number << 8 | u64::from(byte));
    format!("{start:016x}")
}

/// A row as one text. Lengths stand before the values, so that no two rows look the same.
fn canonical(row: &[Option<String>], kinds: &[(Kind, bool)]) -> String {
    let mut line = String::new();
    for (value, &(kind, float)) in row.iter().zip(kinds) {
        let Some(text) = value else {
            line.push_str("N;");
            continue;
        };
        let shown: Cow<'_, str> = match Value::read(text, kind, float) {
            Some(Value::Number(number)) => number.normalized().to_plain_string().into(),
            // Adding zero makes one of the two zeros.
            Some(Value::Float(number)) => format!("{:.5e}", number + 0.0).into(),
            Some(Value::Instant(nanos)) => nanos.to_string().into(),
            Some(Value::Text(text)) => text,
            Some(Value::Null) | None => text.into(),
        };
        line.extend([shown.len().to_string().as_str(), ":", &*shown, ";"]);
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::suite::ColumnSpec;
    use crate::protocol::answer::Column;

    fn of(kinds: &[Kind], rows: &[&[Option<&str>]]) -> String {
        let declared = ["n:int", "d:decimal", "f:float", "t:text"];
        let query = QuerySpec {
            name: "q".to_owned(),
            columns: declared.iter().map(|text| ColumnSpec::try_from((*text).to_owned()).unwrap()).collect(),
            ..QuerySpec::default()
        };
        let column = |&kind: &Kind| Column { name: String::new(), kind };
        let row = |row: &&[Option<&str>]| row.iter().map(|value| value.map(str::to_owned)).collect();
        let answer = Answer { columns: kinds.iter().map(column).collect(), rows: rows.iter().map(row).collect() };
        digest(&Shown::Rows(answer), &query)
    }

    const KINDS: [Kind; 4] = [Kind::Int, Kind::Decimal, Kind::Float, Kind::Text];

    #[test]
    fn neither_order_nor_notation_counts() {
        let one = [Some("1"), Some("1.50"), Some("-0.0"), Some("a")];
        let two = [Some("2"), None, Some("2.5522005853"), Some("b")];
        let digest = of(&KINDS, &[&one, &two]);
        assert_eq!(digest.len(), 16);
        assert_eq!(digest, of(&KINDS, &[&two, &one]));
        let other_one = [Some("1"), Some("1.5"), Some("0"), Some("a")];
        let other_two = [Some("2.00"), None, Some("2.552201"), Some("b")];
        let kinds = [Kind::Decimal, Kind::Decimal, Kind::Decimal, Kind::Text];
        assert_eq!(digest, of(&kinds, &[&other_two, &other_one]));
    }

    #[test]
    fn values_and_their_places_count() {
        let base = of(&KINDS, &[&[Some("1"), Some("1"), Some("1"), Some("a")]]);
        for changed in [
            [Some("2"), Some("1"), Some("1"), Some("a")],
            [Some("1"), Some("1.001"), Some("1"), Some("a")],
            [Some("1"), Some("1"), Some("1.0001"), Some("a")],
            [Some("1"), Some("1"), Some("1"), Some("a ")],
            [Some("1"), Some("1"), Some("1"), None],
            [Some("1"), None, Some("1"), Some("a")],
        ] {
            assert_ne!(base, of(&KINDS, &[&changed]), "{changed:?}");
        }
        assert_ne!(base, of(&KINDS, &[]));
    }
}
