"""DuckDB as its makers ship it for Python. Tables are views over read_parquet; planning is timed.

Iceberg tables are read by their files: DuckDB's own reader is an extension that it would have to download. So is its client of
S3, which is loaded where it is installed, or where Python's package duckdb-extension-httpfs of the same version is. From the
first query on it reads nothing but the tables' files and writes nothing but what it spills.

pyarrow is not imported before an answer of many rows needs it: what it takes would count as DuckDB's memory.
"""

import importlib.util
import json
import pathlib
import re

from querydyno import Engine, Unsupported, answer, incomparable, serve, told_by_files

#: DuckDB's names of types that are one word, but the integers'. `"NULL"` is that of a column of nothing else.
KINDS = {
    "DOUBLE": "float",
    "FLOAT": "float32",
    "VARCHAR": "text",
    "DATE": "date",
    "BOOLEAN": "bool",
    "TIMESTAMP": "timestamp",
    "TIMESTAMP_S": "timestamp",
    "TIMESTAMP_MS": "timestamp",
    "TIMESTAMP_NS": "timestamp",
    "TIMESTAMP WITH TIME ZONE": "timestamp",
    "TIMESTAMPTZ_NS": "timestamp",
    '"NULL"': "text",
}
#: Set after opening; the last two, which are for reading only, before the first query.
SESSION = {"TimeZone": "UTC", "enable_external_access": "false", "lock_configuration": "true"}
#: What an operator of a plan guesses from the statistics of the files.
GUESSED = {"Estimated Cardinality"}
INTEGERS = r"U?(TINY|SMALL|BIG|HUGE)INT|U?INTEGER"


class DuckDbWheel(Engine):
    reads_s3 = True

    def __init__(self, settings):
        import duckdb

        wanted = {**settings["options"], "threads": str(settings["threads"])}
        if settings["memory_limit_bytes"]:
            wanted["memory_limit"] = f"{settings['memory_limit_bytes']}B"
        self.duckdb = duckdb
        self.connection = duckdb.connect(config={**wanted, "temp_directory": settings["scratch"]})
        self.connection.execute("SET TimeZone = 'UTC'")
        #: The files of all tables, which alone may be read.
        self.files = []
        self.locked = False
        self.s3 = settings["s3"]
        self.reaches_s3 = False
        self.version = duckdb.__version__
        self.source = f"wheel duckdb {self.version}"
        self.settings = {**wanted, **SESSION}

    def load(self, tables):
        for name, files in tables.items():
            self.view(name, "*", files)

    def load_iceberg(self, tables):
        for table in told_by_files(tables, by_name=True):
            options = ", union_by_name = true" if table.evolved else ""
            try:
                self.view(table.name, ", ".join(map(quoted, table.columns)), table.files, options)
            except self.duckdb.BinderException as error:
                raise Unsupported(f"{table.name} has a column that none of its files has: {error}") from error

    def load_folders(self, tables):
        for table in tables:
            # A text, whatever it looks like.
            hive = f"hive_partitioning = true, hive_types = {{{text(table.column)}: VARCHAR}}"
            self.view(table.name, "*", table.files, hive=hive)

    def view(self, name, columns, files, options="", hive="hive_partitioning = false"):
        paths = ", ".join(text(plain(file)) for file in files)
        self.files += files
        if any(file.startswith("s3://") for file in files):
            self.reach()
        # The values are in the files. Of a folder's name like `region=south` DuckDB would make a column, before the
        # files' own of that name.
        read = f"read_parquet([{paths}], {hive}{options})"
        self.connection.execute(f"CREATE OR REPLACE VIEW {quoted(name)} AS SELECT {columns} FROM {read}")

    def reach(self):
        """Loads DuckDB's client of S3, once, and tells it the store. It fetches no extension: what is not there is not there."""
        if self.reaches_s3:
            return
        found = importlib.util.find_spec("duckdb_extension_httpfs")
        file = found and pathlib.Path(found.origin).parent / f"extensions/v{self.version}/httpfs.duckdb_extension"
        try:
            self.connection.execute("LOAD httpfs" if file is None else f"LOAD {text(str(file))}")
        except self.duckdb.Error as error:
            why = str(error).splitlines()[0]
            raise Unsupported(
                f"DuckDB {self.version} reads S3 by its extension httpfs, which is not in its package and cannot be loaded here: {why}"
            ) from error
        scheme, _, host = (self.s3["endpoint"] or "https://").partition("://")
        parts = {
            "KEY_ID": text(self.s3["access_key_id"]),
            "SECRET": text(self.s3["secret_access_key"]),
            "SESSION_TOKEN": self.s3["session_token"] and text(self.s3["session_token"]),
            "REGION": text(self.s3["region"]),
            "ENDPOINT": host and text(host),
            "URL_STYLE": text("path" if self.s3["path_style"] else "vhost"),
            "USE_SSL": "false" if scheme == "http" else "true",
        }
        told = ", ".join(f"{name} {value}" for name, value in parts.items() if value)
        self.connection.execute(f"CREATE OR REPLACE SECRET (TYPE s3, {told})")
        self.reaches_s3 = True

    def count(self, table):
        return self.connection.sql(f"SELECT count(*) FROM {quoted(table)}").fetchall()[0][0]

    def prepare(self, query):
        # Parsed, not planned. What a SELECT can do beside reading, as in `WITH t AS (COPY ...)`, the lock forbids.
        kinds = [statement.type.name for statement in self.connection.extract_statements(query["sql"])]
        if kinds != ["SELECT"]:
            raise ValueError(f"a query is one SELECT statement, but this text has {', '.join(kinds) or 'no statement'}")
        self.lock()
        return query["sql"]

    def lock(self):
        """Nothing but the tables' files can be read from now on, and nothing be written or set."""
        if self.locked:
            return
        # Both forms of a name: the one that the view has, and the one that DuckDB then finds.
        allowed = ", ".join(text(form) for file in self.files for form in dict.fromkeys([file, plain(file)]))
        self.connection.execute(f"SET allowed_paths = [{allowed}]")
        self.connection.execute("SET enable_external_access = false")
        self.connection.execute("SET lock_configuration = true")
        self.locked = True

    def run(self, sql):
        relation = self.connection.sql(sql)
        # Until 1.5 a relation kept its rows; since 2.0 only a materialised one does.
        return relation.materialize() if hasattr(relation, "materialize") else relation.execute()

    def plan(self, sql):
        told = self.connection.execute(f"EXPLAIN (FORMAT json) {sql}").fetchall()
        return "\n".join(drawn(json.loads(told[0][1])))

    def answer(self, output):
        columns = columns_of(output)
        picked = (picked_value(place, kind, str(output.types[place - 1])) for place, (_, kind) in enumerate(columns, 1))
        return answer(columns, output.project(", ".join(picked)).fetchall())

    def arrow(self, output):
        for (name, _), type in zip(columns_of(output), output.types, strict=True):
            if str(type) == "UHUGEINT":  # what is above 2^127 would come out negative
                raise incomparable(str(type), name)
        # A HUGEINT comes out as decimal128(38, 0), with all of its 128 bits.
        reader = "to_arrow_reader" if hasattr(output, "to_arrow_reader") else "fetch_arrow_reader"
        return getattr(output, reader)(65_536)


def drawn(operators, depth=0):
    """A plan in lines, as `src/engine/plan_tree.rs` draws it: plans of the two kinds of DuckDB can be compared."""
    indent = "  " * depth
    for operator in operators:
        yield indent + operator["name"].strip()
        for name, told in sorted(operator.get("extra_info", {}).items()):
            values = told if isinstance(told, list) else str(told).splitlines()
            values = ", ".join(filter(None, (str(value).strip() for value in values)))
            if values and name not in GUESSED:
                yield f"{indent}    {name}: {values}"
        yield from drawn(operator.get("children", []), depth + 1)


def columns_of(output):
    return [(name, kind(str(type), name)) for name, type in zip(output.columns, output.types, strict=True)]


def picked_value(place, kind, type):
    """The expression for the values of a column: of times the ints that `answer` takes.

    Python's own times end with the year 9999, and DuckDB makes text of what is beyond, or needs yet another package.
    """
    finite = f"isfinite(#{place})"
    if kind == "date":
        number, last = f"date_diff('day', DATE '1970-01-01', #{place})", 2**31 - 1
    elif type in ("TIMESTAMP_NS", "TIMESTAMPTZ_NS"):
        finite = f"isfinite(#{place}::TIMESTAMP_NS)"
        number, last = f"epoch_ns(#{place})", 2**63 - 1
    elif kind == "timestamp":
        number, last = f"epoch_us(#{place})::HUGEINT * 1000", (2**63 - 1) * 1000
    else:
        return f"#{place}"
    # What DuckDB calls infinity is the largest number that the type has; epoch_us would make NULL of it.
    past, future = f"#{place} < DATE '1970-01-01'", f"#{place} > DATE '1970-01-01'"
    return f"CASE WHEN {finite} THEN {number} WHEN {past} THEN -{last} WHEN {future} THEN {last} END"


def text(value):
    return "'" + value.replace("'", "''") + "'"


def plain(file):
    """A file's name as the pattern that matches nothing else: DuckDB takes every name for a pattern."""
    return re.sub(r"([*?[])", r"[\1]", file)


def quoted(name):
    return '"' + name.replace('"', '""') + '"'


def kind(type, column):
    if re.fullmatch(INTEGERS, type):
        return "int"
    if re.fullmatch(r"DECIMAL\(\d+,\d+\)", type):
        return "decimal"
    if re.fullmatch(r"ENUM\(.*\)", type):
        return "text"
    if re.fullmatch(rf"(VARCHAR|{INTEGERS})\[\]", type):
        return "list"
    if type not in KINDS:
        raise incomparable(type, column)
    return KINDS[type]


if __name__ == "__main__":
    serve("duckdb", DuckDbWheel)
