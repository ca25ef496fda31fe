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

/// The plan of each module that is named, under its name.
macro_rules! plans {
    ($($query:ident)*) => { [$((stringify!($query), $query::plan as Plan)),*] };
}

const PLANS: [(&str, Plan); 22] =
    plans!(q1 q2 q3 q4 q5 q6 q7 q8 q9 q10 q11 q12 q13 q14 q15 q16 q17 q18 q19 q20 q21 q22);

/// The plan of a query.
pub fn named(suite: &str, query: &str) -> Option<Plan> {
    let (_, plan) = PLANS.iter().find(|(name, _)| suite == SUITE && query == *name)?;
    Some(*plan)
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
    fn scan(&self, table: &str) -> PolarsResult<LazyFrame> {
        let files = self.files.get(table).ok_or_else(|| polars_err!(ComputeError: "table {} was not loaded", table))?;
        files.scan()
    }

    /// The nations of a region.
    fn nations_of(&self, region: &str) -> PolarsResult<LazyFrame> {
        let region = self.scan("region")?.filter(col("r_name").eq(lit(region)));
        Ok(region.inner_join(self.scan("nation")?, col("r_regionkey"), col("n_regionkey")))
    }

    /// The suppliers of a nation.
    fn suppliers_of(&self, nation: &str) -> PolarsResult<LazyFrame> {
        let nation = self.scan("nation")?.filter(col("n_name").eq(lit(nation)));
        Ok(nation.inner_join(self.scan("supplier")?, col("n_nationkey"), col("s_nationkey")))
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
