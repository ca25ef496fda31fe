"""DataFusion as its makers ship it for Python, with its own defaults; planning is timed."""

import pathlib

from querydyno import Engine, Unsupported, arrow_answer, serve


class DataFusionWheel(Engine):
    def __init__(self, settings):
        import datafusion

        wanted = {**settings["options"], "datafusion.execution.target_partitions": str(settings["threads"])}
        config = datafusion.SessionConfig(wanted)
        runtime = datafusion.RuntimeEnvBuilder().with_disk_manager_specified(settings["scratch"])
        if settings["memory_limit_bytes"]:
            runtime = runtime.with_fair_spill_pool(settings["memory_limit_bytes"])
            wanted["memory_limit"] = str(settings["memory_limit_bytes"])
        self.context = datafusion.SessionContext(config, runtime)
        self.version = datafusion.__version__
        self.source = f"wheel datafusion {self.version}"
        self.settings = wanted

    def load(self, tables):
        for name, files in tables.items():
            if self.context.table_exist(name):
                self.context.deregister_table(name)
            self.context.register_parquet(name, one_path(files))

    def run(self, sql):
        frame = self.context.sql(sql)
        return frame.schema(), frame.collect()

    def rows(self, output):
        return sum(batch.num_rows for batch in output[1])

    def answer(self, output):
        import pyarrow

        schema, batches = output
        return arrow_answer(pyarrow.Table.from_batches(batches, schema))


def one_path(files):
    """What DataFusion for Python takes for a table: a file, or the folder whose Parquet files are the table's."""
    if len(files) == 1:
        return files[0]
    folder = pathlib.Path(files[0]).parent
    if {str(path) for path in folder.glob("*.parquet")} != set(files):
        raise Unsupported("a table of several files that are not one folder's cannot be registered from Python")
    return f"{folder}/"


if __name__ == "__main__":
    serve("datafusion", DataFusionWheel)
