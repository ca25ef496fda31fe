//! Whether an answer is the expected one, and if not, where they first differ: [`compare`].
//!
//! Pure: two answers and a query's declaration in, a verdict's ground out. It reads no file (that is
//! [`reference`](super::reference)) and knows no engine. Two answers are equal when their rows are the same multiset
//! and the actual rows are sorted by the query's keys. Rows that tie on all keys may come in any order.
//!
//! # What counts as equal
//!
//! | declared | may come as | equal when |
//! |---|---|---|
//! | int | int, decimal without a fraction | the same number |
//! | decimal | decimal, int | the same number, whatever its scale and length |
//! | decimal | float | within 1e-9 of the larger one |
//! | float | float, decimal, int | within 1e-9 of the larger one or one in a decimal's last place, if that is more |
//! | float | float of single precision | within 2e-6 of the larger one |
//! | text | text | the same bytes |
//! | date | date, timestamp at midnight | the same day |
//! | timestamp, bool | the same | the same instant or value |
//!
//! A column of nothing but NULLs goes with any type.
//!
//! A query may declare that a column's numbers differ by more between engines that are both right, and why: as `tolerances`.
//!
//! The unit in the last place is there since engines cut or round an exact average: `avg(decimal(15,2))` is a decimal
//! with six digits in one and a double in the next. It follows the column's own scale, from four digits on, and holds for numbers of at
//! least a thousand such units: of a smaller one a cut leaves too little to say that it is the same. NULL equals NULL alone; NaN equals
//! NaN. [`Precision::Published`] compares numbers by what the suite declares for them and ignores blanks around text.
//!
//! # NULLs in the order
//!
//! stand at either end of their key, if it is the same all over the answer. Where the query, or its suite, declares the end, they
//! stand there: `nulls = "smallest"` is first ascending and last descending.
//!
//! # Keys that are not shown
//!
//! A query may be sorted by more than its answer shows, `has_hidden_keys`. Rows that tie on the keys before that may come in any
//! order then. A LIMIT still cuts them by the hidden key, so the rows that it leaves are compared in all columns.
//!
//! # LIMIT
//!
//! With LIMIT n and n rows on both sides, the rows that tie with the last one may have been cut differently. A reference with more
//! than n rows has all that tie with its n-th behind it: the answer may have any of these, none more often than the reference, and
//! they are compared in all columns. Of a reference with n rows only the order keys are compared there. Fewer rows than n mean that
//! nothing was cut. Without ORDER BY any n rows are right, so then only the number of rows and the form of the values are
//! checked.
//!
//! # A query that declares no columns
//!
//! is compared by those that its answers have: exactly, ints with decimals too; as floats where one side has floats, but ints
//! with floats as whole numbers; and decimals of which one side shows fewer digits after the point, but at least four, may be
//! one in its last place apart. No larger for larger numbers: a sum is exact, and only an average is cut. Its order is that of
//! the text's last ORDER BY as far as the keys are columns of the answer, and neither text nor NaN, which engines sort unlike.
//!
//! # Answers that are summed up
//!
//! are compared by their [`Summary`](crate::protocol::answer::summary): the same rules, but floats by the sums over the hundred rows or so of a
//! bucket. These may differ by what one number of that size may; in single precision by what as many numbers may as the root
//! of the rows; and where an average may have been cut, by one in the last place for each row and twice that, unless the numbers of the
//! bucket are too small for it, which are not compared then. Rows that
//! nothing tells apart but such numbers are not compared; neither order nor ties at a LIMIT are looked at.

mod order;
mod pairing;
pub(super) mod typed;
mod undeclared;

use std::fmt;

use thiserror::Error;

use self::order::Keys;
pub(crate) use self::pairing::gave_up;
use self::typed::{Plan, Table};
use super::summaries::{self as sums, Unlike};
use crate::host::suite::{QuerySpec, Tolerances};
use crate::protocol::answer::summary::Buckets;
use crate::protocol::answer::{Answer, Kind, Shown};

/// How exact the expected side is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Precision {
    /// As an engine gave it.
    Full,
    /// As somebody published it: numbers rounded, text padded with blanks.
    Published(Tolerances),
}

/// One of the two answers, as messages name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ComparedAnswer {
    /// The answer compared with.
    Expected,
    /// The answer under test.
    Actual,
}

impl fmt::Display for ComparedAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Expected => "the reference",
            Self::Actual => "the answer",
        })
    }
}

/// The first difference between two answers, in one line. Rows count from 1, in the order of the actual answer.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Difference {
    /// An answer does not have the declared columns.
    #[error("expected {expected} columns, {side} has {got}")]
    Columns {
        /// As many as the query declares.
        expected: usize,
        /// Whose columns were counted.
        side: ComparedAnswer,
        /// As many as there are.
        got: usize,
    },
    /// A row does not have as many values as its answer has columns.
    #[error("row {row}: expected {expected} values, {side} has {got}")]
    Width {
        /// The row in its own answer.
        row: usize,
        /// As many as there are columns.
        expected: usize,
        /// Whose row it is.
        side: ComparedAnswer,
        /// As many as there are.
        got: usize,
    },
    /// A column's type does not go with the declared one.
    #[error("{column}: expected {}, {side} has {}", typed::name(*.declared), typed::name(*.got))]
    Kind {
        /// The column's declared name.
        column: String,
        /// The declared type.
        declared: Kind,
        /// Whose column it is.
        side: ComparedAnswer,
        /// The type it has.
        got: Kind,
    },
    /// A value cannot be read as the declared type.
    #[error("row {row}, {column}: expected {form}, {side} has {got}")]
    Form {
        /// The row in its own answer.
        row: usize,
        /// The column's declared name.
        column: String,
        /// What the value should look like.
        form: &'static str,
        /// Whose value it is.
        side: ComparedAnswer,
        /// The value.
        got: String,
    },
    /// One answer has more rows.
    #[error(
        "expected {expected} rows, got {actual}; first {} row: {first}",
        if .actual < .expected { "missing" } else { "extra" }
    )]
    Rows {
        /// Rows of the reference.
        expected: usize,
        /// Rows of the answer.
        actual: usize,
        /// The first row that only the longer side has.
        first: String,
    },
    /// The answer is not sorted.
    #[error("row {row} is out of order by {keys}: {got} after {previous}")]
    Order {
        /// The row that should have come earlier.
        row: usize,
        /// The keys up to the one that is not kept: `revenue desc`.
        keys: String,
        /// The row's value of the last of these keys.
        got: String,
        /// The value in the row before.
        previous: String,
    },
    /// A value is another.
    #[error("row {row}, {column}: expected {expected}, got {actual}")]
    Value {
        /// The row in the answer.
        row: usize,
        /// The column's declared name.
        column: String,
        /// The reference's value.
        expected: String,
        /// The answer's value.
        actual: String,
    },
    /// Answers that are summed up differ in some rows.
    #[error("rows differ{}", in_columns(.columns))]
    Sums {
        /// The columns whose values differ, where that can be told.
        columns: Vec<String>,
        /// Where the rows are.
        buckets: Buckets,
    },
    /// Nothing says whether the answers are equal.
    #[error("cannot be compared: {0}")]
    Incomparable(String),
    /// The declaration orders by something that is not in the answer.
    #[error("the query is ordered by '{0}', which is none of its columns")]
    Key(String),
}

fn in_columns(columns: &[String]) -> String {
    if columns.is_empty() { String::new() } else { format!(" in {}", columns.join(", ")) }
}

/// Compares what two engines showed: row by row, or by their sums where one has too many rows.
///
/// # Errors
/// As [`compare`].
pub fn compare_shown(
    expected: &Shown,
    actual: &Shown,
    query: &QuerySpec,
    precision: Precision,
) -> Result<(), Difference> {
    if let (Shown::Rows(expected), Shown::Rows(actual)) = (expected, actual) {
        return compare(expected, actual, query, precision);
    }
    let name = |column: usize| {
        let declared = query.columns.get(column).map(|column| column.name.clone());
        declared.or_else(|| expected.columns().get(column).map(|column| column.name.clone())).unwrap_or_default()
    };
    sums::compare(&expected.summary(), &actual.summary()).map_err(|unlike| match unlike {
        Unlike::Columns(expected, got) => Difference::Columns { expected, side: ComparedAnswer::Actual, got },
        Unlike::Kinds(column) => Difference::Kind {
            column: name(column),
            declared: expected.columns()[column].kind,
            side: ComparedAnswer::Actual,
            got: actual.columns()[column].kind,
        },
        Unlike::Rows(expected, actual) => Difference::Rows {
            expected: usize::try_from(expected).unwrap_or(usize::MAX),
            actual: usize::try_from(actual).unwrap_or(usize::MAX),
            first: "not known, since these are too many to be sent".to_owned(),
        },
        Unlike::Buckets(buckets, columns) => {
            Difference::Sums { columns: columns.into_iter().map(name).collect(), buckets }
        }
        Unlike::Incomparable(why) => Difference::Incomparable(why),
    })
}

/// Compares an answer with the expected one by what the query declares; column names are never compared.
///
/// Takes O(n log n) for n rows. Many rows that agree in every exact column and nearly agree in the first float
/// column take longer, up to O(n²); an interrupt ends that with some difference, which `gave_up` tells from a real one.
///
/// # Errors
/// The first difference: first of form, then in the number of rows, then in order, then in values.
pub fn compare(expected: &Answer, actual: &Answer, query: &QuerySpec, precision: Precision) -> Result<(), Difference> {
    let declared = !query.columns.is_empty();
    let query: &QuerySpec = &undeclared::filled(expected, actual, query);
    let mut plan = Plan::new(expected, actual, query, precision)?;
    if !declared {
        plan.allow_undeclared(expected, actual);
    }
    let keys = Keys::new(query, &plan)?;
    let answers = Answers {
        wanted: Table::read(expected, ComparedAnswer::Expected, &plan)?,
        got: Table::read(actual, ComparedAnswer::Actual, &plan)?,
        plan,
    };
    let beyond = query.limit.map_or(0, |limit| answers.wanted.len().saturating_sub(limit));
    let rows = answers.wanted.len() - beyond;
    answers.check_length(rows)?;
    answers.check_beyond(&keys, rows)?;
    let cut = query.limit == Some(rows);
    let is_known = beyond > 0 || query.has_hidden_keys;
    if keys.is_empty() && cut && !is_known {
        return Ok(());
    }
    let nulls = keys.check(&answers.got, query)?;
    let wanted = keys.sorted(&answers.wanted, &nulls);
    let got: Vec<usize> = (0..rows).collect();
    let every: Vec<usize> = (0..query.columns.len()).collect();

    // A boundary is where both sides start a new group. What ties on one side only may be in any order on the other,
    // as when one engine truncates an average that the next one gives in full.
    let mut start = 0;
    while start < rows {
        let tied = |row: usize| {
            keys.tie(answers.wanted.row(wanted[row - 1]), answers.wanted.row(wanted[row]))
                || keys.tie(answers.got.row(row - 1), answers.got.row(row))
        };
        let end = (start + 1..rows).find(|&row| !tied(row)).unwrap_or(rows);
        let is_cut = cut && end == rows;
        let of_reference = if is_cut { &wanted[start..] } else { &wanted[start..end] };
        let columns = if is_cut && !is_known { keys.columns() } else { every.clone() };
        if is_cut && beyond > 0 {
            // Which rows of a tie group are left is open, but not their keys: no row of it stands in for one before it.
            answers.check_group((&wanted[start..end], &got[start..end]), &keys.tying_columns())?;
        }
        answers.check_group((of_reference, &got[start..end]), &columns)?;
        start = end;
    }
    Ok(())
}

/// How many of the rows behind the first `limit` tie with the last of these on all sort keys, in an answer to the query with a larger
/// LIMIT, or none.
///
/// # Errors
/// When the answer does not have the declared form.
pub fn rows_tied_beyond(answer: &Answer, query: &QuerySpec, limit: usize) -> Result<usize, Difference> {
    let plan = Plan::new(answer, answer, query, Precision::Full)?;
    let keys = Keys::new(query, &plan)?;
    let table = Table::read(answer, ComparedAnswer::Actual, &plan)?;
    let Some(last) = limit.checked_sub(1).filter(|last| *last < table.len()) else { return Ok(0) };
    Ok((limit..table.len()).take_while(|&row| keys.tie(table.row(last), table.row(row))).count())
}

/// Two answers read by one plan.
struct Answers<'a> {
    plan: Plan<'a>,
    wanted: Table<'a>,
    got: Table<'a>,
}

impl Answers<'_> {
    /// Whether the answer has so many rows, which the reference begins with.
    fn check_length(&self, expected: usize) -> Result<(), Difference> {
        let actual = self.got.len();
        if expected == actual {
            return Ok(());
        }
        let rows: [Vec<usize>; 2] = [(0..expected).collect(), (0..actual).collect()];
        let every: Vec<usize> = (0..self.plan.columns.len()).collect();
        let left = pairing::unpaired(self, (&rows[0], &rows[1]), &every);
        let (table, single) =
            if actual < expected { (&self.wanted, left.missing.first()) } else { (&self.got, left.extra.first()) };
        Err(Difference::Rows { expected, actual, first: single.map_or_else(String::new, |&row| table.show_row(row)) })
    }

    /// Whether what a reference has beyond a LIMIT ties with the last row before it: another answer may be longer by mistake.
    fn check_beyond(&self, keys: &Keys, rows: usize) -> Result<(), Difference> {
        let (expected, actual) = (self.wanted.len(), self.got.len());
        let ties = |row: usize| rows > 0 && keys.tie(self.wanted.row(rows - 1), self.wanted.row(row));
        match (rows..expected).find(|&row| !ties(row)) {
            None => Ok(()),
            Some(row) => Err(Difference::Rows { expected, actual, first: self.wanted.show_row(row) }),
        }
    }

    /// Compares rows of which any order is right, in the given columns. Where the reference has more of them, the answer has some
    /// of these.
    fn check_group(&self, group: (&[usize], &[usize]), columns: &[usize]) -> Result<(), Difference> {
        let (wanted, got) = if let (&[wanted], &[got]) = group {
            (wanted, got)
        } else {
            let left = pairing::unpaired(self, group, columns);
            let Some((&wanted, &got)) = left.missing.first().zip(left.extra.first()) else {
                return Ok(());
            };
            // A reader wants to see the missing row beside the one most like it; a thousand are enough to find that.
            let alike = |wanted, got| columns.iter().filter(|&&column| self.same(wanted, got, column)).count();
            if group.0.len() > group.1.len() {
                // What is missing need not be: it may have been cut.
                let best = left.missing.iter().take(1000).copied().rev().max_by_key(|&row| alike(row, got));
                (best.unwrap_or(wanted), got)
            } else {
                let best = left.extra.iter().take(1000).copied().rev().max_by_key(|&row| alike(wanted, row));
                (wanted, best.unwrap_or(got))
            }
        };
        match columns.iter().find(|&&column| !self.same(wanted, got, column)) {
            None => Ok(()),
            Some(&column) => Err(Difference::Value {
                row: got + 1,
                column: self.plan.columns[column].name.to_owned(),
                expected: self.wanted.show(wanted, column),
                actual: self.got.show(got, column),
            }),
        }
    }

    fn same(&self, wanted: usize, got: usize, column: usize) -> bool {
        let rule = &self.plan.columns[column].rule;
        rule.same(&self.wanted.row(wanted)[column], &self.got.row(got)[column])
    }
}
