//! Customers of some countries with money and without orders; the average is taken in the same pass as the filter.

use polars::prelude::{LazyFrame, PolarsResult, SortMultipleOptions, col, len, lit};

use super::{Given, decimal, is_one_of};

pub(super) fn plan(given: &Given) -> PolarsResult<LazyFrame> {
    let average = col("c_acctbal").filter(col("c_acctbal").gt(decimal(0, 2))).mean();
    Ok(given
        .scan("customer")?
        .with_column(col("c_phone").str().head(lit(2)).alias("cntrycode"))
        .filter(is_one_of("cntrycode", ["13", "31", "23", "29", "30", "18", "17"]))
        .filter(col("c_acctbal").gt(average))
        .anti_join(given.scan("orders")?, col("c_custkey"), col("o_custkey"))
        .group_by([col("cntrycode")])
        .agg([len().alias("numcust"), col("c_acctbal").sum().alias("totacctbal")])
        .sort(["cntrycode"], SortMultipleOptions::new()))
}
