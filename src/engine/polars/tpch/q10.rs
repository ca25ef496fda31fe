//! The twenty customers of a quarter who sent back most; summed by key before their other columns are fetched.

use polars::prelude::{LazyFrame, PolarsResult, col, lit};

use super::{Given, date, descending, from_until, revenue};

pub(super) fn plan(given: &Given) -> PolarsResult<LazyFrame> {
    let returned = given.scan("lineitem")?.filter(col("l_returnflag").eq(lit("R")));
    let columns = ["c_custkey", "c_name", "revenue", "c_acctbal", "n_name", "c_address", "c_phone", "c_comment"];
    Ok(given
        .scan("orders")?
        .filter(from_until("o_orderdate", date(1993, 10, 1), date(1994, 1, 1)))
        .inner_join(returned, col("o_orderkey"), col("l_orderkey"))
        // A customer's other columns follow from the key, so they need not be keys of the groups.
        .group_by([col("o_custkey").alias("c_custkey")])
        .agg([revenue().sum().alias("revenue")])
        .inner_join(given.scan("customer")?, col("c_custkey"), col("c_custkey"))
        .inner_join(given.scan("nation")?, col("c_nationkey"), col("n_nationkey"))
        .select(columns.map(col))
        .sort(["revenue"], descending([true]))
        .limit(20))
}
