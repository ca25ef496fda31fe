"""Polars as its makers ship it for Python. Every run scans, plans, executes and collects anew; nothing is kept, but that
Polars itself keeps the bytes of an Iceberg table's metadata. TPC-H is in LazyFrame plans, all else goes to its SQL,
which cannot be told to read only. It takes one statement, knows neither COPY nor INSERT nor UPDATE, and what it has of
DROP, CREATE, DELETE and TRUNCATE is about the names of a context that each run makes anew: no file is ever written. A
text may read other files, by read_parquet(...).
"""

import functools
import os
from types import SimpleNamespace

import querydyno_iceberg
from querydyno import Engine, Unsupported, answer, incomparable, plans_by_suite, serve

#: How many nanoseconds are one of a time's unit.
UNITS = {"ms": 10**6, "us": 10**3, "ns": 1}
#: What it says of a text that is no query, which is not for want of SQL.
NO_QUERY = ("statement type is not supported", "only one) statement")
MODES = ("streaming", "in-memory", "eager")


class PolarsWheel(Engine):
    reads_s3 = True

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
        iceberg = querydyno_iceberg.settings(settings["threads"], settings["s3"])
        import polars

        if polars.thread_pool_size() != settings["threads"]:
            raise ValueError(f"Polars took {polars.thread_pool_size()} threads, not {settings['threads']}")
        self.polars, self.suites = polars, plans_by_suite()
        self.version = polars.__version__
        self.source = f"wheel polars {self.version}"
        del given["POLARS_OOC_SPILL_DIR"]  # another folder for each run
        self.settings = {**given, **iceberg, "mode": self.mode}
        self.scans = {}
        self.stored = {}
        if settings["s3"]:
            # By these and nothing else: without a provider it would look for credentials of the machine.
            self.stored = {"storage_options": storage_options(settings["s3"]), "credential_provider": None}
        self.collect = {"engine": "streaming" if self.mode == "streaming" else "in-memory"}
        if self.mode == "eager":
            # Node after node as it was written; a frame that is used twice is computed once, as by whoever keeps it in a
            # variable.
            self.collect["optimizations"] = polars.QueryOptFlags.none().update(comm_subplan_elim=True)

    def load(self, tables):
        # These are files, not patterns, and their columns are those in them: none comes from a path.
        scan = functools.partial(self.polars.scan_parquet, glob=False, hive_partitioning=False, **self.stored)
        self.scans |= {name: functools.partial(scan, files) for name, files in tables.items()}

    def load_folders(self, tables):
        for table in tables:
            hive = {"hive_partitioning": True, "hive_schema": {table.column: self.polars.String}}
            self.scans[table.name] = functools.partial(self.polars.scan_parquet, table.files, glob=False, **hive)

    def load_iceberg(self, tables):
        for table in tables:
            querydyno_iceberg.planned(table)
            self.refuse_time_travel(table)
        # Who plans goes by pyiceberg's names, who reads by Polars'.
        stored = {"storage_options": {**querydyno_iceberg.stored, **self.stored["storage_options"]}} if self.stored else {}
        # "native": where Polars' own reader cannot read a table, it would be pyiceberg that is measured.
        scan = functools.partial(self.polars.scan_iceberg, reader_override="native", **stored)
        self.scans |= {
            table.name: functools.partial(scan, table.metadata, snapshot_id=table.snapshot_id) for table in tables
        }

    def refuse_time_travel(self, table):
        """Before 2.1 Polars looked up a condition's names among the columns of today, and could leave rows out."""
        if [int(part) for part in self.version.split(".")[:2]] >= [2, 1]:
            return
        from pyiceberg.table import StaticTable

        found = StaticTable.from_metadata(table.metadata, querydyno_iceberg.stored)
        if found.snapshot_by_id(table.snapshot_id).schema_id != found.metadata.current_schema_id:
            raise Unsupported(f"{table.name} has other columns since this snapshot, and Polars {self.version} mixes them up")

    def count(self, table):
        return self.collected(self.scans[table]().select(self.polars.len()), engine=self.collect["engine"]).item()

    def prepare(self, query):
        workload, name, sql = query["workload"], query["name"], query["sql"]
        if workload not in self.suites:
            return functools.partial(self.parsed, sql)
        plan = self.suites[workload].PLANS.get(name)
        if plan is None:
            raise Unsupported(f"nobody wrote a Polars plan for {workload} {name}")
        return lambda scans: plan(SimpleNamespace(**scans, sql=sql))

    def plan(self, plan):
        scans = {name: scan() for name, scan in self.scans.items()}
        told = plan(scans).explain(**self.collect)
        # How many rows it guesses is no part of what it does.
        return "\n".join(line for line in told.splitlines() if not line.lstrip().startswith("ESTIMATED ROWS:"))

    def run(self, plan):
        scans = {name: scan() for name, scan in self.scans.items()}
        failures = self.polars.exceptions
        try:
            return self.collected(plan(scans), **self.collect)
        except (failures.SQLInterfaceError, failures.SQLSyntaxError) as error:
            if any(told in str(error).lower() for told in NO_QUERY):
                raise ValueError(f"a query is one SELECT statement, but Polars says: {str(error):.200}") from error
            raise Unsupported(f"Polars' SQL: {error}") from error

    def collected(self, frame, **how):
        try:
            return frame.collect(**how)
        except self.polars.exceptions.ComputeError as error:
            if "reader_override='native' failed" in str(error):
                raise Unsupported(f"Polars' reader of Iceberg: {error}") from error
            raise

    def parsed(self, sql, scans):
        """The plan that Polars makes of a text."""
        return self.polars.SQLContext(scans).execute(sql)

    def answer(self, output):
        columns = [(series.name, self.kind(series)) for series in output.get_columns()]
        values = [self.values(series, kind) for series, (_, kind) in zip(output.get_columns(), columns, strict=True)]
        return answer(columns, zip(*values, strict=True))

    def values(self, series, kind):
        """The values as `answer` takes them, times as ints: Python's own end with the year 9999."""
        if kind == "timestamp":
            unit = UNITS[series.dtype.time_unit]
            # With a zone or without one: what is stored is the time in UTC.
            return [None if value is None else value * unit for value in series.to_physical().to_list()]
        return (series.to_physical() if kind == "date" else series).to_list()

    def arrow(self, output):
        for series in output.get_columns():
            self.kind(series)
        for part in output.iter_slices(65_536):
            yield self.polars.DataFrame([self.known_to_arrow(series) for series in part.get_columns()]).to_arrow()

    def known_to_arrow(self, series):
        """Arrow has no integers of 128 bits, but decimals; the cast fails where a number has more than 38 digits."""
        if str(series.dtype) not in ("Int128", "UInt128"):
            return series
        try:
            return series.cast(self.polars.Decimal(38, 0))
        except self.polars.exceptions.InvalidOperationError as error:
            raise incomparable(f"{series.dtype} with more than 38 digits", series.name) from error

    def kind(self, series):
        pl, dtype = self.polars, series.dtype
        # A column of nothing but NULLs has no type, and any kind can hold them.
        others = {pl.Float32: "float32", pl.Date: "date", pl.Datetime: "timestamp", pl.Boolean: "bool", pl.Null: "text"}
        others |= dict.fromkeys([pl.String, pl.Categorical, pl.Enum], "text")
        if dtype.is_integer():
            return "int"
        if dtype.base_type() in others:
            return others[dtype.base_type()]
        if dtype.is_float():
            return "float32" if str(dtype) == "Float16" else "float"
        if dtype.is_decimal():
            return "decimal"
        if dtype.base_type() == pl.List and (dtype.inner.is_integer() or dtype.inner in (pl.String, pl.Null)):
            return "list"
        raise incomparable(dtype, series.name)


def storage_options(s3):
    """How a store is reached, by Polars' names."""
    options = {
        "aws_region": s3["region"],
        "aws_access_key_id": s3["access_key_id"],
        "aws_secret_access_key": s3["secret_access_key"],
        "aws_session_token": s3["session_token"],
        "aws_endpoint_url": s3["endpoint"],
        "aws_allow_http": "true",
        "aws_virtual_hosted_style_request": "false" if s3["path_style"] else "true",
    }
    return {name: value for name, value in options.items() if value}


if __name__ == "__main__":
    serve("polars", PolarsWheel)
