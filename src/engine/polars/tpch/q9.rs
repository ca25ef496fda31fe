//! The profit on green parts by nation and year; lineitem is cut by the part alone before the join on two keys.

use polars::prelude::{JoinArgs, JoinType, LazyFrame, PolarsResult, col, lit};

use super::{Given, decimal_type, descending, revenue};

pub(super) fn plan(given: &Given) -> PolarsResult<LazyFrame> {
    let cost = col("ps_supplycost") * col("l_quantity").cast(decimal_type(4));
    let parts = given.scan("part")?.filter(col("p_name").str().contains_literal(lit("green")));
    let offers = given
        .scan("partsupp")?
        .semi_join(parts.clone(), col("ps_partkey"), col("p_partkey"))
        .inner_join(given.scan("supplier")?, col("ps_suppkey"), col("s_suppkey"))
        .inner_join(given.scan("nation")?, col("s_nationkey"), col("n_nationkey"));
    Ok(given
        .scan("lineitem")?
        // Two keys are much dearer to hash than one.
        .semi_join(parts, col("l_partkey"), col("p_partkey"))
        .join(
            offers,
            [col("l_partkey"), col("l_suppkey")],
            [col("ps_partkey"), col("ps_suppkey")],
            JoinArgs::new(JoinType::Inner),
        )
        .inner_join(given.scan("orders")?, col("l_orderkey"), col("o_orderkey"))
        .group_by([col("n_name").alias("nation"), col("o_orderdate").dt().year().alias("o_year")])
        .agg([(revenue() - cost).sum().alias("sum_profit")])
        .sort(["nation", "o_year"], descending([false, true])))
}
