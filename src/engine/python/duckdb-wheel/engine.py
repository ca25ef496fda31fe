"""DuckDB as its makers ship it for Python. Tables are views over read_parquet; planning is timed.

Iceberg tables are read by their files: DuckDB's own reader is an extension that it would have to download.
"""

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
    '"NULL"': "text",
}
INTEGERS = r"U?(TINY|SMALL|BIG|HUGE)INT|U?INTEGER"


class DuckDbWheel(Engine):
    def __init__(self, settings):
        import duckdb

        wanted = {**settings["options"], "threads": str(settings["threads"])}
        if settings["memory_limit_bytes"]:
            wanted["memory_limit"] = f"{settings['memory_limit_bytes']}B"
        self.duckdb = duckdb
        self.connection = duckdb.connect(config={**wanted, "temp_directory": settings["scratch"]})
        self.version = duckdb.__version__
        self.source = f"wheel duckdb {self.version}"
        self.settings = wanted

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

    def view(self, name, columns, files, options=""):
        paths = ", ".join("'" + plain(file).replace("'", "''") + "'" for file in files)
        # The values are in the files. Of a folder's name like `region=south` DuckDB would make a column, before the
        # files' own of that name.
        read = f"read_parquet([{paths}], hive_partitioning = false{options})"
        self.connection.execute(f"CREATE OR REPLACE VIEW {quoted(name)} AS SELECT {columns} FROM {read}")

    def run(self, sql):
        relation = self.connection.sql(sql)
        # Until 1.5 a relation kept its rows; since 2.0 only a materialised one does.
        return relation.materialize() if hasattr(relation, "materialize") else relation.execute()

    def answer(self, output):
        columns = [(name, kind(str(type))) for name, type in zip(output.columns, output.types, strict=True)]
        return answer(columns, output.fetchall())


def plain(file):
    """A file's name as the pattern that matches nothing else: DuckDB takes every name for a pattern."""
    return re.sub(r"([*?[])", r"[\1]", file)


def quoted(name):
    return '"' + name.replace('"', '""') + '"'


def kind(type):
    if re.fullmatch(INTEGERS, type):
        return "int"
    if re.fullmatch(r"DECIMAL\(\d+,\d+\)", type):
        return "decimal"
    if re.fullmatch(r"ENUM\(.*\)", type):
        return "text"
    if type not in KINDS:
        raise incomparable(type)
    return KINDS[type]


if __name__ == "__main__":
    serve("duckdb", DuckDbWheel)
