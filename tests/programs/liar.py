"""An engine that lies: one of ours for Python, whose results are spoiled by the lie that LIE names before anybody sees them.

LIAR is the file of the honest engine, whose environment this one runs in. It reads, counts and plans honestly. Lies are about
pyarrow's tables, so that an answer of any size is spoiled in the same way: as rows and as sums.
"""

import importlib.util
import itertools
import os
import sys

import pyarrow as pa
from querydyno import arrow_answer, serve


def changed(table, place, row, change):
    """The table with another value in one place."""
    column = table.column(place)
    value = pa.array([change(column[row].as_py())], column.type)
    chunks = [*column.slice(0, row).chunks, value, *column.slice(row + 1).chunks]
    return table.set_column(place, table.field(place), pa.chunked_array(chunks, column.type))


def places(table, *tests):
    found = [place for place, field in enumerate(table.schema) if any(test(field.type) for test in tests)]
    if not found:
        raise ValueError(f"nothing to lie about in {table.schema}")
    return found


def off_by_one(table):
    """A whole number of one row is one more than it is; the row is in the middle."""
    return changed(table, places(table, pa.types.is_integer)[-1], table.num_rows // 2, lambda value: value + 1)


def off_by_a_cent(table):
    return changed(table, places(table, pa.types.is_decimal)[-1], table.num_rows // 3, lambda value: value + type(value)("0.01"))


def float_off_by_one(table):
    return changed(table, places(table, pa.types.is_floating)[-1], table.num_rows // 2, lambda value: value + 1)


def wrong_sums(table):
    """As many rows as there are, and counts that are right, but what is summed up is a thousandth too large in each row."""
    for place in places(table, pa.types.is_floating, pa.types.is_decimal):
        column = table.column(place)
        more = [value if value is None else value + value / 1000 for value in column.to_pylist()]
        if pa.types.is_decimal(column.type):
            more = [value if value is None else round(value, column.type.scale) for value in more]
        table = table.set_column(place, table.field(place), pa.array(more, column.type))
    return table


def swapped_columns(table):
    """Two columns of one type under each other's name."""
    numbers = places(table, pa.types.is_integer, pa.types.is_decimal)[1:]
    alike = [pair for pair in itertools.pairwise(numbers) if len({table.schema[place].type for place in pair}) == 1]
    one, other = alike[-1]
    ours, theirs = table.column(one), table.column(other)
    return table.set_column(one, table.field(one), theirs).set_column(other, table.field(other), ours)


def swapped_values(table):
    """Two rows have each other's float."""
    place = places(table, pa.types.is_floating)[-1]
    one, other = table.column(place)[0].as_py(), table.column(place)[table.num_rows - 1].as_py()
    return changed(changed(table, place, 0, lambda _: other), place, table.num_rows - 1, lambda _: one)


def truncated(table):
    """Without the last row."""
    return table.slice(0, table.num_rows - 1)


def repeated(table):
    """The row before the last one in its place."""
    return pa.concat_tables([table.slice(0, table.num_rows - 1), table.slice(table.num_rows - 2, 1)])


LIES = [off_by_one, off_by_a_cent, float_off_by_one, wrong_sums, swapped_columns, swapped_values, truncated, repeated]


def liar(honest, lie):
    class Liar(honest):
        def run(self, prepared):
            output = super().run(prepared)
            # Sorted, so that it is the same lie at every run.
            table = pa.Table.from_batches(honest.arrow(self, output))
            return lie(table.sort_by(table.column_names[0]))

        def rows(self, output):
            return output.num_rows

        def answer(self, output):
            return arrow_answer(output)

        def arrow(self, output):
            return output

    return Liar


if __name__ == "__main__":
    sys.path.insert(0, os.path.dirname(os.environ["LIAR"]))
    spec = importlib.util.spec_from_file_location("honest", os.environ["LIAR"])
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    lies = {lie.__name__: lie for lie in LIES}
    serve("liar", liar(module.DuckDbWheel, lies[os.environ["LIE"]]))
