//! Brazil's share of what America bought of one kind of part, by year; starts from the parts, one in 150.

use polars::prelude::{ClosedInterval, DataType, LazyFrame, PolarsResult, SortMultipleOptions, col, lit};

use super::{Given, date, revenue};

pub(super) fn plan(given: &Given) -> PolarsResult<LazyFrame> {
    let ordered = col("o_orderdate").is_between(date(1995, 1, 1), date(1996, 12, 31), ClosedInterval::Both);
    let nations = given.nations_of("AMERICA")?;
    let customers = nations.inner_join(given.scan("customer")?, col("n_nationkey"), col("c_nationkey"));
    let volume = revenue().sum().cast(DataType::Float64);
    let of_brazil = revenue().filter(col("n_name").eq(lit("BRAZIL"))).sum().cast(DataType::Float64);
    Ok(given
        .scan("part")?
        .filter(col("p_type").eq(lit("ECONOMY ANODIZED STEEL")))
        .inner_join(given.scan("lineitem")?, col("p_partkey"), col("l_partkey"))
        .inner_join(given.scan("orders")?.filter(ordered), col("l_orderkey"), col("o_orderkey"))
        .semi_join(customers, col("o_custkey"), col("c_custkey"))
        .inner_join(given.scan("supplier")?, col("l_suppkey"), col("s_suppkey"))
        .inner_join(given.scan("nation")?, col("s_nationkey"), col("n_nationkey"))
        .group_by([col("o_orderdate").dt().year().alias("o_year")])
        .agg([(of_brazil / volume).alias("mkt_share")])
        .sort(["o_year"], SortMultipleOptions::new()))
}
