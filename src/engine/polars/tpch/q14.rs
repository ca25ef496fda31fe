//! The share of promoted parts in a month's revenue, in per cent; the sums are exact, only their ratio is a float.

use polars::prelude::{DataType, LazyFrame, PolarsResult, col, lit};

use super::{Given, date, from_until, revenue, total};

pub(super) fn plan(given: &Given) -> PolarsResult<LazyFrame> {
    let promoted = revenue().filter(col("p_type").str().starts_with(lit("PROMO")));
    let promoted = total(&promoted).cast(DataType::Float64);
    let all = total(&revenue()).cast(DataType::Float64);
    Ok(given
        .scan("lineitem")?
        .filter(from_until("l_shipdate", date(1995, 9, 1), date(1995, 10, 1)))
        .inner_join(given.scan("part")?, col("l_partkey"), col("p_partkey"))
        .select([(lit(100) * promoted / all).alias("promo_revenue")]))
}
