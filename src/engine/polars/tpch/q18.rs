//! The hundred dearest orders of more than 300 pieces; nearly all the work is one sum for each order.

use polars::prelude::{LazyFrame, PolarsResult, col};

use super::{Given, decimal, descending};

pub(super) fn plan(given: &Given) -> PolarsResult<LazyFrame> {
    // An order is one row, so the sum of its lines that qualifies it is the sum to show.
    let large = given
        .scan("lineitem")?
        .group_by([col("l_orderkey").alias("o_orderkey")])
        .agg([col("l_quantity").sum().alias("sum_quantity")])
        .filter(col("sum_quantity").gt(decimal(30_000, 2)));
    Ok(large
        .inner_join(given.scan("orders")?, col("o_orderkey"), col("o_orderkey"))
        .inner_join(given.scan("customer")?, col("o_custkey"), col("c_custkey"))
        .select([
            col("c_name"),
            col("o_custkey").alias("c_custkey"),
            col("o_orderkey"),
            col("o_orderdate"),
            col("o_totalprice"),
            col("sum_quantity"),
        ])
        .sort(["o_totalprice", "o_orderdate"], descending([true, false]))
        .limit(100))
}
