"""Answers out of Arrow: `arrow_answer` for some rows, `write_stream` for so many that no text should be made of them.

What this is not: a reason to install pyarrow. It is imported only where a stream is written, by an engine whose `arrow`
gave pyarrow's own batches.
"""

import re

from querydyno_values import answer, incomparable

#: Rows of a batch in a stream, at most.
BATCH = 65_536

#: How many nanoseconds are one of the unit of an Arrow time.
UNITS = {"s": 10**9, "ms": 10**6, "us": 10**3, "ns": 1}


def arrow_answer(table):
    """An answer of a pyarrow table."""
    columns = [(field.name, arrow_kind(field)) for field in table.schema]
    return answer(columns, zip(*map(arrow_values, table.columns), strict=True))


def arrow_kind(field):
    """The kind of an Arrow field; `Unsupported` for a type that no answer can hold."""
    arrow_type = str(field.type)
    # A column of nothing but NULLs has no type, and any kind can hold them.
    exact = {"bool": "bool", "null": "text", "halffloat": "float32", "float": "float32", "double": "float"}
    texts = ("string", "large_string", "string_view")
    # What stands before the brackets: timestamp[us], decimal128(15, 2), date32[day]. Of a list it is `list<item: ...>`.
    name = re.match(r"\w+", arrow_type)[0]
    if arrow_type in exact:
        return exact[arrow_type]
    if arrow_type in texts or re.fullmatch(r"dictionary<values=(large_)?string(_view)?, .*", arrow_type):
        return "text"
    if re.fullmatch(r"u?int\d+", arrow_type):
        return "int"
    if re.fullmatch(r"decimal\d+\(.*\)", arrow_type):
        return "decimal"
    if name in ("date32", "date64"):
        return "date"
    if name == "timestamp":
        return "timestamp"
    if name in ("list", "large_list") and arrow_kind(field.type.value_field) in ("text", "int"):
        return "list"
    raise incomparable(arrow_type, field.name)


def arrow_values(column):
    """The values of a pyarrow column as `answer` takes them, times as ints: Python's own end with the year 9999."""
    arrow_type = str(column.type)
    if arrow_type.startswith("date32"):
        return column.cast("int32").to_pylist()
    if arrow_type.startswith("date64"):
        return [None if value is None else value // 86_400_000 for value in column.cast("int64").to_pylist()]
    if arrow_type.startswith("timestamp"):
        unit = UNITS[column.type.unit]
        # With a zone or without one: what is stored is the time in UTC.
        return [None if value is None else value * unit for value in column.cast("int64").to_pylist()]
    return column.to_pylist()


def write_stream(source, path):
    """Writes all rows of `source` to `path` as an uncompressed stream of Arrow's IPC format; returns how many.

    `source` is a pyarrow table, a RecordBatchReader or whatever gives tables or batches, all with the same columns. They
    are written one after the other. The host reads the types from the stream itself, so only those it knows go in.
    """
    import pyarrow

    rows, writer = 0, None
    with pyarrow.OSFile(path, "wb") as file:
        try:
            for batch in _small_batches(source, pyarrow):
                if writer is None:
                    schema = pyarrow.schema(map(_plain_field, batch.schema))
                    writer = pyarrow.ipc.new_stream(file, schema)
                # By their places: names may be equal. A cast that would lose something is an error.
                columns = [
                    column if column.type == field.type else column.cast(field.type)
                    for column, field in zip(batch.columns, schema, strict=True)
                ]
                writer.write_batch(pyarrow.RecordBatch.from_arrays(columns, schema=schema))
                rows += batch.num_rows
        finally:
            if writer is not None:
                writer.close()
    return rows


def _small_batches(source, pyarrow):
    for part in [source] if isinstance(source, pyarrow.Table) else source:
        for batch in part.to_batches(max_chunksize=BATCH) if isinstance(part, pyarrow.Table) else [part]:
            for start in range(0, batch.num_rows, BATCH):
                yield batch.slice(start, BATCH)


def _plain_field(field):
    """The field as the host reads it: texts are plain texts, and all may be NULL.

    Of a view or a dictionary each batch would hold all texts, those of other batches too.
    """
    import pyarrow

    kind, of = arrow_kind(field), pyarrow.types
    if kind == "list":
        return pyarrow.field(field.name, pyarrow.large_list(_plain_field(field.type.value_field)))
    is_text = kind == "text" and not of.is_null(field.type)
    kept = not is_text or of.is_string(field.type) or of.is_large_string(field.type)
    return pyarrow.field(field.name, field.type if kept else pyarrow.large_string())
