//! The queries of TPC-H that somebody wrote a plan for, one file for each, and what they have in common.

pub(super) mod columns;
mod nations;
mod q1;
mod q10;
mod q12;
mod q14;
mod q15;
mod q19;
mod q3;
mod q4;
mod q5;
mod q6;

use anyhow::bail;

// What the plans are written with, for them to name as `super::...`.
use super::keys::Keys;
use super::names::Names;
use super::output::{decimals, texts, top};
use super::rows::Rows;
use super::table::{RowGroup, Table};
use super::{Plan, Tables, physical};
use crate::engine::{Result, Unsupported};

/// The suite whose plans these are.
pub(super) const SUITE: &str = "tpch";

/// All with TPC-H's validation parameters.
const PLANS: [(&str, Plan); 10] = [
    ("q1", q1::run),
    ("q3", q3::run),
    ("q4", q4::run),
    ("q5", q5::run),
    ("q6", q6::run),
    ("q10", q10::run),
    ("q12", q12::run),
    ("q14", q14::run),
    ("q15", q15::run),
    ("q19", q19::run),
];

/// The plan of a query.
///
/// # Errors
/// [`Unsupported`] when nobody wrote one.
pub(super) fn plan(query: &str) -> Result<Plan> {
    let Some((_, plan)) = PLANS.iter().find(|(name, _)| query == *name) else {
        let names = PLANS.map(|(name, _)| name).join(", ");
        bail!(Unsupported(format!("the arrow engine has hand-written plans for TPC-H's {names} only")));
    };
    Ok(*plan)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use arrow::array::Array;

    use super::*;

    #[test]
    fn without_rows_a_sum_is_null_and_there_are_no_groups() {
        let names = ["region", "nation", "supplier", "customer", "part", "orders", "lineitem"];
        let tables = Tables(names.map(|name| (name.to_owned(), Table::open::<&Path>(&[]).unwrap())).into());
        for (name, plan) in PLANS {
            let answer = plan(&tables, 2).unwrap();
            if ["q6", "q14", "q19"].contains(&name) {
                assert_eq!((answer.num_rows(), answer.column(0).null_count()), (1, 1), "{name}");
            } else {
                assert_eq!(answer.num_rows(), 0, "{name}");
            }
        }
    }
}
