"""Queries of TPC-DS about the way of goods: what is in stock, how long shipping takes, what comes back.

What this is not: queries about revenue alone; those are in revenue.py.
"""

import pandas as pd

from .frames import between, days_from, keys, ordered, sums, whole


def by_delay(frame, by, delay):
    """How many rows of each group have which delay in days. NULL counts nowhere, but its group is there."""
    columns = {
        "days_30": delay <= 30,
        "days_31_60": delay.between(30, 60, inclusive="right"),
        "days_61_90": delay.between(60, 90, inclusive="right"),
        "days_91_120": delay.between(90, 120, inclusive="right"),
        "days_over_120": delay > 120,
    }
    counts = frame.assign(**columns).groupby(by, dropna=False, sort=False)[list(columns)].sum()
    return ordered(counts.reset_index(), *by).head(100)


def shipping_delays(read, table, prefix, seller, seller_sk, seller_name):
    """The delays of a year's orders by warehouse, ship mode and who sold it, a web site or a call center."""
    days = keys(read, "date_dim", "d_date_sk", between("d_month_seq", 1200, 1200 + 11))
    shipped, sold = f"{prefix}_ship_date_sk", f"{prefix}_sold_date_sk"
    warehouse, mode, sold_by = f"{prefix}_warehouse_sk", f"{prefix}_ship_mode_sk", f"{prefix}_{seller}_sk"
    orders = (
        read(table, [shipped, sold, warehouse, mode, sold_by], [(shipped, "in", days)])
        .merge(read("warehouse", ["w_warehouse_sk", "w_warehouse_name"]), left_on=warehouse, right_on="w_warehouse_sk")
        .merge(read("ship_mode", ["sm_ship_mode_sk", "sm_type"]), left_on=mode, right_on="sm_ship_mode_sk")
        .merge(read(seller, [seller_sk, seller_name]), left_on=sold_by, right_on=seller_sk)
    )
    orders["warehouse_name"] = orders["w_warehouse_name"].str[:20]
    return by_delay(orders, ["warehouse_name", "sm_type", seller_name], orders[shipped] - orders[sold])


def bought_again(read, sold, returned, bought, **measures):
    """Sums over items that were sold in a store, returned, and bought by catalog by the same customer.

    The filters are those of date_dim for the three events; each measure is new="column", with the table's prefix.
    """
    days = [keys(read, "date_dim", "d_date_sk", filters) for filters in (sold, returned, bought)]
    of = {prefix: [name for name in measures.values() if name.startswith(prefix)] for prefix in ("ss_", "sr_", "cs_")}
    columns = ["ss_ticket_number", "ss_item_sk", "ss_customer_sk", "ss_store_sk", *of["ss_"]]
    sales = read("store_sales", columns, [("ss_sold_date_sk", "in", days[0])])
    columns = ["sr_ticket_number", "sr_item_sk", "sr_customer_sk", *of["sr_"]]
    returns = read("store_returns", columns, [("sr_returned_date_sk", "in", days[1])])
    # NULL is no customer: without it on this side it joins nothing on the others.
    returns = returns.dropna(subset=["sr_customer_sk"])
    both = sales.merge(
        returns,
        left_on=["ss_ticket_number", "ss_item_sk", "ss_customer_sk"],
        right_on=["sr_ticket_number", "sr_item_sk", "sr_customer_sk"],
    )
    conditions = [("cs_sold_date_sk", "in", days[2]), ("cs_item_sk", "in", both["sr_item_sk"])]
    orders = read("catalog_sales", ["cs_bill_customer_sk", "cs_item_sk", *of["cs_"]], conditions)
    shown = ["i_item_id", "i_item_desc", "s_store_id", "s_store_name"]
    all_three = (
        both.merge(orders, left_on=["sr_customer_sk", "sr_item_sk"], right_on=["cs_bill_customer_sk", "cs_item_sk"])
        .merge(read("store", ["s_store_sk", *shown[2:]]), left_on="ss_store_sk", right_on="s_store_sk")
        .merge(read("item", ["i_item_sk", *shown[:2]]), left_on="ss_item_sk", right_on="i_item_sk")
    )
    return ordered(sums(all_three, shown, **measures), *shown).head(100)


def in_stock_and_sold(read, table, item_sk, manufacturers, least_price, first_day):
    """The items of some manufacturers in a range of prices that were in stock in two months, and ever sold."""
    shown = ["i_item_id", "i_item_desc", "i_current_price"]
    conditions = [("i_manufact_id", "in", manufacturers), *between("i_current_price", least_price, least_price + 30)]
    items = read("item", ["i_item_sk", *shown], conditions)
    conditions = [
        ("inv_date_sk", "in", keys(read, "date_dim", "d_date_sk", days_from(first_day, 60))),
        ("inv_item_sk", "in", items["i_item_sk"]),
        *between("inv_quantity_on_hand", 100, 500),
    ]
    in_stock = read("inventory", ["inv_item_sk"], conditions)["inv_item_sk"]
    sold = read(table, [item_sk], [(item_sk, "in", items["i_item_sk"])])[item_sk]
    found = items.loc[items["i_item_sk"].isin(in_stock) & items["i_item_sk"].isin(sold), shown]
    return ordered(found.drop_duplicates(), "i_item_id").head(100)


def ds21(read):
    items = read("item", ["i_item_sk", "i_item_id"], between("i_current_price", 0.99, 1.49))
    days = read("date_dim", ["d_date_sk", "d_date"], days_from("2000-02-10", 60))
    columns = ["inv_date_sk", "inv_item_sk", "inv_warehouse_sk", "inv_quantity_on_hand"]
    conditions = [("inv_date_sk", "in", days["d_date_sk"]), ("inv_item_sk", "in", items["i_item_sk"])]
    warehouses = read("warehouse", ["w_warehouse_sk", "w_warehouse_name"])
    stock = (
        read("inventory", columns, conditions)
        .merge(items, left_on="inv_item_sk", right_on="i_item_sk")
        .merge(days, left_on="inv_date_sk", right_on="d_date_sk")
        .merge(warehouses, left_on="inv_warehouse_sk", right_on="w_warehouse_sk")
    )
    before = stock["d_date"] < pd.Timestamp("2000-03-11")
    stock["before"] = stock["inv_quantity_on_hand"].where(before, 0)
    stock["after"] = stock["inv_quantity_on_hand"].where(~before, 0)
    answer = sums(stock, ["w_warehouse_name", "i_item_id"], inv_before="before", inv_after="after")
    steady = (answer["inv_after"] / answer["inv_before"]).between(2 / 3, 3 / 2)
    answer = ordered(answer[(answer["inv_before"] > 0) & steady], "w_warehouse_name", "i_item_id")
    return whole(answer.head(100), "inv_before", "inv_after")


def ds25(read):
    months = [("d_year", "==", 2001), *between("d_moy", 4, 10)]
    return bought_again(
        read,
        sold=[("d_year", "==", 2001), ("d_moy", "==", 4)],
        returned=months,
        bought=months,
        store_sales_profit="ss_net_profit",
        store_returns_loss="sr_net_loss",
        catalog_sales_profit="cs_net_profit",
    )


def ds29(read):
    quantities = {
        "store_sales_quantity": "ss_quantity",
        "store_returns_quantity": "sr_return_quantity",
        "catalog_sales_quantity": "cs_quantity",
    }
    answer = bought_again(
        read,
        sold=[("d_year", "==", 1999), ("d_moy", "==", 9)],
        returned=[("d_year", "==", 1999), *between("d_moy", 9, 12)],
        bought=[("d_year", "in", [1999, 2000, 2001])],
        **quantities,
    )
    return whole(answer, *quantities)


def ds37(read):
    return in_stock_and_sold(read, "catalog_sales", "cs_item_sk", [677, 940, 694, 808], 68, "2000-02-01")


def ds50(read):
    days = keys(read, "date_dim", "d_date_sk", [("d_year", "==", 2001), ("d_moy", "==", 8)])
    columns = ["sr_ticket_number", "sr_item_sk", "sr_customer_sk", "sr_returned_date_sk"]
    returns = read("store_returns", columns, [("sr_returned_date_sk", "in", days)])
    # NULL is no customer: without it on this side it joins nothing on the other.
    returns = returns.dropna(subset=["sr_customer_sk"])
    columns = ["ss_ticket_number", "ss_item_sk", "ss_customer_sk", "ss_sold_date_sk", "ss_store_sk"]
    sales = read("store_sales", columns, [("ss_ticket_number", "in", returns["sr_ticket_number"])])
    # The day of the sale has to exist, whichever it is.
    sales = sales[sales["ss_sold_date_sk"].isin(keys(read, "date_dim", "d_date_sk", None))]
    place = ["street_number", "street_name", "street_type", "suite_number", "city", "county", "state", "zip"]
    by = ["s_store_name", "s_company_id", *(f"s_{name}" for name in place)]
    both = sales.merge(
        returns,
        left_on=["ss_ticket_number", "ss_item_sk", "ss_customer_sk"],
        right_on=["sr_ticket_number", "sr_item_sk", "sr_customer_sk"],
    ).merge(read("store", ["s_store_sk", *by]), left_on="ss_store_sk", right_on="s_store_sk")
    answer = by_delay(both, by, both["sr_returned_date_sk"] - both["ss_sold_date_sk"])
    return whole(answer, "s_company_id")


def ds62(read):
    return shipping_delays(read, "web_sales", "ws", "web_site", "web_site_sk", "web_name")


def ds82(read):
    return in_stock_and_sold(read, "store_sales", "ss_item_sk", [129, 270, 821, 423], 62, "2000-05-25")


def ds99(read):
    return shipping_delays(read, "catalog_sales", "cs", "call_center", "cc_call_center_sk", "cc_name")
