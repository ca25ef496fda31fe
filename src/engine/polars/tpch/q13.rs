//! How many customers have how many orders; counted before the join, which then has one row a customer.

use polars::prelude::{LazyFrame, PolarsResult, col, len, lit};

use super::{Given, descending};

pub(super) fn plan(given: &Given) -> PolarsResult<LazyFrame> {
    let special = col("o_comment").str().contains(lit("special.*requests"), true);
    let counts = given.scan("orders")?.filter(special.not()).group_by([col("o_custkey")]).agg([len().alias("c_count")]);
    Ok(given
        .scan("customer")?
        .left_join(counts, col("c_custkey"), col("o_custkey"))
        .group_by([col("c_count").fill_null(lit(0))])
        .agg([len().alias("custdist")])
        .sort(["custdist", "c_count"], descending([true, true])))
}
