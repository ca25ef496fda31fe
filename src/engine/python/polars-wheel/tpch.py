"""The 22 queries of TPC-H as LazyFrame plans, written from the specification; `PLANS` has them by name.

`t` has a scan for each table, and the query's text as `t.sql`. Polars 1 takes joins in the order in which they are
written, so they start from what a filter makes small; a semi join puts its right side into a hash table, so that is
the smaller side. Pushing filters and columns down is left to Polars.

A decimal product in Polars has the larger of its factors' scales and is rounded to it, where SQL adds the scales up.
So one factor of each product gets the whole product's scale first, and nothing is lost.
"""

import re
from datetime import date
from decimal import Decimal

import polars as pl
from polars import col

#: 1 with the scale of price * (1 - discount), and with that of price * (1 - discount) * (1 + tax).
ONE_4 = pl.lit(1, dtype=pl.Decimal(38, 4))
ONE_6 = pl.lit(1, dtype=pl.Decimal(38, 6))

REVENUE = col("l_extendedprice") * (ONE_4 - col("l_discount"))


def q1(t):
    return (
        t.lineitem.filter(col("l_shipdate") <= date(1998, 9, 2))
        .with_columns(disc_price=REVENUE)
        .group_by("l_returnflag", "l_linestatus")
        .agg(
            sum_qty=col("l_quantity").sum(),
            sum_base_price=col("l_extendedprice").sum(),
            sum_disc_price=col("disc_price").sum(),
            sum_charge=(col("disc_price") * (ONE_6 + col("l_tax"))).sum(),
            avg_qty=col("l_quantity").mean(),
            avg_price=col("l_extendedprice").mean(),
            avg_disc=col("l_discount").mean(),
            count_order=pl.len(),
        )
        .sort("l_returnflag", "l_linestatus")
    )


def q2(t):
    suppliers = (
        t.region.filter(col("r_name") == "EUROPE")
        .join(t.nation, left_on="r_regionkey", right_on="n_regionkey")
        .join(t.supplier, left_on="n_nationkey", right_on="s_nationkey")
    )
    return (
        t.part.filter(col("p_size") == 15, col("p_type").str.ends_with("BRASS"))
        .join(t.partsupp, left_on="p_partkey", right_on="ps_partkey")
        .join(suppliers, left_on="ps_suppkey", right_on="s_suppkey")
        .filter(col("ps_supplycost") == col("ps_supplycost").min().over("p_partkey"))
        .select("s_acctbal", "s_name", "n_name", "p_partkey", "p_mfgr", "s_address", "s_phone", "s_comment")
        .sort("s_acctbal", "n_name", "s_name", "p_partkey", descending=[True, False, False, False])
        .head(100)
    )


def q3(t):
    customers = t.customer.filter(col("c_mktsegment") == "BUILDING")
    return (
        t.orders.filter(col("o_orderdate") < date(1995, 3, 15))
        .join(customers, left_on="o_custkey", right_on="c_custkey", how="semi")
        .join(t.lineitem.filter(col("l_shipdate") > date(1995, 3, 15)), left_on="o_orderkey", right_on="l_orderkey")
        .group_by(col("o_orderkey").alias("l_orderkey"), "o_orderdate", "o_shippriority")
        .agg(revenue=REVENUE.sum())
        .select("l_orderkey", "revenue", "o_orderdate", "o_shippriority")
        .sort("revenue", "o_orderdate", descending=[True, False])
        .head(10)
    )


def q4(t):
    orders = t.orders.filter(col("o_orderdate") >= date(1993, 7, 1), col("o_orderdate") < date(1993, 10, 1))
    late = t.lineitem.filter(col("l_commitdate") < col("l_receiptdate"))
    return (
        # Not a semi join, which would put most of lineitem into its hash table.
        orders.join(late, left_on="o_orderkey", right_on="l_orderkey")
        .select("o_orderkey", "o_orderpriority")
        .unique()
        .group_by("o_orderpriority")
        .agg(order_count=pl.len())
        .sort("o_orderpriority")
    )


def q5(t):
    orders = t.orders.filter(col("o_orderdate") >= date(1994, 1, 1), col("o_orderdate") < date(1995, 1, 1))
    return (
        t.region.filter(col("r_name") == "ASIA")
        .join(t.nation, left_on="r_regionkey", right_on="n_regionkey")
        .join(t.customer, left_on="n_nationkey", right_on="c_nationkey")
        .join(orders, left_on="c_custkey", right_on="o_custkey")
        .join(t.lineitem, left_on="o_orderkey", right_on="l_orderkey")
        .join(t.supplier, left_on=["l_suppkey", "n_nationkey"], right_on=["s_suppkey", "s_nationkey"])
        .group_by("n_name")
        .agg(revenue=REVENUE.sum())
        .sort("revenue", descending=True)
    )


def q6(t):
    return t.lineitem.filter(
        col("l_shipdate") >= date(1994, 1, 1),
        col("l_shipdate") < date(1995, 1, 1),
        col("l_discount").is_between(Decimal("0.05"), Decimal("0.07")),
        col("l_quantity") < Decimal("24.00"),
    ).select(revenue=total(col("l_extendedprice") * col("l_discount").cast(pl.Decimal(38, 4))))


def q7(t):
    nations = t.nation.filter(col("n_name").is_in(["FRANCE", "GERMANY"]))
    suppliers = nations.join(t.supplier, left_on="n_nationkey", right_on="s_nationkey")
    customers = nations.join(t.customer, left_on="n_nationkey", right_on="c_nationkey")
    orders = customers.join(t.orders, left_on="c_custkey", right_on="o_custkey")
    lineitem = t.lineitem.filter(col("l_shipdate").is_between(date(1995, 1, 1), date(1996, 12, 31)))
    return (
        suppliers.join(lineitem, left_on="s_suppkey", right_on="l_suppkey")
        .join(orders, left_on="l_orderkey", right_on="o_orderkey", suffix="_of_customer")
        .filter(col("n_name") != col("n_name_of_customer"))
        .group_by(
            supp_nation=col("n_name"), cust_nation=col("n_name_of_customer"), l_year=col("l_shipdate").dt.year()
        )
        .agg(revenue=REVENUE.sum())
        .sort("supp_nation", "cust_nation", "l_year")
    )


def q8(t):
    orders = t.orders.filter(col("o_orderdate").is_between(date(1995, 1, 1), date(1996, 12, 31)))
    customers = (
        t.region.filter(col("r_name") == "AMERICA")
        .join(t.nation, left_on="r_regionkey", right_on="n_regionkey")
        .join(t.customer, left_on="n_nationkey", right_on="c_nationkey")
    )
    volume = REVENUE.sum().cast(pl.Float64)
    of_brazil = REVENUE.filter(col("n_name") == "BRAZIL").sum().cast(pl.Float64)
    return (
        t.part.filter(col("p_type") == "ECONOMY ANODIZED STEEL")
        .join(t.lineitem, left_on="p_partkey", right_on="l_partkey")
        .join(orders, left_on="l_orderkey", right_on="o_orderkey")
        .join(customers, left_on="o_custkey", right_on="c_custkey", how="semi")
        .join(t.supplier, left_on="l_suppkey", right_on="s_suppkey")
        .join(t.nation, left_on="s_nationkey", right_on="n_nationkey")
        .group_by(o_year=col("o_orderdate").dt.year())
        .agg(mkt_share=of_brazil / volume)
        .sort("o_year")
    )


def q9(t):
    cost = col("ps_supplycost") * col("l_quantity").cast(pl.Decimal(38, 4))
    parts = t.part.filter(col("p_name").str.contains("green", literal=True))
    offers = (
        t.partsupp.join(parts, left_on="ps_partkey", right_on="p_partkey", how="semi")
        .join(t.supplier, left_on="ps_suppkey", right_on="s_suppkey")
        .join(t.nation, left_on="s_nationkey", right_on="n_nationkey")
    )
    return (
        # By the part alone first: two keys are much dearer to hash than one.
        t.lineitem.join(parts, left_on="l_partkey", right_on="p_partkey", how="semi")
        .join(offers, left_on=["l_partkey", "l_suppkey"], right_on=["ps_partkey", "ps_suppkey"])
        .join(t.orders, left_on="l_orderkey", right_on="o_orderkey")
        .group_by(nation=col("n_name"), o_year=col("o_orderdate").dt.year())
        .agg(sum_profit=(REVENUE - cost).sum())
        .sort("nation", "o_year", descending=[False, True])
    )


def q10(t):
    orders = t.orders.filter(col("o_orderdate") >= date(1993, 10, 1), col("o_orderdate") < date(1994, 1, 1))
    return (
        orders.join(t.lineitem.filter(col("l_returnflag") == "R"), left_on="o_orderkey", right_on="l_orderkey")
        # A customer's other columns follow from the key, so they need not be keys of the groups.
        .group_by(c_custkey=col("o_custkey"))
        .agg(revenue=REVENUE.sum())
        .join(t.customer, on="c_custkey")
        .join(t.nation, left_on="c_nationkey", right_on="n_nationkey")
        .select("c_custkey", "c_name", "revenue", "c_acctbal", "n_name", "c_address", "c_phone", "c_comment")
        .sort("revenue", descending=True)
        .head(20)
    )


def q11(t):
    suppliers = t.nation.filter(col("n_name") == "GERMANY").join(
        t.supplier, left_on="n_nationkey", right_on="s_nationkey"
    )
    # The fraction depends on the scale. The product needs its digits and the two of the value.
    fraction = Decimal(re.search(r"\* ([0-9.]+)\s+from", t.sql)[1])
    fraction = pl.lit(fraction, dtype=pl.Decimal(38, 2 - fraction.as_tuple().exponent))
    return (
        t.partsupp.join(suppliers, left_on="ps_suppkey", right_on="s_suppkey", how="semi")
        .group_by("ps_partkey")
        .agg(value=(col("ps_supplycost") * col("ps_availqty")).sum())
        .filter(col("value") > col("value").sum() * fraction)
        .sort("value", descending=True)
    )


def q12(t):
    lineitem = t.lineitem.filter(
        col("l_shipmode").is_in(["MAIL", "SHIP"]),
        col("l_receiptdate") >= date(1994, 1, 1),
        col("l_receiptdate") < date(1995, 1, 1),
        col("l_commitdate") < col("l_receiptdate"),
        col("l_shipdate") < col("l_commitdate"),
    )
    high = col("o_orderpriority").is_in(["1-URGENT", "2-HIGH"])
    return (
        lineitem.join(t.orders, left_on="l_orderkey", right_on="o_orderkey")
        .group_by("l_shipmode")
        .agg(high_line_count=high.sum(), low_line_count=(~high).sum())
        .sort("l_shipmode")
    )


def q13(t):
    # Counted before the join, which then has one row a customer.
    counts = (
        t.orders.filter(~col("o_comment").str.contains("special.*requests"))
        .group_by("o_custkey")
        .agg(c_count=pl.len())
    )
    return (
        t.customer.join(counts, left_on="c_custkey", right_on="o_custkey", how="left")
        .group_by(col("c_count").fill_null(0))
        .agg(custdist=pl.len())
        .sort("custdist", "c_count", descending=True)
    )


def q14(t):
    lineitem = t.lineitem.filter(col("l_shipdate") >= date(1995, 9, 1), col("l_shipdate") < date(1995, 10, 1))
    promo = total(REVENUE.filter(col("p_type").str.starts_with("PROMO"))).cast(pl.Float64)
    return lineitem.join(t.part, left_on="l_partkey", right_on="p_partkey").select(
        promo_revenue=100 * promo / total(REVENUE).cast(pl.Float64)
    )


def q15(t):
    return (
        t.lineitem.filter(col("l_shipdate") >= date(1996, 1, 1), col("l_shipdate") < date(1996, 4, 1))
        .group_by("l_suppkey")
        .agg(total_revenue=REVENUE.sum())
        .filter(col("total_revenue") == col("total_revenue").max())
        .join(t.supplier, left_on="l_suppkey", right_on="s_suppkey")
        .select(col("l_suppkey").alias("s_suppkey"), "s_name", "s_address", "s_phone", "total_revenue")
        .sort("s_suppkey")
    )


def q16(t):
    parts = t.part.filter(
        col("p_size").is_in([49, 14, 23, 45, 19, 3, 36, 9]),
        col("p_brand") != "Brand#45",
        ~col("p_type").str.starts_with("MEDIUM POLISHED"),
    )
    complaints = t.supplier.filter(col("s_comment").str.contains("Customer.*Complaints"))
    return (
        parts.join(t.partsupp, left_on="p_partkey", right_on="ps_partkey")
        .join(complaints, left_on="ps_suppkey", right_on="s_suppkey", how="anti")
        .group_by("p_brand", "p_type", "p_size")
        .agg(supplier_cnt=col("ps_suppkey").n_unique())
        .sort("supplier_cnt", "p_brand", "p_type", "p_size", descending=[True, False, False, False])
    )


def q17(t):
    # All lines of a part are in its group, so its average is that of the whole table.
    average = col("l_quantity").mean().over("l_partkey")
    parts = t.part.filter(col("p_brand") == "Brand#23", col("p_container") == "MED BOX")
    return (
        t.lineitem.join(parts, left_on="l_partkey", right_on="p_partkey", how="semi")
        .filter(col("l_quantity") < 0.2 * average)
        .select(avg_yearly=total(col("l_extendedprice")).cast(pl.Float64) / 7.0)
    )


def q18(t):
    # An order is one row, so the sum of its lines that qualifies it is the sum to show.
    large = (
        t.lineitem.group_by("l_orderkey")
        .agg(sum_quantity=col("l_quantity").sum())
        .filter(col("sum_quantity") > Decimal("300.00"))
    )
    return (
        large.join(t.orders, left_on="l_orderkey", right_on="o_orderkey")
        .join(t.customer, left_on="o_custkey", right_on="c_custkey")
        .select(
            "c_name",
            col("o_custkey").alias("c_custkey"),
            col("l_orderkey").alias("o_orderkey"),
            "o_orderdate",
            "o_totalprice",
            "sum_quantity",
        )
        .sort("o_totalprice", "o_orderdate", descending=[True, False])
        .head(100)
    )


def q19(t):
    quantity, size, container = col("l_quantity"), col("p_size"), col("p_container")
    kinds = [
        (col("p_brand") == "Brand#12", ["SM CASE", "SM BOX", "SM PACK", "SM PKG"], 5, 1),
        (col("p_brand") == "Brand#23", ["MED BAG", "MED BOX", "MED PKG", "MED PACK"], 10, 10),
        (col("p_brand") == "Brand#34", ["LG CASE", "LG BOX", "LG PACK", "LG PKG"], 15, 20),
    ]
    of_kind = [brand & container.is_in(names) & size.is_between(1, most) for brand, names, most, _ in kinds]
    in_range = [brand & quantity.is_between(Decimal(low), Decimal(low + 10)) for brand, _, _, low in kinds]
    lineitem = t.lineitem.filter(
        col("l_shipmode").is_in(["AIR", "AIR REG"]), col("l_shipinstruct") == "DELIVER IN PERSON"
    )
    # The brands exclude each other: after the join they alone tell which range of quantities holds.
    return (
        t.part.filter(pl.any_horizontal(of_kind))
        .join(lineitem, left_on="p_partkey", right_on="l_partkey")
        .filter(pl.any_horizontal(in_range))
        .select(revenue=total(REVENUE))
    )


def q20(t):
    parts = t.part.filter(col("p_name").str.starts_with("forest"))
    suppliers = t.nation.filter(col("n_name") == "CANADA").join(
        t.supplier, left_on="n_nationkey", right_on="s_nationkey"
    )
    lineitem = t.lineitem.filter(col("l_shipdate") >= date(1994, 1, 1), col("l_shipdate") < date(1995, 1, 1))
    half = pl.lit(Decimal("0.500"), dtype=pl.Decimal(38, 3))
    partsupp = t.partsupp.join(parts, left_on="ps_partkey", right_on="p_partkey", how="semi").join(
        suppliers, left_on="ps_suppkey", right_on="s_suppkey", how="semi"
    )
    surplus = (
        lineitem.join(partsupp, left_on=["l_partkey", "l_suppkey"], right_on=["ps_partkey", "ps_suppkey"])
        .group_by("l_partkey", "l_suppkey", "ps_availqty")
        .agg(col("l_quantity").sum())
        .filter(col("ps_availqty") > half * col("l_quantity"))
    )
    return (
        suppliers.join(surplus, left_on="s_suppkey", right_on="l_suppkey", how="semi")
        .select("s_name", "s_address")
        .sort("s_name")
    )


def q21(t):
    suppliers = t.nation.filter(col("n_name") == "SAUDI ARABIA").join(
        t.supplier, left_on="n_nationkey", right_on="s_nationkey"
    )
    is_late = col("l_receiptdate") > col("l_commitdate")
    late = (
        t.lineitem.filter(is_late)
        .join(suppliers, left_on="l_suppkey", right_on="s_suppkey")
        .join(t.orders.filter(col("o_orderstatus") == "F"), left_on="l_orderkey", right_on="o_orderkey")
    )
    # Of an order in question one supplier was late for sure. No other one was when the first key of its late
    # suppliers is the last one too; and another one had a part in it when these keys differ over all its lines.
    key, late_key = col("l_suppkey"), pl.when(is_late).then(col("l_suppkey"))
    orders = (
        t.lineitem.join(late, on="l_orderkey", how="semi")
        .group_by("l_orderkey")
        .agg(first=key.min(), last=key.max(), first_late=late_key.min(), last_late=late_key.max())
        .filter(col("first") != col("last"), col("first_late") == col("last_late"))
    )
    return (
        late.join(orders, on="l_orderkey", how="semi")
        .group_by("s_name")
        .agg(numwait=pl.len())
        .sort("numwait", "s_name", descending=[True, False])
        .head(100)
    )


def q22(t):
    customers = t.customer.with_columns(cntrycode=col("c_phone").str.head(2)).filter(
        col("cntrycode").is_in(["13", "31", "23", "29", "30", "18", "17"])
    )
    average = col("c_acctbal").filter(col("c_acctbal") > Decimal("0.00")).mean()
    return (
        customers.filter(col("c_acctbal") > average)
        .join(t.orders, left_on="c_custkey", right_on="o_custkey", how="anti")
        .group_by("cntrycode")
        .agg(numcust=pl.len(), totacctbal=col("c_acctbal").sum())
        .sort("cntrycode")
    )


def total(values):
    """The sum as SQL has it: that of no rows is NULL, where Polars has 0."""
    return pl.when(values.count() > 0).then(values.sum())


PLANS = {name: plan for name, plan in globals().items() if re.fullmatch(r"q\d+", name)}
