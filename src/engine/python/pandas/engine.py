"""pandas, with pyarrow as its Parquet reader: each query is a function in tpch.py, and a run reads the files anew.

What this is not: a reader of SQL. Of a query's text only the parameters are taken; a query that nobody wrote in
pandas is unsupported. pandas has no setting for memory; the host's own limit is the only one.
"""

import functools
import os

from querydyno import Engine, Unsupported, answer, serve

# Native libraries below pandas read these once, when they are loaded.
THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS")

# By the letter that numpy has for a kind of dtype. Every datetime64 is a day here: TPC-H has no other times.
KINDS = {"i": "int", "u": "int", "f": "float", "b": "bool", "M": "date"}


class Pandas(Engine):
    def __init__(self, settings):
        if settings["options"]:
            raise ValueError(f"pandas takes no options, but was given: {', '.join(sorted(settings['options']))}")
        threads = settings["threads"]
        os.environ.update(dict.fromkeys(THREAD_VARIABLES, str(threads)))

        import pandas
        import pyarrow.parquet
        import tpch

        self.pandas, self.pyarrow = pandas, pyarrow
        pyarrow.set_cpu_count(threads)
        pyarrow.set_io_thread_count(threads)
        self.workloads = {"tpch": tpch}
        self.files = {}
        self.version = pandas.__version__
        self.source = f"wheel pandas {self.version} with pyarrow {pyarrow.__version__}"
        self.settings = {
            **dict.fromkeys(THREAD_VARIABLES, str(threads)),
            "pyarrow.set_cpu_count": str(threads),
            "pyarrow.set_io_thread_count": str(threads),
        }

    def load(self, tables):
        self.files = tables

    def prepare(self, query):
        workload, name = query["workload"], query["name"]
        compute = getattr(self.workloads.get(workload), name, None)
        if compute is None:
            raise Unsupported(f"{name} of {workload} is not written in pandas")
        return functools.partial(compute, self.read, **self.workloads[workload].parameters(name, query["sql"]))

    def run(self, compute):
        return compute()

    def answer(self, output):
        columns = [(name, kind(dtype)) for name, dtype in output.dtypes.items()]
        return answer(columns, zip(*(values(output[name]) for name, _ in columns), strict=True))

    def read(self, table, columns, filters=None):
        """The columns of a table in the rows where `filters` hold, which is pandas' list of (column, op, value).

        Decimals become doubles while Arrow reads: as Python's Decimals, which pandas makes of them otherwise, they
        would cost an object each. For the same reason a day is a datetime64 and no datetime.date.
        """
        pyarrow = self.pyarrow
        files = self.files[table]
        schema = pyarrow.schema(
            field.with_type(pyarrow.float64()) if pyarrow.types.is_decimal(field.type) else field
            for field in pyarrow.parquet.read_schema(files[0])
        )
        days = {"date_as_object": False}
        return self.pandas.read_parquet(files, columns=columns, filters=filters, schema=schema, to_pandas_kwargs=days)


def kind(dtype):
    return "text" if dtype == "str" else KINDS[dtype.kind]


def values(column):
    """A column as Python's values, with None for whatever pandas has for a missing one."""
    plain = column.dt.date if column.dtype.kind == "M" else column
    return plain.astype(object).where(column.notna(), None).tolist()


if __name__ == "__main__":
    serve("pandas", Pandas)
