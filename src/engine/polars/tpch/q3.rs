//! The ten unshipped orders of a market segment that are worth most; of a customer only the key counts.

use polars::prelude::{LazyFrame, PolarsResult, col, lit};

use super::{Given, date, descending, revenue};

pub(super) fn plan(given: &Given) -> PolarsResult<LazyFrame> {
    let customers = given.scan("customer")?.filter(col("c_mktsegment").eq(lit("BUILDING")));
    let lineitem = given.scan("lineitem")?.filter(col("l_shipdate").gt(date(1995, 3, 15)));
    Ok(given
        .scan("orders")?
        .filter(col("o_orderdate").lt(date(1995, 3, 15)))
        .semi_join(customers, col("o_custkey"), col("c_custkey"))
        .inner_join(lineitem, col("o_orderkey"), col("l_orderkey"))
        .group_by([col("o_orderkey").alias("l_orderkey"), col("o_orderdate"), col("o_shippriority")])
        .agg([revenue().sum().alias("revenue")])
        .select(["l_orderkey", "revenue", "o_orderdate", "o_shippriority"].map(col))
        .sort(["revenue", "o_orderdate"], descending([true, false]))
        .limit(10))
}
