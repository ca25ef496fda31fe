"""Whether two answers are the same, by exact decimals: `difference(one, other)`, in words, or None.

Written from the documentation of `src/host/verify/compare.rs` and without its code, so that the two can be held against each other. It
knows answers as the protocol has them: columns with kinds, rows of texts and nulls. Rows count as multisets.
"""

import bisect
import collections
import decimal

#: Enough for a sum of two numbers of 38 digits; a double has 309 before its point at most, and those are compared as they are.
decimal.setcontext(decimal.Context(prec=400, Emax=decimal.MAX_EMAX, Emin=decimal.MIN_EMIN))

Decimal = decimal.Decimal
RELATIVE, RELATIVE_SINGLE = Decimal("1e-9"), Decimal("2e-6")
NUMBERS = {"int", "decimal", "float", "float32"}
FLOATS = {"float", "float32"}
TIMES = {"date", "timestamp"}
SMALLEST_SINGLE = Decimal(2) ** -149
#: Both sides of a limit are the same to the last digit of a double.
EPSILON = Decimal(2) ** -50


class Rule:
    """How the values of a column are compared."""

    def __init__(self, kinds, values, summed):
        numbers = set(kinds) <= NUMBERS
        decimals = [places(side) for kind, side in zip(kinds, values, strict=True) if kind == "decimal"]
        self.unit, self.relative = Decimal(0), Decimal(0)
        #: Whether values that are the same are equal as they are read.
        self.exact = True
        self.read = Decimal if numbers else instant if set(kinds) <= TIMES else str
        if numbers and FLOATS & set(kinds):
            self.exact = False
            self.relative = RELATIVE_SINGLE if "float32" in kinds else RELATIVE
            self.unit = max([last_place(digits) for digits in decimals], default=Decimal(0))
        elif len(decimals) == 2 and decimals[0] != decimals[1]:
            # One of them may be an average that was cut.
            self.exact = False
            self.unit = last_place(min(decimals))

        if summed and self.relative == RELATIVE_SINGLE:
            # The digits of the smallest numbers of single precision are not the number: 1e-45 is 1.4e-45.
            self.unit = max(self.unit, SMALLEST_SINGLE / 512)
        if summed:
            # Of a bucket, which has some hundred rows: in single precision by their root, and cuts by their number and twice.
            self.relative *= 16 if self.relative == RELATIVE_SINGLE else 1
            self.unit *= 512

    def same(self, one, other):
        if self.exact or one is None or other is None:
            return one == other
        if not (one.is_finite() and other.is_finite()):
            return one.is_nan() and other.is_nan() or (not one.is_nan() and not other.is_nan() and one == other)
        larger = max(abs(one), abs(other))
        return abs(one - other) <= max(self.unit + EPSILON * larger, self.relative * larger * (1 + EPSILON))


def places(values):
    """Digits after the point, of the value with the most; without a value none."""
    return max((len(value.partition(".")[2]) for value in values if value is not None), default=0)


def last_place(digits):
    """What two averages may differ by; four digits are the fewest that one may be cut to."""
    return Decimal(1).scaleb(-max(digits, 4))


def instant(text):
    """A day or a time in one form; a day is its midnight."""
    day, _, clock = text.replace("T", " ").partition(" ")
    for zone in ("Z", "+00:00", "+00"):
        clock = clock.removesuffix(zone)
    clock, _, fraction = clock.partition(".")
    return day.lstrip("+"), clock or "00:00:00", fraction.rstrip("0")


def difference(one, other, summed=False):
    """How two answers differ, or None; `summed` where they were compared by their sums, which tell floats less exactly."""
    sides = [one, other]
    width = [len(side["columns"]) for side in sides]
    if width[0] != width[1]:
        return f"{width[0]} columns and {width[1]}"
    count = [len(side["rows"]) for side in sides]
    if count[0] != count[1]:
        return f"{count[0]} rows and {count[1]}"
    rules = []
    for place in range(width[0]):
        values = [[row[place] for row in side["rows"]] for side in sides]
        kinds = [side["columns"][place]["kind"] for side in sides]
        empty = [all(value is None for value in side) for side in values]
        # A column of nothing but NULLs goes with any type.
        kinds = [kinds[1], kinds[1]] if empty[0] else [kinds[0], kinds[0]] if empty[1] else kinds
        together = set(kinds)
        if len(together) > 1 and not together <= NUMBERS and not together <= TIMES:
            return f"column {place + 1} is {kinds[0]} and {kinds[1]}"
        rules.append(Rule(kinds, values, summed))
    exact = [place for place, rule in enumerate(rules) if rule.exact]
    loose = [place for place, rule in enumerate(rules) if not rule.exact]
    groups = [grouped(side["rows"], rules, exact, loose) for side in sides]
    for key in {**groups[0], **groups[1]}:
        ours, theirs = groups[0].get(key, []), groups[1].get(key, [])
        if len(ours) != len(theirs):
            return f"{len(ours)} rows and {len(theirs)} with {key}"
        left = unpaired(ours, theirs, [rules[place] for place in loose])
        if left is not None:
            return f"no partner for {left} of the rows with {key}"
    return None


def grouped(rows, rules, exact, loose):
    """The loose values of each row, by its exact ones."""
    groups = collections.defaultdict(list)
    for row in rows:
        read = [None if text is None else rule.read(text) for text, rule in zip(row, rules, strict=True)]
        groups[tuple(read[place] for place in exact)].append([read[place] for place in loose])
    return groups


def unpaired(ours, theirs, rules):
    """A row of ours that has no partner in any way to pair all of them, or None."""
    if not rules:
        return None

    def same(row, other):
        return all(rule.same(a, b) for rule, a, b in zip(rules, row, other, strict=True))

    def order(row):
        return [(value is None, value is not None and value.is_nan(), value if value is not None and not value.is_nan() else 0) for value in row]

    ours, theirs = sorted(ours, key=order), sorted(theirs, key=order)
    if all(map(same, ours, theirs)):
        return None
    # Kuhn's: whoever stands in the way is moved to another partner, if it has one.
    partners, orders = [], [order(other) for other in theirs]
    for row in ours:
        # What goes with its first value stands in one run.
        start = end = bisect.bisect_left(orders, order(row))
        while start > 0 and rules[0].same(row[0], theirs[start - 1][0]):
            start -= 1
        while end < len(theirs) and rules[0].same(row[0], theirs[end][0]):
            end += 1
        partners.append([place for place in range(start, end) if same(row, theirs[place])])
        if not partners[-1]:
            return ", ".join(map(str, row))
    taken = {}
    for start in range(len(ours)):
        came, open_rows, end = {}, [start], None
        while open_rows and end is None:
            row = open_rows.pop()
            for place in partners[row]:
                if place in came:
                    continue
                came[place] = row
                if place not in taken:
                    end = place
                    break
                open_rows.append(taken[place])
        if end is None:
            return ", ".join(map(str, ours[start]))
        while end is not None:
            row = came[end]
            before = next((place for place, owner in taken.items() if owner == row), None)
            taken[end] = row
            if before is not None:
                del taken[before]
            end = before if row != start else None
    return None


def check_examples():
    """Examples of what the documentation says; an error is one of this file."""

    def told(same, one, other):
        sides = [{"columns": [{"kind": kind} for kind in kinds.split()], "rows": rows} for kinds, rows in (one, other)]
        assert (difference(*sides) is None) == same, (same, one, other)

    told(True, ("int", [["7"], ["8"]]), ("decimal", [["8.00"], ["7"]]))
    told(False, ("int", [["7000000000000000"]]), ("decimal", [["7000000000000001"]]))
    told(True, ("int", [["7"]]), ("float", [["7.000000001"]]))
    told(False, ("int", [["7"]]), ("float", [["7.0000001"]]))
    told(True, ("decimal", [["10.3333"]]), ("decimal", [["10.333333"]]))
    told(False, ("decimal", [["10.33"]]), ("decimal", [["10.333333"]]))
    told(False, ("decimal", [["98765432109876543210.33"]]), ("decimal", [["98765432109876543210.34"]]))
    told(True, ("date", [["2026-01-01"]]), ("timestamp", [["2026-01-01 00:00:00"]]))
    told(False, ("date", [["2026-01-01"]]), ("timestamp", [["2026-01-01 00:00:00.000000001"]]))
    told(False, ("text", [["1"]]), ("int", [["1"]]))
    told(True, ("text", [[None]]), ("int", [[None]]))
    told(False, ("float", [["nan"]]), ("float", [["inf"]]))
    told(False, ("float", [[None]]), ("float", [["nan"]]))
    told(False, ("text", [["a"], ["a"], ["b"]]), ("text", [["a"], ["b"], ["b"]]))
    told(True, ("float float", [["nan", "1"], ["inf", "2"], [None, "3"]]), ("float float", [["inf", "2"], ["nan", "1"], [None, "3"]]))
    told(True, ("float float", [["1.0000000001", "5"], ["1", "6"]]), ("float float", [["1.0000000001", "6"], ["1", "5"]]))
    told(False, ("float float", [["1", "5"], ["2", "6"]]), ("float float", [["1", "6"], ["2", "5"]]))
    told(True, ("float32", [["0.1"]]), ("float", [["0.10000000149"]]))
