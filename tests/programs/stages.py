"""A scripted engine that stops at the stage which a file names, in the way which the same file names.

`stages.py PROTOCOL FILE`. Without the file it is an ordinary engine whose query gives one row. The file holds `STAGE WAY`; when the
stage is reached, `FILE.reached` appears. Ways: `crash` (signal 6), `hang` (for ever), both with a child that would go on for ever;
`wait`, a hang without a child; `pause`, which goes on when `FILE.reached` is gone; `end`, which goes on at once.
"""

import json
import os
import resource
import subprocess
import sys
import time

PROTOCOL, FILE = int(sys.argv[1]), sys.argv[2]
REACHED = FILE + ".reached"
# The first run is verified, the second warms up: who starts this asks for no more of those.
RUNS = {1: "verify", 2: "warm-up", 5: "sample"}
ANSWERS = {1: "answer", 2: "last-answer"}


def told():
    try:
        with open(FILE) as file:
            return file.read().split()
    except FileNotFoundError:
        return None, None


STAGE, WAY = told()


def at(stage):
    if stage != STAGE:
        return
    if WAY in ("crash", "hang"):
        subprocess.Popen(["sleep", "100000"], stdin=subprocess.DEVNULL)
    with open(REACHED, "w"):
        pass
    if WAY == "crash":
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        os.abort()
    while WAY in ("hang", "wait") or (WAY == "pause" and os.path.exists(REACHED)):
        time.sleep(0.005)


def run(iterations):
    durations = []
    for number in range(iterations):
        # The host waits for longer than it is told, so that one run warms up.
        time.sleep(0.003)
        durations.append(1000 + number + time.perf_counter_ns() % 100)
    return {"rows": 1, "durations_ns": durations}


def main():
    runs = answers = 0
    at("start")
    say = lambda did, **fields: print(json.dumps({"did": did, **fields}), flush=True)
    say("hello", protocol=PROTOCOL, engine="scripted")
    for line in sys.stdin:
        request = json.loads(line)
        do, reply = request["do"], {}
        if do == "open":
            with open(os.path.join(request["settings"]["scratch"], "spill"), "w") as file:
                file.write("a spill file")
            reply = {"info": {"version": "1", "build": {}, "settings": {}}}
        elif do == "load":
            reply = {"load_ns": 1}
        elif do == "run":
            runs += 1
            reply = run(request["iterations"])
        elif do == "answer":
            answers += 1
            reply = {"answer": {"columns": [{"name": "n", "kind": "int"}], "rows": [["7"]]}}
        if do == "run":
            at("phases" if request.get("observe") else RUNS.get(runs))
        else:
            at(ANSWERS.get(answers) if do == "answer" else do)
        say(do, **reply)
    at("close")


main()
