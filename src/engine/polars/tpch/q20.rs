//! The Canadian suppliers with more of some parts than half a year's demand; partsupp is cut by both before lineitem.

use polars::prelude::{JoinArgs, JoinType, LazyFrame, PolarsResult, SortMultipleOptions, col, lit};

use super::{Given, date, decimal, from_until};

pub(super) fn plan(given: &Given) -> PolarsResult<LazyFrame> {
    let parts = given.scan("part")?.filter(col("p_name").str().starts_with(lit("forest")));
    let suppliers = given.suppliers_of("CANADA")?;
    let partsupp = given.scan("partsupp")?.semi_join(parts, col("ps_partkey"), col("p_partkey"));
    let partsupp = partsupp.semi_join(suppliers.clone(), col("ps_suppkey"), col("s_suppkey"));
    let surplus = given
        .scan("lineitem")?
        .filter(from_until("l_shipdate", date(1994, 1, 1), date(1995, 1, 1)))
        .join(
            partsupp,
            [col("l_partkey"), col("l_suppkey")],
            [col("ps_partkey"), col("ps_suppkey")],
            JoinArgs::new(JoinType::Inner),
        )
        .group_by([col("l_partkey"), col("l_suppkey"), col("ps_availqty")])
        .agg([col("l_quantity").sum()])
        // A half with the scale that half a quantity has.
        .filter(col("ps_availqty").gt(decimal(500, 3) * col("l_quantity")));
    Ok(suppliers
        .semi_join(surplus, col("s_suppkey"), col("l_suppkey"))
        .select([col("s_name"), col("s_address")])
        .sort(["s_name"], SortMultipleOptions::new()))
}
