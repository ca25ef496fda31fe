"""Daft as its makers ship it for Python, on its native runner in this process (not on Ray), driven by its SQL.

Each run opens the files anew, or an Iceberg table's metadata, plans and collects. What this is not: a home for query
texts. Where Daft's dialect needs another text than the canonical one, that text is in fixtures/tpch/queries/daft and
says why.

Daft's SQL cannot be told to read only. It takes one statement and fails on COPY, INSERT, UPDATE, DELETE and DROP, and on
CREATE TABLE for want of a catalog, so that no text writes a file; but one may read other files, by read_csv(...).

No plan is told: Daft 0.7.26 makes another one in each process, with its aggregates in another order and now and then a
projection more, so that a plan that changed would say nothing.
"""

import functools
import inspect
import json
import os
import re

import querydyno_iceberg
from querydyno import Engine, Unsupported, arrow_answer, serve

# Daft tells its makers of every import and of every query, and draws progress bars, unless it finds these.
QUIET = {"DAFT_ANALYTICS_ENABLED": "0", "DO_NOT_TRACK": "1", "SCARF_NO_ANALYTICS": "1", "DAFT_PROGRESS_BAR": "0"}


class Daft(Engine):
    reads_s3 = True

    def __init__(self, settings):
        os.environ.update(QUIET)
        iceberg = querydyno_iceberg.settings(settings["threads"], settings["s3"])
        import daft

        # Once and before all else: the first read would start a runner with a thread for each core. There is no
        # memory limit to set, since DAFT_MEMORY_LIMIT is for user-defined functions only, and nothing ever spills.
        daft.set_runner_native(num_threads=settings["threads"])
        configure(daft, settings["options"])
        self.daft = daft
        self.frames = {}
        self.stored = {"io_config": io_config(settings["s3"])} if settings["s3"] else {}
        #: Names of the tables that have deletes.
        self.deleted = set()
        self.version = daft.__version__
        self.source = f"wheel daft {self.version}"
        self.settings = {
            **settings["options"],
            **iceberg,
            "runner": "native",
            "num_threads": str(settings["threads"]),
        }

    def load(self, tables):
        for name, files in tables.items():
            paths = [plain(file) for file in files]
            self.frames[name] = functools.partial(self.daft.read_parquet, paths, **self.stored)

    def load_folders(self, tables):
        for table in tables:
            files = [plain(file) for file in table.files]
            self.frames[table.name] = functools.partial(self.daft.read_parquet, files, hive_partitioning=True)

    def load_iceberg(self, tables):
        self.frames |= {table.name: self.iceberg(table) for table in tables}

    def iceberg(self, table):
        """A function that reads the table anew. What Daft 0.7.26 reads wrongly is refused here."""
        refuse_reused_names(table)
        deletes = [file for task in querydyno_iceberg.planned(table) for file in task.delete_files]
        if any(file.file_format != "PARQUET" for file in deletes):
            raise Unsupported(f"{table.name} has deletion vectors, which Daft does not read")
        if deletes:
            self.deleted.add(table.name)
        return lambda: self.daft.read_iceberg(unpartitioned(querydyno_iceberg.at_snapshot(table)), **self.stored)

    def count(self, table):
        return self.frames[table]().count_rows()

    def prepare(self, query):
        # Only the tables that the text names: a run opens each of its files, and a table too many would be timed.
        # A name in a comment is one too many and costs time; a name that is more than a word is looked for as it is.
        words = set(re.findall(r"\w+", query["sql"]))
        named = {name for name in self.frames if name in words or (not re.fullmatch(r"\w+", name) and name in query["sql"])}
        frames = {name: frame for name, frame in self.frames.items() if name in named}
        deleted = self.deleted & named
        if deleted and re.search(r"\blimit\b", query["sql"], re.IGNORECASE):
            raise Unsupported(f"{', '.join(sorted(deleted))} has deletes: Daft counts deleted rows towards a LIMIT")
        return query["sql"], frames

    def run(self, prepared):
        sql, tables = prepared
        frames = {name: frame() for name, frame in tables.items()}
        try:
            return self.daft.sql(sql, register_globals=False, **frames).collect()
        except self.daft.exceptions.DaftCoreException as error:
            if "carries no parquet field IDs" in str(error):
                raise Unsupported(f"Daft: {error}") from error
            raise

    def answer(self, output):
        return arrow_answer(output.to_arrow())

    def arrow(self, output):
        return output.to_arrow_iter()


def io_config(s3):
    """How a store is reached, by Daft's names."""
    from daft.io import IOConfig, S3Config

    endpoint = s3["endpoint"]
    return IOConfig(
        s3=S3Config(
            region_name=s3["region"],
            endpoint_url=endpoint,
            key_id=s3["access_key_id"],
            access_key=s3["secret_access_key"],
            session_token=s3["session_token"],
            use_ssl=not (endpoint or "").startswith("http://"),
            force_virtual_addressing=not s3["path_style"],
        )
    )


def plain(file):
    """A file's name as the pattern that matches nothing else: Daft takes every name for a pattern."""
    return re.sub(r"([][*?{}\\])", r"\\\1", file)


def unpartitioned(found):
    """pyiceberg's table with a partitioning for Daft to see that has no fields; each file keeps its own.

    Daft takes conditions on partitions for itself, and gets wrong rows by it: it forgets them for files of an older
    partitioning, and negates them where a partition holds more than one value. What it does not take it hands to
    pyiceberg, which leaves out files by their partitions as well.
    """
    from pyiceberg.partitioning import PartitionSpec

    specs = found.metadata.partition_specs
    none = PartitionSpec(spec_id=1 + max(spec.spec_id for spec in specs))
    then = {"partition_specs": [*specs, none], "default_spec_id": none.spec_id}
    found.metadata = found.metadata.model_copy(update=then)
    return found


def refuse_reused_names(table):
    """Refuses a table with a name that belonged to a column which is gone: Daft takes that one's values for it."""
    found = querydyno_iceberg.at_snapshot(table)
    now = found.schema()
    ids = set(now.field_ids)
    for schema in found.schemas().values():
        for name in set(schema.column_names) & set(now.column_names):
            if schema.find_field(name).field_id not in ids:
                raise Unsupported(
                    f"{table.name} dropped a column {name} and has another of that name: Daft mixes the two up"
                )


def configure(daft, options):
    """Hands options, whose values are text, to daft.set_execution_config, which takes them by name."""
    known = set(inspect.signature(daft.set_execution_config).parameters) - {"config"}
    for name, text in options.items():
        if name not in known:
            raise ValueError(f"Daft has no option {name}; it has {', '.join(sorted(known))}")
        try:
            daft.set_execution_config(**{name: value(text)})
        except (TypeError, ValueError, OverflowError) as error:
            raise ValueError(f"Daft's option {name} cannot be {text}: {error}") from error


def value(text):
    """A number, true, false or a list, where the text is one in JSON; else the text itself."""
    try:
        read = json.loads(text)
    except ValueError:
        return text
    # Daft takes None for an option that is not given, and a setting that is not one must not be reported.
    return text if read is None else read


if __name__ == "__main__":
    serve("daft", Daft)
