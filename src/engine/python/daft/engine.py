"""Daft as its makers ship it for Python, on its native runner in this process (not on Ray), driven by its SQL.

Each run opens the files anew, plans and collects. What this is not: a home for query texts. Where Daft's dialect
needs another text than the canonical one, that text is in fixtures/tpch/queries/daft and says why.
"""

import inspect
import json
import os
import re

from querydyno import Engine, arrow_answer, serve

# Daft tells its makers of every import and of every query, and draws progress bars, unless it finds these.
QUIET = {"DAFT_ANALYTICS_ENABLED": "0", "DO_NOT_TRACK": "1", "SCARF_NO_ANALYTICS": "1", "DAFT_PROGRESS_BAR": "0"}


class Daft(Engine):
    def __init__(self, settings):
        os.environ.update(QUIET)
        import daft

        # Once and before all else: the first read would start a runner with a thread for each core. There is no
        # memory limit to set, since DAFT_MEMORY_LIMIT is for user-defined functions only, and nothing ever spills.
        daft.set_runner_native(num_threads=settings["threads"])
        configure(daft, settings["options"])
        self.daft = daft
        self.version = daft.__version__
        self.source = f"wheel daft {self.version}"
        self.settings = {**settings["options"], "runner": "native", "num_threads": str(settings["threads"])}

    def load(self, tables):
        self.tables = tables

    def prepare(self, query):
        # Only the tables that the text names: a run opens each of its files, and a table too many would be timed.
        words = set(re.findall(r"\w+", query["sql"]))
        return query["sql"], {name: files for name, files in self.tables.items() if name in words}

    def run(self, prepared):
        sql, tables = prepared
        frames = {name: self.daft.read_parquet(files) for name, files in tables.items()}
        return self.daft.sql(sql, register_globals=False, **frames).collect()

    def answer(self, output):
        return arrow_answer(output.to_arrow())


def configure(daft, options):
    """Hands options, whose values are text, to daft.set_execution_config, which takes them by name."""
    known = set(inspect.signature(daft.set_execution_config).parameters) - {"config"}
    for name, text in options.items():
        if name not in known:
            raise ValueError(f"Daft has no option {name}; it has {', '.join(sorted(known))}")
        try:
            daft.set_execution_config(**{name: value(text)})
        except (TypeError, ValueError, OverflowError) as error:
            raise ValueError(f"Daft's option {name} cannot be {text}: {error}") from error


def value(text):
    """A number, true, false or a list, where the text is one in JSON; else the text itself."""
    try:
        read = json.loads(text)
    except ValueError:
        return text
    # Daft takes None for an option that is not given, and a setting that is not one must not be reported.
    return text if read is None else read


if __name__ == "__main__":
    serve("daft", Daft)
