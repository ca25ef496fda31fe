//! The suppliers with the most revenue in a quarter; the maximum is taken of the sums, which are made once.

use polars::prelude::{LazyFrame, PolarsResult, SortMultipleOptions, col};

use super::{Given, date, from_until, revenue};

pub(super) fn plan(given: &Given) -> PolarsResult<LazyFrame> {
    Ok(given
        .scan("lineitem")?
        .filter(from_until("l_shipdate", date(1996, 1, 1), date(1996, 4, 1)))
        .group_by([col("l_suppkey").alias("s_suppkey")])
        .agg([revenue().sum().alias("total_revenue")])
        .filter(col("total_revenue").eq(col("total_revenue").max()))
        .inner_join(given.scan("supplier")?, col("s_suppkey"), col("s_suppkey"))
        .select(["s_suppkey", "s_name", "s_address", "s_phone", "total_revenue"].map(col))
        .sort(["s_suppkey"], SortMultipleOptions::new()))
}
