"""Pod usage in Polars: a LazyFrame plan for each query of the suite; `PLANS` has them by name.

Polars' SQL has neither maps nor a function that reads JSON, its expressions have both, from version 2.1 on. Labels that
are no JSON are an error.
"""

import polars as pl
from polars import col
from querydyno import Unsupported

KEYS = ["usage_date", "namespace", "node"]
#: What is summed, by what the sum is called.
SUMS = {
    "cpu_usage_ms": "cpu_usage_ms",
    "cpu_request_ms": "cpu_request_ms",
    "memory_usage_kib_hours": "memory_usage_kib",
    "memory_request_kib_hours": "memory_request_kib",
}


def merged(*columns):
    """Labels, later ones over earlier ones, as a text whose keys are sorted."""
    labels = pl.Map(pl.String, pl.String)
    of_each = [col(column).fill_null("{}").str.json_decode(labels).map.entries() for column in columns]
    # Of entries with the same key a map keeps the last one's value.
    entries = pl.concat_list(of_each).cast(labels).map.entries()
    ordered = entries.list.eval(pl.element().sort_by(pl.element().struct.field("key"))).cast(labels)
    # Only what is in a struct is written as JSON: {"m":{...}}.
    return pl.struct(m=ordered).struct.json_encode().str.slice(5).str.head(-1)


def pods_daily(t):
    if not hasattr(pl, "Map"):
        raise Unsupported(f"Polars {pl.__version__} has no type for maps, only 2.1 and later do")
    line_items = (
        # Line items with the same text of labels are summed before labels are merged, which is once for each group then.
        t.pod_usage.group_by(col("interval_start").dt.date().alias("usage_date"), "namespace", "node", "pod_labels")
        .agg(pl.len().cast(pl.Int64).alias("line_items"), **{name: col(column).sum() for name, column in SUMS.items()})
        .join(t.node_labels, on=["usage_date", "node"], how="left")
        .join(t.namespace_labels, on=["usage_date", "namespace"], how="left")
        .with_columns(labels=merged("node_labels", "namespace_labels", "pod_labels"))
    )
    return line_items.group_by(*KEYS, "labels").agg(col("line_items", *SUMS).sum())


PLANS = {"pods-daily": pods_daily}
