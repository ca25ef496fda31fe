//! What the comparison of answers takes for equal and what not, through the public interface.
//!
//! Each test is a claim in the head of `src/host/verify/compare.rs`. No engine and no data is needed.
#![cfg(feature = "harness")]
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use proptest::prelude::*;
use querydyno::host::suite::{ColumnSpec, OrderKey, QuerySpec, Tolerances};
use querydyno::host::verify::compare::{Precision, compare};
use querydyno::host::verify::reference::read_published;
use querydyno::protocol::answer::{Answer, Column, Kind};
use test_case::test_case;

/// As `fixtures/tpch/suite.toml` has them.
const TPCH: Tolerances = Tolerances { decimals: 2, sum: 100, percent: 1 };

/// A query with columns such as `"n:int t:text"` and keys such as `"n desc, t"`.
fn query(columns: &str, order: &str, limit: Option<usize>) -> QuerySpec {
    let key = |text: &str| OrderKey::try_from(text.trim().to_owned()).unwrap();
    QuerySpec {
        name: "q".to_owned(),
        columns: columns.split_whitespace().map(|text| ColumnSpec::try_from(text.to_owned()).unwrap()).collect(),
        order: order.split(',').filter(|text| !text.is_empty()).map(key).collect(),
        limit,
        ..QuerySpec::default()
    }
}

/// An answer with columns of these types and rows such as `"1|a"`; `NULL` is one.
fn answer(kinds: &str, rows: &[&str]) -> Answer {
    let kind = |text: &str| ColumnSpec::try_from(format!("c:{text}")).unwrap().kind;
    let column = |text| Column { name: "some name".to_owned(), kind: kind(text) };
    let value = |text: &str| (text != "NULL").then(|| text.to_owned());
    Answer {
        columns: kinds.split(' ').map(column).collect(),
        rows: rows.iter().map(|row| row.split('|').map(value).collect()).collect(),
    }
}

/// The difference in words; empty when there is none.
fn differ(expected: &Answer, actual: &Answer, query: &QuerySpec) -> String {
    compare(expected, actual, query, Precision::Full)
        .map_or_else(|difference| difference.to_string(), |()| String::new())
}

/// The difference between two answers of one value.
fn single(declared: &str, expected: (&str, &str), actual: (&str, &str), precision: Precision) -> String {
    let [expected, actual] = [expected, actual].map(|(kind, value)| answer(kind, &[value]));
    let result = compare(&expected, &actual, &query(&format!("v:{declared}"), "", None), precision);
    result.map_or_else(|difference| difference.to_string(), |()| String::new())
}

const NATIONS: &str = "name:text revenue:decimal";
const ROWS: [&str; 4] = ["CHINA|300.5", "INDIA|200", "JAPAN|200.00", "KENYA|123.45"];

#[test_case(&ROWS, ""; "same")]
#[test_case(&["CHINA|300.5", "JAPAN|200", "INDIA|200.0", "KENYA|123.45"], ""; "swapped pair in a tie")]
#[test_case(&["CHINA|300.5", "INDIA|200", "JAPAN|200", "KENYA|123.46"], "row 4, revenue: expected 123.45, got 123.46"; "wrong value")]
#[test_case(&["CHINA|300.5", "JAPAN|200", "IDNIA|200", "KENYA|123.45"], "row 3, name: expected 'INDIA', got 'IDNIA'"; "wrong value in a tie")]
#[test_case(&["CHINA|300.5", "INDIA|200", "KENYA|123.45", "JAPAN|200"], "row 4 is out of order by revenue desc: 200 after 123.45"; "wrong order")]
#[test_case(&["CHINA|300.5", "JAPAN|200", "KENYA|123.45"], "expected 4 rows, got 3; first missing row: 'INDIA', 200"; "missing row")]
#[test_case(&["CHINA|300.5", "INDIA|200", "JAPAN|200", "KENYA|123.45", "PERU|1"], "expected 4 rows, got 5; first extra row: 'PERU', 1"; "extra row")]
#[test_case(&[], "expected 4 rows, got 0; first missing row: 'CHINA', 300.5"; "nothing")]
#[test_case(&["CHINA|300.5", "INDIA|200", "INDIA|200", "KENYA|123.45"], "row 3, name: expected 'JAPAN', got 'INDIA'"; "doubled")]
fn ordered_rows(rows: &[&str], difference: &str) {
    let query = query(NATIONS, "revenue desc", None);
    let [expected, actual] = [&ROWS, rows].map(|rows| answer("text decimal", rows));
    assert_eq!(differ(&expected, &actual, &query), difference);
}

#[test_case(&["b|2", "a|1", "b|2", "c|3"], ""; "any order")]
#[test_case(&["a|1", "a|1", "b|2", "c|3"], "row 2, name: expected 'b', got 'a'"; "doubled")]
#[test_case(&["c|3", "b|2", "a|7", "b|2"], "row 3, revenue: expected 1, got 7"; "wrong value")]
#[test_case(&["c|3", "a|1", "b|2"], "expected 4 rows, got 3; first missing row: 'b', 2"; "missing")]
fn rows_without_order(rows: &[&str], difference: &str) {
    let expected = answer("text decimal", &["a|1", "b|2", "b|2", "c|3"]);
    assert_eq!(differ(&expected, &answer("text decimal", rows), &query(NATIONS, "", None)), difference);
}

#[test_case(&["a|3", "b|2", "x|1"], Some(3), ""; "last row cut differently")]
#[test_case(&["a|3", "b|2", "c|1"], Some(3), ""; "the whole tie cut differently")]
#[test_case(&["a|3", "b|2", "c|0"], Some(3), "row 3, n: expected 1, got 0"; "wrong key at the cut")]
#[test_case(&["a|3", "x|2", "c|1"], Some(3), "row 2, t: expected 'b', got 'x'"; "wrong row before the cut")]
#[test_case(&["a|3", "b|2", "x|1"], Some(4), "row 3, t: expected 'c', got 'x'"; "nothing was cut")]
#[test_case(&["a|3", "b|2", "x|1"], None, "row 3, t: expected 'c', got 'x'"; "no limit")]
#[test_case(&["a|3", "b|2"], Some(3), "expected 3 rows, got 2; first missing row: 'c', 1"; "too few")]
fn ties_at_a_limit(rows: &[&str], limit: Option<usize>, difference: &str) {
    let expected = answer("text int", &["a|3", "b|2", "c|1"]);
    let query = query("t:text n:int", "n desc", limit);
    assert_eq!(differ(&expected, &answer("text int", rows), &query), difference);
}

#[test]
fn a_tie_of_several_rows_may_be_cut_anywhere() {
    let query = query("t:text n:int m:int", "n, m", Some(4));
    let expected = answer("text int int", &["a|1|1", "b|1|2", "c|2|1", "d|2|1"]);
    let other = answer("text int int", &["a|1|1", "b|1|2", "y|2|1", "c|2|1"]);
    assert_eq!(differ(&expected, &other, &query), "");
    let wrong = answer("text int int", &["a|1|1", "b|1|2", "y|2|1", "c|2|2"]);
    assert_eq!(differ(&expected, &wrong, &query), "row 4, m: expected 1, got 2");
}

#[test]
fn a_limit_without_order_leaves_only_the_number_of_rows() {
    let expected = answer("int", &["1", "2"]);
    let limited = query("n:int", "", Some(2));
    assert_eq!(differ(&expected, &answer("int", &["8", "9"]), &limited), "");
    assert_eq!(differ(&expected, &answer("int", &["8"]), &limited), "expected 2 rows, got 1; first missing row: 1");
    let roomy = query("n:int", "", Some(3));
    assert_eq!(differ(&expected, &answer("int", &["2", "9"]), &roomy), "row 2, n: expected 1, got 9");
}

#[test_case(&["NULL|c", "1|a", "2|b"], ""; "at one end")]
#[test_case(&["1|a", "2|b", "NULL|c"], ""; "at the other")]
#[test_case(&["1|a", "NULL|c", "2|b"], "row 3 is out of order by n: 2 after NULL"; "in the middle")]
// No NULL shows where this engine puts them, so the reference is read with its own last.
#[test_case(&["0|c", "1|a", "2|b"], "row 1, n: expected 1, got 0"; "zero is no null")]
#[test_case(&["NULL|NULL", "1|a", "2|b"], "row 1, t: expected 'c', got NULL"; "null is no value")]
fn nulls(rows: &[&str], difference: &str) {
    let query = query("n:int t:text", "n", None);
    let expected = answer("int text", &["1|a", "2|b", "NULL|c"]);
    assert_eq!(differ(&expected, &answer("int text", rows), &query), difference);
}

#[test]
fn nulls_stand_at_the_same_end_all_over() {
    let query = query("a:int b:int", "a, b", None);
    let expected = answer("int int", &["1|1", "1|NULL", "2|1", "2|NULL"]);
    let first = answer("int int", &["1|NULL", "1|1", "2|NULL", "2|1"]);
    assert_eq!(differ(&expected, &first, &query), "");
    let mixed = answer("int int", &["1|NULL", "1|1", "2|1", "2|NULL"]);
    assert_eq!(differ(&expected, &mixed, &query), "row 4 is out of order by a, b: NULL after 1");
}

#[test]
fn null_equals_null_only() {
    for (kind, value) in [("text", ""), ("text", "null"), ("int", "0"), ("float", "NaN"), ("date", "1970-01-01")] {
        assert_eq!(single(kind, (kind, "NULL"), (kind, "NULL"), Precision::Full), "");
        assert_ne!(single(kind, (kind, "NULL"), (kind, value), Precision::Full), "");
        assert_ne!(single(kind, (kind, value), (kind, "NULL"), Precision::Full), "");
    }
}

#[test_case("int", ("int", "42"), ("int", "42"), true; "int")]
#[test_case("int", ("int", "42"), ("decimal", "42.000"), true; "int as a decimal")]
#[test_case("int", ("int", "42"), ("decimal", "42.5"), false; "int with a fraction")]
#[test_case("int", ("int", "42"), ("float", "42"), false; "int as a float")]
#[test_case("int", ("int", "9007199254740993"), ("int", "9007199254740992"), false; "int beyond a double")]
#[test_case("decimal", ("decimal", "1.50"), ("decimal", "1.5"), true; "scale")]
#[test_case("decimal", ("decimal", "-0.00"), ("int", "0"), true; "leading zeros")]
#[test_case("decimal", ("decimal", "12345678901234567890123456789012345678901.1"), ("decimal", "12345678901234567890123456789012345678901.10"), true; "long")]
#[test_case("decimal", ("decimal", "12345678901234567890123456789012345678901.1"), ("decimal", "12345678901234567890123456789012345678901.2"), false; "long last")]
#[test_case("decimal", ("decimal", "1.5"), ("decimal", "-1.5"), false; "sign")]
#[test_case("decimal", ("decimal", "55909065222.8277"), ("float", "55909065222.82771"), true; "decimal as a float")]
#[test_case("decimal", ("decimal", "123.45"), ("float", "123.4500002"), false; "decimal as a wrong float")]
#[test_case("decimal", ("decimal", "100"), ("decimal", "1e2"), false; "no exponents")]
#[test_case("float", ("float", "25.522005853257337"), ("float", "25.522005853257341"), true; "floats")]
#[test_case("float", ("float", "25.522005853"), ("float", "25.522005953"), false; "floats apart")]
#[test_case("float", ("float", "25.5220058532"), ("decimal", "25.522005"), true; "average cut to six digits")]
#[test_case("float", ("decimal", "25.522005"), ("decimal", "25.522006"), true; "average rounded")]
#[test_case("float", ("float", "25.5220058532"), ("decimal", "25.522003"), false; "sixth digit")]
#[test_case("float", ("float", "25.5220058532"), ("decimal", "25.522015"), false; "fifth digit")]
#[test_case("float", ("float", "25.5"), ("int", "25"), false; "average as an int")]
#[test_case("float", ("float", "1e-3"), ("float", "0.001"), true; "exponent")]
#[test_case("float", ("float", "NaN"), ("float", "nan"), true; "nan")]
#[test_case("float", ("float", "inf"), ("float", "Infinity"), true; "inf")]
#[test_case("float", ("float", "inf"), ("float", "-inf"), false; "signs of inf")]
#[test_case("float", ("float", "0"), ("float", "NaN"), false; "nan is no number")]
#[test_case("text", ("text", "Straße"), ("text", "Straße"), true; "text")]
#[test_case("text", ("text", "a"), ("text", "a "), false; "blank")]
#[test_case("text", ("text", "a"), ("text", "A"), false; "letter case")]
#[test_case("date", ("date", "1995-01-01"), ("timestamp", "1995-01-01 00:00:00"), true; "midnight")]
#[test_case("date", ("date", "1995-01-01"), ("timestamp", "1995-01-01T00:00:00.000Z"), true; "midnight iso")]
#[test_case("date", ("date", "1995-01-01"), ("timestamp", "1995-01-01T12:00:00"), false; "noon")]
#[test_case("date", ("date", "1995-01-01"), ("date", "1995-01-02"), false; "day")]
#[test_case("date", ("date", "1995-01-01"), ("text", "1995-01-01"), false; "day as text")]
#[test_case("timestamp", ("timestamp", "1995-01-01 12:00:00.500"), ("timestamp", "1995-01-01T12:00:00.5Z"), true; "instants")]
#[test_case("timestamp", ("timestamp", "1995-01-01 12:00:00.5"), ("timestamp", "1995-01-01 12:00:00"), false; "instants apart")]
#[test_case("bool", ("bool", "true"), ("bool", "false"), false; "bools")]
fn values(declared: &str, expected: (&str, &str), actual: (&str, &str), same: bool) {
    let difference = single(declared, expected, actual, Precision::Full);
    assert_eq!(difference.is_empty(), same, "{difference}");
    // A difference of form is told of either side, any other is symmetric by nature.
    assert_eq!(single(declared, actual, expected, Precision::Full).is_empty(), same);
}

#[test]
fn a_decimal_is_held_to_its_columns_scale_though_zeros_at_the_end_are_left_out() {
    let query = query("v:float", "", None);
    let actual = answer("decimal", &["25.5", "0.123457"]);
    assert_eq!(differ(&answer("float", &["25.5", "0.1234567"]), &actual, &query), "");
    assert_eq!(
        differ(&answer("float", &["25.55", "0.1234567"]), &actual, &query),
        "row 1, v: expected 25.55, got 25.5"
    );
}

#[test_case("decimal", "55909065222.83", ("decimal", "55909065222.827692"), true; "rounded")]
#[test_case("decimal", "0.13", ("decimal", "0.125"), true; "half")]
#[test_case("decimal", "55909065222.82", ("decimal", "55909065222.827692"), false; "cut off")]
#[test_case("decimal", "0.13", ("float", "0.1250"), true; "as a float")]
#[test_case("decimal", "0.13", ("float", "0.1240"), false; "as a wrong float")]
#[test_case("decimal:value", "9938.53", ("decimal", "9938.54"), false; "a value is exact")]
#[test_case("decimal:sum", "37734107.00", ("decimal", "37734206.99"), true; "a sum within 100 dollars")]
#[test_case("decimal:sum", "37734107.00", ("decimal", "37734207.01"), false; "a sum off by more")]
#[test_case("decimal:sum", "37734107.00", ("float", "3.77341070004e7"), false; "a sum as a float")]
#[test_case("float:ratio", "348406.02", ("float", "348406.05428571"), true; "a ratio within 1 percent")]
#[test_case("float:ratio", "348406.02", ("float", "351900.0"), false; "a ratio off by more")]
#[test_case("float", "25.52", ("decimal", "25.522005"), true; "average")]
#[test_case("float", "0.05", ("float", "0.049985295838397614"), true; "average as a float")]
#[test_case("float:average", "25.52", ("float", "25.77"), true; "average within 1 percent")]
#[test_case("float:average", "25.52", ("float", "25.78"), false; "average off")]
#[test_case("int:count", "4", ("int", "5"), false; "counts are exact")]
#[test_case("text", "ROMANIA", ("text", "ROMANIA   "), true; "padded")]
#[test_case("text", "furiously", ("text", " furiously"), true; "own blank")]
#[test_case("text", "ROMANIA", ("text", "RUMANIA"), false; "another")]
fn published(declared: &str, expected: &str, actual: (&str, &str), same: bool) {
    let difference = single(declared, (declared, expected), actual, Precision::Published(TPCH));
    assert_eq!(difference.is_empty(), same, "{difference}");
}

/// A number of which a cut has left too few digits is another number, declared as an average or not.
#[test_case(("decimal", "0.000000"), ("float", "3.3333333333333335e-7"), false; "nothing left")]
#[test_case(("decimal", "0.000000"), ("decimal", "0.0000003333"), false; "nothing left of a decimal")]
#[test_case(("decimal", "0.000003"), ("decimal", "0.0000033333"), false; "one digit left")]
#[test_case(("decimal", "0.000001"), ("float", "0"), false; "a unit and nothing")]
#[test_case(("decimal", "0.001234"), ("float", "0.0012345"), true; "four digits left")]
#[test_case(("decimal", "0.001234"), ("decimal", "0.0012345678"), true; "four digits left of a decimal")]
#[test_case(("decimal", "0.000000"), ("decimal", "0.0000000000"), true; "nothing and nothing")]
#[test_case(("decimal", "0.000000"), ("float", "0"), true; "nothing and a float of nothing")]
fn small_numbers_that_were_cut(one: (&str, &str), other: (&str, &str), same: bool) {
    for (ours, theirs) in [(one, other), (other, one)] {
        let [ours, theirs] = [ours, theirs].map(|(kind, value)| answer(kind, &[value]));
        assert_eq!(differ(&ours, &theirs, &query("v:float", "", None)).is_empty(), same, "declared");
        assert_eq!(differ(&ours, &theirs, &query("", "", None)).is_empty(), same, "not declared");
    }
}

#[test]
fn a_published_file_is_compared_as_a_whole() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("q.out");
    let text = "l_orderkey|revenue     |o_orderdat|comment\r\n 492164|390324.06|1995-02-19|blithely    \r\n\
                223140    |  390324.06|1995-02-19| final \r\n 129220|390000.00|1995-02-20|x|\r\n\r\n";
    std::fs::write(&path, text).unwrap();
    let query = query("k:int revenue:decimal day:date comment:text", "revenue desc, day", None);
    let expected = read_published(&path, &query).unwrap();
    let rows = [
        "223140|390324.0610|1995-02-19| final",
        "492164|390324.0609|1995-02-19|blithely ",
        "129220|390000.0|1995-02-20|x",
    ];
    let actual = answer("int decimal date text", &rows);
    assert_eq!(compare(&expected, &actual, &query, Precision::Published(TPCH)), Ok(()));
    let wrong = answer("int decimal date text", &[rows[0], rows[1], "129220|390000.01|1995-02-20|x"]);
    let difference = compare(&expected, &wrong, &query, Precision::Published(TPCH)).unwrap_err();
    assert_eq!(difference.to_string(), "row 3, revenue: expected 390000.00, got 390000.01");
}

#[test]
fn floats_that_nearly_tie_may_come_either_way() {
    let query = query("f:float t:text", "f, t", None);
    let kinds = "float text";
    let exact = answer(kinds, &["1|a", "1|b", "2|c"]);
    let jittered = answer(kinds, &["0.9999999999999|b", "1.0000000000001|a", "2|c"]);
    assert_eq!(differ(&exact, &jittered, &query), "");
    assert_eq!(differ(&jittered, &exact, &query), "");
    let cut = answer("decimal text", &["1.000000|a", "1.000000|b", "2.000000|c"]);
    assert_eq!(differ(&cut, &answer(kinds, &["1.0000002|b", "1.0000007|a", "2|c"]), &query), "");
    let late = answer(kinds, &["1|a", "2|c", "1|b"]);
    assert_eq!(differ(&exact, &late, &query), "row 3 is out of order by f: 1 after 2");
}

#[test]
fn floats_find_their_partners_though_they_sort_differently() {
    let query = query("f:float g:float", "", None);
    let expected = answer("float float", &["1.0000000000001|7", "1|8", "3|9"]);
    let swapped = answer("float float", &["3|9", "1.0000000000001|8", "1|7"]);
    assert_eq!(differ(&expected, &swapped, &query), "");
    let wrong = answer("float float", &["3|9", "1.0000000000001|8", "1|8"]);
    assert_eq!(differ(&expected, &wrong, &query), "row 2, g: expected 7, got 8");
}

#[test]
fn the_shape_is_checked_first() {
    let query = query("n:int day:date", "", None);
    let good = answer("int date", &["1|1995-01-01"]);
    let narrow = answer("int", &["1"]);
    assert_eq!(differ(&good, &narrow, &query), "expected 2 columns, the answer has 1");
    assert_eq!(differ(&narrow, &good, &query), "expected 2 columns, the reference has 1");
    assert_eq!(differ(&good, &answer("text date", &["1|1995-01-01"]), &query), "n: expected int, the answer has text");
    let odd = answer("int date", &["1|yesterday\n"]);
    assert_eq!(
        differ(&good, &odd, &query),
        r"row 1, day: expected a day like 1998-09-02, the answer has 'yesterday\n'"
    );
    let ragged = answer("int date", &["1|1995-01-01", "1"]);
    assert_eq!(differ(&good, &ragged, &query), "row 2: expected 2 values, the answer has 1");
    let unknown = self::query("n:int day:date", "m", None);
    assert_eq!(differ(&good, &good, &unknown), "the query is ordered by 'm', which is none of its columns");
}

#[test]
fn empty_answers_are_equal() {
    for limit in [None, Some(0), Some(10)] {
        for order in ["", "n"] {
            let empty = answer("int", &[]);
            assert_eq!(differ(&empty, &empty, &query("n:int", order, limit)), "");
        }
    }
}

/// Rows of key, decimal in thousandths, float and word, sorted by key; few keys, so that there are ties.
fn sorted_rows() -> impl Strategy<Value = Vec<(u8, i64, f64, String)>> {
    let row = (0_u8..5, -5000_i64..5000, -1e6..1e6, "[a-c ]{0,2}");
    prop::collection::vec(row, 1..40).prop_map(|mut rows| {
        rows.sort_by_key(|row| row.0);
        rows
    })
}

fn of(rows: &[(u8, i64, f64, String)], zeros: usize) -> Answer {
    let decimal = |n: i64| {
        let sign = if n < 0 { "-" } else { "" };
        format!("{sign}{}.{:03}{}", n.abs() / 1000, n.abs() % 1000, "0".repeat(zeros))
    };
    let row = |(key, n, float, word): &(u8, i64, f64, String)| {
        [key.to_string(), decimal(*n), float.to_string(), word.clone()].map(Some).to_vec()
    };
    Answer { rows: rows.iter().map(row).collect(), ..answer("int decimal float text", &[]) }
}

fn declared(order: &str) -> QuerySpec {
    query("key:int n:decimal f:float word:text", order, None)
}

proptest! {
    #[test]
    fn shuffling_within_ties_changes_nothing(rows in sorted_rows(), seed: u64, zeros in 0_usize..30) {
        let mut shuffled = rows.clone();
        // Any function of the row and the seed is an order; the key stays the first.
        shuffled.sort_by_key(|row| (row.0, row.1.unsigned_abs().wrapping_mul(seed | 1)));
        prop_assert_eq!(differ(&of(&rows, 0), &of(&shuffled, zeros), &declared("key")), "");
        shuffled.reverse();
        prop_assert_eq!(differ(&of(&rows, 0), &of(&shuffled, zeros), &declared("key desc")), "");
        shuffled.sort_by_key(|row| row.1.unsigned_abs().wrapping_mul(seed | 1));
        prop_assert_eq!(differ(&of(&rows, 0), &of(&shuffled, zeros), &declared("")), "");
    }

    #[test]
    fn decimals_sort_by_value_whatever_their_scale(mut numbers in prop::collection::vec((-20_000_i64..20_000, 0_usize..30), 2..20)) {
        numbers.sort_unstable();
        let rows: Vec<Answer> = numbers.iter().map(|&(n, zeros)| of(&[(0, n, 0.0, String::new())], zeros)).collect();
        let rows: Vec<_> = rows.into_iter().flat_map(|answer| answer.rows).collect();
        let ascending = Answer { rows, ..of(&[], 0) };
        prop_assert_eq!(differ(&ascending, &ascending, &declared("n")), "");
        let mut descending = ascending.clone();
        descending.rows.reverse();
        prop_assert_eq!(differ(&ascending, &descending, &declared("n desc")), "");
        let rises = numbers.first().map(|n| n.0) != numbers.last().map(|n| n.0);
        prop_assert_eq!(differ(&ascending, &descending, &declared("n")).contains("out of order"), rises);
    }

    #[test]
    fn one_changed_value_is_found(rows in sorted_rows(), at: prop::sample::Index, column in 0_usize..4) {
        let expected = of(&rows, 0);
        let mut changed = rows.clone();
        let row = at.get_mut(&mut changed);
        match column {
            0 => row.0 += 100,
            1 => row.1 += 1,
            2 => row.2 += 0.01,
            _ => row.3.push('!'),
        }
        for order in ["key", "", "key, n, word"] {
            prop_assert_ne!(differ(&expected, &of(&changed, 0), &declared(order)), "");
        }
    }

    #[test]
    fn one_row_more_or_less_is_found(rows in sorted_rows(), at: prop::sample::Index) {
        let mut fewer = rows.clone();
        fewer.remove(at.index(rows.len()));
        for order in ["key", ""] {
            let [all, fewer] = [&rows, &fewer].map(|rows| of(rows, 0));
            prop_assert!(differ(&all, &fewer, &declared(order)).contains("first missing row"));
            prop_assert!(differ(&fewer, &all, &declared(order)).contains("first extra row"));
        }
    }

    #[test]
    fn no_text_of_any_kind_panics(kind in 0_usize..7, text in "[0-9.eE+:TZ é-]{0,30}") {
        let name = ["int", "decimal", "float", "text", "date", "timestamp", "bool"][kind];
        let _ = single(name, (name, &text), (name, &text), Precision::Full);
        let _ = single("decimal", ("float", &text), ("decimal", &text), Precision::Published(TPCH));
        let same = Answer { columns: vec![Column { name: String::new(), kind: Kind::Text }], rows: vec![vec![Some(text)]] };
        prop_assert_eq!(differ(&same, &same, &query("t:text", "t", None)), "");
    }
}
