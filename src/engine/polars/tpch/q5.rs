//! The revenue within each Asian nation, customer and supplier both from there; five joins, the last one on two keys.

use polars::prelude::{JoinArgs, JoinType, LazyFrame, PolarsResult, col};

use super::{Given, date, descending, from_until, revenue};

pub(super) fn plan(given: &Given) -> PolarsResult<LazyFrame> {
    let orders = given.scan("orders")?.filter(from_until("o_orderdate", date(1994, 1, 1), date(1995, 1, 1)));
    Ok(given
        .nations_of("ASIA")?
        .inner_join(given.scan("customer")?, col("n_nationkey"), col("c_nationkey"))
        .inner_join(orders, col("c_custkey"), col("o_custkey"))
        .inner_join(given.scan("lineitem")?, col("o_orderkey"), col("l_orderkey"))
        .join(
            given.scan("supplier")?,
            [col("l_suppkey"), col("n_nationkey")],
            [col("s_suppkey"), col("s_nationkey")],
            JoinArgs::new(JoinType::Inner),
        )
        .group_by([col("n_name")])
        .agg([revenue().sum().alias("revenue")])
        .sort(["revenue"], descending([true])))
}
