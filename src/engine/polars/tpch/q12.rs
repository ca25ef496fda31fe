//! How many lines of urgent and of other orders came late by mail or ship in a year; starts from the lines, one in 200.

use polars::prelude::{LazyFrame, PolarsResult, SortMultipleOptions, col};

use super::{Given, date, from_until, is_one_of};

pub(super) fn plan(given: &Given) -> PolarsResult<LazyFrame> {
    let high = is_one_of("o_orderpriority", ["1-URGENT", "2-HIGH"]);
    Ok(given
        .scan("lineitem")?
        .filter(is_one_of("l_shipmode", ["MAIL", "SHIP"]))
        .filter(from_until("l_receiptdate", date(1994, 1, 1), date(1995, 1, 1)))
        .filter(col("l_commitdate").lt(col("l_receiptdate")))
        .filter(col("l_shipdate").lt(col("l_commitdate")))
        .inner_join(given.scan("orders")?, col("l_orderkey"), col("o_orderkey"))
        .group_by([col("l_shipmode")])
        .agg([high.clone().sum().alias("high_line_count"), high.not().sum().alias("low_line_count")])
        .sort(["l_shipmode"], SortMultipleOptions::new()))
}
