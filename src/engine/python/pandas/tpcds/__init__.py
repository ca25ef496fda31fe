"""27 of the queries of TPC-DS in pandas, one function each, with the qualification values of the specification.

Chosen are those that read as DataFrame code is usually written, which are also the ones that comparisons of DataFrame
engines take first: one to three large tables, joined with small ones, then grouped, sorted and cut.

| file | about | queries |
|---|---|---|
| revenue.py | revenue of brands and items | ds3 ds12 ds20 ds42 ds43 ds52 ds55 ds65 ds92 ds98 |
| customers.py | who bought | ds7 ds15 ds19 ds26 ds68 ds73 ds79 ds91 ds96 |
| logistics.py | stock, returns and shipping | ds21 ds25 ds29 ds37 ds50 ds62 ds82 ds99 |

frames.py has what they share. `read(table, columns, filters)` gives a fresh DataFrame with money as float64, text as
str and days as datetime64. Conditions on constants, or on keys of small tables, are its `filters`: Arrow tests them
while it reads. All else is pandas, and the order of the steps is written by hand.

What this is not: the whole suite. Rollups, set operations and queries that are mostly nested subqueries are missing:
their pandas code would be a translation of SQL that nobody writes.
"""

from .customers import ds7, ds15, ds19, ds26, ds68, ds73, ds79, ds91, ds96
from .logistics import ds21, ds25, ds29, ds37, ds50, ds62, ds82, ds99
from .revenue import ds3, ds12, ds20, ds42, ds43, ds52, ds55, ds65, ds92, ds98

__all__ = [
    "ds3",
    "ds7",
    "ds12",
    "ds15",
    "ds19",
    "ds20",
    "ds21",
    "ds25",
    "ds26",
    "ds29",
    "ds37",
    "ds42",
    "ds43",
    "ds50",
    "ds52",
    "ds55",
    "ds62",
    "ds65",
    "ds68",
    "ds73",
    "ds79",
    "ds82",
    "ds91",
    "ds92",
    "ds96",
    "ds98",
    "ds99",
    "parameters",
]


def parameters(name, sql):
    """What a query's function takes beside `read`: nothing, since no text depends on the scale."""
    return {}
