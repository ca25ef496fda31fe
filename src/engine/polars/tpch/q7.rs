//! The trade between France and Germany, by direction and year; both sides are made small before they meet.

use polars::prelude::{ClosedInterval, JoinArgs, JoinType, LazyFrame, PolarsResult, SortMultipleOptions, col};

use super::{Given, date, is_one_of, revenue};

pub(super) fn plan(given: &Given) -> PolarsResult<LazyFrame> {
    let nations = given.scan("nation")?.filter(is_one_of("n_name", ["FRANCE", "GERMANY"]));
    let suppliers = nations.clone().inner_join(given.scan("supplier")?, col("n_nationkey"), col("s_nationkey"));
    let customers = nations.inner_join(given.scan("customer")?, col("n_nationkey"), col("c_nationkey"));
    let orders = customers.inner_join(given.scan("orders")?, col("c_custkey"), col("o_custkey"));
    let shipped = col("l_shipdate").is_between(date(1995, 1, 1), date(1996, 12, 31), ClosedInterval::Both);
    Ok(suppliers
        .inner_join(given.scan("lineitem")?.filter(shipped), col("s_suppkey"), col("l_suppkey"))
        .join(
            orders,
            [col("l_orderkey")],
            [col("o_orderkey")],
            JoinArgs::new(JoinType::Inner).with_suffix(Some("_of_customer".into())),
        )
        .filter(col("n_name").neq(col("n_name_of_customer")))
        .group_by([
            col("n_name").alias("supp_nation"),
            col("n_name_of_customer").alias("cust_nation"),
            col("l_shipdate").dt().year().alias("l_year"),
        ])
        .agg([revenue().sum().alias("revenue")])
        .sort(["supp_nation", "cust_nation", "l_year"], SortMultipleOptions::new()))
}
