//! The sums and averages of all lines up to a day, by return flag and status; two decimal products for each row.

use polars::prelude::{LazyFrame, PolarsResult, SortMultipleOptions, col, len};

use super::{Given, date, decimal, revenue};

pub(super) fn plan(given: &Given) -> PolarsResult<LazyFrame> {
    // The scale of the 1 makes the product's six digits.
    let charge = col("disc_price") * (decimal(1_000_000, 6) + col("l_tax"));
    Ok(given
        .scan("lineitem")?
        .filter(col("l_shipdate").lt_eq(date(1998, 9, 2)))
        .with_column(revenue().alias("disc_price"))
        .group_by([col("l_returnflag"), col("l_linestatus")])
        .agg([
            col("l_quantity").sum().alias("sum_qty"),
            col("l_extendedprice").sum().alias("sum_base_price"),
            col("disc_price").sum().alias("sum_disc_price"),
            charge.sum().alias("sum_charge"),
            col("l_quantity").mean().alias("avg_qty"),
            col("l_extendedprice").mean().alias("avg_price"),
            col("l_discount").mean().alias("avg_disc"),
            len().alias("count_order"),
        ])
        .sort(["l_returnflag", "l_linestatus"], SortMultipleOptions::new()))
}
