"""DataFusion as its makers ship it for Python, with its own defaults; planning is timed.

It has no reader of Iceberg: such tables are read by their files. A text may read and nothing else.
"""

import pathlib
import re
import tempfile

from querydyno import Engine, Unsupported, arrow_answer, serve, told_by_files


class DataFusionWheel(Engine):
    reads_s3 = True

    def __init__(self, settings):
        import datafusion

        self.scratch = settings["scratch"]
        self.column = datafusion.col
        wanted = {
            "datafusion.execution.time_zone": "UTC",
            **settings["options"],
            "datafusion.execution.target_partitions": str(settings["threads"]),
        }
        config = datafusion.SessionConfig(wanted)
        runtime = datafusion.RuntimeEnvBuilder().with_disk_manager_specified(settings["scratch"])
        if settings["memory_limit_bytes"]:
            runtime = runtime.with_fair_spill_pool(settings["memory_limit_bytes"])
            wanted["memory_limit"] = str(settings["memory_limit_bytes"])
        self.context = datafusion.SessionContext(config, runtime)
        self.s3 = settings["s3"]
        self.buckets = set()
        self.reading = datafusion.SQLOptions()
        for allow in ("ddl", "dml", "statements"):
            self.reading = getattr(self.reading, f"with_allow_{allow}")(False)
        self.version = datafusion.__version__
        self.source = f"wheel datafusion {self.version}"
        self.settings = wanted

    def load(self, tables):
        for name, files in tables.items():
            self.register(name, files)

    def load_iceberg(self, tables):
        for table in told_by_files(tables, by_name=True):
            if not table.evolved:
                self.register(table.name, table.files)
                continue
            # What is registered has every column of any file, and NULL where a file lacks it.
            whole = f"{table.name}_of_all_columns"
            self.register(whole, table.files)
            frame = self.context.table(whole)
            missing = set(table.columns) - set(frame.schema().names)
            if missing:
                raise Unsupported(f"{table.name} has columns that none of its files has: {', '.join(sorted(missing))}")
            self.forget(table.name)
            self.context.register_view(table.name, frame.select(*map(self.column, map(quoted, table.columns))))

    def load_folders(self, tables):
        import pyarrow

        for table in tables:
            self.forget(table.name)
            columns = [(table.column, pyarrow.string())]
            self.context.register_parquet(table.name, f"{table.root}/", table_partition_cols=columns)

    def register(self, name, files):
        self.forget(name)
        stored = [file for file in files if file.startswith("s3://")]
        if stored:
            self.reach(stored)
        self.context.register_parquet(name, one_object(files) if stored else one_path(files, self.scratch))

    def reach(self, files):
        """Makes the buckets of these objects known."""
        from datafusion.object_store import AmazonS3

        for bucket in {bucket_of(file) for file in files} - self.buckets:
            store = AmazonS3(
                bucket_name=bucket,
                region=self.s3["region"],
                access_key_id=self.s3["access_key_id"],
                secret_access_key=self.s3["secret_access_key"],
                session_token=self.s3["session_token"],
                endpoint=self.s3["endpoint"],
                allow_http=True,
            )
            self.context.register_object_store("s3://", store, bucket)
            self.buckets.add(bucket)

    def forget(self, name):
        if self.context.table_exist(name):
            self.context.deregister_table(name)

    def count(self, table):
        return self.context.sql(f"SELECT count(*) FROM {quoted(table)}").collect()[0].column(0)[0].as_py()

    def run(self, sql):
        frame = self.context.sql_with_options(sql, self.reading)
        return frame.schema(), frame.collect()

    def plan(self, sql):
        return self.context.sql_with_options(sql, self.reading).execution_plan().display_indent()

    def rows(self, output):
        return sum(batch.num_rows for batch in output[1])

    def answer(self, output):
        import pyarrow

        schema, _ = output
        return arrow_answer(pyarrow.concat_tables(self.arrow(output)) if self.rows(output) else schema.empty_table())

    def arrow(self, output):
        """The batches as tables of the same types, column by column: names may be equal.

        Not by the schema of the plan as it was written: what came out of it may be wider, or have no NULLs.
        """
        import pyarrow

        schema, batches = output
        places = [str(place) for place in range(len(schema))]
        schemas = [pyarrow.schema(zip(places, (column.type for column in batch.columns), strict=True)) for batch in batches]
        unified = pyarrow.unify_schemas(schemas, promote_options="permissive")
        for batch in batches:
            columns = [column.cast(type) for column, type in zip(batch.columns, unified.types, strict=True)]
            yield pyarrow.Table.from_arrays(columns, names=schema.names)


def quoted(name):
    """A column's name as it is; DataFusion would make it lower case."""
    return '"' + name.replace('"', '""') + '"'


def one_path(files, scratch):
    """What DataFusion for Python takes for a table: a file, or the folder whose Parquet files are the table's.

    Files that are not all of one folder get a folder of links to them, as do those that it would take for patterns, and
    those that end in anything but `.parquet`, which it would pass over.
    """
    plain = all(re.fullmatch(r"[^*?[]+\.parquet", file) for file in files)
    if len(files) == 1 and plain:
        return files[0]
    folder = pathlib.Path(files[0]).parent
    # It would look into folders below of names like `year=2024`, too.
    if {str(path) for path in folder.rglob("*.parquet")} == set(files) and plain:
        return f"{folder}/"
    links = pathlib.Path(tempfile.mkdtemp(dir=scratch))
    for number, file in enumerate(files):
        (links / f"{number:06}.parquet").symlink_to(file)
    return f"{links}/"


def bucket_of(file):
    return file.removeprefix("s3://").split("/")[0]


def one_object(files):
    """The same of objects on S3: one of them, or the folder whose Parquet objects are the table's. Each of our tables has such a
    folder; of another's, the rows that the engine counts would tell that the folder holds more.
    """
    # It decodes a key once more, and reads the object whose key that is, if there is one.
    if any("%" in file for file in files):
        raise Unsupported("DataFusion for Python reads another object where a key has a % in it")
    if len(files) == 1:
        return files[0]
    folders = {file.rsplit("/", 1)[0] for file in files}
    if len(folders) > 1 or not all(file.endswith(".parquet") for file in files):
        raise Unsupported("DataFusion for Python takes one object, or a folder's objects that end in .parquet, for a table")
    return f"{folders.pop()}/"


if __name__ == "__main__":
    serve("datafusion", DataFusionWheel)
