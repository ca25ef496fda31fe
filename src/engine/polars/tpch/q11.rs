//! The parts that make up a fraction of what a nation has in stock; the fraction depends on the scale.

use polars::prelude::{Expr, LazyFrame, PolarsResult, col, polars_err};

use super::{Given, decimal, descending};

pub(super) fn plan(given: &Given) -> PolarsResult<LazyFrame> {
    let suppliers = given.suppliers_of("GERMANY")?;
    let fraction = fraction(given.sql)
        .ok_or_else(|| polars_err!(ComputeError: "q11 has no fraction of the form '* 0.0001' in its text"))?;
    Ok(given
        .scan("partsupp")?
        .semi_join(suppliers, col("ps_suppkey"), col("s_suppkey"))
        .group_by([col("ps_partkey")])
        .agg([(col("ps_supplycost") * col("ps_availqty")).sum().alias("value")])
        .filter(col("value").gt(col("value").sum() * fraction))
        .sort(["value"], descending([true])))
}

/// The number that the sum in the subquery is multiplied with, `sum(...) * 0.0001 from`, as a decimal.
fn fraction(sql: &str) -> Option<Expr> {
    let (units, scale) = digits(sql)?;
    // The product needs these digits and the two of the value.
    Some(decimal(units * 100, scale + 2))
}

fn digits(sql: &str) -> Option<(i128, usize)> {
    let words: Vec<&str> = sql.split_whitespace().collect();
    let number = words.windows(3).find(|words| words[0] == "*" && words[2].eq_ignore_ascii_case("from"))?[1];
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let units = format!("{whole}{fraction}").parse().ok()?;
    Some((units, fraction.len()))
}

#[cfg(test)]
mod tests {
    use super::digits;

    #[test]
    fn finds_the_fraction_of_any_scale() {
        let sql = |number: &str| format!("having sum(a * b) > (\n select sum(a * b) * {number}\n from partsupp, x)");
        assert_eq!(digits(&sql("0.0001")), Some((1, 4)));
        assert_eq!(digits(&sql("0.000033333333")), Some((33_333_333, 12)));
        assert_eq!(digits(&sql("1")), Some((1, 0)));
        assert_eq!(digits(&sql("x")), None);
        assert_eq!(digits("select 1"), None);
    }
}
