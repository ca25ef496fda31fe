//! Plans of TPC-H as programs of `DataFrame`s write them, for the mode `dataframe`: joins in the order of the query's text, which the
//! server's optimizer is free to change.

use super::dataframes::Plan;
use super::relation::{Frame, table};

/// The suite and its plans.
pub(super) const PLANS: (&str, &[Plan]) = ("tpch", &[("q1", q1), ("q3", q3), ("q6", q6), ("q10", q10), ("q18", q18)]);

fn q1() -> Frame {
    table("lineitem")
        .filter("l_shipdate <= date '1998-12-01' - interval '90' day")
        .group_by(
            &["l_returnflag", "l_linestatus"],
            &[
                "sum(l_quantity) as sum_qty",
                "sum(l_extendedprice) as sum_base_price",
                "sum(l_extendedprice * (1 - l_discount)) as sum_disc_price",
                "sum(l_extendedprice * (1 - l_discount) * (1 + l_tax)) as sum_charge",
                "avg(l_quantity) as avg_qty",
                "avg(l_extendedprice) as avg_price",
                "avg(l_discount) as avg_disc",
                "count(1) as count_order",
            ],
        )
        .order_by(&["l_returnflag", "l_linestatus"])
}

fn q3() -> Frame {
    let customers = table("customer").filter("c_mktsegment = 'BUILDING'");
    let orders = table("orders").filter("o_orderdate < date '1995-03-15'");
    let lines = table("lineitem").filter("l_shipdate > date '1995-03-15'");
    customers
        .join(orders, "c_custkey = o_custkey")
        .join(lines, "l_orderkey = o_orderkey")
        .group_by(
            &["l_orderkey", "o_orderdate", "o_shippriority"],
            &["sum(l_extendedprice * (1 - l_discount)) as revenue"],
        )
        .select(&["l_orderkey", "revenue", "o_orderdate", "o_shippriority"])
        .order_by(&["revenue desc", "o_orderdate"])
        .limit(10)
}

fn q6() -> Frame {
    table("lineitem")
        .filter("l_shipdate >= date '1994-01-01' and l_shipdate < date '1994-01-01' + interval '1' year")
        .filter("l_discount between 0.06 - 0.01 and 0.06 + 0.01 and l_quantity < 24")
        .group_by(&[], &["sum(l_extendedprice * l_discount) as revenue"])
}

fn q10() -> Frame {
    let orders = table("orders")
        .filter("o_orderdate >= date '1993-10-01' and o_orderdate < date '1993-10-01' + interval '3' month");
    table("customer")
        .join(orders, "c_custkey = o_custkey")
        .join(table("lineitem").filter("l_returnflag = 'R'"), "l_orderkey = o_orderkey")
        .join(table("nation"), "c_nationkey = n_nationkey")
        .group_by(
            &["c_custkey", "c_name", "c_acctbal", "c_phone", "n_name", "c_address", "c_comment"],
            &["sum(l_extendedprice * (1 - l_discount)) as revenue"],
        )
        .select(&["c_custkey", "c_name", "revenue", "c_acctbal", "n_name", "c_address", "c_phone", "c_comment"])
        .order_by(&["revenue desc"])
        .limit(20)
}

fn q18() -> Frame {
    let large = table("lineitem")
        .group_by(&["l_orderkey"], &["sum(l_quantity) as whole_quantity"])
        .filter("whole_quantity > 300")
        .select(&["l_orderkey as large_orderkey"]);
    table("customer")
        .join(table("orders").semi_join(large, "o_orderkey = large_orderkey"), "c_custkey = o_custkey")
        .join(table("lineitem"), "o_orderkey = l_orderkey")
        .group_by(
            &["c_name", "c_custkey", "o_orderkey", "o_orderdate", "o_totalprice"],
            &["sum(l_quantity) as sum_quantity"],
        )
        .order_by(&["o_totalprice desc", "o_orderdate"])
        .limit(100)
}
