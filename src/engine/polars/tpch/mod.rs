//! The 22 queries of TPC-H as lazy plans, one file for each, and what they have in common; [`named`] finds them.
//!
//! The same plans as in `../../python/polars-wheel/tpch.py`, call by call. This Polars takes joins in the order in
//! which they are written, so they start from what a filter makes small; a semi join puts its right side into a hash
//! table, so that is the smaller side. Pushing filters and columns down is left to Polars, and so is executing: see
//! [`super`].
//!
//! A decimal product in Polars has the larger of its factors' scales and is rounded to it, where SQL adds the scales
//! up. So one factor of each product gets the whole product's scale first, and nothing is lost.

mod q1;
mod q10;
mod q11;
mod q12;
mod q13;
mod q14;
mod q15;
mod q16;
mod q17;
mod q18;
mod q19;
mod q2;
mod q20;
mod q21;
mod q22;
mod q3;
mod q4;
mod q5;
mod q6;
mod q7;
mod q8;
mod q9;

use std::collections::BTreeMap;

use polars::prelude::{
    DataType, Expr, LazyFrame, NULL, NamedFrom, PolarsResult, Scalar, Series, SortMultipleOptions, col, lit,
    polars_err, when,
};

use super::files::Files;

/// The suite whose plans these are.
pub const SUITE: &str = "tpch";

/// Builds a query's plan; nothing is executed.
pub type Plan = fn(&Given) -> PolarsResult<LazyFrame>;

/// The plan of a query.
pub fn named(workload: &str, query: &str) -> Option<Plan> {
    let plan: Plan = match (workload, query) {
        ("tpch", "q1") => q1::plan,
        ("tpch", "q2") => q2::plan,
        ("tpch", "q3") => q3::plan,
        ("tpch", "q4") => q4::plan,
        ("tpch", "q5") => q5::plan,
        ("tpch", "q6") => q6::plan,
        ("tpch", "q7") => q7::plan,
        ("tpch", "q8") => q8::plan,
        ("tpch", "q9") => q9::plan,
        ("tpch", "q10") => q10::plan,
        ("tpch", "q11") => q11::plan,
        ("tpch", "q12") => q12::plan,
        ("tpch", "q13") => q13::plan,
        ("tpch", "q14") => q14::plan,
        ("tpch", "q15") => q15::plan,
        ("tpch", "q16") => q16::plan,
        ("tpch", "q17") => q17::plan,
        ("tpch", "q18") => q18::plan,
        ("tpch", "q19") => q19::plan,
        ("tpch", "q20") => q20::plan,
        ("tpch", "q21") => q21::plan,
        ("tpch", "q22") => q22::plan,
        _ => return None,
    };
    Some(plan)
}

/// What a plan is made from.
#[derive(Debug, Clone, Copy)]
pub struct Given<'a> {
    /// The files of each table.
    pub files: &'a BTreeMap<String, Files>,
    /// The query's text, for a number in it that depends on the scale.
    pub sql: &'a str,
}

impl Given<'_> {
    fn region(&self) -> PolarsResult<LazyFrame> {
        self.scan("region")
    }

    fn nation(&self) -> PolarsResult<LazyFrame> {
        self.scan("nation")
    }

    fn supplier(&self) -> PolarsResult<LazyFrame> {
        self.scan("supplier")
    }

    fn customer(&self) -> PolarsResult<LazyFrame> {
        self.scan("customer")
    }

    fn part(&self) -> PolarsResult<LazyFrame> {
        self.scan("part")
    }

    fn partsupp(&self) -> PolarsResult<LazyFrame> {
        self.scan("partsupp")
    }

    fn orders(&self) -> PolarsResult<LazyFrame> {
        self.scan("orders")
    }

    fn lineitem(&self) -> PolarsResult<LazyFrame> {
        self.scan("lineitem")
    }

    fn scan(&self, table: &str) -> PolarsResult<LazyFrame> {
        let files = self.files.get(table).ok_or_else(|| polars_err!(ComputeError: "table {} was not loaded", table))?;
        files.scan()
    }
}

/// `l_extendedprice * (1 - l_discount)`, with all four digits.
fn revenue() -> Expr {
    col("l_extendedprice") * (decimal(10_000, 4) - col("l_discount"))
}

/// The sum as SQL has it: that of no rows is NULL, where Polars has 0.
fn total(values: &Expr) -> Expr {
    when(values.clone().count().gt(lit(0))).then(values.clone().sum()).otherwise(lit(NULL))
}

/// A decimal of so many units of its last digit.
fn decimal(units: i128, scale: usize) -> Expr {
    lit(Scalar::new_decimal(units, 38, scale))
}

/// The type to cast to for exact sums of products with so many digits after the point.
fn decimal_type(scale: usize) -> DataType {
    DataType::Decimal(38, scale)
}

/// Whether a column has one of these values.
fn is_one_of<T, P: ?Sized>(column: &str, values: T) -> Expr
where
    Series: NamedFrom<T, P>,
{
    let values = Series::new(column.into(), values);
    col(column).is_in(lit(Scalar::new_list(values)), false)
}

/// Whether a column of dates is in the days from `first` until the one before `end`.
fn from_until(column: &str, first: Expr, end: Expr) -> Expr {
    col(column).gt_eq(first).and(col(column).lt(end))
}

/// The sort order of keys of which those with `true` descend.
fn descending<const N: usize>(keys: [bool; N]) -> SortMultipleOptions {
    SortMultipleOptions::new().with_order_descending_multi(keys)
}

/// A day of the Gregorian calendar.
fn date(year: i32, month: i32, day: i32) -> Expr {
    lit(Scalar::new_date(days(year, month, day)))
}

/// Days since 1970-01-01, for years after 0.
const fn days(year: i32, month: i32, day: i32) -> i32 {
    // Years and months counted from March: then the day that is sometimes there is the last one.
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let leap_days = year / 4 - year / 100 + year / 400;
    365 * year + leap_days + (153 * month + 2) / 5 + day - 1 - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_those_of_the_calendar() {
        let known =
            [(1970, 1, 1, 0), (1992, 2, 29, 8_094), (1994, 1, 1, 8_766), (1998, 12, 31, 10_591), (2000, 3, 1, 11_017)];
        for (year, month, day, since) in known {
            assert_eq!(days(year, month, day), since, "{year}-{month}-{day}");
        }
    }

    #[test]
    fn every_query_of_tpch_has_a_plan_and_no_other() {
        assert!((1..=22).all(|number| named("tpch", &format!("q{number}")).is_some()));
        assert!(named("tpch", "q23").is_none());
        assert!(named("tpcds", "q1").is_none());
    }
}
