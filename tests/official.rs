//! TPC's published answers at scale factor 1, rebuilt from our references: rounded to two digits, padded, with the one figure
//! of theirs that differs from what every engine computes. Judged by the public referee, as an engine's answer is.
#![cfg(feature = "harness")]

use std::collections::BTreeMap;
use std::fs;

use bigdecimal::{BigDecimal, RoundingMode};
use querydyno::host::settings::Settings;
use querydyno::host::suite::{ColumnSpec, QuerySpec, Suite};
use querydyno::host::verify::Verdict;
use querydyno::host::verify::referee::Referee;
use querydyno::host::verify::reference::read_csv;
use querydyno::protocol::answer::{Answer, Kind, Shown};
use querydyno::protocol::id::Scale;
use tempfile::TempDir;

/// TPC's own figure of q17, which is not what its formula gives when nothing is rounded on the way.
const Q17: &str = "348406.02";

/// The published answers beside ours.
struct Published {
    tpch: Suite,
    ours: BTreeMap<String, Answer>,
    referee: Referee,
    _folder: TempDir,
}

impl Published {
    fn new() -> Self {
        let tpch = Suite::read("tpch").unwrap();
        let stored = Referee::shipped("tpch", Scale::ONE);
        let folder = TempDir::new().unwrap();
        let mut ours = BTreeMap::new();
        for query in &tpch.queries {
            let answer = read_csv(&stored.join(format!("{}.csv", query.name))).unwrap();
            fs::write(folder.path().join(format!("{}.out", query.name)), published(query, &answer)).unwrap();
            ours.insert(query.name.clone(), answer);
        }
        let mut settings = Settings::read().unwrap();
        settings.answers.insert("tpch_answers".to_owned(), folder.path().to_owned());
        Self { tpch, ours, referee: Referee::new(&settings), _folder: folder }
    }

    fn judge(&self, query: &str, answer: Answer) -> Verdict {
        let query = self.tpch.query(query).unwrap();
        self.referee.judge(&self.tpch, query, Scale::ONE, &Shown::Rows(answer)).unwrap()
    }

    /// Our answer to a query with one number of the first row changed.
    fn changed(&self, query: &str, column: &str, change: impl Fn(BigDecimal) -> BigDecimal) -> Answer {
        let mut answer = self.ours[query].clone();
        let place = answer.columns.iter().position(|known| known.name == column).unwrap();
        let value = answer.rows[0][place].as_mut().unwrap();
        *value = change(value.parse().unwrap()).to_plain_string();
        answer
    }
}

/// An answer as TPC writes it: values between bars, padded with blanks, numbers with two digits.
fn published(query: &QuerySpec, answer: &Answer) -> String {
    let value = |(value, column): (&Option<String>, &ColumnSpec)| match (value, column.kind) {
        (None, _) => String::new(),
        (Some(_), _) if query.name == "q17" => format!("{Q17:>18}"),
        (Some(text), Kind::Decimal | Kind::Float) => {
            let number: BigDecimal = text.parse().unwrap();
            format!("{:>18}", number.with_scale_round(2, RoundingMode::HalfUp).to_plain_string())
        }
        (Some(text), Kind::Int) => format!("{text:>20}"),
        (Some(text), _) => format!("{text:<25}"),
    };
    let row = |row: &Vec<Option<String>>| row.iter().zip(&query.columns).map(value).collect::<Vec<_>>().join("|");
    let header = query.columns.iter().map(|column| column.name.clone()).collect::<Vec<_>>().join("|");
    [header].into_iter().chain(answer.rows.iter().map(row)).collect::<Vec<_>>().join("\n") + "\n"
}

#[test]
fn referee_takes_all_22_for_official_and_says_that_they_equal_the_reference() {
    let published = Published::new();
    assert_eq!(published.ours.len(), 22);
    for (query, answer) in &published.ours {
        let verdict = published.judge(query, answer.clone());
        assert_eq!(verdict, Verdict::Official { equals_reference: Some(true) }, "{query}: {verdict}");
        assert_eq!(verdict.to_string(), "official, and equal to the reference");
    }
}

#[test]
fn referee_tells_an_answer_within_the_tolerance_from_the_reference() {
    let published = Published::new();
    let within = [
        published.judge("q17", published.changed("q17", "avg_yearly", |x| x * BigDecimal::from(1009) / 1000)),
        published.judge("q1", published.changed("q1", "sum_base_price", |x| x + 99)),
        published.judge("q1", published.changed("q1", "avg_qty", |x| x * BigDecimal::from(1009) / 1000)),
    ];
    for verdict in within {
        assert_eq!(verdict, Verdict::Official { equals_reference: Some(false) });
        assert!(verdict.to_string().contains("it differs from the reference"), "{verdict}");
    }
}

#[test]
fn referee_calls_wrong_what_is_beyond_the_clause() {
    let published = Published::new();
    let two_percent = |x: BigDecimal| x * BigDecimal::from(102) / 100;
    for (query, column, answer) in [
        ("q1", "count_order", published.changed("q1", "count_order", |x| x + 1)),
        ("q1", "sum_base_price", published.changed("q1", "sum_base_price", |x| x + 101)),
        ("q1", "avg_price", published.changed("q1", "avg_price", two_percent)),
        ("q17", "avg_yearly", published.changed("q17", "avg_yearly", two_percent)),
        ("q4", "order_count", published.changed("q4", "order_count", |x| x - 1)),
        ("q2", "s_acctbal", published.changed("q2", "s_acctbal", |x| x + BigDecimal::new(1.into(), 2))),
    ] {
        let Verdict::Wrong { difference } = published.judge(query, answer) else { panic!("{query} {column}") };
        assert!(difference.contains(column), "{difference}");
    }
}

#[test]
fn referee_calls_wrong_a_row_too_few() {
    let published = Published::new();
    let mut answer = published.ours["q1"].clone();
    answer.rows.pop();
    assert!(matches!(published.judge("q1", answer), Verdict::Wrong { .. }));
}

#[test]
fn the_last_row_under_a_limit_counts_whole_where_no_other_row_ties_with_it() {
    let tpch = Suite::read("tpch").unwrap();
    let mut settings = Settings::read().unwrap();
    settings.answers.clear();
    let referee = Referee::new(&settings);
    for (query, column) in [("q10", "c_name"), ("q3", "l_orderkey"), ("q2", "s_phone")] {
        let query = tpch.query(query).unwrap();
        let right = read_csv(&Referee::shipped("tpch", Scale::ONE).join(format!("{}.csv", query.name))).unwrap();
        assert_eq!(query.limit, Some(right.rows.len()), "{}", query.name);
        let judge = |answer: Answer| referee.judge(&tpch, query, Scale::ONE, &Shown::Rows(answer)).unwrap();
        assert_eq!(judge(right.clone()).kind(), "reference");
        let mut other = right;
        let place = other.columns.iter().position(|known| known.name == column).unwrap();
        *other.rows.last_mut().unwrap()[place].as_mut().unwrap() += "1";
        assert_eq!(judge(other).kind(), "wrong", "{}", query.name);
    }
}

#[test]
fn shipped_answers_carry_their_checksums_and_say_whether_rows_tie_at_their_limit() {
    let tpch = Suite::read("tpch").unwrap();
    let referee = Referee::new(&Settings::read().unwrap());
    for scale in ["0.01", "0.1", "1"].map(|scale| scale.parse().unwrap()) {
        for query in &tpch.queries {
            let (agreed, _) = referee.explain(&tpch, query, scale).unwrap().unwrap();
            assert!(agreed.answer_sha256.is_some(), "{} at {scale}", query.name);
            // With all that ties, a reference has more rows than the LIMIT.
            let cut = query.limit.is_some_and(|limit| agreed.rows >= limit);
            assert_eq!(agreed.ends_in_a_tie.is_some(), cut, "{} at {scale}", query.name);
        }
    }
}
