"""Small Parquet tables as people really have them, each a case of tests/odd_tables.rs or tests/odd_folders.rs.

Run by those tests: odd_tables.py FOLDER; needs pyarrow; writes FOLDER/<name>/*.parquet.
"""

import datetime as dt
import os
import sys

import pyarrow as pa
import pyarrow.parquet as pq

OUT = sys.argv[1]
ROWS = 20_000
MANY = 2_000_000
PLAIN = pa.table({"k": pa.array([i % 50 for i in range(ROWS)], pa.int32()), "v": pa.array(range(ROWS), pa.int64())})
# As Spark, Impala and Hive wrote timestamps for years.
INT96 = {"use_deprecated_int96_timestamps": True, "store_schema": False}


def at(path):
    path = os.path.join(OUT, path)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    return path


def write(path, table, **options):
    pq.write_table(table, at(path), **options)


def text(path, content=""):
    with open(at(path), "w", encoding="utf-8") as file:
        file.write(content)


def ints(values, width=pa.int32()):
    return pa.array(values, width)


def folders():
    write("plain/a.parquet", PLAIN)
    # What writers leave behind: none of it is part of the table.
    for part in ("part-00000", "part-00001"):
        for table in ("leftovers", "delta", "hudi"):
            write(f"{table}/{part}.parquet", PLAIN)
    write("leftovers/_temporary/0/_temporary/attempt_202611_0001_m_000001_3/part-00001.parquet", PLAIN)
    write("leftovers/.ipynb_checkpoints/part-00000-checkpoint.parquet", PLAIN)
    text("leftovers/_SUCCESS")
    removed = '{"remove":{"path":"part-00000.parquet","deletionTimestamp":2,"dataChange":true}}\n'
    text("delta/_delta_log/00000000000000000001.json", removed)
    text("hudi/.hoodie/hoodie.properties", "hoodie.table.name=hudi\n")
    # Links, one of them to the folder that holds it; other endings; names that are hard to type.
    write("elsewhere/b.parquet", PLAIN)
    write("links/real/a.parquet", PLAIN)
    os.symlink("../elsewhere", at("links/cold"))
    os.symlink("real", at("links/again"))
    os.symlink("..", at("links/real/up"))
    write("dangling/a.parquet", PLAIN)
    os.symlink("/nowhere/b.parquet", at("dangling/b.parquet"))
    for name in ("a.parquet", "b.PARQUET", "c.parq", "d.pq"):
        write(f"endings/{name}", PLAIN)
        write(f"unnamed/{name}", PLAIN)
    os.rename(at("unnamed/d.pq"), at("unnamed/000000_0"))
    write("export@20240101/a.parquet", PLAIN)
    write("days/year=2024/a.parquet", PLAIN)


def times():
    far = [dt.datetime(9999, 12, 31, 23, 59, 59), dt.datetime(1200, 3, 1), dt.datetime(2024, 6, 1, 12), None]
    stamps = pa.array(far, pa.timestamp("us"))
    # Beyond 64 bits of nanoseconds.
    write("int96/a.parquet", pa.table({"id": ints(range(4)), "ts": stamps}), **INT96)
    years = pa.array([dt.datetime(1500 + i, 3, 1) for i in range(400)], pa.timestamp("us"))
    write("int96_years/a.parquet", pa.table({"id": ints(range(400)), "ts": years}), **INT96)
    # 10000-01-01, -0001-10-21 (two years before the year 1), 1970-01-01, 9999-12-31.
    days = ints([2932897, -719600, 0, 2932896]).cast(pa.date32())
    write("faraway/a.parquet", pa.table({"id": ints(range(4)), "d": days}))
    zoned = pa.array([dt.datetime(2024, 3, 31, 1, 30)] * 30, pa.timestamp("us", tz="Europe/Berlin"))
    write("zoned/a.parquet", pa.table({"id": ints(range(30)), "z": zoned}))
    # One column in two units.
    millis = [1_700_000_000_123 + i for i in range(10)]
    write("two_units/a.parquet", pa.table({"id": ints(range(10)), "t": pa.array(millis, pa.timestamp("ms"))}))
    micros = pa.array(millis, pa.int64()).cast(pa.timestamp("us"))
    write("two_units/b.parquet", pa.table({"id": ints(range(10)), "t": micros}), **INT96)


def numbers():
    ids = [1_790_000_000_000_000_000 + i * 4096 for i in range(1000)]
    write("ids/a.parquet", pa.table({"id": ints(ids, pa.int64()), "g": ints([i % 2 for i in range(1000)])}))
    big = [2**63 + i for i in range(5)] + [1, 2, 3, 2**64 - 1]
    write("uint64/a.parquet", pa.table({"id": ints(range(9)), "u": ints(big, pa.uint64())}), row_group_size=3)
    price, qty = (ints([first + i for i in range(1000)]) for first in (50_000, 60_000))
    write("products/a.parquet", pa.table({"price": price, "qty": qty}))
    tenths = pa.array([0.1 * (i % 97) for i in range(ROWS)], pa.float32())
    write("float32/a.parquet", pa.table({"g": ints([i % 7 for i in range(ROWS)]), "x": tenths}))
    # What is left of its sum depends on the order in which it is added up.
    cancels = [10.0 ** (i % 5) / 3 for i in range(ROWS // 2)]
    cancels += [-x for x in sorted(cancels)]
    write("cancels/a.parquet", pa.table({"x": pa.array(cancels, pa.float64())}), row_group_size=3000)


def texts():
    names = ["user.name", "Amount (EUR)", "what's up", 'say "hi"', "größe", "Select", " lead", "a;b", "x--y"]
    write("names/a.parquet", pa.table({name: ints([i + j for j in range(40)]) for i, name in enumerate(names)}))
    values = ["Zürich", "zürich", "a", "a ", "", None, "tab\there", "line\nbreak", "quote'\"", "\U0001f600"]
    write("texts/a.parquet", pa.table({"id": ints(range(len(values))), "s": pa.array(values)}))
    rows = pa.array([f"row number {i}" for i in range(MANY)])
    write("many/a.parquet", pa.table({"id": ints(range(MANY), pa.int64()), "s": rows}))


for kind in (folders, times, numbers, texts):
    kind()
