"""DuckDB as its makers ship it for Python. Tables are views over read_parquet; planning is timed."""

from querydyno import Engine, answer, serve

#: DuckDB's names of types up to the first bracket, but the integers'.
KINDS = {"DECIMAL": "decimal", "DOUBLE": "float", "FLOAT": "float", "VARCHAR": "text", "DATE": "date", "BOOLEAN": "bool"}


class DuckDbWheel(Engine):
    def __init__(self, settings):
        import duckdb

        wanted = {**settings["options"], "threads": str(settings["threads"])}
        if settings["memory_limit_bytes"]:
            wanted["memory_limit"] = f"{settings['memory_limit_bytes']}B"
        self.connection = duckdb.connect(config={**wanted, "temp_directory": settings["scratch"]})
        self.version = duckdb.__version__
        self.source = f"wheel duckdb {self.version}"
        self.settings = wanted

    def load(self, tables):
        for name, files in tables.items():
            paths = ", ".join("'" + file.replace("'", "''") + "'" for file in files)
            self.connection.execute(f'CREATE OR REPLACE VIEW "{name}" AS SELECT * FROM read_parquet([{paths}])')

    def run(self, sql):
        relation = self.connection.sql(sql)
        # Until 1.5 a relation kept its rows; since 2.0 only a materialised one does.
        return relation.materialize() if hasattr(relation, "materialize") else relation.execute()

    def answer(self, output):
        columns = [(name, kind(str(type))) for name, type in zip(output.columns, output.types, strict=True)]
        return answer(columns, output.fetchall())


def kind(type):
    if type.startswith("TIMESTAMP"):
        return "timestamp"
    if type == "INTEGER" or type.endswith("INT"):
        return "int"
    if type.split("(")[0] not in KINDS:
        raise TypeError(f"a result column of type {type} cannot be compared yet")
    return KINDS[type.split("(")[0]]


if __name__ == "__main__":
    serve("duckdb", DuckDbWheel)
