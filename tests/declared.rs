//! What a query declares of its comparison beyond columns, order and LIMIT: where NULLs sort, tolerances with a reason, keys that
//! the answer does not show; and a reference that holds the whole tie group of its LIMIT.
//!
//! Each test is a claim in the head of `src/host/verify/compare.rs`. No engine and no data is needed.
#![cfg(feature = "harness")]
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use querydyno::host::suite::{QuerySpec, Suite};
use querydyno::host::verify::compare::{Precision, compare, rows_tied_beyond};
use querydyno::protocol::answer::{Answer, Column};
use test_case::test_case;

/// A query with these lines in its declaration.
fn query(lines: &str) -> QuerySpec {
    toml::from_str(&format!("name = 'q'\ntitle = ''\ntables = []\n{lines}")).unwrap()
}

/// An answer with the columns of a query and rows such as `"1 a"`; `NULL` is one.
fn answer(query: &QuerySpec, rows: &[&str]) -> Answer {
    let value = |text: &str| (text != "NULL").then(|| text.to_owned());
    let column = |(name, kind)| Column { name, kind };
    Answer {
        columns: query.columns.iter().map(|spec| column((spec.name.clone(), spec.kind))).collect(),
        rows: rows.iter().map(|row| row.split(' ').map(value).collect()).collect(),
    }
}

/// The difference in words; empty when there is none.
fn differ(query: &QuerySpec, expected: &[&str], actual: &[&str]) -> String {
    let found = compare(&answer(query, expected), &answer(query, actual), query, Precision::Full);
    found.map_or_else(|difference| difference.to_string(), |()| String::new())
}

#[test_case("smallest", "n", &["NULL", "1", "2"], &["1", "2", "NULL"], "n nulls first: NULL after 2")]
#[test_case("smallest", "n desc", &["2", "1", "NULL"], &["NULL", "2", "1"], "n desc nulls last: 2 after NULL")]
#[test_case("largest", "n", &["1", "2", "NULL"], &["NULL", "1", "2"], "n nulls last: 1 after NULL")]
#[test_case("largest", "n desc", &["NULL", "2", "1"], &["2", "1", "NULL"], "n desc nulls first: NULL after 1")]
fn compare_refuses_nulls_at_the_other_end(nulls: &str, key: &str, right: &[&str], wrong: &[&str], told: &str) {
    let declared = query(&format!("columns = ['n:int']\norder = ['{key}']\nnulls = '{nulls}'"));
    assert_eq!(differ(&declared, right, right), "");
    let found = differ(&declared, right, wrong);
    assert!(found.ends_with(&format!("is out of order by {told}")), "{found}");
    // Whoever declares nothing accepts both.
    assert_eq!(differ(&QuerySpec { nulls: None, ..declared }, right, wrong), "");
}

#[test]
fn suite_tells_its_queries_where_nulls_sort() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("queries")).unwrap();
    let mut text =
        "name = 'w'\ntitle = ''\nnulls = 'smallest'\n[[table]]\nname = 'a'\nsource = 'a.parquet'\n".to_owned();
    for (name, line) in [("w1", ""), ("w2", "nulls = 'largest'\n")] {
        std::fs::write(folder.path().join(format!("queries/{name}.sql")), "SELECT 1 FROM {a}").unwrap();
        text += &format!("[[query]]\nname = '{name}'\ntitle = ''\ntables = ['a']\n{line}");
    }
    std::fs::write(folder.path().join("suite.toml"), text).unwrap();
    let suite = Suite::read_from(folder.path()).unwrap();
    let told: Vec<String> = suite.queries.iter().map(|query| format!("{:?}", query.nulls)).collect();
    assert_eq!(told, ["Some(Smallest)", "Some(Largest)"]);
}

#[test_case("decimal", "absolute = 0.01", "0.57", "0.58", true; "as far as declared")]
#[test_case("decimal", "absolute = 0.01", "0.57", "0.59", false; "farther")]
#[test_case("float", "absolute = 0.01", "0.57", "0.5800", true; "floats")]
#[test_case("float", "relative = 0.001", "1000", "1000.9", true; "a part of the number")]
#[test_case("float", "relative = 0.001", "1000", "1001.1", false; "more than that part")]
#[test_case("float", "absolute = 0.01", "NULL", "0.00", false; "null is no number")]
fn compare_takes_a_declared_tolerance(kind: &str, tolerance: &str, expected: &str, actual: &str, same: bool) {
    let lines = format!("columns = ['x:{kind}']\ntolerances = {{ x = {{ {tolerance}, why = 'rounded' }} }}");
    assert_eq!(differ(&query(&lines), &[expected], &[actual]).is_empty(), same);
    assert_ne!(differ(&query(&format!("columns = ['x:{kind}']")), &[expected], &[actual]), "");
}

#[test]
fn compare_takes_another_order_within_a_declared_tolerance() {
    let lines =
        "columns = ['x:float', 't:text']\norder = ['x']\ntolerances = { x = { absolute = 0.01, why = 'rounded' } }";
    // One engine rounds the ratio of `a` up, the other that of `b`.
    assert_eq!(differ(&query(lines), &["0.57 a", "0.58 b"], &["0.57 b", "0.58 a"]), "");
    assert_ne!(differ(&query(lines), &["0.57 a", "0.60 b"], &["0.57 b", "0.60 a"]), "");
}

#[test]
fn compare_orders_by_the_keys_that_are_shown_and_compares_all_that_a_limit_leaves() {
    let hidden = query("columns = ['n:int', 't:text']\norder = ['n']\nhas_hidden_keys = true\nlimit = 3");
    let right = ["1 a", "1 b", "2 c"];
    assert_eq!(differ(&hidden, &right, &["1 b", "1 a", "2 c"]), "");
    assert_eq!(differ(&hidden, &right, &["1 a", "1 b", "2 d"]), "row 3, t: expected 'c', got 'd'");
    assert!(differ(&hidden, &right, &["2 c", "1 a", "1 b"]).contains("out of order by n"));
    let shown = QuerySpec { has_hidden_keys: false, ..hidden };
    assert_eq!(differ(&shown, &right, &["1 a", "1 b", "2 d"]), "");
    // Not a single key is shown.
    let none = query("columns = ['n:int']\nhas_hidden_keys = true\nlimit = 2");
    assert_eq!(differ(&none, &["1", "2"], &["2", "1"]), "");
    assert_eq!(differ(&none, &["1", "2"], &["2", "3"]), "row 2, n: expected 1, got 3");
}

/// Two rows and the three more that tie with the second.
const TIED: [&str; 5] = ["1 a", "2 b", "2 c", "2 c", "2 d"];

#[test_case(&["1 a", "2 b"], ""; "the first of the group")]
#[test_case(&["1 a", "2 d"], ""; "the last of the group")]
#[test_case(&["1 a", "2 e"], "row 2, t: expected 'b', got 'e'"; "none of the group")]
#[test_case(&["1 x", "2 b"], "row 1, t: expected 'a', got 'x'"; "wrong before the group")]
#[test_case(&["2 b", "2 c"], "row 2, n: expected 1, got 2"; "a row of the group in place of one before it")]
#[test_case(&["1 a"], "expected 2 rows, got 1; first missing row: 2, 'b'"; "too few")]
#[test_case(&["1 a", "2 b", "2 c"], "expected 2 rows, got 3; first extra row: 2, 'c'"; "too many")]
fn compare_takes_any_of_a_stored_tie_group(rows: &[&str], told: &str) {
    let declared = query("columns = ['n:int', 't:text']\norder = ['n']\nlimit = 2");
    assert_eq!(differ(&declared, &TIED, rows), told);
}

#[test]
fn compare_takes_a_row_of_a_tie_group_as_often_as_it_is_there() {
    let declared = query("columns = ['n:int', 't:text']\norder = ['n']\nlimit = 3");
    assert_eq!(differ(&declared, &TIED, &["1 a", "2 c", "2 c"]), "");
    assert_eq!(differ(&declared, &TIED, &["1 a", "2 d", "2 d"]), "row 3, t: expected 'b', got 'd'");
}

#[test]
fn compare_refuses_what_is_beyond_a_limit_and_ties_with_nothing() {
    let declared = query("columns = ['n:int', 't:text']\norder = ['n']\nlimit = 2");
    let longer = ["1 a", "2 b", "3 c"];
    assert_eq!(differ(&declared, &longer, &["1 a", "2 b"]), "expected 3 rows, got 2; first missing row: 3, 'c'");
    // An engine that forgets the LIMIT does not agree with itself.
    assert_eq!(differ(&declared, &longer, &longer), "expected 2 rows, got 3; first extra row: 3, 'c'");
    assert_eq!(differ(&declared, &TIED, &TIED), "expected 2 rows, got 5; first extra row: 2, 'c'");
}

#[test]
fn rows_tied_beyond_counts_the_group_and_no_more() {
    let declared = query("columns = ['n:int', 't:text']\norder = ['n']\nlimit = 2");
    let count = |rows: &[&str], limit| rows_tied_beyond(&answer(&declared, rows), &declared, limit).unwrap();
    assert_eq!(count(&TIED, 2), 3);
    assert_eq!(count(&["1 a", "2 b", "2 c", "3 d"], 2), 1);
    assert_eq!((count(&TIED, 1), count(&TIED, 5), count(&TIED, 9), count(&[], 2)), (0, 0, 0, 0));
}
