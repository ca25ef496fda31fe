//! What a year loses without small orders of some parts; the average is a window over the lines of these parts.

use polars::prelude::{DataType, LazyFrame, PolarsResult, col, lit};

use super::{Given, total};

pub(super) fn plan(given: &Given) -> PolarsResult<LazyFrame> {
    let of_kind = col("p_brand").eq(lit("Brand#23")).and(col("p_container").eq(lit("MED BOX")));
    let parts = given.scan("part")?.filter(of_kind);
    // All lines of a part are in its group, so its average is that of the whole table.
    let average = col("l_quantity").mean().over([col("l_partkey")])?;
    Ok(given
        .scan("lineitem")?
        .semi_join(parts, col("l_partkey"), col("p_partkey"))
        .filter(col("l_quantity").lt(lit(0.2) * average))
        .select([(total(&col("l_extendedprice")).cast(DataType::Float64) / lit(7.0)).alias("avg_yearly")]))
}
