//! Plans of TPC-DS as programs of `DataFrame`s write them, for the mode `dataframe`: what selects from a table stands beside it.

use super::dataframes::Plan;
use super::relation::{Frame, table};

/// The suite and its plans.
pub(super) const PLANS: (&str, &[Plan]) =
    ("tpcds", &[("ds3", ds3), ("ds7", ds7), ("ds19", ds19), ("ds42", ds42), ("ds52", ds52), ("ds55", ds55)]);

/// Sales in stores with their days and items, each selected by a condition.
fn sales(days: &str, items: &str) -> Frame {
    table("date_dim")
        .filter(days)
        .join(table("store_sales"), "d_date_sk = ss_sold_date_sk")
        .join(table("item").filter(items), "ss_item_sk = i_item_sk")
}

fn ds3() -> Frame {
    sales("d_moy = 11", "i_manufact_id = 128")
        .group_by(&["d_year", "i_brand", "i_brand_id"], &["sum(ss_ext_sales_price) as sum_agg"])
        .select(&["d_year", "i_brand_id as brand_id", "i_brand as brand", "sum_agg"])
        .order_by(&["d_year", "sum_agg desc", "brand_id"])
        .limit(100)
}

fn ds7() -> Frame {
    let demographics = table("customer_demographics")
        .filter("cd_gender = 'M' and cd_marital_status = 'S' and cd_education_status = 'College'");
    let promotions = table("promotion").filter("p_channel_email = 'N' or p_channel_event = 'N'");
    table("store_sales")
        .join(demographics, "ss_cdemo_sk = cd_demo_sk")
        .join(table("date_dim").filter("d_year = 2000"), "ss_sold_date_sk = d_date_sk")
        .join(table("item"), "ss_item_sk = i_item_sk")
        .join(promotions, "ss_promo_sk = p_promo_sk")
        .group_by(
            &["i_item_id"],
            &[
                "avg(ss_quantity) as agg1",
                "avg(ss_list_price) as agg2",
                "avg(ss_coupon_amt) as agg3",
                "avg(ss_sales_price) as agg4",
            ],
        )
        .order_by(&["i_item_id"])
        .limit(100)
}

fn ds19() -> Frame {
    sales("d_moy = 11 and d_year = 1998", "i_manager_id = 8")
        .join(table("customer"), "ss_customer_sk = c_customer_sk")
        .join(table("customer_address"), "c_current_addr_sk = ca_address_sk")
        .join(table("store"), "ss_store_sk = s_store_sk and substring(ca_zip, 1, 5) <> substring(s_zip, 1, 5)")
        .group_by(&["i_brand", "i_brand_id", "i_manufact_id", "i_manufact"], &["sum(ss_ext_sales_price) as ext_price"])
        .select(&["i_brand_id as brand_id", "i_brand as brand", "i_manufact_id", "i_manufact", "ext_price"])
        .order_by(&["ext_price desc", "brand", "brand_id", "i_manufact_id", "i_manufact"])
        .limit(100)
}

fn ds42() -> Frame {
    sales("d_moy = 11 and d_year = 2000", "i_manager_id = 1")
        .group_by(&["d_year", "i_category_id", "i_category"], &["sum(ss_ext_sales_price) as sum_ext_sales_price"])
        .order_by(&["sum_ext_sales_price desc", "d_year", "i_category_id", "i_category"])
        .limit(100)
}

fn ds52() -> Frame {
    sales("d_moy = 11 and d_year = 2000", "i_manager_id = 1")
        .group_by(&["d_year", "i_brand", "i_brand_id"], &["sum(ss_ext_sales_price) as ext_price"])
        .select(&["d_year", "i_brand_id as brand_id", "i_brand as brand", "ext_price"])
        .order_by(&["d_year", "ext_price desc", "brand_id"])
        .limit(100)
}

fn ds55() -> Frame {
    sales("d_moy = 11 and d_year = 1999", "i_manager_id = 28")
        .group_by(&["i_brand", "i_brand_id"], &["sum(ss_ext_sales_price) as ext_price"])
        .select(&["i_brand_id as brand_id", "i_brand as brand", "ext_price"])
        .order_by(&["ext_price desc", "brand_id"])
        .limit(100)
}
