"""Pod usage in pandas: a function for each query of the suite.

Line items that agree in everything but what is summed are summed first, with labels as the texts that they are. So labels
are read and merged once for each group and not once for each line item; groups whose merged labels turn out to be equal
are summed again.

What this is not: a reader of labels that are no JSON. They are an error.
"""

import json

import pandas as pd

#: What is summed, and what the sum is called.
SUMS = {
    "cpu_usage_ms": "cpu_usage_ms",
    "cpu_request_ms": "cpu_request_ms",
    "memory_usage_kib": "memory_usage_kib_hours",
    "memory_request_kib": "memory_request_kib_hours",
}


def parameters(name, sql):
    """What a query's function takes beside `read`: nothing."""
    return {}


def labels_of(text):
    """A map of labels; one that is NULL has none."""
    return {} if pd.isna(text) else json.loads(text)


def merged(texts):
    """The labels of a node, a namespace and a pod, later ones over earlier ones, as a text whose keys are sorted."""
    labels = {key: value for text in texts for key, value in labels_of(text).items()}
    return json.dumps(labels, sort_keys=True, ensure_ascii=False, separators=(",", ":"))


def pods_daily(read):
    usage = read("pod_usage", ["interval_start", "namespace", "node", "pod_labels", *SUMS])
    usage["usage_date"] = usage.pop("interval_start").dt.normalize()
    keys = ["usage_date", "namespace", "node"]
    raw = usage.groupby([*keys, "pod_labels"], dropna=False, sort=False, observed=True)
    groups = raw.agg(line_items=("cpu_usage_ms", "size"), **{new: (old, "sum") for old, new in SUMS.items()}).reset_index()

    for table, key in (("node_labels", "node"), ("namespace_labels", "namespace")):
        labels = read(table, ["usage_date", key, table])
        labels["usage_date"] = labels["usage_date"].astype(groups["usage_date"].dtype)
        groups = groups.merge(labels, how="left", on=["usage_date", key])
    texts = zip(groups["node_labels"], groups["namespace_labels"], groups["pod_labels"], strict=True)
    groups["labels"] = [merged(each) for each in texts]

    sums = ["line_items", *SUMS.values()]
    return groups.groupby([*keys, "labels"], sort=False)[sums].sum().reset_index()
