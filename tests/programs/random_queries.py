"""Random queries over a random table: `query(rng, table, columns)` gives SQL that DuckDB, Polars, DataFusion and Daft might take.

What one of them does not take is an error of that engine in that case, and the others are compared.
"""

AGGREGATES = {
    "int": ["count", "sum", "avg", "min", "max"],
    "dec": ["count", "sum", "avg", "min", "max"],
    "float": ["count", "sum", "avg", "min", "max"],
    "bool": ["count"],
    "text": ["count", "min", "max"],
    "date": ["count", "min", "max"],
    "ts": ["count", "min", "max"],
    "binary": ["count"],
    "list": ["count"],
    "struct": ["count"],
}
NUMBERS = ("int", "dec", "float")
#: Kinds that an answer can hold.
PLAIN = ("int", "dec", "float", "bool", "text", "date", "ts")


def query(rng, table, columns):
    """A text with `{table}` for the table's name, and whether its rows are the same at every run."""
    maker = rng.choices([project, aggregate, group, distinct, join, order, compute, shape], [4, 3, 4, 2, 2, 3, 6, 3])[0]
    return maker(rng, "{" + table + "}", Columns(rng, columns))


class Columns:
    """Picks columns, tame ones more often."""

    def __init__(self, rng, columns):
        self.rng, self.all = rng, columns

    def of(self, *kinds):
        found = [column for column in self.all if column.kind in kinds]
        tame = [column for column in found if column.tame]
        return self.rng.choice(tame if tame and self.rng.random() < 0.6 else found) if found else None

    def plain(self):
        return self.of(*PLAIN)

    def some(self, most):
        """Up to so many, seldom one that no answer can hold."""
        kinds = (*PLAIN, "binary", "list", "struct") if self.rng.random() < 0.05 else PLAIN
        return [self.of(*kinds) for _ in range(self.rng.randint(1, most))]


def quoted(column, table=""):
    name = '"' + column.name.replace('"', '""') + '"'
    return f"{table}.{name}" if table else name


def named(expressions):
    return ", ".join(f"{expression} AS c{number}" for number, expression in enumerate(expressions))


def condition(rng, columns, depth=0):
    if depth < 2 and rng.random() < 0.25:
        one, other = condition(rng, columns, depth + 1), condition(rng, columns, depth + 1)
        return rng.choice([f"({one} AND {other})", f"({one} OR {other})", f"NOT ({one})"])
    column = columns.plain()
    name = quoted(column)
    if rng.random() < 0.15:
        return f"{name} IS {rng.choice(['', 'NOT '])}NULL"
    if column.kind == "bool":
        return rng.choice([name, f"{name} = {rng.choice(column.literals)}"])
    if column.kind == "text" and rng.random() < 0.3:
        return f"{name} LIKE {rng.choice(['%a%', 'A%', '_', '%ß%', '%', 'z%'])!r}"
    literal = [rng.choice(column.literals) for _ in range(3)]
    return rng.choice(
        [f"{name} {rng.choice(['<', '<=', '>', '>=', '=', '<>'])} {literal[0]}"] * 4
        + [f"{name} IN ({', '.join(literal)})", f"{name} BETWEEN {literal[0]} AND {literal[1]}"]
    )


def where(rng, columns, share=0.5):
    return f" WHERE {condition(rng, columns)}" if rng.random() < share else ""


def project(rng, table, columns):
    key = ["id"] if rng.random() < 0.6 else []
    return f"SELECT {named(key + [quoted(column) for column in columns.some(4)])} FROM {table}{where(rng, columns)}", True


def aggregates(rng, columns, most):
    def one():
        column = columns.of(*AGGREGATES)
        function = rng.choice(AGGREGATES[column.kind])
        inner = f"DISTINCT {quoted(column)}" if function == "count" and column.kind in PLAIN and rng.random() < 0.3 else quoted(column)
        return rng.choice(["count(*)"] + [f"{function}({inner})"] * 6)

    return [one() for _ in range(rng.randint(1, most))]


def aggregate(rng, table, columns):
    return f"SELECT {named(aggregates(rng, columns, 5))} FROM {table}{where(rng, columns)}", True


def group(rng, table, columns):
    keys = list(dict.fromkeys(quoted(columns.plain()) for _ in range(rng.choice([1, 1, 2]))))
    having = rng.choice(["", "", "", " HAVING count(*) > 1"])
    return f"SELECT {named(keys + aggregates(rng, columns, 3))} FROM {table}{where(rng, columns, 0.3)} GROUP BY {', '.join(keys)}{having}", True


def distinct(rng, table, columns):
    return f"SELECT DISTINCT {named(quoted(column) for column in columns.some(2))} FROM {table}{where(rng, columns, 0.3)}", True


def join(rng, table, columns):
    kind = rng.choice(["JOIN", "LEFT JOIN"])
    if rng.random() < 0.5:
        picked = ["a.id", *(quoted(column, rng.choice("ab")) for column in columns.some(3))]
        return f"SELECT {named(picked)} FROM {table} a {kind} {table} b ON a.id = b.id", True
    key = quoted(columns.plain())
    return f"SELECT count(*) AS c0, min(a.id) AS c1, max(b.id) AS c2 FROM {table} a {kind} {table} b ON a.{key} = b.{key}", True


def order(rng, table, columns):
    picked = columns.some(3)
    key = quoted(rng.choice(picked))
    tail = rng.choice(["", " DESC", " NULLS FIRST", " DESC NULLS LAST"])
    unique = rng.random() < 0.8
    limit = rng.choice(["", f" LIMIT {rng.choice([0, 1, 5, 30])}", f" LIMIT {rng.choice([1, 5, 30])} OFFSET 2"])
    keys = f"{key}{tail}, id" if unique else f"{key}{tail}"
    return f"SELECT id AS k, {named(quoted(column) for column in picked)} FROM {table}{where(rng, columns, 0.2)} ORDER BY {keys}{limit}", not limit


def number(rng, columns):
    column = columns.of(*NUMBERS)
    name = quoted(column)
    other = quoted(columns.of(*NUMBERS))
    operator = rng.choice(["+", "-", "*"])
    forms = [f"{name} {operator} {rng.choice([1, 2, 3, 7, 1000])}"] * 2 + [f"{name} {operator} {other}"] * 2
    forms += [f"{name} / {rng.choice([2, 3, 7])}", f"{name} / {other}", f"{name} % 7", f"-{name}", f"abs({name})", f"{name} * 0.1"]
    forms += [f"CAST({name} AS {kind})" for kind in ("BIGINT", "DOUBLE", "INTEGER", "VARCHAR", "DECIMAL(18, 2)", "REAL")]
    forms += [f"round({name}, 1)", f"coalesce({name}, 0)", f"nullif({name}, {rng.choice(column.literals)})", f"floor({name})"]
    return rng.choice(forms)


def text(rng, columns):
    column = columns.of("text")
    if column is None:
        return number(rng, columns)
    name = quoted(column)
    return rng.choice(
        [f"upper({name})", f"lower({name})", f"length({name})", f"substr({name}, 2, 3)", f"{name} || '-'", f"trim({name})"]
        + [f"replace({name}, 'a', 'bb')", f"concat({name}, 'x')", f"CAST({name} AS BIGINT)", f"left({name}, 2)", f"reverse({name})"]
        + [f"CASE WHEN {name} LIKE 'a%' THEN 'yes' ELSE {name} END", f"coalesce({name}, 'none')", f"{name} < 'b'"]
    )


def time(rng, columns):
    column = columns.of("date", "ts")
    if column is None:
        return text(rng, columns)
    name = quoted(column)
    return rng.choice(
        [f"extract({part} FROM {name})" for part in ("year", "month", "day")]
        + [f"CAST({name} AS DATE)", f"CAST({name} AS TIMESTAMP)", f"CAST({name} AS VARCHAR)", f"date_trunc('month', {name})"]
    )


def case(rng, columns):
    column, other = columns.plain(), columns.plain()
    same = other if other.kind == column.kind else column
    return f"CASE WHEN {condition(rng, columns)} THEN {quoted(column)} {rng.choice([f'ELSE {quoted(same)} ', ''])}END"


def compute(rng, table, columns):
    picked = [rng.choice([number, number, text, time, case])(rng, columns) for _ in range(rng.randint(1, 3))]
    keys = ["id"] if rng.random() < 0.6 else []
    return f"SELECT {named(keys + picked)} FROM {table}{where(rng, columns, 0.3)}", True


def shape(rng, table, columns):
    """Texts whose shape is the odd thing, and nested columns."""
    column, filtered = columns.plain(), where(rng, columns)
    name = quoted(column)
    forms = [
        f"WITH w AS (SELECT id, {name} AS v FROM {table}{filtered}) SELECT count(*) AS c0, count(v) AS c1 FROM w",
        f"SELECT {name} AS c0 FROM {table}{filtered} UNION ALL SELECT {name} AS c0 FROM {table}",
        f"SELECT {name} AS \"it's; odd\" FROM {table} -- a comment; 'odd'\n{filtered}",
        f"SELECT c0, count(*) AS n FROM (SELECT {name} AS c0 FROM {table}{filtered}) s GROUP BY c0",
        f"SELECT id FROM {table} WHERE id IN (SELECT id FROM {table}{filtered})",
        f"SELECT sum({number(rng, columns)}) AS c0, count(*) AS c1 FROM {table}{filtered}",
        f"SELECT id, row_number() OVER (ORDER BY {name}, id) AS c0 FROM {table}",
        f"SELECT id, sum(id) OVER (PARTITION BY {name}) AS c0 FROM {table}",
    ]
    nested = columns.of("struct")
    if nested:
        forms += [f"SELECT id, {quoted(nested, 'x')}.n AS c0 FROM {table} x", f"SELECT id, {quoted(nested)}['s'] AS c0 FROM {table}"] * 2
    return rng.choice(forms), True
