"""The engine's side of QueryDyno's protocol, for engines that are driven from Python.

An engine is a class with the methods of `Engine`; `serve("name", TheClass)` is its whole main. Only `run` is
timed. What this is not: a home for engines (one folder each, beside this one) or for anything that needs a package
beyond Python's own; `arrow_answer` takes a pyarrow table, but imports nothing.

    echo | PYTHONPATH=src/engine/python/module python src/engine/python/pandas/engine.py
"""

import dataclasses
import datetime
import decimal
import json
import math
import os
import platform
import re
import resource
import struct
import sys
import time
import traceback

PROTOCOL = 1


class Unsupported(Exception):
    """The engine cannot do this by its nature: its cell is skipped with this reason instead of failing."""


@dataclasses.dataclass(frozen=True)
class IcebergTable:
    """An Iceberg table at one of its snapshots."""

    name: str
    #: Absolute path of its metadata file.
    metadata: str
    snapshot_id: int
    #: Absolute paths of the Parquet files that the snapshot consists of.
    files: list
    #: The columns of the snapshot's schema, in order.
    columns: list
    #: Whether a file lacks one of the columns, which is NULL then, or has one that was dropped.
    evolved: bool = False
    #: Why the files alone do not tell the table's rows, if they do not.
    needs_reader: str | None = None


class Engine:
    """What an engine does, in this order: __init__, load, then per query prepare, run (many), rows, answer.

    `settings` has `threads`, `memory_limit_bytes` (None without one), `scratch` (a folder for spill files), `mode`
    (None, or one of the modes that the engine's entry lists) and `options`. Import the engine's package in
    `__init__`, after whatever has to be set before, so that a slow import is no late greeting.
    """

    #: The engine's own version, "2.0.0"; set it in __init__.
    version = ""
    #: Where the engine came from; "wheel polars 2.1.0".
    source = None
    #: Every setting that is not the engine's default, threads included: names and values are text.
    settings = {}

    def __init__(self, settings):
        raise NotImplementedError

    def load(self, tables):
        """Makes the tables known: `tables` is {"lineitem": ["/data/lineitem.parquet"], ...}. Not timed.

        These are files, not patterns, and their columns are those in them: none comes from a path.
        """
        raise NotImplementedError

    def load_iceberg(self, tables):
        """The same for Iceberg tables, `tables` being a list of `IcebergTable`. Not timed.

        An engine with a reader of Iceberg uses it here; this one loads the files, and refuses where they are not all.
        Where a dataset has tables of both kinds, `load` comes before, and what it made known has to stay.
        """
        self.load({table.name: table.files for table in told_by_files(tables)})

    def prepare(self, query):
        """Takes a query: `query` has "workload", "name" ("q1") and "sql". Must not plan it. Not timed."""
        return query["sql"]

    def run(self, prepared):
        """Plans, executes and materialises every row in the engine's own format. Timed."""
        raise NotImplementedError

    def rows(self, output):
        """The number of rows; checked after every run, not timed."""
        return len(output)

    def answer(self, output):
        """`answer(...)` or `arrow_answer(...)` of an output. Not timed."""
        raise NotImplementedError


def told_by_files(tables, by_name=False):
    """The same tables, if their files alone tell their rows to an engine without a reader of Iceberg.

    `by_name` is for an engine that takes just the table's columns from each file, with NULL for one that is not there.
    """
    for table in tables:
        if table.needs_reader:
            raise Unsupported(f"{table.name} takes a reader of Iceberg, which is not here: {table.needs_reader}")
        if table.evolved and not by_name:
            raise Unsupported(
                f"{table.name} takes a reader of Iceberg, which is not here: its files lack columns that were added, "
                "or have ones that were dropped"
            )
        if not table.files:
            raise Unsupported(f"{table.name} takes a reader of Iceberg, which is not here: it has no files to read")
    return tables


def answer(columns, rows):
    """An answer of `columns`, pairs of name and kind, and `rows` of Python values.

    A kind is int, decimal, float, float32, text, date, timestamp or bool.
    """
    writers = [_single if kind == "float32" else _text for _, kind in columns]
    return {
        "columns": [{"name": name, "kind": kind.removesuffix("32")} for name, kind in columns],
        "rows": [[write(value) for write, value in zip(writers, row, strict=True)] for row in rows],
    }


def arrow_answer(table):
    """An answer of a pyarrow table."""
    columns = [(field.name, _arrow_kind(str(field.type))) for field in table.schema]
    # As text a timestamp keeps its nanoseconds, which Python's own has no room for.
    typed = zip(columns, table.columns, strict=True)
    values = [column.cast("string") if kind == "timestamp" else column for (_, kind), column in typed]
    return answer(columns, zip(*(column.to_pylist() for column in values), strict=True))


def incomparable(kind):
    """Why a result column of a type that no answer can hold leaves a time unchecked."""
    return Unsupported(
        f"a result column of type {kind} cannot be compared yet: cast it in the query, a time with a zone to a timestamp "
        "without one, anything else to text"
    )


def serve(name, engine):
    """Drives an engine over stdin and stdout until stdin closes. What it prints itself goes to stderr."""
    replies = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)

    def say(did, **fields):
        replies.write(json.dumps({"did": did, **fields}) + "\n")
        replies.flush()

    say("hello", protocol=PROTOCOL, engine=name)
    session = _Session(engine)
    for line in sys.stdin:
        if not line.strip():
            continue
        request = json.loads(line)
        did = request.pop("do")
        try:
            say(did, **getattr(session, did)(**request))
        except Unsupported as reason:
            say("unsupported", reason=str(reason))
        except Exception as error:  # an engine's error is its cell's failure, whatever it is
            traceback.print_exc()
            say("fail", message=f"{type(error).__name__}: {error}")
    # All is said. Taking Python down with native threads still in it crashed now and then (daft, pyarrow: signal 6),
    # and would cost a cell whose samples are good.
    sys.stderr.flush()
    os._exit(0)


class _Session:
    """One method per request."""

    def __init__(self, engine):
        self.make = engine

    def open(self, settings):
        self.engine = self.make({"mode": None, **settings})
        given = {"python": platform.python_version(), "threads": str(settings["threads"])}
        info = {"version": self.engine.version, "settings": {**given, **self.engine.settings}}
        return {"info": {**info, "build": {"source": self.engine.source}}}

    def load(self, dataset):
        start = time.perf_counter_ns()
        # Each table says what it is: one of a dataset may be Iceberg, and the next plain files.
        files = {table["name"]: table["files"] for table in dataset["tables"] if not table.get("iceberg")}
        iceberg = [_iceberg_table(**table) for table in dataset["tables"] if table.get("iceberg")]
        if iceberg and type(self.engine).load_iceberg is Engine.load_iceberg:
            # All are files to it, so it gets all at once.
            files |= {table.name: table.files for table in told_by_files(iceberg)}
            iceberg = []
        if files or not iceberg:
            self.engine.load(files)
        if iceberg:
            self.engine.load_iceberg(iceberg)
        return {"load_ns": time.perf_counter_ns() - start}

    def prepare(self, query):
        self.output = None
        self.prepared = self.engine.prepare(query)
        return {}

    def run(self, iterations, observe=None):
        # Of what a run can be watched for, its phases may stay untold; the rest takes a program of its own.
        if observe and observe["what"] != "phases":
            raise Unsupported(f"a script cannot be watched for its {observe['what']}")
        durations, rows = [], None
        before = _usage()
        cpu = time.process_time_ns()
        for _ in range(iterations):
            # The previous output goes before the clock starts: dropping is not timed, and two never lie in memory.
            self.output = None
            start = time.perf_counter_ns()
            self.output = self.engine.run(self.prepared)
            durations.append(time.perf_counter_ns() - start)
            now = self.engine.rows(self.output)
            if rows not in (None, now):
                raise ValueError(f"the same query gave {rows} rows before and {now} rows now")
            rows = now
        cpu = time.process_time_ns() - cpu
        usage = {name: count - before[name] for name, count in _usage().items()}
        return {"rows": rows, "durations_ns": durations, "cpu_time_ns": cpu, "usage": usage}

    def answer(self):
        output, self.output = self.output, None
        return {"answer": self.engine.answer(output)}


def _iceberg_table(name, files, iceberg, **_):
    known = {field.name for field in dataclasses.fields(IcebergTable)}
    # `name` there is the metastore's name of it.
    told = {key: value for key, value in iceberg.items() if key in known}
    return IcebergTable(**{**told, "name": name, "files": files})


def _usage():
    """What the kernel has counted for this process and its children that have ended."""
    both = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return {
        "minor_page_faults": sum(usage.ru_minflt for usage in both),
        "major_page_faults": sum(usage.ru_majflt for usage in both),
        "voluntary_context_switches": sum(usage.ru_nvcsw for usage in both),
        "involuntary_context_switches": sum(usage.ru_nivcsw for usage in both),
    }


def _text(value):
    """A value in the form that its kind has on the wire; None stays None."""
    match value:
        case None | str():
            return value
        case bool():
            return "true" if value else "false"
        case decimal.Decimal():
            return format(value, "f")
        case float():
            return repr(value)
        case datetime.datetime():
            return value.isoformat(sep=" ")
        case datetime.date():
            return value.isoformat()
    # numpy's numbers know how to become Python's; an int is its own text.
    return str(value) if isinstance(value, int) else _text(value.item())


def _single(value):
    """A number of single precision in the fewest digits that make it, as other engines write it; Python knows doubles."""
    if value is None or not math.isfinite(value):
        return _text(value)
    shorter = (f"{value:.{digits}g}" for digits in range(1, 10))
    fewest = next(text for text in shorter if struct.pack("f", float(text)) == struct.pack("f", value))
    return repr(float(fewest))


def _arrow_kind(arrow_type):
    # A column of nothing but NULLs has no type, and any kind can hold them.
    exact = {"bool": "bool", "null": "text", "halffloat": "float", "float": "float32", "double": "float"}
    texts = ("string", "large_string", "string_view")
    # What stands before the brackets: timestamp[us], decimal128(15, 2), date32[day]. Of a list it is `list<item: ...>`.
    name = re.match(r"\w+", arrow_type)[0]
    if arrow_type in exact:
        return exact[arrow_type]
    if arrow_type in texts or re.fullmatch(r"dictionary<values=(large_)?string, .*", arrow_type):
        return "text"
    if re.fullmatch(r"u?int\d+", arrow_type):
        return "int"
    if name.startswith("decimal"):
        return "decimal"
    if name in ("date32", "date64"):
        return "date"
    if name == "timestamp" and "tz=" not in arrow_type:
        return "timestamp"
    raise incomparable(arrow_type)
