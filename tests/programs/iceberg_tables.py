"""Writes Iceberg tables by another client than ours, pyiceberg, each with the rows that a reader must find in it.

    python tests/programs/iceberg_tables.py <folder> [thrift://localhost:9083]

Namespace `lab`, in a catalog of SQLite in the folder or in a Hive Metastore; data and metadata lie below the folder.
Each table is one JSON object a line on stdout:

    {"table": "lab.added", "metadata": "/...metadata.json", "snapshots": [4711, 4712], "columns": ["id", "name", "note"],
     "kinds": ["int", "text", "text"], "rows": [["1", "ant", null], ...],
     "before": {"snapshot": 4711, "columns": ["id", "name"], "rows": [...]}}

Rows are sorted by their first column, and their values are text as in an answer, null or text; `before` is what the
first snapshot held. What they must be is worked out here in plain Python and never read back from a table. A table
whose columns no answer can hold (zones, bytes, nested ones) has null for those kinds.

Needs pyiceberg[sql-sqlite,hive,pyarrow,pyiceberg-core]==0.12.0. A metastore has to let columns go and change their
type: hive.metastore.disallow.incompatible.col.type.changes=false. What this is not: a reader; it tells what should be
in a table. Deletes beside the data files are made in iceberg_deletes.py.
"""

import datetime
import decimal
import json
import pathlib
import sys

import pyarrow as pa
import pyarrow.parquet
from iceberg_deletes import delete_rows, delete_values
from pyiceberg.catalog import load_catalog
from pyiceberg.expressions import GreaterThanOrEqual, LessThan
from pyiceberg.partitioning import PartitionField, PartitionSpec
from pyiceberg.schema import Schema
from pyiceberg.transforms import IdentityTransform, MonthTransform
from pyiceberg.types import (
    BinaryType,
    BooleanType,
    DateType,
    DecimalType,
    DoubleType,
    FloatType,
    IntegerType,
    ListType,
    LongType,
    NestedField,
    StringType,
    StructType,
    TimestampType,
    TimestamptzType,
)

KINDS = {
    IntegerType: "int",
    LongType: "int",
    FloatType: "float",
    DoubleType: "float",
    DecimalType: "decimal",
    DateType: "date",
    TimestampType: "timestamp",
    StringType: "text",
    BooleanType: "bool",
}
NAMES = ["ant", "bee", "cat", "dog", "eel", "fox", "gnu"]


class Lab:
    """The tables of one catalog."""

    def __init__(self, folder, thrift=None):
        self.folder = pathlib.Path(folder).resolve()
        self.folder.mkdir(parents=True, exist_ok=True)
        if thrift:
            self.catalog = load_catalog("lab", type="hive", uri=thrift)
            commit_without_lock()
        else:
            self.catalog = load_catalog("lab", type="sql", uri=f"sqlite:///{self.folder}/catalog.db")
        self.catalog.create_namespace_if_not_exists("lab", {"location": f"file://{self.folder}/lab"})

    def create(self, name, columns, **more):
        """A table of `columns`, pairs of name and Iceberg type."""
        fields = [NestedField(number, name, kind, required=False) for number, (name, kind) in enumerate(columns, 1)]
        # A metastore may have it from before, with files that are gone.
        if ("lab", name) in self.catalog.list_tables("lab"):
            self.catalog.drop_table(f"lab.{name}")
        return self.catalog.create_table(
            f"lab.{name}",
            Schema(*fields),
            location=f"file://{self.folder}/lab/{name}",
            properties={"format-version": "2", **more.pop("properties", {})},
            **more,
        )

    def tell(self, table, rows, before):
        """Prints the table: `rows` is what it has to hold, `before` what it held at its first snapshot, with names."""
        table = self.catalog.load_table(table.name())
        snapshots = [entry.snapshot_id for entry in table.history()]
        fields = table.schema().fields
        told = {
            "table": ".".join(table.name()),
            "metadata": table.metadata_location.removeprefix("file://"),
            "snapshots": snapshots,
            "columns": [field.name for field in fields],
            "kinds": [KINDS.get(type(field.field_type)) for field in fields],
            "rows": lines(rows, [field.name for field in fields]),
            "before": {"snapshot": snapshots[0], "columns": before[0], "rows": lines(before[1], before[0])},
        }
        print(json.dumps(told))


def commit_without_lock():
    """pyiceberg locks a table in the metastore to commit, and has no setting against it. A metastore that made its
    own tables has none for locks, and here nobody else commits."""
    from hive_metastore.ttypes import LockResponse, LockState
    from pyiceberg.catalog import hive

    hive.Client.lock = lambda client, request: LockResponse(lockid=0, state=LockState.ACQUIRED)
    hive.Client.unlock = lambda client, request: None


def lines(rows, columns):
    """Rows, which are dicts, as lists of text in the order of the columns and sorted by the first one."""
    return [[text(row.get(name)) for name in columns] for row in sorted(rows, key=lambda row: row[columns[0]])]


def text(value):
    match value:
        case None:
            return None
        case bool():
            return "true" if value else "false"
        case datetime.datetime():
            return value.isoformat(sep=" ")
        case datetime.date():
            return value.isoformat()
        case decimal.Decimal():
            return format(value, "f")
        case float():
            return repr(value)
        case bytes():
            return value.hex()
        case dict() | list():
            return json.dumps(value)
    return str(value)


def append(table, rows):
    """Appends rows, which are dicts, in the table's own types; what a row lacks is NULL."""
    table.append(pa.Table.from_pylist(rows, schema=table.schema().as_arrow()))


def animals(first, end, **more):
    """Rows with the ids from `first`, up to and without `end`; `more` has functions of the id for further columns."""
    rows = range(first, end)
    return [
        {"id": n, "name": NAMES[n % 7], "price": cents(n), **{column: of(n) for column, of in more.items()}} for n in rows
    ]


def cents(n):
    return decimal.Decimal(n * 137 % 1000).scaleb(-2)


PLAIN = [("id", LongType()), ("name", StringType()), ("price", DecimalType(15, 2))]
PLAIN_NAMES = [name for name, _ in PLAIN]


def appended(lab):
    table = lab.create("appended", PLAIN)
    for first in (0, 40, 80):
        append(table, animals(first, first + 40))
    lab.tell(table, animals(0, 120), (PLAIN_NAMES, animals(0, 40)))


def deleted(lab):
    """Deleted by a filter: pyiceberg writes the files anew without those rows, and drops those that it empties."""
    table = lab.create("deleted", PLAIN)
    append(table, animals(0, 40))
    append(table, animals(40, 80))
    table.delete(LessThan("id", 10))
    table.delete(GreaterThanOrEqual("id", 40))
    lab.tell(table, animals(10, 40), (PLAIN_NAMES, animals(0, 40)))


def emptied(lab):
    table = lab.create("emptied", PLAIN)
    append(table, animals(0, 20))
    table.delete(GreaterThanOrEqual("id", 0))
    lab.tell(table, [], (PLAIN_NAMES, animals(0, 20)))


def added(lab):
    table = lab.create("added", PLAIN)
    append(table, animals(0, 40))
    with table.update_schema() as change:
        change.add_column("note", StringType())
    append(table, animals(40, 80, note=lambda n: f"n{n}"))
    rows = animals(0, 40) + animals(40, 80, note=lambda n: f"n{n}")
    lab.tell(table, rows, (PLAIN_NAMES, animals(0, 40)))


def dropped(lab):
    table = lab.create("dropped", [*PLAIN, ("note", StringType())])
    append(table, animals(0, 40, note=lambda n: f"n{n}"))
    with table.update_schema() as change:
        change.delete_column("note")
    append(table, animals(40, 80))
    lab.tell(table, animals(0, 80), ([*PLAIN_NAMES, "note"], animals(0, 40, note=lambda n: f"n{n}")))


def renamed(lab):
    table = lab.create("renamed", PLAIN)
    append(table, animals(0, 40))
    with table.update_schema() as change:
        change.rename_column("name", "animal")
    rows = [{**row, "animal": row["name"]} for row in animals(0, 80)]
    append(table, [{name: row[name] for name in ("id", "animal", "price")} for row in rows[40:]])
    lab.tell(table, rows, (PLAIN_NAMES, animals(0, 40)))


def swapped(lab):
    """Two columns that took each other's names: whoever goes by names finds every value, in the wrong place."""
    table = lab.create("swapped", [("id", LongType()), ("low", LongType()), ("high", LongType())])
    before = [{"id": n, "low": n, "high": n + 1000} for n in range(40)]
    append(table, before)
    for old, new in (("low", "other"), ("high", "low"), ("other", "high")):
        with table.update_schema() as change:
            change.rename_column(old, new)
    after = [{"id": n, "low": n + 1000, "high": n} for n in range(80)]
    append(table, after[40:])
    lab.tell(table, after, (["id", "low", "high"], before))


def promoted(lab):
    table = lab.create("promoted", [("id", LongType()), ("n", IntegerType()), ("f", FloatType()), ("d", DecimalType(9, 2))])
    first = [{"id": n, "n": n * 1000, "f": n / 4, "d": cents(n)} for n in range(40)]
    append(table, first)
    with table.update_schema() as change:
        change.update_column("n", LongType())
        change.update_column("f", DoubleType())
        change.update_column("d", DecimalType(18, 2))
    more = [{"id": n, "n": n * 10**9, "f": n / 3, "d": cents(n) + 10**10} for n in range(40, 80)]
    append(table, more)
    lab.tell(table, first + more, (["id", "n", "f", "d"], first))


def readded(lab):
    """A column that was dropped and another one that took its name and type: the old values are not its own."""
    table = lab.create("readded", PLAIN)
    append(table, animals(0, 40))
    with table.update_schema() as change:
        change.delete_column("name")
    with table.update_schema() as change:
        change.add_column("name", StringType())
    append(table, animals(40, 80))
    rows = [{**row, "name": None} for row in animals(0, 40)] + animals(40, 80)
    lab.tell(table, rows, (PLAIN_NAMES, animals(0, 40)))


def position_deletes(lab):
    """A file of deletes for each data file, as writers of today make them; row groups that a filter can skip."""
    table = lab.create("position_deletes", PLAIN, properties={"write.parquet.row-group-limit": "10"})
    append(table, animals(0, 40))
    append(table, animals(40, 80))
    for file in data_files(table):
        first = first_id(file)
        gone = [position for position in range(40) if (first + position) % 3 == 0]
        delete_rows(table, [(file.file_path, position) for position in gone], scope=file.file_path)
    rows = [row for row in animals(0, 80) if row["id"] % 3]
    lab.tell(table, rows, (PLAIN_NAMES, animals(0, 40)))


def shared_deletes(lab):
    """One file of deletes for two data files, and a data file that came after it."""
    table = lab.create("shared_deletes", PLAIN)
    append(table, animals(0, 40))
    append(table, animals(40, 80))
    files = sorted(data_files(table), key=lambda file: file.file_path)
    delete_rows(table, [(file.file_path, position) for file in files for position in (0, 5, 39)])
    append(table, animals(80, 120))
    gone = {0, 5, 39, 40, 45, 79}
    rows = [row for row in animals(0, 120) if row["id"] not in gone]
    lab.tell(table, rows, (PLAIN_NAMES, animals(0, 40)))


def equality_deletes(lab):
    """Rows deleted by a value: every row of older files whose name is `cat`."""
    table = lab.create("equality_deletes", PLAIN)
    append(table, animals(0, 40))
    delete_values(table, "name", "cat")
    append(table, animals(40, 80))
    rows = [row for row in animals(0, 40) if row["name"] != "cat"] + animals(40, 80)
    lab.tell(table, rows, (PLAIN_NAMES, animals(0, 40)))


def partitioned(lab):
    """By the month of a day and by a text with characters that a path writes otherwise."""
    spec = PartitionSpec(
        PartitionField(source_id=2, field_id=1000, transform=MonthTransform(), name="day_month"),
        PartitionField(source_id=3, field_id=1001, transform=IdentityTransform(), name="region"),
    )
    columns = [("id", LongType()), ("day", DateType()), ("region", StringType()), ("price", DecimalType(15, 2))]
    table = lab.create("partitioned", columns, partition_spec=spec)
    start = datetime.date(2024, 1, 25)
    regions = ["north", "south/east", "a b=c", None]
    rows = [
        {"id": n, "day": start + datetime.timedelta(days=n % 50), "region": regions[n % 4], "price": cents(n)}
        for n in range(120)
    ]
    append(table, rows[:60])
    append(table, rows[60:])
    lab.tell(table, rows, ([name for name, _ in columns], rows[:60]))


def repartitioned(lab):
    """Not partitioned at first, then by a text, so that its files are of two specs."""
    columns = [("id", LongType()), ("region", StringType())]
    table = lab.create("repartitioned", columns)
    rows = [{"id": n, "region": ["north", "south"][n % 2]} for n in range(80)]
    append(table, rows[:40])
    with table.update_spec() as change:
        change.add_identity("region")
    append(table, rows[40:])
    lab.tell(table, rows, (["id", "region"], rows[:40]))


def imported(lab):
    """Files of somebody who writes no field ids: a mapping in the table's properties gives them by name."""
    table = lab.create("imported", PLAIN)
    table.add_files([foreign(lab, "imported-0", animals(0, 40))])
    table.add_files([foreign(lab, "imported-1", animals(40, 80))])
    lab.tell(table, animals(0, 80), (PLAIN_NAMES, animals(0, 40)))


def imported_renamed(lab):
    table = lab.create("imported_renamed", PLAIN)
    table.add_files([foreign(lab, "imported-renamed", animals(0, 40))])
    with table.update_schema() as change:
        change.rename_column("name", "animal")
    rows = [{**row, "animal": row["name"]} for row in animals(0, 80)]
    append(table, [{name: row[name] for name in ("id", "animal", "price")} for row in rows[40:]])
    lab.tell(table, rows, (PLAIN_NAMES, animals(0, 40)))


def foreign(lab, name, rows):
    """A Parquet file beside the tables, without field ids."""
    types = [("id", pa.int64()), ("name", pa.string()), ("price", pa.decimal128(15, 2))]
    path = lab.folder / f"{name}.parquet"
    pa.parquet.write_table(pa.Table.from_pylist(rows, schema=pa.schema(types)), path)
    return f"file://{path}"


def types(lab):
    columns = [
        ("i", IntegerType()),
        ("l", LongType()),
        ("f", FloatType()),
        ("d", DoubleType()),
        ("m", DecimalType(15, 2)),
        ("day", DateType()),
        ("ts", TimestampType()),
        ("tz", TimestamptzType()),
        ("s", StringType()),
        ("b", BooleanType()),
        ("x", BinaryType()),
    ]
    table = lab.create("types", columns)
    moment = datetime.datetime(1999, 12, 31, 23, 59, 58, 500000)
    rows = [
        {
            "i": n - 5,
            "l": (n - 5) * 10**12,
            "f": (n - 5) / 4,
            "d": (n - 5) / 3,
            "m": decimal.Decimal(n * 12345 - 50000).scaleb(-2),
            "day": datetime.date(1969, 12, 28) + datetime.timedelta(days=n),
            "ts": moment + datetime.timedelta(seconds=n),
            "tz": (moment + datetime.timedelta(hours=n)).replace(tzinfo=datetime.UTC),
            "s": "" if n == 3 else f"ä{n}",
            "b": n % 2 == 0,
            "x": bytes([n, 255 - n]),
        }
        for n in range(10)
    ]
    rows.append({"i": 10, **dict.fromkeys([name for name, _ in columns[1:]])})
    append(table, rows)
    lab.tell(table, rows, ([name for name, _ in columns], rows))


def nested(lab):
    place = StructType(NestedField(10, "city", StringType()), NestedField(11, "zip", IntegerType()))
    tags = ListType(12, StringType(), element_required=False)
    columns = [("id", LongType()), ("place", place), ("tags", tags)]
    table = lab.create("nested", columns)
    rows = [{"id": n, "place": {"city": NAMES[n % 7], "zip": n}, "tags": NAMES[: n % 3]} for n in range(40)]
    append(table, rows)
    lab.tell(table, rows, ([name for name, _ in columns], rows))


def many(lab):
    """A hundred files of one snapshot."""
    rows = [{"id": n, "n": n} for n in range(300)]
    # pyiceberg measures rows in memory: 16 bytes each, and up to three to a file.
    properties = {"write.target-file-size-bytes": str(3 * 16 + 8)}
    table = lab.create("many", [("id", LongType()), ("n", LongType())], properties=properties)
    append(table, rows)
    files = len(data_files(table))
    if files != 100:
        raise ValueError(f"lab.many has {files} files and not 100: pyiceberg packs rows otherwise than it did")
    lab.tell(table, rows, (["id", "n"], rows))


def data_files(table):
    return [task.file for task in table.scan().plan_files()]


def first_id(file):
    """The smallest id in a data file, by its footer."""
    footer = pa.parquet.read_metadata(file.file_path.removeprefix("file://"))
    return footer.row_group(0).column(0).statistics.min


TABLES = [
    *(appended, deleted, emptied, added, dropped, renamed, swapped, promoted, readded),
    *(position_deletes, shared_deletes, equality_deletes, partitioned, repartitioned, imported, imported_renamed),
    *(types, nested, many),
]


if __name__ == "__main__":
    if len(sys.argv) not in (2, 3):
        sys.exit("usage: python iceberg_tables.py <folder> [thrift://host:port]")
    lab = Lab(*sys.argv[1:])
    for make in TABLES:
        make(lab)
