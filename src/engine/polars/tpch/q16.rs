//! How many suppliers without complaints there are for parts of some sizes; a distinct count in each group.

use polars::prelude::{LazyFrame, PolarsResult, col, lit};

use super::{Given, descending, is_one_of};

pub(super) fn plan(given: &Given) -> PolarsResult<LazyFrame> {
    let complaints = given.scan("supplier")?.filter(col("s_comment").str().contains(lit("Customer.*Complaints"), true));
    Ok(given
        .scan("part")?
        .filter(is_one_of("p_size", [49, 14, 23, 45, 19, 3, 36, 9]))
        .filter(col("p_brand").neq(lit("Brand#45")))
        .filter(col("p_type").str().starts_with(lit("MEDIUM POLISHED")).not())
        .inner_join(given.scan("partsupp")?, col("p_partkey"), col("ps_partkey"))
        .anti_join(complaints, col("ps_suppkey"), col("s_suppkey"))
        .group_by([col("p_brand"), col("p_type"), col("p_size")])
        .agg([col("ps_suppkey").n_unique().alias("supplier_cnt")])
        .sort(["supplier_cnt", "p_brand", "p_type", "p_size"], descending([true, false, false, false])))
}
