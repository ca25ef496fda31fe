//! Answers without a reference: the engines of a run are compared with each other. Where all agree they are ranked; where one
//! differs, nobody is.
//!
//! The main function is [`judge`]. Nothing is kept for another run: tables may hold other rows tomorrow. What a reference says is the [`Referee`](crate::host::verify::referee::Referee)'s business.
//!
//! Who dissents: an engine that answered differently, also one that failed later; and one that stopped with an overflow or
//! another error of values ([`refuses`]), since engines that do not notice it go on with a wrong number.

use crate::host::catalog::components::UNDECLARED;
use crate::host::sql::Text;
use crate::host::suite::QuerySpec;
use crate::host::verify::cause::{Said, causes};
use crate::host::verify::compare::{Difference, Precision, compare, compare_shown};
use crate::host::verify::groups::{AgreementGroup, Vote, groups, majority};
use crate::host::verify::{Dispute, Verdict};
use crate::protocol::answer::summary::Buckets;
use crate::protocol::answer::{Answer, Shown};
use crate::protocol::dataset::{INT96_CAUTION, OVERFLOW_CAUTION};

/// An engine that gave no answer but an error which says that the values have none.
pub(crate) struct Refusal {
    pub(crate) engine: String,
    pub(crate) message: String,
}

/// Whether an engine's error is about values, such as an overflow: where it stops, others may wrap, cut or give NULL.
pub(crate) fn refuses(message: &str) -> bool {
    const WORDS: [&str; 13] = [
        "overflow",
        "out of range",
        "conversion error",
        "divide by zero",
        "division by zero",
        "remainder by zero",
        "could not convert",
        "conversion from",
        // Names of errors of Trino and Spark, and what arrow-rs says of a text. That types cannot be cast is said in other words.
        "invalid cast argument",
        "cast invalid input",
        "cannot cast string '",
        // A subquery that should have had one: others take the first.
        "more than one row",
        "multiple rows",
    ];
    let message = message.to_lowercase().replace('_', " ");
    WORDS.iter().any(|words| message.contains(words))
}

/// What one engine says of a query that no reference answers.
#[derive(Debug, Clone, Copy)]
pub struct Testimony<'a> {
    /// Its name.
    pub engine: &'a str,
    /// What it is built on: engines that share a component are one vote.
    pub components: &'a [String],
    /// Its answer.
    pub answer: &'a Shown,
    /// Another answer that it gave later.
    pub changed: Option<&'a Shown>,
    /// What to know of the data before the answer is believed.
    pub cautions: &'a [String],
}

/// Judges engines by each other: a verdict for each of them, in the order in which they are given. This is what a run says of its
/// cells, but that nobody is asked for the rows in which two sums differ.
pub fn judge(query: &QuerySpec, sql: &str, said: &[Testimony<'_>], accepts_majority: bool) -> Vec<Verdict> {
    verdicts(query, sql, said, &[], accepts_majority, &|_, _| None)
}

/// Gives the rows of some buckets of the engine at a place.
pub(crate) type Rows<'a> = &'a dyn Fn(usize, &Buckets) -> Option<Answer>;

/// The same, with engines that refused to answer, and where sums differ with the rows that do.
pub(crate) fn verdicts(
    query: &QuerySpec,
    sql: &str,
    said: &[Testimony<'_>],
    refusals: &[Refusal],
    accepts_majority: bool,
    rows: Rows<'_>,
) -> Vec<Verdict> {
    // An engine that contradicts itself disagrees with somebody by either answer, and supports nobody.
    let votes = said.iter().enumerate().flat_map(|(place, engine)| {
        let components: &[String] = if engine.changed.is_none() { engine.components } else { &[] };
        let answers = [Some(engine.answer), engine.changed];
        answers.into_iter().flatten().map(move |answer| Vote { place, components, answer })
    });
    let groups = groups(votes, query);
    let agreed = |group: &AgreementGroup<'_>, mut dissent: Vec<String>| {
        dissent.extend(refusals.iter().map(|refusal| refusal.engine.clone()));
        let components = group.components();
        if components.len() < 2 {
            let components = components.join(", ");
            let more = if components == UNDECLARED {
                "; what own engines are built on is said by components = [...] in querydyno.toml"
            } else {
                ""
            };
            let reason = format!(
                "no engine that is independent of {components} answered: name engines that share no component with it \
                 (cargo xtask engines shows them), and they vouch for each other{more}"
            );
            return Verdict::Unchecked { reason };
        }
        // Whoever takes the majority over a dissent has read what may be wrong with it.
        let unlike = || overflow_unseen(said, &components).filter(|_| dissent.is_empty());
        if let Some(reason) = int96_unread(sql, said, &components).or_else(unlike) {
            return Verdict::Unchecked { reason };
        }
        Verdict::Agreed { components, dissent }
    };
    if let ([all], true) = (groups.as_slice(), refusals.is_empty() || accepts_majority) {
        return vec![agreed(all, Vec::new()); said.len()];
    }
    let difference = first_difference(query, sql, said, &groups, rows).or_else(|| refusal_of(refusals, said));
    let Some(difference) = difference else {
        // Sums that cannot be compared: neither an agreement nor a dispute.
        let incomparable = groups
            .first()
            .zip(groups.get(1))
            .and_then(|(one, other)| compare_shown(one.answer(), other.answer(), query, Precision::Full).err());
        let reason = incomparable.map_or_else(|| "no answer to compare".to_owned(), |why| why.to_string());
        return vec![Verdict::Unchecked { reason }; said.len()];
    };
    let accepted = majority(&groups).filter(|_| accepts_majority);
    let named = |group: &AgreementGroup<'_>| {
        let mut names: Vec<String> = group.members().into_iter().map(|place| said[place].engine.to_owned()).collect();
        names.dedup();
        names
    };
    let refusing = refusals.iter().map(|refusal| vec![refusal.engine.clone()]);
    let dispute = Dispute {
        groups: groups.iter().map(named).chain(refusing).collect(),
        difference: difference.text,
        causes: difference.causes,
    };
    let verdict = |place: usize| match accepted {
        Some(group) if group.members().contains(&place) && said[place].changed.is_none() => {
            let others = said.iter().enumerate().filter(|(other, _)| !group.members().contains(other));
            agreed(group, others.map(|(_, other)| other.engine.to_owned()).collect())
        }
        _ => Verdict::Disputed(dispute.clone()),
    };
    (0..said.len()).map(verdict).collect()
}

/// A difference in words.
struct Found {
    text: String,
    causes: Vec<String>,
}

/// An error where others have an answer.
fn refusal_of(refusals: &[Refusal], said: &[Testimony<'_>]) -> Option<Found> {
    let Refusal { engine, message } = refusals.first()?;
    let other = said.first()?.engine;
    let line = message.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
    Some(Found {
        text: format!("{other} has an answer, {engine} an error: {line}"),
        causes: vec![
            "where one engine stops at an overflow or a value it cannot convert, others go on with another".to_owned(),
        ],
    })
}

/// Why engines that agree over INT96 columns do not vouch for each other: most readers turn these into nanoseconds of 64 bits,
/// and wrap alike.
fn int96_unread(sql: &str, said: &[Testimony<'_>], components: &[String]) -> Option<String> {
    if has_one_of(components, &READ_INT96) {
        return None;
    }
    let caution = said.iter().flat_map(|engine| engine.cautions).find(|caution| caution.contains(INT96_CAUTION))?;
    let (columns, _) = caution.split_once(INT96_CAUTION)?;
    let words = columns.split(|c: char| !c.is_alphanumeric() && c != '_');
    Text::read(sql)
        .may_read(words.skip(2))
        .then(|| format!("{caution}; name an engine that reads it whole too: {}", READ_INT96.join(", ")))
}

/// Components that read all years of an INT96 column.
const READ_INT96: [&str; 1] = ["duckdb"];

/// Why engines that agree on a sum or a product do not vouch for each other: it may be too large for their integers, and they
/// wrap alike.
fn overflow_unseen(said: &[Testimony<'_>], components: &[String]) -> Option<String> {
    if has_one_of(components, &NOTICE_OVERFLOW) {
        return None;
    }
    let caution = said.iter().flat_map(|engine| engine.cautions).find(|caution| caution.contains(OVERFLOW_CAUTION))?;
    Some(format!("{caution}; name an engine too that computes in more bits or stops: duckdb, mysql"))
}

/// Whether one of the votes rests on one of these. What an engine is built on stands as `arrow-rs+mariadb` where it is several.
fn has_one_of(components: &[String], wanted: &[&str]) -> bool {
    components.iter().flat_map(|vote| vote.split('+')).any(|component| wanted.contains(&component))
}

/// Components that add in 128 bits or as decimals, and stop where a product is too large.
const NOTICE_OVERFLOW: [&str; 2] = ["duckdb", "mariadb"];

/// The first difference between two groups; `None` when none of them can be compared with another.
fn first_difference(
    query: &QuerySpec,
    sql: &str,
    said: &[Testimony<'_>],
    groups: &[AgreementGroup<'_>],
    rows: Rows<'_>,
) -> Option<Found> {
    // Within a tolerance, not every two votes of unlike groups need to differ.
    let unlike = groups.iter().enumerate().flat_map(|(at, one)| groups[at + 1..].iter().map(move |other| (one, other)));
    let mut pairs = unlike
        .flat_map(|(one, other)| one.votes.iter().flat_map(|one| other.votes.iter().map(move |other| [one, other])));
    let (difference, [one, other]) = pairs.find_map(|[one, other]| {
        let found = compare_shown(one.answer, other.answer, query, Precision::Full).err()?;
        (!matches!(found, Difference::Incomparable(_))).then_some((found, [one, other]))
    })?;
    let engine = |vote: &Vote<'_>| said[vote.place].engine;
    let names = if one.place == other.place {
        // The two answers of an engine that contradicts itself.
        [format!("{} at first", engine(one)), format!("{} later", engine(other))]
    } else {
        [engine(one), engine(other)].map(str::to_owned)
    };
    let sides = [one.answer, other.answer];
    let asked = match (&difference, rows_of([one, other], &difference, rows)) {
        (Difference::Sums { .. }, Some([ours, theirs])) => {
            compare(&ours, &theirs, query, Precision::Full).err().map(|found| (found, [ours, theirs]))
        }
        _ => None,
    };
    let told = match (&asked, sides) {
        (Some((difference, [ours, theirs])), _) => told(difference, [ours, theirs], &names),
        (None, [Shown::Rows(ours), Shown::Rows(theirs)]) => told(&difference, [ours, theirs], &names),
        (None, _) => Found { text: format!("{} against {}: {difference}", names[1], names[0]), causes: Vec::new() },
    };
    // That a number may be too large is no cause where two differ otherwise: an overflow shows in their difference.
    let cautions =
        said.iter().flat_map(|engine| engine.cautions).filter(|text| !text.contains(OVERFLOW_CAUTION)).cloned();
    let mut causes: Vec<String> = told.causes.into_iter().chain(cautions).chain(hint(sql)).collect();
    causes.dedup();
    Some(Found { text: told.text, causes })
}

fn rows_of(votes: [&Vote<'_>; 2], difference: &Difference, rows: Rows<'_>) -> Option<[Answer; 2]> {
    let Difference::Sums { buckets, .. } = difference else { return None };
    Some([rows(votes[0].place, buckets)?, rows(votes[1].place, buckets)?])
}

/// A difference with who says what.
fn told(difference: &Difference, sides: [&Answer; 2], names: &[String; 2]) -> Found {
    let [one, other] = names;
    match difference {
        Difference::Value { row, column, expected, actual } => {
            let whole = sides[1].rows.get(row - 1).map(|row| shown(row)).unwrap_or_default();
            let place = sides[1].columns.iter().position(|known| known.name == *column);
            let place = place.or_else(|| sides[0].columns.iter().position(|known| known.name == *column));
            let kinds = place.map(|place| sides.map(|side| side.columns[place].kind));
            let (ours, theirs) = (expected.trim_matches('\''), actual.trim_matches('\''));
            let said = |kind, text| Said { kind, text: Some(text).filter(|text| *text != "NULL") };
            let causes = kinds.map(|[a, b]| causes(said(a, ours), said(b, theirs)));
            Found {
                text: format!("row {row}, {column}: {one} says {expected}, {other} says {actual} (in the row {whole})"),
                causes: causes.unwrap_or_default(),
            }
        }
        Difference::Rows { expected, actual, first } => {
            let longer = if expected > actual { one } else { other };
            Found {
                text: format!(
                    "{one} has {expected} rows, {other} has {actual}; first row that only {longer} has: {first}"
                ),
                causes: Vec::new(),
            }
        }
        difference => Found { text: format!("{other} against {one}: {difference}"), causes: Vec::new() },
    }
}

fn shown(row: &[Option<String>]) -> String {
    row.iter().map(|value| value.as_deref().unwrap_or("NULL")).collect::<Vec<_>>().join(", ")
}

/// What may be no engine's fault.
fn hint(sql: &str) -> Option<String> {
    crate::host::sql::has_word(sql, &["limit", "top", "fetch", "sample", "tablesample"]).then(|| {
        "with a LIMIT, engines may rightly differ in rows that tie at its end, or in where NULLs sort: make the ORDER BY \
         unique, and write NULLS FIRST or NULLS LAST"
            .to_owned()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::answer::{Column, Kind};

    fn number(value: &str) -> Shown {
        let columns = vec![Column { name: "n".to_owned(), kind: Kind::Int }];
        Shown::Rows(Answer { columns, rows: vec![vec![Some(value.to_owned())]] })
    }

    /// The verdicts on engines that are each built on themselves, over a table with these cautions.
    fn said(answers: &[(&str, &Shown)], refusals: &[Refusal], cautions: &[String], accepts: bool) -> Vec<Verdict> {
        let query = toml::from_str("name = 'q'\ntitle = ''\ntables = []").unwrap();
        let components: Vec<Vec<String>> = answers.iter().map(|(engine, _)| vec![(*engine).to_owned()]).collect();
        let said: Vec<Testimony<'_>> = answers
            .iter()
            .zip(&components)
            .map(|((engine, answer), components)| Testimony { engine, components, answer, changed: None, cautions })
            .collect();
        verdicts(&query, "SELECT max(ts) AS n FROM t", &said, refusals, accepts, &|_, _| None)
    }

    #[test]
    fn an_overflow_that_one_engine_notices_is_a_dispute() {
        let wrapped = number("-9223372036854775806");
        let answers = [("polars", &wrapped), ("arrow-rs", &wrapped)];
        let refusal = || Refusal { engine: "duckdb".to_owned(), message: "Out of Range Error: Overflow".to_owned() };
        for verdict in said(&answers, &[refusal()], &[], false) {
            let Verdict::Disputed(dispute) = verdict else { panic!("{verdict:?}") };
            assert_eq!(dispute.groups, [vec!["polars", "arrow-rs"], vec!["duckdb"]]);
            assert_eq!(dispute.difference, "polars has an answer, duckdb an error: Out of Range Error: Overflow");
        }
        for verdict in said(&answers, &[refusal()], &[], true) {
            let Verdict::Agreed { dissent, .. } = verdict else { panic!("{verdict:?}") };
            assert_eq!(dissent, ["duckdb"]);
        }
        assert!(said(&answers, &[], &[], false).iter().all(Verdict::verified));
    }

    #[test]
    fn engines_that_wrap_alike_do_not_vouch_for_a_large_sum() {
        let caution = [format!("what is computed from id {OVERFLOW_CAUTION}")];
        let wrapped = number("7");
        for verdict in said(&[("polars", &wrapped), ("arrow-rs", &wrapped)], &[], &caution, false) {
            let Verdict::Unchecked { reason } = verdict else { panic!("{verdict:?}") };
            assert!(reason.contains("from id may exceed") && reason.ends_with("duckdb, mysql"), "{reason}");
        }
        let all = [("polars", &wrapped), ("duckdb", &wrapped)];
        assert!(said(&all, &[], &caution, false).iter().all(Verdict::verified));
    }

    #[test]
    fn errors_of_values_are_told_from_others() {
        let values = [
            "Out of Range Error: x",
            "Arrow error: Divide by zero error",
            "Conversion Error: no date",
            "Arithmetic overflow",
            // As servers say it.
            "Trino: INVALID_CAST_ARGUMENT: Cannot cast 'x' to INT",
            "Trino: NUMERIC_VALUE_OUT_OF_RANGE: Out of interval",
            "Trino: DIVISION_BY_ZERO: / by zero",
            "Spark: [CAST_INVALID_INPUT] The value 'x' of the type \"STRING\" cannot be cast to \"INT\" because it is malformed.",
            "Spark: [NUMERIC_VALUE_OUT_OF_RANGE.WITH_SUGGESTION] 1234567 cannot be represented as Decimal(3, 1).",
            "Spark: [REMAINDER_BY_ZERO] Remainder by zero.",
            "Spark: [SCALAR_SUBQUERY_TOO_MANY_ROWS] More than one row returned by a subquery used as an expression.",
            "Arrow error: Cast error: Cannot cast string 'x' to value of Int32 type",
        ];
        for message in values {
            assert!(refuses(message), "{message}");
        }
        let others = [
            "Binder Error: no such column",
            "not implemented",
            "Out of memory",
            "Trino: TYPE_MISMATCH: line 1:8: Cannot cast date to integer",
            "Spark: [DATATYPE_MISMATCH.CAST_WITHOUT_SUGGESTION] Cannot resolve \"CAST(d AS INT)\": cannot cast \"DATE\" to \"INT\"",
        ];
        for message in others {
            assert!(!refuses(message), "{message}");
        }
    }

    #[test]
    fn int96_is_vouched_for_by_a_reader_of_all_years_only() {
        let caution = [format!("the column ts is {INT96_CAUTION}")];
        let one = number("1");
        let verdicts = said(&[("polars", &one), ("arrow-rs", &one)], &[], &caution, false);
        assert!(
            matches!(&verdicts[0], Verdict::Unchecked { reason } if reason.contains("ts is INT96")),
            "{verdicts:?}"
        );
        assert!(said(&[("polars", &one), ("duckdb", &one)], &[], &caution, false).iter().all(Verdict::verified));
        // The text does not name that column.
        let other = [format!("the column born is {INT96_CAUTION}")];
        assert!(said(&[("polars", &one), ("arrow-rs", &one)], &[], &other, false).iter().all(Verdict::verified));
    }
}
