#!/usr/bin/env python3
"""Load on the server's pages while results come in: `tests/load.py` (a minute and a half; needs Go, which compiles the load tool vegeta).

A history of 100,000 simulated results is made, the server opens it, a bench's journal grows by a record each second, and vegeta asks for
pages over 16 connections at 200 requests a second. Its times end with a page's last byte, so they are no better than those of the first.
Exit code 1: a goal is missed. What was measured is in src/docs/serving_measured.md.
"""

import argparse
import collections
import gzip
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parent.parent
VEGETA = "github.com/tsenart/vegeta/v12@v12.13.0"
GOALS = {"rate": 200, "p95_ms": 50, "page_kb": 300, "memory_mib": 300}


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--results", type=int, default=100_000, help="of the history that is made")
    options.add_argument("--seconds", type=int, default=60, help="how long pages are asked for")
    options.add_argument("--hand-in", type=float, default=1.0, metavar="SECONDS", help="a result is handed in so often")
    options = options.parse_args()
    target = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
    vegeta = load_tool(target)
    run("cargo", "xtask", "build", "history", "server")
    with tempfile.TemporaryDirectory(prefix="querydyno-load-") as home:
        home = pathlib.Path(home)
        env = os.environ | {"QUERYDYNO_HOME": str(home), "QUERYDYNO_HISTORY": str(home / "history.duckdb")}
        run("cargo", "xtask", "history", "demo", str(home / "history.duckdb"), "--results", str(options.results), "--journal", str(home), env=env)
        program = [target / "release/querydyno-server", "--port", "0", "--rate", "1000000"]
        server = subprocess.Popen(program, cwd=ROOT, env=env, stdout=subprocess.PIPE, text=True)
        try:
            base = server.stdout.readline().split()[0]
            good = measure(base, server, vegeta, home, options)
        finally:
            server.send_signal(signal.SIGTERM)
            server.wait(30)
    sys.exit(0 if good else 1)


def run(*command, env=None):
    subprocess.run(command, cwd=ROOT, env=env, check=True, stdout=sys.stderr)


def load_tool(target):
    """vegeta, as it is installed or compiled into the target folder."""
    tools = target / "querydyno" / "tools"
    found = shutil.which("vegeta", path=f"{tools}:{os.environ['PATH']}")
    if not found:
        run("go", "install", VEGETA, env=os.environ | {"GOBIN": str(tools)})
    return found or str(tools / "vegeta")


def get(url):
    request = urllib.request.Request(url, headers={"Accept-Encoding": "gzip"})
    with urllib.request.urlopen(request) as answer:
        body = answer.read()
        return body, gzip.decompress(body) if answer.headers.get("Content-Encoding") == "gzip" else body


def rows(base, path):
    return json.loads(get(base + path)[1])["rows"]


def pages(base):
    """What is asked for: each kind of page, with many of those that there are many of."""
    ranked = [row["query"] for row in rows(base, "/api/v1/best?limit=200")]
    queries = sorted(set(ranked))
    series = [row["series"] for row in rows(base, "/api/v1/series?limit=20")]
    records = [row["record"] for row in rows(base, "/api/v1/results?limit=100")]
    all_pages = [f"/query?query={query}" for query in queries]
    all_pages += [f"/series?key={key}" for key in series] + [f"/result?record={record}" for record in records]
    all_pages += ["/compare?sides=engines&first=duckdb&second=polars", "/compare?sides=engines&first=daft&second=pandas"]
    all_pages += ["/matrix?metric=peak_memory", "/matrix?metric=cpu_time"]
    # The ones with a link on each page are asked for more often.
    for place in range(0, len(all_pages) + 60, 10):
        all_pages[place:place] = ["/", "/matrix", "/compare", "/compatibility", "/runs", "/api"]
    return all_pages


def assets_kb(base, path):
    """What a browser fetches for a page beside it, gzipped; it does so once."""
    found = re.findall(r'(?:src|href)="(/assets/[^"]+)"', get(base + path)[1].decode())
    assert len(found) >= 2, path
    return sum(len(get(base + asset)[0]) for asset in found) / 1000


def hand_in(home, every, stop):
    """Appends records to a journal as a bench does; how many is in the list that it gives."""
    newest = max((home / "records").glob("*.jsonl"))
    record = json.loads(newest.read_text().splitlines()[0])
    written = []

    def write():
        with (home / "records" / "20991231T000000Z-1.jsonl").open("a") as journal:
            while not stop.wait(every):
                place = len(written)
                record["run_id"] = "20991231T000000Z-1"
                record["started_at"] = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime()) + f".{place % 1000:03}Z"
                journal.write(json.dumps(record) + "\n")
                journal.flush()
                written.append(place)

    thread = threading.Thread(target=write)
    thread.start()
    return written, thread


def attack(vegeta, targets, rate, seconds):
    """Every request that was made, and how many came back without an error in a second."""
    text = "".join(f"GET {url}\nAccept-Encoding: gzip\n\n" for url in targets)
    command = [vegeta, "attack", f"-rate={rate}", f"-duration={seconds}s", "-workers=16", "-max-workers=16", "-connections=16", "-timeout=30s"]
    attacked = subprocess.run(command, input=text.encode(), stdout=subprocess.PIPE, check=True).stdout
    encoded = subprocess.run([vegeta, "encode", "--to=json"], input=attacked, stdout=subprocess.PIPE, check=True).stdout
    report = subprocess.run([vegeta, "report", "--type=json"], input=attacked, stdout=subprocess.PIPE, check=True).stdout
    return [json.loads(line) for line in encoded.splitlines()], json.loads(report)["throughput"]


def memory_mib(server, what):
    status = pathlib.Path(f"/proc/{server.pid}/status").read_text()
    return int(re.search(rf"{what}:\s*(\d+)", status)[1]) / 1024


def percentile(values, part):
    values = sorted(values)
    return values[min(len(values) - 1, int(part * len(values)))]


def table(requests):
    kinds = collections.defaultdict(list)
    for request in requests:
        kinds["/" + request["url"].split("/", 3)[3].split("?")[0]].append(request)
    print(f"{'page':16} {'asked':>6} {'errors':>6} {'median':>8} {'p95':>8} {'p99':>8} {'most':>8} {'gzipped':>9}")
    for kind, requests in sorted(kinds.items()):
        times = [request["latency"] / 1e6 for request in requests]
        errors = sum(request["code"] != 200 for request in requests)
        size = max(request["bytes_in"] for request in requests) / 1000
        figures = [percentile(times, 0.5), percentile(times, 0.95), percentile(times, 0.99), max(times)]
        print(f"{kind:16} {len(requests):6} {errors:6} " + " ".join(f"{figure:6.1f}ms" for figure in figures) + f" {size:7.1f}kB")
        yield kind, percentile(times, 0.95), errors, size


def measure(base, server, vegeta, home, options):
    paths = pages(base)
    assets = max(assets_kb(base, path) for path in paths if path.startswith(("/series", "/matrix")))
    targets = [base + path for path in paths]
    stop = threading.Event()
    written, thread = hand_in(home, options.hand_in, stop)
    print(f"{options.results} results, {len(set(paths))} pages, 16 connections, a result handed in every {options.hand_in:g} s, {os.cpu_count()} cores\n")
    # Pages that are asked for the first time are in it.
    requests, throughput = attack(vegeta, targets, GOALS["rate"], options.seconds)
    kinds = list(table(requests))
    errors = sum(errors for *_, errors, _ in kinds)
    print(f"\nstyle, script and uPlot: {assets:.1f} kB gzipped, once")
    print(f"at {GOALS['rate']} requests a second: {throughput:.1f} answered a second, {errors} errors of {len(requests)}")
    flood, most = attack(vegeta, targets, 0, 10)
    bad = sum(request["code"] != 200 for request in flood)
    print(f"as fast as it can: {most:.0f} answered a second, {bad} errors of {len(flood)}")
    stop.set()
    thread.join()
    time.sleep(2)
    taken = len(rows(base, "/api/v1/results?limit=1000&run=20991231T000000Z-1"))
    peak, now = memory_mib(server, "VmHWM"), memory_mib(server, "VmRSS")
    print(f"handed in: {len(written)}, of which the history has {taken}; memory: {peak:.0f} MiB at most, {now:.0f} MiB at the end")
    goals = {
        "200 requests a second": throughput >= 0.99 * GOALS["rate"],
        "no error": errors == 0 and bad == 0,
        "p95 of every page below 50 ms": all(p95 < GOALS["p95_ms"] for _, p95, *_ in kinds),
        "every page with all that belongs to it below 300 kB gzipped": all(size + assets < GOALS["page_kb"] for *_, size in kinds),
        "memory below 300 MiB": peak < GOALS["memory_mib"],
        "every result handed in is there": taken == min(len(written), 1000),
    }
    for goal, is_met in goals.items():
        print(f"{'met   ' if is_met else 'MISSED'} {goal}")
    return all(goals.values())


if __name__ == "__main__":
    main()
