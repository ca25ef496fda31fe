"""The engine's side of QueryDyno's protocol, for engines that are driven from Python.

An engine is a class with the methods of `Engine`; `serve("name", TheClass)` is its whole main. Only `run` is
timed. What this is not: a home for engines (one folder each, beside this one), or for how values are written: that is in
querydyno_values.py and querydyno_arrow.py, whose functions for engines are imported here. Nothing needs a package beyond
Python's own; pyarrow is imported when an engine has given a large answer as Arrow.

    echo | PYTHONPATH=src/engine/python/module python src/engine/python/pandas/engine.py

JSON objects, one a line, in UTF-8 whatever the environment says; `src/protocol/messages.rs` has the host's side.

| host says | reply |
|---|---|
| | `{"did":"hello","protocol":2,"engine":"polars"}` |
| `{"do":"open","settings":{...}}` | `{"did":"open","info":{"version":"2.1.0","settings":{...},"build":{...}},"tells_plan":true}` |
| `{"do":"load","dataset":{...},"count":true}` | `{"did":"load","load_ns":81234,"rows":{"lineitem":6001215}}` |
| `{"do":"prepare","task":{...}}` | `{"did":"prepare"}` |
| `{"do":"reset"}` | `{"did":"reset"}` |
| `{"do":"run","iterations":3}` | `{"did":"run","rows":4,"durations_ns":[...],"cpu_time_ns":912,"usage":{...}}` |
| `{"do":"answer","rows_up_to":100000}` | `{"did":"answer","answer":{"columns":[...],"rows":[...]}}` |
| the same, where there are more rows | `{"did":"answer","arrow":{"path":"/scratch/answer.arrow","rows":6001215}}` |
| `{"do":"plan"}` | `{"did":"plan","text":"..."}` |

`count` and `rows_up_to` may be left out: nothing is counted then, and rows come as text however many there are. So they
do from an engine without `arrow`. `rows` has the tables that the engine can count. The file is an uncompressed stream
of Arrow's IPC format with the whole output.
"""

import contextlib
import dataclasses
import importlib
import json
import os
import pathlib
import platform
import resource
import sys
import time
import traceback

from querydyno_arrow import arrow_answer, arrow_kind, arrow_values, write_stream
from querydyno_values import Unsupported, answer, incomparable

__all__ = [
    "Engine",
    "FolderTable",
    "IcebergTable",
    "Unsupported",
    "answer",
    "arrow_answer",
    "arrow_kind",
    "arrow_values",
    "incomparable",
    "plans_by_suite",
    "serve",
    "told_by_files",
]

PROTOCOL = 2


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


@dataclasses.dataclass(frozen=True)
class FolderTable:
    """A table with a folder for each value of a column of texts, which its files do not have: `root/category=tech/a.parquet`."""

    name: str
    #: Absolute path of the folder that holds these folders.
    root: str
    column: str
    #: Absolute paths of all files.
    files: list


class Engine:
    """What an engine does, in this order: __init__, load, count, then per task take or prepare, run (many), rows, answer,
    plan.

    It has to have `__init__`, `load`, `run` and `answer`; the others can be left as they are. The process is in UTC.

    `settings` has `threads`, `memory_limit_bytes` (None without one), `scratch` (a folder for spill files), `mode`
    (None, or one of the modes that the engine's entry lists), `options`, and `s3` (None, or what a store is reached by, where
    tables are on S3: `endpoint`, `region`, `path_style`, `access_key_id`, `secret_access_key`, `session_token`). Import the engine's package in
    `__init__`, after whatever has to be set before, so that a slow import is no late greeting.
    """

    #: The engine's own version, "2.0.0"; set it in __init__.
    version = ""
    #: Where the engine came from; "wheel polars 2.1.0".
    source = None
    #: Every setting that is not the engine's default, threads included: names and values are text. Nothing of `s3` is told.
    settings = {}
    #: Whether `load` takes files whose names begin with "s3://".
    reads_s3 = False

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

    def load_folders(self, tables):
        """The same for tables that have a folder for each value of a column, `tables` being a list of `FolderTable`."""
        names = ", ".join(table.name for table in tables)
        raise Unsupported(f"{names} has a column in the names of its folders, and this engine does not read such tables")

    def count(self, table):
        """The number of rows of a table as the engine's users would ask for it, or None if that would not be cheap.

        Not timed. The host holds it against what it knows of the files.
        """
        return None

    def take(self, task):
        """Takes a task, and does its "setup": `task` has "workload", "name", "steps" and, where it is more than a query,
        "setup", "reset", "check", "sink". Must not plan its steps. Not timed.

        An engine that only runs queries leaves this as it is.
        """
        [step, *more] = task["steps"]
        other = more or any(task.get(part) for part in ("setup", "reset", "check", "sink"))
        if other or "sql" not in step:
            raise Unsupported(f"{task['name']} is no single query, and this engine runs nothing else")
        return self.prepare({"workload": task["workload"], "name": task["name"], "sql": step["sql"]})

    def prepare(self, query):
        """Takes a query: `query` has "workload", "name" ("q1") and "sql". Must not plan it. Not timed."""
        return query["sql"]

    def reset(self, prepared):
        """Does a task's "reset", before each run. Not timed."""

    def run(self, prepared):
        """Plans, executes and materialises every row in the engine's own format. Timed.

        A task of several steps can take their time: `with self.step("read"): ...`.
        """
        raise NotImplementedError

    @contextlib.contextmanager
    def step(self, name):
        """Takes the time of a step of the run; what is done in several pieces is added up."""
        start = time.perf_counter_ns()
        yield
        spans = self.__dict__.setdefault("_querydyno_spans", {})
        spans[name] = spans.get(name, 0) + time.perf_counter_ns() - start

    def rows(self, output):
        """The number of rows; checked after every run, not timed."""
        return len(output)

    def plan(self, prepared):
        """How the engine would run it, in its own words, a line for each operator: a text without times, guessed sizes or
        anything else that differs between two runs over the same data. None, as here, if there is none to tell.

        Asked for once, after the samples. Not timed.
        """
        return None

    def answer(self, output):
        """`answer(...)` or `arrow_answer(...)` of an output. Not timed."""
        raise NotImplementedError

    def arrow(self, output):
        """The whole output for an answer of many rows: a pyarrow table, a RecordBatchReader, or an iterator over tables
        or batches, which takes the least memory. None, as here, if the engine has no Arrow: then `answer` is asked.

        Not timed. Types that no answer can hold are refused afterwards, but an engine whose Arrow has other types than
        the engine itself has to refuse here, with `incomparable`.
        """
        return None


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


def plans_by_suite():
    """The plans that somebody wrote by hand: beside the program's `engine.py`, each suite has a module of its name, or a
    folder with an `__init__.py` when one file would be too long.
    """
    beside = pathlib.Path(sys.argv[0]).parent
    files = [file.stem for file in beside.glob("*.py") if file.stem != "engine"]
    folders = [file.parent.name for file in beside.glob("*/__init__.py")]
    return {suite: importlib.import_module(suite) for suite in files + folders}


def serve(name, engine):
    """Drives an engine over stdin and stdout until stdin closes. What it prints itself goes to stderr."""
    replies = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    # Before any library asks: a time without a zone means the same to all engines on all machines.
    os.environ["TZ"] = "UTC"
    time.tzset()

    def say(did, **fields):
        replies.write((json.dumps({"did": did, **fields}) + "\n").encode())
        replies.flush()

    say("hello", protocol=PROTOCOL, engine=name)
    session = _Session(engine)
    # Bytes, since Python's own text streams are in whatever encoding the environment names.
    for line in sys.stdin.buffer:
        if not line.strip():
            continue
        try:
            request = json.loads(line.decode())
            did = request.pop("do")
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
        self.scratch = settings["scratch"]
        s3 = settings.get("s3")
        # A key that the host leaves out is not set.
        s3 = s3 and {"session_token": None, "endpoint": None, **s3}
        self.engine = self.make({"mode": None, **settings, "s3": s3})
        given = {"python": platform.python_version(), "threads": str(settings["threads"]), "TZ": os.environ["TZ"]}
        info = {"version": self.engine.version, "settings": {**given, **self.engine.settings}}
        return {"info": {**info, "build": {"source": self.engine.source}}, "tells_plan": True}

    def load(self, dataset, count=False):
        start = time.perf_counter_ns()
        elsewhere = [file for table in dataset["tables"] for file in table["files"] if "://" in file]
        if elsewhere and not self.engine.reads_s3:
            raise Unsupported(f"{elsewhere[0]} is not on this machine, and this engine reads files of this machine only")
        # Each table says what it is: one of a dataset may be Iceberg, and the next plain files.
        plain = [table for table in dataset["tables"] if not table.get("iceberg") and not table.get("folders")]
        files = {table["name"]: table["files"] for table in plain}
        folders = [
            FolderTable(table["name"], table["folders"]["root"], table["folders"]["column"], table["files"])
            for table in dataset["tables"]
            if table.get("folders")
        ]
        iceberg = [_iceberg_table(**table) for table in dataset["tables"] if table.get("iceberg")]
        if iceberg and type(self.engine).load_iceberg is Engine.load_iceberg:
            # All are files to it, so it gets all at once.
            files |= {table.name: table.files for table in told_by_files(iceberg)}
            iceberg = []
        if files or not (iceberg or folders):
            self.engine.load(files)
        if folders:
            self.engine.load_folders(folders)
        if iceberg:
            self.engine.load_iceberg(iceberg)
        load_ns = time.perf_counter_ns() - start
        if not count:
            return {"load_ns": load_ns}
        counts = {table["name"]: self.engine.count(table["name"]) for table in dataset["tables"]}
        rows = {name: rows for name, rows in counts.items() if rows is not None}
        return {"load_ns": load_ns, **({"rows": rows} if rows else {})}

    def prepare(self, task, query=None):
        self.output = None
        self.prepared = self.engine.take(task)
        return {}

    def reset(self):
        self.output = None
        self.engine.reset(self.prepared)
        return {}

    def run(self, iterations, observe=None):
        # Of what a run can be watched for, its phases may stay untold; the rest takes a program of its own.
        if observe and observe["what"] != "phases":
            raise Unsupported(f"a script cannot be watched for its {observe['what']}")
        durations, rows, spans = [], None, {}
        before = _usage()
        cpu = time.process_time_ns()
        for _ in range(iterations):
            # The previous output goes before the clock starts: dropping is not timed, and two never lie in memory.
            self.output = None
            start = time.perf_counter_ns()
            self.output = self.engine.run(self.prepared)
            durations.append(time.perf_counter_ns() - start)
            for name, took in self.engine.__dict__.pop("_querydyno_spans", {}).items():
                spans.setdefault(name, []).append(took)
            now = self.engine.rows(self.output)
            if rows not in (None, now):
                raise ValueError(f"the same query gave {rows} rows before and {now} rows now")
            rows = now
        cpu = time.process_time_ns() - cpu
        usage = {name: count - before[name] for name, count in _usage().items()}
        told = {"rows": rows, "durations_ns": durations, "cpu_time_ns": cpu, "usage": usage}
        if spans:
            told["spans"] = [{"step": name, "durations_ns": took} for name, took in spans.items()]
        return told

    def plan(self):
        text = self.engine.plan(self.prepared)
        return {} if text is None else {"text": text}

    def answer(self, rows_up_to=None, buckets=None):
        # The host picks the rows of `buckets` itself, out of the whole output.
        output, self.output = self.output, None
        rows = self.engine.rows(output)
        source = None if rows_up_to is None or rows <= rows_up_to else self.engine.arrow(output)
        if source is None:
            return {"answer": self.engine.answer(output)}
        path = os.path.join(self.scratch, "answer.arrow")
        written = write_stream(source, path)
        if written != rows:
            raise ValueError(f"the output has {rows} rows, but {written} in Arrow's format")
        return {"arrow": {"path": path, "rows": written}}


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
