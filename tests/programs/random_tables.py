"""Random Parquet tables: `write(rng, folder)` makes one and returns what `random_queries.py` has to know of it.

All types that Parquet has, in one to three files, with NULLs, extremes, NaN, infinities and odd names. A column is tame or wild: of
tame ones sums do not overflow and groups have more than one row, so that engines have something to agree on.
"""

import dataclasses
import decimal
import math
import pathlib
import random
import struct

import pyarrow as pa
import pyarrow.parquet as pq

NAMES = [
    "a", "B", "mixedCase", "with space", "a;b", "x--y", "what's up", "Größe", "名前", "select", "order", "a.b", "1st", "_x",
    "{brace}", "/*c*/", "tab\there", "ünï", "A", "x%", "group", "t0", "NULL", "emoji😀", 'quo"te',
]  # fmt: skip
WORDS = ["", " ", "a", "A", "abc", "Abc", "zürich", "Zürich", "straße", "ß", "名前", "😀", "it's", "%", "_", "NULL", "null",
         "1", "01", "1.0", "nan", "a b", " a", "a ", "line\nbreak", "tab\t", "é", "e\u0301", "\u200b", "ÿ", "z" * 300, "\\", '"', ";"]  # fmt: skip
#: An engine's name for the kind of values, and how it is stored.
KINDS = ["int", "int", "uint", "dec", "dec", "float", "float", "float32", "bool", "text", "text", "dictionary", "date", "ts", "ts",
         "binary", "list", "struct"]  # fmt: skip
SECOND = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}


@dataclasses.dataclass
class Column:
    """A column as queries see it."""

    name: str
    #: int, dec, float, bool, text, date, ts, binary, list, struct
    kind: str
    #: Some of its values as SQL has them.
    literals: list
    tame: bool


def write(rng, folder):
    """Writes a table's files; returns its columns and the number of rows."""
    rows = rng.choice([0, 1, 2, 7, 40, 40, 150, 150, 300, 300, 700, 2000])
    names = rng.sample(NAMES, rng.randint(3, 9))
    fields, columns, arrays = [pa.field("id", pa.int64())], [Column("id", "int", ["0", "3", "17"], True)], [pa.array(range(rows), pa.int64())]
    for name in names:
        kind, tame = rng.choice(KINDS), rng.random() < 0.65
        array, literals = MAKERS[kind](rng, rows, tame)
        nulls = rng.choice([0, 0, 0.1, 0.5, 1 if rng.random() < 0.2 else 0])
        array = pa.array(with_nulls(rng, array, nulls), type=array.type) if nulls else array
        seen = {"uint": "int", "float32": "float", "dictionary": "text"}.get(kind, kind)
        fields.append(pa.field(name, array.type))
        arrays.append(array)
        columns.append(Column(name, seen, literals, tame))
    table = pa.table(arrays, schema=pa.schema(fields))
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True)
    cuts = sorted(rng.randint(0, rows) for _ in range(rng.choice([0, 0, 1, 2])))
    options = {
        "compression": rng.choice(["snappy", "none", "zstd", "gzip"]),
        "use_dictionary": rng.random() < 0.6,
        "data_page_version": rng.choice(["1.0", "2.0"]),
        "row_group_size": rng.choice([10, 100, 5000]),
        "write_statistics": rng.random() < 0.8,
        "use_deprecated_int96_timestamps": rng.random() < 0.08,
        "store_schema": rng.random() < 0.7,
    }
    if rng.random() < 0.15:
        options |= {"version": "1.0", "coerce_timestamps": "ms", "allow_truncated_timestamps": True, "use_deprecated_int96_timestamps": False}
    for number, (start, end) in enumerate(zip([0, *cuts], [*cuts, rows], strict=True)):
        pq.write_table(table.slice(start, end - start), folder / f"part-{number}.parquet", **options)
    return columns, rows


def with_nulls(rng, array, share):
    # Not by way of Python's values: its times end with the year 9999.
    places = [None if rng.random() < share else place for place in range(len(array))]
    return array.take(pa.array(places, pa.int64()))


def integers(rng, rows, tame, signed=True):
    bits = rng.choice([8, 16, 32, 64])
    low, high = (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if signed else (0, 2**bits - 1)
    if tame:
        low, high = max(low, rng.choice([-5, -100, 0])), min(high, rng.choice([3, 20, 120]))
        values = [rng.randint(low, high) for _ in range(rows)]
    else:
        ends = [low, low + 1, high, high - 1, max(low, -1), 0, 1, high // 2]
        values = [rng.choice(ends) if rng.random() < 0.3 else rng.randint(low, high) for _ in range(rows)]
    kind = getattr(pa, f"{'' if signed else 'u'}int{bits}")()
    return pa.array(values, kind), [str(value) for value in values[:4]] or ["1"]


def decimals(rng, rows, tame):
    precision = rng.choice([4, 9, 12, 15, 18]) if tame else rng.choice([1, 9, 18, 19, 30, 37, 38])
    scale = min(precision - 2, rng.choice([0, 2, 2, 4, 6])) if tame else rng.choice([0, precision, precision // 2, 2 % precision])
    most = 10 ** min(precision, scale + 3) - 1 if tame else 10**precision - 1
    unit = decimal.Decimal(1).scaleb(-scale, decimal.Context(prec=80))

    def value():
        units = rng.choice([most, -most, 0, 1, -1]) if not tame and rng.random() < 0.3 else rng.randint(-most, most)
        return decimal.Decimal(units).scaleb(-scale, decimal.Context(prec=80))

    values = [value() for _ in range(rows)]
    array = pa.array(values, pa.decimal128(precision, scale))
    return array, [format(value, "f") for value in values[:4]] or [format(unit, "f")]


def floats(rng, rows, tame, single=False):
    if tame:
        step = rng.choice([0.25, 0.1, 1.0, 1e-3])
        values = [rng.randint(-400, 400) * step for _ in range(rows)]
    else:
        big, tiny = (3.4028234663852886e38, 1e-45) if single else (1.7976931348623157e308, 5e-324)
        ends = [math.nan, math.inf, -math.inf, -0.0, 0.0, big, -big, tiny, -tiny, 1e16, 16777217.0, 9007199254740993.0, 0.1]
        values = [rng.choice(ends) if rng.random() < 0.25 else rng.uniform(-1, 1) * 10 ** rng.randint(-30, 30) for _ in range(rows)]
    if single:
        values = [struct.unpack("f", struct.pack("f", value))[0] for value in values]
    finite = [repr(value) for value in values if math.isfinite(value) and "e" not in repr(value)]
    return pa.array(values, pa.float32() if single else pa.float64()), finite[:4] or ["0.5"]


def texts(rng, rows, tame, dictionary=False):
    words = rng.sample(WORDS, 5) if tame or dictionary else WORDS

    def value():
        if tame or rng.random() < 0.5:
            return rng.choice(words)
        return "".join(chr(rng.choice([rng.randint(32, 126), rng.randint(0xA1, 0x24F), rng.randint(0x4E00, 0x4E80)])) for _ in range(rng.randint(0, 12)))

    values = [value() for _ in range(rows)]
    array = pa.array(values, pa.string())
    literals = ["'" + word.replace("'", "''") + "'" for word in rng.sample(words, 3) if "\\" not in word and len(word) < 50]
    return array.dictionary_encode() if dictionary else array, literals or ["'a'"]


def dates(rng, rows, tame):
    low, high = (19_000, 19_000 + rng.choice([5, 400])) if tame else rng.choice([(-719_162, 2_932_896), (-2_000_000, 5_000_000), (-100_000, 80_000)])
    days = pa.array([rng.randint(low, high) for _ in range(rows)], pa.int32())
    return days.view(pa.date32()), ["DATE '2022-01-08'", "DATE '2022-06-30'", "DATE '1969-12-31'"]


def timestamps(rng, rows, tame):
    unit, zone = rng.choice(["s", "ms", "us", "ns"]), rng.choice([None, None, "UTC", "America/New_York"])
    second = SECOND[unit]
    low, high = 1_640_000_000, 1_650_000_000
    if not tame:
        # The years that 64 bits of nanoseconds have, or nearly all of them.
        low, high = (-9_223_372_036, 9_223_372_035) if unit == "ns" or rng.random() < 0.5 else (-62_135_596_800, 253_402_300_799)
    step = second if tame and rng.random() < 0.5 else 1
    values = [rng.randint(low * second // step, high * second // step) * step for _ in range(rows)]
    return pa.array(values, pa.int64()).view(pa.timestamp(unit, zone)), ["TIMESTAMP '2022-01-08 00:00:00'", "TIMESTAMP '1969-12-31 23:59:59'"]


def binaries(rng, rows, tame):
    values = [rng.randbytes(rng.choice([0, 1, 2, 9])) for _ in range(rows)]
    return pa.array(values, pa.binary()), ["'a'"]


def lists(rng, rows, tame):
    values = [[rng.choice([None, 1, 2, 2**31 - 1]) for _ in range(rng.randint(0, 4))] for _ in range(rows)]
    return pa.array(values, pa.list_(pa.int32())), ["1"]


def structs(rng, rows, tame):
    values = [{"n": rng.choice([None, 1, 2, 3]), "s": rng.choice([None, "a", "b"])} for _ in range(rows)]
    return pa.array(values, pa.struct([("n", pa.int64()), ("s", pa.string())])), ["1"]


MAKERS = {
    "int": integers,
    "uint": lambda *given: integers(*given, signed=False),
    "dec": decimals,
    "float": floats,
    "float32": lambda *given: floats(*given, single=True),
    "bool": lambda rng, rows, tame: (pa.array([rng.random() < 0.5 for _ in range(rows)], pa.bool_()), ["true", "false"]),
    "text": texts,
    "dictionary": lambda *given: texts(*given, dictionary=True),
    "date": dates,
    "ts": timestamps,
    "binary": binaries,
    "list": lists,
    "struct": structs,
}

if __name__ == "__main__":
    import sys

    print(write(random.Random(int(sys.argv[1])), sys.argv[2]))
