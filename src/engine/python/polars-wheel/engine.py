"""Polars as its makers ship it for Python. Every run scans, plans, executes and collects anew; nothing is kept, but that
Polars itself keeps the bytes of an Iceberg table's metadata. TPC-H is in LazyFrame plans, all else goes to its SQL.
"""

import functools
import os
from types import SimpleNamespace

import querydyno_iceberg
from querydyno import Engine, Unsupported, answer, incomparable, serve

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
        iceberg = querydyno_iceberg.settings(settings["threads"])
        import polars
        import tpch

        if polars.thread_pool_size() != settings["threads"]:
            raise ValueError(f"Polars took {polars.thread_pool_size()} threads, not {settings['threads']}")
        self.polars, self.plans = polars, tpch.PLANS
        self.version = polars.__version__
        self.source = f"wheel polars {self.version}"
        del given["POLARS_OOC_SPILL_DIR"]  # another folder for each run
        self.settings = {**given, **iceberg, "mode": self.mode}
        self.scans = {}
        self.collect = {"engine": "streaming" if self.mode == "streaming" else "in-memory"}
        if self.mode == "eager":
            # Node after node as it was written; a frame that is used twice is computed once, as by whoever keeps it in a
            # variable.
            self.collect["optimizations"] = polars.QueryOptFlags.none().update(comm_subplan_elim=True)

    def load(self, tables):
        # These are files, not patterns, and their columns are those in them: none comes from a path.
        scan = functools.partial(self.polars.scan_parquet, glob=False, hive_partitioning=False)
        self.scans |= {name: functools.partial(scan, files) for name, files in tables.items()}

    def load_iceberg(self, tables):
        for table in tables:
            querydyno_iceberg.planned(table)
            self.refuse_time_travel(table)
        # "native": where Polars' own reader cannot read a table, it would be pyiceberg that is measured.
        scan = functools.partial(self.polars.scan_iceberg, reader_override="native")
        self.scans |= {
            table.name: functools.partial(scan, table.metadata, snapshot_id=table.snapshot_id) for table in tables
        }

    def refuse_time_travel(self, table):
        """Before 2.1 Polars looked up a condition's names among the columns of today, and could leave rows out."""
        if [int(part) for part in self.version.split(".")[:2]] >= [2, 1]:
            return
        from pyiceberg.table import StaticTable

        found = StaticTable.from_metadata(table.metadata)
        if found.snapshot_by_id(table.snapshot_id).schema_id != found.metadata.current_schema_id:
            raise Unsupported(f"{table.name} has other columns since this snapshot, and Polars {self.version} mixes them up")

    def prepare(self, query):
        workload, name, sql = query["workload"], query["name"], query["sql"]
        if workload != "tpch":
            return functools.partial(self.parsed, sql)
        plan = self.plans.get(name)
        if plan is None:
            raise Unsupported(f"nobody wrote a Polars plan for {workload} {name}")
        return lambda scans: plan(SimpleNamespace(**scans, sql=sql))

    def run(self, plan):
        scans = {name: scan() for name, scan in self.scans.items()}
        failures = self.polars.exceptions
        try:
            return plan(scans).collect(**self.collect)
        except (failures.SQLInterfaceError, failures.SQLSyntaxError) as error:
            raise Unsupported(f"Polars' SQL: {error}") from error
        except failures.ComputeError as error:
            if "reader_override='native' failed" in str(error):
                raise Unsupported(f"Polars' reader of Iceberg: {error}") from error
            raise

    def parsed(self, sql, scans):
        """The plan that Polars makes of a text."""
        return self.polars.SQLContext(scans).execute(sql)

    def answer(self, output):
        columns = [(name, self.kind(dtype)) for name, dtype in output.schema.items()]
        # As text a timestamp keeps its nanoseconds, which Python's own has no room for.
        times = [name for name, kind in columns if kind == "timestamp"]
        return answer(columns, output.with_columns(self.polars.col(times).cast(self.polars.String)).rows())

    def kind(self, dtype):
        pl = self.polars
        # A column of nothing but NULLs has no type, and any kind can hold them.
        others = {pl.Float32: "float32", pl.Date: "date", pl.Boolean: "bool", pl.Null: "text"}
        others |= dict.fromkeys([pl.String, pl.Categorical, pl.Enum], "text")
        if dtype.is_integer():
            return "int"
        if dtype.base_type() in others:
            return others[dtype.base_type()]
        if dtype.is_float():
            return "float"
        if dtype.is_decimal():
            return "decimal"
        if dtype.base_type() == pl.Datetime and dtype.time_zone is None:
            return "timestamp"
        raise incomparable(dtype)


if __name__ == "__main__":
    serve("polars", PolarsWheel)
