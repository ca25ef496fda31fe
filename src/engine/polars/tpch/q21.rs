//! The Saudi suppliers who alone kept an order waiting; minimum and maximum stand for EXISTS and NOT EXISTS.

use polars::prelude::{LazyFrame, NULL, PolarsResult, col, len, lit, when};

use super::{Given, descending};

pub(super) fn plan(given: &Given) -> PolarsResult<LazyFrame> {
    let suppliers = given.suppliers_of("SAUDI ARABIA")?;
    let finished = given.scan("orders")?.filter(col("o_orderstatus").eq(lit("F")));
    let is_late = col("l_receiptdate").gt(col("l_commitdate"));
    let late = given
        .scan("lineitem")?
        .filter(is_late.clone())
        .inner_join(suppliers, col("l_suppkey"), col("s_suppkey"))
        .inner_join(finished, col("l_orderkey"), col("o_orderkey"));
    // Of an order in question one supplier was late for sure. No other one was when the first key of its late suppliers
    // is the last one too; and another one had a part in it when these keys differ over all its lines.
    let late_key = when(is_late).then(col("l_suppkey")).otherwise(lit(NULL));
    let orders = given
        .scan("lineitem")?
        .semi_join(late.clone(), col("l_orderkey"), col("l_orderkey"))
        .group_by([col("l_orderkey")])
        .agg([
            col("l_suppkey").min().alias("first"),
            col("l_suppkey").max().alias("last"),
            late_key.clone().min().alias("first_late"),
            late_key.max().alias("last_late"),
        ])
        .filter(col("first").neq(col("last")).and(col("first_late").eq(col("last_late"))));
    Ok(late
        .semi_join(orders, col("l_orderkey"), col("l_orderkey"))
        .group_by([col("s_name")])
        .agg([len().alias("numwait")])
        .sort(["numwait", "s_name"], descending([true, false]))
        .limit(100))
}
