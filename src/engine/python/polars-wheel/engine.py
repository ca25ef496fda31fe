"""Polars as its makers ship it for Python. Every run scans, plans, executes and collects anew; nothing is kept."""

import os
from types import SimpleNamespace

from querydyno import Engine, Unsupported, answer, serve

MODES = ("streaming", "in-memory", "eager")


class PolarsWheel(Engine):
    def __init__(self, settings):
        if settings["options"]:
            names = ", ".join(sorted(settings["options"]))
            raise ValueError(f"Polars has no options of its own here, but the entry sets {names}")
        self.mode = settings["mode"] or "streaming"
        if self.mode not in MODES:
            raise ValueError(f"Polars has no mode '{self.mode}': it has {', '.join(MODES)}")
        # Polars reads these once, when it is imported; threads apart they are for what it spills.
        given = {"POLARS_MAX_THREADS": str(settings["threads"]), "POLARS_OOC_SPILL_DIR": settings["scratch"]}
        if settings["memory_limit_bytes"]:
            given["POLARS_OOC_MEMORY_BUDGET_MB"] = str(settings["memory_limit_bytes"] // 1_000_000)
        os.environ.update(given)
        import polars
        import tpch

        if polars.thread_pool_size() != settings["threads"]:
            raise ValueError(f"Polars took {polars.thread_pool_size()} threads, not {settings['threads']}")
        self.polars, self.plans = polars, tpch.PLANS
        self.version = polars.__version__
        self.source = f"wheel polars {self.version}"
        del given["POLARS_OOC_SPILL_DIR"]  # another folder for each run
        self.settings = {**given, "mode": self.mode}
        self.collect = {"engine": "streaming" if self.mode == "streaming" else "in-memory"}
        if self.mode == "eager":
            # Node after node as it was written; a frame that is used twice is computed once, as by whoever keeps it in a
            # variable.
            self.collect["optimizations"] = polars.QueryOptFlags.none().update(comm_subplan_elim=True)

    def load(self, tables):
        self.files = tables

    def prepare(self, query):
        plan = self.plans.get(query["name"]) if query["workload"] == "tpch" else None
        if plan is None:
            raise Unsupported(f"nobody wrote a Polars plan for {query['workload']} {query['name']}")
        return plan, query["sql"]

    def run(self, prepared):
        plan, sql = prepared
        # These are files, not patterns.
        scans = {name: self.polars.scan_parquet(files, glob=False) for name, files in self.files.items()}
        return plan(SimpleNamespace(**scans, sql=sql)).collect(**self.collect)

    def answer(self, output):
        columns = [(name, self.kind(dtype)) for name, dtype in output.schema.items()]
        return answer(columns, output.rows())

    def kind(self, dtype):
        pl = self.polars
        others = {pl.String: "text", pl.Date: "date", pl.Datetime: "timestamp", pl.Boolean: "bool"}
        if dtype.is_integer():
            return "int"
        if dtype.is_float():
            return "float"
        if dtype.is_decimal():
            return "decimal"
        if dtype.base_type() in others:
            return others[dtype.base_type()]
        raise TypeError(f"a result column of type {dtype} cannot be compared yet")


if __name__ == "__main__":
    serve("polars", PolarsWheel)
