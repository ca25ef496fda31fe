//! How many orders of a quarter had a late line, by priority; no semi join, to keep lineitem out of the hash table.

use polars::prelude::{LazyFrame, PolarsResult, SortMultipleOptions, UniqueKeepStrategy, col, len};

use super::{Given, date, from_until};

pub(super) fn plan(given: &Given) -> PolarsResult<LazyFrame> {
    let late = given.scan("lineitem")?.filter(col("l_commitdate").lt(col("l_receiptdate")));
    Ok(given
        .scan("orders")?
        .filter(from_until("o_orderdate", date(1993, 7, 1), date(1993, 10, 1)))
        .inner_join(late, col("o_orderkey"), col("l_orderkey"))
        .select([col("o_orderkey"), col("o_orderpriority")])
        .unique(None, UniqueKeepStrategy::Any)
        .group_by([col("o_orderpriority")])
        .agg([len().alias("order_count")])
        .sort(["o_orderpriority"], SortMultipleOptions::new()))
}
