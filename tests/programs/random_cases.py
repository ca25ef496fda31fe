"""Random tables and queries, and the check of what QueryDyno said of them; `tests/properties.rs` drives both.

    python random_cases.py make SEED TABLES QUERIES OUT     # OUT/t0/*.parquet ..., and OUT/queries.jsonl
    python random_cases.py check ANSWERS                    # exit code 1 when a verdict says more than the answers do

ANSWERS has one JSON object a line: the case, each engine's answer as it came over the pipe, and the verdicts. An engine is
called agreed only with engines whose answers are the same by `exact_compare.py`, which shares no code with QueryDyno. The
last line of the output is a JSON object that counts cases by how they ended.
"""

import collections
import itertools
import json
import os
import pathlib
import random
import sys

#: Of all cases, those that have to end with agreement: a test that verifies next to nothing shows nothing.
FEWEST_AGREED = 1 / 3


def make(seed, tables, queries, out):
    from random_queries import query
    from random_tables import write

    rng = random.Random(int(seed))
    out = pathlib.Path(out)
    made = {}
    for number in range(int(tables)):
        folder = rng.choice(["t{}", "t{}", "t {}", "t[{}]", "t'{}", "ü{}", "x=1-{}"]).format(number)
        made[f"t{number}"] = (out / folder, *write(rng, out / folder))
    with open(out / "queries.jsonl", "w", encoding="utf-8") as file:
        for number in range(int(queries)):
            table = rng.choice(list(made))
            folder, columns, rows = made[table]
            sql, steady = query(rng, table, columns)
            # How many rows are sent as text: of some cases so few that answers are compared by their sums.
            bound = rng.choice([0, 1, 5, 20]) if steady and rng.random() < 0.3 else None
            case = {"case": number, "seed": int(seed), "table": table, "folder": str(folder), "table_rows": rows}
            file.write(json.dumps({**case, "sql": sql, "bound": bound, "mixed": rng.random() < 0.5}) + "\n")


def check(answers):
    from exact_compare import check_examples

    check_examples()
    counts, faults = collections.Counter(), []
    with open(answers, encoding="utf-8") as file:
        for line in file:
            case = json.loads(line)
            (check_planted if case["fault"] else check_honest)(case, counts)
            faults += told_too_much(case)
    for case, text in faults:
        shown(case, text)
    problems = [
        (counts["agreed"] < FEWEST_AGREED * counts["cases"], "too few cases ended with agreement to show anything"),
        (counts["planted"] < counts["cases"] / 2, "too few cases had a planted fault to show anything"),
        (counts["planted_not_seen"] > 0, "a planted fault was not seen by exact_compare.py, where it has to be"),
    ]
    told = [text for there, text in problems if there]
    print("\n".join(told))
    counts["faults"] = len(faults)
    print(json.dumps(counts))
    return 1 if faults or told else 0


def check_honest(case, counts):
    counts["cases"] += 1
    counts[outcome(case)] += 1
    if any(engine.get("summed") for engine in case["engines"].values()):
        counts["summed"] += 1
        counts["summed_agreed"] += outcome(case) == "agreed"
    for name, engine in case["engines"].items():
        counts[f"{name}_{'answered' if 'answer' in engine else 'failed'}"] += 1
    if outcome(case) == "disputed" and not any(differ(case)):
        counts["disputed_though_equal"] += 1
        shown(case, "disputed, though the answers are the same")


def check_planted(case, counts):
    counts["planted"] += 1
    counts[f"planted_{outcome(case)}"] += 1
    others = [other for name, other in answered(case) if name != "liar"]
    # Another number of rows is a difference whatever else is in them.
    if case["fault"] in ("a row of NULLs", "the last row is gone") and others:
        counts["planted_not_seen"] += not any(different(case["engines"]["liar"], other) for other in others)


def outcome(case):
    kinds = {engine["verdict"]["kind"] for engine in case["engines"].values() if engine.get("verdict")}
    return next((kind for kind in ("disputed", "agreed", "unchecked") if kind in kinds), "failed")


def answered(case, key="verdict", kind=None):
    return [(name, engine) for name, engine in case["engines"].items() if engine.get(key) and kind in (None, engine[key]["kind"])]


def told_too_much(case):
    """Where a verdict is not borne out by the answers."""
    for key in ("verdict", "by_majority"):
        agreed = answered(case, key, "agreed")
        if key == "by_majority" and agreed == answered(case, "verdict", "agreed"):
            continue
        if agreed and len({tuple(engine["components"]) for _, engine in agreed}) < 2:
            yield case, f"{key}: one component alone is agreed"
        for (one, ours), (other, theirs) in itertools.combinations(agreed, 2):
            found = different(ours, theirs)
            if found:
                yield case, f"{key}: {one} and {other} are agreed, but {found}"
    for name, engine in case["engines"].items():
        if "CONTRADICTS" in engine.get("error", "") and not case["fault"]:
            yield case, f"{name} is not the same as rows and as sums"
    # Without --accept-majority all agree or none.
    kinds = {engine["verdict"]["kind"] for _, engine in answered(case)}
    if "agreed" in kinds and len(kinds) > 1:
        yield case, f"agreed beside {sorted(kinds)}"


def differ(case):
    return (different(ours, theirs) for (_, ours), (_, theirs) in itertools.combinations(answered(case), 2))


def different(ours, theirs):
    from exact_compare import difference

    one, other = ours["answer"], theirs["answer"]
    if one["rows"] == other["rows"] and [kind(column) for column in one["columns"]] == [kind(column) for column in other["columns"]]:
        return None
    return difference(one, other, ours["summed"] or theirs["summed"])


def kind(column):
    return column["kind"]


def shown(case, text):
    print(f"case {case['case']} of seed {case['seed']}, {case['table']}: {text}\n  {case['sql']}\n  planted: {case['fault']}")
    for name, engine in case["engines"].items():
        said = engine.get("error") or {"columns": engine["answer"]["columns"], "rows": engine["answer"]["rows"][:3]}
        print(f"  {name}{' (summed)' if engine.get('summed') else ''}: {str(said):.400}\n    {str(engine.get('verdict')):.400}")


if __name__ == "__main__":
    sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
    if sys.argv[1] == "make":
        make(*sys.argv[2:])
    else:
        sys.exit(check(*sys.argv[2:]))
