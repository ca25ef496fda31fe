//! The revenue of three kinds of parts in three ranges of quantities; the OR is split between the tables.

use polars::prelude::{ClosedInterval, Expr, LazyFrame, PolarsResult, any_horizontal, col, lit};

use super::{Given, decimal, is_one_of, revenue, total};

pub(super) fn plan(given: &Given) -> PolarsResult<LazyFrame> {
    let lineitem = given
        .scan("lineitem")?
        .filter(is_one_of("l_shipmode", ["AIR", "AIR REG"]))
        .filter(col("l_shipinstruct").eq(lit("DELIVER IN PERSON")));
    let of_kind = any_horizontal([
        part("Brand#12", ["SM CASE", "SM BOX", "SM PACK", "SM PKG"], 5),
        part("Brand#23", ["MED BAG", "MED BOX", "MED PKG", "MED PACK"], 10),
        part("Brand#34", ["LG CASE", "LG BOX", "LG PACK", "LG PKG"], 15),
    ])?;
    // The brands exclude each other: after the join they alone tell which range of quantities holds.
    let in_range = any_horizontal([quantity("Brand#12", 1), quantity("Brand#23", 10), quantity("Brand#34", 20)])?;
    Ok(given
        .scan("part")?
        .filter(of_kind)
        .inner_join(lineitem, col("p_partkey"), col("l_partkey"))
        .filter(in_range)
        .select([total(&revenue()).alias("revenue")]))
}

fn brand(name: &str) -> Expr {
    col("p_brand").eq(lit(name))
}

fn part(name: &str, containers: [&str; 4], largest: i32) -> Expr {
    let size = col("p_size").is_between(lit(1), lit(largest), ClosedInterval::Both);
    brand(name).and(is_one_of("p_container", containers)).and(size)
}

fn quantity(name: &str, least: i128) -> Expr {
    let [least, most] = [least, least + 10].map(|pieces| decimal(pieces * 100, 2));
    brand(name).and(col("l_quantity").is_between(least, most, ClosedInterval::Both))
}
