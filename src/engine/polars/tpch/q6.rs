//! What small discounts of a year cost; one scan, its filters compare decimals with decimals of the same scale.

use polars::prelude::{ClosedInterval, LazyFrame, PolarsResult, col};

use super::{Given, date, decimal, decimal_type, from_until, total};

pub(super) fn plan(given: &Given) -> PolarsResult<LazyFrame> {
    let discount = col("l_discount").is_between(decimal(5, 2), decimal(7, 2), ClosedInterval::Both);
    let saved = col("l_extendedprice") * col("l_discount").cast(decimal_type(4));
    Ok(given
        .scan("lineitem")?
        .filter(from_until("l_shipdate", date(1994, 1, 1), date(1995, 1, 1)))
        .filter(discount)
        .filter(col("l_quantity").lt(decimal(2_400, 2)))
        .select([total(&saved).alias("revenue")]))
}
