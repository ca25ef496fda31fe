"""The 22 queries of TPC-H in pandas, one function each, with the validation parameters of the specification.

`read(table, columns, filters)` gives a fresh DataFrame with money as float64, text as str and days as datetime64.
Conditions of a column on constants, or on the keys of a few parts or suppliers, are given to it as `filters`: Arrow
tests them while it reads, so that rows that fail and columns that are only tested never reach pandas. All else is
pandas: other keys that only have to exist are tested with `isin` instead of joined, and each join comes after what
makes its sides small.

What this is not: a plan that pandas chose. It has no optimizer; the order of the steps is written here by hand.
"""

import datetime
import re

import pandas as pd


def parameters(name, sql):
    """What a query's function takes beside `read`: q11 alone depends on the scale, by a number in its text."""
    if name != "q11":
        return {}
    return {"fraction": float(re.search(r"\*\s*([0-9.]+)\s+from", sql)[1])}


def days(column, first, end):
    """The filter for days from `first`, up to and without `end`, both written 1994-01-01."""
    return [(column, ">=", day(first)), (column, "<", day(end))]


def day(text):
    return datetime.date.fromisoformat(text)


def discounted(lines):
    """What the lines were sold for."""
    return lines["l_extendedprice"] * (1 - lines["l_discount"])


def total(values):
    """SQL's sum, which is NULL over no rows."""
    return values.sum(min_count=1)


def nations_of(read, region):
    """The keys and names of the nations of a region."""
    regions = read("region", ["r_regionkey"], [("r_name", "==", region)])
    return read("nation", ["n_nationkey", "n_name"], [("n_regionkey", "in", regions["r_regionkey"])])


def suppliers_with_nations(read):
    """Every supplier's key with its nation's name."""
    suppliers = read("supplier", ["s_suppkey", "s_nationkey"])
    return suppliers.merge(read("nation", ["n_nationkey", "n_name"]), left_on="s_nationkey", right_on="n_nationkey")


def suppliers_of(read, nation, columns):
    """The suppliers of one nation."""
    nations = read("nation", ["n_nationkey"], [("n_name", "==", nation)])
    return read("supplier", columns, [("s_nationkey", "in", nations["n_nationkey"])])


def q1(read):
    columns = ["l_returnflag", "l_linestatus", "l_quantity", "l_extendedprice", "l_discount", "l_tax"]
    lines = read("lineitem", columns, [("l_shipdate", "<=", day("1998-09-02"))])
    lines["disc_price"] = discounted(lines)
    lines["charge"] = lines["disc_price"] * (1 + lines["l_tax"])
    return lines.groupby(["l_returnflag", "l_linestatus"], as_index=False).agg(
        sum_qty=("l_quantity", "sum"),
        sum_base_price=("l_extendedprice", "sum"),
        sum_disc_price=("disc_price", "sum"),
        sum_charge=("charge", "sum"),
        avg_qty=("l_quantity", "mean"),
        avg_price=("l_extendedprice", "mean"),
        avg_disc=("l_discount", "mean"),
        count_order=("l_quantity", "size"),
    )


def q2(read):
    parts = read("part", ["p_partkey", "p_mfgr", "p_type"], [("p_size", "==", 15)])
    parts = parts.loc[parts["p_type"].str.endswith("BRASS"), ["p_partkey", "p_mfgr"]]
    columns = ["s_suppkey", "s_acctbal", "s_name", "s_address", "s_phone", "s_comment", "s_nationkey"]
    suppliers = read("supplier", columns).merge(
        nations_of(read, "EUROPE"), left_on="s_nationkey", right_on="n_nationkey"
    )
    conditions = [("ps_partkey", "in", parts["p_partkey"]), ("ps_suppkey", "in", suppliers["s_suppkey"])]
    offers = read("partsupp", ["ps_partkey", "ps_suppkey", "ps_supplycost"], conditions)
    cheapest = offers.groupby("ps_partkey")["ps_supplycost"].transform("min")
    answer = (
        offers[offers["ps_supplycost"] == cheapest]
        .merge(parts, left_on="ps_partkey", right_on="p_partkey")
        .merge(suppliers, left_on="ps_suppkey", right_on="s_suppkey")
        .sort_values(["s_acctbal", "n_name", "s_name", "p_partkey"], ascending=[False, True, True, True])
        .head(100)
    )
    return answer[["s_acctbal", "s_name", "n_name", "p_partkey", "p_mfgr", "s_address", "s_phone", "s_comment"]]


def q3(read):
    customers = read("customer", ["c_custkey"], [("c_mktsegment", "==", "BUILDING")])
    columns = ["o_orderkey", "o_custkey", "o_orderdate", "o_shippriority"]
    orders = read("orders", columns, [("o_orderdate", "<", day("1995-03-15"))])
    orders = orders[orders["o_custkey"].isin(customers["c_custkey"])]
    columns = ["l_orderkey", "l_extendedprice", "l_discount"]
    lines = read("lineitem", columns, [("l_shipdate", ">", day("1995-03-15"))])
    lines = lines[lines["l_orderkey"].isin(orders["o_orderkey"])]
    # An order has one date and one priority: its key alone makes the groups.
    revenue = discounted(lines).groupby(lines["l_orderkey"]).sum().rename("revenue").reset_index()
    answer = (
        revenue.merge(orders, left_on="l_orderkey", right_on="o_orderkey")
        .sort_values(["revenue", "o_orderdate"], ascending=[False, True])
        .head(10)
    )
    return answer[["l_orderkey", "revenue", "o_orderdate", "o_shippriority"]]


def q4(read):
    quarter = days("o_orderdate", "1993-07-01", "1993-10-01")
    orders = read("orders", ["o_orderkey", "o_orderpriority"], quarter)
    lines = read("lineitem", ["l_orderkey", "l_commitdate", "l_receiptdate"])
    late = lines.loc[lines["l_commitdate"] < lines["l_receiptdate"], "l_orderkey"]
    orders = orders[orders["o_orderkey"].isin(late)]
    return orders.groupby("o_orderpriority").size().rename("order_count").reset_index()


def q5(read):
    nations = nations_of(read, "ASIA")
    suppliers = read("supplier", ["s_suppkey", "s_nationkey"]).merge(
        nations, left_on="s_nationkey", right_on="n_nationkey"
    )
    customers = read("customer", ["c_custkey", "c_nationkey"], [("c_nationkey", "in", nations["n_nationkey"])])
    year = days("o_orderdate", "1994-01-01", "1995-01-01")
    orders = read("orders", ["o_orderkey", "o_custkey"], year).merge(
        customers, left_on="o_custkey", right_on="c_custkey"
    )
    columns = ["l_orderkey", "l_suppkey", "l_extendedprice", "l_discount"]
    lines = read("lineitem", columns, [("l_suppkey", "in", suppliers["s_suppkey"])])
    sales = lines.merge(orders, left_on="l_orderkey", right_on="o_orderkey").merge(
        suppliers, left_on="l_suppkey", right_on="s_suppkey"
    )
    sales = sales[sales["c_nationkey"] == sales["s_nationkey"]]
    revenue = discounted(sales).groupby(sales["n_name"]).sum().rename("revenue")
    return revenue.sort_values(ascending=False).reset_index()


def q6(read):
    conditions = [
        *days("l_shipdate", "1994-01-01", "1995-01-01"),
        ("l_discount", ">=", 0.05),
        ("l_discount", "<=", 0.07),
        ("l_quantity", "<", 24.0),
    ]
    lines = read("lineitem", ["l_extendedprice", "l_discount"], conditions)
    return pd.DataFrame({"revenue": [total(lines["l_extendedprice"] * lines["l_discount"])]})


def q7(read):
    nations = read("nation", ["n_nationkey", "n_name"], [("n_name", "in", ["FRANCE", "GERMANY"])])
    names = nations.set_index("n_nationkey")["n_name"]
    suppliers = read("supplier", ["s_suppkey", "s_nationkey"], [("s_nationkey", "in", names.index)])
    customers = read("customer", ["c_custkey", "c_nationkey"], [("c_nationkey", "in", names.index)])
    orders = read("orders", ["o_orderkey", "o_custkey"]).merge(customers, left_on="o_custkey", right_on="c_custkey")
    columns = ["l_orderkey", "l_suppkey", "l_extendedprice", "l_discount", "l_shipdate"]
    years = days("l_shipdate", "1995-01-01", "1997-01-01")
    lines = read("lineitem", columns, [*years, ("l_suppkey", "in", suppliers["s_suppkey"])])
    sales = lines.merge(suppliers, left_on="l_suppkey", right_on="s_suppkey").merge(
        orders, left_on="l_orderkey", right_on="o_orderkey"
    )
    sales = sales[sales["s_nationkey"] != sales["c_nationkey"]]
    keys = [
        sales["s_nationkey"].map(names).rename("supp_nation"),
        sales["c_nationkey"].map(names).rename("cust_nation"),
        sales["l_shipdate"].dt.year.rename("l_year"),
    ]
    return discounted(sales).groupby(keys).sum().rename("revenue").reset_index()


def q8(read):
    america = nations_of(read, "AMERICA")
    customers = read("customer", ["c_custkey"], [("c_nationkey", "in", america["n_nationkey"])])
    years = days("o_orderdate", "1995-01-01", "1997-01-01")
    orders = read("orders", ["o_orderkey", "o_custkey", "o_orderdate"], years)
    orders = orders[orders["o_custkey"].isin(customers["c_custkey"])]
    parts = read("part", ["p_partkey"], [("p_type", "==", "ECONOMY ANODIZED STEEL")])
    columns = ["l_orderkey", "l_suppkey", "l_extendedprice", "l_discount"]
    lines = read("lineitem", columns, [("l_partkey", "in", parts["p_partkey"])])
    sales = lines.merge(orders, left_on="l_orderkey", right_on="o_orderkey").merge(
        suppliers_with_nations(read), left_on="l_suppkey", right_on="s_suppkey"
    )
    year = sales["o_orderdate"].dt.year.rename("o_year")
    volume = discounted(sales)
    brazilian = volume.where(sales["n_name"] == "BRAZIL", 0)
    share = brazilian.groupby(year).sum() / volume.groupby(year).sum()
    return share.rename("mkt_share").reset_index()


def q9(read):
    parts = read("part", ["p_partkey", "p_name"])
    green = parts.loc[parts["p_name"].str.contains("green", regex=False), "p_partkey"]
    offers = read("partsupp", ["ps_partkey", "ps_suppkey", "ps_supplycost"], [("ps_partkey", "in", green)])
    columns = ["l_orderkey", "l_partkey", "l_suppkey", "l_quantity", "l_extendedprice", "l_discount"]
    lines = read("lineitem", columns, [("l_partkey", "in", green)])
    sales = (
        lines.merge(offers, left_on=["l_partkey", "l_suppkey"], right_on=["ps_partkey", "ps_suppkey"])
        .merge(suppliers_with_nations(read), left_on="l_suppkey", right_on="s_suppkey")
        .merge(read("orders", ["o_orderkey", "o_orderdate"]), left_on="l_orderkey", right_on="o_orderkey")
    )
    amount = discounted(sales) - sales["ps_supplycost"] * sales["l_quantity"]
    keys = [sales["n_name"].rename("nation"), sales["o_orderdate"].dt.year.rename("o_year")]
    profit = amount.groupby(keys).sum().rename("sum_profit").reset_index()
    return profit.sort_values(["nation", "o_year"], ascending=[True, False])


def q10(read):
    orders = read("orders", ["o_orderkey", "o_custkey"], days("o_orderdate", "1993-10-01", "1994-01-01"))
    columns = ["l_orderkey", "l_extendedprice", "l_discount"]
    lines = read("lineitem", columns, [("l_returnflag", "==", "R")])
    returned = lines.merge(orders, left_on="l_orderkey", right_on="o_orderkey")
    # The group's other columns all follow from the customer's key: they are joined to the sums.
    revenue = discounted(returned).groupby(returned["o_custkey"]).sum().rename("revenue").reset_index()
    columns = ["c_custkey", "c_name", "c_acctbal", "c_nationkey", "c_address", "c_phone", "c_comment"]
    answer = (
        revenue.merge(read("customer", columns), left_on="o_custkey", right_on="c_custkey")
        .merge(read("nation", ["n_nationkey", "n_name"]), left_on="c_nationkey", right_on="n_nationkey")
        .nlargest(20, "revenue")
    )
    return answer[["c_custkey", "c_name", "revenue", "c_acctbal", "n_name", "c_address", "c_phone", "c_comment"]]


def q11(read, fraction):
    suppliers = suppliers_of(read, "GERMANY", ["s_suppkey"])
    columns = ["ps_partkey", "ps_availqty", "ps_supplycost"]
    stock = read("partsupp", columns, [("ps_suppkey", "in", suppliers["s_suppkey"])])
    worth = stock["ps_supplycost"] * stock["ps_availqty"]
    value = worth.groupby(stock["ps_partkey"]).sum().rename("value")
    return value[value > worth.sum() * fraction].sort_values(ascending=False).reset_index()


def q12(read):
    conditions = [("l_shipmode", "in", ["MAIL", "SHIP"]), *days("l_receiptdate", "1994-01-01", "1995-01-01")]
    columns = ["l_orderkey", "l_shipmode", "l_shipdate", "l_commitdate", "l_receiptdate"]
    lines = read("lineitem", columns, conditions)
    in_time = lines["l_shipdate"] < lines["l_commitdate"]
    lines = lines[in_time & (lines["l_commitdate"] < lines["l_receiptdate"])]
    orders = read("orders", ["o_orderkey", "o_orderpriority"])
    lines = lines.merge(orders, left_on="l_orderkey", right_on="o_orderkey")
    high = lines["o_orderpriority"].isin(["1-URGENT", "2-HIGH"])
    counts = {"high_line_count": high, "low_line_count": ~high}
    return lines.assign(**counts).groupby("l_shipmode", as_index=False)[list(counts)].sum()


def q13(read):
    customers = read("customer", ["c_custkey"])
    orders = read("orders", ["o_custkey", "o_comment"])
    ordering = orders.loc[~orders["o_comment"].str.contains("special.*requests"), "o_custkey"]
    # A customer without orders counts as well, with 0.
    c_count = ordering.value_counts().reindex(customers["c_custkey"], fill_value=0)
    answer = c_count.value_counts().rename_axis("c_count").rename("custdist").reset_index()
    return answer.sort_values(["custdist", "c_count"], ascending=False)


def q14(read):
    columns = ["l_partkey", "l_extendedprice", "l_discount"]
    lines = read("lineitem", columns, days("l_shipdate", "1995-09-01", "1995-10-01"))
    lines = lines.merge(read("part", ["p_partkey", "p_type"]), left_on="l_partkey", right_on="p_partkey")
    revenue = discounted(lines)
    promo_revenue = revenue.where(lines["p_type"].str.startswith("PROMO"), 0)
    return pd.DataFrame({"promo_revenue": [100 * total(promo_revenue) / total(revenue)]})


def q15(read):
    columns = ["l_suppkey", "l_extendedprice", "l_discount"]
    lines = read("lineitem", columns, days("l_shipdate", "1996-01-01", "1996-04-01"))
    # Money times a discount has four decimals; without the rounding a tie could hide behind the errors of a sum.
    revenue = discounted(lines).groupby(lines["l_suppkey"]).sum().round(4).rename("total_revenue")
    best = revenue[revenue == revenue.max()].reset_index()
    suppliers = read("supplier", ["s_suppkey", "s_name", "s_address", "s_phone"])
    answer = suppliers.merge(best, left_on="s_suppkey", right_on="l_suppkey").sort_values("s_suppkey")
    return answer[["s_suppkey", "s_name", "s_address", "s_phone", "total_revenue"]]


def q16(read):
    conditions = [("p_brand", "!=", "Brand#45"), ("p_size", "in", [49, 14, 23, 45, 19, 3, 36, 9])]
    parts = read("part", ["p_partkey", "p_brand", "p_type", "p_size"], conditions)
    parts = parts[~parts["p_type"].str.startswith("MEDIUM POLISHED")]
    suppliers = read("supplier", ["s_suppkey", "s_comment"])
    complaints = suppliers.loc[suppliers["s_comment"].str.contains("Customer.*Complaints"), "s_suppkey"]
    offers = read("partsupp", ["ps_partkey", "ps_suppkey"], [("ps_suppkey", "not in", complaints)])
    offers = offers.merge(parts, left_on="ps_partkey", right_on="p_partkey")
    keys = ["p_brand", "p_type", "p_size"]
    answer = offers.groupby(keys)["ps_suppkey"].nunique().rename("supplier_cnt").reset_index()
    return answer.sort_values(["supplier_cnt", *keys], ascending=[False, True, True, True])


def q17(read):
    parts = read("part", ["p_partkey"], [("p_brand", "==", "Brand#23"), ("p_container", "==", "MED BOX")])
    columns = ["l_partkey", "l_quantity", "l_extendedprice"]
    lines = read("lineitem", columns, [("l_partkey", "in", parts["p_partkey"])])
    average = lines.groupby("l_partkey")["l_quantity"].transform("mean")
    small = lines.loc[lines["l_quantity"] < 0.2 * average, "l_extendedprice"]
    return pd.DataFrame({"avg_yearly": [total(small) / 7]})


def q18(read):
    lines = read("lineitem", ["l_orderkey", "l_quantity"])
    quantity = lines.groupby("l_orderkey")["l_quantity"].sum().rename("sum_quantity")
    large = quantity[quantity > 300].reset_index()
    orders = read("orders", ["o_orderkey", "o_custkey", "o_orderdate", "o_totalprice"])
    orders = orders.merge(large, left_on="o_orderkey", right_on="l_orderkey")
    customers = read("customer", ["c_custkey", "c_name"])
    answer = (
        orders.merge(customers, left_on="o_custkey", right_on="c_custkey")
        .sort_values(["o_totalprice", "o_orderdate"], ascending=[False, True])
        .head(100)
    )
    return answer[["c_name", "c_custkey", "o_orderkey", "o_orderdate", "o_totalprice", "sum_quantity"]]


def q19(read):
    # Brand, containers, least quantity, largest size; the most of a quantity is 10 more than the least.
    offers = [
        ("Brand#12", ["SM CASE", "SM BOX", "SM PACK", "SM PKG"], 1, 5),
        ("Brand#23", ["MED BAG", "MED BOX", "MED PKG", "MED PACK"], 10, 10),
        ("Brand#34", ["LG CASE", "LG BOX", "LG PACK", "LG PKG"], 20, 15),
    ]
    any_offer = [
        [("p_brand", "==", brand), ("p_container", "in", containers), ("p_size", ">=", 1), ("p_size", "<=", size)]
        for brand, containers, _, size in offers
    ]
    least = pd.DataFrame([(brand, quantity) for brand, _, quantity, _ in offers], columns=["p_brand", "least"])
    parts = read("part", ["p_partkey", "p_brand"], any_offer).merge(least, on="p_brand")
    conditions = [("l_shipmode", "in", ["AIR", "AIR REG"]), ("l_shipinstruct", "==", "DELIVER IN PERSON")]
    lines = read("lineitem", ["l_partkey", "l_quantity", "l_extendedprice", "l_discount"], conditions)
    lines = lines.merge(parts, left_on="l_partkey", right_on="p_partkey")
    lines = lines[lines["l_quantity"].between(lines["least"], lines["least"] + 10)]
    return pd.DataFrame({"revenue": [total(discounted(lines))]})


def q20(read):
    parts = read("part", ["p_partkey", "p_name"])
    forest = parts.loc[parts["p_name"].str.startswith("forest"), "p_partkey"]
    columns = ["l_partkey", "l_suppkey", "l_quantity"]
    year = days("l_shipdate", "1994-01-01", "1995-01-01")
    lines = read("lineitem", columns, [*year, ("l_partkey", "in", forest)])
    sold = lines.groupby(["l_partkey", "l_suppkey"], as_index=False)["l_quantity"].sum()
    stock = read("partsupp", ["ps_partkey", "ps_suppkey", "ps_availqty"], [("ps_partkey", "in", forest)])
    # Where nothing was sold, SQL compares with NULL: such stock is out, as it is in an inner join.
    stock = stock.merge(sold, left_on=["ps_partkey", "ps_suppkey"], right_on=["l_partkey", "l_suppkey"])
    excess = stock.loc[stock["ps_availqty"] > 0.5 * stock["l_quantity"], "ps_suppkey"]
    suppliers = suppliers_of(read, "CANADA", ["s_suppkey", "s_name", "s_address"])
    suppliers = suppliers[suppliers["s_suppkey"].isin(excess)]
    return suppliers.sort_values("s_name")[["s_name", "s_address"]]


def q21(read):
    suppliers = suppliers_of(read, "SAUDI ARABIA", ["s_suppkey", "s_name"])
    failed = read("orders", ["o_orderkey"], [("o_orderstatus", "==", "F")])
    lines = read("lineitem", ["l_orderkey", "l_suppkey", "l_commitdate", "l_receiptdate"])
    late = lines["l_receiptdate"] > lines["l_commitdate"]
    waiting = lines.loc[late & lines["l_suppkey"].isin(suppliers["s_suppkey"]), ["l_orderkey", "l_suppkey"]]
    waiting = waiting[waiting["l_orderkey"].isin(failed["o_orderkey"])]
    # The supplier of a waiting line is late itself: no other is when the order has one late supplier in all.
    related = lines["l_orderkey"].isin(waiting["l_orderkey"])
    per_order = lines[related].groupby("l_orderkey")["l_suppkey"].nunique()
    late_per_order = lines[related & late].groupby("l_orderkey")["l_suppkey"].nunique()
    to_blame = per_order.index[(per_order > 1) & (late_per_order == 1)]
    waiting = waiting[waiting["l_orderkey"].isin(to_blame)].merge(suppliers, left_on="l_suppkey", right_on="s_suppkey")
    answer = waiting.groupby("s_name").size().rename("numwait").reset_index()
    return answer.sort_values(["numwait", "s_name"], ascending=[False, True]).head(100)


def q22(read):
    customers = read("customer", ["c_custkey", "c_phone", "c_acctbal"])
    customers["cntrycode"] = customers["c_phone"].str[:2]
    customers = customers[customers["cntrycode"].isin(["13", "31", "23", "29", "30", "18", "17"])]
    balance = customers["c_acctbal"]
    customers = customers[balance > balance[balance > 0].mean()]
    orders = read("orders", ["o_custkey"])
    customers = customers[~customers["c_custkey"].isin(orders["o_custkey"])]
    return customers.groupby("cntrycode", as_index=False).agg(
        numcust=("c_acctbal", "size"), totacctbal=("c_acctbal", "sum")
    )
