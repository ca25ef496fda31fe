//! The text of two answers read as numbers, days and words by the types that a query declares.
//!
//! Knows when two values are the same, not when two answers are. Decimals are never read as floats unless one side is
//! one.

use std::borrow::Cow;
use std::cmp::Ordering;

use bigdecimal::BigDecimal;

use super::{ComparedAnswer, Difference, Precision};
use crate::host::suite::{ColumnSpec, DeclaredTolerance, Measure, QuerySpec, Tolerances};
use crate::host::verify::tolerance::{FEWEST_PLACES, FEWEST_UNITS, RELATIVE, RELATIVE_SINGLE};
use crate::protocol::answer::{Answer, Kind, Scalar};

/// A value of a declared type.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::host::verify) enum Value<'a> {
    /// NULL.
    Null,
    /// An int or a decimal, exact.
    Number(BigDecimal),
    /// A float, or a number that is compared with one.
    Float(f64),
    /// A day or a time, in nanoseconds from 1970.
    Instant(i128),
    /// Anything whose order is that of its bytes: text, `false` and `true`.
    Text(Cow<'a, str>),
}

impl<'a> Value<'a> {
    /// Reads a value, a number as a float or exactly; `None` when it does not have the form that the declared type asks for.
    pub(in crate::host::verify) fn read(text: &'a str, declared: Kind, float: bool) -> Option<Self> {
        match declared {
            Kind::Int => number(text).filter(BigDecimal::is_integer).map(Self::Number),
            Kind::Decimal | Kind::Float | Kind::Float32 if float => text.parse().ok().map(Self::Float),
            Kind::Float | Kind::Float32 => number(text).or_else(|| inexact(text)).map(Self::Number),
            Kind::Decimal => number(text).map(Self::Number),
            Kind::Text | Kind::List => Some(Self::Text(text.into())),
            Kind::Date | Kind::Timestamp => match Scalar::read(text, Kind::Timestamp)? {
                Scalar::Timestamp(nanos) if declared == Kind::Timestamp || is_midnight(nanos) => {
                    Some(Self::Instant(nanos))
                }
                _ => None,
            },
            Kind::Bool => match text {
                "true" | "false" => Some(Self::Text(text.into())),
                _ => None,
            },
        }
    }

    /// A total order: NULL before anything, NaN after every number.
    pub(super) fn order(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Number(a), Self::Number(b)) => a.cmp(b),
            (Self::Float(a), Self::Float(b)) => a.partial_cmp(b).unwrap_or_else(|| a.is_nan().cmp(&b.is_nan())),
            (Self::Instant(a), Self::Instant(b)) => a.cmp(b),
            (Self::Text(a), Self::Text(b)) => a.cmp(b),
            _ => self.is_null().cmp(&other.is_null()).reverse(),
        }
    }

    /// Whether two values of one answer are floats so near that another engine may see them the other way round.
    pub(super) fn near(&self, other: &Self) -> bool {
        self.within(other, &Tolerance::default())
    }

    /// Whether two values are floats that differ by no more than this.
    pub(super) fn within(&self, other: &Self, tolerance: &Tolerance) -> bool {
        matches!((self, other), (Self::Float(a), Self::Float(b)) if tolerance.same(*a, *b))
    }

    /// Whether the value is NULL.
    pub(super) fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }
}

/// A type's name, as suites and reference files write it.
pub(in crate::host::verify) fn name(kind: Kind) -> &'static str {
    match kind {
        Kind::Int => "int",
        Kind::Decimal => "decimal",
        Kind::Float => "float",
        Kind::Float32 => "float32",
        Kind::Text => "text",
        Kind::Date => "date",
        Kind::Timestamp => "timestamp",
        Kind::Bool => "bool",
        Kind::List => "list",
    }
}

/// What a value of a type looks like, for messages.
pub(in crate::host::verify) fn form(kind: Kind) -> &'static str {
    match kind {
        Kind::Int => "a whole number",
        Kind::Decimal => "a number written in plain digits",
        Kind::Float | Kind::Float32 => "a number",
        Kind::Text => "text",
        Kind::Date => "a day like 1998-09-02",
        Kind::Timestamp => "a time like 1998-09-02 12:00:00",
        Kind::Bool => "true or false",
        Kind::List => "a list like [\"a\",\"b\"]",
    }
}

/// Reads plain digits only: the crate would also take exponents, which can stand for billions of digits.
fn number(text: &str) -> Option<BigDecimal> {
    let plain = |c: char| c.is_ascii_digit() || ".-+".contains(c);
    if !text.chars().all(plain) {
        return None;
    }
    text.parse().ok()
}

/// A float with an exponent, which has at most 308 digits.
fn inexact(text: &str) -> Option<BigDecimal> {
    text.parse::<f64>().ok().and_then(|number| BigDecimal::try_from(number).ok())
}

fn is_midnight(nanos: i128) -> bool {
    nanos.rem_euclid(86_400_000_000_000) == 0
}

/// When two values of a column are the same.
#[derive(Debug)]
pub(super) enum Rule {
    /// Byte by byte.
    Text,
    /// The same number.
    Exact,
    /// The expected number is published.
    Published(Measure, Tolerances),
    /// Decimals of which one side shows fewer digits: at most so far apart.
    Within(BigDecimal),
    /// Floats.
    Float(Tolerance),
}

/// What two floats may differ by.
#[derive(Debug, Clone)]
pub(super) struct Tolerance {
    /// One in the last place of the coarser side that is a decimal; 0 when none is.
    unit: f64,
    /// As a part of the larger one.
    relative: f64,
    /// By so much, as the query declares.
    absolute: f64,
    /// No more than this: whole numbers in one answer, such as ids, are whole in the other.
    most: f64,
}

/// Above it not every whole number is a double.
const WHOLE: f64 = 9_007_199_254_740_992.0;

impl Default for Tolerance {
    fn default() -> Self {
        Self { unit: 0.0, relative: RELATIVE, absolute: 0.0, most: f64::INFINITY }
    }
}

impl Tolerance {
    /// This one, or what a query declares where that is more.
    fn or_as_declared(self, declared: Option<&DeclaredTolerance>) -> Self {
        let Some(DeclaredTolerance { absolute, relative, .. }) = declared else { return self };
        Self { absolute: *absolute, relative: self.relative.max(*relative), ..self }
    }

    fn same(&self, a: f64, b: f64) -> bool {
        if !(a.is_finite() && b.is_finite()) {
            return a.partial_cmp(&b) == Some(Ordering::Equal) || (a.is_nan() && b.is_nan());
        }
        let larger = a.abs().max(b.abs());
        if self.most.is_finite() && larger > WHOLE {
            return false;
        }
        // A unit apart may read as a little more once both are binary.
        let cut = if larger >= f64::from(FEWEST_UNITS) * self.unit { self.unit } else { 0.0 };
        let unit = cut.max(self.absolute) + 4.0 * f64::EPSILON * larger;
        (a - b).abs() <= unit.max(self.relative * larger).min(self.most)
    }
}

impl Rule {
    /// Whether equal values are identical, so that sorting brings them together.
    pub(super) fn is_exact(&self) -> bool {
        matches!(self, Self::Text | Self::Exact)
    }

    /// Whether an actual value is the expected one.
    pub(super) fn same(&self, expected: &Value<'_>, actual: &Value<'_>) -> bool {
        match (self, expected, actual) {
            (Self::Float(tolerance), Value::Float(a), Value::Float(b)) => tolerance.same(*a, *b),
            (Self::Published(measure, within), Value::Number(a), Value::Number(b)) => within.meets(*measure, a, b),
            (Self::Within(unit), Value::Number(a), Value::Number(b)) => {
                a == b || ((a - b).abs() <= *unit && a.abs().max(b.abs()) >= unit * BigDecimal::from(FEWEST_UNITS))
            }
            _ => expected == actual,
        }
    }
}

/// How each column of two answers is read and compared.
#[derive(Debug)]
pub(super) struct Plan<'a> {
    /// One for each column of the answers.
    pub(super) columns: Vec<ColumnPlan<'a>>,
    precision: Precision,
}

/// How one column is read and compared.
#[derive(Debug)]
pub(super) struct ColumnPlan<'a> {
    pub(super) name: &'a str,
    pub(super) rule: Rule,
    /// What two floats of one answer may differ by, so that another engine may have them the other way round.
    pub(super) ties: Tolerance,
    declared: Kind,
}

impl<'a> Plan<'a> {
    /// Checks the shape of both answers and finds the rule of every column.
    pub(super) fn new(
        expected: &Answer,
        actual: &Answer,
        query: &'a QuerySpec,
        precision: Precision,
    ) -> Result<Self, Difference> {
        check_shape(expected, ComparedAnswer::Expected, query)?;
        check_shape(actual, ComparedAnswer::Actual, query)?;
        let rule = |index: usize, column: &ColumnSpec| {
            let kinds = [expected.columns[index].kind, actual.columns[index].kind];
            let has = |wanted: &[Kind]| kinds.iter().any(|kind| wanted.contains(kind));
            let relative = if has(&[Kind::Float32]) { RELATIVE_SINGLE } else { RELATIVE };
            if let (Precision::Published(within), Kind::Int | Kind::Decimal | Kind::Float) = (precision, column.kind) {
                return Rule::Published(column.measure(), within);
            }
            let declared = query.tolerances.get(&column.name);
            let tolerance = Tolerance { relative, ..Tolerance::default() }.or_as_declared(declared);
            match column.kind {
                Kind::Decimal if declared.is_some() || has(&[Kind::Float, Kind::Float32]) => Rule::Float(tolerance),
                Kind::Int | Kind::Decimal => Rule::Exact,
                Kind::Float | Kind::Float32 => {
                    let unit = [expected, actual].map(|answer| unit(answer, index));
                    Rule::Float(Tolerance { unit: unit[0].max(unit[1]), ..tolerance })
                }
                Kind::Text | Kind::Date | Kind::Timestamp | Kind::Bool | Kind::List => Rule::Text,
            }
        };
        let columns = query.columns.iter().enumerate().map(|(index, column)| ColumnPlan {
            name: &column.name,
            rule: rule(index, column),
            ties: Tolerance::default().or_as_declared(query.tolerances.get(&column.name)),
            declared: column.kind,
        });
        Ok(Self { columns: columns.collect(), precision })
    }

    /// The rules of columns that nobody declared. Decimals of unlike digits after the point may differ by one in the last
    /// place of the coarser side, since that may be an average that was cut; whole numbers on one side are whole on the other.
    pub(super) fn allow_undeclared(&mut self, expected: &Answer, actual: &Answer) {
        for (index, column) in self.columns.iter_mut().enumerate() {
            let is = |kind: Kind| [expected, actual].map(|answer| answer.columns[index].kind == kind);
            if let (true, Rule::Float(tolerance)) = (is(Kind::Int).contains(&true), &mut column.rule) {
                tolerance.most = 0.5;
            }
            let decimals = is(Kind::Decimal) == [true, true];
            let [Some(ours), Some(theirs)] = [expected, actual].map(|answer| places(answer, index)) else { continue };
            if decimals && ours != theirs && ours.min(theirs) >= FEWEST_PLACES.into() {
                column.rule = Rule::Within(BigDecimal::new(1.into(), ours.min(theirs)));
            }
        }
    }
}

fn check_shape(answer: &Answer, side: ComparedAnswer, query: &QuerySpec) -> Result<(), Difference> {
    let expected = query.columns.len();
    if answer.columns.len() != expected {
        return Err(Difference::Columns { expected, side, got: answer.columns.len() });
    }
    for (index, (column, declared)) in answer.columns.iter().zip(&query.columns).enumerate() {
        let good = match declared.kind {
            Kind::Int => matches!(column.kind, Kind::Int | Kind::Decimal),
            Kind::Decimal | Kind::Float | Kind::Float32 => {
                matches!(column.kind, Kind::Int | Kind::Decimal | Kind::Float | Kind::Float32)
            }
            Kind::Date => matches!(column.kind, Kind::Date | Kind::Timestamp),
            kind @ (Kind::Text | Kind::Timestamp | Kind::Bool | Kind::List) => column.kind == kind,
        };
        if !good && answer.rows.iter().any(|row| row.get(index).is_some_and(Option::is_some)) {
            return Err(Difference::Kind {
                column: declared.name.clone(),
                declared: declared.kind,
                side,
                got: column.kind,
            });
        }
    }
    match answer.rows.iter().position(|row| row.len() != expected) {
        None => Ok(()),
        Some(row) => Err(Difference::Width { row: row + 1, expected, side, got: answer.rows[row].len() }),
    }
}

/// One in the last place of a decimal column.
fn unit(answer: &Answer, column: usize) -> f64 {
    if answer.columns[column].kind != Kind::Decimal {
        return 0.0;
    }
    let places = places(answer, column).and_then(|places| i32::try_from(places.max(FEWEST_PLACES.into())).ok());
    places.map_or(0.0, |places| 10_f64.powi(-places))
}

/// Digits after the point, as they are written, by the value with the most: some engines leave out zeros at the end. `None`
/// when there is no value.
fn places(answer: &Answer, column: usize) -> Option<i64> {
    let places = |text: &String| text.split_once('.').map_or(0, |(_, fraction)| fraction.len());
    let most = answer.rows.iter().filter_map(|row| row[column].as_ref()).map(places).max();
    most.and_then(|places| i64::try_from(places).ok())
}

/// An answer with its values read.
#[derive(Debug)]
pub(super) struct Table<'a> {
    answer: &'a Answer,
    values: Vec<Value<'a>>,
}

impl<'a> Table<'a> {
    /// Reads every value; the answer's shape is known to be good.
    pub(super) fn read(answer: &'a Answer, side: ComparedAnswer, plan: &Plan<'_>) -> Result<Self, Difference> {
        let mut values = Vec::with_capacity(answer.rows.len() * plan.columns.len());
        for (index, row) in answer.rows.iter().enumerate() {
            for (text, column) in row.iter().zip(&plan.columns) {
                let Some(text) = text.as_deref() else {
                    values.push(Value::Null);
                    continue;
                };
                // The files are padded, and some of the generated texts begin or end with a blank of their own.
                let blanks = column.declared == Kind::Text && plan.precision != Precision::Full;
                let text = if blanks { text.trim_matches(' ') } else { text };
                let value = Value::read(text, column.declared, matches!(column.rule, Rule::Float(_)));
                values.push(value.ok_or_else(|| Difference::Form {
                    row: index + 1,
                    column: column.name.to_owned(),
                    form: form(column.declared),
                    side,
                    got: quoted(text),
                })?);
            }
        }
        Ok(Self { answer, values })
    }

    /// The number of rows.
    pub(super) fn len(&self) -> usize {
        self.answer.rows.len()
    }

    /// The values of a row.
    pub(super) fn row(&self, row: usize) -> &[Value<'a>] {
        let width = self.answer.columns.len();
        &self.values[row * width..][..width]
    }

    /// A value as a message shows it: as the engine wrote it, words in quotes.
    pub(super) fn show(&self, row: usize, column: usize) -> String {
        match self.answer.rows[row][column].as_deref() {
            None => "NULL".to_owned(),
            Some(text) if self.answer.columns[column].kind == Kind::Text => quoted(text),
            Some(text) => text.to_owned(),
        }
    }

    /// A whole row as a message shows it.
    pub(super) fn show_row(&self, row: usize) -> String {
        let values: Vec<String> = (0..self.answer.columns.len()).map(|column| self.show(row, column)).collect();
        values.join(", ")
    }
}

/// Text in quotes and on one line.
pub(in crate::host::verify) fn quoted(text: &str) -> String {
    let mut shown = String::from("'");
    for c in text.chars() {
        if c.is_control() {
            shown.extend(c.escape_default());
        } else {
            shown.push(c);
        }
    }
    shown + "'"
}
