"""What the queries share: filters for `read`, and SQL's rules for NULL where pandas has others.

NULL is NaN in pandas. A merge would join NaN with NaN, a sum of nothing but NaN would be 0, `!=` would be true and a
group of NaN would be left out. Joins on a primary key need no care: it has no NULL.

What this is not: a query.
"""

import datetime

import numpy as np


def between(column, first, last):
    """The filter for values from `first` up to and with `last`."""
    return [(column, ">=", first), (column, "<=", last)]


def days_from(first, days):
    """The filter of date_dim for a day, written 1999-02-22, and so many after it."""
    day = datetime.date.fromisoformat(first)
    return between("d_date", day, day + datetime.timedelta(days=days))


def keys(read, table, column, filters):
    """The keys of the rows of a small table where the filters hold."""
    return read(table, [column], filters)[column]


def differ(left, right):
    """SQL's <>, which is not true where a side is NULL."""
    return left.notna() & right.notna() & (left != right)


def sums(frame, by, **columns):
    """SQL's sums of each group, as new="column". NULLs make a group, and a sum of nothing but NULLs is NULL.

    All that is summed here has two decimals or none. Rounded, equal sums of money are equal: the errors of floats would
    order them at random.
    """
    totals = frame.groupby(by, dropna=False, sort=False)[list(columns.values())].sum(min_count=1)
    return totals.set_axis(list(columns), axis="columns").round(2).reset_index()


def whole(frame, *columns):
    """With these columns as integers. pandas reads integers with NULLs as floats, for which it has NaN."""
    return frame.astype(dict.fromkeys(columns, "Int64"))


def ordered(frame, *by):
    """Sorted by columns, "-name" descending, with NULL as the smallest value. Only numbers descend."""
    names = [name.removeprefix("-") for name in by]
    ascending = [not name.startswith("-") for name in by]
    return frame.sort_values(names, ascending=ascending, na_position="first", key=_null_smallest)


def _null_smallest(column):
    """`na_position` would put NULLs first in descending columns too."""
    return column.fillna(-np.inf) if column.dtype.kind == "f" else column
