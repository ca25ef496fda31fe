"""Result values in the form that they have in an answer: `answer` makes one of Python's values.

What this is not: a reader of Arrow, which is querydyno_arrow.py, or a place that knows an engine. It needs no package.

| kind | text |
|---|---|
| int, decimal | plain digits |
| float, float32 | Python's repr, float32 in the fewest digits that make it; nan, inf, -inf |
| text | itself |
| date | 2024-02-29 in the proleptic Gregorian calendar with astronomical years: 0000-02-29, -0001-03-01, +10000-01-01 |
| timestamp | the date, a blank, 12:30:00.25 with as many digits as needed, nine at most; one with a zone is in UTC |
| bool | true, false |
| list | of texts or ints, as JSON without blanks: ["a","b"] |
"""

import datetime
import decimal
import json
import math
import struct

KINDS = ("int", "decimal", "float", "float32", "text", "date", "timestamp", "bool", "list")
NANOSECONDS_A_DAY = 86_400 * 10**9


class Unsupported(Exception):
    """The engine cannot do this by its nature: its cell is skipped with this reason instead of failing."""


def answer(columns, rows):
    """An answer of `columns`, pairs of name and kind, and `rows` of Python values.

    A date may be an int, the days since 1970-01-01, and a timestamp the nanoseconds since then: Python's own end with
    the year 9999, and know no nanoseconds. Names may be equal.
    """
    for name, kind in columns:
        if kind not in KINDS:
            raise ValueError(f"result column '{name}' has the kind '{kind}'; the kinds are {', '.join(KINDS)}")
    writers = [_WRITERS.get(kind, _text) for _, kind in columns]
    return {
        "columns": [{"name": name, "kind": kind} for name, kind in columns],
        "rows": [
            [None if value is None else write(value) for write, value in zip(writers, row, strict=True)] for row in rows
        ],
    }


def incomparable(kind, column=None):
    """Why a result column of a type that no answer can hold leaves a time unchecked. Name the column if you can."""
    named = f"the result column '{column}'" if column is not None else "a result column"
    return Unsupported(f"{named} of type {kind} cannot be compared yet: cast it in the query, to text for example")


def date_text(days):
    """The date that is so many days after 1970-01-01; any int will do."""
    # Counted in eras of 400 years that begin on the first of March, after Howard Hinnant's `civil_from_days`.
    era, day = divmod(days + 719_468, 146_097)
    year = (day - day // 1_460 + day // 36_524 - day // 146_096) // 365
    day -= 365 * year + year // 4 - year // 100
    month = (5 * day + 2) // 153
    day -= (153 * month + 2) // 5
    month = month + 3 if month < 10 else month - 9
    year += 400 * era + (month <= 2)
    # The sign stands where four digits do not say all.
    sign = "-" if year < 0 else "+" if year > 9999 else ""
    return f"{sign}{abs(year):04}-{month:02}-{day + 1:02}"


def timestamp_text(nanoseconds):
    """The time that is so many nanoseconds after 1970-01-01 00:00:00; any int will do."""
    days, rest = divmod(nanoseconds, NANOSECONDS_A_DAY)
    seconds, fraction = divmod(rest, 10**9)
    digits = f".{fraction:09}".rstrip("0").rstrip(".")
    return f"{date_text(days)} {seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}{digits}"


def _text(value):
    """A value in the form that its type has; what has a form already stays as it is."""
    match value:
        case str():
            return value
        case bool():
            return "true" if value else "false"
        case decimal.Decimal():
            return format(value, "f")
        case float():
            return repr(value)
        case datetime.datetime():
            return _timestamp(value)
        case datetime.date():
            return _date(value)
    # numpy's numbers know how to become Python's; an int is its own text.
    return str(value) if isinstance(value, int) else _text(value.item())


def _single(value):
    """A number of single precision in the fewest digits that make it, as other engines write it; Python knows doubles."""
    if not math.isfinite(value):
        return _text(value)
    shorter = (f"{value:.{digits}g}" for digits in range(1, 10))
    fewest = next(text for text in shorter if struct.pack("f", float(text)) == struct.pack("f", value))
    return repr(float(fewest))


def _date(value):
    if isinstance(value, int):
        return date_text(value)
    if isinstance(value, datetime.date):
        return date_text(value.toordinal() - datetime.date(1970, 1, 1).toordinal())
    return value if isinstance(value, str) else _date(value.item())


def _timestamp(value):
    if isinstance(value, int):
        return timestamp_text(value)
    if isinstance(value, datetime.datetime):
        plain = value.astimezone(datetime.UTC).replace(tzinfo=None) if value.tzinfo else value
        micros = (plain - datetime.datetime(1970, 1, 1)) // datetime.timedelta(microseconds=1)
        # pandas' Timestamp is a datetime with something more.
        return timestamp_text(1000 * micros + getattr(value, "nanosecond", 0))
    if isinstance(value, datetime.date):
        return f"{_date(value)} 00:00:00"
    return value if isinstance(value, str) else _timestamp(value.item())


def _list(value):
    """A list of texts or ints; numpy's arrays know how to become lists."""
    elements = value.tolist() if hasattr(value, "tolist") else list(value)
    return json.dumps(elements, ensure_ascii=False, separators=(",", ":"))


_WRITERS = {"float32": _single, "date": _date, "timestamp": _timestamp, "list": _list}
