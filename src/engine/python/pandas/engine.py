"""pandas, with pyarrow as its Parquet reader: each query is a function, in tpch.py or in the folder tpcds, and a run
reads the files anew. Iceberg tables are read by pyiceberg, which gives Arrow tables.

What this is not: a reader of SQL. Of a query's text only the parameters are taken; a query that nobody wrote in
pandas is unsupported. pandas has no setting for memory; the host's own limit is the only one.
"""

import functools
import os

import querydyno_iceberg
from querydyno import Engine, Unsupported, arrow_answer, plans_by_suite, serve

# Native libraries below pandas read these once, when they are loaded.
THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS")


class Pandas(Engine):
    reads_s3 = True

    def __init__(self, settings):
        if settings["options"]:
            raise ValueError(f"pandas takes no options, but was given: {', '.join(sorted(settings['options']))}")
        threads = settings["threads"]
        os.environ.update(dict.fromkeys(THREAD_VARIABLES, str(threads)))

        iceberg = querydyno_iceberg.settings(threads, settings["s3"])

        import pandas
        import pyarrow.parquet

        self.pandas, self.pyarrow = pandas, pyarrow
        pyarrow.set_cpu_count(threads)
        pyarrow.set_io_thread_count(threads)
        self.stored = filesystem(settings["s3"]) if settings["s3"] else None
        self.workloads = plans_by_suite()
        #: Of each table a function that reads it.
        self.tables = {}
        #: Of each table a function that counts its rows.
        self.counts = {}
        self.version = pandas.__version__
        self.source = f"wheel pandas {self.version} with pyarrow {pyarrow.__version__}"
        self.settings = {
            **iceberg,
            **dict.fromkeys(THREAD_VARIABLES, str(threads)),
            "pyarrow.set_cpu_count": str(threads),
            "pyarrow.set_io_thread_count": str(threads),
        }

    def load(self, tables):
        self.tables |= {name: functools.partial(self.read_parquet, files) for name, files in tables.items()}
        self.counts |= {name: functools.partial(self.rows_of, files) for name, files in tables.items()}

    def load_folders(self, tables):
        import pyarrow.dataset

        for table in tables:
            column = self.pyarrow.field(table.column, self.pyarrow.string())
            partitioning = pyarrow.dataset.partitioning(self.pyarrow.schema([column]), flavor="hive")
            self.tables[table.name] = functools.partial(self.read_parquet, table.files, partitioning=partitioning)
            self.counts[table.name] = functools.partial(self.rows_of, table.files)

    def rows_of(self, files):
        """What pyarrow, which reads for pandas, takes the number of rows to be, without reading them."""
        import pyarrow.dataset

        files, filesystem = self.located(files)
        return pyarrow.dataset.dataset(files, format="parquet", partitioning=None, filesystem=filesystem).count_rows()

    def located(self, files):
        """The files as pyarrow calls them, and where they are: None on this machine."""
        if not files[0].startswith("s3://"):
            return files, None
        return [file.removeprefix("s3://") for file in files], self.stored

    def load_iceberg(self, tables):
        for table in tables:
            querydyno_iceberg.planned(table)
        self.tables |= {table.name: functools.partial(self.read_iceberg, table) for table in tables}
        self.counts |= {table.name: querydyno_iceberg.at_snapshot(table).scan().count for table in tables}

    def count(self, table):
        return self.counts[table]()

    def prepare(self, query):
        workload, name = query["workload"], query["name"]
        # No function has a dash in its name.
        compute = getattr(self.workloads.get(workload), name.replace("-", "_"), None)
        if compute is None:
            raise Unsupported(f"{name} of {workload} is not written in pandas")
        return functools.partial(compute, self.read, **self.workloads[workload].parameters(name, query["sql"]))

    def run(self, compute):
        return compute()

    def read(self, table, columns, filters=None):
        """The columns of a table in the rows where `filters` hold, which is pandas' list of (column, op, value)."""
        return self.tables[table](columns, filters)

    def answer(self, output):
        return arrow_answer(self.table(output, self.days(output)))

    def arrow(self, output):
        days = self.days(output)
        for start in range(0, len(output), 65_536):
            yield self.table(output.iloc[start : start + 65_536], days)

    def days(self, output):
        """The places of columns of days. pandas has no type of its own for them: they are the times all at midnight."""
        times = [place for place, dtype in enumerate(output.dtypes) if dtype.kind == "M"]
        there = {place: output.iloc[:, place].dropna() for place in times}
        return [place for place, column in there.items() if (column.dt.normalize() == column).all()]

    def table(self, frame, days):
        """A frame in Arrow's format, where all that pandas has for a missing value is NULL. Names may be equal."""
        arrays = [self.pyarrow.Array.from_pandas(frame.iloc[:, place]) for place in range(frame.shape[1])]
        for place in days:
            arrays[place] = arrays[place].cast(self.pyarrow.date32())
        return self.pyarrow.Table.from_arrays(arrays, names=[str(name) for name in frame.columns])

    def read_parquet(self, files, columns, filters, partitioning=None):
        """From Parquet files, whose columns are those in them: none comes from a path, unless `partitioning` says so.

        Decimals become doubles while Arrow reads: as Python's Decimals, which pandas makes of them otherwise, they
        would cost an object each. For the same reason a day is a datetime64 and no datetime.date.
        """
        pyarrow = self.pyarrow
        files, filesystem = self.located(files)
        schema = pyarrow.schema(
            field.with_type(pyarrow.float64()) if pyarrow.types.is_decimal(field.type) else field
            for field in [
                *pyarrow.parquet.read_schema(files[0], filesystem=filesystem),
                *(partitioning.schema if partitioning else []),
            ]
        )
        return self.pandas.read_parquet(
            files,
            filesystem=filesystem,
            columns=columns,
            filters=filters,
            schema=schema,
            partitioning=partitioning,
            to_pandas_kwargs={"date_as_object": False},
        )

    def read_iceberg(self, table, columns, filters):
        """From an Iceberg table; pyiceberg tests the filters on files first and on rows then."""
        pyarrow = self.pyarrow
        condition = condition_of(filters)
        scan = querydyno_iceberg.at_snapshot(table).scan(row_filter=condition, selected_fields=tuple(columns))
        read = scan.to_arrow().select(columns)
        schema = pyarrow.schema(
            field.with_type(pyarrow.float64()) if pyarrow.types.is_decimal(field.type) else field for field in read.schema
        )
        return read.cast(schema).to_pandas(date_as_object=False)


def filesystem(s3):
    """pyarrow's own reader of S3. What pandas takes by itself, s3fs, reads an object in small pieces, one after the other."""
    import pyarrow.fs

    scheme, _, host = (s3["endpoint"] or "https://").partition("://")
    return pyarrow.fs.S3FileSystem(
        region=s3["region"],
        access_key=s3["access_key_id"],
        secret_key=s3["secret_access_key"],
        session_token=s3["session_token"],
        endpoint_override=host or None,
        scheme=scheme,
        force_virtual_addressing=not s3["path_style"],
    )


def condition_of(filters):
    """pandas' list of (column, op, value), which all hold, or list of such lists, one of which does, for pyiceberg."""
    from pyiceberg import expressions as iceberg

    if not filters:
        return iceberg.AlwaysTrue()
    if isinstance(filters[0], list):
        return iceberg.Or(*map(condition_of, filters))
    ops = {
        "==": iceberg.EqualTo,
        "!=": iceberg.NotEqualTo,
        "<": iceberg.LessThan,
        "<=": iceberg.LessThanOrEqual,
        ">": iceberg.GreaterThan,
        ">=": iceberg.GreaterThanOrEqual,
        "in": iceberg.In,
        "not in": iceberg.NotIn,
    }
    # A Series or an Index of keys becomes a list of Python's own numbers.
    plain = [(column, op, getattr(value, "tolist", lambda value=value: value)()) for column, op, value in filters]
    return iceberg.And(iceberg.AlwaysTrue(), *(ops[op](column, value) for column, op, value in plain))


if __name__ == "__main__":
    serve("pandas", Pandas)
