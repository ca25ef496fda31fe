//! TPC-DS: what its suite declares, and what the comparison takes and refuses, on the answers that are stored at sf0.01.
//!
//! Whether engines give these answers shows `QUERYDYNO_SCALE=0.01 cargo bench -- --test tpcds`; here that is a slow test.
#![cfg(feature = "harness")]
#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use common::{Bench, assert_verified, catalog, slow, text, there, twin};
use querydyno::host::settings::Settings;
use querydyno::host::suite::{NullOrder, QuerySpec, Suite};
use querydyno::host::verify::Verdict;
use querydyno::host::verify::referee::Referee;
use querydyno::host::verify::reference::read_csv;
use querydyno::protocol::answer::{Answer, Kind, Shown};
use querydyno::protocol::id::Scale;
use test_case::test_case;

fn tpcds() -> Suite {
    Suite::read("tpcds").unwrap()
}

fn canonical(suite: &Suite, query: &QuerySpec) -> String {
    suite.text(query, "canonical", Scale::ONE).unwrap().text().to_lowercase()
}

/// Whether a text names this table: as a whole word that is no literal, no alias and no qualifier.
fn names(text: &str, table: &str) -> bool {
    let code: String = text.split('\'').step_by(2).collect::<Vec<_>>().join(" ").replace('.', " . ");
    let words: Vec<&str> =
        code.split(|c: char| !c.is_ascii_alphanumeric() && !"_.".contains(c)).filter(|word| !word.is_empty()).collect();
    words.iter().enumerate().any(|(place, word)| {
        let before = place.checked_sub(1).map_or("", |before| words[before]);
        let after = words.get(place + 1).copied().unwrap_or_default();
        *word == table && before != "as" && before != "." && after != "."
    })
}

#[test]
fn suite_has_24_tables_and_103_queries_in_natural_order() {
    let suite = tpcds();
    assert_eq!((suite.tables.len(), suite.queries.len()), (24, 103));
    let expected = (1..=99).flat_map(|number| match number {
        14 | 23 | 24 | 39 => vec![format!("ds{number}a"), format!("ds{number}b")],
        number => vec![format!("ds{number}")],
    });
    assert!(suite.queries.iter().map(|query| query.name.clone()).eq(expected));
    assert!(suite.on_request && suite.queries.iter().all(|query| query.nulls == Some(NullOrder::Smallest)));
    assert!(suite.tables.iter().all(|table| !table.keys.is_empty() && table.rows_at_sf1 > 0));
}

#[test]
fn queries_declare_the_tables_that_their_texts_name_and_no_others() {
    let suite = tpcds();
    for query in &suite.queries {
        let text = canonical(&suite, query);
        for table in suite.tables.iter().map(|table| &table.name) {
            let is_declared = query.tables.contains(table);
            // A column of the answer may be called as a table is: `item`.
            let is_column = query.columns.iter().any(|column| column.name == *table);
            let is_named = names(&text, table) && (is_declared || !is_column);
            assert_eq!(is_named, is_declared, "{} and {table}", query.name);
        }
    }
}

/// The keys of the outermost ORDER BY, as they are written.
fn keys(text: &str) -> Vec<String> {
    let Some((_, rest)) = text.rsplit_once("\norder by") else { return Vec::new() };
    let rest = rest.split("\nlimit").next().unwrap();
    let (mut keys, mut depth) = (vec![String::new()], 0);
    for c in rest.chars() {
        depth += i32::from(c == '(') - i32::from(c == ')');
        if c == ',' && depth == 0 {
            keys.push(String::new());
        } else {
            keys.last_mut().unwrap().push(c);
        }
    }
    keys.into_iter().map(|key| key.split_whitespace().collect::<Vec<_>>().join(" ")).collect()
}

#[test]
fn queries_declare_order_and_limit_of_their_texts() {
    let suite = tpcds();
    for query in &suite.queries {
        let text = canonical(&suite, query);
        let keys = keys(&text);
        let more = keys.len() > query.order.len();
        assert_eq!(more, query.has_hidden_keys, "{}: {keys:?} against {:?}", query.name, query.order);
        for (key, declared) in keys.iter().zip(&query.order) {
            let words = if declared.descending { " desc nulls last" } else { " nulls first" };
            assert!(key.ends_with(words), "{}: {key}", query.name);
        }
        assert!(keys.iter().all(|key| key.contains(" nulls ")), "{}: {keys:?}", query.name);
        let limit = text.rsplit_once("\nlimit ").and_then(|(_, rest)| rest.trim().parse().ok());
        assert_eq!(limit, query.limit, "{}", query.name);
    }
}

/// The queries with their stored answers at sf0.01, and who judges others by them.
struct Stored {
    suite: Suite,
    referee: Referee,
    scale: Scale,
}

impl Stored {
    fn new() -> Self {
        let mut settings = Settings::read().unwrap();
        settings.answers.clear();
        Self { suite: tpcds(), referee: Referee::new(&settings), scale: "0.01".parse().unwrap() }
    }

    /// Each query with its answer as an engine gives it, and the rows beyond its LIMIT that tie with the last one.
    fn answers(&self) -> impl Iterator<Item = (&QuerySpec, Answer, Vec<Vec<Option<String>>>)> {
        self.suite.queries.iter().map(|query| {
            let file = Referee::shipped("tpcds", self.scale).join(format!("{}.csv", query.name));
            let mut answer = read_csv(&file).unwrap();
            let shown = query.limit.unwrap_or(usize::MAX).min(answer.rows.len());
            let beyond = answer.rows.split_off(shown);
            (query, answer, beyond)
        })
    }

    fn is_right(&self, query: &QuerySpec, answer: Answer) -> bool {
        match self.referee.judge(&self.suite, query, self.scale, &Shown::Rows(answer)).unwrap() {
            Verdict::Reference { .. } => true,
            Verdict::Wrong { .. } => false,
            other => panic!("{}: {other:?}", query.name),
        }
    }
}

#[test]
fn referee_accepts_stored_answers_and_refuses_one_wrong_value_in_each() {
    let stored = Stored::new();
    for (query, answer, beyond) in stored.answers() {
        assert!(stored.is_right(query, answer.clone()), "{}", query.name);
        let mut wrong = answer;
        // Where only the keys of what a LIMIT cuts are known, all rows may be of that.
        let keys_only = query.limit == Some(wrong.rows.len()) && beyond.is_empty() && !query.has_hidden_keys;
        let Some(row) = wrong.rows.first_mut() else { continue };
        let place = (0..row.len()).find(|&place| {
            let (column, spec) = (&wrong.columns[place], &query.columns[place]);
            let is_key = query.order.iter().any(|key| key.column == spec.name);
            let is_exact = matches!(column.kind, Kind::Text | Kind::Int | Kind::Decimal) && spec.kind != Kind::Float;
            row[place].is_some() && is_exact && (is_key || !keys_only)
        });
        let Some(place) = place else { continue };
        let value = row[place].as_mut().unwrap();
        *value = if wrong.columns[place].kind == Kind::Text {
            format!("{value}?")
        } else {
            format!("9{}", value.trim_start_matches('-'))
        };
        assert!(!stored.is_right(query, wrong), "{}", query.name);
    }
}

#[test]
fn referee_accepts_another_row_of_the_tie_at_a_limit() {
    let stored = Stored::new();
    let mut swapped = Vec::new();
    for (query, answer, beyond) in stored.answers() {
        let (Some(other), Some(last)) = (beyond.last(), answer.rows.last()) else { continue };
        if other == last {
            continue;
        }
        let mut tied = answer.clone();
        *tied.rows.last_mut().unwrap() = other.clone();
        assert!(stored.is_right(query, tied.clone()), "{}", query.name);
        // A row that is none of the tie, though it has its keys.
        let is_free = |name: &str| query.order.iter().all(|key| key.column != name);
        let place = query.columns.iter().position(|column| column.kind == Kind::Text && is_free(&column.name));
        if let Some(place) = place {
            tied.rows.last_mut().unwrap()[place] = Some("none of them".to_owned());
            assert!(!stored.is_right(query, tied), "{}", query.name);
        }
        swapped.push(&query.name);
    }
    assert!(!swapped.is_empty(), "no stored answer has a tie at its LIMIT");
}

#[test]
fn referee_refuses_rows_that_are_out_of_order() {
    let stored = Stored::new();
    let mut swapped = 0;
    for (query, mut answer, _) in stored.answers() {
        let Some(key) = query.order.first() else { continue };
        let place = query.columns.iter().position(|column| column.name == key.column).unwrap();
        let last = answer.rows.len().saturating_sub(1);
        if query.columns[place].kind == Kind::Float
            || answer.rows.is_empty()
            || answer.rows[0][place] == answer.rows[last][place]
        {
            continue;
        }
        answer.rows.swap(0, last);
        assert!(!stored.is_right(query, answer), "{}", query.name);
        swapped += 1;
    }
    assert!(swapped > 20, "{swapped}");
}

#[test]
fn referee_refuses_nulls_at_the_other_end() {
    let stored = Stored::new();
    let mut moved = Vec::new();
    for (query, mut answer, _) in stored.answers() {
        let Some(key) = query.order.first() else { continue };
        let place = query.columns.iter().position(|column| column.name == key.column).unwrap();
        let (nulls, mut values): (Vec<_>, Vec<_>) = answer.rows.into_iter().partition(|row| row[place].is_none());
        if nulls.is_empty() || values.is_empty() {
            continue;
        }
        // They are the smallest: first ascending, last descending.
        answer.rows = if key.descending {
            nulls.into_iter().chain(values).collect()
        } else {
            values.extend(nulls);
            values
        };
        assert!(!stored.is_right(query, answer), "{}", query.name);
        moved.push(&query.name);
    }
    assert!(!moved.is_empty(), "no stored answer has a NULL in its first key");
}

#[test_case("duckdb", 103)]
#[test_case("datafusion", 103)]
#[test_case("polars-wheel", 102)]
#[test_case("pandas", 27)]
fn most_queries_are_verified_at_a_hundredth(engine: &str, least: usize) {
    let engine = catalog().entry(engine).unwrap();
    let name = &engine.name;
    if !slow::wanted(&format!("the 103 queries of TPC-DS on {name}")) {
        return;
    }
    let Some(program) = there(&engine) else { return };
    let (name, config) = twin(&engine, &program);
    let mut bench = Bench::cheap(&config, &format!("{name}/tpcds")).env("TEST_WORKLOAD", "tpcds");
    let output = bench.run();
    let records = bench.records();
    assert_eq!(records.len(), 103, "{}", text(&output));
    let right = records.iter().filter(|record| record.verified()).inspect(|record| assert_verified(record)).count();
    assert!(right >= least, "{right}: {}", text(&output));
}
