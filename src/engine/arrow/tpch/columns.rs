//! The columns of TPC-H that the plans read, and what several plans compute of them.

use anyhow::Context;

use super::physical::{Column, Long, Short, Text};
use super::{Result, RowGroup, Rows};

macro_rules! columns {
    ($($constant:ident: $physical:ident = $stored:ident($name:literal);)*) => {
        $(
            #[doc = concat!("`", $name, "`")]
            pub const $constant: Column<$physical> = Column::$stored($name);
        )*
    };
}

columns! {
    C_ACCTBAL: Long = money("c_acctbal");
    C_ADDRESS: Text = text("c_address");
    C_COMMENT: Text = text("c_comment");
    C_CUSTKEY: Long = key("c_custkey");
    C_MKTSEGMENT: Text = text("c_mktsegment");
    C_NAME: Text = text("c_name");
    C_NATIONKEY: Long = key("c_nationkey");
    C_PHONE: Text = text("c_phone");
    L_COMMITDATE: Short = day("l_commitdate");
    L_DISCOUNT: Long = money("l_discount");
    L_EXTENDEDPRICE: Long = money("l_extendedprice");
    L_LINESTATUS: Text = text("l_linestatus");
    L_ORDERKEY: Long = key("l_orderkey");
    L_PARTKEY: Long = key("l_partkey");
    L_QUANTITY: Long = money("l_quantity");
    L_RECEIPTDATE: Short = day("l_receiptdate");
    L_RETURNFLAG: Text = text("l_returnflag");
    L_SHIPDATE: Short = day("l_shipdate");
    L_SHIPINSTRUCT: Text = text("l_shipinstruct");
    L_SHIPMODE: Text = text("l_shipmode");
    L_SUPPKEY: Long = key("l_suppkey");
    L_TAX: Long = money("l_tax");
    N_NAME: Text = text("n_name");
    N_NATIONKEY: Long = key("n_nationkey");
    N_REGIONKEY: Long = key("n_regionkey");
    O_CUSTKEY: Long = key("o_custkey");
    O_ORDERDATE: Short = day("o_orderdate");
    O_ORDERKEY: Long = key("o_orderkey");
    O_ORDERPRIORITY: Text = text("o_orderpriority");
    O_SHIPPRIORITY: Short = number("o_shippriority");
    P_BRAND: Text = text("p_brand");
    P_CONTAINER: Text = text("p_container");
    P_PARTKEY: Long = key("p_partkey");
    P_SIZE: Short = number("p_size");
    P_TYPE: Text = text("p_type");
    R_NAME: Text = text("r_name");
    R_REGIONKEY: Long = key("r_regionkey");
    S_ADDRESS: Text = text("s_address");
    S_NAME: Text = text("s_name");
    S_NATIONKEY: Long = key("s_nationkey");
    S_PHONE: Text = text("s_phone");
    S_SUPPKEY: Long = key("s_suppkey");
}

/// `l_extendedprice * (1 - l_discount)` of these rows, scale 4.
///
/// # Errors
/// When the columns cannot be read.
pub fn revenue(row_group: &RowGroup<'_>, rows: &Rows<'_>) -> Result<Vec<i128>> {
    let prices: Vec<i64> = row_group.values(&L_EXTENDEDPRICE, rows)?;
    let discounts: Vec<i64> = row_group.values(&L_DISCOUNT, rows)?;
    // Below 2^63 * (2^63 + 100) < 2^127.
    let revenue = |(price, discount)| i128::from(price) * (100 - i128::from(discount));
    Ok(prices.into_iter().zip(discounts).map(revenue).collect())
}

/// Adds to a sum of decimals.
///
/// # Errors
/// When it does not fit 128 bits.
pub fn add(sum: &mut i128, value: i128) -> Result<()> {
    *sum = sum.checked_add(value).context("a sum overflows 128 bits")?;
    Ok(())
}

/// The sum of decimals.
///
/// # Errors
/// As [`add`].
pub fn sum(values: impl IntoIterator<Item = i128>) -> Result<i128> {
    values.into_iter().try_fold(0, |mut sum, value| add(&mut sum, value).map(|()| sum))
}

/// The sum as SQL has it: that of no decimals is NULL.
///
/// # Errors
/// As [`add`].
pub fn total(values: impl IntoIterator<Item = i128>) -> Result<Option<i128>> {
    let mut values = values.into_iter().peekable();
    values.peek().is_some().then(|| sum(values)).transpose()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sum_that_does_not_fit_is_an_error() {
        assert_eq!(sum([i128::MAX, -1]).unwrap(), i128::MAX - 1);
        assert!(sum([i128::MAX, 1]).is_err());
    }
}
