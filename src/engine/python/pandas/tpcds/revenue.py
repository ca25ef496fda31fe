"""Queries of TPC-DS about revenue: of brands and categories, by weekday, by item.

What this is not: queries that look at the buyers; those are in customers.py.
"""

import pandas as pd

from .frames import between, days_from, keys, ordered, sums, whole

WEEKDAYS = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"]


def november_sales(read, item_columns, item_filter, *day_filters):
    """The store sales of some items in November, each with these columns of its item and its year."""
    items = read("item", ["i_item_sk", *item_columns], [item_filter])
    days = read("date_dim", ["d_date_sk", "d_year"], [("d_moy", "==", 11), *day_filters])
    conditions = [("ss_item_sk", "in", items["i_item_sk"]), ("ss_sold_date_sk", "in", days["d_date_sk"])]
    sales = read("store_sales", ["ss_item_sk", "ss_sold_date_sk", "ss_ext_sales_price"], conditions)
    return sales.merge(items, left_on="ss_item_sk", right_on="i_item_sk").merge(
        days, left_on="ss_sold_date_sk", right_on="d_date_sk"
    )


def brand_revenue(read, name, item_filter, *day_filters):
    """The revenue of each brand in each November, in a column of that name."""
    sales = november_sales(read, ["i_brand_id", "i_brand"], item_filter, *day_filters)
    revenue = sums(sales, ["d_year", "i_brand_id", "i_brand"], **{name: "ss_ext_sales_price"})
    return whole(revenue, "i_brand_id").rename(columns={"i_brand_id": "brand_id", "i_brand": "brand"})


def class_shares(read, table, prefix):
    """The revenue of the items of three categories in a month, and its percentage of the revenue of their class."""
    item_sk, price = f"{prefix}_item_sk", f"{prefix}_ext_sales_price"
    shown = ["i_item_id", "i_item_desc", "i_category", "i_class", "i_current_price"]
    items = read("item", ["i_item_sk", *shown], [("i_category", "in", ["Sports", "Books", "Home"])])
    days = keys(read, "date_dim", "d_date_sk", days_from("1999-02-22", 30))
    sales = read(table, [item_sk, price], [(f"{prefix}_sold_date_sk", "in", days)])
    revenue = sums(sales.merge(items, left_on=item_sk, right_on="i_item_sk"), shown, itemrevenue=price)
    of_class = revenue.groupby("i_class", dropna=False)["itemrevenue"].transform("sum", min_count=1)
    # A class that sold for nothing has no shares; pandas would divide by 0.
    revenue["revenueratio"] = revenue["itemrevenue"] * 100 / of_class.where(of_class != 0)
    return ordered(revenue, "i_category", "i_class", "i_item_id", "i_item_desc", "revenueratio")


def ds3(read):
    revenue = brand_revenue(read, "sum_agg", ("i_manufact_id", "==", 128))
    return ordered(revenue, "d_year", "-sum_agg", "brand_id").head(100)


def ds12(read):
    return class_shares(read, "web_sales", "ws").head(100)


def ds20(read):
    return class_shares(read, "catalog_sales", "cs").head(100)


def ds42(read):
    sales = november_sales(read, ["i_category_id", "i_category"], ("i_manager_id", "==", 1), ("d_year", "==", 2000))
    revenue = sums(sales, ["d_year", "i_category_id", "i_category"], sum_ext_sales_price="ss_ext_sales_price")
    answer = ordered(revenue, "-sum_ext_sales_price", "d_year", "i_category_id", "i_category").head(100)
    return whole(answer, "i_category_id")


def ds43(read):
    stores = read("store", ["s_store_sk", "s_store_name", "s_store_id"], [("s_gmt_offset", "==", -5.0)])
    days = read("date_dim", ["d_date_sk", "d_day_name"], [("d_year", "==", 2000)])
    conditions = [("ss_sold_date_sk", "in", days["d_date_sk"]), ("ss_store_sk", "in", stores["s_store_sk"])]
    sales = read("store_sales", ["ss_sold_date_sk", "ss_store_sk", "ss_sales_price"], conditions)
    sales = sales.merge(days, left_on="ss_sold_date_sk", right_on="d_date_sk").merge(
        stores, left_on="ss_store_sk", right_on="s_store_sk"
    )
    columns = {f"{day[:3].lower()}_sales": day for day in WEEKDAYS}
    # A column for each weekday, with NULL where the sale was on another.
    prices = {name: sales["ss_sales_price"].where(sales["d_day_name"] == day) for name, day in columns.items()}
    by = ["s_store_name", "s_store_id"]
    answer = sums(sales.assign(**prices), by, **{name: name for name in columns})
    return ordered(answer, *by, *columns).head(100)


def ds52(read):
    revenue = brand_revenue(read, "ext_price", ("i_manager_id", "==", 1), ("d_year", "==", 2000))
    return ordered(revenue, "d_year", "-ext_price", "brand_id").head(100)


def ds55(read):
    revenue = brand_revenue(read, "ext_price", ("i_manager_id", "==", 28), ("d_year", "==", 1999))
    return ordered(revenue, "-ext_price", "brand_id").head(100)[["brand_id", "brand", "ext_price"]]


def ds65(read):
    days = keys(read, "date_dim", "d_date_sk", between("d_month_seq", 1176, 1176 + 11))
    columns = ["ss_store_sk", "ss_item_sk", "ss_sales_price"]
    sales = read("store_sales", columns, [("ss_sold_date_sk", "in", days)])
    revenue = sums(sales, ["ss_store_sk", "ss_item_sk"], revenue="ss_sales_price")
    # Sales without a store have no average here; they would join no store either.
    average = revenue.groupby("ss_store_sk")["revenue"].transform("mean")
    columns = ["i_item_sk", "i_item_desc", "i_current_price", "i_wholesale_cost", "i_brand"]
    answer = (
        revenue[revenue["revenue"] <= 0.1 * average]
        .merge(read("store", ["s_store_sk", "s_store_name"]), left_on="ss_store_sk", right_on="s_store_sk")
        .merge(read("item", columns), left_on="ss_item_sk", right_on="i_item_sk")
    )
    answer = ordered(answer, "s_store_name", "i_item_desc").head(100)
    return answer[["s_store_name", "i_item_desc", "revenue", "i_current_price", "i_wholesale_cost", "i_brand"]]


def ds92(read):
    items = keys(read, "item", "i_item_sk", [("i_manufact_id", "==", 350)])
    days = keys(read, "date_dim", "d_date_sk", days_from("2000-01-27", 90))
    conditions = [("ws_item_sk", "in", items), ("ws_sold_date_sk", "in", days)]
    sales = read("web_sales", ["ws_item_sk", "ws_ext_discount_amt"], conditions)
    discount = sales["ws_ext_discount_amt"]
    average = discount.groupby(sales["ws_item_sk"]).transform("mean")
    return pd.DataFrame({"excess_discount_amount": [discount[discount > 1.3 * average].sum(min_count=1)]})


def ds98(read):
    return class_shares(read, "store_sales", "ss")
