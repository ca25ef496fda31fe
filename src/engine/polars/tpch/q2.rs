//! For each part of a kind, the European suppliers that sell it cheapest; the minimum is a window over the offers.

use polars::prelude::{LazyFrame, PolarsResult, col, lit};

use super::{Given, descending};

pub(super) fn plan(given: &Given) -> PolarsResult<LazyFrame> {
    let nations = given.nations_of("EUROPE")?;
    let suppliers = nations.inner_join(given.scan("supplier")?, col("n_nationkey"), col("s_nationkey"));
    let cheapest = col("ps_supplycost").min().over([col("p_partkey")])?;
    let columns = ["s_acctbal", "s_name", "n_name", "p_partkey", "p_mfgr", "s_address", "s_phone", "s_comment"];
    Ok(given
        .scan("part")?
        .filter(col("p_size").eq(lit(15)).and(col("p_type").str().ends_with(lit("BRASS"))))
        .inner_join(given.scan("partsupp")?, col("p_partkey"), col("ps_partkey"))
        .inner_join(suppliers, col("ps_suppkey"), col("s_suppkey"))
        .filter(col("ps_supplycost").eq(cheapest))
        .select(columns.map(col))
        .sort(["s_acctbal", "n_name", "s_name", "p_partkey"], descending([true, false, false, false]))
        .limit(100))
}
