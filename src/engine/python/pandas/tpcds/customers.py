"""Queries of TPC-DS about customers: who bought, what kind of household they are, and where they live.

What this is not: queries that never look at the buyer; those are in revenue.py.
"""

import pandas as pd

from .frames import between, differ, keys, ordered, sums, whole

YEARS = ("d_year", "in", [1999, 2000, 2001])

ZIPS = ["85669", "86197", "88274", "83405", "86475", "85392", "85460", "80348", "81792"]


def customers_with(read, columns, address_columns):
    """Every customer's key and these columns, with these columns of the current address."""
    customers = read("customer", ["c_customer_sk", "c_current_addr_sk", *columns])
    addresses = read("customer_address", ["ca_address_sk", *address_columns])
    return customers.merge(addresses, left_on="c_current_addr_sk", right_on="ca_address_sk")


def average_sales(read, table, prefix, demographics_sk):
    """What single college men bought of each item in 2000 with a promotion, on average."""
    conditions = [("cd_gender", "==", "M"), ("cd_marital_status", "==", "S"), ("cd_education_status", "==", "College")]
    men = keys(read, "customer_demographics", "cd_demo_sk", conditions)
    no_mail_or_no_event = [[("p_channel_email", "==", "N")], [("p_channel_event", "==", "N")]]
    promotions = keys(read, "promotion", "p_promo_sk", no_mail_or_no_event)
    days = keys(read, "date_dim", "d_date_sk", [("d_year", "==", 2000)])
    item_sk = f"{prefix}_item_sk"
    measures = [f"{prefix}_{name}" for name in ("quantity", "list_price", "coupon_amt", "sales_price")]
    conditions = [
        (demographics_sk, "in", men),
        (f"{prefix}_promo_sk", "in", promotions),
        (f"{prefix}_sold_date_sk", "in", days),
    ]
    sales = read(table, [item_sk, *measures], conditions)
    sales = sales.merge(read("item", ["i_item_sk", "i_item_id"]), left_on=item_sk, right_on="i_item_sk")
    averages = sales.groupby("i_item_id")[measures].mean()
    averages = averages.set_axis(["agg1", "agg2", "agg3", "agg4"], axis="columns").reset_index()
    return ordered(averages, "i_item_id").head(100)


def purchases(read, columns, day_filters, households, stores):
    """These columns of the store sales on some days to some households in some stores."""
    conditions = [
        ("ss_sold_date_sk", "in", keys(read, "date_dim", "d_date_sk", day_filters)),
        ("ss_hdemo_sk", "in", households),
        ("ss_store_sk", "in", stores),
    ]
    return read("store_sales", columns, conditions)


def ds7(read):
    return average_sales(read, "store_sales", "ss", "ss_cdemo_sk")


def ds15(read):
    days = keys(read, "date_dim", "d_date_sk", [("d_qoy", "==", 2), ("d_year", "==", 2001)])
    sales = read("catalog_sales", ["cs_bill_customer_sk", "cs_sales_price"], [("cs_sold_date_sk", "in", days)])
    customers = customers_with(read, [], ["ca_zip", "ca_state"])
    sales = sales.merge(customers, left_on="cs_bill_customer_sk", right_on="c_customer_sk")
    near = sales["ca_zip"].str[:5].isin(ZIPS) | sales["ca_state"].isin(["CA", "WA", "GA"])
    sales = sales[near | (sales["cs_sales_price"] > 500)]
    return ordered(sums(sales, ["ca_zip"], total_sales_price="cs_sales_price"), "ca_zip").head(100)


def ds19(read):
    shown = ["i_brand_id", "i_brand", "i_manufact_id", "i_manufact"]
    items = read("item", ["i_item_sk", *shown], [("i_manager_id", "==", 8)])
    days = keys(read, "date_dim", "d_date_sk", [("d_moy", "==", 11), ("d_year", "==", 1998)])
    columns = ["ss_item_sk", "ss_customer_sk", "ss_store_sk", "ss_ext_sales_price"]
    conditions = [("ss_item_sk", "in", items["i_item_sk"]), ("ss_sold_date_sk", "in", days)]
    sales = (
        read("store_sales", columns, conditions)
        .merge(items, left_on="ss_item_sk", right_on="i_item_sk")
        .merge(customers_with(read, [], ["ca_zip"]), left_on="ss_customer_sk", right_on="c_customer_sk")
        .merge(read("store", ["s_store_sk", "s_zip"]), left_on="ss_store_sk", right_on="s_store_sk")
    )
    sales = sales[differ(sales["ca_zip"].str[:5], sales["s_zip"].str[:5])]
    revenue = sums(sales, shown, ext_price="ss_ext_sales_price")
    answer = ordered(revenue, "-ext_price", "i_brand", "i_brand_id", "i_manufact_id", "i_manufact").head(100)
    return whole(answer, "i_brand_id", "i_manufact_id").rename(columns={"i_brand_id": "brand_id", "i_brand": "brand"})


def ds26(read):
    return average_sales(read, "catalog_sales", "cs", "cs_bill_cdemo_sk")


def ds68(read):
    households = [[("hd_dep_count", "==", 4)], [("hd_vehicle_count", "==", 3)]]
    by = ["ss_ticket_number", "ss_customer_sk", "ss_addr_sk"]
    sales = purchases(
        read,
        [*by, "ss_ext_sales_price", "ss_ext_list_price", "ss_ext_tax"],
        [*between("d_dom", 1, 2), YEARS],
        keys(read, "household_demographics", "hd_demo_sk", households),
        keys(read, "store", "s_store_sk", [("s_city", "in", ["Midway", "Fairview"])]),
    )
    tickets = sums(
        sales,
        by,
        extended_price="ss_ext_sales_price",
        extended_tax="ss_ext_tax",
        list_price="ss_ext_list_price",
    )
    # An address has one city: the sums need not be grouped by it.
    addresses = read("customer_address", ["ca_address_sk", "ca_city"]).rename(
        columns={"ca_address_sk": "bought_address_sk", "ca_city": "bought_city"}
    )
    customers = customers_with(read, ["c_last_name", "c_first_name"], ["ca_city"])
    answer = tickets.merge(addresses, left_on="ss_addr_sk", right_on="bought_address_sk").merge(
        customers, left_on="ss_customer_sk", right_on="c_customer_sk"
    )
    answer = answer[differ(answer["ca_city"], answer["bought_city"])]
    shown = ["c_last_name", "c_first_name", "ca_city", "bought_city", "ss_ticket_number"]
    answer = ordered(answer, "c_last_name", "ss_ticket_number").head(100)
    return answer[[*shown, "extended_price", "extended_tax", "list_price"]]


def ds73(read):
    conditions = [("hd_buy_potential", "in", [">10000", "Unknown"]), ("hd_vehicle_count", ">", 0)]
    households = read("household_demographics", ["hd_demo_sk", "hd_dep_count", "hd_vehicle_count"], conditions)
    crowded = households["hd_dep_count"] / households["hd_vehicle_count"] > 1
    counties = ["Williamson County", "Franklin Parish", "Bronx County", "Orange County"]
    by = ["ss_ticket_number", "ss_customer_sk"]
    sales = purchases(
        read,
        by,
        [*between("d_dom", 1, 2), YEARS],
        households.loc[crowded, "hd_demo_sk"],
        keys(read, "store", "s_store_sk", [("s_county", "in", counties)]),
    )
    # Tickets without a customer are left out here; they would join none.
    tickets = sales.groupby(by).size().rename("cnt").reset_index()
    shown = ["c_last_name", "c_first_name", "c_salutation", "c_preferred_cust_flag"]
    customers = read("customer", ["c_customer_sk", *shown])
    tickets = tickets[tickets["cnt"].between(1, 5)]
    answer = tickets.merge(customers, left_on="ss_customer_sk", right_on="c_customer_sk")
    return ordered(answer, "-cnt", "c_last_name")[[*shown, "ss_ticket_number", "cnt"]]


def ds79(read):
    households = [[("hd_dep_count", "==", 6)], [("hd_vehicle_count", ">", 2)]]
    stores = read("store", ["s_store_sk", "s_city"], between("s_number_employees", 200, 295))
    sales = purchases(
        read,
        ["ss_ticket_number", "ss_customer_sk", "ss_addr_sk", "ss_store_sk", "ss_coupon_amt", "ss_net_profit"],
        [("d_dow", "==", 1), YEARS],
        keys(read, "household_demographics", "hd_demo_sk", households),
        stores["s_store_sk"],
    )
    sales = sales.merge(stores, left_on="ss_store_sk", right_on="s_store_sk")
    by = ["ss_ticket_number", "ss_customer_sk", "ss_addr_sk", "s_city"]
    tickets = sums(sales, by, amt="ss_coupon_amt", profit="ss_net_profit")
    customers = read("customer", ["c_customer_sk", "c_last_name", "c_first_name"])
    answer = tickets.merge(customers, left_on="ss_customer_sk", right_on="c_customer_sk")
    answer["city"] = answer["s_city"].str[:30]
    answer = ordered(answer, "c_last_name", "c_first_name", "city", "profit").head(100)
    return answer[["c_last_name", "c_first_name", "city", "ss_ticket_number", "amt", "profit"]]


def ds91(read):
    groups = [
        [("cd_marital_status", "==", "M"), ("cd_education_status", "==", "Unknown")],
        [("cd_marital_status", "==", "W"), ("cd_education_status", "==", "Advanced Degree")],
    ]
    columns = ["cd_marital_status", "cd_education_status"]
    demographics = read("customer_demographics", ["cd_demo_sk", *columns], groups)
    households = read("household_demographics", ["hd_demo_sk", "hd_buy_potential"])
    unknown = households.loc[households["hd_buy_potential"].str.startswith("Unknown"), "hd_demo_sk"]
    addresses = keys(read, "customer_address", "ca_address_sk", [("ca_gmt_offset", "==", -7.0)])
    conditions = [("c_current_hdemo_sk", "in", unknown), ("c_current_addr_sk", "in", addresses)]
    customers = read("customer", ["c_customer_sk", "c_current_cdemo_sk"], conditions).merge(
        demographics, left_on="c_current_cdemo_sk", right_on="cd_demo_sk"
    )
    days = keys(read, "date_dim", "d_date_sk", [("d_year", "==", 1998), ("d_moy", "==", 11)])
    names = {"cc_call_center_id": "call_center_id", "cc_name": "call_center_name", "cc_manager": "manager"}
    returned = (
        read(
            "catalog_returns",
            ["cr_returning_customer_sk", "cr_call_center_sk", "cr_net_loss"],
            [("cr_returned_date_sk", "in", days)],
        )
        .merge(customers, left_on="cr_returning_customer_sk", right_on="c_customer_sk")
        .merge(
            read("call_center", ["cc_call_center_sk", *names]),
            left_on="cr_call_center_sk",
            right_on="cc_call_center_sk",
        )
    )
    losses = ordered(sums(returned, [*names, *columns], returns_loss="cr_net_loss"), "-returns_loss")
    return losses[[*names, "returns_loss"]].rename(columns=names)


def ds96(read):
    conditions = [
        ("ss_sold_time_sk", "in", keys(read, "time_dim", "t_time_sk", [("t_hour", "==", 20), ("t_minute", ">=", 30)])),
        ("ss_hdemo_sk", "in", keys(read, "household_demographics", "hd_demo_sk", [("hd_dep_count", "==", 7)])),
        ("ss_store_sk", "in", keys(read, "store", "s_store_sk", [("s_store_name", "==", "ese")])),
    ]
    return pd.DataFrame({"cnt": [len(read("store_sales", ["ss_ticket_number"], conditions))]})
